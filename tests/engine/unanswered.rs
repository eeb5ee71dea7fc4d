//! RFC 3261 §8.1.3.1, §9.1, §15.1.1, §16.8: requests that nobody answers, whoever should have.

#![allow(clippy::expect_used)]

use crate::world::{answer, Heard, Node, Phone, Proxying, Ua, World, ACK, BYE, REINVITE};
use crate::world::{OK, RINGING};
use drachtio::engine::{DialogId, Refusal, Reply};

const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";

/// More than 64·T1, less than anything else.
const TIMED_OUT: u64 = 33;
/// More than timer C.
const RANG_OUT: u64 = 186;

// ---- by the callee of an application ----

#[test]
fn a_request_of_any_method_is_given_up_after_32_s() {
    for method in ["INVITE", "MESSAGE", "OPTIONS", "REGISTER", "SUBSCRIBE"] {
        for transport in ["", ";transport=tcp"] {
            let mut world = World::new(1);
            let node = world.node("10.0.0.1:5060");
            world.phone("10.0.0.9:5060");
            let uri = format!("sip:phone@10.0.0.9{transport}");
            world.request(node, &format!("{method} {uri} SIP/2.0\r\n"));
            world.run_secs(31);
            assert!(world.told(node).is_empty(), "{method}");
            world.run_secs(2);
            assert_eq!(world.told_what(node), ["408"], "{method}");
            world.finish();
        }
    }
}

#[test]
fn a_100_does_not_keep_another_request_than_invite_alive() {
    let mut world = World::new(1);
    let (node, phone, _, message) = world.outbound("MESSAGE");
    world.say_back(phone, &message, answer(&message, 100, "", &[], ""));
    world.run_secs(TIMED_OUT);
    assert_eq!(world.told_what(node), ["408"]);
    world.finish();
}

#[test]
fn a_cancelled_invite_ends_however_silent_the_callee() {
    // Before the first response, after one, and with an answer to the CANCEL but no more.
    for (rings, confirms) in [(false, false), (true, false), (true, true)] {
        let mut world = World::new(1);
        let (node, phone, sent, invite) = world.outbound("INVITE");
        if rings {
            world.say_back(phone, &invite, answer(&invite, 180, "b", &[CONTACT], ""));
            world.settle();
            assert_eq!(world.told_what(node), ["180"]);
        }
        world.cancel(node, sent.transaction);
        world.settle();
        if confirms {
            let cancel = world.hear_what(phone, "CANCEL");
            world.say_back(phone, &cancel, answer(&cancel, 200, "b", &[], ""));
        }
        world.run_secs(TIMED_OUT);
        let told = world.next_told(node);
        assert_eq!((told.what().as_str(), told.id()), ("487", sent.transaction));
        assert!(world.told(node).is_empty());
        world.finish();
    }
}

// ---- by the peer in a call ----

/// A call that the node or else the phone has begun.
fn talking(world: &mut World, is_ours: bool) -> (Node, Phone, DialogId, Ua) {
    let (node, phone) = world.node_and_phone();
    let (ua, dialog) = if is_ours {
        world.call_out(node, phone)
    } else {
        world.call_in(phone, node)
    };
    (node, phone, dialog, ua)
}

#[test]
fn a_bye_ends_the_call_all_the_same() {
    for is_ours in [true, false] {
        let mut world = World::new(1);
        let (node, _, dialog, _) = talking(&mut world, is_ours);
        world.request_in(node, &dialog, BYE);
        world.run_secs(TIMED_OUT);
        assert_eq!(world.told_what(node), ["408"]);
        assert_eq!(world.census(node).dialogs, 0);
        world.finish();
    }
}

