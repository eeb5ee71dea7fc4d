//! RFC 5626 §4, RFC 7118 §5: a registered client that nobody can connect to is reached over the
//! connection, or through the translator, that its REGISTER came by.

use crate::world::{plan, request, Heard, Node, Phone, World, OK};
use drachtio::engine::limits::{TableLimits, MAX_CONNECTION_REGISTRATIONS};

const PHONE: &str = "203.0.113.9:5060";

/// The phone registers this Contact (with parameters) as this user; the application grants it.
fn register(world: &mut World, node: Node, phone: Phone, user: &str, contact: &str) {
    register_for(world, node, phone, user, contact, OK);
}

fn register_for(
    world: &mut World,
    node: Node,
    phone: Phone,
    user: &str,
    contact: &str,
    answer: &str,
) {
    let mut ua = world.ua(phone, "sip:198.51.100.1");
    ua.remote = format!("<sip:{user}@example.com>");
    let contact = format!("Contact: {contact}");
    world.phone_asks_with(phone, node, &mut ua, "REGISTER", &[&contact], "");
    let id = world.next_told(node).id();
    world.respond(node, id, answer);
    world.settle();
    world.heard(phone);
}

/// A request to this URI reaches the phone.
fn reaches(world: &mut World, node: Node, phone: Phone, uri: &str) -> Heard {
    world.request(node, &format!("MESSAGE {uri} SIP/2.0\r\n"));
    world.settle();
    let heard = world.hear_what(phone, "MESSAGE");
    assert_eq!(heard.request_uri(), Some(uri));
    world.answer(phone, &heard, 200);
    assert_eq!(world.told_what(node), ["200"]);
    heard
}

fn refusal(world: &mut World, node: Node, uri: &str) -> &'static str {
    let draft = format!("MESSAGE {uri} SIP/2.0\r\n");
    world.refused(node, request(&draft)).code()
}

#[test]
fn a_websocket_like_client_is_called_over_its_connection() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone(PHONE).by_tcp();
    let uri = "sip:x7k2@9fqh2.invalid;transport=tcp";
    register(
        &mut world,
        node,
        phone,
        "alice",
        &format!("<{uri}>;expires=600"),
    );
    assert_eq!(world.census(node).registrations, 1);
    reaches(&mut world, node, phone, uri);
    // A call, with everything in it.
    let (_, dialog) = world.call_out_with(node, phone, uri, &format!("{uri};ob"));
    world.app_hangs_up(node, phone, &dialog);
    assert_eq!(world.connections_made(), 1);
    world.finish();
}

#[test]
fn a_star_takes_off_all_that_the_user_has_and_nothing_of_others() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone(PHONE).by_tcp();
    let contact = |name: &str| format!("<sip:{name}@9fqh2.invalid;transport=tcp>");
    for (user, name) in [("alice", "a1"), ("alice", "a2"), ("bob", "b1")] {
        register(&mut world, node, phone, user, &contact(name));
    }
    assert_eq!(world.census(node).registrations, 3);
    // RFC 3261 §10.2.2: every binding of that address of record.
    let gone = "*\r\nExpires: 0";
    register(&mut world, node, phone, "alice", gone);
    assert_eq!(world.census(node).registrations, 1);
    reaches(
        &mut world,
        node,
        phone,
        "sip:b1@9fqh2.invalid;transport=tcp",
    );
    let code = refusal(&mut world, node, "sip:a2@9fqh2.invalid;transport=tcp");
    assert_eq!(code, "DRT_ERR_FLOW_FAILED");
    world.finish();
}

