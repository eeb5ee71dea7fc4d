//! RFC 3262 §3, §4, §5: reliable provisional responses and their PRACKs in every order, also lost ones.

use crate::world::{answer, cseq, request_in, rseq, value, Link, World};
use crate::world::{ACK, BYE, OK};
use drachtio::message::HeaderId;

const RELIABLE: &str = "SIP/2.0 183 Progress\r\nRequire: 100rel\r\n";
const RELIABLE_SDP: &str = "SIP/2.0 183 Progress\r\nRequire: 100rel\r\n\r\nv=0\r\n";
const SDP: &str = "Content-Type: application/sdp";
const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";

#[test]
fn the_answer_to_an_offer_in_a_response_reaches_the_application_in_the_prack() {
    // Even if the application has not asked for a PRACK: the caller has.
    for header in ["Supported: 100rel", "Require: 100rel"] {
        let mut world = World::new(1);
        let mut call = world.early_call(&[header], "");
        let (node, phone) = (call.node, call.phone);
        let text = match header {
            "Require: 100rel" => "SIP/2.0 183 Progress\r\n\r\nv=0\r\n",
            _ => RELIABLE_SDP,
        };
        let progress = call.progresses(&mut world, text);
        call.prack_with(&mut world, &progress, &[SDP], "v=0\r\na=answer\r\n");
        let prack = world.next_told(node);
        assert_eq!(prack.what(), "PRACK");
        assert_eq!(prack.message.body().as_ref(), b"v=0\r\na=answer\r\n");
        world.respond(node, prack.id(), OK);
        world.respond(node, call.id, OK);
        world.settle();
        assert_eq!(
            value(&world.hear_what(phone, "200"), HeaderId::CSeq),
            "2 PRACK"
        );
        let ok = world.hear_what(phone, "200");
        call.end(&mut world, &ok);
        world.finish();
    }
}

#[test]
fn an_offer_in_the_prack_is_answered_by_the_application() {
    let mut world = World::new(1);
    let headers = ["Supported: 100rel", SDP];
    let mut call = world.early_call(&headers, "v=0\r\n");
    let (node, phone) = (call.node, call.phone);
    let progress = call.progresses(&mut world, RELIABLE_SDP);
    call.prack_with(&mut world, &progress, &[SDP], "v=0\r\na=more\r\n");
    let prack = world.next_told(node);
    // §5: until it is answered nothing else may be offered.
    let update = call.alice.request_with("UPDATE", &[SDP], "v=0\r\n");
    world.say(phone, node, update);
    world.settle();
    assert!(world
        .hear_what(phone, "500")
        .get(HeaderId::RetryAfter)
        .is_some());
    let sent = world.respond(node, prack.id(), &format!("{OK}\r\nv=0\r\na=agreed\r\n"));
    assert_eq!(sent.message.body().as_ref(), b"v=0\r\na=agreed\r\n");
    let update = call.alice.request_with("UPDATE", &[SDP], "v=0\r\n");
    world.say(phone, node, update);
    world.settle();
    let id = world.next_told(node).id();
    world.respond(node, id, OK);
    world.respond(node, call.id, OK);
    world.settle();
    world.hear_what(phone, "200");
    world.hear_what(phone, "200");
    let ok = world.hear_what(phone, "200");
    call.end(&mut world, &ok);
    world.finish();
}

#[test]
fn a_prack_that_comes_twice_or_late_is_told_once() {
    let mut world = World::new(1);
    let mut call = world.early_call(&["Supported: 100rel"], "");
    let (node, phone) = (call.node, call.phone);
    let progress = call.progresses(&mut world, RELIABLE);
    call.alice.answered(&progress);
    let rack = format!("RAck: {} 1 INVITE", rseq(&progress));
    let prack = call.alice.request_with("PRACK", &[&rack], "");
    // The same transaction again: before and after its answer.
    world.say(phone, node, &prack);
    world.say(phone, node, &prack);
    world.settle();
    let told = world.next_told(node);
    assert!(world.told(node).is_empty());
    world.respond(node, told.id(), OK);
    world.say(phone, node, &prack);
    world.settle();
    assert_eq!(world.heard_what(phone), ["200", "200"]);
    assert!(world.told(node).is_empty());
    // One that overtakes an UPDATE leaves that behind (RFC 3261 §12.2.2).
    let second = call.progresses(&mut world, RELIABLE);
    let overtaken = call.alice.request("UPDATE");
    call.prack(&mut world, &second);
    world.say(phone, node, overtaken);
    world.settle();
    let told = world.next_told(node);
    assert_eq!(told.what(), "PRACK");
    assert!(world.told(node).is_empty());
    world.respond(node, told.id(), OK);
    world.settle();
    assert_eq!(world.heard_what(phone), ["500", "200"]);
    world.respond(node, call.id, "SIP/2.0 486 No\r\n");
    world.finish();
}

