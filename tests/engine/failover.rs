//! RFC 3263 §4.3: a request whose destination fails goes to the next one, and its sender gets one
//! final response.

use std::time::Duration;

use crate::world::{
    answer, plan, request, request_in, sent, value, Link, Node, Phone, Sent, World, ACK, BYE, INFO,
};
use drachtio::engine::{Reply, Transport};
use drachtio::message::HeaderId;

const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n";
const OPTIONS: &str = "OPTIONS sip:example.com SIP/2.0\r\n";

const TWO_SERVERS: [(Transport, &str); 2] = [
    (Transport::Udp, "10.0.0.21:5060"),
    (Transport::Udp, "10.0.0.22:5060"),
];

/// A node, and three servers of example.com in the order of preference.
fn world() -> (World, Node, [Phone; 3]) {
    let mut world = World::new(1);
    let servers = [21, 22, 23].map(|host| world.phone(&format!("10.0.0.{host}:5060")));
    world.service(
        "example.com",
        &[
            (Transport::Udp, "10.0.0.21:5060"),
            (Transport::Udp, "10.0.0.22:5060"),
            (Transport::Udp, "10.0.0.23:5060"),
        ],
    );
    let node = world.node("10.0.0.1:5060");
    (world, node, servers)
}

/// The application's request, once its name is looked up.
fn send(world: &mut World, node: Node, text: &str) -> Sent {
    let id = world.give(node, request(text));
    world.settle();
    sent(world.reply(node, id))
}

/// Everything but the branch of the topmost Via.
fn without_via(message: &drachtio::message::Message) -> String {
    let text = String::from_utf8_lossy(message.text()).into_owned();
    crate::world::without_line(&text, "Via:")
}

#[test]
fn a_silent_destination_is_left_after_timer_b() {
    let (mut world, node, [first, second, _]) = world();
    world.swallow("10.0.0.21");
    let sent = send(&mut world, node, INVITE);
    assert_eq!(sent.meta.peer, first.address);
    world.run_secs(31);
    assert!(world.heard(second).is_empty());
    world.run_ms(1100);
    let invite = world.hear_what(second, "INVITE");
    assert_ne!(
        value(&invite, HeaderId::Via),
        value(&sent.message, HeaderId::Via)
    );
    assert_eq!(without_via(&invite), without_via(&sent.message));
    world.answer(second, &invite, 404);
    let told = world.next_told(node);
    assert_eq!(told.transaction, Some(sent.transaction));
    assert_eq!(told.message.status(), Some(404));
    world.hear_what(second, "ACK");
    let counters = world.counters(node);
    assert_eq!(counters.failovers, 1);
    assert_eq!(counters.time_lost, Duration::from_secs(32));
    world.finish();
}

#[test]
fn a_silent_destination_of_another_request_is_left_after_timer_f() {
    let (mut world, node, [_, second, _]) = world();
    world.swallow("10.0.0.21");
    send(&mut world, node, OPTIONS);
    world.run_ms(32_100);
    world.phone_answers(second, "OPTIONS", 200);
    assert_eq!(world.told_what(node), ["200"]);
    world.finish();
}

#[test]
fn a_destination_that_has_said_something_is_not_left_when_it_falls_silent() {
    let (mut world, node, [first, second, _]) = world();
    send(&mut world, node, OPTIONS);
    world.phone_answers(first, "OPTIONS", 100);
    world.run_secs(40);
    assert_eq!(world.told_what(node), ["408"]);
    assert!(world.heard(second).is_empty());
    world.finish();
}

