//! RFC 3261 §16.6, §16.7: destinations that are tried one after the other.

use crate::world::{answer, companion, value, without_line, World};
use drachtio::message::{HeaderId, Message};

#[test]
fn the_next_destination_is_tried_when_one_fails() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0, 1, 2]);
    let [a, b, c] = call.callees;
    assert!(world.heard(b).is_empty());
    world.answer(a, &invite, 100);
    world.answer(a, &invite, 180);
    world.answer(a, &invite, 486);
    world.hear_what(a, "ACK");
    world.phone_answers(b, "INVITE", 200);
    assert!(world.heard(c).is_empty());
    assert_eq!(world.heard_what(call.caller), ["180", "200"]);
    assert_eq!(world.search_replies(&call), ["486", "200", "done"]);
    world.finish();
}

#[test]
fn what_is_forwarded_is_the_request_with_our_via_and_one_hop_less() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, ..] = call.callees;
    let original = Message::parse(call.request.clone().into()).unwrap();
    // The request-URI named us, so it is replaced by the destination.
    assert_eq!(invite.request_uri(), Some("sip:phone@10.0.0.21:5060"));
    assert_eq!(invite.max_forwards().unwrap(), Some(69));
    let vias: Vec<&[u8]> = invite.values(HeaderId::Via).collect();
    assert_eq!(vias.len(), 2);
    assert!(vias[0].starts_with(b"SIP/2.0/UDP 10.0.0.1:5060;"));
    assert!(vias[1].starts_with(b"SIP/2.0/UDP 10.0.0.8:5060;"));
    for id in [
        HeaderId::From,
        HeaderId::To,
        HeaderId::CallId,
        HeaderId::CSeq,
        HeaderId::Contact,
    ] {
        assert_eq!(value(&invite, id), value(&original, id));
    }
    assert!(invite.get(HeaderId::RecordRoute).is_none());
    world.answer(a, &invite, 486);
    let busy = world.hear_what(call.caller, "486");
    assert_eq!(busy.values(HeaderId::Via).count(), 1);
    world.acknowledge_failure(&call, &busy);
    world.finish();
}

#[test]
fn a_request_uri_that_is_not_ours_is_kept() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let caller = world.phone("10.0.0.8:5060");
    let callee = world.phone("10.0.0.21:5060");
    for uri in [
        "sip:bob@example.com;x=y",
        "tel:+123",
        "sip:bob@10.0.0.1:5099",
    ] {
        let request = world.ua(caller, uri).request("MESSAGE");
        world.say(caller, node, request);
        world.settle();
        let id = world.next_told(node).id();
        world.proxy(node, id, crate::world::plan(&["sip:x@10.0.0.21"]));
        world.settle();
        let forwarded = world.hear_what(callee, "MESSAGE");
        assert_eq!(forwarded.request_uri(), Some(uri));
        world.answer(callee, &forwarded, 200);
        world.hear_what(caller, "200");
    }
    world.finish();
}

#[test]
fn the_applications_headers_are_added_and_preloaded_routes_go() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let caller = world.phone("10.0.0.8:5060");
    let callee = world.phone("10.0.0.21:5060");
    let headers = [
        "Route: <sip:10.0.0.1;lr>, <sip:10.9.9.9;lr>",
        "X-Kept:  as  it   is",
        "v: SIP/2.0/UDP far.example.com;branch=z9hG4bKfar",
    ];
    let request = world
        .ua(caller, "sip:bob@10.0.0.1")
        .request_with("MESSAGE", &headers, "body");
    world.say(caller, node, request);
    world.settle();
    let id = world.next_told(node).id();
    let mut plan = crate::world::plan(&["sip:x@10.0.0.21"]);
    plan.headers = Some(crate::world::draft(
        "MESSAGE sip:x SIP/2.0\r\nX-Added: 1\r\nSubject: s\r\nVia: evil\r\nTo: <sip:e@v>\r\n",
    ));
    world.proxy(node, id, plan);
    world.settle();
    let forwarded = world.hear_what(callee, "MESSAGE");
    let text = String::from_utf8_lossy(forwarded.text());
    assert!(text.contains("X-Kept:  as  it   is\r\n"), "{text}");
    assert!(text.contains("X-Added: 1\r\n"), "{text}");
    assert_eq!(value(&forwarded, HeaderId::Subject), "s");
    assert_eq!(forwarded.body().as_ref(), b"body");
    assert!(!text.contains("evil") && !text.contains("Route:"), "{text}");
    assert_eq!(forwarded.values(HeaderId::Via).count(), 3);
    world.answer(callee, &forwarded, 200);
    assert_eq!(
        world.hear_what(caller, "200").values(HeaderId::Via).count(),
        2
    );
    world.finish();
}

