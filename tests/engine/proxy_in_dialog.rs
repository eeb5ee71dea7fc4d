//! RFC 3261 §16.12, RFC 3262 §4, RFC 3311: requests of a recorded dialog pass with transaction
//! state, also before it is confirmed, and their failures come back.

use crate::world::{answer, companion, rseq, Party, RecordedCall, Ua, World};
use drachtio::message::HeaderId;

/// A call that rings reliably, and what the caller knows of it.
fn ringing(world: &mut World) -> (RecordedCall, u32) {
    let node = world.node("10.0.0.1:5060");
    let mut call = world.recorded_invite(node);
    let invite = call.bob.hears(world, "INVITE");
    call.bob.ua = Ua::called(call.bob.phone, &invite, "b");
    let contact = call.bob.ua.contact_line();
    let headers = [contact.as_str(), "Require: 100rel", "RSeq: 7"];
    let text = answer(&invite, 183, "b", &headers, "");
    world.say_back(call.bob.phone, &invite, text);
    world.settle();
    call.alice.hears(world, "100");
    let progress = call.alice.hears(world, "183");
    call.alice.ua.answered(&progress);
    let rseq = rseq(&progress);
    (call, rseq)
}

/// A request of one side, answered with a 200 by the other.
fn passes(world: &mut World, call: &mut RecordedCall, from_alice: bool, method: &str) {
    let RecordedCall { node, alice, bob } = call;
    let (from, to): (&mut Party, &Party) = if from_alice {
        (alice, bob)
    } else {
        (bob, alice)
    };
    from.asks(world, *node, method);
    let heard = to.hears(world, method);
    assert_eq!(heard.max_forwards().unwrap(), Some(69));
    to.answers(world, &heard, 200);
    from.hears(world, "200");
}

#[test]
fn prack_and_update_pass_while_the_invite_is_open() {
    let mut world = World::new(1);
    let (mut call, rseq) = ringing(&mut world);
    let rack = format!("RAck: {rseq} 1 INVITE");
    let prack = call.alice.ua.request_with("PRACK", &[&rack], "");
    world.say(call.alice.phone, call.node, prack);
    world.settle();
    let heard = call.bob.hears(&mut world, "PRACK");
    assert_eq!(heard.rack().unwrap().unwrap().rseq, rseq);
    call.bob.answers(&mut world, &heard, 200);
    call.alice.hears(&mut world, "200");
    passes(&mut world, &mut call, true, "UPDATE");
    passes(&mut world, &mut call, false, "UPDATE");
    passes(&mut world, &mut call, false, "INFO");
    // The caller gives up by BYE (§15.1.1), and the INVITE ends by its own answer.
    passes(&mut world, &mut call, true, "BYE");
    assert!(world.told(call.node).is_empty());
    world.finish();
}

#[test]
fn failures_come_back_and_those_of_a_reinvite_are_acknowledged_at_each_hop() {
    let mut world = World::new(1);
    let mut call = world.recorded_call();
    for (method, code) in [
        ("INFO", 469),
        ("UPDATE", 491),
        ("INFO", 603),
        ("BYE", 481),
        ("BYE", 302),
    ] {
        call.alice.asks(&mut world, call.node, method);
        let heard = call.bob.hears(&mut world, method);
        call.bob.answers(&mut world, &heard, code);
        call.alice.hears(&mut world, &code.to_string());
    }
    for code in [488, 491, 500, 302] {
        let reinvite = call.bob.asks(&mut world, call.node, "INVITE");
        call.bob.hears(&mut world, "100");
        let heard = call.alice.hears(&mut world, "INVITE");
        call.alice.answers(&mut world, &heard, code);
        call.alice.hears(&mut world, "ACK");
        let refused = call.bob.hears(&mut world, &code.to_string());
        let ack = companion(&reinvite, "ACK", Some(&refused));
        world.say(call.bob.phone, call.node, ack);
        world.settle();
        assert!(world.heard(call.alice.phone).is_empty());
    }
    assert!(world.told(call.node).is_empty());
    world.finish();
}

#[test]
fn a_503_says_nothing_of_us_and_a_way_that_cannot_be_taken_is_500() {
    let mut world = World::new(1);
    let mut call = world.recorded_call();
    call.alice.asks(&mut world, call.node, "INFO");
    let heard = call.bob.hears(&mut world, "INFO");
    call.bob.answers(&mut world, &heard, 503);
    call.alice.hears(&mut world, "500");
    world.cut_off("10.0.0.9");
    call.alice.asks(&mut world, call.node, "INFO");
    call.alice.hears(&mut world, "500");
    world.finish();
}

#[test]
fn the_hops_that_are_left_are_counted_and_the_last_one_is_ours() {
    let mut world = World::new(1);
    let mut call = world.recorded_call();
    for (hops, expected) in [("1", Some(0)), ("0", None)] {
        let request = call.alice.ua.request("INFO");
        let request = request.replace("Max-Forwards: 70", &format!("Max-Forwards: {hops}"));
        world.say(call.alice.phone, call.node, request);
        world.settle();
        if expected.is_some() {
            let heard = call.bob.hears(&mut world, "INFO");
            assert_eq!(heard.max_forwards().unwrap(), expected);
            call.bob.answers(&mut world, &heard, 200);
            call.alice.hears(&mut world, "200");
        } else {
            call.alice.hears(&mut world, "483");
        }
    }
    // One without the header gets it (§16.6 item 3).
    let request = call
        .alice
        .ua
        .request("INFO")
        .replace("Max-Forwards: 70\r\n", "");
    world.say(call.alice.phone, call.node, request);
    world.settle();
    let heard = call.bob.hears(&mut world, "INFO");
    assert_eq!(heard.max_forwards().unwrap(), Some(70));
    call.bob.answers(&mut world, &heard, 200);
    call.alice.hears(&mut world, "200");
    world.finish();
}

#[test]
fn a_demand_on_proxies_that_we_do_not_know_is_420_in_a_dialog_too() {
    let mut world = World::new(1);
    let mut call = world.recorded_call();
    let request = call
        .alice
        .ua
        .request_with("INFO", &["Proxy-Require: privacy"], "");
    world.say(call.alice.phone, call.node, request);
    world.settle();
    let refused = call.alice.hears(&mut world, "420");
    assert_eq!(refused.get_str(HeaderId::Unsupported), Some("privacy"));
    world.finish();
}

#[test]
fn reinvites_of_both_sides_that_cross_are_two_transactions() {
    let mut world = World::new(1);
    let mut call = world.recorded_call();
    let from_alice = call.alice.ua.request("INVITE");
    let from_bob = call.bob.ua.request("INVITE");
    world.say(call.alice.phone, call.node, &from_alice);
    world.say(call.bob.phone, call.node, &from_bob);
    world.settle();
    for party in [&call.alice, &call.bob] {
        let heard = world.heard(party.phone);
        let reinvite = heard.iter().find(|heard| heard.what() == "INVITE").unwrap();
        let text = answer(reinvite, 491, "", &[], "");
        world.say_back(party.phone, reinvite, text);
    }
    world.settle();
    for (party, request) in [(&call.alice, &from_alice), (&call.bob, &from_bob)] {
        let heard = world.heard(party.phone);
        let refused = heard.iter().find(|heard| heard.what() == "491").unwrap();
        let ack = companion(request, "ACK", Some(refused));
        world.say(party.phone, call.node, ack);
    }
    world.finish();
}
