//! RFC 3261 §8.1.3.1, §21.5.4: an application that does not answer, and what it is told then.

use std::time::Duration;

use crate::world::{companion, respond, value, World, OK, RINGING};
use drachtio::engine::Refusal;
use drachtio::message::HeaderId;

const DEFAULT: u64 = 64;

#[test]
fn it_is_told_and_the_caller_may_try_again_later() {
    for method in ["INVITE", "MESSAGE", "REGISTER"] {
        let mut world = World::new(1);
        let (node, phone, alice, id) = world.inbound(method);
        world.run_secs(DEFAULT - 1);
        assert!(world.spoken_for(node).is_empty());
        world.run_secs(2);
        assert_eq!(
            world.spoken_for(node),
            [(id, 503, Refusal::NotAnswered(503))]
        );
        let heard = world.heard(phone);
        let last = heard.last().unwrap();
        assert_eq!(last.status(), Some(503));
        assert!(last.has(HeaderId::RetryAfter));
        if method == "INVITE" {
            world.say(phone, node, alice.ack_failure(&last.message));
        }
        let refusal = world.refused(node, respond(id, OK));
        assert_eq!(refusal, Refusal::UnknownTransaction);
        world.finish();
    }
}

#[test]
fn in_a_call_it_is_told_and_the_call_goes_on() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    world.phone_asks(phone, node, &mut alice, "INFO");
    let id = world.next_told(node).id();
    world.run_secs(DEFAULT + 1);
    assert_eq!(
        world.spoken_for(node),
        [(id, 500, Refusal::NotAnswered(500))]
    );
    assert_eq!(world.hear(phone).status(), Some(500));
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn the_time_it_has_is_configured() {
    let mut world = World::new(1);
    let node = world.node_told("10.0.0.1:5060", |config| {
        config.timers.application = Duration::from_secs(2);
        config.timers.ringing = Duration::from_secs(10);
    });
    let phone = world.phone("10.0.0.9:5060");
    let silent = world.ua(phone, "sip:bob@10.0.0.1").request("OPTIONS");
    world.say(phone, node, silent);
    let rings = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    world.say(phone, node, &rings);
    world.settle();
    let told = world.told(node);
    world.respond(node, told[1].id(), RINGING);
    world.run_secs(3);
    assert_eq!(
        world.spoken_for(node),
        [(told[0].id(), 503, Refusal::NotAnswered(503))]
    );
    world.run_secs(8);
    assert_eq!(
        world.spoken_for(node),
        [(told[1].id(), 500, Refusal::NotAnswered(500))]
    );
    let last = world.heard(phone).pop().unwrap();
    assert_eq!(value(&last, HeaderId::CSeq), "1 INVITE");
    world.say(phone, node, companion(&rings, "ACK", Some(&last.message)));
    world.finish();
}

#[test]
fn its_answer_must_be_a_message_that_others_can_read() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let via = format!("Record-Route: <sip:10.0.0.7;lr;x={}>", "x".repeat(1_000));
    let headers = [via.as_str(); 20];
    let mut ua = world.ua(phone, "sip:bob@10.0.0.1");
    world.phone_asks_with(phone, node, &mut ua, "OPTIONS", &headers, "");
    let id = world.next_told(node).id();
    let long = |lines| {
        format!(
            "{OK}{}",
            format!("X-Long: {}\r\n", "x".repeat(1_000)).repeat(lines)
        )
    };
    let refusal = world.refused(node, respond(id, &long(40)));
    assert_eq!(refusal.code(), "DRT_ERR_MALFORMED_RESPONSE");
    world.respond(node, id, &long(20));
    world.settle();
    assert_eq!(world.hear(phone).status(), Some(200));
    world.finish();
}
