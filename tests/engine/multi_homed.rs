//! RFC 3261 §18.2.2, §18.1.1: a host with several addresses answers from the one that was asked,
//! and speaks in a dialog from the one that the dialog was made on.

use crate::world::{answer, value, Node, World, ACK, BYE};
use drachtio::engine::Transport;
use drachtio::message::HeaderId;

/// A node with three addresses, of which the last one is the nearest to 10.0.0.9.
fn node(world: &mut World) -> Node {
    world.node_on(&[
        (Transport::Udp, "192.0.2.1:5060"),
        (Transport::Udp, "198.51.100.1:5070"),
        (Transport::Udp, "10.0.0.1:5060"),
    ])
}

#[test]
fn everything_of_a_call_leaves_from_the_address_that_was_called() {
    for local in ["192.0.2.1:5060", "198.51.100.1:5070", "10.0.0.1:5060"] {
        let mut world = World::new(1);
        let mut node = node(&mut world);
        node.address = local.parse().unwrap();
        let phone = world.phone("10.0.0.9:5060");
        let (_, dialog) = world.call_in(phone, node);
        for method in ["INFO", "INVITE"] {
            let sent = world.request_in(node, &dialog, &format!("{method} sip:x SIP/2.0\r\n"));
            assert_eq!(sent.meta.local, node.address);
            world.settle();
            let heard = world.hear_what(phone, method);
            assert_eq!(heard.path.peer, node.address);
            assert!(value(&heard, HeaderId::Via).contains(local));
            world.answer(phone, &heard, 200);
            world.told(node);
        }
        world.request_in(node, &dialog, ACK);
        world.request_in(node, &dialog, BYE);
        world.settle();
        for what in ["ACK", "BYE"] {
            assert_eq!(world.hear_what(phone, what).path.peer, node.address);
        }
        world.finish();
    }
}

#[test]
fn it_does_so_along_a_recorded_route() {
    let mut world = World::new(1);
    let mut node = node(&mut world);
    node.address = "192.0.2.1:5060".parse().unwrap();
    let phone = world.phone("10.0.0.9:5060");
    let route = "Record-Route: <sip:10.0.0.9;lr>";
    let (_, dialog) = world.call_in_with(phone, node, |alice| {
        alice.request_with("INVITE", &[route], "")
    });
    let bye = world.request_in(node, &dialog, BYE);
    assert_eq!(bye.meta.local, node.address);
    world.finish();
}

#[test]
fn a_call_out_stays_on_the_address_that_it_was_made_from() {
    let mut world = World::new(1);
    let node = node(&mut world);
    let phone = world.phone("10.0.0.9:5060");
    let (mut bob, dialog) = world.call_out(node, phone);
    assert_eq!(bob.target, "sip:10.0.0.1:5060");
    // The peer moves to where another address of ours is nearer.
    let moved = world.phone("192.0.2.9:5060");
    let contact = "Contact: <sip:phone@192.0.2.9>";
    bob.target = "sip:10.0.0.1:5060".to_string();
    let mut reinvite = bob.request("INVITE");
    reinvite = reinvite.replace(&bob.contact_line(), contact);
    let mut here = node;
    here.address = "10.0.0.1:5060".parse().unwrap();
    world.say(phone, here, reinvite);
    world.settle();
    world.app_accepts(node);
    world.heard(phone);
    world.phone_acknowledges(phone, here, &mut bob);
    let bye = world.request_in(node, &dialog, BYE);
    assert_eq!(bye.meta.local, here.address);
    world.settle();
    let bye = world.hear_what(moved, "BYE");
    world.say_back(moved, &bye, answer(&bye, 200, "", &[], ""));
    world.finish();
}
