//! RFC 3261 §12.2.2, §13.2.2.4, §22.2: messages that come before those that they follow.

use crate::world::{answer, companion, respond, Ua, World, OK};
use drachtio::engine::{AppId, DialogId};

const APP: AppId = AppId(1);
const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";

#[test]
fn an_invite_with_credentials_may_overtake_the_ack_of_the_challenge() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("INVITE");
    let first = alice.last.clone();
    world.respond(node, id, "SIP/2.0 401 Unauthorized\r\n");
    world.settle();
    world.hear_what(phone, "100");
    let challenge = world.hear_what(phone, "401");
    let credentials = "Authorization: Digest username=\"a\"";
    world.phone_asks_with(phone, node, &mut alice, "INVITE", &[credentials], "");
    let told = world.app_accepts(node);
    assert_eq!(told.what(), "INVITE");
    world.hear_what(phone, "100");
    let accepted = world.hear_what(phone, "200");
    // The ACK of the challenge comes when the call has been answered, and means the challenge alone.
    world.say(phone, node, companion(&first, "ACK", Some(&challenge)));
    world.settle();
    assert!(world.told(node).is_empty());
    alice.answered(&accepted);
    world.phone_acknowledges(phone, node, &mut alice);
    assert_eq!(world.told_what(node), ["ACK"]);
    world.heard(phone);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn an_info_of_the_callees_before_it_has_answered_belongs_to_the_call() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    world.say_back(phone, &invite, answer(&invite, 180, "b", &[CONTACT], ""));
    let mut bob = Ua::called(phone, &invite, "b");
    world.phone_asks(phone, node, &mut bob, "INFO");
    let told = world.told(node);
    assert_eq!(told[1].what(), "INFO");
    let dialog: DialogId = sent.dialog_id();
    assert_eq!(told[1].dialog_id(), dialog);
    world.give(node, respond(told[1].id(), OK));
    world.settle();
    world.hear_what(phone, "200");
    world.say_back(phone, &invite, answer(&invite, 486, "b", &[], ""));
    world.settle();
    world.finish();
}

#[test]
fn a_failure_that_the_engine_makes_too_is_told_when_the_network_sends_it() {
    for status in [408, 503] {
        let mut world = World::new(1);
        let (node, phone, _, options) = world.outbound("OPTIONS");
        world.say_back(phone, &options, answer(&options, status, "b", &[], ""));
        world.settle();
        assert_eq!(world.told_what(node), [status.to_string()]);
        world.finish();
    }
}

#[test]
fn an_application_may_send_to_another_port_of_its_own_host() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let neighbour = world.phone("10.0.0.1:5080");
    world.request(node, "OPTIONS sip:x@10.0.0.1:5080 SIP/2.0\r\n");
    world.settle();
    let options = world.hear_what(neighbour, "OPTIONS");
    world.say_back(neighbour, &options, answer(&options, 200, "b", &[], ""));
    world.settle();
    assert_eq!(world.told_what(node), ["200"]);
    world.app_goes(node, APP);
    world.finish();
}

#[test]
fn a_reinvite_is_answered_100_at_once() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    let again = world.phone_asks(phone, node, &mut alice, "INVITE");
    world.hear_what(phone, "100");
    let id = world.next_told(node).id();
    world.respond(node, id, "SIP/2.0 488 Not Acceptable Here\r\n");
    world.settle();
    let refused = world.hear_what(phone, "488");
    world.say(phone, node, companion(&again, "ACK", Some(&refused)));
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}
