//! RFC 3261 §13, §17: calls over a network that loses, doubles and reorders a fifth of everything.

use crate::world::{Kind, Link, Play, World};

/// Plays all calls to the end and checks what both applications have seen.
fn check(seed: u64, calls: usize, via_proxy: bool, transport: &str) {
    let mut world = World::new(seed);
    world.set_link(Link::bad());
    let Play {
        world,
        caller,
        callee,
        ..
    } = Play::new(world, 0..calls, via_proxy, transport);
    world.finish();
    let (caller, callee) = (caller.borrow(), callee.borrow());
    let mut unlucky = 0;
    for number in 0..calls {
        let finals = caller.finals.get(&number).cloned().unwrap_or_default();
        assert_eq!(finals.len(), 1, "call {number} has ended with {finals:?}");
        let status = finals.first().copied().unwrap_or_default();
        let seen = callee.seen.get(&number).copied().unwrap_or_default();
        assert!(
            seen <= 1,
            "call {number} has reached the callee {seen} times"
        );
        let expected = match Kind::of(number) {
            Kind::Busy => 486,
            Kind::Cancelled if status == 487 => 487,
            _ => 200,
        };
        if status != expected || seen == 0 {
            // Every copy of an INVITE, or of a reliable response, was lost: a time-out.
            assert!(matches!(status, 408 | 487 | 504), "call {number}: {status}");
            unlucky += 1;
        }
    }
    // Seven copies of an INVITE are sent, and more of a final response.
    assert!(
        unlucky * 300 <= calls,
        "{unlucky} calls did not get through"
    );
}

#[test]
fn every_call_of_a_lossy_network_ends_once() {
    check(1, 10_000, false, "");
}

#[test]
fn every_call_through_a_proxy_ends_once() {
    check(2, 3_000, true, "");
}

#[test]
fn every_call_over_streams_in_pieces_ends_once() {
    check(3, 1_000, false, ";transport=tcp");
}

#[test]
fn every_call_from_udp_to_tcp_ends_once() {
    check(4, 1_000, true, ";transport=tcp");
}
