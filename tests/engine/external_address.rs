//! RFC 3261 §8.1.1.7, §8.1.1.8, §16.6, §18.1.1: a host behind a translator shows its external
//! address in Via, Contact and Record-Route to those outside, and its own to those inside.

use crate::world::{answer, request, routes, uri_of, value, Node, Phone, World, BYE, UPDATE};
use drachtio::engine::{Advertised, Config, Listener, Transport};
use drachtio::message::{HeaderId, Message};

const INSIDE: &str = "10.0.0.9:5060";
const OUTSIDE: &str = "198.51.100.9:5060";

/// A node at 10.0.0.1 by UDP and TCP; `203.0.113.7:15060` is passed on to it.
fn node(world: &mut World, external: &str) -> Node {
    let listener = |transport| Listener {
        transport,
        local: "10.0.0.1:5060".parse().unwrap(),
        user: None,
        advertised: Advertised {
            external: Some(external.parse().unwrap()),
            local_net: vec!["10.0.0.0/8".parse().unwrap()],
            names: vec!["sip.example.com".to_string()],
        },
    };
    world.node_with(Config::new(vec![
        listener(Transport::Udp),
        listener(Transport::Tcp),
    ]))
}

fn sent_by(message: &Message) -> String {
    let via = message.top_via().unwrap();
    format!("{}:{}", via.host, via.port.unwrap())
}

fn refuse(world: &mut World, phone: Phone) -> Message {
    let request = world.hear(phone);
    world.say_back(phone, &request, answer(&request, 486, "b", &[], ""));
    world.settle();
    world.heard(phone);
    request.message
}

#[test]
fn a_request_shows_each_peer_the_address_it_can_reach() {
    for (external, shown) in [
        ("203.0.113.7", "203.0.113.7:5060"),
        ("203.0.113.7:15060", "203.0.113.7:15060"),
        ("edge.example.com", "edge.example.com:5060"),
    ] {
        let mut world = World::new(1);
        let node = node(&mut world, external);
        let (inside, outside) = (world.phone(INSIDE), world.phone(OUTSIDE));
        for (phone, address, shown) in
            [(inside, INSIDE, "10.0.0.1:5060"), (outside, OUTSIDE, shown)]
        {
            for tcp in ["", ";transport=tcp"] {
                let draft = format!(
                    "INVITE sip:x@{address}{tcp} SIP/2.0\r\nFrom: <sip:me@localhost>\r\n\
                    P-Asserted-Identity: <sip:me@localhost:5099>\r\n"
                );
                world.request(node, &draft);
                world.settle();
                let invite = refuse(&mut world, phone);
                let host = shown.rsplit_once(':').unwrap().0;
                assert_eq!(sent_by(&invite), shown);
                assert_eq!(
                    uri_of(&invite, HeaderId::Contact),
                    format!("sip:{shown}{tcp}")
                );
                assert_eq!(uri_of(&invite, HeaderId::From), format!("sip:me@{shown}"));
                assert_eq!(
                    uri_of(&invite, HeaderId::PAssertedIdentity),
                    format!("sip:me@{host}:5099")
                );
            }
        }
        world.finish();
    }
}

#[test]
fn an_address_of_ours_that_the_application_wrote_becomes_the_one_the_peer_is_shown() {
    let mut world = World::new(1);
    let node = node(&mut world, "203.0.113.7:15060");
    let (inside, outside) = (world.phone(INSIDE), world.phone(OUTSIDE));
    for (phone, peer, written, shown) in [
        (outside, OUTSIDE, "10.0.0.1:5060", "203.0.113.7:15060"),
        (outside, OUTSIDE, "203.0.113.7:15060", "203.0.113.7:15060"),
        (outside, OUTSIDE, "localhost", "203.0.113.7:15060"),
        (outside, OUTSIDE, "192.168.3.3", "203.0.113.7:15060"),
        (outside, OUTSIDE, "sip.example.com", "sip.example.com"),
        (inside, INSIDE, "203.0.113.7:15060", "10.0.0.1:5060"),
        (inside, INSIDE, "10.0.0.1:5060", "10.0.0.1:5060"),
    ] {
        let draft = format!("INVITE sip:x@{peer} SIP/2.0\r\nContact: <sip:me@{written}>\r\n");
        world.request(node, &draft);
        world.settle();
        let invite = refuse(&mut world, phone);
        assert_eq!(
            uri_of(&invite, HeaderId::Contact),
            format!("sip:me@{shown}"),
            "{written} to {peer}"
        );
    }
    world.finish();
}

