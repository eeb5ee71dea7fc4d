//! drachtio-server §4: call detail records. Every attempt of a call is followed by its stop, or by a
//! start and a stop, each with the message that brought it about.

use std::time::Duration;

use crate::world::{
    answer, companion, request_in, Heard, Node, Phone, Proxying, Ua, World, ACK, BUSY, BYE, OK,
    REINVITE, RINGING,
};
use drachtio::engine::{AppId, Cdr, Source};

const INVITE: &str = "INVITE sip:phone@10.0.0.9 SIP/2.0\r\n";
const ATTEMPT: &str = "attempt network INVITE";
const OUR_ATTEMPT: &str = "attempt application INVITE";

/// The records since the last call, as in `stop network normal-release BYE`.
fn records(world: &mut World, node: Node) -> Vec<String> {
    world.records(node).iter().map(shown).collect()
}

fn shown(record: &Cdr) -> String {
    let source = match record.source {
        Source::Network => "network",
        Source::Application => "application",
    };
    let message = &record.message;
    let what = match message.status() {
        Some(status) => status.to_string(),
        None => message.method().unwrap().as_str().to_string(),
    };
    let event = record.event.name().strip_prefix("cdr:").unwrap();
    let words = [
        Some(event),
        Some(source),
        record.event.detail(),
        Some(&what),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn recording(world: &mut World) -> (Node, Phone) {
    let node = world.node("10.0.0.1:5060");
    world.make_records(node);
    (node, world.phone("10.0.0.9:5060"))
}

/// The phone calls, and the application has heard it.
fn called(world: &mut World) -> (Node, Phone, String) {
    let (node, phone) = recording(world);
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    world.say(phone, node, &invite);
    world.settle();
    (node, phone, invite)
}

/// The application calls, and the phone has heard it.
fn calling(world: &mut World) -> (Node, Phone, Heard) {
    let (node, phone) = recording(world);
    world.request(node, INVITE);
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    (node, phone, invite)
}

#[test]
fn a_call_that_the_caller_ends() {
    let mut world = World::new(1);
    let (node, phone) = recording(&mut world);
    let (mut alice, _) = world.call_in(phone, node);
    assert_eq!(
        records(&mut world, node),
        [ATTEMPT, "start application uas 200"]
    );
    world.phone_hangs_up(phone, node, &mut alice);
    assert_eq!(
        records(&mut world, node),
        ["stop network normal-release BYE"]
    );
    world.finish();
}

#[test]
fn a_call_that_the_application_makes_and_ends() {
    let mut world = World::new(1);
    let (node, phone) = recording(&mut world);
    let (_, dialog) = world.call_out(node, phone);
    assert_eq!(
        records(&mut world, node),
        [OUR_ATTEMPT, "start network uac 200"]
    );
    world.request_in(node, &dialog, BYE);
    world.settle();
    assert_eq!(
        records(&mut world, node),
        ["stop application normal-release BYE"]
    );
    world.finish();
}

#[test]
fn a_record_tells_when_and_has_the_message_as_it_was() {
    let mut world = World::new(1);
    let (node, _, invite) = called(&mut world);
    let [attempt] = <[Cdr; 1]>::try_from(world.records(node)).unwrap();
    let call_id = companion(&invite, "CANCEL", None);
    let line = format!("Call-ID: {}\r\n", attempt.message.call_id().unwrap());
    assert!(call_id.contains(&line), "{line}");
    let id = world.next_told(node).id();
    world.run(Duration::from_secs(3));
    world.respond(node, id, BUSY);
    let [stop] = <[Cdr; 1]>::try_from(world.records(node)).unwrap();
    let passed = stop.at - attempt.at;
    assert!(passed >= Duration::from_secs(3) && passed < Duration::from_secs(4));
    world.finish();
}

#[test]
fn without_somebody_who_asks_there_are_none() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    world.phone_hangs_up(phone, node, &mut alice);
    assert!(records(&mut world, node).is_empty());
    // Who asks in the middle of a call hears of its end.
    let (mut alice, _) = world.call_in(phone, node);
    world.make_records(node);
    world.phone_hangs_up(phone, node, &mut alice);
    assert_eq!(
        records(&mut world, node),
        ["stop network normal-release BYE"]
    );
    world.finish();
}

#[test]
fn a_call_that_the_application_refuses() {
    let mut world = World::new(1);
    let (node, phone, invite) = called(&mut world);
    let id = world.next_told(node).id();
    world.respond(node, id, BUSY);
    world.settle();
    let busy = world.heard(phone).pop().unwrap();
    world.say(phone, node, companion(&invite, "ACK", Some(&busy)));
    world.settle();
    assert_eq!(
        records(&mut world, node),
        [ATTEMPT, "stop application call-rejected 486"]
    );
    world.finish();
}

#[test]
fn calls_that_no_application_gets() {
    let mut world = World::new(1);
    let (node, phone) = recording(&mut world);
    world.reject_requests(node, 503);
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    world.say(phone, node, &invite);
    world.settle();
    let refused = |code| {
        [
            ATTEMPT.to_string(),
            format!("stop application call-rejected {code}"),
        ]
    };
    assert_eq!(records(&mut world, node), refused(503));
    // One that can't be taken for a request at all, and is answered without a transaction.
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    world.say(phone, node, invite.replace("CSeq: 1 INVITE", "CSeq: 1 BYE"));
    world.settle();
    assert_eq!(records(&mut world, node), refused(400));
    world.finish();
}

#[test]
fn a_request_that_changes_a_call_is_none_of_its_own() {
    let mut world = World::new(1);
    let (node, phone) = recording(&mut world);
    let (mut alice, dialog) = world.call_in(phone, node);
    records(&mut world, node);
    let reinvite = world.phone_asks(phone, node, &mut alice, "INVITE");
    let id = world.next_told(node).id();
    world.respond(node, id, BUSY);
    world.settle();
    let busy = world.heard(phone).pop().unwrap();
    world.say(phone, node, companion(&reinvite, "ACK", Some(&busy)));
    let reinvite = world.app_asks(node, phone, &dialog, REINVITE);
    world.answer(phone, &reinvite, 200);
    world.request_in(node, &dialog, ACK);
    world.settle();
    assert!(records(&mut world, node).is_empty());
    world.told(node);
    world.heard(phone);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn the_caller_gives_up() {
    for rings in [false, true] {
        let mut world = World::new(1);
        let (node, phone, invite) = called(&mut world);
        let id = world.next_told(node).id();
        if rings {
            world.respond(node, id, RINGING);
            world.settle();
        }
        world.say(phone, node, companion(&invite, "CANCEL", None));
        world.settle();
        let stopped = "stop network call-canceled INVITE";
        assert_eq!(records(&mut world, node), [ATTEMPT, stopped]);
        world.finish();
    }
}

#[test]
fn a_callee_refuses_or_is_cancelled_or_is_not_there() {
    let mut world = World::new(1);
    let (node, phone, invite) = calling(&mut world);
    world.answer(phone, &invite, 486);
    let stop = "stop network call-rejected 486";
    assert_eq!(records(&mut world, node), [OUR_ATTEMPT, stop]);
    world.finish();

    let mut world = World::new(1);
    let (node, phone) = recording(&mut world);
    let sent = world.request(node, INVITE);
    world.settle();
    let invite = world.phone_answers(phone, "INVITE", 180);
    world.cancel(node, sent.transaction);
    world.settle();
    world.phone_answers(phone, "CANCEL", 200);
    world.answer(phone, &invite, 487);
    let stop = "stop network call-canceled 487";
    assert_eq!(records(&mut world, node), [OUR_ATTEMPT, stop]);
    world.finish();

    let mut world = World::new(1);
    let (node, _, _) = calling(&mut world);
    world.run_secs(40);
    let stop = "stop application call-rejected 408";
    assert_eq!(records(&mut world, node), [OUR_ATTEMPT, stop]);
    world.finish();
}

#[test]
fn the_ack_never_comes() {
    let mut world = World::new(1);
    let (node, _, _) = called(&mut world);
    let id = world.next_told(node).id();
    world.respond(node, id, OK);
    world.run_secs(40);
    assert_eq!(
        records(&mut world, node),
        [
            ATTEMPT,
            "start application uas 200",
            "stop application ackbye BYE"
        ]
    );
    world.run_until_idle();
    world.finish();
}

#[test]
fn a_cancel_crosses_the_answer() {
    let mut world = World::new(1);
    let (node, phone) = recording(&mut world);
    let sent = world.request(node, INVITE);
    world.settle();
    let invite = world.phone_answers(phone, "INVITE", 180);
    world.cancel(node, sent.transaction);
    world.answer(phone, &invite, 200);
    world.request_in(node, &sent.dialog_id(), ACK);
    world.run_secs(1);
    assert_eq!(
        records(&mut world, node),
        [
            OUR_ATTEMPT,
            "start network uac 200",
            "stop application ackbye BYE"
        ]
    );
    world.run_until_idle();
    world.finish();
}

#[test]
fn a_second_fork_that_nobody_wants() {
    let mut world = World::new(1);
    let (node, phone, invite) = calling(&mut world);
    let mut bobs = ["b1", "b2"].map(|tag| Ua::called(phone, &invite, tag));
    for (bob, tag) in bobs.iter_mut().zip(["b1", "b2"]) {
        for _repeated in 0..2 {
            let text = answer(&invite, 200, tag, &[&bob.contact_line()], "");
            world.say_back(phone, &invite, text);
            world.settle();
        }
    }
    assert_eq!(
        records(&mut world, node),
        [
            OUR_ATTEMPT,
            "start network uac 200",
            "start network uac 200",
            "stop application ackbye BYE"
        ]
    );
    let dialog = world.next_told(node).dialog_id();
    world.request_in(node, &dialog, ACK);
    world.request_in(node, &dialog, BYE);
    world.run_until_idle();
    world.finish();
}

#[test]
fn nobody_refreshes_the_session() {
    let mut world = World::new(1);
    let (node, phone) = recording(&mut world);
    let dialog = world
        .request(node, &format!("{INVITE}Session-Expires: 300\r\n"))
        .dialog_id();
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    let contact = Ua::called(phone, &invite, "b").contact_line();
    let headers = [contact.as_str(), "Session-Expires: 300;refresher=uas"];
    world.say_back(phone, &invite, answer(&invite, 200, "b", &headers, ""));
    world.settle();
    world.request_in(node, &dialog, ACK);
    records(&mut world, node);
    world.run_secs(270);
    let stop = "stop application session-expired BYE";
    assert_eq!(records(&mut world, node), [stop]);
    world.run_until_idle();
    world.finish();
}

#[test]
fn the_application_goes() {
    let mut world = World::new(1);
    let (node, phone) = recording(&mut world);
    let (mut alice, _) = world.call_in(phone, node);
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    world.say(phone, node, invite);
    world.settle();
    records(&mut world, node);
    world.app_goes(node, AppId(1));
    world.settle();
    assert_eq!(
        records(&mut world, node),
        [
            "stop application call-rejected 503",
            "stop application system-initiated-termination BYE"
        ]
    );
    // A BYE that crosses the engine's is not the end of another call.
    world.phone_asks(phone, node, &mut alice, "BYE");
    assert!(records(&mut world, node).is_empty());
    world.run_until_idle();
    world.finish();
}

#[test]
fn both_sides_hang_up_at_once() {
    let mut world = World::new(1);
    let (node, phone) = recording(&mut world);
    let (mut alice, dialog) = world.call_in(phone, node);
    records(&mut world, node);
    world.give(node, request_in(&dialog, BYE));
    world.phone_asks(phone, node, &mut alice, "BYE");
    assert_eq!(
        records(&mut world, node),
        ["stop application normal-release BYE"]
    );
    for told in world.told(node) {
        if told.what() == "BYE" {
            world.respond(node, told.id(), OK);
        }
    }
    world.run_until_idle();
    world.finish();
}

#[test]
fn nothing_leads_to_the_peer_that_is_to_hear_of_the_end() {
    let mut world = World::new(1);
    let (node, phone, invite) = calling(&mut world);
    let contact = "Contact: <sip:phone@nowhere.example>";
    world.say_back(phone, &invite, answer(&invite, 200, "b", &[contact], ""));
    world.settle();
    let dialog = world.next_told(node).dialog_id();
    records(&mut world, node);
    world.give(node, request_in(&dialog, BYE));
    world.run_secs(40);
    let stop = "stop application system-error-initiated-termination BYE";
    assert_eq!(records(&mut world, node), [stop]);
    world.run_until_idle();
    world.finish();
}

/// A proxied INVITE that the callees with these numbers have heard.
fn proxied(world: &mut World, callees: &[usize]) -> (Proxying, Vec<Heard>) {
    let call = world.proxying("INVITE");
    world.make_records(call.node);
    let mut plan = call.plan(callees);
    plan.remain_in_dialog = true;
    world.proxy(call.node, call.id, plan);
    world.settle();
    let heard = callees
        .iter()
        .map(|at| world.hear_what(call.callees[*at], "INVITE"))
        .collect();
    (call, heard)
}

#[test]
fn a_call_passes_a_proxy() {
    let mut world = World::new(1);
    let (mut call, invites) = proxied(&mut world, &[0]);
    for _repeated in 0..2 {
        world.answer(call.callees[0], &invites[0], 200);
    }
    assert_eq!(
        records(&mut world, call.node),
        [
            OUR_ATTEMPT,
            "start network proxy-uac 200",
            "start application proxy-uas 200"
        ]
    );
    let ok = world.hear_what(call.caller, "200");
    call.ua.answered(&ok);
    let ack = call.ua.ack();
    world.say(call.caller, call.node, ack);
    let bye = call.ua.request("BYE");
    world.say(call.caller, call.node, bye);
    world.settle();
    assert_eq!(
        records(&mut world, call.node),
        [
            "stop network normal-release BYE",
            "stop application normal-release BYE"
        ]
    );
    world.hear_what(call.callees[0], "ACK");
    world.phone_answers(call.callees[0], "BYE", 200);
    world.finish();
}

#[test]
fn a_proxy_tries_one_callee_after_the_other() {
    let mut world = World::new(1);
    let (call, invites) = proxied(&mut world, &[0]);
    world.answer(call.callees[0], &invites[0], 486);
    assert_eq!(
        records(&mut world, call.node),
        [
            OUR_ATTEMPT,
            "stop network call-rejected 486",
            "stop application call-rejected 486"
        ]
    );
    world.finish();
}

#[test]
fn no_callee_of_a_proxy_is_there() {
    let mut world = World::new(1);
    let (call, _) = proxied(&mut world, &[0]);
    world.run_secs(40);
    assert_eq!(
        records(&mut world, call.node),
        [
            OUR_ATTEMPT,
            "stop application call-rejected 408",
            "stop application call-rejected 408"
        ]
    );
    world.run_until_idle();
    world.finish();
}

#[test]
fn a_proxied_call_is_cancelled() {
    let mut world = World::new(1);
    let (call, invites) = proxied(&mut world, &[0]);
    let callee = call.callees[0];
    world.answer(callee, &invites[0], 180);
    world.caller_cancels(&call);
    world.phone_answers(callee, "CANCEL", 200);
    world.answer(callee, &invites[0], 487);
    assert_eq!(
        records(&mut world, call.node),
        [
            OUR_ATTEMPT,
            "stop network call-canceled 487",
            "stop application call-rejected 487"
        ]
    );
    world.run_until_idle();
    world.finish();
}

#[test]
fn a_callee_of_a_proxy_answers_too_late() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    world.make_records(call.node);
    let mut plan = call.plan(&[0]);
    plan.final_timeout = Some(Duration::from_secs(1));
    world.proxy(call.node, call.id, plan);
    world.settle();
    let invite = world.hear_what(call.callees[0], "INVITE");
    world.run_secs(2);
    world.hear_what(call.caller, "408");
    for _repeated in 0..2 {
        world.answer(call.callees[0], &invite, 200);
    }
    assert_eq!(
        records(&mut world, call.node),
        [
            OUR_ATTEMPT,
            "stop application call-rejected 408",
            "start network proxy-uac 200",
            "stop application ackbye BYE"
        ]
    );
    world.run_until_idle();
    world.finish();
}
