//! RFC 3261 §12.1, §12.2.1.1, §16.12.1.2: the route set of a dialog, with loose and strict routers.

use crate::world::{answer, routes, value, Node, Phone, Ua, World, ACK, BYE, OK};
use drachtio::engine::DialogId;
use drachtio::message::HeaderId;

/// A call to the node with these Record-Route lines in the INVITE. The nearest proxy is the
/// phone itself.
fn called(world: &mut World, record_routes: &[&str]) -> (Node, Phone, Ua, DialogId) {
    let (node, phone) = world.node_and_phone();
    let (alice, dialog) = world.call_in_with(phone, node, |alice| {
        let invite = alice.request_with("INVITE", record_routes, "");
        invite.replace(&alice.contact(), "sip:alice@10.7.7.7")
    });
    (node, phone, alice, dialog)
}

#[test]
fn the_callee_takes_the_recorded_routes_in_their_order() {
    let mut world = World::new(1);
    let lines = [
        "Record-Route: <sip:10.0.0.9;lr>, <sip:p2.example.com;lr;x=1>",
        "Record-Route: \"Third, of course\" <sip:10.3.3.3;lr>",
    ];
    let (node, phone, _, dialog) = called(&mut world, &lines);
    let bye = world.app_asks(node, phone, &dialog, BYE);
    assert_eq!(
        routes(&bye),
        [
            "<sip:10.0.0.9;lr>",
            "<sip:p2.example.com;lr;x=1>",
            "\"Third, of course\" <sip:10.3.3.3;lr>"
        ]
    );
    assert_eq!(bye.request_uri(), Some("sip:alice@10.7.7.7"));
    world.finish();
}

#[test]
fn its_2xx_repeats_the_recorded_routes_as_they_came() {
    let mut world = World::new(1);
    let lines = ["Record-Route: <sip:10.0.0.9;lr>,<sip:p2.example.com;lr>"];
    let (node, _, alice, dialog) = called(&mut world, &lines);
    assert_eq!(
        alice.routes,
        ["<sip:p2.example.com;lr>", "<sip:10.0.0.9;lr>"]
    );
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn the_caller_takes_the_recorded_routes_backwards_for_the_ack_too() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    let headers = [
        "Record-Route: <sip:10.3.3.3;lr>, <sip:10.0.0.9:5060;lr>",
        "Contact: <sip:bob@10.7.7.7>",
    ];
    world.say_back(phone, &invite, answer(&invite, 200, "b", &headers, ""));
    world.settle();
    world.request_in(node, &sent.dialog_id(), ACK);
    world.request_in(node, &sent.dialog_id(), BYE);
    world.settle();
    for what in ["ACK", "BYE"] {
        let heard = world.hear_what(phone, what);
        assert_eq!(
            routes(&heard),
            ["<sip:10.0.0.9:5060;lr>", "<sip:10.3.3.3;lr>"]
        );
        assert_eq!(heard.request_uri(), Some("sip:bob@10.7.7.7"));
    }
    world.finish();
}

#[test]
fn the_2xx_decides_the_route_set_and_not_the_180_before_it() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    let contact = "Contact: <sip:bob@10.0.0.9:5060>";
    let early = ["Record-Route: <sip:10.9.9.9;lr>", contact];
    world.say_back(phone, &invite, answer(&invite, 180, "b", &early, ""));
    world.settle();
    world.say_back(phone, &invite, answer(&invite, 200, "b", &[contact], ""));
    world.settle();
    world.request_in(node, &sent.dialog_id(), ACK);
    world.settle();
    assert!(routes(&world.hear_what(phone, "ACK")).is_empty());
    world.request_in(node, &sent.dialog_id(), BYE);
    world.finish();
}

#[test]
fn a_strict_router_gets_its_uri_in_the_request_line_and_the_target_as_last_route() {
    let mut world = World::new(1);
    let lines = ["Record-Route: <sip:10.0.0.9>, <sip:10.3.3.3;lr>"];
    let (node, phone, _, dialog) = called(&mut world, &lines);
    let bye = world.app_asks(node, phone, &dialog, BYE);
    assert_eq!(bye.request_uri(), Some("sip:10.0.0.9"));
    assert_eq!(routes(&bye), ["<sip:10.3.3.3;lr>", "<sip:alice@10.7.7.7>"]);
    world.finish();
}

#[test]
fn the_route_set_stays_when_a_reinvite_records_another_one() {
    let mut world = World::new(1);
    let lines = ["Record-Route: <sip:10.0.0.9;lr>"];
    let (node, phone, mut alice, dialog) = called(&mut world, &lines);
    alice.routes.clear();
    let reinvite = alice.request_with("INVITE", &["Record-Route: <sip:10.8.8.8;lr>"], "");
    world.say(phone, node, reinvite);
    world.settle();
    let id = world.next_told(node).id();
    world.respond(node, id, OK);
    world.phone_acknowledges(phone, node, &mut alice);
    world.heard(phone);
    let bye = world.app_asks(node, phone, &dialog, BYE);
    assert_eq!(routes(&bye), ["<sip:10.0.0.9;lr>"]);
    world.finish();
}

#[test]
fn an_application_cannot_choose_the_routes() {
    let mut world = World::new(1);
    let (node, phone, _, dialog) = world.outbound_call();
    let draft = "BYE sip:placeholder SIP/2.0\r\nRoute: <sip:10.8.8.8;lr>\r\nVia: x\r\n";
    world.request_in(node, &dialog, draft);
    world.settle();
    let bye = world.hear_what(phone, "BYE");
    assert!(routes(&bye).is_empty());
    assert!(value(&bye, HeaderId::Via).contains("10.0.0.1:5060"));
    world.finish();
}
