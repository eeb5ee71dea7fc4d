//! RFC 3261 §21.5.4: full tables refuse what is new and keep what they have.

use crate::world::{
    answer, plan, request, request_in, respond, value, Node, Phone, World, BYE, OK, RINGING,
};
use drachtio::engine::limits::{self, TableLimits};
use drachtio::message::HeaderId;

fn limits() -> TableLimits {
    TableLimits::default()
}

/// A node with tables of other sizes, and a phone.
fn limited(world: &mut World, tell: impl FnOnce(&mut TableLimits)) -> (Node, Phone) {
    let (node, phone) = world.node_and_phone();
    let mut limits = limits();
    tell(&mut limits);
    world.limit_tables(node, limits);
    (node, phone)
}

#[test]
fn the_defaults_are_the_constants() {
    let TableLimits {
        server_transactions,
        server_transaction_bytes,
        client_transactions,
        dialogs,
        proxies,
        queries,
        failed_targets,
        registrations,
        challenges,
    } = limits();
    assert_eq!(server_transactions, limits::MAX_SERVER_TRANSACTIONS);
    assert_eq!(
        server_transaction_bytes,
        limits::MAX_SERVER_TRANSACTION_BYTES
    );
    assert_eq!(client_transactions, limits::MAX_CLIENT_TRANSACTIONS);
    assert_eq!(dialogs, limits::MAX_DIALOGS);
    assert_eq!(proxies, limits::MAX_PROXIES);
    assert_eq!(queries, limits::MAX_QUERIES);
    assert_eq!(failed_targets, limits::MAX_FAILED_TARGETS);
    assert_eq!(registrations, limits::MAX_REGISTRATIONS);
    assert_eq!(challenges, limits::MAX_CHALLENGES);
}

#[test]
fn a_request_that_finds_no_room_is_answered_503_without_a_trace() {
    let mut world = World::new(1);
    let (node, phone) = limited(&mut world, |limits| limits.server_transactions = 3);
    let (mut alice, _) = world.call_in(phone, node);
    for _ in 0..2 {
        let options = world.ua(phone, "sip:bob@10.0.0.1").request("OPTIONS");
        world.say(phone, node, options);
    }
    world.settle();
    assert_eq!(world.told(node).len(), 2);
    let options = world.ua(phone, "sip:bob@10.0.0.1").request("OPTIONS");
    world.say(phone, node, &options);
    world.settle();
    let refused = world.hear_what(phone, "503");
    assert!(value(&refused, HeaderId::RetryAfter).parse::<u32>().is_ok());
    assert!(world.told(node).is_empty());
    assert_eq!(world.census(node).server_transactions, 3);
    assert_eq!(world.counters(node).overloads, 1);
    // A repetition of what is known still gets its answer, and later there is room again.
    world.run_secs(100);
    world.heard(phone);
    world.say(phone, node, &options);
    world.settle();
    world.app_accepts(node);
    world.hear_what(phone, "200");
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn large_requests_fill_the_table_sooner() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    let server_transaction_bytes = 100_000;
    world.limit_tables(
        node,
        TableLimits {
            server_transaction_bytes,
            ..limits()
        },
    );
    let body = "x".repeat(40_000);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let message = world
            .ua(phone, "sip:bob@10.0.0.1")
            .request_with("MESSAGE", &[], &body);
        world.say(phone, node, message);
        world.settle();
        for told in world.told(node) {
            world.respond(node, told.id(), OK);
        }
        world.settle();
        statuses.extend(world.heard_what(phone));
    }
    assert_eq!(statuses, ["200", "200", "200", "503"]);
    // They have been answered, and go when their last timer has run.
    world.run_secs(33);
    let message = world.ua(phone, "sip:bob@10.0.0.1").request("MESSAGE");
    world.say(phone, node, message);
    world.settle();
    let told = world.next_told(node);
    world.respond(node, told.id(), OK);
    world.finish();
}

