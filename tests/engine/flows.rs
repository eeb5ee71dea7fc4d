//! RFC 5626 §5: an edge proxy names the way to a client by a token in its Path and Record-Route,
//! and routes by it. RFC 3327.

use crate::world::{answer, plan, routes, value, Node, Phone, World};
use drachtio::engine::TransactionId;
use drachtio::message::HeaderId;

const CLIENT: &str = "203.0.113.9:5060";
const URI: &str = "sip:x7k2@9fqh2.invalid;transport=tcp";

struct Edge {
    node: Node,
    client: Phone,
    registrar: Phone,
    /// The Path that the registrar got.
    path: String,
}

/// A client registers through an edge proxy.
fn edge(world: &mut World, contact: &str) -> Edge {
    let mut edge = Edge {
        node: world.node("198.51.100.1:5060"),
        client: world.phone(CLIENT).by_tcp(),
        registrar: world.phone("198.51.100.20:5060"),
        path: String::new(),
    };
    edge.path = register(world, &edge, contact);
    edge
}

/// The client registers this Contact; the Path that the registrar got.
fn register(world: &mut World, edge: &Edge, contact: &str) -> String {
    let mut ua = world.ua(edge.client, "sip:198.51.100.20");
    let contact = format!("Contact: {contact}");
    world.phone_asks_with(edge.client, edge.node, &mut ua, "REGISTER", &[&contact], "");
    let id = world.next_told(edge.node).id();
    let mut plan = plan(&["sip:198.51.100.20"]);
    plan.remain_in_dialog = true;
    world.proxy(edge.node, id, plan);
    world.settle();
    let register = world.hear_what(edge.registrar, "REGISTER");
    let path = value(&register, HeaderId::Path).to_string();
    let ok = answer(&register, 200, "r", &[], "");
    world.say_back(edge.registrar, &register, ok);
    world.settle();
    world.heard(edge.client);
    path
}

impl Edge {
    /// The registrar sends a request to the client by this Route; what the edge's application
    /// is told.
    fn send(&self, world: &mut World, method: &str, route: &str) -> Option<TransactionId> {
        let mut ua = world.ua(self.registrar, URI);
        ua.routes = vec![route.to_string()];
        world.phone_asks(self.registrar, self.node, &mut ua, method);
        world.told(self.node).first().map(|told| told.id())
    }
}

#[test]
fn a_path_with_a_token_leads_back_over_the_connection() {
    let mut world = World::new(1);
    let edge = edge(
        &mut world,
        &format!("<{URI}>;reg-id=1;+sip.instance=\"<urn:uuid:1>\""),
    );
    assert!(edge.path.starts_with("<sip:flow-") && edge.path.ends_with(";lr;ob>"));
    let id = edge.send(&mut world, "MESSAGE", &edge.path).unwrap();
    world.proxy(edge.node, id, plan(&[URI]));
    world.settle();
    let message = world.hear_what(edge.client, "MESSAGE");
    assert_eq!(message.request_uri(), Some(URI));
    assert!(routes(&message).is_empty());
    world.answer(edge.client, &message, 200);
    world.hear_what(edge.registrar, "200");
    assert_eq!(world.connections_made(), 1);
    world.finish();
}

#[test]
fn only_a_client_that_speaks_outbound_is_promised_it() {
    let mut world = World::new(1);
    let edge = edge(&mut world, &format!("<{URI}>"));
    assert!(edge.path.starts_with("<sip:flow-") && edge.path.ends_with(";lr>"));
    world.finish();
}

