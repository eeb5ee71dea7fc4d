//! RFC 4028 §7.4, §10: calls are refreshed by the engine, and end when nobody refreshes them.

use std::time::Duration;

use crate::world::{
    answer, companion, cseq, request_in, value, Heard, Link, Node, Phone, Ua, World, REINVITE,
};
use crate::world::{ACK, BYE, OK};
use drachtio::engine::DialogId;
use drachtio::message::HeaderId;

const SDP: &str = "v=0\r\no=ours\r\n";
const EXPIRED: &str = "Session timer expired";
const WE: &str = "uac";
const THEY: &str = "uas";
const UPDATE: &str = "Allow: INVITE, ACK, BYE, UPDATE";

struct Call {
    node: Node,
    phone: Phone,
    dialog: DialogId,
    bob: Ua,
    start: Duration,
}

/// The application calls the phone, which grants 300 s; `refresher` refreshes them.
fn call(world: &mut World, refresher: &str, header: &str) -> Call {
    let (node, phone) = world.node_and_phone();
    let invite = "INVITE sip:phone@10.0.0.9 SIP/2.0\r\nSession-Expires: 600\r\n";
    let dialog = world
        .request(node, &format!("{invite}\r\n{SDP}"))
        .dialog_id();
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    let bob = Ua::called(phone, &invite, "b");
    let expires = format!("Session-Expires: 300;refresher={refresher}");
    let headers = [&bob.contact_line(), &expires, header];
    world.say_back(phone, &invite, answer(&invite, 200, "b", &headers, ""));
    let start = world.elapsed();
    world.settle();
    world.app_asks(node, phone, &dialog, ACK);
    assert_eq!(world.told_what(node), ["200"]);
    Call {
        node,
        phone,
        dialog,
        bob,
        start,
    }
}

impl Call {
    /// Runs until shortly after so many seconds of the call, before anything is repeated.
    fn run_until(&self, world: &mut World, seconds: u64) {
        let passed = world.elapsed() - self.start;
        let until = Duration::from_millis(1000 * seconds + 200);
        world.run(until.saturating_sub(passed));
    }

    /// The phone answers a refresh.
    fn answer(&self, world: &mut World, refresh: &Heard, code: u16, header: &str) {
        let headers = [&self.bob.contact_line(), header];
        world.say_back(self.phone, refresh, answer(refresh, code, "", &headers, ""));
        world.settle();
    }

    /// The engine has ended the call and told the application so.
    fn has_expired(&self, world: &mut World) {
        let bye = world.heard(self.phone).pop().expect("a BYE");
        assert_eq!(bye.what(), "BYE");
        assert!(value(&bye, HeaderId::Reason).contains(EXPIRED));
        let told = world.told(self.node).pop().unwrap();
        assert_eq!((told.what().as_str(), told.transaction), ("BYE", None));
        assert_eq!(told.dialog_id(), self.dialog);
        let reason = value(&told.message, HeaderId::Reason);
        assert_eq!(reason, format!("SIP ;cause=200 ;text=\"{EXPIRED}\""));
        assert_eq!(world.census(self.node).dialogs, 0);
    }

    fn hang_up(&self, world: &mut World) {
        world.request_in(self.node, &self.dialog, BYE);
        world.settle();
    }
}

#[test]
fn a_call_that_the_peer_does_not_refresh_ends_32_s_before_its_session() {
    let mut world = World::new(1);
    let call = call(&mut world, THEY, UPDATE);
    call.run_until(&mut world, 267);
    assert!(world.heard(call.phone).is_empty());
    call.run_until(&mut world, 269);
    call.has_expired(&mut world);
    world.finish();
}

