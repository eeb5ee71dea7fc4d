//! RFC 3261 §8.1.1: what the engine fills in and replaces in the messages of applications.

use crate::world::{answer, request, request_via, uri_of, value, World, ACK, BUSY, BYE, INFO, OK};
use drachtio::engine::{Advertised, Config, Listener, Transport};
use drachtio::message::{HeaderId, NameAddr};

const INVITE: &str = "INVITE sip:phone@10.0.0.9 SIP/2.0\r\n";
const BY_TCP: &str = "INVITE sip:phone@10.0.0.9;transport=tcp SIP/2.0\r\n";

#[test]
fn a_bare_request_is_completed() {
    let mut world = World::new(1);
    let (_, _, sent, options) = world.outbound("OPTIONS");
    assert_eq!(options.text(), sent.message.text());
    assert_eq!(sent.dialog, None);
    let via = options.top_via().unwrap();
    assert_eq!(
        (via.transport, via.host, via.port),
        ("UDP", "10.0.0.1", Some(5060))
    );
    assert_eq!(via.rport(), Some(None));
    assert!(via.branch().unwrap().starts_with("z9hG4bK"));
    assert_eq!(options.max_forwards().unwrap(), Some(70));
    assert_eq!(value(&options, HeaderId::To), "<sip:phone@10.0.0.9>");
    assert_eq!(uri_of(&options, HeaderId::From), "sip:10.0.0.1:5060");
    assert!(options.from().unwrap().tag().is_some());
    assert!(!options.call_id().unwrap().is_empty());
    assert!(options.cseq().unwrap().number < 1 << 31);
    assert_eq!(value(&options, HeaderId::ContentLength), "0");
    assert!(options.get(HeaderId::Contact).is_none());
    world.finish();
}

#[test]
fn only_requests_that_make_a_dialog_get_a_contact() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    for (method, expected) in [
        ("INVITE", Some("sip:10.0.0.1:5060;transport=tcp")),
        ("SUBSCRIBE", Some("sip:10.0.0.1:5060;transport=tcp")),
        ("REGISTER", None),
        ("OPTIONS", None),
        ("MESSAGE", None),
    ] {
        let draft = format!("{method} sip:phone@10.0.0.9;transport=tcp SIP/2.0\r\n");
        world.request(node, &draft);
        world.settle();
        let heard = world.hear_what(phone, method);
        let contact = heard.contact().unwrap().map(|contact| contact.uri);
        assert_eq!(contact, expected, "{method}");
        world.say_back(phone, &heard, answer(&heard, 403, "b", &[], ""));
        world.settle();
        world.heard(phone);
    }
    world.finish();
}

#[test]
fn what_the_application_chooses_is_sent() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let draft = "INVITE sip:phone@10.0.0.9 SIP/2.0\r\n\
        from: \"A, B\" <sip:alice@example.com>;tag=mine\r\n\
        t: <sip:bob@example.com>\r\n\
        CALL-ID: chosen|id\r\n\
        CSeq: 42 INVITE\r\n\
        Max-Forwards: 5\r\n\
        Subject: hi\r\n\
        X-Any-Thing: 1\r\n\
        x-any-thing: 2\r\n\
        Content-Type: text/plain\r\n\
        \r\nbody";
    let sent = world.request(node, draft);
    assert_eq!(sent.dialog_id().as_str(), "chosen|id;from-tag=mine");
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    assert_eq!(
        value(&invite, HeaderId::From),
        "\"A, B\" <sip:alice@example.com>;tag=mine"
    );
    assert_eq!(value(&invite, HeaderId::To), "<sip:bob@example.com>");
    assert_eq!(value(&invite, HeaderId::CallId), "chosen|id");
    assert_eq!(value(&invite, HeaderId::CSeq), "42 INVITE");
    assert_eq!(value(&invite, HeaderId::MaxForwards), "5");
    assert_eq!(value(&invite, HeaderId::Subject), "hi");
    let others: Vec<_> = invite
        .headers()
        .filter(|header| header.id == HeaderId::Other)
        .map(|header| (header.name.to_string(), header.value.to_vec()))
        .collect();
    let expected = [("X-Any-Thing", "1"), ("x-any-thing", "2")];
    let expected = expected.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    assert_eq!(others, expected);
    assert_eq!(value(&invite, HeaderId::ContentType), "text/plain");
    assert_eq!(invite.body().as_ref(), b"body");
    world.say_back(phone, &invite, answer(&invite, 403, "b", &[], ""));
    world.finish();
}

