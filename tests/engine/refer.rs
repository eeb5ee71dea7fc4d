//! RFC 3515, RFC 4488, RFC 5057: REFER inside and outside a call, and the subscription it makes.

use crate::world::{answer, cseq, request_in, Node, Phone, Ua, World, BYE, OK};
use drachtio::engine::DialogId;

const REFER: &str = "REFER sip:placeholder SIP/2.0\r\nRefer-To: <sip:carol@10.0.0.7>\r\n";
const ACCEPTED: &str = "SIP/2.0 202 Accepted\r\n";
const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";
const REFER_TO: &str = "Refer-To: <sip:carol@10.0.0.7>";

fn notify(state: &str) -> String {
    format!("NOTIFY sip:x SIP/2.0\r\nEvent: refer\r\nSubscription-State: {state}\r\nContent-Type: message/sipfrag\r\n\r\nSIP/2.0 100 Trying\r\n")
}

/// The phone sends a NOTIFY, which the application accepts.
fn phone_notifies(
    world: &mut World,
    phone: Phone,
    node: Node,
    ua: &mut Ua,
    event: &str,
    state: &str,
) -> DialogId {
    let state = format!("Subscription-State: {state}");
    world.phone_asks_with(phone, node, ua, "NOTIFY", &[event, &state], "");
    let told = world.app_accepts(node);
    assert_eq!(told.what(), "NOTIFY");
    world.hear_what(phone, "200");
    told.dialog_id()
}

/// The same of the only REFER.
fn refer_notifies(
    world: &mut World,
    phone: Phone,
    node: Node,
    ua: &mut Ua,
    state: &str,
) -> DialogId {
    phone_notifies(world, phone, node, ua, "Event: refer", state)
}

/// The application refers its peer, who accepts.
fn refers(world: &mut World, node: Node, phone: Phone, dialog: &DialogId, headers: &[&str]) -> u32 {
    let refer = world.app_asks(node, phone, dialog, REFER);
    world.say_back(phone, &refer, answer(&refer, 202, "", headers, ""));
    world.settle();
    assert_eq!(world.told_what(node), ["202"]);
    cseq(&refer)
}

/// The application hangs up, and the phone agrees.
fn hang_up(world: &mut World, node: Node, phone: Phone, dialog: &DialogId) {
    world.app_hangs_up(node, phone, dialog);
    assert_eq!(world.told_what(node), ["200"]);
}

#[test]
fn a_transferor_that_hangs_up_hears_how_the_transfer_went() {
    let mut world = World::new(1);
    let (node, phone, mut bob, dialog) = world.outbound_call();
    refers(&mut world, node, phone, &dialog, &[]);
    hang_up(&mut world, node, phone, &dialog);
    // The call is over, the subscription keeps the dialog.
    assert_eq!(world.census(node).dialogs, 1);
    let refused = world.refused(node, request_in(&dialog, BYE));
    assert_eq!(refused.code(), "DRT_ERR_UNKNOWN_DIALOG");
    world.phone_asks(phone, node, &mut bob, "BYE");
    world.hear_what(phone, "481");
    let told = refer_notifies(&mut world, phone, node, &mut bob, "active;expires=60");
    assert_eq!(told, dialog);
    refer_notifies(
        &mut world,
        phone,
        node,
        &mut bob,
        "terminated;reason=noresource",
    );
    assert!(world.census(node).dialogs == 0);
    world.finish();
}

#[test]
fn a_transferee_whose_call_is_over_still_notifies() {
    let mut world = World::new(1);
    let (node, phone, mut alice, dialog) = world.inbound_call();
    world.phone_asks_with(phone, node, &mut alice, "REFER", &[REFER_TO], "");
    let id = world.next_told(node).id();
    world.respond(node, id, ACCEPTED);
    world.settle();
    assert!(world.hear_what(phone, "202").contact().unwrap().is_some());
    world.phone_hangs_up(phone, node, &mut alice);
    for (state, left) in [
        ("active;expires=60", 1),
        ("terminated;reason=noresource", 0),
    ] {
        let heard = world.app_asks(node, phone, &dialog, &notify(state));
        assert_eq!(heard.request_uri().unwrap(), alice.contact());
        world.answer(phone, &heard, 200);
        assert_eq!(world.told_what(node), ["200"]);
        assert_eq!(world.census(node).dialogs, left);
    }
    world.finish();
}

