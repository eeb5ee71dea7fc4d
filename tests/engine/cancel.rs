//! RFC 3261 §9: CANCEL in both directions, and its races with the final response.

use crate::world::{
    answer, companion, uri_of, value, Heard, Node, Phone, Sent, World, ACK, BUSY, OK, RINGING,
};
use drachtio::engine::Source;
use drachtio::message::HeaderId;

const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";
const CANCEL_RACE: &str = "SIP ;cause=200 ;text=\"ACK-BYE due to cancel race condition\"";

#[test]
fn a_cancel_is_answered_200_and_its_invite_487() {
    for rings in [false, true] {
        let mut world = World::new(1);
        let (node, phone, alice, id) = world.inbound("INVITE");
        if rings {
            world.respond(node, id, RINGING);
            world.settle();
        }
        world.heard(phone);
        world.say(phone, node, alice.cancel());
        world.settle();
        let ok = world.hear_what(phone, "200");
        assert_eq!(value(&ok, HeaderId::CSeq), "1 CANCEL");
        let terminated = world.hear_what(phone, "487");
        assert_eq!(value(&terminated, HeaderId::CSeq), "1 INVITE");
        // §9.2: both have the To tag of the INVITE's responses.
        assert_eq!(value(&ok, HeaderId::To), value(&terminated, HeaderId::To));

        let cancel = world.next_told(node);
        assert_eq!((cancel.what().as_str(), cancel.id()), ("CANCEL", id));
        assert_eq!(cancel.dialog.is_some(), rings);
        let refusal = world.refused(node, crate::world::respond(id, OK));
        assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_TRANSACTION");
        assert_eq!(world.census(node).dialogs, 0);
        world.say(phone, node, alice.ack_failure(&terminated));
        world.run_secs(10);
        assert!(world.heard(phone).is_empty());
        world.finish();
    }
}

#[test]
fn a_repeated_cancel_is_answered_again_and_told_once() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    world.say(phone, node, &invite);
    for _ in 0..2 {
        world.say(phone, node, companion(&invite, "CANCEL", None));
        world.settle();
    }
    assert_eq!(world.heard_what(phone), ["100", "200", "487", "200"]);
    assert_eq!(world.told_what(node), ["INVITE", "CANCEL"]);
    world.finish();
}

#[test]
fn a_cancel_after_the_final_response_changes_nothing() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("INVITE");
    world.respond(node, id, OK);
    world.say(phone, node, alice.cancel());
    world.settle();
    let heard = world.heard(phone);
    let answered: Vec<String> = heard.iter().map(Heard::what).collect();
    assert_eq!(answered, ["100", "200", "200"]);
    assert_eq!(value(&heard[2], HeaderId::CSeq), "1 CANCEL");
    assert!(world.told(node).is_empty());
    alice.answered(&heard[1]);
    world.phone_acknowledges(phone, node, &mut alice);
    assert_eq!(world.told_what(node), ["ACK"]);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn a_cancel_of_nothing_is_answered_481_and_harms_no_call() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    // A forged one: the Call-ID and From of the call, but not its branch.
    let forged = alice.clone().request("INVITE");
    world.say(phone, node, companion(&forged, "CANCEL", None));
    world.settle();
    assert_eq!(world.heard_what(phone), ["481"]);
    assert!(world.told(node).is_empty());
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn a_cancel_of_another_request_than_invite_is_answered_481() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let options = world.ua(phone, "sip:bob@10.0.0.1").request("OPTIONS");
    world.say(phone, node, &options);
    world.say(phone, node, companion(&options, "CANCEL", None));
    world.settle();
    assert_eq!(world.heard_what(phone), ["481"]);
    let told = world.next_told(node);
    world.respond(node, told.id(), OK);
    world.finish();
}

