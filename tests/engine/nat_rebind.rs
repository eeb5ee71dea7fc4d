//! RFC 5626 §1, RFC 6314 §4.2: a translator that forgets its ports in the middle of a call. What
//! the peer sends next shows the new way.

use crate::world::{World, BYE, INFO, OK};

#[test]
fn the_next_request_of_the_peer_shows_where_it_is_now() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    world.translate("203.0.113.99", &["192.168.1.5"]);
    let phone = world.phone("192.168.1.5:5060");
    let (mut alice, dialog) = world.call_in(phone, node);
    world.rebind();
    // Nothing of ours gets through until it has sent something.
    let lost = world.request_in(node, &dialog, INFO);
    world.run_secs(1);
    assert!(world.heard(phone).is_empty());
    world.phone_asks(phone, node, &mut alice, "INFO");
    let told = world.app_accepts(node);
    assert_ne!(told.meta.peer, lost.meta.peer);
    world.hear_what(phone, "200");
    let bye = world.request_in(node, &dialog, BYE);
    assert_eq!(bye.meta.peer, told.meta.peer);
    world.settle();
    world.phone_answers(phone, "BYE", 200);
    world.finish();
}

#[test]
fn an_ack_shows_it_too() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    world.translate("203.0.113.99", &["192.168.1.5"]);
    let phone = world.phone("192.168.1.5:5060");
    let (mut alice, id) = world.inbound_from(phone, node, "INVITE");
    let dialog = world.respond(node, id, OK).dialog_id();
    world.phone_is_answered(phone, &mut alice);
    world.rebind();
    world.phone_acknowledges(phone, node, &mut alice);
    world.app_hangs_up(node, phone, &dialog);
    world.finish();
}

#[test]
fn an_old_request_from_elsewhere_does_not_move_the_call() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    world.translate("203.0.113.99", &["192.168.1.5"]);
    let phone = world.phone("192.168.1.5:5060");
    let stranger = world.phone("203.0.113.66:5060");
    let (mut alice, dialog) = world.call_in(phone, node);
    let info = world.phone_asks(phone, node, &mut alice, "INFO");
    world.app_accepts(node);
    world.hear_what(phone, "200");
    let old = info
        .replace("CSeq: 2", "CSeq: 1")
        .replace("branch=", "branch=z9hG4bKy");
    world.say(stranger, node, old);
    world.settle();
    world.hear_what(stranger, "500");
    world.app_hangs_up(node, phone, &dialog);
    world.finish();
}
