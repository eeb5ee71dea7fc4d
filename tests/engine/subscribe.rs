//! RFC 6665: the dialogs of subscriptions, and how they end.

use crate::world::{answer, value, Node, Phone, Sent, Ua, World, BYE, OK};
use drachtio::message::HeaderId;

const GRANTED: &str = "SIP/2.0 202 Accepted\r\nExpires: 600\r\n";
const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";
const ACTIVE: &str =
    "NOTIFY sip:x SIP/2.0\r\nEvent: presence\r\nSubscription-State: active;expires=600\r\n";
const TERMINATED: &str =
    "NOTIFY sip:x SIP/2.0\r\nEvent: presence\r\nSubscription-State: terminated;reason=timeout\r\n";

/// The phone subscribes at the node, whose application grants it.
fn subscribed_at(world: &mut World) -> (Node, Phone, Ua, Sent) {
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    let headers = ["Event: presence", "Expires: 3600"];
    let subscribe = alice.request_with("SUBSCRIBE", &headers, "");
    world.say(phone, node, subscribe);
    world.settle();
    let id = world.next_told(node).id();
    let sent = world.respond(node, id, GRANTED);
    world.settle();
    let ok = world.hear_what(phone, "202");
    alice.answered(&ok);
    (node, phone, alice, sent)
}

/// The application subscribes at the phone, which grants it.
fn subscribed_by(world: &mut World, expires: &str) -> (Node, Phone, Ua, Sent) {
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    let text = "SUBSCRIBE sip:phone@10.0.0.9 SIP/2.0\r\nEvent: presence\r\nExpires: 3600\r\n";
    let sent = world.request(node, text);
    world.settle();
    let subscribe = world.hear_what(phone, "SUBSCRIBE");
    let headers = [expires, CONTACT];
    world.say_back(
        phone,
        &subscribe,
        answer(&subscribe, 200, "b", &headers, ""),
    );
    world.settle();
    let told = world.next_told(node);
    assert_eq!((told.what().as_str(), &told.dialog), ("200", &sent.dialog));
    let bob = Ua::called(phone, &subscribe, "b");
    (node, phone, bob, sent)
}

#[test]
fn a_subscribe_that_is_granted_makes_a_dialog_for_notifies() {
    let mut world = World::new(1);
    let (node, phone, alice, sent) = subscribed_at(&mut world);
    assert!(sent.message.contact().unwrap().is_some());
    let notify = world.request_in(node, &sent.dialog_id(), ACTIVE);
    world.settle();
    let heard = world.hear_what(phone, "NOTIFY");
    assert_eq!(heard.request_uri().unwrap(), alice.contact());
    assert_eq!(value(&heard, HeaderId::From), alice.remote);
    world.say_back(phone, &heard, answer(&heard, 200, "", &[], ""));
    world.settle();
    assert_eq!(world.next_told(node).id(), notify.transaction);
    assert_eq!(world.census(node).dialogs, 1);
    world.finish();
}