#[test]
fn what_only_the_engine_may_write_is_left_out() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let draft = format!(
        "{INVITE}Via: SIP/2.0/UDP evil;branch=z9hG4bKx\r\nRoute: <sip:10.8.8.8;lr>\r\n\
        Record-Route: <sip:10.8.8.8;lr>\r\nRSeq: 1\r\nContent-Length: 999\r\nl: 5\r\n"
    );
    world.request(node, &draft);
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    assert_eq!(invite.values(HeaderId::Via).count(), 1);
    for id in [HeaderId::Route, HeaderId::RecordRoute, HeaderId::RSeq] {
        assert!(invite.get(id).is_none(), "{id}");
    }
    assert_eq!(invite.all(HeaderId::ContentLength).count(), 1);
    world.say_back(phone, &invite, answer(&invite, 403, "b", &[], ""));
    world.finish();
}

#[test]
fn localhost_stands_for_our_address() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5070");
    let phone = world.phone("10.0.0.9:5060");
    let draft = format!(
        "{INVITE}From: <sip:alice@localhost>\r\nTo: \"x\" <sip:bob@localhost:5099>\r\n\
        Contact: <sip:alice@localhost;ob>;+sip.instance=\"x\"\r\n\
        P-Asserted-Identity: <sip:pai@localhost>\r\n"
    );
    world.request(node, &draft);
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    assert_eq!(uri_of(&invite, HeaderId::From), "sip:alice@10.0.0.1:5070");
    assert_eq!(uri_of(&invite, HeaderId::To), "sip:bob@10.0.0.1:5099");
    assert_eq!(
        value(&invite, HeaderId::Contact),
        "<sip:alice@10.0.0.1:5070;ob>;+sip.instance=\"x\""
    );
    assert_eq!(
        value(&invite, HeaderId::PAssertedIdentity),
        "<sip:pai@10.0.0.1:5070>"
    );
    world.say_back(phone, &invite, answer(&invite, 403, "b", &[], ""));
    world.finish();
}

#[test]
fn a_name_that_only_begins_so_is_left_alone() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let draft = format!(
        "{INVITE}From: <sip:alice@localhost.example.com>\r\nTo: <sip:localhost@b.example>\r\n"
    );
    world.request(node, &draft);
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    assert_eq!(
        uri_of(&invite, HeaderId::From),
        "sip:alice@localhost.example.com"
    );
    assert_eq!(uri_of(&invite, HeaderId::To), "sip:localhost@b.example");
    world.say_back(phone, &invite, answer(&invite, 403, "b", &[], ""));
    world.finish();
}

#[test]
fn a_contact_nobody_could_reach_becomes_ours_and_a_name_stays() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    for (contact, expected) in [
        ("<sip:a@10.7.7.7:5099>", "<sip:a@10.0.0.1:5060>"),
        ("<sip:a@10.0.0.1:5060>", "<sip:a@10.0.0.1:5060>"),
        ("<sip:a@host.example.com>", "<sip:a@host.example.com>"),
        (
            "\"me\" <sip:10.7.7.7>;q=1",
            "\"me\" <sip:10.0.0.1:5060>;q=1",
        ),
    ] {
        world.request(node, &format!("{INVITE}Contact: {contact}\r\n"));
        world.settle();
        let invite = world.hear_what(phone, "INVITE");
        assert_eq!(value(&invite, HeaderId::Contact), expected);
        world.say_back(phone, &invite, answer(&invite, 403, "b", &[], ""));
        world.settle();
        world.heard(phone);
    }
    // A registration is about somebody else's Contact.
    let register = "REGISTER sip:10.0.0.9 SIP/2.0\r\nContact: <sip:a@10.7.7.7:5099>\r\n";
    world.request(node, register);
    world.settle();
    let register = world.hear_what(phone, "REGISTER");
    assert_eq!(value(&register, HeaderId::Contact), "<sip:a@10.7.7.7:5099>");
    world.finish();
}

