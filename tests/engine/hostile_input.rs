//! RFC 3261 §7, §18.3, §21.4.1: input that is meant to do harm. It never stops the engine, leaves
//! nothing in its tables, and the next call works.

use crate::world::{answer, companion, request, request_in, respond, Link, Node, Phone, World, OK};
use drachtio::engine::Action;
use drachtio::message::Message;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\n";

/// Pieces that have a meaning somewhere in a message.
const NASTY: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\xff\xfe",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"\"",
    b"<",
    b">",
    b"@",
    b"?",
    b"=",
    b"[",
    b"]",
    b"\\",
    b"(",
    b"%00",
    b"%zz",
    b"*",
    b"sip:",
    b"sips:",
    b"tel:",
    b"-1",
    b"0",
    b"65536",
    b"4294967295",
    b"4294967296",
    b"99999999999999999999",
    b";tag=",
    b";lr",
    b";rport",
    b";branch=z9hG4bK",
    b";received=1.2.3.4",
    b";transport=tcp",
    b"SIP/2.0",
    b"\r\nContent-Length: 99999\r\n",
    b"\r\nCSeq: 1 BYE\r\n",
    b"\r\nRequire: x\r\n",
    b"\r\nRoute: <sip:10.0.0.1;lr>\r\n",
    b"\r\nRecord-Route: <sip:[::1]:0;lr>\r\n",
    b"\r\nMax-Forwards: 0\r\n",
    b"\r\nRAck: 1 1 INVITE\r\n",
    b"\r\nExpires: 4294967295\r\n",
];

/// A few changes at random places.
pub fn mutated(rng: &mut StdRng, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..24)).min(bytes.len());
        let piece = NASTY[rng.random_range(0..NASTY.len())];
        match rng.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] = rng.random(),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, piece.iter().copied())),
            3 => drop(bytes.splice(at..end, piece.iter().copied())),
            4 => {
                let copy = bytes[at..end].repeat(rng.random_range(1..40));
                bytes.splice(at..at, copy);
            }
            5 if rng.random_bool(0.2) => bytes.truncate(at),
            _ => bytes = with_lines_swapped(rng, &bytes),
        }
    }
    bytes
}

fn with_lines_swapped(rng: &mut StdRng, bytes: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.len() > 2 {
        let (a, b) = (
            rng.random_range(0..lines.len()),
            rng.random_range(0..lines.len()),
        );
        lines.swap(a, b);
    }
    lines.concat()
}

/// The application answers all it has been told of.
fn answer_all(world: &mut World, node: Node) {
    for told in world.told(node) {
        let method = told
            .message
            .method()
            .map(|method| method.as_str().to_string());
        if let (Some(id), Some("INVITE" | "BYE" | "INFO" | "OPTIONS" | "SUBSCRIBE" | "UPDATE")) =
            (told.transaction, method.as_deref())
        {
            world.give(node, respond(id, OK));
        }
    }
    world.settle();
}

/// Everything of before ends by itself, and then a call works.
fn next_call_works(mut world: World, node: Node) {
    world.run_until_idle();
    assert!(world.census(node).is_empty(), "{:?}", world.census(node));
    world.told(node);
    let phone = world.phone("10.0.0.200:5060");
    let (mut ua, _) = world.call_in(phone, node);
    world.phone_hangs_up(phone, node, &mut ua);
    world.finish();
}

fn node_and_phone(world: &mut World) -> (Node, Phone) {
    (world.node("10.0.0.1:5060"), world.phone("10.0.0.9:5060"))
}