#[test]
fn a_call_goes_both_ways_by_recorded_tokens() {
    let mut world = World::new(1);
    let edge = edge(&mut world, &format!("<{URI}>"));
    let mut ua = world.ua(edge.registrar, URI);
    ua.routes = vec![edge.path.clone()];
    world.phone_asks(edge.registrar, edge.node, &mut ua, "INVITE");
    let id = world.next_told(edge.node).id();
    let mut plan = plan(&[URI]);
    plan.remain_in_dialog = true;
    world.proxy(edge.node, id, plan);
    world.settle();
    let invite = world.hear_what(edge.client, "INVITE");
    let mut callee = crate::world::Ua::called(edge.client, &invite, "c");
    let contact = format!("Contact: <{URI}>");
    world.say_back(
        edge.client,
        &invite,
        answer(&invite, 200, "c", &[&contact], ""),
    );
    world.settle();
    world.hear_what(edge.registrar, "100");
    let ok = world.hear_what(edge.registrar, "200");
    ua.answered(&ok);
    for method in ["ACK", "INFO"] {
        world.phone_asks(edge.registrar, edge.node, &mut ua, method);
        let heard = world.hear_what(edge.client, method);
        assert!(routes(&heard).is_empty());
        if method == "INFO" {
            world.answer(edge.client, &heard, 200);
            world.hear_what(edge.registrar, "200");
        }
    }
    world.phone_asks(edge.client, edge.node, &mut callee, "BYE");
    world.phone_answers(edge.registrar, "BYE", 200);
    world.hear_what(edge.client, "200");
    assert_eq!(world.connections_made(), 1);
    world.finish();
}

#[test]
fn a_client_that_calls_is_reached_in_its_call_by_a_recorded_token() {
    let mut world = World::new(1);
    let edge = edge(&mut world, &format!("<{URI}>"));
    let mut ua = world.ua(edge.client, "sip:bob@198.51.100.20");
    let invite = ua.request("INVITE").replace(&ua.contact(), URI);
    world.say(edge.client, edge.node, invite);
    world.settle();
    let id = world.next_told(edge.node).id();
    let mut plan = plan(&["sip:bob@198.51.100.20"]);
    plan.remain_in_dialog = true;
    world.proxy(edge.node, id, plan);
    world.settle();
    let invite = world.hear_what(edge.registrar, "INVITE");
    let mut callee = crate::world::Ua::called(edge.registrar, &invite, "c");
    world.answer(edge.registrar, &invite, 200);
    world.hear_what(edge.client, "100");
    let ok = world.hear_what(edge.client, "200");
    ua.answered(&ok);
    world.phone_acknowledges(edge.client, edge.node, &mut ua);
    world.hear_what(edge.registrar, "ACK");
    world.phone_asks(edge.registrar, edge.node, &mut callee, "BYE");
    let heard = world.hear_what(edge.client, "BYE");
    assert_eq!(heard.request_uri(), Some(URI));
    world.answer(edge.client, &heard, 200);
    world.hear_what(edge.registrar, "200");
    // Later, with the connection gone, there is no way.
    world.close_connections(edge.client);
    world.settle();
    world.phone_asks(edge.registrar, edge.node, &mut callee, "INFO");
    world.hear_what(edge.registrar, "430");
    // The client comes back by another connection: its call goes on.
    register(&mut world, &edge, &format!("<{URI}>"));
    world.phone_asks(edge.registrar, edge.node, &mut callee, "INFO");
    let heard = world.hear_what(edge.client, "INFO");
    assert_eq!(heard.request_uri(), Some(URI));
    world.answer(edge.client, &heard, 200);
    world.hear_what(edge.registrar, "200");
    assert_eq!(world.connections_made(), 2);
    world.finish();
}

#[test]
fn a_request_for_a_connection_that_has_ended_is_answered_430() {
    let mut world = World::new(1);
    let edge = edge(&mut world, &format!("<{URI}>;reg-id=1"));
    world.close_connections(edge.client);
    world.settle();
    for method in ["MESSAGE", "INVITE"] {
        assert_eq!(edge.send(&mut world, method, &edge.path), None);
        world.hear_what(edge.registrar, "430");
    }
    world.finish();
}

