//! RFC 3261 §12.2, §14, §15: requests inside a call, both ways.

use crate::world::{answer, companion, value, World, ACK, BYE, INFO, OK, REINVITE, RINGING};
use drachtio::message::HeaderId;

#[test]
fn a_bye_ends_the_dialog_at_once() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    world.phone_asks(phone, node, &mut alice, "BYE");
    assert_eq!(world.census(node).dialogs, 0);
    let told = world.next_told(node);
    assert_eq!(
        (told.what().as_str(), told.dialog_id()),
        ("BYE", dialog.clone())
    );
    let gone = world.refused(node, crate::world::request_in(&dialog, INFO));
    assert_eq!(
        gone.to_string(),
        "Server error: unable to find dialog for dialog id provided"
    );
    let sent = world.respond(node, told.id(), OK);
    assert_eq!(value(&sent.message, HeaderId::To), alice.remote);
    world.settle();
    world.hear_what(phone, "200");
    world.phone_asks(phone, node, &mut alice, "BYE");
    world.hear_what(phone, "481");
    world.finish();
}

#[test]
fn an_application_that_does_not_answer_in_64_s_is_spoken_for() {
    for method in ["BYE", "INFO", "INVITE"] {
        let mut world = World::new(1);
        let (node, phone, mut alice, _) = world.inbound_call();
        let request = alice.request(method);
        world.say(phone, node, &request);
        world.run_secs(63);
        assert!(world
            .heard(phone)
            .iter()
            .all(|one| one.status() == Some(100)));
        world.run_secs(2);
        let heard = world.hear_what(phone, "500");
        let id = world.next_told(node).id();
        let refusal = world.refused(node, crate::world::respond(id, OK));
        assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_TRANSACTION");
        if method == "INVITE" {
            world.say(phone, node, companion(&request, "ACK", Some(&heard)));
        }
        world.settle();
        world.heard(phone);
        if method != "BYE" {
            world.phone_hangs_up(phone, node, &mut alice);
        }
        world.finish();
    }
}

