//! RFC 3261 §8.1.2, RFC 3263 §4: host names are looked up before anything is sent.

use crate::world::{
    answer, plan, request, request_in, request_via, uri_of, World, ACK, BYE, INFO, OK,
};
use drachtio::engine::limits::MAX_QUERIES;
use drachtio::engine::{Reply, Transport};
use drachtio::message::HeaderId;

const INVITE: &str = "INVITE sip:bob@phone.example.com SIP/2.0\r\n";

#[test]
fn a_request_to_a_name_waits_for_its_address() {
    let mut world = World::new(1);
    world.name("phone.example.com", &["10.0.0.9"]);
    let (node, phone) = world.node_and_phone();
    let id = world.give(node, request(INVITE));
    assert!(world.replies(node, id).is_empty());
    assert_eq!(world.census(node).queries, 1);
    world.settle();
    let sent = crate::world::sent(world.reply(node, id));
    let invite = world.hear_what(phone, "INVITE");
    assert_eq!(invite.text(), sent.message.text());
    assert_eq!(invite.request_uri(), Some("sip:bob@phone.example.com"));
    world.say_back(phone, &invite, answer(&invite, 403, "b", &[], ""));
    world.finish();
}

#[test]
fn the_port_and_transport_are_those_of_the_uri_in_any_case_of_the_name() {
    let mut world = World::new(1);
    world.name("phone.example.com", &["10.0.0.9"]);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5099");
    let text = "OPTIONS sip:Phone.Example.COM:5099;transport=tcp SIP/2.0\r\n";
    let id = world.give(node, request(text));
    world.settle();
    let sent = crate::world::sent(world.reply(node, id));
    assert_eq!(sent.meta.transport, Transport::Tcp);
    world.hear_what(phone, "OPTIONS");
    let text = "OPTIONS sip:x@10.7.7.7;maddr=phone.example.com SIP/2.0\r\n";
    let via = "sip:phone.example.com:5099";
    world.give(node, request_via(via, text));
    world.settle();
    world.hear_what(phone, "OPTIONS");
    world.finish();
}

