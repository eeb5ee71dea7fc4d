//! RFC 3261 §8.1.2: with an outbound proxy every new request goes there, and requests inside a
//! dialog go where that leads.

use crate::world::{plan, request_via, uri_of, Node, World, ACK, BYE};
use drachtio::engine::NextHop;
use drachtio::message::HeaderId;

const PROXY: &str = "10.0.0.50:5060";

fn node(world: &mut World) -> Node {
    world.node_told("10.0.0.1:5060", |config| {
        config.next_hop = NextHop {
            outbound_proxy: Some(format!("sip:{PROXY}")),
            ..NextHop::default()
        }
    })
}

#[test]
fn a_new_request_goes_to_the_proxy_unless_the_application_says_where_to() {
    let mut world = World::new(1);
    let node = node(&mut world);
    let proxy = world.phone(PROXY);
    let other = world.phone("10.0.0.60:5060");
    world.request(node, "OPTIONS sip:bob@example.com SIP/2.0\r\n");
    world.settle();
    let options = world.hear_what(proxy, "OPTIONS");
    assert_eq!(options.request_uri(), Some("sip:bob@example.com"));
    world.answer(proxy, &options, 200);
    let text = "OPTIONS sip:bob@example.com SIP/2.0\r\n";
    world.perform_action(node, request_via("sip:10.0.0.60", text));
    world.settle();
    world.phone_answers(other, "OPTIONS", 200);
    world.finish();
}

#[test]
fn requests_inside_a_call_go_to_its_contact() {
    let mut world = World::new(1);
    let node = node(&mut world);
    let proxy = world.phone(PROXY);
    let callee = world.phone("10.0.0.60:5060");
    let sent = world.request(node, "INVITE sip:bob@example.com SIP/2.0\r\n");
    world.settle();
    let invite = world.hear_what(proxy, "INVITE");
    let contact = "Contact: <sip:bob@10.0.0.60>";
    let ok = crate::world::answer(&invite, 200, "b", &[contact], "");
    world.say_back(proxy, &invite, ok);
    world.settle();
    let dialog = sent.dialog_id();
    world.request_in(node, &dialog, ACK);
    world.request_in(node, &dialog, BYE);
    world.settle();
    world.hear_what(callee, "ACK");
    let bye = world.hear_what(callee, "BYE");
    assert_eq!(uri_of(&bye, HeaderId::To), "sip:bob@example.com");
    world.answer(callee, &bye, 200);
    world.finish();
}

#[test]
fn every_branch_of_a_proxied_request_goes_to_the_proxy() {
    let mut world = World::new(1);
    let node = node(&mut world);
    let proxy = world.phone(PROXY);
    let caller = world.phone("10.0.0.9:5060");
    let options = world.ua(caller, "sip:bob@example.com").request("OPTIONS");
    world.say(caller, node, options);
    world.settle();
    let id = world.next_told(node).id();
    world.proxy(node, id, plan(&["sip:bob@one.example.com"]));
    world.settle();
    world.phone_answers(proxy, "OPTIONS", 200);
    assert_eq!(world.heard_what(caller), ["200"]);
    world.finish();
}
