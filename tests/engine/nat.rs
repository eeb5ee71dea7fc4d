//! RFC 3581 §4, RFC 3261 §12.2.1.1, RFC 5626 §1: requests inside a dialog reach a peer behind an
//! address translator where it was heard from, and everybody else where its Contact says.

use crate::world::{Node, Phone, World, ACK, BYE, INFO, OK, RINGING, UPDATE};
use drachtio::engine::{Config, InDialog, Listener, Nat, Transport};

const PRIVATE: &str = "192.168.1.5:5060";
const PUBLIC: &str = "203.0.113.99";

/// A node on the public network, with this rule.
fn node(world: &mut World, in_dialog: InDialog) -> Node {
    let listener = |transport| Listener {
        transport,
        local: "198.51.100.1:5060".parse().unwrap(),
        user: None,
        advertised: drachtio::engine::Advertised::default(),
    };
    world.node_with(Config {
        nat: Nat {
            in_dialog,
            ..Nat::default()
        },
        ..Config::new(vec![listener(Transport::Udp), listener(Transport::Tcp)])
    })
}

/// A phone behind a translator, and a node that it may call.
fn behind_nat(world: &mut World) -> (Node, Phone) {
    let node = node(world, InDialog::Auto);
    world.translate(PUBLIC, &["192.168.1.5"]);
    (node, world.phone(PRIVATE))
}

/// The same, once the phone has sent something; and the URI at which it is reached since.
fn reached_behind_nat(world: &mut World) -> (Node, Phone, String) {
    let (node, phone) = behind_nat(world);
    let mut ua = world.ua(phone, "sip:bob@198.51.100.1");
    world.phone_asks(phone, node, &mut ua, "OPTIONS");
    let told = world.app_accepts(node);
    world.hear_what(phone, "200");
    (node, phone, format!("sip:phone@{}", told.meta.peer))
}

#[test]
fn what_we_send_in_a_call_from_behind_a_translator_takes_its_way() {
    for tcp in [false, true] {
        let mut world = World::new(1);
        let (node, mut phone) = behind_nat(&mut world);
        if tcp {
            phone = phone.by_tcp();
        }
        let (_, dialog) = world.call_in(phone, node);
        for method in ["INFO", "INVITE"] {
            let heard =
                world.app_asks(node, phone, &dialog, &format!("{method} sip:x SIP/2.0\r\n"));
            let target = heard.request_uri().unwrap();
            assert!(target.starts_with("sip:phone@192.168.1.5:5060"), "{target}");
            world.answer(phone, &heard, 200);
            assert_eq!(world.told_what(node), ["200"]);
        }
        world.request_in(node, &dialog, ACK);
        world.request_in(node, &dialog, BYE);
        world.settle();
        world.hear_what(phone, "ACK");
        let bye = world.hear_what(phone, "BYE");
        assert_eq!(bye.path.peer, node.address);
        world.answer(phone, &bye, 200);
        world.finish();
    }
}

#[test]
fn reliable_provisional_responses_and_their_pracks_take_it_too() {
    let mut world = World::new(1);
    let (node, phone) = behind_nat(&mut world);
    let mut alice = world.ua(phone, "sip:bob@198.51.100.1");
    let supported = "Supported: 100rel";
    world.phone_asks_with(phone, node, &mut alice, "INVITE", &[supported], "");
    let id = world.next_told(node).id();
    world.respond(node, id, "SIP/2.0 183 Progress\r\nRequire: 100rel\r\n");
    world.settle();
    world.hear_what(phone, "100");
    let progress = world.hear_what(phone, "183");
    alice.answered(&progress);
    let rack = format!("RAck: {} 1 INVITE", crate::world::rseq(&progress));
    world.phone_asks_with(phone, node, &mut alice, "PRACK", &[&rack], "");
    let told = world.next_told(node);
    let dialog = told.dialog_id();
    world.respond(node, told.id(), OK);
    // An UPDATE in the early dialog goes the same way.
    world.request_in(node, &dialog, UPDATE);
    world.settle();
    world.hear_what(phone, "200");
    world.phone_answers(phone, "UPDATE", 200);
    world.respond(node, id, crate::world::BUSY);
    world.finish();
}

#[test]
fn a_call_to_a_phone_behind_a_translator_is_acknowledged_and_ended_there() {
    let mut world = World::new(1);
    let (node, phone, uri) = reached_behind_nat(&mut world);
    let contact = format!("sip:phone@{PRIVATE}");
    let (_, dialog) = world.call_out_with(node, phone, &uri, &contact);
    world.app_hangs_up(node, phone, &dialog);
    world.finish();
}

#[test]
fn a_cancel_reaches_a_callee_behind_a_translator() {
    let mut world = World::new(1);
    let (node, phone, uri) = reached_behind_nat(&mut world);
    let sent = world.request(node, &format!("INVITE {uri} SIP/2.0\r\n"));
    world.settle();
    let invite = world.phone_answers(phone, "INVITE", 180);
    world.cancel(node, sent.transaction);
    world.settle();
    world.phone_answers(phone, "CANCEL", 200);
    world.answer(phone, &invite, 487);
    world.hear_what(phone, "ACK");
    world.finish();
}

