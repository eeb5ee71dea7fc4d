//! RFC 3261 §16.6 item 11, §16.8, §16.9: destinations that take too long.

use std::time::Duration;

use crate::world::{at_once, World};
use drachtio::engine::Transport;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_destination_that_says_nothing_is_left_after_32_s() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, b, _] = call.callees;
    let command = world.proxy(call.node, call.id, call.plan(&[0, 1]));
    world.run_ms(31_900);
    assert!(world.heard(b).is_empty());
    assert_eq!(world.heard(a).len(), 7);
    world.run_ms(200);
    world.phone_answers(b, "INVITE", 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    assert_eq!(world.proxy_replies(call.node, command), ["200", "done"]);
    world.finish();
}

#[test]
fn when_none_says_anything_the_caller_gets_408() {
    for (method, simultaneous) in [("INVITE", false), ("INVITE", true), ("MESSAGE", true)] {
        let mut world = World::new(1);
        let call = world.proxying(method);
        let mut plan = call.plan(&[0, 1]);
        if simultaneous {
            plan = at_once(plan);
        }
        let command = world.proxy(call.node, call.id, plan);
        world.run_secs(if simultaneous { 33 } else { 65 });
        if method == "INVITE" {
            world.caller_is_refused(&call, 408);
        } else {
            // RFC 4320 §4.2: it has given up by itself.
            assert_eq!(world.heard_what(call.caller), ["100"]);
        }
        let replies = world.proxy_replies(call.node, command);
        assert_eq!(
            replies,
            ["408", "done"],
            "the application is told what the caller is told"
        );
        world.finish();
    }
}

#[test]
fn a_provisional_timeout_moves_on_and_a_late_answer_still_counts() {
    let mut world = World::new(1);
    let (call, first) = world.search_told("INVITE", &[0, 1], |plan| {
        plan.provisional_timeout = Some(SECOND)
    });
    let [a, b, _] = call.callees;
    world.run_secs(1);
    let second = world.phone_answers(b, "INVITE", 180);
    // The late one is cancelled as soon as that is possible, but may have answered meanwhile.
    world.heard(a);
    world.answer(a, &first, 180);
    world.hear_what(a, "CANCEL");
    world.answer(a, &first, 200);
    world.hear_what(b, "CANCEL");
    world.answer(b, &second, 487);
    assert_eq!(world.heard_what(call.caller), ["180", "200"]);
    assert_eq!(world.search_replies(&call), ["200", "done"]);
    world.finish();
}

#[test]
fn a_provisional_response_stops_the_provisional_timeout() {
    for code in [100, 180] {
        let mut world = World::new(1);
        let (call, invite) = world.search_told("INVITE", &[0, 1], |plan| {
            plan.provisional_timeout = Some(SECOND)
        });
        let [a, b, _] = call.callees;
        world.answer(a, &invite, code);
        world.run_secs(20);
        assert!(world.heard(b).is_empty());
        world.answer(a, &invite, 200);
        assert_eq!(world.heard_what(call.caller).last().unwrap(), "200");
        world.finish();
    }
}

#[test]
fn when_all_are_too_slow_the_caller_gets_408() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, b, _] = call.callees;
    let mut plan = call.plan(&[0, 1]);
    plan.provisional_timeout = Some(SECOND);
    let command = world.proxy(call.node, call.id, plan);
    world.run_ms(2_100);
    world.caller_is_refused(&call, 408);
    assert_eq!(world.proxy_replies(call.node, command), ["408", "done"]);
    // They are not left ringing.
    let late = world.hear_what(a, "INVITE");
    world.heard(a);
    world.answer(a, &late, 180);
    world.hear_what(a, "CANCEL");
    world.answer(a, &late, 487);
    assert!(world.heard_what(b).contains(&"INVITE".to_string()));
    assert!(world.heard(call.caller).is_empty());
    world.finish();
}

#[test]
fn a_final_timeout_cancels_and_moves_on() {
    let mut world = World::new(1);
    let (call, invite) = world.search_told("INVITE", &[0, 1], |plan| {
        plan.final_timeout = Some(10 * SECOND)
    });
    let [a, b, _] = call.callees;
    world.answer(a, &invite, 180);
    world.run_ms(9_900);
    assert!(world.heard(a).is_empty());
    world.run_ms(200);
    world.phone_answers(a, "CANCEL", 200);
    world.answer(a, &invite, 487);
    world.hear_what(a, "ACK");
    world.phone_answers(b, "INVITE", 486);
    let failure = world.heard(call.caller).pop().unwrap();
    assert_eq!(failure.status(), Some(486));
    world.acknowledge_failure(&call, &failure);
    assert_eq!(world.search_replies(&call), ["487", "486", "done"]);
    world.finish();
}

#[test]
fn a_final_timeout_of_another_request_moves_on_too() {
    let mut world = World::new(1);
    let call = world.proxying("MESSAGE");
    let [_, b, _] = call.callees;
    let mut plan = call.plan(&[0, 1]);
    plan.final_timeout = Some(2 * SECOND);
    world.proxy(call.node, call.id, plan);
    world.run_ms(2_100);
    world.phone_answers(b, "MESSAGE", 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    world.finish();
}

#[test]
fn timer_c_ends_a_branch_that_rings_for_ever() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, ..] = call.callees;
    world.answer(a, &invite, 180);
    world.run_secs(180);
    // Each provisional response but 100 starts it anew.
    world.answer(a, &invite, 183);
    world.run_secs(100);
    world.answer(a, &invite, 100);
    world.run_secs(84);
    assert!(world.heard(a).is_empty());
    world.run_secs(2);
    assert!(world.heard_what(a).iter().all(|what| what == "CANCEL"));
    let heard = world.heard_what(call.caller);
    assert_eq!(heard[..3], ["180", "183", "408"]);
    world.answer(a, &invite, 487);
    world.hear_what(a, "ACK");
    assert_eq!(world.search_replies(&call), ["408", "done"]);
    world.finish();
}

#[test]
fn over_a_reliable_transport_nothing_is_sent_twice() {
    for method in ["INVITE", "MESSAGE"] {
        let mut world = World::new(1);
        let call = world.proxying(method);
        let [a, ..] = call.callees;
        let mut plan = call.plan(&[0]);
        plan.groups[0][0].transport = Some(Transport::Tcp);
        world.proxy(call.node, call.id, plan);
        world.run_secs(31);
        assert_eq!(world.heard_what(a), [method], "§17.1.1.2, §17.1.2.2");
        world.run_secs(2);
        if method == "INVITE" {
            world.caller_is_refused(&call, 408);
        }
        world.finish();
    }
}
