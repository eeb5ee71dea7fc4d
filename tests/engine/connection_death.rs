//! RFC 3261 §17.1.4, §18.4, RFC 5626 §5.3.1: when a connection ends, what waits for it fails at
//! once, and the application is told what it had there.

use crate::world::{answer, request_in, Node, Phone, World, BUSY, BYE, INFO, OK};
use drachtio::engine::{AppId, ClosedConnection, Transport};

const URI: &str = "sip:x7k2@9fqh2.invalid;transport=tcp";

/// A client that has registered over a connection.
fn registered(world: &mut World) -> (Node, Phone) {
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone("203.0.113.9:5060").by_tcp();
    registers(world, node, phone);
    (node, phone)
}

fn registers(world: &mut World, node: Node, phone: Phone) {
    let mut ua = world.ua(phone, "sip:198.51.100.1");
    let contact = format!("Contact: <{URI}>");
    world.phone_asks_with(phone, node, &mut ua, "REGISTER", &[&contact], "");
    world.app_accepts(node);
    world.hear_what(phone, "200");
}

/// The one end that the application was told of.
fn closed(world: &mut World, node: Node) -> ClosedConnection {
    let mut told = world.told_closed(node);
    let (app, closed) = told.pop().expect("the application was told");
    assert!(told.is_empty() && app == AppId(1));
    assert_eq!(closed.transport, Transport::Tcp);
    assert_eq!(closed.peer.ip().to_string(), "203.0.113.9");
    closed
}

#[test]
fn a_request_that_waits_for_an_answer_fails_at_once() {
    let mut world = World::new(1);
    let (node, phone) = registered(&mut world);
    let invite = world.request(node, &format!("INVITE {URI} SIP/2.0\r\n"));
    let message = world.request(node, &format!("MESSAGE {URI} SIP/2.0\r\n"));
    world.settle();
    let heard = world.hear_what(phone, "INVITE");
    world.say_back(phone, &heard, answer(&heard, 180, "b", &[], ""));
    world.settle();
    assert_eq!(world.told_what(node), ["180"]);
    world.close_connections(phone);
    world.settle();
    let told = world.told(node);
    let failed: Vec<_> = told.iter().map(|one| (one.id(), one.what())).collect();
    assert_eq!(
        failed,
        [
            (invite.transaction, "503".to_string()),
            (message.transaction, "503".to_string())
        ]
    );
    assert_eq!(closed(&mut world, node).registrations, [URI.into()]);
    // What is sent there from now on fails at once as well.
    let refusal = world.refused(
        node,
        crate::world::request(&format!("MESSAGE {URI} SIP/2.0\r\n")),
    );
    assert_eq!(refusal.code(), "DRT_ERR_FLOW_FAILED");
    world.finish();
}

#[test]
fn a_request_on_a_connection_that_we_have_opened_fails_at_once_too() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone("203.0.113.9:5060").by_tcp();
    world.request(node, "OPTIONS sip:x@203.0.113.9;transport=tcp SIP/2.0\r\n");
    world.settle();
    world.hear_what(phone, "OPTIONS");
    world.close_connections(phone);
    world.settle();
    assert_eq!(world.told_what(node), ["503"]);
    assert!(
        world.told_closed(node).is_empty(),
        "nothing was registered there"
    );
    world.finish();
}

#[test]
fn a_proxied_request_goes_on_to_the_next_destination() {
    let mut world = World::new(1);
    let (node, phone) = registered(&mut world);
    let caller = world.phone("198.51.100.20:5060");
    let other = world.phone("198.51.100.21:5060");
    let options = world
        .ua(caller, "sip:alice@198.51.100.1")
        .request("OPTIONS");
    world.say(caller, node, options);
    world.settle();
    let id = world.next_told(node).id();
    world.proxy(node, id, crate::world::plan(&[URI, "sip:x@198.51.100.21"]));
    world.settle();
    world.hear_what(phone, "OPTIONS");
    world.close_connections(phone);
    world.settle();
    world.phone_answers(other, "OPTIONS", 200);
    world.hear_what(caller, "200");
    world.finish();
}

#[test]
fn a_call_whose_peer_is_gone_is_named_and_can_not_be_spoken_in() {
    let mut world = World::new(1);
    let (node, phone) = registered(&mut world);
    let (mut alice, dialog) = world.call_in_with(phone, node, |alice| {
        alice.request("INVITE").replace(&alice.contact(), URI)
    });
    world.close_connections(phone);
    world.settle();
    assert_eq!(
        closed(&mut world, node).dialogs,
        std::slice::from_ref(&dialog)
    );
    let refusal = world.refused(node, request_in(&dialog, INFO));
    assert_eq!(refusal.code(), "DRT_ERR_FLOW_FAILED");
    // It comes back over a new connection, and the call goes on.
    world.phone_asks(phone, node, &mut alice, "INFO");
    world.app_accepts(node);
    world.hear_what(phone, "200");
    world.app_hangs_up(node, phone, &dialog);
    world.finish();
}

#[test]
fn a_client_that_registers_again_is_reached_in_its_old_calls() {
    let mut world = World::new(1);
    let (node, phone) = registered(&mut world);
    let (_, dialog) = world.call_out_with(node, phone, URI, URI);
    world.close_connections(phone);
    world.settle();
    registers(&mut world, node, phone);
    world.app_hangs_up(node, phone, &dialog);
    world.finish();
}

#[test]
fn a_call_that_no_bye_can_end_is_forgotten_in_time() {
    let mut world = World::new(1);
    let (node, phone) = registered(&mut world);
    let (_, dialog) = world.call_in_with(phone, node, |alice| {
        alice.request("INVITE").replace(&alice.contact(), URI)
    });
    world.close_connections(phone);
    world.settle();
    let refusal = world.refused(node, request_in(&dialog, BYE));
    assert_eq!(refusal.code(), "DRT_ERR_FLOW_FAILED");
    world.finish(); // Every table is empty.
}

#[test]
fn a_caller_that_is_gone_while_it_rings_is_named() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone("203.0.113.9:5060").by_tcp();
    let (_, id) = world.inbound_from(phone, node, "INVITE");
    world.close_connections(phone);
    world.settle();
    let closed = closed(&mut world, node);
    assert_eq!(closed.requests, [id]);
    assert!(closed.dialogs.is_empty() && closed.registrations.is_empty());
    // Its answer is sent all the same, over a connection to where the phone listens.
    world.heard(phone);
    world.respond(node, id, BUSY);
    world.settle();
    world.hear_what(phone, "486");
    world.finish();
}

#[test]
fn every_application_hears_of_what_it_had_there() {
    let mut world = World::new(1);
    let (node, phone) = registered(&mut world);
    world.assign_requests(node, AppId(2));
    let mut ua = world.ua(phone, "sip:198.51.100.1");
    let contact = "Contact: <sip:other@9fqh2.invalid>";
    world.phone_asks_with(phone, node, &mut ua, "REGISTER", &[contact], "");
    let id = world.next_told(node).id();
    world.give_as(node, AppId(2), crate::world::respond(id, OK));
    world.settle();
    world.close_connections(phone);
    world.settle();
    let told = world.told_closed(node);
    let apps: Vec<_> = told.iter().map(|(app, _)| *app).collect();
    assert_eq!(apps, [AppId(1), AppId(2)]);
    assert_eq!(told[0].1.registrations, [URI.into()]);
    assert_eq!(told[1].1.registrations, ["sip:other@9fqh2.invalid".into()]);
    world.finish();
}
