//! RFC 3261 §14.1: an application has one INVITE at a time in a dialog.

use crate::world::{request_in, to_tag, World, ACK, BYE, OK, REINVITE};

const IN_PROGRESS: &str = "another INVITE is in progress in this dialog";

#[test]
fn a_second_invite_of_ours_is_refused_until_the_first_has_ended() {
    for code in [200, 488] {
        let mut world = World::new(1);
        let (node, phone, _, dialog) = world.outbound_call();
        world.request_in(node, &dialog, REINVITE);
        let refusal = world.refused(node, request_in(&dialog, REINVITE));
        assert_eq!(refusal.to_string(), IN_PROGRESS);
        assert_eq!(refusal.code(), "DRT_ERR_INVITE_IN_PROGRESS");
        world.settle();
        let first = world.hear_what(phone, "INVITE");
        assert!(world.heard(phone).is_empty());
        world.answer(phone, &first, code);
        assert_eq!(world.told_what(node), [code.to_string()]);
        if code == 200 {
            world.request_in(node, &dialog, ACK);
        }
        world.request_in(node, &dialog, REINVITE);
        world.settle();
        assert_eq!(world.heard_what(phone), ["ACK", "INVITE"]);
        world.request_in(node, &dialog, BYE);
        world.finish();
    }
}

#[test]
fn an_invite_of_ours_is_refused_while_theirs_is_open() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    world.phone_asks(phone, node, &mut alice, "INVITE");
    let refusal = world.refused(node, request_in(&dialog, REINVITE));
    assert_eq!(refusal.to_string(), IN_PROGRESS);
    world.app_accepts(node);
    assert_eq!(world.heard_what(phone), ["100", "200"]);
    world.phone_acknowledges(phone, node, &mut alice);
    assert_eq!(world.told_what(node), ["ACK"]);
    world.app_asks(node, phone, &dialog, REINVITE);
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn an_invite_right_after_our_2xx_goes_once_the_ack_has_come() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("INVITE");
    let dialog = world.respond(node, id, OK).dialog_id();
    // For the caller the first INVITE is open until it has heard of the 2xx.
    let command = world.give(node, request_in(&dialog, REINVITE));
    let second = world.refused(node, request_in(&dialog, REINVITE));
    assert_eq!(second.to_string(), IN_PROGRESS);
    world.settle();
    world.hear_what(phone, "100");
    let ok = world.hear_what(phone, "200");
    assert!(world.replies(node, command).is_empty());
    alice.answered(&ok);
    world.phone_acknowledges(phone, node, &mut alice);
    world.reply(node, command);
    let reinvite = world.hear_what(phone, "INVITE");
    assert_eq!(reinvite.from().unwrap().tag(), Some(to_tag(&ok)));
    world.answer(phone, &reinvite, 200);
    assert_eq!(world.told_what(node), ["ACK", "200"]);
    world.request_in(node, &dialog, ACK);
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn an_invite_that_waits_is_refused_when_the_ack_never_comes() {
    let mut world = World::new(1);
    let (node, _, _, id) = world.inbound("INVITE");
    let dialog = world.respond(node, id, OK).dialog_id();
    let command = world.give(node, request_in(&dialog, REINVITE));
    world.run_secs(33);
    let told = world.next_told(node);
    assert_eq!((told.what().as_str(), told.transaction), ("BYE", None));
    assert_eq!(world.replies(node, command).len(), 1);
    world.finish();
}

#[test]
fn only_a_few_requests_can_wait() {
    let mut world = World::new(1);
    let (node, _, _, id) = world.inbound("INVITE");
    let dialog = world.respond(node, id, OK).dialog_id();
    world.give(node, request_in(&dialog, REINVITE));
    world.give(node, request_in(&dialog, BYE));
    for text in [BYE, REINVITE] {
        let refusal = world.refused(node, request_in(&dialog, text));
        assert_eq!(
            refusal.code(),
            "DRT_ERR_UNKNOWN_DIALOG",
            "the call is ending"
        );
    }
    // Each of them is answered in the end.
    world.finish();
}