#[test]
fn a_failure_does_not_wait_for_any_prack() {
    let mut world = World::new(1);
    let mut call = world.early_call(&["Supported: 100rel"], "");
    let (node, phone) = (call.node, call.phone);
    world.respond(node, call.id, RELIABLE_SDP);
    world.respond(node, call.id, RELIABLE_SDP);
    world.respond(node, call.id, "SIP/2.0 486 No\r\n");
    world.settle();
    let progress = world.hear_what(phone, "183");
    world.hear_what(phone, "486");
    // It ends the early dialog, and with it what awaits a PRACK.
    call.prack(&mut world, &progress);
    world.hear_what(phone, "481");
    assert!(world.told(node).is_empty());
    world.finish();
}

#[test]
fn a_reliable_response_in_a_call_works_like_one_before_it() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    let reinvite = alice.request_with("INVITE", &["Supported: 100rel"], "");
    let number = alice.cseq;
    world.say(phone, node, reinvite);
    world.settle();
    let id = world.next_told(node).id();
    world.respond(node, id, RELIABLE);
    world.settle();
    world.hear_what(phone, "100");
    let progress = world.hear_what(phone, "183");
    let rack = format!("RAck: {} {number} INVITE", rseq(&progress));
    world.phone_asks_with(phone, node, &mut alice, "PRACK", &[&rack], "");
    let prack = world.next_told(node);
    assert_eq!(
        (prack.what().as_str(), prack.dialog_id()),
        ("PRACK", dialog)
    );
    world.respond(node, prack.id(), OK);
    world.respond(node, id, OK);
    world.settle();
    assert_eq!(world.heard_what(phone), ["200", "200"]);
    let next = std::mem::replace(&mut alice.cseq, number);
    let ack = alice.ack();
    alice.cseq = next;
    world.say(phone, node, ack);
    world.settle();
    assert_eq!(world.told_what(node), ["ACK"]);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn as_the_caller_a_2xx_may_come_before_the_prack_is_answered() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let invite = "INVITE sip:phone@10.0.0.9 SIP/2.0\r\nSupported: 100rel\r\n";
    let sent = world.request(node, invite);
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    let headers = ["Require: 100rel", "RSeq: 4294967295", CONTACT];
    world.say_back(phone, &invite, answer(&invite, 183, "b", &headers, ""));
    world.settle();
    let dialog = sent.dialog_id();
    let number = cseq(&invite);
    let text = format!("PRACK sip:x SIP/2.0\r\nRAck: 4294967295 {number} INVITE\r\n");
    world.request_in(node, &dialog, &text);
    world.settle();
    let prack = world.hear_what(phone, "PRACK");
    world.say_back(phone, &invite, answer(&invite, 200, "b", &[CONTACT], ""));
    world.settle();
    world.request_in(node, &dialog, ACK);
    world.answer(phone, &prack, 200);
    assert_eq!(world.told_what(node), ["183", "200", "200"]);
    assert_eq!(cseq(&world.hear_what(phone, "ACK")), number);
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn rows_of_reliable_responses_come_in_order_over_a_bad_network() {
    let (mut complete, mut calls) = (0, 0);
    for seed in 0..40 {
        let mut world = World::new(seed);
        let a = world.node("10.0.0.1:5060");
        let b = world.node("10.0.0.2:5060");
        world.set_link(Link::bad());
        let invite = "INVITE sip:b@10.0.0.2 SIP/2.0\r\nSupported: 100rel\r\n";
        let sent = world.request(a, invite);
        let (dialog, number) = (sent.dialog_id(), cseq(&sent.message));
        let (mut numbers, mut pracks, mut is_up) = (Vec::new(), 0, false);
        for _ in 0..600 {
            world.run_ms(200);
            for told in world.told(a) {
                match told.what().as_str() {
                    "183" => {
                        let rseq = told.message.rseq().unwrap().unwrap();
                        numbers.push(rseq);
                        let rack = format!("RAck: {rseq} {number} INVITE");
                        let text = format!("PRACK sip:x SIP/2.0\r\n{rack}\r\n");
                        world.give(a, request_in(&dialog, &text));
                    }
                    "200" if told.id() == sent.transaction => {
                        is_up = true;
                        world.request_in(a, &dialog, ACK);
                        world.request_in(a, &dialog, BYE);
                    }
                    _ => {}
                }
            }
            for told in world.told(b) {
                match told.what().as_str() {
                    "INVITE" => {
                        for _ in 0..4 {
                            world.respond(b, told.id(), RELIABLE_SDP);
                        }
                        world.respond(b, told.id(), OK);
                    }
                    "PRACK" | "BYE" => {
                        pracks += usize::from(told.what() == "PRACK");
                        world.respond(b, told.id(), OK);
                    }
                    _ => {}
                }
            }
        }
        assert!(
            numbers.windows(2).all(|two| two[1] == two[0] + 1),
            "seed {seed}: {numbers:?}"
        );
        // §3: the 2xx waits for every one of them.
        assert!(
            !is_up || (numbers.len(), pracks) == (4, 4),
            "seed {seed}: {numbers:?} {pracks}"
        );
        complete += usize::from(is_up);
        calls += 1;
        world.set_link(Link::good());
        world.finish();
    }
    assert!(complete * 10 >= calls * 9, "{complete} of {calls}");
}