#[test]
fn a_refused_connection_is_left_at_once() {
    let (mut world, node, [_, second, _]) = world();
    world.service(
        "example.com",
        &[
            (Transport::Tcp, "10.0.0.77:5060"),
            (Transport::Tcp, "10.0.0.22:5060"),
        ],
    );
    let sent = send(&mut world, node, INVITE);
    assert_eq!(sent.meta.transport, Transport::Tcp);
    world.run_ms(20);
    let invite = world.hear_what(second, "INVITE");
    assert!(value(&invite, HeaderId::Via).starts_with("SIP/2.0/TCP"));
    world.answer(second, &invite, 200);
    assert_eq!(world.told_what(node), ["200"]);
    assert!(world.counters(node).time_lost < Duration::from_millis(20));
    world.app_asks(node, second, &sent.dialog_id(), ACK);
    world.app_hangs_up(node, second, &sent.dialog_id());
    world.finish();
}

#[test]
fn an_unreachable_datagram_destination_is_left_at_once() {
    let (mut world, node, [_, second, _]) = world();
    world.cut_off("10.0.0.21");
    send(&mut world, node, INVITE);
    world.phone_answers(second, "INVITE", 486);
    assert_eq!(world.told_what(node), ["486"]);
    world.finish();
}

#[test]
fn the_via_and_our_contact_say_the_transport_that_is_used() {
    let (mut world, node, [first, second, _]) = world();
    world.service(
        "example.com",
        &[
            (Transport::Udp, "10.0.0.21:5060"),
            (Transport::Tcp, "10.0.0.22:5060"),
        ],
    );
    send(&mut world, node, INVITE);
    let invite = world.hear_what(first, "INVITE");
    assert_eq!(value(&invite, HeaderId::Contact), "<sip:10.0.0.1:5060>");
    world.answer(first, &invite, 503);
    let invite = world.hear_what(second, "INVITE");
    assert!(value(&invite, HeaderId::Via).starts_with("SIP/2.0/TCP"));
    let contact = value(&invite, HeaderId::Contact);
    assert_eq!(contact, "<sip:10.0.0.1:5060;transport=tcp>");
    world.answer(second, &invite, 486);
    assert_eq!(world.told_what(node), ["486"]);
    world.finish();
}

#[test]
fn a_503_is_acknowledged_as_often_as_it_comes_and_the_next_is_asked() {
    let (mut world, node, [first, second, _]) = world();
    send(&mut world, node, INVITE);
    let refused = world.phone_answers(first, "INVITE", 503);
    world.hear_what(first, "ACK");
    let invite = world.phone_answers(second, "INVITE", 180);
    // The ACK was lost.
    world.answer(first, &refused, 503);
    world.hear_what(first, "ACK");
    world.answer(second, &invite, 486);
    assert_eq!(world.told_what(node), ["180", "486"]);
    world.finish();
}

#[test]
fn when_all_have_failed_the_last_result_is_the_result() {
    let (mut world, node, servers) = world();
    send(&mut world, node, INVITE);
    for server in servers {
        world.phone_answers(server, "INVITE", 503);
        world.hear_what(server, "ACK");
    }
    assert_eq!(world.told_what(node), ["503"]);
    // Now the last one does not answer at all.
    world.run_secs(120);
    world.swallow("10.0.0.23");
    send(&mut world, node, OPTIONS);
    for server in &servers[..2] {
        let options = world.hear_what(*server, "OPTIONS");
        world.answer(*server, &options, 503);
    }
    world.run_ms(32_100);
    assert_eq!(world.told_what(node), ["408"]);
    world.finish();
}

#[test]
fn when_all_are_dead_the_request_ends_in_one_408() {
    let (mut world, node, _) = world();
    for host in ["10.0.0.21", "10.0.0.22", "10.0.0.23"] {
        world.swallow(host);
    }
    send(&mut world, node, INVITE);
    world.run_secs(97);
    assert_eq!(world.told_what(node), ["408"]);
    assert_eq!(world.counters(node).time_lost, Duration::from_secs(64));
    world.finish();
}

#[test]
fn other_failures_are_final() {
    for code in [404, 480, 500, 504, 603] {
        let (mut world, node, [first, second, _]) = world();
        send(&mut world, node, INVITE);
        world.phone_answers(first, "INVITE", code);
        assert_eq!(world.told_what(node), [code.to_string()]);
        assert!(world.heard(second).is_empty());
        world.finish();
    }
}