#[test]
fn a_repeated_invite_is_proxied_once_and_answered_with_the_last_response() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, ..] = call.callees;
    world.proxy(call.node, call.id, call.plan(&[0]));
    world.say(call.caller, call.node, &call.request);
    world.settle();
    assert_eq!(world.heard_what(call.caller), ["100"]);
    let invite = world.phone_answers(a, "INVITE", 180);
    world.say(call.caller, call.node, &call.request);
    world.settle();
    assert_eq!(world.heard_what(call.caller), ["180", "180"]);
    world.answer(a, &invite, 486);
    world.say(call.caller, call.node, &call.request);
    world.settle();
    let heard = world.heard(call.caller);
    assert_eq!(heard.len(), 2);
    world.acknowledge_failure(&call, &heard[0]);
    assert_eq!(world.heard_what(a), ["ACK"]);
    world.finish();
}

#[test]
fn other_requests_than_invite_are_tried_one_after_the_other_too() {
    let mut world = World::new(1);
    let (call, message) = world.search("MESSAGE", &[0, 1]);
    let [a, b, _] = call.callees;
    world.answer(a, &message, 404);
    assert!(world.heard(a).is_empty(), "there is no ACK");
    world.phone_answers(b, "MESSAGE", 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    assert_eq!(world.search_replies(&call), ["404", "200", "done"]);
    world.finish();
}

#[test]
fn without_full_response_the_application_hears_only_that_it_has_begun() {
    let mut world = World::new(1);
    let call = world.proxying("MESSAGE");
    let [a, ..] = call.callees;
    let mut plan = call.plan(&[0]);
    plan.full_response = false;
    let command = world.proxy(call.node, call.id, plan);
    assert_eq!(world.proxy_replies(call.node, command), ["done"]);
    world.settle();
    world.phone_answers(a, "MESSAGE", 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    assert!(world.proxy_replies(call.node, command).is_empty());
    world.finish();
}

#[test]
fn a_request_can_be_proxied_or_answered_but_not_both() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, ..] = call.callees;
    world.proxy(call.node, call.id, call.plan(&[0]));
    let again = world.proxy(call.node, call.id, call.plan(&[0]));
    let unknown = format!("Unknown transaction id: {}", call.id);
    assert_eq!(world.proxy_replies(call.node, again), [unknown.as_str()]);
    let refusal = world.refused(call.node, crate::world::respond(call.id, crate::world::OK));
    assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_TRANSACTION");
    world.settle();
    world.phone_answers(a, "INVITE", 486);
    let late = world.proxy(call.node, call.id, call.plan(&[0]));
    assert_eq!(world.proxy_replies(call.node, late), [unknown]);
    world.caller_is_refused(&call, 486);
    world.finish();
}

#[test]
fn a_repeated_failure_of_a_branch_is_acknowledged_again_and_goes_no_further() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, ..] = call.callees;
    for _ in 0..3 {
        world.answer(a, &invite, 486);
    }
    assert_eq!(world.heard_what(a), ["ACK", "ACK", "ACK"]);
    let heard = world.heard(call.caller);
    assert_eq!(heard.len(), 1);
    world.acknowledge_failure(&call, &heard[0]);
    assert_eq!(world.search_replies(&call), ["486", "done"]);
    world.finish();
}

#[test]
fn a_caller_that_does_not_acknowledge_the_failure_gets_it_again() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, ..] = call.callees;
    world.answer(a, &invite, 486);
    world.run_secs(2);
    let heard = world.heard(call.caller);
    assert_eq!(heard.len(), 3);
    world.acknowledge_failure(&call, &heard[0]);
    world.run_secs(10);
    assert!(world.heard(call.caller).is_empty());
    world.finish();
}

#[test]
fn a_2xx_is_forwarded_each_time_it_comes() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, ..] = call.callees;
    for _ in 0..3 {
        world.answer(a, &invite, 200);
    }
    // RFC 6026: for as long as the callee may repeat it.
    world.run_secs(31);
    world.answer(a, &invite, 200);
    assert_eq!(world.heard_what(call.caller), ["200"; 4]);
    assert_eq!(world.search_replies(&call), ["200", "done"]);
    assert!(world.heard(a).is_empty(), "the ACK is the caller's to send");
    world.run_secs(2);
    world.answer(a, &invite, 200);
    assert!(world.heard(call.caller).is_empty());
    world.finish();
}

#[test]
fn a_response_without_a_second_via_ends_its_branch() {
    for code in [200, 486] {
        let mut world = World::new(1);
        let (call, invite) = world.search("INVITE", &[0]);
        let [a, ..] = call.callees;
        let text = answer(&invite, code, "b", &["Contact: <sip:x@10.0.0.21>"], "");
        let text = without_line(&text, "Via: SIP/2.0/UDP 10.0.0.8");
        world.say_back(a, &invite, text);
        world.run_secs(40);
        let heard = world.heard(call.caller);
        assert!(heard[0].status() >= Some(400), "{heard:?}");
        let replies = world.search_replies(&call);
        assert_eq!(replies.last().unwrap(), "done");
        let ack = companion(&call.request, "ACK", Some(&heard[0]));
        world.say(call.caller, call.node, ack);
        world.finish();
    }
}