#[test]
fn inside_a_dialog_localhost_works_too() {
    let mut world = World::new(1);
    let (node, phone, _, dialog) = world.outbound_call();
    let draft = "UPDATE sip:x SIP/2.0\r\nContact: <sip:me@localhost>\r\n";
    world.request_in(node, &dialog, draft);
    world.settle();
    let update = world.hear_what(phone, "UPDATE");
    assert_eq!(uri_of(&update, HeaderId::Contact), "sip:me@10.0.0.1:5060");
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn the_contact_shows_the_user_of_the_listener() {
    let mut world = World::new(1);
    let phone = world.phone("10.0.0.9:5060");
    let node = world.node_with(Config::new(vec![Listener {
        transport: Transport::Udp,
        local: "10.0.0.1:5060".parse().unwrap(),
        user: Some("pbx".to_string()),
        advertised: Advertised::default(),
    }]));
    let sent = world.request(node, INVITE);
    assert_eq!(
        value(&sent.message, HeaderId::Contact),
        "<sip:pbx@10.0.0.1:5060>"
    );
    world.settle();
    let invite = world.hear(phone);
    world.say_back(phone, &invite, answer(&invite, 403, "b", &[], ""));
    world.finish();
}

#[test]
fn responses_get_a_contact_where_it_matters() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060").by_tcp();
    let (mut alice, id) = world.inbound_from(phone, node, "INVITE");
    let ok = world.respond(node, id, OK);
    let ours = "<sip:10.0.0.1:5060;transport=tcp>";
    assert_eq!(value(&ok.message, HeaderId::Contact), ours);
    alice.answered(&ok.message);
    world.phone_acknowledges(phone, node, &mut alice);
    world.told(node);
    world.heard(phone);
    world.phone_hangs_up(phone, node, &mut alice);

    for (method, text, expected) in [
        ("INVITE", BUSY, None),
        ("REGISTER", OK, None),
        ("OPTIONS", OK, None),
        (
            "INVITE",
            "SIP/2.0 302 Moved\r\nContact: <sip:x@10.9.9.9>\r\n",
            Some("<sip:x@10.9.9.9>"),
        ),
        (
            "REGISTER",
            "SIP/2.0 200 OK\r\nContact: <sip:a@b.example>\r\n",
            Some("<sip:a@b.example>"),
        ),
    ] {
        let (_, id) = world.inbound_from(phone, node, method);
        let sent = world.respond(node, id, text);
        assert_eq!(
            sent.message.get_str(HeaderId::Contact),
            expected,
            "{method} {text}"
        );
    }
    world.finish();
}

#[test]
fn the_transport_is_that_of_the_target_and_udp_by_default() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    for (action, transport) in [
        (request(INVITE), Transport::Udp),
        (request(BY_TCP), Transport::Tcp),
        (
            request_via("sip:10.0.0.9;transport=tcp", INVITE),
            Transport::Tcp,
        ),
        (
            request_via("sip:10.0.0.9", "INVITE tel:+123 SIP/2.0\r\n"),
            Transport::Udp,
        ),
    ] {
        let sent = world.perform_action(node, action);
        assert_eq!(sent.meta.transport, transport);
        world.settle();
        let heard = world.hear_what(phone, "INVITE");
        assert_eq!(heard.top_via().unwrap().transport, transport.via_name());
        world.say_back(phone, &heard, answer(&heard, 403, "b", &[], ""));
        world.settle();
        world.heard(phone);
    }
    world.finish();
}

#[test]
fn a_node_without_the_wanted_transport_says_so() {
    let mut world = World::new(1);
    let udp_only = world.node_on(&[(Transport::Udp, "10.0.0.1:5060")]);
    let tcp_only = world.node_on(&[(Transport::Tcp, "10.0.0.2:5060")]);
    for (node, text) in [
        (udp_only, BY_TCP),
        (udp_only, "INVITE sip:x@10.0.0.9;transport=tls SIP/2.0\r\n"),
        (udp_only, "INVITE sip:x@[2001:db8::9] SIP/2.0\r\n"),
        (udp_only, "INVITE sips:x@10.0.0.9 SIP/2.0\r\n"),
        (tcp_only, "INVITE sip:x@10.0.0.9;transport=udp SIP/2.0\r\n"),
    ] {
        let refusal = world.refused(node, request(text));
        assert_eq!(
            refusal.to_string(),
            "requested protocol/transport not available",
            "{text}"
        );
    }
    // Without a transport in the URI, what there is will do.
    let sent = world.request(tcp_only, INVITE);
    assert_eq!(sent.meta.transport, Transport::Tcp);
    world.finish();
}

