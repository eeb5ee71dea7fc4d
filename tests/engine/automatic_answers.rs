//! RFC 3261 §8.2, §13.3.1.1, §21: what the engine answers by itself.

use std::time::Duration;

use crate::world::{companion, value, World, BUSY, OK, RINGING};
use drachtio::message::HeaderId;

#[test]
fn a_malformed_request_is_answered_with_what_is_wrong() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    for (from, to, status) in [
        ("CSeq: 1 OPTIONS", "CSeq: 1 INVITE", 400),
        ("CSeq: 1 OPTIONS", "CSeq: 99999999999 OPTIONS", 400),
        ("CSeq: 1 OPTIONS\r\n", "", 400),
        ("Max-Forwards: 70", "Max-Forwards: many", 400),
        (
            "To: <sip:bob@10.0.0.1>",
            "To: \"bob <sip:bob@10.0.0.1>",
            400,
        ),
        ("Content-Length: 0", "Content-Length: -1", 400),
        ("Content-Length: 0", "Content-Length: 10", 400),
        (
            "OPTIONS sip:bob@10.0.0.1 ",
            "OPTIONS sip:bob@10.0.0.1  ",
            400,
        ),
        ("bob@10.0.0.1 SIP/2.0", "bob@10.0.0.1 SIP/3.0", 505),
        (
            "OPTIONS sip:bob@10.0.0.1",
            "OPTIONS mailto:bob@10.0.0.1",
            416,
        ),
    ] {
        let good = world.ua(phone, "sip:bob@10.0.0.1").request("OPTIONS");
        assert!(good.contains(from));
        world.say(phone, node, good.replacen(from, to, 1));
        world.settle();
        let heard = world.hear(phone);
        assert_eq!(heard.status(), Some(status), "{to}");
        assert!(heard.to().is_err() || heard.to().unwrap().tag().is_some());
    }
    assert!(world.told(node).is_empty());
    world.finish();
}

#[test]
fn a_malformed_ack_or_response_is_not_answered() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let ack = world.ua(phone, "sip:bob@10.0.0.1").request("ACK");
    world.say(phone, node, ack.replace("CSeq: 0 ACK", "CSeq: 0 BYE"));
    world.say(phone, node, &ack);
    world.say(phone, node, "SIP/2.0 200 OK\r\nVia: nonsense\r\n\r\n");
    world.say(phone, node, "SIP/2.0 9999 OK\r\n\r\n");
    world.say(phone, node, "hello\r\n\r\n");
    world.say(phone, node, "");
    world.settle();
    assert!(world.heard(phone).is_empty());
    assert!(world.told(node).is_empty());
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn a_request_without_a_usable_via_is_dropped() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let options = world.ua(phone, "sip:bob@10.0.0.1").request("OPTIONS");
    world.say(
        phone,
        node,
        options.replace("Via: SIP/2.0/UDP", "Via: nonsense"),
    );
    world.say(phone, node, options.replace("Via:", "X-Via:"));
    world.settle();
    assert!(world.heard(phone).is_empty());
    assert_eq!(world.counters(node).malformed, 2);
    world.finish();
}

#[test]
fn a_request_that_no_application_takes_is_answered_503() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.reject_requests(node, 503);
    let options = world.ua(phone, "sip:bob@10.0.0.1").request("OPTIONS");
    world.say(phone, node, options);
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    world.say(phone, node, &invite);
    world.settle();
    let heard = world.heard(phone);
    let statuses: Vec<u16> = heard.iter().map(|one| one.status().unwrap()).collect();
    assert_eq!(statuses, [503, 100, 503]);
    let refused = heard
        .iter()
        .find(|one| value(one, HeaderId::CSeq).ends_with("INVITE"));
    world.say(
        phone,
        node,
        companion(&invite, "ACK", refused.map(|one| &one.message)),
    );
    world.finish();
}

#[test]
fn tel_uris_and_unknown_methods_are_the_applications_to_judge() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    for (method, uri) in [
        ("INVITE", "tel:+358-555-1234567"),
        ("REFER", "sip:bob@10.0.0.1"),
        ("NEWMETHOD", "sips:bob@10.0.0.1"),
        ("PUBLISH", "sip:bob@10.0.0.1"),
    ] {
        let request = world.ua(phone, uri).request(method);
        world.say(phone, node, request);
        world.settle();
        let told = world.next_told(node);
        assert_eq!(told.what(), method);
        world.respond(node, told.id(), "SIP/2.0 501 Not Implemented\r\n");
    }
    world.finish();
}

