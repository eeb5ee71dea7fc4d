//! RFC 3261 §13.2.2.4, §13.3.1.4: a 2xx is repeated until its ACK comes, and the ACK is repeated
//! for each of them.

use std::time::Duration;

use crate::world::{answer, value, World, ACK, BYE, INFO, OK, REINVITE};
use drachtio::engine::Source;
use drachtio::message::HeaderId;

const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";

#[test]
fn a_2xx_is_repeated_until_its_ack() {
    for tcp in [false, true] {
        let mut world = World::new(1);
        let node = world.node("10.0.0.1:5060");
        let mut phone = world.phone("10.0.0.9:5060");
        if tcp {
            phone = phone.by_tcp();
        }
        let (mut alice, id) = world.inbound_from(phone, node, "INVITE");
        world.respond(node, id, OK);
        world.run_secs(13);
        world.hear_what(phone, "100");
        let heard = world.heard(phone);
        // Independent of the transport: T1, doubling up to T2.
        let gaps: Vec<Duration> = heard.windows(2).map(|two| two[1].at - two[0].at).collect();
        let expected = [500, 1000, 2000, 4000, 4000].map(Duration::from_millis);
        assert_eq!(gaps, expected);
        alice.answered(&heard[0]);
        let ack = alice.ack();
        world.say(phone, node, &ack);
        world.say(phone, node, &ack);
        world.run_secs(60);
        assert!(world.heard(phone).is_empty());
        assert_eq!(
            world.told_what(node),
            ["ACK"],
            "a repeated ACK is told once"
        );
        world.phone_hangs_up(phone, node, &mut alice);
        world.finish();
    }
}

#[test]
fn a_call_whose_ack_never_comes_is_ended_with_a_bye() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    let dialog = world.respond(node, id, OK).dialog_id();
    world.run_ms(31_900);
    assert!(world.told(node).is_empty());
    world.heard(phone);
    world.run_ms(200);
    let bye = world.hear_what(phone, "BYE");
    let told = world.next_told(node);
    assert_eq!(told.what(), "BYE");
    assert_eq!(told.transaction, None, "it is unsolicited");
    assert_eq!(told.meta.source, Source::Application);
    assert_eq!(told.dialog_id(), dialog);
    for bye in [&told.message, &bye.message] {
        let reason = value(bye, HeaderId::Reason);
        assert_eq!(reason, "SIP ;cause=200 ;text=\"ACK timeout\"");
    }
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_bye_before_the_ack_ends_the_repetitions() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("INVITE");
    world.respond(node, id, OK);
    world.phone_is_answered(phone, &mut alice);
    world.phone_hangs_up(phone, node, &mut alice);
    world.run_secs(60);
    assert!(world.heard(phone).is_empty());
    assert!(world.told(node).is_empty());
    world.finish();
}

#[test]
fn the_callee_hangs_up_only_after_the_ack() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("INVITE");
    let dialog = world.respond(node, id, OK).dialog_id();
    let command = world.give(node, crate::world::request_in(&dialog, BYE));
    world.settle();
    // §15: the caller might not know yet that there is a call.
    assert_eq!(world.heard_what(phone), ["100", "200"]);
    assert!(world.replies(node, command).is_empty());
    world.run_secs(1);
    let ok = world.hear_what(phone, "200");
    alice.answered(&ok);
    world.phone_acknowledges(phone, node, &mut alice);
    let bye = world.hear_what(phone, "BYE");
    let sent = crate::world::sent(world.reply(node, command));
    assert_eq!(sent.message.text(), bye.text());
    world.answer(phone, &bye, 200);
    assert_eq!(world.told_what(node), ["ACK", "200"]);
    world.finish();
}

#[test]
fn a_bye_that_waits_for_the_ack_goes_when_that_is_given_up() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    let dialog = world.respond(node, id, OK).dialog_id();
    let command = world.give(node, crate::world::request_in(&dialog, BYE));
    let again = world.refused(node, crate::world::request_in(&dialog, BYE));
    assert_eq!(again.code(), "DRT_ERR_UNKNOWN_DIALOG");
    world.run_secs(33);
    crate::world::sent(world.reply(node, command));
    let byes = world.heard_what(phone);
    assert_eq!(byes.last().unwrap(), "BYE");
    world.run_secs(60);
    assert_eq!(
        world.told_what(node),
        ["408"],
        "of its BYE, and nothing unsolicited"
    );
    world.finish();
}