#[test]
fn another_request_leaves_the_call_to_the_application() {
    for is_ours in [true, false] {
        for method in ["INVITE", "UPDATE", "INFO", "OPTIONS", "MESSAGE", "REFER"] {
            let mut world = World::new(1);
            let (node, _, dialog, _) = talking(&mut world, is_ours);
            let text = format!("{method} sip:placeholder SIP/2.0\r\n");
            world.request_in(node, &dialog, &text);
            world.run_secs(TIMED_OUT);
            assert_eq!(world.told_what(node), ["408"], "{method}");
            world.request_in(node, &dialog, BYE);
            world.run_secs(TIMED_OUT);
            assert_eq!(world.told_what(node), ["408"], "{method}");
            world.finish();
        }
    }
}

#[test]
fn a_reinvite_that_rings_for_ever_ends() {
    for is_ours in [true, false] {
        let mut world = World::new(1);
        let (node, phone, dialog, _) = talking(&mut world, is_ours);
        let invite = world.app_asks(node, phone, &dialog, REINVITE);
        world.say_back(phone, &invite, answer(&invite, 180, "", &[CONTACT], ""));
        world.run_secs(RANG_OUT + TIMED_OUT);
        assert_eq!(world.told_what(node), ["180", "408"]);
        world.request_in(node, &dialog, BYE);
        world.finish();
    }
}

#[test]
fn a_call_whose_bye_finds_no_way_to_the_peer_is_forgotten() {
    for contact in ["sip:nowhere.example.com", "sip:[::1]", "sips:10.0.0.9"] {
        let mut world = World::new(1);
        let (node, phone, sent, invite) = world.outbound("INVITE");
        let line = format!("Contact: <{contact}>");
        world.say_back(phone, &invite, answer(&invite, 200, "b", &[&line], ""));
        world.settle();
        for text in [ACK, BYE, BYE] {
            let command = world.give(node, crate::world::request_in(&sent.dialog_id(), text));
            world.settle();
            let reply = world.reply(node, command);
            assert!(matches!(reply, Reply::Refused(_)), "{contact}: {reply:?}");
        }
        assert_eq!(world.census(node).dialogs, 1, "the peer may still hang up");
        world.run_secs(TIMED_OUT);
        assert!(world.census(node).is_empty(), "{contact}");
        let bye = crate::world::request_in(&sent.dialog_id(), BYE);
        assert_eq!(world.refused(node, bye), Refusal::UnknownDialog);
        world.finish();
    }
}

// ---- by the application ----

#[test]
fn an_application_that_falls_silent_does_not_keep_its_caller_waiting_for_ever() {
    for method in ["INVITE", "MESSAGE", "OPTIONS"] {
        let mut world = World::new(1);
        let (node, phone) = world.node_and_phone();
        let request = world.ua(phone, "sip:bob@10.0.0.1").request(method);
        world.say(phone, node, request);
        world.run_secs(63);
        let id = world.next_told(node).id();
        let early = world.heard_what(phone);
        assert!(!early.contains(&"503".to_string()), "{method}: {early:?}");
        world.run_secs(2);
        let late = world.heard_what(phone);
        assert!(late.contains(&"503".to_string()), "{method}: {late:?}");
        let refusal = world.refused(node, crate::world::respond(id, OK));
        assert_eq!(refusal, Refusal::UnknownTransaction);
        world.finish();
    }
}

#[test]
fn an_application_may_let_it_ring_for_an_hour() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    world.hear_what(phone, "100");
    world.respond(node, id, RINGING);
    world.run_secs(3_599);
    let heard = world.heard_what(phone);
    assert!(heard.iter().all(|what| what == "180"), "{heard:?}");
    world.run_secs(2);
    assert!(world.heard_what(phone).contains(&"500".to_string()));
    world.finish();
}

#[test]
fn an_application_that_never_says_where_to_forward_is_given_up() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    world.run_secs(65);
    let failure = world.hear_what(call.caller, "503");
    let late = world.proxy(call.node, call.id, call.plan(&[0]));
    let unknown = format!("Unknown transaction id: {}", call.id);
    assert_eq!(world.proxy_replies(call.node, late), [unknown]);
    world.acknowledge_failure(&call, &failure);
    world.finish();
}

// ---- by the callee behind a proxy ----