#[test]
fn a_503_of_the_only_destination_is_delivered_as_it_is() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.request(node, "INVITE sip:bob@10.0.0.9 SIP/2.0\r\n");
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    let text = answer(&invite, 503, "b", &["Retry-After: 7"], "");
    world.say_back(phone, &invite, text);
    world.settle();
    let told = world.next_told(node);
    assert_eq!(told.message.status(), Some(503));
    assert_eq!(value(&told.message, HeaderId::RetryAfter), "7");
    world.finish();
}

#[test]
fn the_dialog_of_a_fork_that_gave_up_is_gone() {
    let (mut world, node, [first, second, _]) = world();
    let sent = send(&mut world, node, INVITE);
    let invite = world.phone_answers(first, "INVITE", 183);
    assert_eq!(world.census(node).dialogs, 1);
    world.answer(first, &invite, 503);
    assert_eq!(world.census(node).dialogs, 0);
    world.phone_answers(second, "INVITE", 200);
    assert_eq!(world.told_what(node), ["183", "200"]);
    world.app_asks(node, second, &sent.dialog_id(), ACK);
    world.app_hangs_up(node, second, &sent.dialog_id());
    world.finish();
}

#[test]
fn a_cancelled_call_tries_no_other_destination() {
    let (mut world, node, [_, second, _]) = world();
    world.swallow("10.0.0.21");
    let sent = send(&mut world, node, INVITE);
    world.run_secs(5);
    world.cancel(node, sent.transaction);
    world.run_secs(40);
    assert_eq!(world.told_what(node), ["487"]);
    assert!(world.heard(second).is_empty());
    world.finish();
}

#[test]
fn a_cancel_goes_to_the_destination_that_is_used() {
    let (mut world, node, [first, second, _]) = world();
    let sent = send(&mut world, node, INVITE);
    world.phone_answers(first, "INVITE", 503);
    world.hear_what(first, "ACK");
    let invite = world.phone_answers(second, "INVITE", 180);
    world.cancel(node, sent.transaction);
    world.settle();
    let cancel = world.hear_what(second, "CANCEL");
    assert_eq!(value(&cancel, HeaderId::Via), value(&invite, HeaderId::Via));
    assert!(world.heard(first).is_empty());
    world.answer(second, &cancel, 200);
    world.answer(second, &invite, 487);
    world.hear_what(second, "ACK");
    assert_eq!(world.told_what(node), ["180", "487"]);
    world.finish();
}

#[test]
fn a_failure_report_of_an_old_destination_does_not_concern_the_new_one() {
    let (mut world, node, [first, second, _]) = world();
    send(&mut world, node, INVITE);
    let invite = world.hear_what(first, "INVITE");
    // The ACK to the 503 is on its way when the host goes away.
    world.cut_off("10.0.0.21");
    world.answer(first, &invite, 503);
    world.phone_answers(second, "INVITE", 486);
    assert_eq!(world.told_what(node), ["486"]);
    world.finish();
}

#[test]
fn a_request_in_a_dialog_fails_over_too() {
    let (mut world, node, [first, second, _]) = world();
    let sent = send(&mut world, node, INVITE);
    let invite = world.hear_what(first, "INVITE");
    let ok = answer(&invite, 200, "b", &["Contact: <sip:bob@example.com>"], "");
    world.say_back(first, &invite, ok);
    world.settle();
    let dialog = sent.dialog_id();
    world.give(node, request_in(&dialog, ACK));
    world.settle();
    world.hear_what(first, "ACK");
    world.give(node, request_in(&dialog, INFO));
    world.settle();
    let info = world.phone_answers(first, "INFO", 503);
    let again = world.hear_what(second, "INFO");
    assert_eq!(without_via(&again), without_via(&info));
    world.answer(second, &again, 200);
    world.give(node, request_in(&dialog, BYE));
    world.settle();
    // Where the peer was heard last.
    world.phone_answers(first, "BYE", 200);
    assert_eq!(world.told_what(node), ["200", "200", "200"]);
    world.finish();
}

