//! RFC 3581 §4, RFC 3261 §18.2.1, §18.2.2: the source goes into the topmost Via, and decides
//! where responses go.

use crate::world::{answer, Node, Phone, World, OK};
use drachtio::message::Message;

/// The phone asks with this Via; what the application was told and where the answer went.
fn ask(world: &mut World, node: Node, phone: Phone, via: &str) -> (Message, String) {
    let options = world.ua(phone, "sip:bob@198.51.100.1").request("OPTIONS");
    let (head, rest) = options.split_once("Via: ").unwrap();
    let branch = rest.split_once("branch=").unwrap().1;
    world.say(phone, node, format!("{head}Via: {via};branch={branch}"));
    world.settle();
    let told = world.next_told(node);
    let sent = world.respond(node, told.id(), OK);
    world.settle();
    (told.message, sent.meta.peer.to_string())
}

#[test]
fn responses_go_to_the_source_or_where_the_via_says() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone("203.0.113.9:7777");
    for (via, received, to) in [
        ("SIP/2.0/UDP 203.0.113.9:7777", None, "203.0.113.9:7777"),
        (
            "SIP/2.0/UDP 203.0.113.9:7777;rport",
            None,
            "203.0.113.9:7777",
        ),
        // Without rport the sent-by names the port (§18.2.2), unless a translator is between.
        ("SIP/2.0/UDP 203.0.113.9:5070", None, "203.0.113.9:5070"),
        ("SIP/2.0/UDP 203.0.113.9", None, "203.0.113.9:5060"),
        (
            "SIP/2.0/UDP 203.0.113.9:5070;rport",
            None,
            "203.0.113.9:7777",
        ),
        (
            "SIP/2.0/UDP 192.168.1.5:5060",
            Some("203.0.113.9"),
            "203.0.113.9:7777",
        ),
        (
            "SIP/2.0/UDP 192.168.1.5:5060;rport",
            Some("203.0.113.9"),
            "203.0.113.9:7777",
        ),
        (
            "SIP/2.0/UDP phone.example.com",
            Some("203.0.113.9"),
            "203.0.113.9:7777",
        ),
        // What the sender claims is not believed.
        (
            "SIP/2.0/UDP 203.0.113.9:5070;received=198.51.100.66;rport=1",
            None,
            "203.0.113.9:7777",
        ),
        // maddr comes before everything, but not to our own host from elsewhere.
        (
            "SIP/2.0/UDP 203.0.113.9:5070;maddr=203.0.113.10;rport",
            None,
            "203.0.113.10:5070",
        ),
        (
            "SIP/2.0/UDP 203.0.113.9;maddr=224.0.1.75;ttl=1",
            None,
            "224.0.1.75:5060",
        ),
        (
            "SIP/2.0/UDP 203.0.113.9:7777;maddr=127.0.0.1",
            None,
            "203.0.113.9:7777",
        ),
        (
            "SIP/2.0/UDP 203.0.113.9:7777;maddr=0.0.0.0",
            None,
            "203.0.113.9:7777",
        ),
        (
            "SIP/2.0/UDP 203.0.113.9:7777;maddr=host.example.com",
            None,
            "203.0.113.9:7777",
        ),
    ] {
        let (told, peer) = ask(&mut world, node, phone, via);
        let noted = told.top_via().unwrap();
        assert_eq!(noted.received(), received, "{via}");
        assert_eq!(noted.rport(), Some(Some(7777)), "{via}");
        assert_eq!(peer, to, "{via}");
    }
    world.finish();
}

#[test]
fn over_a_connection_the_answer_takes_it_and_else_a_new_one_to_the_sent_by() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone("203.0.113.9:5060").by_tcp();
    for is_closed in [false, true] {
        let (_, id) = world.inbound_from(phone, node, "OPTIONS");
        let before = world.connections_made();
        if is_closed {
            world.close_connections(phone);
            world.settle();
        }
        world.respond(node, id, OK);
        world.settle();
        world.hear_what(phone, "200");
        let opened = world.connections_made() - before;
        assert_eq!(opened, usize::from(is_closed));
    }
    world.finish();
}

#[test]
fn our_requests_ask_for_it_and_what_comes_back_changes_nothing() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone("203.0.113.9:5060");
    let sent = world.request(node, "INVITE sip:phone@203.0.113.9 SIP/2.0\r\n");
    assert_eq!(sent.message.top_via().unwrap().rport(), Some(None));
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    let contact = "Contact: <sip:phone@203.0.113.9>";
    let ok = answer(&invite, 200, "b", &[contact], "");
    let ok = ok.replace(";rport", ";received=198.51.100.66;rport=9");
    world.say_back(phone, &invite, ok);
    world.settle();
    let ack = world.request_in(node, &sent.dialog_id(), crate::world::ACK);
    assert_eq!(ack.message.top_via().unwrap().host, "198.51.100.1");
    let bye = world.request_in(node, &sent.dialog_id(), crate::world::BYE);
    assert_eq!(bye.meta.peer, phone.address);
    world.finish();
}