#[test]
fn the_last_notify_leaves_the_call() {
    let mut world = World::new(1);
    let (node, phone, mut bob, dialog) = world.outbound_call();
    refers(&mut world, node, phone, &dialog, &[]);
    refer_notifies(&mut world, phone, node, &mut bob, "terminated");
    hang_up(&mut world, node, phone, &dialog);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn each_of_several_refers_has_a_subscription_of_its_own() {
    let mut world = World::new(1);
    let (node, phone, mut bob, dialog) = world.outbound_call();
    let first = refers(&mut world, node, phone, &dialog, &[]);
    let second = refers(&mut world, node, phone, &dialog, &[]);
    hang_up(&mut world, node, phone, &dialog);
    for (number, left) in [(second, 1), (second, 1), (first, 0)] {
        let event = format!("Event: refer;id={number}");
        phone_notifies(&mut world, phone, node, &mut bob, &event, "terminated");
        assert_eq!(world.census(node).dialogs, left);
    }
    world.finish();
}

#[test]
fn a_refer_may_do_without_a_subscription() {
    let declined = ["Refer-Sub: false", "Refer-Sub: FALSE ;x=y"];
    for header in declined {
        let mut world = World::new(1);
        let (node, phone, _, dialog) = world.outbound_call();
        refers(&mut world, node, phone, &dialog, &[header]);
        hang_up(&mut world, node, phone, &dialog);
        assert_eq!(world.census(node).dialogs, 0, "{header}");
        world.finish();
    }
    // RFC 7614: the referrer insists on none.
    let mut world = World::new(1);
    let (node, _, _, id) = world.inbound_with("REFER", &[REFER_TO, "Require: nosub"], "");
    world.respond(node, id, OK);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_refer_outside_a_call_makes_a_dialog_at_its_receiver() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound_with("REFER", &[REFER_TO], "");
    let sent = world.respond(node, id, ACCEPTED);
    world.settle();
    let ok = world.hear_what(phone, "202");
    assert!(ok.contact().unwrap().is_some());
    alice.answered(&ok);
    world.request_in(
        node,
        &sent.dialog_id(),
        &notify("terminated;reason=noresource"),
    );
    world.settle();
    let heard = world.hear_what(phone, "NOTIFY");
    assert_eq!(heard.request_uri().unwrap(), alice.contact());
    world.answer(phone, &heard, 200);
    assert_eq!(world.told_what(node), ["200"]);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_refer_outside_a_call_makes_a_dialog_at_its_sender_even_before_the_answer() {
    for overtakes in [false, true] {
        let mut world = World::new(1);
        let (node, phone) = world.node_and_phone();
        let text = format!("REFER sip:phone@10.0.0.9 SIP/2.0\r\n{REFER_TO}\r\n");
        let sent = world.request(node, &text);
        world.settle();
        let refer = world.hear_what(phone, "REFER");
        assert!(refer.contact().unwrap().is_some());
        let mut bob = Ua::called(phone, &refer, "b");
        let accepted = answer(&refer, 202, "b", &[CONTACT], "");
        if !overtakes {
            world.say_back(phone, &refer, &accepted);
            world.settle();
            assert_eq!(world.told_what(node), ["202"]);
        }
        let dialog = refer_notifies(&mut world, phone, node, &mut bob, "active;expires=60");
        assert_eq!(Some(dialog), sent.dialog);
        if overtakes {
            world.say_back(phone, &refer, &accepted);
            world.settle();
            assert_eq!(world.told_what(node), ["202"]);
        }
        assert_eq!(world.census(node).dialogs, 1);
        refer_notifies(&mut world, phone, node, &mut bob, "terminated");
        assert_eq!(world.census(node).dialogs, 0);
        world.finish();
    }
}

#[test]
fn a_transfer_of_which_nothing_is_heard_any_more_is_forgotten() {
    let mut world = World::new(1);
    let (node, phone, mut bob, dialog) = world.outbound_call();
    refers(&mut world, node, phone, &dialog, &[]);
    hang_up(&mut world, node, phone, &dialog);
    world.run_secs(170);
    // The notifier decides how long it takes (RFC 3515 §2.4.4).
    refer_notifies(&mut world, phone, node, &mut bob, "active;expires=600");
    world.run_secs(600);
    assert_eq!(world.census(node).dialogs, 1);
    world.run_secs(40);
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_notify_that_is_answered_481_or_not_at_all_ends_the_subscription() {
    for answers in [true, false] {
        let mut world = World::new(1);
        let (node, phone, _, id) = world.inbound_with("REFER", &[REFER_TO], "");
        let sent = world.respond(node, id, ACCEPTED);
        world.settle();
        world.hear_what(phone, "202");
        world.request_in(node, &sent.dialog_id(), &notify("active;expires=600"));
        world.settle();
        let heard = world.hear_what(phone, "NOTIFY");
        if answers {
            world.say_back(phone, &heard, answer(&heard, 481, "", &[], ""));
        }
        world.run_secs(33);
        let status = if answers { "481" } else { "408" };
        assert_eq!(world.told_what(node), [status]);
        assert_eq!(world.census(node).dialogs, 0);
        world.finish();
    }
}