#[test]
fn a_name_without_an_address_is_refused() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let id = world.give(node, request(INVITE));
    world.settle();
    match world.reply(node, id) {
        Reply::Refused(refusal) => {
            assert_eq!(
                refusal.to_string(),
                "no address found for phone.example.com"
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn of_several_addresses_the_first_that_we_can_reach_is_used() {
    let mut world = World::new(1);
    world.name(
        "phone.example.com",
        &["2001:db8::9", "10.0.0.9", "10.0.0.8"],
    );
    world.name("six.example.com", &["2001:db8::9"]);
    let node = world.node("10.0.0.1:5060");
    let id = world.give(node, request(INVITE));
    world.settle();
    let sent = crate::world::sent(world.reply(node, id));
    assert_eq!(sent.meta.peer, "10.0.0.9:5060".parse().unwrap());
    let id = world.give(node, request("INVITE sip:six.example.com SIP/2.0\r\n"));
    world.settle();
    world.refusal(node, id);
    world.finish();
}

#[test]
fn a_name_that_leads_to_ourselves_is_refused() {
    let mut world = World::new(1);
    world.name("me.example.com", &["10.0.0.1"]);
    let node = world.node("10.0.0.1:5060");
    let id = world.give(node, request("INVITE sip:me.example.com SIP/2.0\r\n"));
    world.settle();
    match world.reply(node, id) {
        Reply::Refused(refusal) => assert_eq!(refusal.code(), "DRT_ERR_SEND_TO_MYSELF"),
        other => panic!("{other:?}"),
    }
    world.finish();
}

#[test]
fn the_contact_of_a_dialog_may_be_a_name() {
    let mut world = World::new(1);
    world.name("phone.example.com", &["10.0.0.9"]);
    let (node, phone) = world.node_and_phone();
    let sent = world.request(node, "INVITE sip:x@10.0.0.9 SIP/2.0\r\n");
    let dialog = sent.dialog_id();
    world.settle();
    let invite = world.hear(phone);
    let contact = "Contact: <sip:bob@phone.example.com>";
    let ok = answer(&invite, 200, "b", &[contact], "");
    world.say_back(phone, &invite, &ok);
    world.settle();
    // They go in the order they were given in.
    let ack = world.give(node, request_in(&dialog, ACK));
    let bye = world.give(node, request_in(&dialog, BYE));
    world.settle();
    crate::world::sent(world.reply(node, ack));
    crate::world::sent(world.reply(node, bye));
    for what in ["ACK", "BYE"] {
        let heard = world.hear_what(phone, what);
        assert_eq!(heard.request_uri(), Some("sip:bob@phone.example.com"));
    }
    world.say_back(phone, &invite, &ok);
    world.settle();
    world.hear_what(phone, "ACK");
    world.finish();
}

#[test]
fn a_dialog_that_ends_during_a_look_up_takes_no_more_requests() {
    let mut world = World::new(1);
    world.name("phone.example.com", &["10.0.0.9"]);
    let (node, phone) = world.node_and_phone();
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    let invite = alice.request("INVITE");
    let named = invite.replace(&alice.contact(), "sip:phone@phone.example.com");
    world.say(phone, node, named);
    world.settle();
    let id = world.next_told(node).id();
    let dialog = world.respond(node, id, OK).dialog_id();
    world.phone_is_answered(phone, &mut alice);
    let ack = alice.ack();
    world.say(phone, node, ack);
    let bye = alice.request("BYE");
    world.say(phone, node, bye);
    world.run_ms(1);
    let info = world.give(node, request_in(&dialog, INFO));
    world.settle();
    let told = world.told(node);
    world.respond(node, told[1].id(), OK);
    let reply = world.reply(node, info);
    match reply {
        Reply::Refused(refusal) => assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_DIALOG"),
        other => panic!("{other:?}"),
    }
    world.finish();
}

#[test]
fn a_dialog_whose_target_cannot_be_reached_says_so() {
    let mut world = World::new(1);
    let node = world.node_on(&[(Transport::Udp, "10.0.0.1:5060")]);
    let phone = world.phone("10.0.0.9:5060");
    for (contact, code) in [
        ("sip:phone@10.0.0.9;transport=tcp", "DRT_ERR_NO_ROUTE"),
        ("sip:phone@nowhere.example.com", "DRT_ERR_NAME_NOT_RESOLVED"),
    ] {
        let sent = world.request(node, "INVITE sip:x@10.0.0.9 SIP/2.0\r\n");
        let dialog = sent.dialog_id();
        world.settle();
        let invite = world.hear_what(phone, "INVITE");
        let line = format!("Contact: <{contact}>");
        world.say_back(phone, &invite, answer(&invite, 200, "b", &[&line], ""));
        world.settle();
        for text in [ACK, BYE] {
            let id = world.give(node, request_in(&dialog, text));
            world.settle();
            match world.reply(node, id) {
                Reply::Refused(refusal) => assert_eq!(refusal.code(), code),
                other => panic!("{other:?}"),
            }
        }
        // The peer gives up when no ACK comes, and says so.
        let mut bob = crate::world::Ua::called(phone, &invite, "b");
        world.told(node);
        world.phone_hangs_up(phone, node, &mut bob);
    }
    world.finish();
}

#[test]
fn a_proxied_request_may_go_to_a_name() {
    let mut world = World::new(1);
    world.name("phone.example.com", &["10.0.0.9"]);
    let (node, phone) = world.node_and_phone();
    let caller = world.phone("10.0.0.8:5060");
    let options = world.ua(caller, "sip:bob@10.0.0.1").request("OPTIONS");
    world.say(caller, node, options);
    world.settle();
    let id = world.next_told(node).id();
    let command = world.proxy(
        node,
        id,
        plan(&["sip:nobody.example.com", "sip:b@phone.example.com"]),
    );
    world.settle();
    let options = world.hear_what(phone, "OPTIONS");
    assert_eq!(options.request_uri(), Some("sip:b@phone.example.com"));
    assert_eq!(uri_of(&options, HeaderId::To), "sip:bob@10.0.0.1");
    world.say_back(phone, &options, answer(&options, 200, "b", &[], ""));
    world.settle();
    assert_eq!(world.heard_what(caller), ["200"]);
    assert_eq!(world.replies(node, command).len(), 2);
    world.finish();
}

#[test]
fn more_look_ups_than_there_is_room_for_are_refused() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    for _ in 0..MAX_QUERIES {
        world.give(node, request(INVITE));
    }
    assert_eq!(world.census(node).queries, MAX_QUERIES);
    let refusal = world.refused(node, request(INVITE));
    assert_eq!(
        refusal.to_string(),
        format!("too many name look-ups: the limit is {MAX_QUERIES}")
    );
    world.finish();
}

#[test]
fn of_several_transports_the_first_that_we_have_is_used() {
    let mut world = World::new(1);
    world.service(
        "example.com",
        &[
            (Transport::Tls, "10.0.0.9:5061"),
            (Transport::Tcp, "10.0.0.9:5070"),
            (Transport::Udp, "10.0.0.9:5080"),
        ],
    );
    let node = world.node("10.0.0.1:5060");
    world.phone("10.0.0.9:5070");
    let id = world.give(node, request("OPTIONS sip:example.com SIP/2.0\r\n"));
    world.settle();
    let sent = crate::world::sent(world.reply(node, id));
    assert_eq!(sent.meta.transport, Transport::Tcp);
    assert_eq!(sent.meta.peer, "10.0.0.9:5070".parse().unwrap());
    world.finish();
}
