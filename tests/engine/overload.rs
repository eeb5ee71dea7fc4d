//! RFC 3261 §21.5.4, RFC 7339 §5: an engine that is behind refuses new requests before it makes
//! anything of them, so that it catches up; what is there goes on.

use crate::world::{answer, companion, value, Ua, World, OK};
use drachtio::message::HeaderId;

#[test]
fn new_requests_are_refused_without_a_trace_until_it_has_caught_up() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.fall_behind(node, true);
    for method in ["INVITE", "OPTIONS", "REGISTER"] {
        let request = world.ua(phone, "sip:bob@10.0.0.1").request(method);
        world.say(phone, node, &request);
        world.settle();
        let refused = world.hear_what(phone, "503");
        let wait: u32 = value(&refused, HeaderId::RetryAfter).parse().unwrap();
        assert!((1..=60).contains(&wait));
        if method == "INVITE" {
            world.say(phone, node, companion(&request, "ACK", Some(&refused)));
            world.settle();
        }
    }
    assert!(world.told(node).is_empty());
    assert_eq!(world.census(node).server_transactions, 0);
    assert_eq!(world.counters(node).overloads, 3);

    world.fall_behind(node, false);
    let (mut alice, _) = world.call_in(phone, node);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

/// Nobody gets in by what anybody can write.
#[test]
fn a_tag_or_a_cancel_of_nothing_is_refused_as_well() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    world.fall_behind(node, true);
    for method in ["INVITE", "BYE", "NOTIFY", "MESSAGE", "CANCEL"] {
        let request = world.ua(phone, "sip:bob@10.0.0.1").request(method);
        let to = "To: <sip:bob@10.0.0.1>";
        let tag = if method == "CANCEL" { "" } else { ";tag=x" };
        world.say(phone, node, request.replace(to, &format!("{to}{tag}")));
        world.settle();
        assert_eq!(world.heard_what(phone), ["503"], "{method}");
    }
    assert!(world.told(node).is_empty());
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn a_notify_that_the_application_has_asked_for_is_taken_in() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    world.request(
        node,
        "SUBSCRIBE sip:phone@10.0.0.9 SIP/2.0\r\nEvent: presence\r\n",
    );
    world.settle();
    let subscribe = world.hear(phone);
    world.fall_behind(node, true);
    let mut bob = Ua::called(phone, &subscribe, "b");
    let headers = ["Event: presence", "Subscription-State: terminated"];
    world.phone_asks_with(phone, node, &mut bob, "NOTIFY", &headers, "");
    let told = world.next_told(node);
    assert_eq!(told.what(), "NOTIFY");
    world.respond(node, told.id(), OK);
    world.say_back(
        phone,
        &subscribe,
        answer(&subscribe, 200, "b", &["Expires: 0"], ""),
    );
    world.settle();
    world.finish();
}

#[test]
fn a_repetition_of_what_was_taken_in_before_is_not_refused() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    world.say(phone, node, &invite);
    world.settle();
    world.hear_what(phone, "100");
    world.fall_behind(node, true);
    world.say(phone, node, &invite);
    world.settle();
    world.hear_what(phone, "100");
    // Nor is the CANCEL of it.
    world.say(phone, node, companion(&invite, "CANCEL", None));
    world.settle();
    world.hear_what(phone, "200");
    let cancelled = world.hear_what(phone, "487");
    world.say(phone, node, companion(&invite, "ACK", Some(&cancelled)));
    world.settle();
    assert_eq!(world.counters(node).overloads, 0);
    world.finish();
}

#[test]
fn calls_along_a_recorded_route_go_on_and_end() {
    let mut world = World::new(1);
    let mut call = world.recorded_call();
    world.fall_behind(call.node, true);
    for method in ["INFO", "UPDATE", "BYE"] {
        call.alice.asks(&mut world, call.node, method);
        let heard = call.bob.hears(&mut world, method);
        call.bob.answers(&mut world, &heard, 200);
        call.alice.hears(&mut world, "200");
    }
    assert_eq!(world.counters(call.node).overloads, 0);
    world.finish();
}

#[test]
fn a_call_of_the_applications_is_answered_and_ends() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    world.fall_behind(node, true);
    world.phone_hangs_up(phone, node, &mut alice);
    assert_eq!(world.counters(node).overloads, 0);
    world.finish();
}