#[test]
fn a_short_session_ends_a_third_before_its_time() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    let headers = ["Supported: timer", "Session-Expires: 90;refresher=uac"];
    world.phone_asks_with(phone, node, &mut alice, "INVITE", &headers, "");
    let id = world.next_told(node).id();
    world.respond(node, id, OK);
    world.phone_is_answered(phone, &mut alice);
    let ack = alice.ack();
    world.say(phone, node, ack);
    world.run_secs(59);
    assert_eq!(world.told_what(node), ["ACK"]);
    // It refreshes in time, first with UPDATE and then with INVITE.
    for method in ["UPDATE", "INVITE"] {
        world.phone_asks_with(phone, node, &mut alice, method, &headers, "");
        world.app_accepts(node);
        if method == "INVITE" {
            let ack = alice.ack();
            world.say(phone, node, ack);
        }
        world.run_secs(59);
        assert!(world.told(node).iter().all(|one| one.what() == "ACK"));
    }
    world.heard(phone);
    world.run_secs(2);
    let told = world.next_told(node);
    assert_eq!((told.what().as_str(), told.transaction), ("BYE", None));
    world.hear_what(phone, "BYE");
    world.finish();
}

#[test]
fn the_engine_refreshes_every_half_interval_and_the_application_is_not_bothered() {
    for (allow, method) in [
        (UPDATE, "UPDATE"),
        ("Allow: INVITE, BYE", "INVITE"),
        ("X: y", "INVITE"),
    ] {
        let mut world = World::new(1);
        let call = call(&mut world, WE, allow);
        for _ in 0..4 {
            world.run_secs(149);
            assert!(world.heard(call.phone).is_empty());
            world.run_ms(1_300);
            let refresh = world.hear_what(call.phone, method);
            assert_eq!(
                value(&refresh, HeaderId::SessionExpires),
                "300;refresher=uac"
            );
            assert!(refresh.has_option(HeaderId::Supported, "timer"));
            assert!(refresh.contact().unwrap().is_some());
            // An INVITE offers what is agreed already, an UPDATE nothing.
            let body = if method == "INVITE" { SDP } else { "" };
            assert_eq!(refresh.body().as_ref(), body.as_bytes());
            call.answer(
                &mut world,
                &refresh,
                200,
                "Session-Expires: 300;refresher=uac",
            );
            if method == "INVITE" {
                let ack = world.hear_what(call.phone, "ACK");
                assert_eq!(cseq(&ack), cseq(&refresh));
                // Lost: the 2xx comes again, and so does the ACK.
                call.answer(
                    &mut world,
                    &refresh,
                    200,
                    "Session-Expires: 300;refresher=uac",
                );
                assert_eq!(world.hear_what(call.phone, "ACK").text(), ack.text());
            }
        }
        assert!(world.told(call.node).is_empty());
        call.hang_up(&mut world);
        assert_eq!(world.heard_what(call.phone), ["BYE"]);
        world.finish();
    }
}

#[test]
fn as_the_callee_the_engine_refreshes_with_the_answer_it_gave() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    let headers = ["Session-Expires: 300", "Content-Type: application/sdp"];
    world.phone_asks_with(
        phone,
        node,
        &mut alice,
        "INVITE",
        &headers,
        "v=0\r\no=theirs\r\n",
    );
    let id = world.next_told(node).id();
    let dialog = world
        .respond(node, id, &format!("{OK}\r\n{SDP}"))
        .dialog_id();
    world.settle();
    world.hear_what(phone, "100");
    let ok = world.hear_what(phone, "200");
    assert_eq!(value(&ok, HeaderId::SessionExpires), "300;refresher=uas");
    alice.answered(&ok);
    let ack = alice.ack();
    world.say(phone, node, ack);
    world.run_ms(150_200);
    let refresh = world.hear_what(phone, "INVITE");
    assert_eq!(refresh.body().as_ref(), SDP.as_bytes());
    assert_eq!(value(&refresh, HeaderId::ContentType), "application/sdp");
    // It says nothing of timers: the session expires no more.
    world.answer(phone, &refresh, 200);
    world.hear_what(phone, "ACK");
    assert_eq!(world.told_what(node), ["ACK"]);
    world.run_secs(10_000);
    assert!(world.heard(phone).is_empty());
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn a_refresh_that_the_peer_answers_408_or_481_or_not_at_all_ends_the_call() {
    for (allow, method) in [(UPDATE, "UPDATE"), ("X: y", "INVITE")] {
        for code in [408, 481, 0] {
            let mut world = World::new(1);
            let call = call(&mut world, WE, allow);
            call.run_until(&mut world, 150);
            let refresh = world.hear_what(call.phone, method);
            if code > 0 {
                call.answer(&mut world, &refresh, code, "X: y");
            } else {
                call.run_until(&mut world, 183);
            }
            call.has_expired(&mut world);
            world.finish();
        }
    }
}