#[test]
fn a_call_is_proxied_to_its_contact_as_to_any_other() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone(PHONE).by_tcp();
    let caller = world.phone("198.51.100.20:5060");
    let uri = "sip:x7k2@9fqh2.invalid;transport=tcp";
    register(&mut world, node, phone, "alice", &format!("<{uri}>"));
    let mut ua = world.ua(caller, "sip:alice@198.51.100.1");
    world.phone_asks(caller, node, &mut ua, "INVITE");
    let id = world.next_told(node).id();
    let mut plan = plan(&[uri]);
    plan.remain_in_dialog = true;
    world.proxy(node, id, plan);
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    assert_eq!(invite.request_uri(), Some(uri));
    let contact = format!("Contact: <{uri}>");
    let ok = crate::world::answer(&invite, 200, "b", &[&contact], "");
    world.say_back(phone, &invite, ok);
    world.settle();
    world.hear_what(caller, "100");
    let ok = world.hear_what(caller, "200");
    ua.answered(&ok);
    // What follows finds the connection by the recorded route.
    for method in ["ACK", "BYE"] {
        world.phone_asks(caller, node, &mut ua, method);
        let heard = world.hear_what(phone, method);
        assert_eq!(heard.request_uri(), Some(uri));
        if method == "BYE" {
            world.answer(phone, &heard, 200);
        }
    }
    world.hear_what(caller, "200");
    assert_eq!(world.connections_made(), 1);
    world.finish();
}

#[test]
fn a_client_behind_a_translator_is_reached_through_it_by_udp_too() {
    for tcp in [false, true] {
        let mut world = World::new(1);
        let node = world.node("198.51.100.1:5060");
        world.translate("203.0.113.99", &["192.168.1.5"]);
        let mut phone = world.phone("192.168.1.5:5060");
        if tcp {
            phone = phone.by_tcp();
        }
        let uri = "sip:alice@192.168.1.5:5060";
        register(&mut world, node, phone, "alice", &format!("<{uri}>"));
        reaches(&mut world, node, phone, uri);
        // Its next REGISTER shows where it is now.
        world.rebind();
        register(&mut world, node, phone, "alice", &format!("<{uri}>"));
        reaches(&mut world, node, phone, uri);
        assert_eq!(world.census(node).registrations, 1);
        world.finish();
    }
}

#[test]
fn a_registration_ends_when_it_lapses_is_taken_off_or_was_never_granted() {
    let uri = "sip:x@y.invalid";
    for (contact, answer, after, there) in [
        ("<sip:x@y.invalid>;expires=60", OK, 59, true),
        ("<sip:x@y.invalid>;expires=60", OK, 61, false),
        // The registrar decides.
        (
            "<sip:x@y.invalid>;expires=60",
            "SIP/2.0 200 OK\r\nContact: <sip:other@z>;expires=9, <sip:x@y.invalid>;expires=30\r\n",
            31,
            false,
        ),
        (
            "<sip:x@y.invalid>",
            "SIP/2.0 200 OK\r\nExpires: 30\r\n",
            29,
            true,
        ),
        (
            "<sip:x@y.invalid>",
            "SIP/2.0 200 OK\r\nExpires: 30\r\n",
            31,
            false,
        ),
        ("<sip:x@y.invalid>", OK, 3599, true),
        (
            "<sip:x@y.invalid>;expires=60",
            "SIP/2.0 403 No\r\n",
            1,
            false,
        ),
        ("<sip:x@y.invalid>;expires=0", OK, 1, false),
    ] {
        let mut world = World::new(1);
        let node = world.node("198.51.100.1:5060");
        let phone = world.phone(PHONE).by_tcp();
        register_for(&mut world, node, phone, "alice", contact, answer);
        world.run_secs(after);
        assert_eq!(world.census(node).registrations, usize::from(there));
        if there {
            reaches(&mut world, node, phone, uri);
            register(
                &mut world,
                node,
                phone,
                "alice",
                "<sip:x@y.invalid>;expires=0",
            );
        }
        assert_eq!(refusal(&mut world, node, uri), "DRT_ERR_FLOW_FAILED");
        world.finish();
    }
}

#[test]
fn a_client_cannot_register_somebody_elses_address_to_get_its_calls() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone(PHONE).by_tcp();
    let gateway = world.phone("198.51.100.77:5060");
    let trunk = world.phone("203.0.113.77:5060");
    world.name("gateway.example.com", &["198.51.100.77"]);
    for (contact, victim) in [
        ("sip:+1555@203.0.113.77", trunk),
        // On our own link.
        ("sip:+1555@198.51.100.77", gateway),
        ("sip:+1555@gateway.example.com", gateway),
    ] {
        register(&mut world, node, phone, "mallory", &format!("<{contact}>"));
        assert_eq!(world.census(node).registrations, 0, "{contact}");
        let draft = format!("MESSAGE {contact} SIP/2.0\r\n");
        world.give(node, request(&draft));
        world.settle();
        world.phone_answers(victim, "MESSAGE", 200);
        world.told(node);
    }
    world.finish();
}