#[test]
fn garbage_is_dropped_without_an_answer() {
    let mut world = World::new(1);
    let (node, phone) = node_and_phone(&mut world);
    let mut rng = StdRng::seed_from_u64(1);
    for length in 0..2_000 {
        let garbage: Vec<u8> = (0..length).map(|_| rng.random()).collect();
        world.say(phone, node, garbage);
    }
    for text in [
        "",
        "\r\n\r\n",
        "INVITE",
        "SIP/2.0",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        world.say(phone, node, text);
    }
    world.settle();
    assert!(world.heard(phone).is_empty());
    assert!(world.told(node).is_empty());
    assert!(world.census(node).is_empty());
    assert!(world.counters(node).malformed > 1_900);
    next_call_works(world, node);
}

#[test]
fn garbage_on_a_connection_ends_that_connection_only() {
    let mut world = World::new(1);
    let (node, phone) = node_and_phone(&mut world);
    let phone = phone.by_tcp();
    let mut rng = StdRng::seed_from_u64(2);
    for _ in 0..300 {
        let length = rng.random_range(1..5_000);
        let garbage: Vec<u8> = (0..length).map(|_| rng.random()).collect();
        world.say(phone, node, garbage);
        world.settle();
        world.close_connections(phone);
    }
    assert!(world.told(node).is_empty());
    next_call_works(world, node);
}

#[test]
fn a_wrong_content_length_never_reaches_an_application() {
    for length in ["5000", "-1", "99999999999999999999", "x", ""] {
        let mut world = World::new(1);
        let (node, phone) = node_and_phone(&mut world);
        let text = world
            .ua(phone, "sip:bob@10.0.0.1")
            .request_with("INVITE", &[], SDP);
        let right = format!("Content-Length: {}", SDP.len());
        let wrong = text.replace(&right, &format!("Content-Length: {length}"));
        assert_ne!(text, wrong);
        world.say(phone, node, wrong);
        world.settle();
        assert!(world.told(node).is_empty(), "{length:?}");
        assert_eq!(world.heard_what(phone), ["400"], "{length:?}");
        next_call_works(world, node);
    }
}

#[test]
fn what_follows_the_body_of_a_datagram_is_ignored() {
    let mut world = World::new(1);
    let (node, phone) = node_and_phone(&mut world);
    let mut ua = world.ua(phone, "sip:bob@10.0.0.1");
    let text = ua.request_with("OPTIONS", &[], "body") + "INVITE sip:x SIP/2.0\r\n\r\n";
    world.say(phone, node, text);
    world.settle();
    let told = world.next_told(node);
    assert_eq!(
        (told.what().as_str(), &told.message.body()[..]),
        ("OPTIONS", &b"body"[..])
    );
    assert!(world.told(node).is_empty());
    world.respond(node, told.id(), OK);
    next_call_works(world, node);
}

#[test]
fn more_headers_than_anybody_needs_are_refused_without_a_trace() {
    for line in [
        "X: y",
        "Via: SIP/2.0/UDP h;branch=z9hG4bKx",
        "Route: <sip:h;lr>",
        "To: <sip:h>",
    ] {
        for count in [300, 2_000, 10_000] {
            for is_stream in [false, true] {
                let mut world = World::new(1);
                let (node, phone) = node_and_phone(&mut world);
                let phone = if is_stream { phone.by_tcp() } else { phone };
                let text = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
                let (first, rest) = text.split_once("Max-Forwards").unwrap();
                let many = format!("{line}\r\n").repeat(count);
                world.say(phone, node, format!("{first}{many}Max-Forwards{rest}"));
                world.settle();
                assert!(world.told(node).is_empty(), "{count} of {line}");
                assert!(world.census(node).is_empty(), "{count} of {line}");
                next_call_works(world, node);
            }
        }
    }
}

#[test]
fn values_without_end_are_refused_without_a_trace() {
    let long = "x".repeat(50_000);
    for header in [
        format!("X: {long}"),
        format!("Contact: <sip:{long}>"),
        format!("Supported: {}", "a,".repeat(20_000)),
        format!("X: {}", "\r\n y".repeat(10_000)),
        format!("From: {}", "\"".repeat(40_000)),
    ] {
        let mut world = World::new(1);
        let (node, phone) = node_and_phone(&mut world);
        let text = world
            .ua(phone, "sip:bob@10.0.0.1")
            .request_with("INVITE", &[&header], "");
        world.say(phone, node, text);
        world.settle();
        assert!(world.told(node).is_empty());
        assert!(world.census(node).is_empty());
        next_call_works(world, node);
    }
}