#[test]
fn a_token_that_we_did_not_write_is_answered_403() {
    let mut world = World::new(1);
    let edge = edge(&mut world, &format!("<{URI}>"));
    let last = edge.path.find('@').unwrap() - 1;
    let digit = if edge.path.as_bytes()[last] == b'0' {
        "1"
    } else {
        "0"
    };
    let mut changed = edge.path.clone();
    changed.replace_range(last..=last, digit);
    for route in [
        changed.as_str(),
        "<sip:flow-@198.51.100.1;lr>",
        "<sip:flow-00@198.51.100.1;lr>",
        "<sip:flow-0000000000000000010000000000000000000000000000000000@198.51.100.1;lr>",
        "<sip:flow-zz@198.51.100.1;lr>",
        "<sip:flow-%30@198.51.100.1;lr>",
    ] {
        assert_eq!(edge.send(&mut world, "MESSAGE", route), None, "{route}");
        world.hear_what(edge.registrar, "403");
    }
    // Somebody else's token is none of our business, and neither is another user part.
    let route = "<sip:alice@198.51.100.1;lr>";
    let id = edge.send(&mut world, "MESSAGE", route).unwrap();
    world.respond(edge.node, id, crate::world::OK);
    world.settle();
    world.hear_what(edge.registrar, "200");
    world.finish();
}

#[test]
fn a_client_may_route_through_its_own_token() {
    let mut world = World::new(1);
    let edge = edge(&mut world, &format!("<{URI}>"));
    let mut ua = world.ua(edge.client, "sip:bob@198.51.100.20");
    ua.routes = vec![edge.path.clone()];
    ua.remote = "<sip:bob@198.51.100.20>;tag=there".to_string();
    world.phone_asks(edge.client, edge.node, &mut ua, "BYE");
    world.phone_answers(edge.registrar, "BYE", 200);
    world.hear_what(edge.client, "200");
    world.finish();
}

#[test]
fn a_client_behind_a_translator_has_a_token_by_udp_too() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    world.translate("203.0.113.99", &["192.168.1.5"]);
    let client = world.phone("192.168.1.5:5060");
    let registrar = world.phone("198.51.100.20:5060");
    let mut ua = world.ua(client, "sip:198.51.100.20");
    let contact = "Contact: <sip:alice@192.168.1.5:5060>";
    world.phone_asks_with(client, node, &mut ua, "REGISTER", &[contact], "");
    let id = world.next_told(node).id();
    let mut by_path = plan(&["sip:198.51.100.20"]);
    by_path.remain_in_dialog = true;
    world.proxy(node, id, by_path);
    world.settle();
    let register = world.hear_what(registrar, "REGISTER");
    let path = value(&register, HeaderId::Path).to_string();
    world.answer(registrar, &register, 200);
    world.heard(client);
    let uri = "sip:alice@192.168.1.5:5060";
    let mut ua = world.ua(registrar, uri);
    ua.routes = vec![path];
    world.phone_asks(registrar, node, &mut ua, "MESSAGE");
    let id = world.next_told(node).id();
    world.proxy(node, id, plan(&[uri]));
    world.settle();
    world.phone_answers(client, "MESSAGE", 200);
    world.hear_what(registrar, "200");
    world.finish();
}

#[test]
fn the_application_may_send_by_a_path_that_it_has_saved() {
    let mut world = World::new(1);
    let edge = edge(&mut world, &format!("<{URI}>"));
    let next_hop = edge.path.trim_matches(['<', '>']);
    let draft = format!("MESSAGE {URI} SIP/2.0\r\n");
    world.perform_action(edge.node, crate::world::request_via(next_hop, &draft));
    world.settle();
    world.phone_answers(edge.client, "MESSAGE", 200);
    world.told(edge.node);
    world.close_connections(edge.client);
    world.settle();
    let refusal = world.refused(edge.node, crate::world::request_via(next_hop, &draft));
    assert_eq!(refusal.code(), "DRT_ERR_FLOW_FAILED");
    world.finish();
}
