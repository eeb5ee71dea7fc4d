//! RFC 3311 §5.2: UPDATEs in early and confirmed dialogs, and what they may not cross.

use crate::world::{
    answer, companion, request_in, rseq, uri_of, value, Link, World, ACK, BUSY, BYE, OK, UPDATE,
};
use drachtio::message::HeaderId;

const UPDATE_SDP: &str = "UPDATE sip:placeholder SIP/2.0\r\n\r\nv=0\r\n";
const RELIABLE_SDP: &str = "SIP/2.0 183 Progress\r\nRequire: 100rel\r\n\r\nv=0\r\n";
const SDP: &[&str] = &["Content-Type: application/sdp"];

#[test]
fn a_second_update_before_the_first_is_answered_gets_500_with_retry_after() {
    for (first, second) in [("", ""), ("v=0\r\n", "v=0\r\n"), ("", "v=0\r\n")] {
        let mut world = World::new(1);
        let (node, phone, mut alice, _) = world.inbound_call();
        for body in [first, second] {
            let update = alice.request_with("UPDATE", SDP, body);
            world.say(phone, node, update);
        }
        world.settle();
        let refused = world.hear_what(phone, "500");
        assert_eq!(value(&refused, HeaderId::CSeq), "3 UPDATE");
        let seconds: u32 = value(&refused, HeaderId::RetryAfter).parse().unwrap();
        assert!(seconds <= 10);
        let told = world.next_told(node);
        assert!(world.told(node).is_empty());
        world.respond(node, told.id(), OK);
        world.settle();
        world.hear_what(phone, "200");
        // The next one may come.
        world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, second);
        world.app_accepts(node);
        world.hear_what(phone, "200");
        world.phone_hangs_up(phone, node, &mut alice);
        world.finish();
    }
}

#[test]
fn an_offer_that_crosses_ours_gets_491_and_one_without_an_offer_does_not() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    let ours = world.app_asks(node, phone, &dialog, UPDATE_SDP);
    world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, "v=0\r\n");
    world.hear_what(phone, "491");
    let invite = world.phone_asks(phone, node, &mut alice, "INVITE");
    let refused = world.hear_what(phone, "491");
    world.say(phone, node, companion(&invite, "ACK", Some(&refused)));
    world.phone_asks(phone, node, &mut alice, "UPDATE");
    world.app_accepts(node);
    world.hear_what(phone, "200");
    // Once ours is answered, theirs may come.
    world.say_back(phone, &ours, answer(&ours, 200, "", SDP, "v=0\r\n"));
    world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, "v=0\r\n");
    assert_eq!(world.next_told(node).what(), "200");
    world.app_accepts(node);
    world.hear_what(phone, "200");
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn a_reinvite_before_their_update_is_answered_gets_500() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    let update = alice.request_with("UPDATE", SDP, "v=0\r\n");
    let invite = alice.request_with("INVITE", SDP, "v=0\r\n");
    world.say(phone, node, update);
    world.say(phone, node, &invite);
    world.settle();
    let refused = world.hear_what(phone, "500");
    assert!(refused.get(HeaderId::RetryAfter).is_some());
    world.say(phone, node, companion(&invite, "ACK", Some(&refused)));
    world.app_accepts(node);
    world.hear_what(phone, "200");
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn in_an_early_dialog_an_offer_waits_for_the_answer_to_the_invites() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    let headers = ["Supported: 100rel", "Content-Type: application/sdp"];
    world.phone_asks_with(phone, node, &mut alice, "INVITE", &headers, "v=0\r\n");
    let call = world.next_told(node).id();
    world.respond(node, call, "SIP/2.0 180 Ringing\r\n");
    world.settle();
    world.hear_what(phone, "100");
    let ringing = world.hear_what(phone, "180");
    alice.answered(&ringing);
    // The INVITE's offer has no answer.
    world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, "v=0\r\n");
    let refused = world.hear_what(phone, "500");
    assert!(refused.get(HeaderId::RetryAfter).is_some());
    // An UPDATE that offers nothing changes the target, and is the application's.
    let moved = alice.request("UPDATE").replace(
        "Contact: <sip:phone@10.0.0.9:5060>",
        "Contact: <sip:moved@10.0.0.9:5060>",
    );
    world.say(phone, node, moved);
    world.settle();
    let told = world.next_told(node);
    assert_eq!(told.what(), "UPDATE");
    let dialog = told.dialog_id();
    world.respond(node, told.id(), OK);
    world.request_in(node, &dialog, UPDATE);
    world.settle();
    world.hear_what(phone, "200");
    let ours = world.hear_what(phone, "UPDATE");
    assert_eq!(ours.request_uri().unwrap(), "sip:moved@10.0.0.9:5060");
    world.answer(phone, &ours, 200);
    assert_eq!(world.told_what(node), ["200"]);
    // Once it is answered reliably, and acknowledged, an offer may come.
    world.respond(node, call, RELIABLE_SDP);
    world.settle();
    let progress = world.hear_what(phone, "183");
    let rack = format!("RAck: {} 1 INVITE", rseq(&progress));
    let prack = alice.request_with("PRACK", &[&rack], "");
    world.say(phone, node, prack);
    world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, "v=0\r\n");
    for told in world.told(node) {
        world.respond(node, told.id(), OK);
    }
    world.settle();
    assert_eq!(world.heard_what(phone), ["200", "200"]);
    // The other way round too.
    let ours = world.app_asks(node, phone, &dialog, UPDATE_SDP);
    world.say_back(phone, &ours, answer(&ours, 200, "", SDP, "v=0\r\n"));
    world.settle();
    assert_eq!(world.told_what(node), ["200"]);
    world.respond(node, call, BUSY);
    world.finish();
}

