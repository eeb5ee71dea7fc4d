//! RFC 3261 §26.2.2, §8.1.2: a request to a `sips:` URI goes over TLS, or nowhere.

use crate::world::{plan, request, request_via, sent, value, Node, World};
use drachtio::engine::{Config, Engine, Listener, News, Path, Transport};
use drachtio::message::{HeaderId, Message};

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
    let (node, phone) = world.node_and_phone();
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

/// The Contact of the answer to a caller by TLS whose request-URI is a `sips:` URI.
fn contact_shown(best_effort: bool, contact: &str) -> String {
    let local = "10.0.0.1:5061".parse().unwrap();
    let mut engine = Engine::new(
        Config {
            best_effort_tls: best_effort,
            ..Config::new(vec![Listener {
                transport: Transport::Tls,
                local,
                user: None,
                advertised: Default::default(),
            }])
        },
        [7; 32],
    );
    let path = Path {
        transport: Transport::Tls,
        local,
        peer: "10.0.0.9:40000".parse().unwrap(),
        connection: None,
        server: None,
    };
    let invite = format!(
        "INVITE sips:bob@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.0.9;branch=z9hG4bK1\r\n\
         Max-Forwards: 70\r\nFrom: <sips:a@10.0.0.9>;tag=a\r\nTo: <sips:bob@10.0.0.1>\r\n\
         Call-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <{contact}>\r\nContent-Length: 0\r\n\r\n"
    );
    let now = std::time::Instant::now();
    engine.handle_message(now, path, invite.into());
    let event = engine.poll_event().unwrap();
    let News::Message {
        transaction: Some(transaction),
        ..
    } = event.news
    else {
        panic!("no request");
    };
    engine.assign(transaction, drachtio::engine::AppId(1));
    let command = drachtio::engine::Command {
        app: drachtio::engine::AppId(1),
        id: drachtio::engine::CommandId(1),
        action: crate::world::respond(transaction, crate::world::RINGING),
    };
    engine.handle_command(now, command);
    let last = std::iter::from_fn(|| engine.poll_transmit())
        .last()
        .unwrap();
    let ringing = Message::parse(last.payload).unwrap();
    value(&ringing, HeaderId::Contact).to_owned()
}

#[test]
fn a_caller_that_is_content_with_less_is_shown_less_only_when_asked_for() {
    let (secure, plain) = (
        "<sips:10.0.0.1:5061;transport=tls>",
        "<sip:10.0.0.1:5061;transport=tls>",
    );
    assert_eq!(contact_shown(false, "sip:a@10.0.0.9"), secure);
    assert_eq!(contact_shown(true, "sip:a@10.0.0.9"), plain);
    assert_eq!(contact_shown(true, "sips:a@10.0.0.9"), secure);
}
