//! RFC 6665: the dialogs of subscriptions, and how they end.

use crate::world::{answer, companion, value, with_branch, Heard, Node, Phone, Sent, Ua, World};
use crate::world::{BYE, OK};
use drachtio::message::HeaderId;

const GRANTED: &str = "SIP/2.0 202 Accepted\r\nExpires: 600\r\n";
const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";
const ACTIVE: &str =
    "NOTIFY sip:x SIP/2.0\r\nEvent: presence\r\nSubscription-State: active;expires=600\r\n";
const TERMINATED: &str =
    "NOTIFY sip:x SIP/2.0\r\nEvent: presence\r\nSubscription-State: terminated;reason=timeout\r\n";

/// The phone subscribes at the node, whose application grants it.
fn subscribed_at(world: &mut World) -> (Node, Phone, Ua, Sent) {
    let (node, phone) = world.node_and_phone();
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    let headers = ["Event: presence", "Expires: 3600"];
    world.phone_asks_with(phone, node, &mut alice, "SUBSCRIBE", &headers, "");
    let id = world.next_told(node).id();
    let sent = world.respond(node, id, GRANTED);
    world.settle();
    let ok = world.hear_what(phone, "202");
    alice.answered(&ok);
    (node, phone, alice, sent)
}

/// The application subscribes at the phone, which grants it.
fn subscribed_by(world: &mut World, expires: &str) -> (Node, Phone, Ua, Sent) {
    let (node, phone) = world.node_and_phone();
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
    world.answer(phone, &heard, 200);
    assert_eq!(world.next_told(node).id(), notify.transaction);
    assert_eq!(world.census(node).dialogs, 1);
    world.finish();
}