/// A caller at `address` whose Contact is elsewhere; `vias` proxies lie between.
fn call_with_contact(
    world: &mut World,
    node: Node,
    phone: Phone,
    contact: &str,
    via: &str,
) -> String {
    let mut alice = world.ua(phone, "sip:bob@198.51.100.1");
    let invite = alice.request("INVITE");
    let invite = invite.replace(&alice.contact(), contact);
    let invite = invite.replace("Max-Forwards", &format!("{via}Max-Forwards"));
    world.say(phone, node, invite);
    world.settle();
    let id = world.next_told(node).id();
    let dialog = world.respond(node, id, RINGING).dialog_id();
    let info = world.request_in(node, &dialog, INFO);
    let to = info.meta.peer.to_string();
    world.respond(node, id, crate::world::BUSY);
    world.settle();
    world.heard(phone);
    to
}

#[test]
fn the_contact_is_believed_unless_it_cannot_be_reached() {
    const PROXY: &str = "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKx\r\n";
    let public = "203.0.113.50:5070";
    let private = "10.0.0.50:5070";
    for (rule, source, contact, via, expected) in [
        // Another public address: a server that listens elsewhere than it sends from.
        (
            InDialog::Auto,
            public,
            "198.51.100.77:5060",
            "",
            "198.51.100.77:5060",
        ),
        // Only the port differs.
        (
            InDialog::Auto,
            public,
            "203.0.113.50:5060",
            "",
            "203.0.113.50:5060",
        ),
        // Private behind public, with a proxy between or without.
        (InDialog::Auto, public, "192.168.7.7:5060", "", public),
        (InDialog::Auto, public, "192.168.7.7:5060", PROXY, public),
        // A proxy on the same private network: the phone is reached itself.
        (
            InDialog::Auto,
            private,
            "10.0.0.77:5060",
            PROXY,
            "10.0.0.77:5060",
        ),
        (InDialog::Source, public, "198.51.100.77:5060", "", public),
        (InDialog::Source, public, "203.0.113.50:5060", "", public),
        (
            InDialog::Contact,
            public,
            "192.168.7.7:5060",
            "",
            "192.168.7.7:5060",
        ),
    ] {
        let mut world = World::new(1);
        let node = node(&mut world, rule);
        let phone = world.phone(source);
        let contact = format!("sip:phone@{contact}");
        let to = call_with_contact(&mut world, node, phone, &contact, via);
        assert_eq!(to, expected, "{rule:?} {source} {contact} {via}");
        world.finish();
    }
}

#[test]
fn a_private_network_behind_a_translator_on_another_one_is_seen_by_the_via() {
    // The sent-by is the Contact's address, and the request came from another one.
    let mut world = World::new(1);
    let node = node(&mut world, InDialog::Auto);
    world.translate("10.7.7.7", &["192.168.1.5"]);
    let phone = world.phone(PRIVATE);
    let (_, dialog) = world.call_in(phone, node);
    world.app_hangs_up(node, phone, &dialog);
    world.finish();
}

#[test]
fn a_name_in_the_contact_is_always_used() {
    let mut world = World::new(1);
    let node = node(&mut world, InDialog::Source);
    let phone = world.phone("203.0.113.50:5070");
    let elsewhere = world.phone("203.0.113.60:5060");
    world.name("phone.example.com", &["203.0.113.60"]);
    let mut alice = world.ua(phone, "sip:bob@198.51.100.1");
    let invite = alice.request("INVITE");
    let invite = invite.replace(&alice.contact(), "sip:phone@phone.example.com");
    world.say(phone, node, invite);
    world.settle();
    let id = world.next_told(node).id();
    let dialog = world.respond(node, id, RINGING).dialog_id();
    world.give(node, crate::world::request_in(&dialog, INFO));
    world.settle();
    world.phone_answers(elsewhere, "INFO", 200);
    world.respond(node, id, crate::world::BUSY);
    world.finish();
}

#[test]
fn a_neighbour_that_records_a_private_address_is_reached_where_it_was_heard() {
    let mut world = World::new(1);
    let node = node(&mut world, InDialog::Auto);
    let phone = world.phone("203.0.113.50:5070");
    let mut alice = world.ua(phone, "sip:bob@198.51.100.1");
    let route = "Record-Route: <sip:192.168.3.3;lr>";
    world.phone_asks_with(phone, node, &mut alice, "INVITE", &[route], "");
    let id = world.next_told(node).id();
    let dialog = world.respond(node, id, RINGING).dialog_id();
    let info = world.request_in(node, &dialog, INFO);
    assert_eq!(info.meta.peer.to_string(), "203.0.113.50:5070");
    world.respond(node, id, crate::world::BUSY);
    world.finish();
}

#[test]
fn a_peer_that_marks_its_contact_is_reached_where_it_was_heard_from_when_that_is_asked_for() {
    for marked in [false, true] {
        let mut world = World::new(1);
        let node = world.node_told("198.51.100.1:5060", |config| {
            config.nat.in_dialog = InDialog::Contact;
            config.nat.marked_routes = marked;
        });
        let phone = world.phone("198.51.100.9:5060");
        let elsewhere = world.phone("198.51.100.10:5060");
        let mut ua = world.ua(phone, "sip:bob@198.51.100.1");
        let invite = ua.request("INVITE");
        let contact = "sip:phone@198.51.100.10;nat=yes";
        let invite = invite.replace(&ua.contact(), contact);
        world.say(phone, node, &invite);
        world.settle();
        let id = world.next_told(node).id();
        let sent = world.respond(node, id, OK);
        world.phone_is_answered(phone, &mut ua);
        world.phone_acknowledges(phone, node, &mut ua);
        world.request_in(node, &sent.dialog_id(), BYE);
        world.settle();
        let at = if marked { phone } else { elsewhere };
        world.phone_answers(at, "BYE", 200);
        world.finish();
    }
}