#[test]
fn a_request_of_the_applications_that_finds_no_room_is_refused() {
    let mut world = World::new(1);
    let (node, phone) = limited(&mut world, |limits| limits.client_transactions = 1);
    let (mut alice, dialog) = world.call_in(phone, node);
    world.request(node, "OPTIONS sip:x@10.0.0.9 SIP/2.0\r\n");
    let full = "too many client transactions: the limit is 1";
    for action in [
        request("OPTIONS sip:x@10.0.0.9 SIP/2.0\r\n"),
        request_in(&dialog, BYE),
    ] {
        assert_eq!(world.refused(node, action).to_string(), full);
    }
    // Nor can a request be forwarded.
    let (_, id) = world.inbound_from(phone, node, "MESSAGE");
    let command = world.proxy(node, id, plan(&["sip:x@10.0.0.8"]));
    assert_eq!(
        world.proxy_replies(node, command),
        ["error proxying request to "]
    );
    world.settle();
    world.heard(phone);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn a_call_that_finds_no_room_is_refused_in_both_directions() {
    let mut world = World::new(1);
    let (node, phone) = limited(&mut world, |limits| limits.dialogs = 1);
    let (mut alice, _) = world.call_in(phone, node);
    let full = "too many dialogs: the limit is 1";
    let refusal = world.refused(node, request("INVITE sip:x@10.0.0.9 SIP/2.0\r\n"));
    assert_eq!(refusal.to_string(), full);
    let (_, id) = world.inbound_from(phone, node, "INVITE");
    for text in [RINGING, OK] {
        assert_eq!(world.refused(node, respond(id, text)).to_string(), full);
    }
    world.respond(node, id, "SIP/2.0 503 Full\r\n");
    world.run_secs(60);
    world.heard(phone);
    world.phone_hangs_up(phone, node, &mut alice);
    let (_, dialog) = world.call_out(node, phone);
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn a_call_that_is_answered_when_the_table_has_filled_up_is_a_call() {
    let mut world = World::new(1);
    let (node, phone) = limited(&mut world, |limits| limits.dialogs = 1);
    let sent = world.request(node, "INVITE sip:phone@10.0.0.9 SIP/2.0\r\n");
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    let (mut alice, _) = world.call_in(phone, node);
    // It rings, but no dialog is kept of that.
    let contact = "Contact: <sip:phone@10.0.0.9>";
    for code in [180, 200] {
        world.say_back(phone, &invite, answer(&invite, code, "b", &[contact], ""));
        world.settle();
        assert_eq!(world.next_told(node).what(), code.to_string());
    }
    world.request_in(node, &sent.dialog_id(), crate::world::ACK);
    world.request_in(node, &sent.dialog_id(), BYE);
    world.settle();
    assert_eq!(world.heard_what(phone), ["ACK", "BYE"]);
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn a_request_that_finds_no_room_to_be_forwarded_is_answered_503_and_so_is_the_command() {
    let mut world = World::new(1);
    let call = world.proxying("MESSAGE");
    world.limit_tables(
        call.node,
        TableLimits {
            proxies: 0,
            ..limits()
        },
    );
    let command = world.proxy(call.node, call.id, call.plan(&[0]));
    assert_eq!(
        world.proxy_replies(call.node, command),
        ["too many proxied requests: the limit is 0"]
    );
    let mut ua = call.ua.clone();
    ua.remote.push_str(";tag=x");
    ua.routes = vec!["<sip:10.0.0.1;lr>".to_string()];
    world.phone_asks(call.caller, call.node, &mut ua, "BYE");
    for _ in 0..2 {
        let refused = world.hear_what(call.caller, "503");
        assert!(value(&refused, HeaderId::RetryAfter).parse::<u32>().is_ok());
    }
    assert_eq!(world.counters(call.node).overloads, 2);
    world.finish();
}

#[test]
fn what_belongs_to_a_call_finds_room_when_new_calls_do_not() {
    let mut world = World::new(1);
    let mut call = world.recorded_call();
    let census = world.census(call.node);
    // Full but for the last eighth.
    let eight = |used: usize| used.div_ceil(7) * 8;
    world.limit_tables(
        call.node,
        TableLimits {
            server_transactions: eight(census.server_transactions),
            client_transactions: eight(census.client_transactions),
            proxies: eight(census.proxies),
            ..limits()
        },
    );
    for _ in 0..7 {
        let message = world
            .ua(call.alice.phone, "sip:bob@10.0.0.1")
            .request("MESSAGE");
        world.say(call.alice.phone, call.node, message);
        world.settle();
    }
    let heard = world.heard(call.alice.phone);
    let refused: Vec<_> = heard.iter().filter(|heard| heard.what() == "503").collect();
    assert!(!refused.is_empty());
    for refused in refused {
        assert!(value(refused, HeaderId::RetryAfter).parse::<u32>().is_ok());
    }
    call.alice.asks(&mut world, call.node, "BYE");
    let bye = call.bob.hears(&mut world, "BYE");
    call.bob.answers(&mut world, &bye, 200);
    call.alice.hears(&mut world, "200");
    for told in world.told(call.node) {
        world.respond(call.node, told.id(), OK);
    }
    world.finish();
}

#[test]
fn a_dialog_keeps_no_more_routes_than_the_limit() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    let routes = vec!["<sip:10.0.0.9;lr>"; limits::MAX_ROUTES].join(", ");
    let routes = format!("Record-Route: {routes}");
    let headers = [routes.as_str(), "Contact: <sip:phone@10.0.0.9>"];
    world.say_back(phone, &invite, answer(&invite, 200, "b", &headers, ""));
    world.settle();
    world.request_in(node, &sent.dialog_id(), crate::world::ACK);
    world.request_in(node, &sent.dialog_id(), BYE);
    world.settle();
    world.hear_what(phone, "ACK");
    let bye = world.hear_what(phone, "BYE");
    assert_eq!(bye.values(HeaderId::Route).count(), limits::MAX_ROUTES);
    world.finish();
}