#[test]
fn mutated_requests_leave_nothing_behind() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        let (node, phone) = node_and_phone(&mut world);
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..400 {
            let mut ua = world.ua(phone, "sip:bob@10.0.0.1");
            let methods = [
                "INVITE",
                "OPTIONS",
                "SUBSCRIBE",
                "BYE",
                "ACK",
                "CANCEL",
                "PRACK",
            ];
            let method = methods[rng.random_range(0..methods.len())];
            let text = ua.request_with(method, &["Supported: 100rel"], SDP);
            world.say(phone, node, mutated(&mut rng, &text));
            world.settle();
            answer_all(&mut world, node);
        }
        next_call_works(world, node);
    }
}

#[test]
fn mutated_requests_over_streams_leave_nothing_behind() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        world.set_link(Link {
            splits: true,
            ..Link::good()
        });
        let (node, phone) = node_and_phone(&mut world);
        let phone = phone.by_tcp();
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..300 {
            let mut ua = world.ua(phone, "sip:bob@10.0.0.1");
            let method = ["INVITE", "OPTIONS"][rng.random_range(0..2)];
            let text = ua.request_with(method, &[], SDP);
            world.say(phone, node, mutated(&mut rng, &text));
            world.settle();
            answer_all(&mut world, node);
            if rng.random_bool(0.3) {
                world.close_connections(phone);
            }
        }
        world.close_connections(phone);
        next_call_works(world, node);
    }
}

#[test]
fn mutated_requests_do_no_harm_to_the_call_they_name() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        let (node, phone) = node_and_phone(&mut world);
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..40 {
            let (mut ua, _) = world.call_in(phone, node);
            for _ in 0..6 {
                let method = ["INVITE", "UPDATE", "INFO", "BYE", "ACK"][rng.random_range(0..5)];
                let text = ua.request_with(method, &[], SDP);
                let text = match rng.random_range(0..8) {
                    0 => companion(&text, "CANCEL", None),
                    _ => text,
                };
                world.say(phone, node, mutated(&mut rng, &text));
                world.settle();
                answer_all(&mut world, node);
            }
            world.phone_asks(phone, node, &mut ua, "BYE");
            answer_all(&mut world, node);
            world.run_until_idle();
            assert!(world.census(node).is_empty(), "{:?}", world.census(node));
            world.told(node);
            world.heard(phone);
        }
        next_call_works(world, node);
    }
}

#[test]
fn mutated_responses_end_every_request_once() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        let (node, phone) = node_and_phone(&mut world);
        let mut rng = StdRng::seed_from_u64(seed);
        let requests = ["INVITE", "SUBSCRIBE", "OPTIONS", "REGISTER"];
        for _ in 0..60 {
            let method = requests[rng.random_range(0..requests.len())];
            let text = format!("{method} sip:phone@10.0.0.9 SIP/2.0\r\nSupported: 100rel\r\n");
            world.give(node, request(&text));
            world.settle();
            let Some(heard) = world.heard(phone).pop() else {
                panic!("{method} was not sent");
            };
            for status in [100, 180, 183, 200, 302, 401, 486, 200] {
                let headers = [
                    "Contact: <sip:phone@10.0.0.9>",
                    "RSeq: 1",
                    "Require: 100rel",
                ];
                let headers = &headers[..rng.random_range(0..=headers.len())];
                let text = answer(&heard, status, "b", headers, SDP);
                world.say_back(phone, &heard, mutated(&mut rng, &text));
                world.settle();
            }
            // The contract of the world: each of them has one final response in the end.
            for told in world.told(node) {
                let is_call = told.message.cseq().unwrap().method.as_str() == "INVITE";
                if let (Some(200), Some(dialog), true) =
                    (told.message.status(), &told.dialog, is_call)
                {
                    world.give(node, request_in(dialog, crate::world::ACK));
                    world.give(node, request_in(dialog, crate::world::BYE));
                }
            }
            world.run_secs(40);
            world.heard(phone);
        }
        next_call_works(world, node);
    }
}

