//! RFC 3261 §26.2.2, §8.1.2: a request to a `sips:` URI goes over TLS, or nowhere.

use crate::world::{plan, request, request_via, sent, value, Node, World};
use drachtio::engine::Transport;
use drachtio::message::HeaderId;

/// A node that can speak TLS.
fn secure_node(world: &mut World) -> Node {
    world.node_on(&[
        (Transport::Udp, "10.0.0.1:5060"),
        (Transport::Tcp, "10.0.0.1:5060"),
        (Transport::Tls, "10.0.0.1:5061"),
    ])
}

/// Which transport and port a request takes.
fn way(uri: &str) -> (Transport, u16) {
    let mut world = World::new(1);
    let node = secure_node(&mut world);
    world.name("example.com", &["10.0.0.9"]);
    let id = world.give(node, request(&format!("OPTIONS {uri} SIP/2.0\r\n")));
    world.settle();
    let sent = sent(world.reply(node, id));
    let via = value(&sent.message, HeaderId::Via);
    let transport = sent.meta.transport;
    let name = transport.name().to_ascii_uppercase();
    assert!(via.starts_with(&format!("SIP/2.0/{name} ")), "{via}");
    world.finish();
    (transport, sent.meta.peer.port())
}

#[test]
fn it_goes_over_tls_whatever_the_uri_says_of_the_transport() {
    for (uri, port) in [
        ("sips:bob@10.0.0.9", 5061),
        ("sips:bob@10.0.0.9:5070", 5070),
        ("sips:bob@10.0.0.9;transport=tcp", 5061),
        ("sips:bob@10.0.0.9;transport=tls", 5061),
        ("sips:bob@example.com", 5061),
        ("sip:bob@10.0.0.9;transport=tls", 5061),
    ] {
        assert_eq!(way(uri), (Transport::Tls, port), "{uri}");
    }
    assert_eq!(way("sip:bob@10.0.0.9"), (Transport::Udp, 5060));
}

#[test]
fn there_is_no_sips_over_udp() {
    let mut world = World::new(1);
    let node = secure_node(&mut world);
    let uri = "sips:bob@10.0.0.9;transport=udp";
    let refusal = world.refused(node, request(&format!("OPTIONS {uri} SIP/2.0\r\n")));
    assert_eq!(refusal.code(), "DRT_ERR_TRANSPORT_NOT_AVAILABLE");
    world.finish();
}

#[test]
fn without_tls_it_is_refused_and_never_sent_in_the_clear() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    world.service("example.com", &[(Transport::Udp, "10.0.0.9:5060")]);
    for uri in ["sips:bob@10.0.0.9", "sips:bob@10.0.0.9:5060;transport=tcp"] {
        let refusal = world.refused(node, request(&format!("INVITE {uri} SIP/2.0\r\n")));
        assert_eq!(refusal.code(), "DRT_ERR_TRANSPORT_NOT_AVAILABLE");
    }
    assert!(world.heard(phone).is_empty());
    world.finish();
}

#[test]
fn an_outbound_proxy_of_a_secure_request_is_reached_over_tls() {
    let mut world = World::new(1);
    let node = secure_node(&mut world);
    let text = "OPTIONS sips:bob@example.com SIP/2.0\r\n";
    let sent = world.perform_action(node, request_via("sip:10.0.0.9", text));
    assert_eq!(sent.meta.transport, Transport::Tls);
    assert_eq!(sent.message.request_uri(), Some("sips:bob@example.com"));
    world.finish();
}

#[test]
fn a_branch_to_a_sips_uri_without_tls_fails_like_one_that_cannot_be_sent() {
    let mut world = World::new(1);
    let proxying = world.proxying("OPTIONS");
    let [phone, ..] = proxying.callees;
    let destinations = plan(&["sips:bob@10.0.0.21", "sip:bob@10.0.0.21"]);
    world.proxy(proxying.node, proxying.id, destinations);
    world.settle();
    let options = world.hear_what(phone, "OPTIONS");
    assert!(value(&options, HeaderId::Via).starts_with("SIP/2.0/UDP"));
    world.answer(phone, &options, 200);
    assert_eq!(world.heard_what(proxying.caller), ["200"]);
    world.finish();
}

#[test]
fn our_contact_and_route_of_a_secure_request_are_sips_uris() {
    let mut world = World::new(1);
    let node = secure_node(&mut world);
    let sent = world.request(node, "INVITE sips:bob@10.0.0.9 SIP/2.0\r\n");
    let contact = value(&sent.message, HeaderId::Contact);
    assert_eq!(contact, "<sips:10.0.0.1:5061;transport=tls>");
    let plain = "INVITE sip:bob@10.0.0.9;transport=tls SIP/2.0\r\n";
    let sent = world.request(node, plain);
    let contact = value(&sent.message, HeaderId::Contact);
    assert_eq!(contact, "<sip:10.0.0.1:5061;transport=tls>");
    world.finish();
}