#[test]
fn a_refresh_that_fails_otherwise_is_tried_again_until_the_session_ends() {
    for (code, header) in [
        (491, "X: y"),
        (503, "Retry-After: 10"),
        (500, "Retry-After: 9999999999"),
        (603, "X: y"),
        (401, "X: y"),
    ] {
        let mut world = World::new(1);
        let call = call(&mut world, WE, UPDATE);
        call.run_until(&mut world, 150);
        let first = world.hear_what(call.phone, "UPDATE");
        call.answer(&mut world, &first, code, header);
        // It has another try that succeeds.
        let second = (0..31_000 / 200).find_map(|_| {
            world.run_ms(200);
            world.heard(call.phone).pop()
        });
        let second = second.unwrap();
        assert!(cseq(&second) > cseq(&first));
        let wait = second.at - first.at;
        assert!(
            wait >= Duration::from_millis(2_100) && wait < Duration::from_secs(31),
            "{code}: {wait:?}"
        );
        call.answer(
            &mut world,
            &second,
            200,
            "Session-Expires: 300;refresher=uac",
        );
        world.heard(call.phone);
        assert!(world.told(call.node).is_empty());
        // Or none does.
        let mut tries = 0;
        for _ in 0..290 {
            world.run_secs(1);
            for heard in world.heard(call.phone) {
                match heard.what().as_str() {
                    "UPDATE" => {
                        tries += 1;
                        call.answer(&mut world, &heard, code, header);
                    }
                    "BYE" => call.answer(&mut world, &heard, 200, "X: y"),
                    other => panic!("{other}"),
                }
            }
        }
        assert!(tries > 2, "{code}");
        let told = world.next_told(call.node);
        assert_eq!((told.what().as_str(), told.transaction), ("BYE", None));
        assert_eq!(world.census(call.node).dialogs, 0);
        world.finish();
    }
}

#[test]
fn a_peer_that_wants_a_longer_interval_gets_it() {
    let mut world = World::new(1);
    let call = call(&mut world, WE, UPDATE);
    call.run_until(&mut world, 150);
    let refresh = world.hear_what(call.phone, "UPDATE");
    call.answer(&mut world, &refresh, 422, "Min-SE: 1000");
    world.run_ms(10);
    let refresh = world.hear_what(call.phone, "UPDATE");
    assert_eq!(
        value(&refresh, HeaderId::SessionExpires),
        "1000;refresher=uac"
    );
    assert_eq!(value(&refresh, HeaderId::MinSe), "1000");
    call.answer(
        &mut world,
        &refresh,
        200,
        "Session-Expires: 1000;refresher=uac",
    );
    world.run_secs(499);
    assert!(world.heard(call.phone).is_empty());
    world.run_ms(1_300);
    assert!(world.heard_what(call.phone).contains(&"UPDATE".to_string()));
    call.hang_up(&mut world);
    world.finish();
}

#[test]
fn an_update_that_the_peer_does_not_take_after_all_becomes_an_invite() {
    let mut world = World::new(1);
    let call = call(&mut world, WE, UPDATE);
    call.run_until(&mut world, 150);
    let refresh = world.hear_what(call.phone, "UPDATE");
    call.answer(&mut world, &refresh, 501, "X: y");
    world.run_ms(10);
    let refresh = world.hear_what(call.phone, "INVITE");
    assert_eq!(refresh.body().as_ref(), SDP.as_bytes());
    call.answer(&mut world, &refresh, 200, "Session-Expires: 300");
    world.hear_what(call.phone, "ACK");
    call.hang_up(&mut world);
    world.finish();
}