#[test]
fn a_cancel_of_a_reinvite_leaves_the_call() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    let reinvite = alice.request("INVITE");
    world.say(phone, node, &reinvite);
    world.say(phone, node, companion(&reinvite, "CANCEL", None));
    world.settle();
    assert_eq!(world.heard_what(phone), ["100", "200", "487"]);
    let told = world.told(node);
    assert_eq!(told[1].what(), "CANCEL");
    assert_eq!(told[1].dialog_id(), dialog);
    assert_eq!(told[1].id(), told[0].id());
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

fn invited(world: &mut World) -> (Node, Phone, Sent, Heard) {
    let (node, phone, sent, invite) = world.outbound("INVITE");
    (node, phone, sent, invite)
}

#[test]
fn our_cancel_names_the_invite_and_carries_what_the_application_added() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    world.say_back(phone, &invite, answer(&invite, 180, "b", &[], ""));
    world.settle();
    let draft = "CANCEL sip:x@y SIP/2.0\r\nReason: SIP;cause=200\r\nTo: <sip:z@y>\r\nX-A: b\r\n";
    let transaction = sent.transaction;
    let message = crate::world::draft(draft);
    let action = drachtio::engine::Action::Cancel {
        transaction,
        message,
    };
    let reply = world.perform_action(node, action);
    world.settle();
    let cancel = world.hear_what(phone, "CANCEL");
    assert_eq!(cancel.text(), reply.message.text());
    assert_ne!(reply.transaction, sent.transaction);
    assert_eq!(cancel.request_uri(), invite.request_uri());
    for id in [
        HeaderId::Via,
        HeaderId::From,
        HeaderId::To,
        HeaderId::CallId,
    ] {
        assert_eq!(value(&cancel, id), value(&invite, id));
    }
    assert_eq!(cancel.cseq().unwrap().number, invite.cseq().unwrap().number);
    assert_eq!(value(&cancel, HeaderId::Reason), "SIP;cause=200");
    assert_eq!(cancel.get_named("x-a"), Some(&b"b"[..]));
    world.say_back(phone, &cancel, answer(&cancel, 200, "b", &[], ""));
    world.say_back(phone, &invite, answer(&invite, 487, "b", &[], ""));
    world.settle();
    world.hear_what(phone, "ACK");
    assert_eq!(
        world.told_what(node),
        ["180", "487"],
        "nothing of the CANCEL"
    );
    world.finish();
}

#[test]
fn our_cancel_waits_for_the_first_response() {
    for code in [100, 180] {
        let mut world = World::new(1);
        let (node, phone, sent, invite) = invited(&mut world);
        world.cancel(node, sent.transaction);
        world.run_secs(1);
        assert!(!world.heard_what(phone).contains(&"CANCEL".to_string()));
        world.say_back(phone, &invite, answer(&invite, code, "b", &[], ""));
        world.settle();
        world.hear_what(phone, "CANCEL");
        world.say_back(phone, &invite, answer(&invite, 487, "b", &[], ""));
        world.settle();
        assert_eq!(world.told_what(node).last().unwrap(), "487");
        world.finish();
    }
}

#[test]
fn a_failure_that_comes_first_makes_the_cancel_needless() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    world.cancel(node, sent.transaction);
    world.say_back(phone, &invite, answer(&invite, 486, "b", &[], ""));
    world.settle();
    assert_eq!(world.heard_what(phone), ["ACK"]);
    assert_eq!(world.told_what(node), ["486"]);
    world.finish();
}

#[test]
fn a_cancelled_invite_that_nobody_answers_ends_with_487() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    world.cancel(node, sent.transaction);
    world.run_secs(32);
    assert_eq!(world.told_what(node), ["487"]);
    let _ = (phone, invite);
    world.finish();
}

#[test]
fn a_callee_that_does_not_know_cancel_is_given_up_after_32_s() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    let ringing = answer(&invite, 180, "b", &[], "");
    world.say_back(phone, &invite, &ringing);
    world.settle();
    world.cancel(node, sent.transaction);
    world.run_secs(20);
    world.say_back(phone, &invite, &ringing);
    world.run_ms(11_900);
    assert_eq!(world.told_what(node), ["180", "180"]);
    world.run_ms(200);
    assert_eq!(world.told_what(node), ["487"]);
    world.finish();
}

