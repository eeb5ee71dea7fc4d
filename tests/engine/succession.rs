//! RFC 3261 §12, §16.7: what one application leaves is taken over by another one, and nobody at the
//! other end of it notices.

use crate::world::{cancel, request_in, respond, sent, value, Told, World, BYE, INFO, OK, RINGING};
use drachtio::engine::{AppId, Legacy, Refusal};
use drachtio::message::HeaderId;

const APP: AppId = AppId(1);
const HEIR: AppId = AppId(2);

const REQUESTS: Legacy = Legacy {
    requests: true,
    dialogs: false,
};
const DIALOGS: Legacy = Legacy {
    requests: false,
    dialogs: true,
};

fn heirs_news(world: &mut World, node: crate::world::Node) -> Vec<Told> {
    let told = world.told(node).into_iter();
    told.filter(|told| told.app == HEIR).collect()
}

#[test]
fn a_request_without_any_response_is_offered_to_another_application_once() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    world.hear_what(phone, "100");
    world.assign_requests(node, HEIR);
    world.app_leaves(node, APP, REQUESTS);
    let again = world.next_told(node);
    assert_eq!(
        (again.app, again.id(), again.what().as_str()),
        (HEIR, id, "INVITE")
    );
    assert!(world.heard(phone).is_empty());
    world.app_leaves(node, HEIR, REQUESTS);
    world.settle();
    assert_eq!(world.heard_what(phone), ["503"]);
    assert!(world.told(node).is_empty());
    world.finish();
}

#[test]
fn a_request_that_rings_or_names_a_call_to_replace_is_not_offered_to_another_one() {
    for rings in [true, false] {
        let mut world = World::new(1);
        let (node, phone) = world.node_and_phone();
        let mut invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
        if !rings {
            let head = "Replaces: nobody;to-tag=a;from-tag=b\r\nCall-ID:";
            invite = invite.replacen("Call-ID:", head, 1);
        }
        world.say(phone, node, &invite);
        world.settle();
        let id = world.next_told(node).id();
        if rings {
            world.respond(node, id, RINGING);
        }
        world.assign_requests(node, HEIR);
        world.app_leaves(node, APP, REQUESTS);
        world.settle();
        assert_eq!(world.heard_what(phone).last().unwrap(), "503");
        assert!(heirs_news(&mut world, node).is_empty());
        world.finish();
    }
}

#[test]
fn a_call_goes_on_and_belongs_to_the_heir() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    world.app_leaves(node, APP, DIALOGS);
    world.settle();
    assert!(world.heard(phone).is_empty());
    assert_eq!(world.census(node).dialogs, 1);
    world.app_adopts(node, APP, HEIR);
    world.phone_asks(phone, node, &mut alice, "INFO");
    let info = world.next_told(node);
    assert_eq!((info.app, info.dialog_id()), (HEIR, dialog.clone()));
    world.give_as(node, HEIR, respond(info.id(), OK));
    let bye = world.give_as(node, HEIR, request_in(&dialog, BYE));
    assert_eq!(sent(world.reply(node, bye)).dialog_id(), dialog);
    world.settle();
    assert_eq!(world.heard_what(phone), ["200", "BYE"]);
    world.finish();
}

#[test]
fn requests_in_a_dialog_wait_for_the_heir_in_their_order() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    world.app_leaves(node, APP, DIALOGS);
    for method in ["INFO", "MESSAGE"] {
        world.phone_asks(phone, node, &mut alice, method);
        world.run_ms(10);
    }
    world.told(node);
    assert!(world.heard(phone).is_empty());
    world.app_adopts(node, APP, HEIR);
    let waiting = heirs_news(&mut world, node);
    let told: Vec<_> = waiting
        .iter()
        .map(|told| (told.what(), told.dialog_id()))
        .collect();
    let both = [("INFO", &dialog), ("MESSAGE", &dialog)];
    assert_eq!(told, both.map(|(what, id)| (what.to_owned(), id.clone())));
    for request in waiting {
        world.give_as(node, HEIR, respond(request.id(), OK));
    }
    let bye = world.give_as(node, HEIR, request_in(&dialog, BYE));
    sent(world.reply(node, bye));
    world.settle();
    assert_eq!(world.heard_what(phone), ["200", "200", "BYE"]);
    world.finish();
}

#[test]
fn who_hangs_up_is_answered_at_once_and_the_heir_is_told() {
    // Before the application has gone without answering, and after that.
    for is_late in [false, true] {
        let mut world = World::new(1);
        let (node, phone, mut alice, dialog) = world.inbound_call();
        if is_late {
            world.app_leaves(node, APP, DIALOGS);
        }
        let requests = ["INFO", "BYE"].map(|method| alice.request(method));
        for request in &requests {
            world.say(phone, node, request);
            world.settle();
        }
        if !is_late {
            world.app_leaves(node, APP, DIALOGS);
            world.settle();
        }
        assert_eq!(world.heard_what(phone), ["200"]);
        world.told(node);
        // Sent again: the 200 got lost.
        world.say(phone, node, &requests[1]);
        world.settle();
        assert_eq!(world.heard_what(phone), ["200"]);
        assert_eq!(world.census(node).untold, 1);
        world.app_adopts(node, APP, HEIR);
        let told = heirs_news(&mut world, node);
        let [info, end] = told.as_slice() else {
            panic!("what waits and one end are told, not {}", told.len());
        };
        assert_eq!((info.what().as_str(), end.what().as_str()), ("INFO", "BYE"));
        assert_eq!((end.dialog_id(), end.transaction), (dialog, None));
        world.give_as(node, HEIR, respond(info.id(), OK));
        world.settle();
        world.finish();
    }
}