#[test]
fn a_subscribe_that_is_refused_makes_none() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    let subscribe = world.ua(phone, "sip:bob@10.0.0.1").request("SUBSCRIBE");
    world.say(phone, node, subscribe);
    world.settle();
    let id = world.next_told(node).id();
    world.respond(node, id, "SIP/2.0 489 Bad Event\r\n");
    assert_eq!(world.census(node).dialogs, 0);
    let text = "SUBSCRIBE sip:phone@10.0.0.9 SIP/2.0\r\n";
    world.request(node, text);
    world.settle();
    world.hear_what(phone, "489");
    let subscribe = world.hear_what(phone, "SUBSCRIBE");
    // A provisional response with a tag, and then nothing.
    world.say_back(phone, &subscribe, answer(&subscribe, 182, "b", &[], ""));
    world.run_secs(40);
    assert_eq!(world.told_what(node), ["182", "408"]);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn the_last_notify_ends_the_subscription_at_both_sides() {
    let mut world = World::new(1);
    let (node, phone, _, sent) = subscribed_at(&mut world);
    world.request_in(node, &sent.dialog_id(), TERMINATED);
    world.settle();
    let notify = world.hear_what(phone, "NOTIFY");
    world.say_back(phone, &notify, answer(&notify, 200, "", &[], ""));
    world.settle();
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();

    let mut world = World::new(1);
    let (node, phone, mut bob, sent) = subscribed_by(&mut world, "Expires: 600");
    let active = bob.request_with("NOTIFY", &["Subscription-State: active"], "");
    world.say(phone, node, active);
    world.settle();
    let told = world.next_told(node);
    assert_eq!(told.dialog, sent.dialog);
    world.respond(node, told.id(), OK);
    assert_eq!(world.census(node).dialogs, 1);
    let last = ["Subscription-State: Terminated ;reason=noresource"];
    let last = bob.request_with("NOTIFY", &last, "");
    world.say(phone, node, last);
    world.settle();
    let told = world.next_told(node);
    assert_eq!(told.dialog, sent.dialog);
    world.respond(node, told.id(), OK);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn the_last_notify_of_a_refer_leaves_the_call() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    let (mut alice, dialog) = world.call_in(phone, node);
    let state = ["Event: refer", "Subscription-State: terminated"];
    let notify = alice.request_with("NOTIFY", &state, "");
    world.say(phone, node, notify);
    world.settle();
    let told = world.next_told(node);
    world.respond(node, told.id(), OK);
    world.request_in(node, &dialog, TERMINATED);
    world.settle();
    world.hear_what(phone, "200");
    let notify = world.hear_what(phone, "NOTIFY");
    world.say_back(phone, &notify, answer(&notify, 200, "", &[], ""));
    world.settle();
    world.told(node);
    assert_eq!(world.census(node).dialogs, 1);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn a_subscription_that_is_not_renewed_lapses() {
    let mut world = World::new(1);
    let (node, _, _, _) = subscribed_at(&mut world);
    world.run_secs(600);
    assert_eq!(world.census(node).dialogs, 1);
    world.run_secs(33);
    assert!(world.census(node).is_empty());
    world.finish();

    let mut world = World::new(1);
    let (node, _, _, _) = subscribed_by(&mut world, "Expires: 60");
    world.run_secs(60);
    assert_eq!(world.census(node).dialogs, 1);
    world.run_secs(33);
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn renewing_prolongs_it_both_ways() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = subscribed_at(&mut world);
    world.run_secs(500);
    let renewal = alice.request_with("SUBSCRIBE", &["Expires: 3600"], "");
    world.say(phone, node, renewal);
    world.settle();
    let id = world.next_told(node).id();
    world.respond(node, id, GRANTED);
    world.run_secs(500);
    assert_eq!(world.census(node).dialogs, 1);
    world.run_secs(200);
    assert!(world.census(node).is_empty());
    world.finish();

    let mut world = World::new(1);
    let (node, phone, _, sent) = subscribed_by(&mut world, "Expires: 600");
    world.run_secs(500);
    let text = "SUBSCRIBE sip:x SIP/2.0\r\nExpires: 600\r\n";
    world.request_in(node, &sent.dialog_id(), text);
    world.settle();
    let renewal = world.hear_what(phone, "SUBSCRIBE");
    let headers = ["Expires: 600", CONTACT];
    world.say_back(phone, &renewal, answer(&renewal, 200, "", &headers, ""));
    world.run_secs(500);
    assert_eq!(world.census(node).dialogs, 1);
    world.run_secs(200);
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn a_notify_that_comes_before_the_answer_is_told() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    world.request(
        node,
        "SUBSCRIBE sip:phone@10.0.0.9 SIP/2.0\r\nExpires: 60\r\n",
    );
    world.settle();
    let subscribe = world.hear_what(phone, "SUBSCRIBE");
    let mut bob = Ua::called(phone, &subscribe, "b");
    let notify = bob.request_with("NOTIFY", &["Subscription-State: active"], "");
    world.say(phone, node, notify);
    world.settle();
    let told = world.next_told(node);
    assert_eq!(told.what(), "NOTIFY");
    world.respond(node, told.id(), OK);
    world.say_back(
        phone,
        &subscribe,
        answer(&subscribe, 200, "b", &[CONTACT], ""),
    );
    world.settle();
    assert_eq!(world.told_what(node), ["200"]);
    world.finish();
}

#[test]
fn a_bye_does_not_end_a_call_by_way_of_its_subscription() {
    let mut world = World::new(1);
    let (node, phone, _, sent) = subscribed_at(&mut world);
    let (mut alice, _) = world.call_in(phone, node);
    world.request_in(node, &sent.dialog_id(), BYE);
    world.settle();
    let bye = world.hear_what(phone, "BYE");
    world.say_back(phone, &bye, answer(&bye, 481, "", &[], ""));
    world.settle();
    world.told(node);
    assert_eq!(world.census(node).dialogs, 1);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}