#[test]
fn an_answer_shows_the_caller_the_address_it_can_reach() {
    let mut world = World::new(1);
    let node = node(&mut world, "203.0.113.7:15060");
    for (address, shown) in [
        (INSIDE, "sip:10.0.0.1:5060"),
        (OUTSIDE, "sip:203.0.113.7:15060"),
    ] {
        let phone = world.phone(address);
        let (mut caller, dialog) = world.call_in(phone, node);
        assert_eq!(caller.target, shown);
        // What we send in the dialog shows the same.
        let info = world.request_in(node, &dialog, UPDATE);
        assert_eq!(uri_of(&info.message, HeaderId::Contact), shown);
        assert_eq!(format!("sip:{}", sent_by(&info.message)), shown);
        world.settle();
        refuse(&mut world, phone);
        world.told(node);
        caller.target = format!("sip:{}", node.address);
        world.phone_hangs_up(phone, node, &mut caller);
    }
    world.finish();
}

#[test]
fn a_contact_that_the_application_gives_its_answer_is_shown_alike() {
    let mut world = World::new(1);
    let node = node(&mut world, "203.0.113.7:15060");
    let phone = world.phone(OUTSIDE);
    for (written, shown) in [
        ("localhost", "203.0.113.7:15060"),
        ("10.0.0.1:5060", "203.0.113.7:15060"),
        // Another server's: a B2BUA may know better.
        ("198.51.100.77:5070", "198.51.100.77:5070"),
    ] {
        let options = world.ua(phone, "sip:bob@203.0.113.7").request("INVITE");
        world.say(phone, node, options);
        world.settle();
        let id = world.next_told(node).id();
        let draft = format!("SIP/2.0 183 Progress\r\nContact: <sip:me@{written}>\r\n");
        let sent = world.respond(node, id, &draft);
        assert_eq!(
            uri_of(&sent.message, HeaderId::Contact),
            format!("sip:me@{shown}")
        );
        world.respond(node, id, crate::world::BUSY);
    }
    world.finish();
}

#[test]
fn a_proxy_records_a_route_for_each_side() {
    let mut world = World::new(1);
    let node = node(&mut world, "203.0.113.7:15060");
    let (caller, callee) = (world.phone(INSIDE), world.phone(OUTSIDE));
    let mut ua = world.ua(caller, "sip:bob@198.51.100.9");
    world.phone_asks(caller, node, &mut ua, "INVITE");
    let id = world.next_told(node).id();
    let mut plan = crate::world::plan(&["sip:bob@198.51.100.9"]);
    plan.remain_in_dialog = true;
    world.proxy(node, id, plan);
    world.settle();
    let invite = world.hear_what(callee, "INVITE");
    assert_eq!(sent_by(&invite), "203.0.113.7:15060");
    let recorded: Vec<_> = invite.values(HeaderId::RecordRoute).collect();
    assert_eq!(
        recorded,
        [
            &b"<sip:203.0.113.7:15060;lr>"[..],
            &b"<sip:10.0.0.1:5060;lr>"[..]
        ]
    );
    world.answer(callee, &invite, 200);
    world.hear_what(caller, "100");
    let ok = world.hear_what(caller, "200");
    ua.answered(&ok);
    world.phone_acknowledges(caller, node, &mut ua);
    assert!(routes(&world.hear_what(callee, "ACK")).is_empty());
    world.finish();
}

#[test]
fn a_path_shows_the_registrar_the_address_it_can_reach() {
    let mut world = World::new(1);
    let node = node(&mut world, "203.0.113.7:15060");
    let (caller, registrar) = (world.phone(INSIDE), world.phone(OUTSIDE));
    let register = world.ua(caller, "sip:198.51.100.9").request("REGISTER");
    world.say(caller, node, register);
    world.settle();
    let id = world.next_told(node).id();
    let mut plan = crate::world::plan(&["sip:198.51.100.9"]);
    plan.remain_in_dialog = true;
    world.proxy(node, id, plan);
    world.settle();
    let register = world.hear_what(registrar, "REGISTER");
    assert!(value(&register, HeaderId::Path).contains("203.0.113.7:15060"));
    world.answer(registrar, &register, 200);
    world.finish();
}

#[test]
fn every_address_and_name_of_ours_means_us() {
    let mut world = World::new(1);
    let node = node(&mut world, "203.0.113.7:15060");
    let caller = world.phone(INSIDE);
    let callee = world.phone("10.0.0.21:5060");
    for (uri, is_ours) in [
        ("sip:bob@10.0.0.1", true),
        ("sip:bob@203.0.113.7:15060", true),
        ("sip:bob@sip.example.com", true),
        ("sip:bob@SIP.example.com:5060", true),
        ("sip:bob@sip.example.com:15060", true),
        ("sips:bob@sip.example.com", true),
        ("sip:bob@sip.example.com:5070", false),
        ("sip:bob@203.0.113.7", false),
        ("sip:bob@www.sip.example.com", false),
        ("sip:bob@example.com", false),
    ] {
        let options = world.ua(caller, uri).request("OPTIONS");
        world.say(caller, node, options);
        world.settle();
        let id = world.next_told(node).id();
        world.proxy(node, id, crate::world::plan(&["sip:phone@10.0.0.21"]));
        world.settle();
        let heard = world.hear_what(callee, "OPTIONS");
        let expected = if is_ours { "sip:phone@10.0.0.21" } else { uri };
        assert_eq!(heard.request_uri(), Some(expected));
        world.answer(callee, &heard, 200);
    }
    world.finish();
}

