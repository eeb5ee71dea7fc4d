//! RFC 3261 §8.2.2.3, §8.2.3, §16.3: extensions and bodies that are demanded and not supported.

use crate::world::{answer, companion, plan, respond, value, Heard, Node, Phone, World};
use crate::world::{OK, RINGING};
use drachtio::engine::{AppId, Refusal, TransactionId, Understanding};
use drachtio::message::HeaderId;

const SDP: &str = "v=0\r\n";

/// A request with these headers and body reaches the application.
fn asked(
    world: &mut World,
    node: Node,
    method: &str,
    headers: &[&str],
    body: &str,
) -> (Phone, String, TransactionId) {
    let phone = world.phone("10.0.0.9:5060");
    let mut ua = world.ua(phone, "sip:bob@10.0.0.1");
    let request = world.phone_asks_with(phone, node, &mut ua, method, headers, body);
    (phone, request, world.next_told(node).id())
}

/// What the caller hears in the end.
fn last_heard(world: &mut World, phone: Phone, request: &str, node: Node) -> Heard {
    world.settle();
    let last = world.heard(phone).pop().unwrap();
    if request.starts_with("INVITE") {
        world.say(phone, node, companion(request, "ACK", Some(&last.message)));
    }
    last
}

fn node_with(world: &mut World, understanding: Understanding) -> Node {
    world.node_told("10.0.0.1:5060", |config| {
        config.understanding = understanding
    })
}

fn extensions(tags: &[&str]) -> Understanding {
    Understanding {
        extensions: Some(tags.iter().map(|tag| (*tag).to_string()).collect()),
        bodies: None,
    }
}

#[test]
fn an_unknown_extension_is_refused_when_the_application_accepts() {
    for (method, status) in [("OPTIONS", OK), ("INVITE", OK), ("INVITE", RINGING)] {
        let mut world = World::new(1);
        let node = world.node("10.0.0.1:5060");
        let require = ["Require: foo, timer", "Require: bar"];
        let (phone, request, id) = asked(&mut world, node, method, &require, "");
        let refusal = world.refused(node, respond(id, status));
        assert_eq!(refusal, Refusal::BadExtension("foo, bar".into()));
        let last = last_heard(&mut world, phone, &request, node);
        assert_eq!(last.status(), Some(420));
        assert_eq!(value(&last, HeaderId::Unsupported), "foo, bar");
        world.finish();
    }
}

#[test]
fn an_application_that_refuses_the_request_is_not_overruled() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let (phone, request, id) = asked(&mut world, node, "INVITE", &["Require: foo"], "");
    world.respond(node, id, "SIP/2.0 486 Busy Here\r\n");
    let last = last_heard(&mut world, phone, &request, node);
    assert_eq!(last.status(), Some(486));
    world.finish();
}

#[test]
fn an_extension_is_supported_if_the_answer_says_so() {
    for header in ["Require: FOO", "Supported: bar, foo"] {
        let mut world = World::new(1);
        let node = world.node("10.0.0.1:5060");
        let (phone, request, id) = asked(&mut world, node, "OPTIONS", &["Require: foo"], "");
        world.respond(node, id, &format!("SIP/2.0 200 OK\r\n{header}\r\n"));
        let last = last_heard(&mut world, phone, &request, node);
        assert_eq!(last.status(), Some(200));
        world.finish();
    }
}

#[test]
fn what_is_declared_replaces_what_is_registered() {
    for (declared, required, status) in [
        (None, "siprec", 200),
        (None, "privacy", 200),
        (Some(extensions(&["foo"])), "foo", 200),
        (Some(extensions(&["foo"])), "replaces", 200),
        (Some(extensions(&["foo"])), "siprec", 420),
    ] {
        let mut world = World::new(1);
        let node = node_with(&mut world, declared.unwrap_or_default());
        let require = format!("Require: {required}");
        let (phone, request, id) = asked(&mut world, node, "OPTIONS", &[&require], "");
        world.give(node, respond(id, OK));
        let last = last_heard(&mut world, phone, &request, node);
        assert_eq!(last.status(), Some(status), "{required}");
        world.finish();
    }
}