#[test]
fn two_users_with_the_same_private_address_are_not_mistaken_for_each_other() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let uri = "sip:100@192.168.1.5";
    let first = world.phone("203.0.113.9:5060").by_tcp();
    let second = world.phone("203.0.113.10:5060").by_tcp();
    register(&mut world, node, first, "alice", &format!("<{uri}>"));
    reaches(&mut world, node, first, uri);
    register(&mut world, node, second, "bob", &format!("<{uri}>"));
    assert_eq!(refusal(&mut world, node, uri), "DRT_ERR_AMBIGUOUS_CONTACT");
    // The way itself tells them apart.
    for phone in [first, second] {
        let options = world.ua(phone, "sip:198.51.100.1").request("OPTIONS");
        world.say(phone, node, options);
        world.settle();
        let told = world.app_accepts(node);
        world.hear_what(phone, "200");
        let flow = format!("sip:{};transport=tcp;ob", told.meta.peer);
        let draft = format!("MESSAGE {uri} SIP/2.0\r\n");
        world.perform_action(node, crate::world::request_via(&flow, &draft));
        world.settle();
        let heard = world.hear_what(phone, "MESSAGE");
        assert_eq!(heard.request_uri(), Some(uri));
        world.answer(phone, &heard, 200);
        world.told(node);
    }
    world.close_connections(second);
    world.settle();
    reaches(&mut world, node, first, uri);
    world.finish();
}

#[test]
fn what_comes_through_a_proxy_is_not_the_clients_way() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let proxy = world.phone(PHONE).by_tcp();
    let mut ua = world.ua(proxy, "sip:198.51.100.1");
    let lines = [
        "Via: SIP/2.0/WS y.invalid;branch=z9hG4bKx",
        "Contact: <sip:x@y.invalid>",
    ];
    world.phone_asks_with(proxy, node, &mut ua, "REGISTER", &lines, "");
    let id = world.next_told(node).id();
    world.respond(node, id, OK);
    assert_eq!(world.census(node).registrations, 0);
    world.finish();
}

#[test]
fn a_full_table_forgets_what_would_lapse_first() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    world.limit_tables(
        node,
        TableLimits {
            registrations: 3,
            ..TableLimits::default()
        },
    );
    let phone = world.phone(PHONE).by_tcp();
    for (name, seconds) in [("a", 300), ("b", 100), ("c", 200), ("d", 400), ("e", 50)] {
        let contact = format!("<sip:{name}@y.invalid>;expires={seconds}");
        register(&mut world, node, phone, name, &contact);
    }
    assert_eq!(world.census(node).registrations, 3);
    for name in ["b", "c"] {
        let uri = format!("sip:{name}@y.invalid");
        assert_eq!(refusal(&mut world, node, &uri), "DRT_ERR_FLOW_FAILED");
    }
    for name in ["a", "d", "e"] {
        reaches(&mut world, node, phone, &format!("sip:{name}@y.invalid"));
    }
    world.finish();
}

#[test]
fn one_connection_can_not_fill_the_table() {
    let mut world = World::new(1);
    let node = world.node("198.51.100.1:5060");
    let phone = world.phone(PHONE).by_tcp();
    let other = world.phone("203.0.113.10:5060").by_tcp();
    register(&mut world, node, other, "bob", "<sip:bob@y.invalid>");
    for batch in 0..MAX_CONNECTION_REGISTRATIONS / 50 + 2 {
        let contacts: Vec<String> = (0..50)
            .map(|at| format!("<sip:{at}@{batch}.invalid>"))
            .collect();
        register(&mut world, node, phone, "mallory", &contacts.join(", "));
    }
    let most = MAX_CONNECTION_REGISTRATIONS + 1;
    assert_eq!(world.census(node).registrations, most);
    reaches(&mut world, node, other, "sip:bob@y.invalid");
    world.close_connections(phone);
    world.settle();
    assert_eq!(world.census(node).registrations, 1);
    world.finish();
}