/// The BYE may be challenged, and the dialog is kept for the next one: but nothing else goes any more.
#[test]
fn what_waits_with_that_bye_is_refused() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    let dialog = world.respond(node, id, OK).dialog_id();
    let reinvite = "INVITE sip:placeholder SIP/2.0\r\n";
    let waiting = world.give(node, crate::world::request_in(&dialog, reinvite));
    let bye = world.give(node, crate::world::request_in(&dialog, BYE));
    world.run_secs(33);
    crate::world::sent(world.reply(node, bye));
    let refusal = world.refusal(node, waiting);
    assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_DIALOG");
    let heard = world.heard(phone).pop().unwrap();
    world.answer(phone, &heard, 407);
    assert_eq!(world.told_what(node), ["407"]);
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn a_bye_that_waits_is_refused_when_the_caller_hangs_up_first() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("INVITE");
    let dialog = world.respond(node, id, OK).dialog_id();
    let command = world.give(node, crate::world::request_in(&dialog, BYE));
    world.phone_is_answered(phone, &mut alice);
    world.phone_hangs_up(phone, node, &mut alice);
    world.refusal(node, command);
    world.finish();
}

#[test]
fn a_2xx_to_a_reinvite_is_repeated_and_given_up_too() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    world.phone_asks(phone, node, &mut alice, "INVITE");
    let id = world.next_told(node).id();
    world.respond(node, id, OK);
    world.run_secs(3);
    assert_eq!(world.heard_what(phone), ["100", "200", "200", "200"]);
    world.phone_acknowledges(phone, node, &mut alice);
    let told = world.next_told(node);
    assert_eq!((told.what().as_str(), told.id()), ("ACK", id));

    world.phone_asks(phone, node, &mut alice, "INVITE");
    let id = world.next_told(node).id();
    world.respond(node, id, OK);
    world.run_secs(33);
    assert_eq!(world.heard_what(phone).last().unwrap(), "BYE");
    assert_eq!(world.told_what(node), ["BYE"]);
    world.finish();
}

#[test]
fn a_repeated_2xx_gets_the_ack_again_once_the_application_has_sent_it() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    let ok = answer(&invite, 200, "b", &[CONTACT], "");
    for _ in 0..2 {
        world.say_back(phone, &invite, &ok);
        world.settle();
    }
    assert_eq!(world.told_what(node), ["200"]);
    assert!(world.heard(phone).is_empty());
    let ack = world.app_asks(node, phone, &sent.dialog_id(), ACK);
    // A request in between does not change what is acknowledged.
    world.app_asks(node, phone, &sent.dialog_id(), INFO);
    for _ in 0..2 {
        world.say_back(phone, &invite, &ok);
        world.settle();
        assert_eq!(world.hear_what(phone, "ACK").text(), ack.text());
    }
    assert!(world.told(node).is_empty());
    world.request_in(node, &sent.dialog_id(), BYE);
    world.finish();
}

#[test]
fn a_reinvite_soon_after_the_call_has_an_ack_of_its_own() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    let dialog = sent.dialog_id();
    let ok = answer(&invite, 200, "b", &[CONTACT], "");
    world.say_back(phone, &invite, &ok);
    world.settle();
    world.request_in(node, &dialog, ACK);
    world.request_in(node, &dialog, REINVITE);
    world.settle();
    let first = world.hear_what(phone, "ACK");
    let reinvite = world.hear_what(phone, "INVITE");
    let ok_again = answer(&reinvite, 200, "b", &[CONTACT], "");
    world.say_back(phone, &reinvite, &ok_again);
    world.settle();
    let sent = world.request_in(node, &dialog, ACK);
    world.settle();
    let second = world.hear_what(phone, "ACK");
    assert_eq!(
        second.cseq().unwrap().number,
        reinvite.cseq().unwrap().number
    );
    assert_eq!(second.text(), sent.message.text());
    // Both 2xx may be repeated, in any order.
    for (ok, ack) in [(&ok, &first), (&ok_again, &second), (&ok, &first)] {
        world.say_back(phone, &invite, ok);
        world.settle();
        assert_eq!(world.hear_what(phone, "ACK").text(), ack.text());
    }
    assert_eq!(world.told_what(node), ["200", "200"]);
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn an_ack_that_nothing_asks_for_is_refused() {
    let mut world = World::new(1);
    let (node, _, _, dialog) = world.outbound_call();
    let refusal = world.refused(node, crate::world::request_in(&dialog, ACK));
    assert_eq!(refusal.code(), "DRT_ERR_ACK_NOT_NEEDED");
    let unknown = drachtio::engine::DialogId::new("no", "such");
    let refusal = world.refused(node, crate::world::request_in(&unknown, ACK));
    assert_eq!(refusal.code(), "DRT_ERR_ACK_NOT_NEEDED");
    let refusal = world.refused(node, crate::world::request("ACK sip:10.0.0.9 SIP/2.0\r\n"));
    assert_eq!(refusal.code(), "DRT_ERR_ACK_NOT_NEEDED");
    world.request_in(node, &dialog, BYE);
    world.finish();
}
