//! RFC 3261 §12.1.1, §13.3: the dialog that an INVITE makes at its receiver.

use crate::world::{uri_of, value, World, ACK, BUSY, BYE, INFO, OK, RINGING};
use drachtio::engine::DialogId;
use drachtio::message::HeaderId;

#[test]
fn the_dialog_id_is_call_id_and_from_tag_from_the_first_response_on() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    world.phone_asks(phone, node, &mut alice, "INVITE");
    let told = world.next_told(node);
    assert_eq!(told.dialog, None, "a new request has no dialog yet");
    let tag = told.message.from().unwrap().tag().unwrap().to_string();
    let expected = DialogId::new(&alice.call_id, &tag);
    assert_eq!(
        expected.as_str(),
        format!("{};from-tag={tag}", alice.call_id)
    );
    for text in [RINGING, OK] {
        let sent = world.respond(node, told.id(), text);
        assert_eq!(sent.dialog_id(), expected);
        assert_eq!(sent.transaction, told.id());
    }
    world.settle();
    let ok = world.heard(phone).pop().unwrap();
    alice.answered(&ok);
    world.phone_acknowledges(phone, node, &mut alice);
    let ack = world.next_told(node);
    assert_eq!(ack.dialog_id(), expected);
    assert_eq!(ack.id(), told.id());
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn all_responses_have_one_to_tag_but_100_has_none() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    for text in [
        "SIP/2.0 100 Trying\r\n",
        RINGING,
        "SIP/2.0 183 Progress\r\n",
        BUSY,
    ] {
        world.respond(node, id, text);
    }
    world.settle();
    let heard = world.heard(phone);
    let tags: Vec<Option<&str>> = heard.iter().map(|one| one.to().unwrap().tag()).collect();
    assert_eq!(tags[..2], [None, None]);
    assert!(tags[2].is_some());
    assert!(tags[2..].iter().all(|tag| *tag == tags[2]));
    world.finish();
}

#[test]
fn the_application_may_choose_the_to_tag_with_its_first_response() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("INVITE");
    world.respond(
        node,
        id,
        "SIP/2.0 180 Ringing\r\nTo: <sip:x@y>;tag=mine\r\n",
    );
    world.respond(
        node,
        id,
        "SIP/2.0 486 Busy Here\r\nTo: <sip:x@y>;tag=other\r\n",
    );
    world.settle();
    for heard in world.heard(phone).iter().skip(1) {
        assert_eq!(heard.to().unwrap().tag(), Some("mine"));
        // The rest of the To is the caller's.
        assert_eq!(uri_of(heard, HeaderId::To), "sip:bob@10.0.0.1");
    }
    world.finish();
}

#[test]
fn a_failure_ends_the_early_dialog() {
    let mut world = World::new(1);
    let (node, _, _, id) = world.inbound("INVITE");
    let dialog = world.respond(node, id, RINGING).dialog_id();
    assert_eq!(world.census(node).dialogs, 1);
    world.respond(node, id, BUSY);
    assert_eq!(world.census(node).dialogs, 0);
    let refusal = world.refused(node, crate::world::request_in(&dialog, BYE));
    assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_DIALOG");
    world.finish();
}

#[test]
fn the_callee_sends_requests_in_the_dialog_with_roles_reversed() {
    let mut world = World::new(1);
    let (node, phone, alice, dialog) = world.inbound_call();
    let sent = world.request_in(node, &dialog, INFO);
    assert_eq!(sent.dialog_id(), dialog);
    world.settle();
    let info = world.hear_what(phone, "INFO");
    assert_eq!(info.request_uri().unwrap(), alice.contact());
    assert_eq!(value(&info, HeaderId::From), alice.remote);
    assert_eq!(value(&info, HeaderId::To), alice.local);
    assert_eq!(value(&info, HeaderId::CallId), alice.call_id);
    let first = info.cseq().unwrap().number;
    world.say_back(phone, &info, crate::world::answer(&info, 200, "", &[], ""));
    world.settle();
    let told = world.next_told(node);
    assert_eq!(
        (told.id(), told.dialog_id()),
        (sent.transaction, dialog.clone())
    );

    // §12.2.1.1: each request counts one up; the R-URI of the draft does not matter.
    let bye = world.app_asks(
        node,
        phone,
        &dialog,
        "BYE sip:somebody@else.example SIP/2.0\r\n",
    );
    assert_eq!(bye.cseq().unwrap().number, first + 1);
    assert_eq!(bye.request_uri().unwrap(), alice.contact());
    world.say_back(phone, &bye, crate::world::answer(&bye, 200, "", &[], ""));
    world.finish();
}

#[test]
fn a_response_is_refused_to_whoever_does_not_own_the_request() {
    let mut world = World::new(1);
    let (node, _, _, id) = world.inbound("INVITE");
    let stranger = drachtio::engine::AppId(7);
    let command = world.give_as(node, stranger, crate::world::respond(id, OK));
    world.refusal(node, command);
    let dialog = world.respond(node, id, OK).dialog_id();
    for text in [BYE, ACK] {
        let command = world.give_as(node, stranger, crate::world::request_in(&dialog, text));
        world.refusal(node, command);
    }
    world.finish();
}

#[test]
fn a_copy_of_an_answered_invite_that_came_another_way_is_declined() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    let invite = alice.request("INVITE");
    let copy = invite.replace("branch=z9hG4bK", "branch=z9hG4bK-fork-");
    world.say(phone, node, &invite);
    world.say(phone, node, &copy);
    world.settle();
    let [first, second] = <[_; 2]>::try_from(world.told(node)).unwrap();
    world.respond(node, first.id(), OK);
    let refusal = world.refused(node, crate::world::respond(second.id(), OK));
    assert_eq!(refusal.code(), "DRT_ERR_DIALOG_EXISTS");
    world.settle();
    let heard = world.heard(phone);
    let declined = heard.iter().find(|one| one.status() == Some(480)).unwrap();
    let branch = declined.top_via().unwrap().branch().unwrap();
    assert!(branch.contains("-fork-"));
    let ok = heard.iter().find(|one| one.status() == Some(200)).unwrap();
    alice.answered(ok);
    world.phone_acknowledges(phone, node, &mut alice);
    assert_eq!(world.told_what(node), ["ACK"]);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn copies_of_an_invite_can_be_refused_one_by_one() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    let copy = invite.replace("branch=z9hG4bK", "branch=z9hG4bK-fork-");
    world.say(phone, node, &invite);
    world.say(phone, node, &copy);
    world.settle();
    for told in world.told(node) {
        world.respond(node, told.id(), RINGING);
        world.respond(node, told.id(), BUSY);
    }
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}
