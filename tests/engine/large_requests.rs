//! RFC 3261 §18.1.1: a request that is too large for a datagram goes by TCP.

use crate::world::{answer, plan, request, sent, value, Heard, Node, Phone, Sent, World, ACK, BYE};
use drachtio::engine::{Config, Listener, Transport};
use drachtio::message::HeaderId;

const SMALL: &str = "OPTIONS sip:bob@10.0.0.9 SIP/2.0\r\n";

fn scene() -> (World, Node, Phone) {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    (world, node, phone)
}

/// A request with more than 1300 bytes.
fn large(method: &str, uri: &str) -> String {
    let ballast = "x".repeat(1200);
    format!("{method} {uri} SIP/2.0\r\nX-Ballast: {ballast}\r\n")
}

fn give(world: &mut World, node: Node, text: &str) -> Sent {
    let id = world.give(node, request(text));
    world.settle();
    sent(world.reply(node, id))
}

fn ok(world: &mut World, phone: Phone, request: &Heard) {
    let text = answer(request, 200, "b", &["Contact: <sip:bob@10.0.0.9>"], "");
    world.say_back(phone, request, text);
    world.settle();
}

#[test]
fn it_goes_by_tcp_and_says_so() {
    let (mut world, node, phone) = scene();
    let sent = give(&mut world, node, &large("INVITE", "sip:bob@10.0.0.9"));
    assert_eq!(sent.meta.transport, Transport::Tcp);
    let invite = world.hear_what(phone, "INVITE");
    assert_eq!(invite.path.transport, Transport::Tcp);
    assert_eq!(invite.text(), sent.message.text());
    assert!(value(&invite, HeaderId::Via).starts_with("SIP/2.0/TCP"));
    let contact = value(&invite, HeaderId::Contact);
    assert_eq!(contact, "<sip:10.0.0.1:5060;transport=tcp>");
    let busy = answer(&invite, 486, "b", &[], "");
    world.say_back(phone, &invite, busy);
    world.settle();
    assert_eq!(world.hear_what(phone, "ACK").path.transport, Transport::Tcp);
    world.finish();
}

#[test]
fn the_next_small_one_goes_by_udp_again() {
    let (mut world, node, phone) = scene();
    give(&mut world, node, &large("OPTIONS", "sip:bob@10.0.0.9"));
    let options = world.hear_what(phone, "OPTIONS");
    ok(&mut world, phone, &options);
    give(&mut world, node, SMALL);
    let options = world.hear_what(phone, "OPTIONS");
    assert_eq!(options.path.transport, Transport::Udp);
    ok(&mut world, phone, &options);
    world.finish();
}

#[test]
fn a_small_request_in_a_dialog_that_began_large_goes_by_udp() {
    let (mut world, node, phone) = scene();
    let sent = give(&mut world, node, &large("INVITE", "sip:bob@10.0.0.9"));
    let invite = world.hear_what(phone, "INVITE");
    ok(&mut world, phone, &invite);
    let dialog = sent.dialog_id();
    world.request_in(node, &dialog, ACK);
    world.settle();
    assert_eq!(world.hear_what(phone, "ACK").path.transport, Transport::Udp);
    let info = large("INFO", "sip:placeholder");
    world.request_in(node, &dialog, &info);
    world.settle();
    let info = world.hear_what(phone, "INFO");
    assert_eq!(info.path.transport, Transport::Tcp);
    ok(&mut world, phone, &info);
    let bye = world.app_asks(node, phone, &dialog, BYE);
    assert_eq!(bye.path.transport, Transport::Udp);
    ok(&mut world, phone, &bye);
    world.finish();
}

#[test]
fn it_goes_by_udp_if_tcp_is_refused() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone_on_udp("10.0.0.9:5060");
    for _ in 0..2 {
        give(&mut world, node, &large("INVITE", "sip:bob@10.0.0.9"));
        world.run_ms(20);
        let invite = world.hear_what(phone, "INVITE");
        assert!(value(&invite, HeaderId::Via).starts_with("SIP/2.0/UDP"));
        let contact = value(&invite, HeaderId::Contact);
        assert_eq!(contact, "<sip:10.0.0.1:5060>");
        let busy = answer(&invite, 486, "b", &[], "");
        world.say_back(phone, &invite, busy);
        world.settle();
        world.hear_what(phone, "ACK");
        assert_eq!(world.told_what(node), ["486"]);
    }
    // The second one did not try what had just been refused.
    assert_eq!(world.counters(node).failovers, 1);
    world.finish();
}