#[test]
fn an_early_answer_that_passed_binds_the_final_one() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let (phone, request, id) = asked(&mut world, node, "INVITE", &["Require: foo"], "");
    world.respond(node, id, &format!("{RINGING}Supported: foo\r\n"));
    world.respond(node, id, OK);
    let last = last_heard(&mut world, phone, &request, node);
    assert_eq!(last.status(), Some(200));
    world.app_goes(node, AppId(1));
    world.run_secs(40);
    world.finish();
}

#[test]
fn who_proxies_looks_at_proxy_require_alone() {
    for (understanding, headers, status) in [
        (Understanding::default(), ["Require: foo"], None),
        (Understanding::default(), ["Proxy-Require: foo"], Some(420)),
        (
            Understanding::default(),
            ["Proxy-Require: privacy"],
            Some(420),
        ),
        (extensions(&["privacy"]), ["Proxy-Require: privacy"], None),
    ] {
        let mut world = World::new(1);
        let node = node_with(&mut world, understanding);
        let callee = world.phone("10.0.0.21:5060");
        let (phone, request, id) = asked(&mut world, node, "MESSAGE", &headers, "");
        let command = world.proxy(node, id, plan(&["sip:phone@10.0.0.21"]));
        world.settle();
        if let Some(status) = status {
            let refusal = world.refusal(node, command);
            assert_eq!(refusal.code(), "DRT_ERR_BAD_EXTENSION");
            let last = last_heard(&mut world, phone, &request, node);
            assert_eq!(last.status(), Some(status));
            assert!(headers[0].ends_with(value(&last, HeaderId::Unsupported)));
            assert!(world.heard(callee).is_empty());
        } else {
            let message = world.hear_what(callee, "MESSAGE");
            world.say_back(callee, &message, answer(&message, 200, "b", &[], ""));
            assert_eq!(
                last_heard(&mut world, phone, &request, node).status(),
                Some(200)
            );
        }
        world.finish();
    }
}

#[test]
fn a_body_of_an_unknown_type_makes_no_call() {
    for headers in [
        vec!["Content-Type: application/unknownformat"],
        vec!["Content-Type: application/sdp", "Content-Encoding: gzip"],
    ] {
        let mut world = World::new(1);
        let node = world.node("10.0.0.1:5060");
        let (phone, request, id) = asked(&mut world, node, "INVITE", &headers, SDP);
        let refusal = world.refused(node, respond(id, OK));
        assert_eq!(refusal.code(), "DRT_ERR_UNSUPPORTED_MEDIA_TYPE");
        let last = last_heard(&mut world, phone, &request, node);
        assert_eq!(last.status(), Some(415));
        let has_encoding = headers.len() > 1;
        assert_eq!(last.has(HeaderId::AcceptEncoding), has_encoding);
        assert_eq!(last.has(HeaderId::Accept), !has_encoding);
        world.finish();
    }
}

#[test]
fn a_body_that_is_known_declared_optional_or_the_applications_affair_is_accepted() {
    let unknown = "Content-Type: application/unknownformat";
    for (method, headers, answer) in [
        ("INVITE", vec!["Content-Type: Application/SDP"], OK),
        ("INVITE", vec!["c: multipart/mixed;boundary=x"], OK),
        (
            "INVITE",
            vec![unknown],
            "SIP/2.0 200 OK\r\nAccept: application/*\r\n",
        ),
        (
            "INVITE",
            vec![unknown, "Content-Disposition: render; Handling=optional"],
            OK,
        ),
        ("MESSAGE", vec![unknown], OK),
    ] {
        let mut world = World::new(1);
        let node = world.node("10.0.0.1:5060");
        let (phone, request, id) = asked(&mut world, node, method, &headers, SDP);
        world.respond(node, id, answer);
        let last = last_heard(&mut world, phone, &request, node);
        assert_eq!(last.status(), Some(200), "{headers:?}");
        world.app_goes(node, AppId(1));
        world.run_secs(40);
        world.finish();
    }
}
