//! drachtio-server §2.1 (always-send-180), RFC 3261 §12.1.1: the caller hears ringing before an
//! application has been asked, and the answer belongs to the same dialog.

use crate::world::{to_tag, value, Node, World, BUSY};
use drachtio::message::HeaderId;

fn node(world: &mut World) -> Node {
    world.node_told("10.0.0.1:5060", |config| config.always_ring = true)
}

#[test]
fn the_caller_is_told_180_with_the_tag_of_the_answer() {
    let mut world = World::new(1);
    let node = node(&mut world);
    let phone = world.phone("10.0.0.9:5060");
    let mut ua = world.ua(phone, "sip:bob@10.0.0.1");
    world.phone_asks(phone, node, &mut ua, "INVITE");
    let trying = world.hear(phone);
    let ringing = world.hear(phone);
    assert_eq!((trying.status(), ringing.status()), (Some(100), Some(180)));
    assert_eq!(value(&ringing, HeaderId::Contact), "<sip:10.0.0.1:5060>");
    let id = world.next_told(node).id();
    // A tag that the application chooses comes too late.
    world.respond(node, id, "SIP/2.0 200 OK\r\nTo: <sip:b@x>;tag=mine\r\n");
    world.settle();
    let ok = world.hear_what(phone, "200");
    assert_eq!(to_tag(&ok), to_tag(&ringing));
    ua.answered(&ok);
    world.phone_acknowledges(phone, node, &mut ua);
    assert_eq!(world.told_what(node), ["ACK"]);
    world.phone_hangs_up(phone, node, &mut ua);
    world.finish();
}

#[test]
fn a_caller_that_demands_reliable_ringing_waits_for_the_application() {
    let mut world = World::new(1);
    let node = node(&mut world);
    let phone = world.phone("10.0.0.9:5060");
    let mut ua = world.ua(phone, "sip:bob@10.0.0.1");
    let invite = world.phone_asks_with(phone, node, &mut ua, "INVITE", &["Require: 100rel"], "");
    assert_eq!(world.heard_what(phone), ["100"]);
    let id = world.next_told(node).id();
    world.respond(node, id, BUSY);
    world.settle();
    let busy = world.hear_what(phone, "486");
    let ack = crate::world::companion(&invite, "ACK", Some(&busy.message));
    world.say(phone, node, ack);
    world.finish();
}