/// The request is forwarded to the first callee, which has answered with these statuses.
fn forwarded(world: &mut World, method: &str, statuses: &[u16]) -> Proxying {
    let call = world.proxying(method);
    let mut plan = call.plan(&[0]);
    plan.remain_in_dialog = true;
    world.proxy(call.node, call.id, plan);
    world.settle();
    let request = world.hear_what(call.callees[0], method);
    for status in statuses {
        world.answer(call.callees[0], &request, *status);
    }
    call
}

/// The caller of an INVITE hears 408 within this time and no other failure; any other caller has
/// given up by itself (RFC 4320 §4.2). Then the proxy forgets it all.
fn caller_hears_408(world: &mut World, call: &Proxying, seconds: u64) {
    world.run_secs(seconds);
    let heard = world.heard(call.caller);
    let failures: Vec<&Heard> = heard
        .iter()
        .filter(|one| one.status() >= Some(200))
        .collect();
    assert!(
        failures.iter().all(|one| one.what() == "408"),
        "{failures:?}"
    );
    if call.request.starts_with("INVITE") {
        let failure = failures.first().expect("a final response");
        world.acknowledge_failure(call, failure);
    } else {
        assert!(failures.is_empty());
    }
    world.run_secs(2 * TIMED_OUT);
    assert!(world.census(call.node).is_empty());
}

#[test]
fn the_caller_behind_a_proxy_hears_408() {
    for (method, statuses, seconds) in [
        ("MESSAGE", &[][..], TIMED_OUT),
        ("MESSAGE", &[100], TIMED_OUT),
        ("INVITE", &[], TIMED_OUT),
        ("INVITE", &[100], RANG_OUT),
        ("INVITE", &[100, 180], RANG_OUT),
    ] {
        let mut world = World::new(1);
        let call = forwarded(&mut world, method, statuses);
        caller_hears_408(&mut world, &call, seconds);
        world.finish();
    }
}

#[test]
fn the_caller_behind_a_proxy_hears_408_in_its_call_too() {
    for (method, provisional, seconds) in [
        ("BYE", None, TIMED_OUT),
        ("BYE", Some(100), TIMED_OUT),
        ("INFO", None, TIMED_OUT),
        ("INVITE", None, TIMED_OUT),
        ("INVITE", Some(180), RANG_OUT),
    ] {
        let mut world = World::new(1);
        let mut call = forwarded(&mut world, "INVITE", &[200]);
        let ok = world.hear_what(call.caller, "200");
        call.ua.answered(&ok);
        let ack = call.ua.ack();
        world.say(call.caller, call.node, ack);
        world.settle();
        world.hear_what(call.callees[0], "ACK");
        call.request = call.ua.request(method);
        world.say(call.caller, call.node, &call.request);
        world.settle();
        let request = world.hear_what(call.callees[0], method);
        if let Some(status) = provisional {
            world.answer(call.callees[0], &request, status);
        }
        caller_hears_408(&mut world, &call, seconds);
        world.finish();
    }
}

#[test]
fn a_caller_that_cancels_hears_487_though_the_callee_is_silent() {
    for statuses in [&[][..], &[100], &[180]] {
        let mut world = World::new(1);
        let call = forwarded(&mut world, "INVITE", statuses);
        world.heard(call.caller);
        world.caller_cancels(&call);
        world.hear_what(call.caller, "200");
        world.run_secs(TIMED_OUT);
        world.caller_is_refused(&call, 487);
        world.run_secs(2 * TIMED_OUT);
        assert!(world.census(call.node).is_empty(), "{statuses:?}");
        world.finish();
    }
}

#[test]
fn a_caller_that_never_acknowledges_leaves_nothing_at_the_proxy() {
    for last in [200, 486] {
        let mut world = World::new(1);
        let call = forwarded(&mut world, "INVITE", &[180, last]);
        world.run_secs(2 * TIMED_OUT);
        assert!(world.census(call.node).is_empty(), "{last}");
        world.finish();
    }
}