#[test]
fn a_branch_of_a_proxied_request_fails_over() {
    for silent in [false, true] {
        let mut world = World::new(1);
        let proxying = world.proxying("INVITE");
        let [first, second, _] = proxying.callees;
        world.service("example.com", &TWO_SERVERS);
        if silent {
            world.swallow("10.0.0.21");
        }
        let mut to_name = plan(&["sip:bob@example.com"]);
        to_name.remain_in_dialog = true;
        let command = world.proxy(proxying.node, proxying.id, to_name);
        world.settle();
        if silent {
            world.run_ms(32_100);
        } else {
            world.phone_answers(first, "INVITE", 503);
            world.hear_what(first, "ACK");
        }
        let invite = world.hear_what(second, "INVITE");
        assert_eq!(invite.values(HeaderId::RecordRoute).count(), 1);
        world.answer(second, &invite, 486);
        world.hear_what(second, "ACK");
        world.caller_is_refused(&proxying, 486);
        assert_eq!(world.proxy_replies(proxying.node, command), ["486", "done"]);
        world.finish();
    }
}

#[test]
fn a_branch_without_a_destination_left_counts_as_before() {
    let mut world = World::new(1);
    let proxying = world.proxying("INVITE");
    let [first, second, third] = proxying.callees;
    world.service("example.com", &TWO_SERVERS);
    let destinations = plan(&["sip:bob@example.com", "sip:bob@10.0.0.23"]);
    let command = world.proxy(proxying.node, proxying.id, destinations);
    world.settle();
    for server in [first, second] {
        world.phone_answers(server, "INVITE", 503);
        world.hear_what(server, "ACK");
    }
    world.phone_answers(third, "INVITE", 404);
    world.caller_is_refused(&proxying, 404);
    let replies = world.proxy_replies(proxying.node, command);
    assert_eq!(replies, ["503", "404", "done"]);
    world.finish();
}

#[test]
fn a_cancelled_branch_tries_no_other_destination() {
    let mut world = World::new(1);
    let proxying = world.proxying("INVITE");
    let [first, second, _] = proxying.callees;
    world.service("example.com", &TWO_SERVERS);
    world.proxy(proxying.node, proxying.id, plan(&["sip:bob@example.com"]));
    world.settle();
    let invite = world.phone_answers(first, "INVITE", 180);
    world.caller_cancels(&proxying);
    world.phone_answers(first, "CANCEL", 200);
    world.answer(first, &invite, 503);
    assert!(world.heard(second).is_empty());
    let ended = world.heard_what(proxying.caller);
    assert!(ended.ends_with(&["500".to_string()]), "{ended:?}");
    world.finish();
}

#[test]
fn every_call_of_a_lossy_network_ends_once() {
    for seed in 1..20 {
        let mut world = World::new(seed);
        let second = world.phone("10.0.0.22:5060");
        world.service("example.com", &TWO_SERVERS);
        let node = world.node("10.0.0.1:5060");
        world.set_link(Link::bad());
        let first = world.phone("10.0.0.21:5060");
        let ids: Vec<_> = (0..10)
            .map(|_| world.give(node, request(OPTIONS)))
            .collect();
        for _ in 0..200 {
            world.run_ms(250);
            for options in world.heard(first) {
                let text = answer(&options, 503, "b", &[], "");
                world.say_back(first, &options, text);
            }
            for options in world.heard(second) {
                let text = answer(&options, 200, "b", &[], "");
                world.say_back(second, &options, text);
            }
        }
        world.run_secs(100);
        for id in ids {
            assert!(matches!(world.reply(node, id), Reply::Sent { .. }));
        }
        assert_eq!(world.told(node).len(), 10, "seed {seed}");
        world.finish();
    }
}