#[test]
fn the_heir_is_told_of_a_call_that_the_engine_has_ended_meanwhile() {
    let mut world = World::new(1);
    let (node, phone, mut alice, goes_on) = world.inbound_call();
    let (_, id) = world.inbound_from(phone, node, "INVITE");
    let ended = world.respond(node, id, OK).dialog_id();
    world.app_leaves(node, APP, DIALOGS);
    // No ACK comes (RFC 3261 §13.3.1.4).
    world.run_secs(33);
    let heard = world.heard(phone).into_iter();
    let bye = heard.rev().find(|heard| heard.what() == "BYE").unwrap();
    world.answer(phone, &bye, 200);
    world.told(node);
    assert_eq!(world.census(node).untold, 1);
    world.app_adopts(node, APP, HEIR);
    let told = heirs_news(&mut world, node);
    let [end] = told.as_slice() else {
        panic!("one end is told, not {}", told.len());
    };
    assert_eq!(
        (end.what().as_str(), end.dialog_id()),
        ("BYE", ended.clone())
    );
    assert_eq!(end.transaction, None);
    assert!(value(&end.message, HeaderId::Reason).contains("ACK timeout"));
    world.phone_asks(phone, node, &mut alice, "BYE");
    let bye = world.next_told(node);
    assert_eq!((bye.app, bye.dialog_id()), (HEIR, goes_on));
    world.give_as(node, HEIR, respond(bye.id(), OK));
    world.settle();
    world.finish();
}

#[test]
fn what_nobody_adopts_in_time_nobody_is_told_of() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    world.app_leaves(node, APP, DIALOGS);
    world.phone_asks(phone, node, &mut alice, "BYE");
    assert_eq!(world.census(node).untold, 1);
    world.app_goes(node, APP);
    assert_eq!(world.census(node).untold, 0);
    world.app_adopts(node, APP, HEIR);
    assert!(heirs_news(&mut world, node).is_empty());
    world.finish();
}

#[test]
fn what_nobody_adopts_is_ended_as_if_it_had_not_been_kept() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    world.app_leaves(node, APP, DIALOGS);
    world.phone_asks(phone, node, &mut alice, "INFO");
    world.app_goes(node, APP);
    world.settle();
    assert_eq!(world.heard_what(phone), ["503", "BYE"]);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn what_is_not_in_a_dialog_that_is_up_ends_with_its_application() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    world.respond(node, id, RINGING);
    world.app_leaves(node, APP, DIALOGS);
    world.settle();
    assert_eq!(world.heard_what(phone).last().unwrap(), "503");
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn the_heir_hears_of_the_answer_to_what_was_sent_in_a_dialog() {
    let mut world = World::new(1);
    let (node, phone, _, dialog) = world.inbound_call();
    world.request_in(node, &dialog, INFO);
    world.settle();
    world.app_leaves(node, APP, DIALOGS);
    world.app_adopts(node, APP, HEIR);
    world.phone_answers(phone, "INFO", 200);
    assert_eq!(heirs_news(&mut world, node)[0].what(), "200");
    let bye = world.give_as(node, HEIR, request_in(&dialog, BYE));
    sent(world.reply(node, bye));
    world.finish();
}

#[test]
fn a_new_request_is_given_away_until_it_is_answered() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    world.assign_requests(node, HEIR);
    let unknown = Err(Refusal::UnknownTransaction);
    assert_eq!(world.app_gives_away(node, HEIR, id), unknown);
    assert_eq!(world.app_gives_away(node, APP, id), Ok(()));
    assert_eq!(world.app_gives_away(node, APP, id), unknown);
    let given = world.next_told(node);
    assert_eq!((given.app, given.id()), (HEIR, id));
    let late = world.give(node, respond(id, OK));
    world.refusal(node, late);
    world.give_as(node, HEIR, respond(id, RINGING));
    assert_eq!(world.app_gives_away(node, HEIR, id), unknown);
    world.give_as(node, HEIR, respond(id, "SIP/2.0 486 Busy Here\r\n"));
    world.settle();
    let heard = world.heard_what(phone);
    assert_eq!(heard, ["100", "180", "486"]);
    world.finish();
}

#[test]
fn a_request_that_was_cancelled_is_nobody_s_to_give_away() {
    let mut world = World::new(1);
    let (node, phone, alice, id) = world.inbound("INVITE");
    let stop = alice.cancel();
    world.say(phone, node, stop);
    world.settle();
    world.assign_requests(node, HEIR);
    let unknown = Err(Refusal::UnknownTransaction);
    assert_eq!(world.app_gives_away(node, APP, id), unknown);
    let refused = world.refused(node, cancel(id));
    assert!(matches!(refused, Refusal::CancelUnknown(_)));
    world.finish();
}