#[test]
fn an_application_that_never_answers_is_spoken_for_after_64_s() {
    for method in ["OPTIONS", "INVITE"] {
        let mut world = World::new(1);
        let (node, phone) = world.node_and_phone();
        let request = world.ua(phone, "sip:bob@10.0.0.1").request(method);
        world.say(phone, node, request);
        world.run_secs(63);
        assert!(world
            .heard(phone)
            .iter()
            .all(|one| one.status() == Some(100)));
        world.run_secs(2);
        let last = world.heard(phone).pop().unwrap();
        assert_eq!(last.status(), Some(503));
        let id = world.next_told(node).id();
        let refusal = world.refused(node, crate::world::respond(id, OK));
        assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_TRANSACTION");
        world.finish();
    }
}

#[test]
fn a_call_that_rings_says_so_every_minute() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    world.hear_what(phone, "100");
    world.respond(node, id, RINGING);
    world.run_secs(200);
    let heard = world.heard(phone);
    let gaps: Vec<Duration> = heard.windows(2).map(|two| two[1].at - two[0].at).collect();
    assert_eq!(gaps, [Duration::from_secs(60); 3]);
    assert!(heard.iter().all(|one| one.text() == heard[0].text()));
    world.respond(node, id, BUSY);
    world.finish();
}

#[test]
fn a_call_does_not_ring_for_ever() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    world.respond(node, id, RINGING);
    world.run_secs(3_599);
    assert!(world
        .heard(phone)
        .iter()
        .all(|one| one.status() < Some(200)));
    world.run_secs(2);
    assert_eq!(world.hear(phone).status(), Some(500));
    world.finish();
}

#[test]
fn what_the_request_says_comes_back_in_its_responses() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    let headers = [
        "Timestamp: 54.2",
        "Via: SIP/2.0/TCP first.example.com;branch=z9hG4bKx, SIP/2.0/UDP second.example.com",
        "Record-Route: <sip:10.3.3.3;lr>",
    ];
    world.phone_asks_with(phone, node, &mut alice, "INVITE", &headers, "");
    let id = world.next_told(node).id();
    world.respond(node, id, RINGING);
    world.respond(node, id, BUSY);
    world.settle();
    let trying = world.hear_what(phone, "100");
    assert_eq!(value(&trying, HeaderId::Timestamp), "54.2");
    let ringing = world.hear_what(phone, "180");
    let busy = world.hear_what(phone, "486");
    for heard in [&trying, &ringing, &busy] {
        assert_eq!(heard.values(HeaderId::Via).count(), 3);
        assert_eq!(value(heard, HeaderId::CSeq), "1 INVITE");
        assert_eq!(value(heard, HeaderId::CallId), alice.call_id);
        assert_eq!(value(heard, HeaderId::From), alice.local);
    }
    assert!(trying.get(HeaderId::RecordRoute).is_none());
    assert!(ringing.get(HeaderId::RecordRoute).is_some());
    assert!(busy.get(HeaderId::RecordRoute).is_none());
    world.finish();
}

#[test]
fn a_malformed_response_of_the_applications_is_refused_and_can_be_given_again() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    for text in [
        "SIP/2.0 200 OK\r\nContact: <sip:\r\n",
        "SIP/2.0 200 OK\r\nMax-Forwards: many\r\n",
        "SIP/2.0 200 OK\r\nTo: <sip:a@b>;tag=\"a b\"\r\n",
        "OPTIONS sip:x SIP/2.0\r\n",
    ] {
        let refusal = world.refused(node, crate::world::respond(id, text));
        assert_eq!(refusal.code(), "DRT_ERR_MALFORMED_RESPONSE", "{text}");
    }
    world.settle();
    assert_eq!(world.heard_what(phone), ["100"]);
    assert_eq!(world.census(node).dialogs, 0);
    world.respond(node, id, BUSY);
    world.finish();
}