#[test]
fn requests_of_the_applications_wait_for_a_refresh_and_a_bye_does_not() {
    for allow in [UPDATE, "X: y"] {
        let mut world = World::new(1);
        let mut call = call(&mut world, WE, allow);
        call.run_until(&mut world, 150);
        let refresh = world.hear(call.phone);
        let update = request_in(&call.dialog, "UPDATE sip:x SIP/2.0\r\n");
        let command = world.give(call.node, update.clone());
        let reinvite = request_in(&call.dialog, REINVITE);
        let second = world.give(call.node, reinvite.clone());
        let third = world.refused(call.node, reinvite);
        assert_eq!(third.code(), "DRT_ERR_INVITE_IN_PROGRESS");
        for _ in 0..2 {
            world.give(call.node, update.clone());
        }
        let most = world.refused(call.node, update);
        assert_eq!(most.code(), "DRT_ERR_LIMIT_REACHED");
        // An INVITE of the peer's crosses ours, and only that.
        if refresh.what() == "INVITE" {
            let theirs = call.bob.request("INVITE");
            world.say(call.phone, call.node, &theirs);
            world.settle();
            let glare = world.hear_what(call.phone, "491");
            world.say(
                call.phone,
                call.node,
                companion(&theirs, "ACK", Some(&glare)),
            );
        }
        world.settle();
        assert!(world.replies(call.node, command).is_empty());
        assert!(world.heard(call.phone).is_empty());
        call.answer(
            &mut world,
            &refresh,
            200,
            "Session-Expires: 300;refresher=uac",
        );
        let sent = world.heard_what(call.phone);
        assert!(
            sent.ends_with(&["UPDATE", "INVITE", "UPDATE", "UPDATE"].map(String::from)),
            "{sent:?}"
        );
        for one in [command, second] {
            assert_eq!(world.replies(call.node, one).len(), 1);
        }
        call.hang_up(&mut world);
        assert!(world.heard_what(call.phone).contains(&"BYE".to_string()));
        world.finish();

        let mut world = World::new(1);
        let call = self::call(&mut world, WE, allow);
        call.run_until(&mut world, 150);
        let refresh = world.hear(call.phone);
        if refresh.what() == "INVITE" {
            call.answer(&mut world, &refresh, 100, "X: y");
        }
        call.hang_up(&mut world);
        let heard = world.heard_what(call.phone);
        assert!(heard.ends_with(&["BYE".to_string()]), "{heard:?}");
        world.finish();
    }
}

#[test]
fn requests_that_wait_for_a_refresh_go_also_when_the_peer_has_ended_the_session_meanwhile() {
    let mut world = World::new(1);
    let mut call = call(&mut world, WE, "X: y");
    call.run_until(&mut world, 150);
    let refresh = world.hear_what(call.phone, "INVITE");
    let update = request_in(&call.dialog, "UPDATE sip:x SIP/2.0\r\n");
    let command = world.give(call.node, update);
    // Less than anybody may ask for, by one who does not understand a refusal: there is no timer.
    let theirs = call
        .bob
        .request_with("UPDATE", &["Session-Expires: 30"], "");
    world.say(call.phone, call.node, theirs);
    world.settle();
    let told = world.next_told(call.node);
    world.respond(call.node, told.id(), crate::world::OK);
    world.settle();
    world.hear_what(call.phone, "200");
    assert!(world.replies(call.node, command).is_empty());
    call.answer(&mut world, &refresh, 500, "X: y");
    assert_eq!(world.replies(call.node, command).len(), 1);
    assert!(world.heard_what(call.phone).contains(&"UPDATE".to_string()));
    call.hang_up(&mut world);
    world.finish();
}

#[test]
fn a_reinvite_or_update_of_the_applications_counts_as_a_refresh() {
    let mut world = World::new(1);
    let call = call(&mut world, WE, "X: y");
    call.run_until(&mut world, 100);
    let change = "INVITE sip:x SIP/2.0\r\n\r\nv=0\r\no=changed\r\n";
    world.request_in(call.node, &call.dialog, change);
    world.settle();
    let reinvite = world.hear_what(call.phone, "INVITE");
    call.answer(
        &mut world,
        &reinvite,
        200,
        "Session-Expires: 200;refresher=uac",
    );
    world.request_in(call.node, &call.dialog, ACK);
    world.settle();
    world.hear_what(call.phone, "ACK");
    call.run_until(&mut world, 199);
    assert!(world.heard(call.phone).is_empty());
    world.run_ms(1_300);
    // It offers what is agreed now.
    let refresh = world.hear_what(call.phone, "INVITE");
    assert_eq!(refresh.body().as_ref(), b"v=0\r\no=changed\r\n");
    call.hang_up(&mut world);
    world.finish();
}

