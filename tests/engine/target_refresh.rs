//! RFC 3261 §12.2.1.2, §12.2.2, §14: the peer's Contact follows re-INVITE and UPDATE.

use crate::world::{answer, World, ACK, BYE, OK, REINVITE, UPDATE};

const NEW: &str = "Contact: <sip:moved@10.0.0.9:5099>";

#[test]
fn a_reinvite_that_is_accepted_moves_the_peer() {
    for (code, moves) in [(OK, true), ("SIP/2.0 488 No\r\n", false)] {
        let mut world = World::new(1);
        let (node, phone, mut alice, dialog) = world.inbound_call();
        let moved = world.phone("10.0.0.9:5099");
        let reinvite = alice.request("INVITE");
        let reinvite = reinvite.replace(&alice.contact_line(), NEW);
        world.say(phone, node, &reinvite);
        world.settle();
        let told = world.next_told(node);
        assert_eq!(told.dialog_id(), dialog);
        world.respond(node, told.id(), code);
        world.settle();
        let last = world.heard(phone).pop().unwrap();
        let ack = if moves {
            alice.ack()
        } else {
            crate::world::companion(&reinvite, "ACK", Some(&last))
        };
        world.say(phone, node, ack);
        world.settle();
        world.request_in(node, &dialog, BYE);
        world.settle();
        let expected = if moves { moved } else { phone };
        world.hear_what(expected, "BYE");
        world.finish();
    }
}

#[test]
fn an_update_that_is_accepted_moves_the_peer() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    let moved = world.phone("10.0.0.9:5099");
    let update = alice.request("UPDATE").replace(&alice.contact_line(), NEW);
    world.say(phone, node, update);
    world.settle();
    world.app_accepts(node);
    world.hear_what(phone, "200");
    world.app_asks(node, moved, &dialog, BYE);
    world.finish();
}

#[test]
fn the_answer_to_our_reinvite_moves_the_peer_from_its_ack_on() {
    let mut world = World::new(1);
    let (node, phone, _, dialog) = world.outbound_call();
    let moved = world.phone("10.0.0.9:5099");
    let sent = world.request_in(node, &dialog, REINVITE);
    world.settle();
    let reinvite = world.hear_what(phone, "INVITE");
    // A provisional response to a re-INVITE leaves it open.
    world.say_back(phone, &reinvite, answer(&reinvite, 180, "", &[], ""));
    world.settle();
    world.say_back(phone, &reinvite, answer(&reinvite, 200, "", &[NEW], ""));
    world.settle();
    let told = world.told(node);
    assert_eq!(
        told.iter().map(|one| one.what()).collect::<Vec<_>>(),
        ["180", "200"]
    );
    assert!(told
        .iter()
        .all(|one| one.transaction == Some(sent.transaction)));
    let ack = world.app_asks(node, moved, &dialog, ACK);
    assert_eq!(ack.request_uri(), Some("sip:moved@10.0.0.9:5099"));
    assert_eq!(ack.cseq().unwrap().number, reinvite.cseq().unwrap().number);
    world.app_asks(node, moved, &dialog, BYE);
    world.finish();
}

#[test]
fn the_answer_to_our_update_moves_the_peer() {
    let mut world = World::new(1);
    let (node, phone, _, dialog) = world.outbound_call();
    let moved = world.phone("10.0.0.9:5099");
    let update = world.app_asks(node, phone, &dialog, UPDATE);
    world.say_back(phone, &update, answer(&update, 200, "", &[NEW], ""));
    world.settle();
    world.app_asks(node, moved, &dialog, BYE);
    world.finish();
}

#[test]
fn other_requests_and_failures_do_not_move_it() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    world.phone_asks_with(phone, node, &mut alice, "INFO", &[NEW], "");
    let told = world.next_told(node);
    world.respond(node, told.id(), OK);
    world.request_in(node, &dialog, UPDATE);
    world.settle();
    world.hear_what(phone, "200");
    let update = world.hear_what(phone, "UPDATE");
    world.say_back(phone, &update, answer(&update, 488, "", &[NEW], ""));
    world.settle();
    world.app_asks(node, phone, &dialog, BYE);
    world.finish();
}

#[test]
fn our_requests_that_may_refresh_carry_the_contact_of_the_call() {
    let mut world = World::new(1);
    let (node, phone, _, dialog) = world.outbound_call();
    for method in ["INVITE", "UPDATE", "REFER", "SUBSCRIBE", "NOTIFY"] {
        let draft = format!("{method} sip:placeholder SIP/2.0\r\n");
        let heard = world.app_asks(node, phone, &dialog, &draft);
        let contact = heard.contact().unwrap().unwrap();
        assert_eq!(contact.uri, "sip:10.0.0.1:5060", "{method}");
        world.answer(phone, &heard, 488);
        world.heard(phone);
    }
    for method in ["INFO", "MESSAGE", "BYE"] {
        let draft = format!("{method} sip:placeholder SIP/2.0\r\n");
        let heard = world.app_asks(node, phone, &dialog, &draft);
        assert!(heard.contact().unwrap().is_none(), "{method}");
    }
    world.finish();
}

/// What is no place to send to leaves the peer where it was: RFC 3261 §10.2.2 has the wildcard for registrations alone.
#[test]
fn a_wildcard_moves_nobody() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    let update = alice.request("UPDATE");
    world.say(
        phone,
        node,
        update.replace(&alice.contact_line(), "Contact: *"),
    );
    world.settle();
    world.app_accepts(node);
    world.hear_what(phone, "200");
    world.app_asks(node, phone, &dialog, BYE);
    world.finish();
}

/// §19.1.1: headers of a Contact stand in no request line.
#[test]
fn headers_of_a_contact_are_left_out_of_the_request_line() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    let contact = "Contact: <sip:phone@10.0.0.9;ob?Subject=evil&Route=%3Csip:10.0.0.66%3E>";
    let update = alice.request("UPDATE");
    world.say(phone, node, update.replace(&alice.contact_line(), contact));
    world.settle();
    world.app_accepts(node);
    world.hear_what(phone, "200");
    let bye = world.app_asks(node, phone, &dialog, BYE);
    assert_eq!(bye.request_uri(), Some("sip:phone@10.0.0.9;ob"));
    world.finish();
}