#[test]
fn of_several_listeners_the_one_nearest_to_the_peer_is_used() {
    let mut world = World::new(1);
    let node = world.node_on(&[
        (Transport::Udp, "192.168.1.1:5060"),
        (Transport::Udp, "10.0.0.1:5060"),
        (Transport::Udp, "127.0.0.1:5060"),
        (Transport::Udp, "[2001:db8::1]:5060"),
    ]);
    for (peer, local) in [
        ("10.0.0.9", "10.0.0.1:5060"),
        ("192.168.1.77", "192.168.1.1:5060"),
        ("127.0.0.2", "127.0.0.1:5060"),
        ("[2001:db8::9]", "[2001:db8::1]:5060"),
    ] {
        let sent = world.request(node, &format!("INVITE sip:x@{peer} SIP/2.0\r\n"));
        assert_eq!(sent.meta.local, local.parse().unwrap());
        let contact = NameAddr::parse(value(&sent.message, HeaderId::Contact).as_bytes());
        assert_eq!(contact.unwrap().uri, format!("sip:{local}"));
    }
    world.finish();
}

#[test]
fn a_malformed_draft_is_refused_with_the_reason() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    for (text, code) in [
        ("INVITE nonsense SIP/2.0\r\n", "DRT_ERR_INVALID_REQUEST_URI"),
        (
            "INVITE mailto:x@y SIP/2.0\r\n",
            "DRT_ERR_INVALID_REQUEST_URI",
        ),
        ("INVITE tel:+123 SIP/2.0\r\n", "DRT_ERR_INVALID_REQUEST_URI"),
        (
            "INVITE sip:x@10.0.0.1:5060 SIP/2.0\r\n",
            "DRT_ERR_SEND_TO_MYSELF",
        ),
        (
            "INVITE sip:x@10.0.0.9 SIP/2.0\r\nFrom: <sip:a@\r\n",
            "DRT_ERR_INVALID_FROM",
        ),
        (
            "INVITE sip:x@10.0.0.9 SIP/2.0\r\nTo: \"open\r\n",
            "DRT_ERR_MALFORMED_HEADER",
        ),
        (
            "INVITE sip:x@10.0.0.9 SIP/2.0\r\nCSeq: x\r\n",
            "DRT_ERR_MALFORMED_HEADER",
        ),
        (
            "INVITE sip:x@10.0.0.9 SIP/2.0\r\nMax-Forwards: x\r\n",
            "DRT_ERR_MALFORMED_HEADER",
        ),
        (
            "INVITE sip:x@10.0.0.9 SIP/2.0\r\n\r\nhello",
            "DRT_ERR_MISSING_CONTENT_TYPE",
        ),
    ] {
        let refusal = world.refused(node, request(text));
        assert_eq!(refusal.code(), code, "{text}: {refusal}");
    }
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn the_dialogs_requests_use_what_the_call_was_set_up_with() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060").by_tcp();
    let (mut bob, dialog) = world.call_out(node, phone);
    let sent = world.request_in(node, &dialog, INFO);
    assert_eq!(sent.meta.transport, Transport::Tcp);
    world.settle();
    world.phone_answers(phone, "INFO", 200);
    world.told(node);
    assert_eq!(world.connections_made(), 1);
    // A closed connection is opened again.
    world.close_connections(phone);
    let info = world.app_asks(node, phone, &dialog, INFO);
    world.answer(phone, &info, 200);
    world.told(node);
    assert_eq!(world.connections_made(), 2);
    world.phone_hangs_up(phone, node, &mut bob);
    let refusal = world.refused(node, crate::world::request_in(&dialog, ACK));
    assert_eq!(refusal.code(), "DRT_ERR_ACK_NOT_NEEDED");
    world.finish();
}