#[test]
fn a_session_described_in_the_ack_is_offered_again() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let invite = "INVITE sip:phone@10.0.0.9 SIP/2.0\r\nSession-Expires: 200\r\n";
    let dialog = world.request(node, invite).dialog_id();
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    let bob = Ua::called(phone, &invite, "b");
    let contact = bob.contact_line();
    let headers = [
        &contact,
        "Session-Expires: 200;refresher=uac",
        "Content-Type: application/sdp",
    ];
    world.say_back(
        phone,
        &invite,
        answer(&invite, 200, "b", &headers, "v=0\r\no=theirs\r\n"),
    );
    world.settle();
    world.request_in(node, &dialog, &format!("{ACK}\r\n{SDP}"));
    world.run_secs(101);
    assert_eq!(
        world.hear_what(phone, "ACK").body().as_ref(),
        SDP.as_bytes()
    );
    assert_eq!(
        world.hear_what(phone, "INVITE").body().as_ref(),
        SDP.as_bytes()
    );
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn a_refresh_waits_until_nothing_else_is_open() {
    let mut world = World::new(1);
    let mut call = call(&mut world, WE, UPDATE);
    call.run_until(&mut world, 149);
    let theirs = call.bob.request("INVITE");
    world.say(call.phone, call.node, &theirs);
    world.run_secs(20);
    // The application takes its time.
    assert_eq!(world.heard_what(call.phone), ["100"]);
    let id = world.next_told(call.node).id();
    world.respond(call.node, id, "SIP/2.0 488 No\r\n");
    world.settle();
    let refused = world.hear_what(call.phone, "488");
    world.say(
        call.phone,
        call.node,
        companion(&theirs, "ACK", Some(&refused)),
    );
    world.run_secs(5);
    let refresh = world.hear_what(call.phone, "UPDATE");
    call.answer(&mut world, &refresh, 200, "Session-Expires: 300");
    call.hang_up(&mut world);
    world.finish();
}

#[test]
fn calls_last_for_hours_over_a_bad_network_and_end_when_the_peer_vanishes() {
    for seed in 0..12 {
        let mut world = World::new(seed);
        let a = world.node("10.0.0.1:5060");
        let b = world.node("10.0.0.2:5060");
        let refresher = if seed % 2 == 0 { "uac" } else { "uas" };
        let invite = format!(
            "INVITE sip:b@10.0.0.2 SIP/2.0\r\nSession-Expires: 300;refresher={refresher}\r\n\r\n{SDP}"
        );
        let dialog = world.request(a, &invite).dialog_id();
        world.settle();
        let id = world.next_told(b).id();
        let allow = if seed % 3 == 0 {
            "Allow: UPDATE\r\n"
        } else {
            ""
        };
        world.respond(b, id, &format!("{OK}{allow}\r\n{SDP}"));
        world.settle();
        world.request_in(a, &dialog, ACK);
        world.settle();
        world.told(a);
        world.told(b);
        world.set_link(Link::bad());
        let mut refreshes = 0;
        for _ in 0..7_200 {
            world.run_secs(1);
            for node in [a, b] {
                for told in world.told(node) {
                    match told.what().as_str() {
                        "INVITE" => {
                            refreshes += 1;
                            world.respond(node, told.id(), &format!("{OK}\r\n{SDP}"));
                        }
                        "UPDATE" => {
                            refreshes += 1;
                            world.respond(node, told.id(), OK);
                        }
                        "ACK" => {}
                        other => panic!("seed {seed}: {other}"),
                    }
                }
            }
        }
        assert!(refreshes >= 7_200 / 160, "seed {seed}: {refreshes}");
        assert_eq!((world.census(a).dialogs, world.census(b).dialogs), (1, 1));
        world.set_link(Link::good());
        for address in ["10.0.0.1", "10.0.0.2"] {
            world.swallow(address);
        }
        world.run_secs(300);
        for node in [a, b] {
            let told = world.told(node).pop().unwrap();
            assert_eq!(
                (told.what().as_str(), told.transaction),
                ("BYE", None),
                "seed {seed}"
            );
        }
        world.finish();
    }
}