#[test]
fn a_proxy_forwards_only_what_is_valid() {
    for seed in 0..6 {
        let mut world = World::new(seed);
        let (node, phone) = node_and_phone(&mut world);
        let callee = world.phone("10.0.0.21:5060");
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..150 {
            let method = ["INVITE", "MESSAGE"][rng.random_range(0..2)];
            let mut ua = world.ua(phone, "sip:bob@10.0.0.1");
            let text = ua.request_with(method, &["Record-Route: <sip:10.0.0.8;lr>"], SDP);
            world.say(phone, node, mutated(&mut rng, &text));
            world.settle();
            for told in world.told(node) {
                if let (Some(transaction), Some(_)) = (told.transaction, told.message.method()) {
                    let mut plan = crate::world::plan(&["sip:x@10.0.0.21"]);
                    plan.remain_in_dialog = true;
                    world.give(node, Action::Proxy { transaction, plan });
                }
            }
            world.settle();
            for heard in world.heard(callee) {
                assert!(heard.validate().is_ok(), "{heard:?}");
                if heard
                    .method()
                    .is_some_and(|method| method.as_str() != "ACK")
                {
                    let status = [200, 302, 486][rng.random_range(0..3)];
                    let text = answer(&heard, status, "c", &["Contact: <sip:c@10.0.0.21>"], "");
                    world.say_back(callee, &heard, mutated(&mut rng, &text));
                }
            }
            world.run_secs(1);
        }
        next_call_works(world, node);
    }
}

#[test]
fn mutated_requests_through_a_proxy_leave_nothing_behind() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        let mut call = world.proxying("INVITE");
        let callee = call.callees[0];
        let mut plan = call.plan(&[0]);
        plan.remain_in_dialog = true;
        world.proxy(call.node, call.id, plan);
        world.settle();
        world.phone_answers(callee, "INVITE", 200);
        let ok = world.hear_what(call.caller, "200");
        call.ua.answered(&ok);
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..200 {
            let method = ["INVITE", "INFO", "BYE", "ACK"][rng.random_range(0..4)];
            let text = call.ua.request_with(method, &[], SDP);
            let cancel = companion(&text, "CANCEL", None);
            world.say(call.caller, call.node, mutated(&mut rng, &text));
            world.settle();
            if rng.random_bool(0.3) {
                world.say(call.caller, call.node, mutated(&mut rng, &cancel));
                world.settle();
            }
            for heard in world.heard(callee) {
                assert!(heard.validate().is_ok(), "{heard:?}");
                if heard.what() != "ACK" && rng.random_bool(0.7) {
                    let text = answer(&heard, 200, "c", &["Contact: <sip:c@10.0.0.21>"], "");
                    world.say_back(callee, &heard, mutated(&mut rng, &text));
                    world.settle();
                }
            }
            answer_all(&mut world, call.node);
        }
        next_call_works(world, call.node);
    }
}

#[test]
fn a_response_that_nothing_asked_for_is_dropped() {
    let mut world = World::new(1);
    let (node, phone) = node_and_phone(&mut world);
    let text = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    let request = Message::parse(text.into()).unwrap();
    for status in [100, 180, 200, 302, 486, 699] {
        world.say(phone, node, answer(&request, status, "b", &[], ""));
    }
    world.settle();
    assert!(world.told(node).is_empty());
    assert!(world.heard(phone).is_empty());
    next_call_works(world, node);
}