#[test]
fn our_bye_ends_the_dialog_with_its_answer_unless_that_is_a_challenge() {
    let mut world = World::new(1);
    let (node, phone, _, dialog) = world.outbound_call();
    for code in [401, 407, 500] {
        let bye = world.app_asks(node, phone, &dialog, BYE);
        assert_eq!(world.census(node).dialogs, 1);
        world.answer(phone, &bye, code);
        assert_eq!(world.told_what(node), [code.to_string()]);
    }
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn our_bye_that_nobody_answers_ends_the_dialog() {
    let mut world = World::new(1);
    let (node, _, _, dialog) = world.outbound_call();
    world.request_in(node, &dialog, BYE);
    world.run_secs(33);
    assert_eq!(world.told_what(node), ["408"]);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn requests_out_of_order_are_answered_500() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    alice.cseq = 10;
    let late = alice.clone().request("INFO");
    alice.cseq = 11;
    let info = alice.request_with("INFO", &["X: y"], "");
    world.say(phone, node, info.replace("-2;", "-3;"));
    world.settle();
    world.app_accepts(node);
    world.hear_what(phone, "200");
    world.say(
        phone,
        node,
        late.replace("branch=z9hG4bK", "branch=z9hG4bK-late"),
    );
    world.settle();
    world.hear_what(phone, "500");
    assert!(world.told(node).is_empty());
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn a_second_reinvite_before_the_first_is_answered_gets_500_with_retry_after() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    let first = alice.request("INVITE");
    let second = alice.request("INVITE");
    world.say(phone, node, &first);
    world.say(phone, node, &second);
    world.settle();
    world.hear_what(phone, "100");
    let refused = world.hear_what(phone, "500");
    let seconds: u32 = value(&refused, HeaderId::RetryAfter).parse().unwrap();
    assert!(seconds <= 10);
    world.say(phone, node, companion(&second, "ACK", Some(&refused)));
    let told = world.told(node);
    assert_eq!(told.len(), 1);
    world.respond(node, told[0].id(), OK);
    world.settle();
    alice.cseq = 2;
    world.phone_acknowledges(phone, node, &mut alice);
    assert_eq!(world.told_what(node), ["ACK"]);
    alice.cseq = 3;
    world.heard(phone);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn a_reinvite_that_crosses_ours_gets_491_and_so_may_ours() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    world.request_in(node, &dialog, REINVITE);
    let theirs = world.phone_asks(phone, node, &mut alice, "INVITE");
    let ours = world.hear_what(phone, "INVITE");
    let glare = world.hear_what(phone, "491");
    world.say(phone, node, companion(&theirs, "ACK", Some(&glare)));
    world.answer(phone, &ours, 491);
    assert_eq!(world.told_what(node), ["491"]);
    // Later it works.
    world.heard(phone);
    world.phone_asks(phone, node, &mut alice, "INVITE");
    world.app_accepts(node);
    world.phone_acknowledges(phone, node, &mut alice);
    world.told(node);
    world.heard(phone);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn an_invite_of_the_callees_before_it_has_answered_ours_gets_491() {
    let mut world = World::new(1);
    let (node, phone, _, invite) = world.outbound("INVITE");
    world.say_back(phone, &invite, answer(&invite, 180, "b", &[], ""));
    let mut bob = crate::world::Ua::called(phone, &invite, "b");
    world.phone_asks(phone, node, &mut bob, "INVITE");
    world.hear_what(phone, "491");
    world.say_back(phone, &invite, answer(&invite, 486, "b", &[], ""));
    world.settle();
    assert_eq!(world.told_what(node), ["180", "486"]);
    world.finish();
}

#[test]
fn a_bye_of_the_callers_while_it_rings_ends_the_invite_with_487() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("INVITE");
    let invite = alice.last.clone();
    world.respond(node, id, RINGING);
    world.settle();
    world.hear_what(phone, "100");
    let ringing = world.hear_what(phone, "180");
    alice.answered(&ringing);
    world.phone_asks(phone, node, &mut alice, "BYE");
    let terminated = world.hear_what(phone, "487");
    world.say(phone, node, companion(&invite, "ACK", Some(&terminated)));
    let told = world.app_accepts(node);
    assert_eq!(told.what(), "BYE");
    world.hear_what(phone, "200");
    let refusal = world.refused(node, crate::world::respond(id, OK));
    assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_TRANSACTION");
    world.finish();
}

#[test]
fn a_bye_of_ours_cancels_our_reinvite() {
    let mut world = World::new(1);
    let (node, phone, _, dialog) = world.outbound_call();
    let reinvite = world.app_asks(node, phone, &dialog, REINVITE);
    world.answer(phone, &reinvite, 100);
    world.request_in(node, &dialog, BYE);
    world.settle();
    let cancel = world.hear_what(phone, "CANCEL");
    let bye = world.hear_what(phone, "BYE");
    world.say_back(phone, &cancel, answer(&cancel, 200, "", &[], ""));
    world.say_back(phone, &bye, answer(&bye, 200, "", &[], ""));
    world.answer(phone, &reinvite, 487);
    assert_eq!(world.told_what(node), ["200", "487"]);
    world.finish();
}

#[test]
fn a_bye_of_theirs_while_our_reinvite_is_open_leaves_nothing_behind() {
    for code in [200, 487] {
        let mut world = World::new(1);
        let (node, phone, mut alice, dialog) = world.inbound_call();
        let sent = world.request_in(node, &dialog, REINVITE);
        world.settle();
        let reinvite = world.hear_what(phone, "INVITE");
        world.phone_hangs_up(phone, node, &mut alice);
        let contact = alice.contact_line();
        let text = answer(&reinvite, code, "", &[&contact], "");
        for _ in 0..2 {
            world.say_back(phone, &reinvite, &text);
            world.settle();
        }
        let told = world.next_told(node);
        assert_eq!(
            (told.what(), told.id()),
            (code.to_string(), sent.transaction)
        );
        assert!(world.told(node).is_empty());
        let refusal = world.refused(node, crate::world::request_in(&dialog, ACK));
        assert_eq!(refusal.code(), "DRT_ERR_ACK_NOT_NEEDED");
        world.finish();
    }
}

#[test]
fn a_dialog_that_is_not_known_is_answered_481() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let mut stranger = world.ua(phone, "sip:bob@10.0.0.1");
    stranger.remote.push_str(";tag=unknown");
    for method in ["BYE", "INVITE", "UPDATE"] {
        let request = world.phone_asks(phone, node, &mut stranger, method);
        let refused = world.hear_what(phone, "481");
        if method == "INVITE" {
            world.say(phone, node, companion(&request, "ACK", Some(&refused)));
        }
    }
    // One whose tags are right but whose Call-ID is not.
    let (mut alice, _) = world.call_in(phone, node);
    let other = alice.request("BYE").replace(&alice.call_id, "other");
    world.say(phone, node, other);
    world.settle();
    world.hear_what(phone, "481");
    assert!(world.told(node).is_empty());
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn a_body_needs_a_type_unless_it_is_a_session_description() {
    let mut world = World::new(1);
    let (node, phone, _, dialog) = world.outbound_call();
    let refusal = world.refused(
        node,
        crate::world::request_in(&dialog, &format!("{INFO}\r\nhello")),
    );
    assert_eq!(refusal.to_string(), "Server error: missing content-type");
    for (text, kind) in [
        (format!("{INFO}\r\nv=0\r\n"), "application/sdp"),
        (
            format!("{INFO}Content-Type: text/plain\r\n\r\nhello"),
            "text/plain",
        ),
    ] {
        world.request_in(node, &dialog, &text);
        world.settle();
        let info = world.hear_what(phone, "INFO");
        assert_eq!(value(&info, HeaderId::ContentType), kind);
        assert_eq!(
            info.body().as_ref(),
            text.split_once("\r\n\r\n").unwrap().1.as_bytes()
        );
    }
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn every_method_works_in_a_dialog() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    for method in [
        "INFO", "UPDATE", "MESSAGE", "OPTIONS", "REFER", "NOTIFY", "FOO",
    ] {
        world.phone_asks(phone, node, &mut alice, method);
        let told = world.next_told(node);
        assert_eq!(
            (told.what().as_str(), told.dialog_id()),
            (method, dialog.clone())
        );
        let sent = world.respond(node, told.id(), OK);
        assert_eq!(sent.dialog_id(), dialog);
        world.settle();
        world.hear_what(phone, "200");

        let draft = format!("{method} sip:placeholder SIP/2.0\r\n");
        let heard = world.app_asks(node, phone, &dialog, &draft);
        world.answer(phone, &heard, 200);
        assert_eq!(world.next_told(node).dialog_id(), dialog);
    }
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn the_number_of_a_dialogs_request_is_the_engines_to_choose() {
    let mut world = World::new(1);
    let (node, _, _, dialog) = world.outbound_call();
    let draft = "INFO sip:x SIP/2.0\r\nCSeq: 1 INFO\r\nCall-ID: other\r\nFrom: <sip:a@b>\r\nTo: <sip:c@d>\r\n";
    let sent = world.request_in(node, &dialog, draft);
    assert_ne!(sent.message.cseq().unwrap().number, 1);
    assert_ne!(value(&sent.message, HeaderId::CallId), "other");
    assert!(sent.message.to().unwrap().tag().is_some());
    world.request_in(node, &dialog, BYE);
    world.finish();
}