#[test]
fn the_callee_may_not_offer_before_it_has_answered_our_offer() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let invite = "INVITE sip:phone@10.0.0.9 SIP/2.0\r\nSupported: 100rel\r\n\r\nv=0\r\n";
    let sent = world.request(node, invite);
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    let contact = "Contact: <sip:phone@10.0.0.9>";
    world.say_back(phone, &invite, answer(&invite, 180, "b", &[contact], ""));
    let mut bob = crate::world::Ua::called(phone, &invite, "b");
    world.phone_asks_with(phone, node, &mut bob, "UPDATE", SDP, "v=0\r\n");
    world.hear_what(phone, "491");
    assert_eq!(world.told_what(node), ["180"]);
    let headers = ["Require: 100rel", "RSeq: 1", contact, SDP[0]];
    world.say_back(
        phone,
        &invite,
        answer(&invite, 183, "b", &headers, "v=0\r\n"),
    );
    world.phone_asks_with(phone, node, &mut bob, "UPDATE", SDP, "v=0\r\n");
    assert_eq!(world.next_told(node).what(), "183");
    let told = world.app_accepts(node);
    assert_eq!(
        (told.what(), &told.dialog),
        ("UPDATE".to_string(), &sent.dialog)
    );
    world.hear_what(phone, "200");
    world.say_back(phone, &invite, answer(&invite, 486, "b", &[], ""));
    world.settle();
    assert_eq!(world.told_what(node), ["486"]);
    world.finish();
}

#[test]
fn an_update_that_is_refused_or_given_up_leaves_the_way_free() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    world.request_in(node, &dialog, UPDATE_SDP);
    // Nobody answers.
    world.run_secs(33);
    assert_eq!(world.told_what(node), ["408"]);
    world.heard(phone);
    world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, "v=0\r\n");
    assert_eq!(world.next_told(node).what(), "UPDATE");
    // Neither does the application.
    world.run_secs(65);
    world.hear_what(phone, "500");
    world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, "v=0\r\n");
    let id = world.next_told(node).id();
    world.respond(node, id, "SIP/2.0 488 No\r\n");
    world.settle();
    world.hear_what(phone, "488");
    let ours = world.app_asks(node, phone, &dialog, UPDATE);
    assert_eq!(uri_of(&ours, HeaderId::Contact), "sip:10.0.0.1:5060");
    world.answer(phone, &ours, 200);
    assert_eq!(world.told_what(node), ["200"]);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn an_offer_in_the_2xx_awaits_its_answer_in_the_ack() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("INVITE");
    let dialog = world
        .respond(node, id, "SIP/2.0 200 OK\r\n\r\nv=0\r\n")
        .dialog_id();
    world.phone_is_answered(phone, &mut alice);
    world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, "v=0\r\n");
    world.hear_what(phone, "491");
    let number = std::mem::replace(&mut alice.cseq, 1);
    let ack = alice.request_with("ACK", SDP, "v=0\r\na=answer\r\n");
    alice.cseq = number;
    world.say(phone, node, ack);
    world.settle();
    let told = world.next_told(node);
    assert_eq!(told.message.body().as_ref(), b"v=0\r\na=answer\r\n");
    world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, "v=0\r\n");
    world.app_accepts(node);
    world.hear_what(phone, "200");
    // The same with our INVITE: the application's ACK has the answer.
    let late = "INVITE sip:placeholder SIP/2.0\r\n";
    world.request_in(node, &dialog, late);
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    let headers = [SDP[0], &alice.contact_line()];
    world.say_back(
        phone,
        &invite,
        answer(&invite, 200, "", &headers, "v=0\r\n"),
    );
    world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, "v=0\r\n");
    assert!(world
        .hear_what(phone, "500")
        .get(HeaderId::RetryAfter)
        .is_some());
    assert_eq!(world.told_what(node), ["200"]);
    world.request_in(node, &dialog, &format!("{ACK}\r\nv=0\r\n"));
    world.phone_asks_with(phone, node, &mut alice, "UPDATE", SDP, "v=0\r\n");
    world.hear_what(phone, "ACK");
    world.app_accepts(node);
    world.hear_what(phone, "200");
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn updates_of_both_sides_over_a_bad_network_end_once_each() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let a = world.node("10.0.0.1:5060");
        let b = world.node("10.0.0.2:5060");
        let sent = world.request(a, "INVITE sip:b@10.0.0.2 SIP/2.0\r\n");
        let dialog = sent.dialog_id();
        world.settle();
        world.app_accepts(b);
        world.request_in(a, &dialog, ACK);
        world.settle();
        world.told(a);
        world.told(b);
        world.set_link(Link::bad());
        let (mut finals, mut refused) = (0, 0);
        for round in 0..10 {
            world.request_in(a, &dialog, UPDATE_SDP);
            world.request_in(b, &dialog, UPDATE_SDP);
            // Some answer at once and some take their time, so that all of it happens.
            world.run_ms(200 * round);
            for _ in 0..40 {
                for node in [a, b] {
                    for told in world.told(node) {
                        if told.what() == "UPDATE" {
                            world.respond(node, told.id(), OK);
                        } else {
                            finals += 1;
                            refused += usize::from(told.what() != "200");
                        }
                    }
                }
                world.run_secs(1);
            }
        }
        assert_eq!(finals, 20, "seed {seed}");
        assert!(refused < 20, "seed {seed}");
        world.set_link(Link::good());
        world.run_secs(40);
        world.request_in(a, &dialog, BYE);
        world.settle();
        world.app_accepts(b);
        assert!(matches!(
            world.refused(a, request_in(&dialog, UPDATE)).code(),
            "DRT_ERR_UNKNOWN_DIALOG"
        ));
        world.finish();
    }
}