#[test]
fn a_route_with_our_external_address_or_name_is_taken_off() {
    let mut world = World::new(1);
    let node = node(&mut world, "203.0.113.7:15060");
    let caller = world.phone(OUTSIDE);
    let callee = world.phone("10.0.0.21:5060");
    for route in [
        "<sip:203.0.113.7:15060;lr>",
        "<sip:sip.example.com;lr>",
        "<sip:10.0.0.1;lr>",
    ] {
        let mut ua = world.ua(caller, "sip:phone@10.0.0.21");
        ua.remote = format!("{};tag=there", ua.remote);
        ua.routes = vec![route.to_string()];
        world.phone_asks(caller, node, &mut ua, "BYE");
        let bye = world.hear_what(callee, "BYE");
        assert!(routes(&bye).is_empty(), "{route}");
        world.answer(callee, &bye, 200);
        world.hear_what(caller, "200");
    }
    world.finish();
}

#[test]
fn a_request_to_any_of_our_addresses_is_one_to_ourselves() {
    let mut world = World::new(1);
    let node = node(&mut world, "203.0.113.7:15060");
    for uri in [
        "sip:x@10.0.0.1",
        "sip:x@203.0.113.7:15060",
        "sip:x@203.0.113.7:15060;transport=tcp",
        "sip:x@sip.example.com",
        "sip:x@sip.example.com:15060",
    ] {
        let refusal = world.refused(node, request(&format!("OPTIONS {uri} SIP/2.0\r\n")));
        assert_eq!(refusal.code(), "DRT_ERR_SEND_TO_MYSELF", "{uri}");
    }
    world.finish();
}

#[test]
fn of_several_listeners_the_one_with_the_peer_in_its_local_net_is_used() {
    let mut world = World::new(1);
    let listener = |local: &str, net: &str| Listener {
        transport: Transport::Udp,
        local: local.parse().unwrap(),
        user: None,
        advertised: Advertised {
            local_net: vec![net.parse().unwrap()],
            ..Advertised::default()
        },
    };
    let node = world.node_with(Config::new(vec![
        listener("10.0.0.1:5060", "172.16.0.0/12"),
        listener("172.30.0.1:5060", "192.168.0.0/16"),
    ]));
    for (peer, local) in [
        ("172.30.0.9", "10.0.0.1:5060"),
        ("192.168.1.1", "172.30.0.1:5060"),
        ("10.0.0.9", "10.0.0.1:5060"),
    ] {
        let sent = world.request(node, &format!("OPTIONS sip:x@{peer} SIP/2.0\r\n"));
        assert_eq!(sent.meta.local, local.parse().unwrap(), "{peer}");
    }
    world.finish();
}

#[test]
fn a_call_from_outside_is_acknowledged_and_ended_through_the_external_address() {
    let mut world = World::new(1);
    let node = node(&mut world, "203.0.113.7:15060");
    let phone = world.phone(OUTSIDE);
    let (_, dialog) = world.call_out(node, phone);
    let bye = world.request_in(node, &dialog, BYE);
    assert_eq!(sent_by(&bye.message), "203.0.113.7:15060");
    world.settle();
    world.phone_answers(phone, "BYE", 200);
    assert_eq!(world.told_what(node), ["200"]);
    world.finish();
}

#[test]
fn a_name_with_a_star_is_every_name_below_it() {
    for (name, is_ours) in [
        ("a.example.com", true),
        ("b.a.EXAMPLE.com", true),
        ("example.com", false),
        ("badexample.com", false),
    ] {
        let mut world = World::new(1);
        let node = world.node_told("10.0.0.1:5060", |config| {
            for listener in &mut config.listeners {
                listener.advertised.names = vec!["*.example.com".to_string()];
            }
        });
        let id = world.give(node, request(&format!("OPTIONS sip:x@{name} SIP/2.0\r\n")));
        world.settle();
        let reply = format!("{:?}", world.reply(node, id));
        assert_eq!(reply.contains("SendToMyself"), is_ours, "{name}: {reply}");
        world.finish();
    }
}