#[test]
fn a_peer_that_takes_it_by_tcp_and_is_silent_is_not_asked_by_udp() {
    let (mut world, node, phone) = scene();
    give(&mut world, node, &large("OPTIONS", "sip:bob@10.0.0.9"));
    world.run_secs(40);
    assert_eq!(world.told_what(node), ["408"]);
    assert_eq!(world.heard_what(phone), ["OPTIONS"]);
    // Nor is one that refuses it.
    give(&mut world, node, &large("OPTIONS", "sip:bob@10.0.0.9"));
    world.run_secs(40);
    world.heard(phone);
    world.told(node);
    give(&mut world, node, &large("OPTIONS", "sip:bob@10.0.0.9"));
    for options in world.heard(phone) {
        let text = answer(&options, 503, "b", &[], "");
        world.say_back(phone, &options, text);
    }
    world.settle();
    assert_eq!(world.told_what(node), ["503"]);
    world.finish();
}

#[test]
fn a_uri_that_wants_udp_gets_it() {
    let (mut world, node, phone) = scene();
    let text = large("OPTIONS", "sip:bob@10.0.0.9;transport=udp");
    give(&mut world, node, &text);
    let options = world.hear_what(phone, "OPTIONS");
    assert_eq!(options.path.transport, Transport::Udp);
    ok(&mut world, phone, &options);
    world.finish();
}

#[test]
fn without_a_tcp_listener_it_goes_by_udp() {
    let mut world = World::new(1);
    let node = world.node_on(&[(Transport::Udp, "10.0.0.1:5060")]);
    let phone = world.phone("10.0.0.9:5060");
    give(&mut world, node, &large("OPTIONS", "sip:bob@10.0.0.9"));
    let options = world.hear_what(phone, "OPTIONS");
    assert_eq!(options.path.transport, Transport::Udp);
    ok(&mut world, phone, &options);
    world.finish();
}

#[test]
fn the_limit_can_be_chosen_or_lifted() {
    for (limit, transport) in [
        (None, Transport::Udp),
        (Some(3_000), Transport::Udp),
        (Some(1_000), Transport::Tcp),
    ] {
        let mut world = World::new(1);
        let listeners = [Transport::Udp, Transport::Tcp].map(|transport| Listener {
            transport,
            local: "10.0.0.1:5060".parse().unwrap(),
            user: None,
            advertised: Default::default(),
        });
        let mut config = Config::new(listeners.to_vec());
        config.next_hop.udp_request_limit = limit;
        let node = world.node_with(config);
        let phone = world.phone("10.0.0.9:5060");
        give(&mut world, node, &large("OPTIONS", "sip:bob@10.0.0.9"));
        let options = world.hear_what(phone, "OPTIONS");
        assert_eq!(options.path.transport, transport);
        ok(&mut world, phone, &options);
        world.finish();
    }
}

#[test]
fn the_limit_is_exact() {
    for (size, transport) in [(1300, Transport::Udp), (1301, Transport::Tcp)] {
        let (mut world, node, phone) = scene();
        // What goes by UDP tells how much is missing.
        let fixed = "From: <sip:a@10.0.0.1>;tag=1\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\n";
        let text = format!("{SMALL}{fixed}X-Ballast: \r\n");
        let short = give(&mut world, node, &text).message.text().len();
        let options = world.hear_what(phone, "OPTIONS");
        ok(&mut world, phone, &options);
        let ballast = "x".repeat(size - short);
        let text = format!("{SMALL}{fixed}X-Ballast: {ballast}\r\n");
        give(&mut world, node, &text);
        let options = world.hear_what(phone, "OPTIONS");
        assert_eq!(options.path.transport, transport);
        assert_eq!(options.text().len(), size);
        ok(&mut world, phone, &options);
        world.finish();
    }
}

#[test]
fn a_proxied_request_leaves_udp_too() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let caller = world.phone("10.0.0.8:5060");
    let phone = world.phone("10.0.0.9:5060");
    let ballast = format!("X-Ballast: {}", "x".repeat(1200));
    let mut ua = world.ua(caller, "sip:bob@10.0.0.1");
    world.phone_asks_with(caller, node, &mut ua, "OPTIONS", &[&ballast], "");
    let id = world.next_told(node).id();
    world.proxy(node, id, plan(&["sip:bob@10.0.0.9"]));
    world.settle();
    let options = world.hear_what(phone, "OPTIONS");
    assert!(value(&options, HeaderId::Via).starts_with("SIP/2.0/TCP"));
    ok(&mut world, phone, &options);
    assert_eq!(world.heard_what(caller), ["200"]);
    world.finish();
}