#[test]
fn a_2xx_that_crosses_our_cancel_is_acknowledged_and_ended() {
    for held in [false, true] {
        let mut world = World::new(1);
        let (node, phone, sent, invite) = invited(&mut world);
        if !held {
            world.say_back(phone, &invite, answer(&invite, 180, "b", &[], ""));
            world.settle();
        }
        world.cancel(node, sent.transaction);
        let ok = answer(&invite, 200, "b", &[CONTACT], "");
        world.say_back(phone, &invite, &ok);
        world.settle();
        assert_eq!(world.told(node).last().unwrap().what(), "200");
        world.heard(phone);
        world.app_asks(node, phone, &sent.dialog_id(), ACK);
        let bye = world.hear_what(phone, "BYE");
        assert_eq!(value(&bye, HeaderId::Reason), CANCEL_RACE);
        let told = world.next_told(node);
        assert_eq!((told.what().as_str(), told.transaction), ("BYE", None));
        assert_eq!(told.meta.source, Source::Application);
        assert_eq!(value(&told.message, HeaderId::Reason), CANCEL_RACE);
        world.say_back(phone, &bye, answer(&bye, 200, "", &[], ""));
        // Its ACK was lost.
        world.say_back(phone, &invite, &ok);
        world.settle();
        assert_eq!(world.heard_what(phone), ["ACK"]);
        assert!(world.told(node).is_empty());
        assert_eq!(world.census(node).dialogs, 0);
        world.finish();
    }
}

#[test]
fn a_2xx_that_crosses_our_cancel_is_ended_also_without_the_applications_ack() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    world.cancel(node, sent.transaction);
    world.say_back(phone, &invite, answer(&invite, 200, "b", &[CONTACT], ""));
    world.run_secs(33);
    let heard = world.heard(phone);
    let ack = heard.iter().find(|one| one.what() == "ACK").unwrap();
    assert_eq!(ack.cseq().unwrap().number, invite.cseq().unwrap().number);
    assert!(heard.iter().any(|one| one.what() == "BYE"));
    assert_eq!(world.told_what(node), ["200", "BYE"]);
    world.finish();
}

#[test]
fn a_cancel_that_comes_too_late_or_twice_or_from_a_stranger_is_refused() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    let stranger = drachtio::engine::AppId(9);
    let command = world.give_as(node, stranger, crate::world::cancel(sent.transaction));
    world.refusal(node, command);
    world.cancel(node, sent.transaction);
    let twice = world.refused(node, crate::world::cancel(sent.transaction));
    let id = sent.transaction;
    assert_eq!(
        twice.to_string(),
        format!("internal server error canceling transaction id: {id}")
    );
    world.say_back(phone, &invite, answer(&invite, 486, "b", &[], ""));
    world.settle();
    let late = world.refused(node, crate::world::cancel(sent.transaction));
    assert_eq!(
        late.to_string(),
        format!("unable to cancel unknown transaction id: {id}")
    );
    let options = world.request(node, "OPTIONS sip:phone@10.0.0.9 SIP/2.0\r\n");
    let other = world.refused(node, crate::world::cancel(options.transaction));
    assert_eq!(other.code(), "DRT_ERR_CANCEL");
    world.finish();
}

#[test]
fn the_answer_of_an_application_that_is_cancelled_meanwhile_is_refused() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    world.say(phone, node, &invite);
    world.say(phone, node, companion(&invite, "CANCEL", None));
    world.settle();
    let told = world.told(node);
    assert_eq!(uri_of(&told[0].message, HeaderId::To), "sip:bob@10.0.0.1");
    for text in [RINGING, OK, BUSY] {
        let refusal = world.refused(node, crate::world::respond(told[0].id(), text));
        assert_eq!(
            refusal.to_string(),
            "Response not sent due to unknown transaction"
        );
    }
    world.finish();
}