#[test]
fn a_subscribe_that_is_refused_makes_none() {
    let mut world = World::new(1);
    let (node, phone, _, id) = world.inbound("SUBSCRIBE");
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
    world.phone_answers(phone, "NOTIFY", 200);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();

    let mut world = World::new(1);
    let (node, phone, mut bob, sent) = subscribed_by(&mut world, "Expires: 600");
    let state = "Subscription-State: active";
    world.phone_asks_with(phone, node, &mut bob, "NOTIFY", &[state], "");
    let told = world.next_told(node);
    assert_eq!(told.dialog, sent.dialog);
    world.respond(node, told.id(), OK);
    assert_eq!(world.census(node).dialogs, 1);
    let last = ["Subscription-State: Terminated ;reason=noresource"];
    world.phone_asks_with(phone, node, &mut bob, "NOTIFY", &last, "");
    let told = world.next_told(node);
    assert_eq!(told.dialog, sent.dialog);
    world.respond(node, told.id(), OK);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn the_last_notify_of_a_refer_leaves_the_call() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    let state = ["Event: refer", "Subscription-State: terminated"];
    world.phone_asks_with(phone, node, &mut alice, "NOTIFY", &state, "");
    let told = world.next_told(node);
    world.respond(node, told.id(), OK);
    world.request_in(node, &dialog, TERMINATED);
    world.settle();
    world.hear_what(phone, "200");
    world.phone_answers(phone, "NOTIFY", 200);
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
    world.phone_asks_with(phone, node, &mut alice, "SUBSCRIBE", &["Expires: 3600"], "");
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

/// A SUBSCRIBE of the application's that the phone has received.
fn subscribing(world: &mut World) -> (Node, Phone, Heard, Sent) {
    let (node, phone) = world.node_and_phone();
    let text = "SUBSCRIBE sip:phone@10.0.0.9 SIP/2.0\r\nEvent: presence\r\nExpires: 60\r\n";
    let sent = world.request(node, text);
    world.settle();
    let subscribe = world.hear_what(phone, "SUBSCRIBE");
    (node, phone, subscribe, sent)
}

/// A notifier's NOTIFY in the dialog that it makes.
fn notifies(world: &mut World, phone: Phone, node: Node, bob: &mut Ua, state: &str) {
    let state = format!("Subscription-State: {state}");
    world.phone_asks_with(phone, node, bob, "NOTIFY", &["Event: presence", &state], "");
}

#[test]
fn a_notify_that_comes_before_the_answer_makes_the_dialog() {
    let mut world = World::new(1);
    let (node, phone, subscribe, sent) = subscribing(&mut world);
    let mut bob = Ua::called(phone, &subscribe, "b");
    notifies(&mut world, phone, node, &mut bob, "active");
    let told = world.app_accepts(node);
    assert_eq!((told.what(), &told.dialog), ("NOTIFY".into(), &sent.dialog));
    world.hear_what(phone, "200");
    assert_eq!(world.census(node).dialogs, 1);
    let text = answer(&subscribe, 200, "b", &[CONTACT], "");
    world.say_back(phone, &subscribe, text);
    world.settle();
    assert_eq!(world.told_what(node), ["200"]);
    assert_eq!(world.census(node).dialogs, 1);
    // The application may leave it.
    let leave = "SUBSCRIBE sip:x SIP/2.0\r\nEvent: presence\r\nExpires: 0\r\n";
    world.request_in(node, &sent.dialog_id(), leave);
    world.settle();
    let heard = world.hear_what(phone, "SUBSCRIBE");
    assert_eq!(heard.to().unwrap().tag(), Some("b"));
    world.say_back(phone, &heard, answer(&heard, 200, "", &["Expires: 0"], ""));
    notifies(&mut world, phone, node, &mut bob, "terminated");
    assert_eq!(world.told_what(node), ["200", "NOTIFY"]);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn each_notifier_of_a_subscribe_that_forked_has_a_dialog() {
    let mut world = World::new(1);
    let (node, phone, subscribe, sent) = subscribing(&mut world);
    let text = answer(&subscribe, 200, "one", &[CONTACT], "");
    world.say_back(phone, &subscribe, text);
    world.settle();
    assert_eq!(world.told_what(node), ["200"]);
    let mut notifiers = ["one", "two", "three"].map(|tag| Ua::called(phone, &subscribe, tag));
    for bob in &mut notifiers {
        notifies(&mut world, phone, node, bob, "active;expires=60");
        let told = world.next_told(node);
        assert_eq!(told.dialog, sent.dialog);
        // §4.4.1: a subscriber that wants but one refuses the others.
        let is_wanted = !bob.local.contains("three");
        let text = if is_wanted { OK } else { "SIP/2.0 481 No\r\n" };
        world.respond(node, told.id(), text);
        world.settle();
    }
    assert_eq!(world.heard_what(phone), ["200", "200", "481"]);
    assert_eq!(world.census(node).dialogs, 2);
    for bob in notifiers.iter_mut().take(2) {
        notifies(&mut world, phone, node, bob, "terminated");
    }
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_notify_of_something_else_or_too_late_is_answered_481() {
    let mut world = World::new(1);
    let (node, phone, subscribe, _) = subscribing(&mut world);
    let mut bob = Ua::called(phone, &subscribe, "b");
    let headers = ["Event: dialog", "Subscription-State: active"];
    world.phone_asks_with(phone, node, &mut bob, "NOTIFY", &headers, "");
    world.hear_what(phone, "481");
    let refused = answer(&subscribe, 489, "b", &[], "");
    world.say_back(phone, &subscribe, refused);
    world.settle();
    assert_eq!(world.told_what(node), ["489"]);
    notifies(&mut world, phone, node, &mut bob, "active");
    world.hear_what(phone, "481");
    assert!(world.told(node).is_empty());
    // Timer N: 64·T1 after the SUBSCRIBE.
    let text = "SUBSCRIBE sip:phone@10.0.0.9 SIP/2.0\r\nEvent: presence\r\n";
    world.request(node, text);
    world.settle();
    let subscribe = world.hear_what(phone, "SUBSCRIBE");
    let ok = answer(&subscribe, 200, "one", &[CONTACT, "Expires: 600"], "");
    world.say_back(phone, &subscribe, ok);
    world.run_secs(33);
    let mut late = Ua::called(phone, &subscribe, "two");
    notifies(&mut world, phone, node, &mut late, "active");
    world.hear_what(phone, "481");
    assert_eq!(world.told_what(node), ["200"]);
    world.finish();
}

#[test]
fn an_endless_row_of_notifiers_makes_no_endless_row_of_dialogs() {
    let mut world = World::new(1);
    let (node, phone, subscribe, _) = subscribing(&mut world);
    let most = drachtio::engine::limits::MAX_FORKS;
    for number in 0..most + 5 {
        let mut bob = Ua::called(phone, &subscribe, &format!("tag{number}"));
        bob.call_id = subscribe.call_id().unwrap().to_string();
        let headers = ["Event: presence", "Subscription-State: active;expires=5"];
        let notify = bob.request_with("NOTIFY", &headers, "");
        let branch = format!("z9hG4bK-notifier-{number}");
        world.say(phone, node, with_branch(&notify, Some(&branch)));
        world.settle();
    }
    assert_eq!(world.census(node).dialogs, most);
    assert_eq!(world.told(node).len(), most);
    world.finish();
}

#[test]
fn a_notifier_may_shorten_the_time_and_not_lengthen_it() {
    let mut world = World::new(1);
    // 3600 s were asked for.
    let (node, _, _, _) = subscribed_by(&mut world, "Expires: 100000");
    world.run_secs(3600);
    assert_eq!(world.census(node).dialogs, 1);
    world.run_secs(33);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();

    let mut world = World::new(1);
    let (node, phone, mut bob, _) = subscribed_by(&mut world, "Expires: 3600");
    notifies(&mut world, phone, node, &mut bob, "active;expires=60");
    let id = world.next_told(node).id();
    world.respond(node, id, OK);
    world.run_secs(100);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_refresh_that_is_answered_481_ends_the_subscription() {
    let mut world = World::new(1);
    let (node, phone, _, sent) = subscribed_by(&mut world, "Expires: 600");
    let text = "SUBSCRIBE sip:x SIP/2.0\r\nEvent: presence\r\nExpires: 600\r\n";
    for (code, left) in [(423, 1), (481, 0)] {
        world.request_in(node, &sent.dialog_id(), text);
        world.settle();
        let heard = world.hear_what(phone, "SUBSCRIBE");
        let headers = ["Min-Expires: 900"];
        world.say_back(phone, &heard, answer(&heard, code, "", &headers, ""));
        world.settle();
        let told = world.next_told(node);
        assert_eq!(told.what(), code.to_string());
        assert_eq!(value(&told.message, HeaderId::MinExpires), "900");
        assert_eq!(world.census(node).dialogs, left);
    }
    world.finish();
}

#[test]
fn a_subscription_inside_a_call_and_the_call_end_each_by_itself() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    let headers = ["Event: presence", "Expires: 60"];
    world.phone_asks_with(phone, node, &mut alice, "SUBSCRIBE", &headers, "");
    let id = world.next_told(node).id();
    world.respond(node, id, GRANTED);
    world.settle();
    world.hear_what(phone, "202");
    world.phone_hangs_up(phone, node, &mut alice);
    assert_eq!(world.census(node).dialogs, 1);
    // RFC 5057 §5.1: there is no call in it any more.
    for method in ["INVITE", "UPDATE", "INFO"] {
        let request = world.phone_asks(phone, node, &mut alice, method);
        let refused = world.hear_what(phone, "481");
        if method == "INVITE" {
            world.say(phone, node, companion(&request, "ACK", Some(&refused)));
        }
    }
    world.request_in(node, &dialog, TERMINATED);
    world.settle();
    world.phone_answers(phone, "NOTIFY", 200);
    assert_eq!(world.told_what(node), ["200"]);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_bye_does_not_end_a_call_by_way_of_its_subscription() {
    let mut world = World::new(1);
    let (node, phone, _, sent) = subscribed_at(&mut world);
    let (mut alice, _) = world.call_in(phone, node);
    let bye = world.app_asks(node, phone, &sent.dialog_id(), BYE);
    world.answer(phone, &bye, 481);
    world.told(node);
    assert_eq!(world.census(node).dialogs, 1);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}
