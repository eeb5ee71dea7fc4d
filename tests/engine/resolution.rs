//! RFC 3263 §4: name servers that fail, hang or answer late do no harm to calls.

use std::time::Duration;

use crate::world::{answer, companion, plan, request, request_in, sent, value, World, ACK, BYE};
use drachtio::engine::{Reply, Transport};
use drachtio::message::HeaderId;

const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n";

#[test]
fn a_name_that_cannot_be_resolved_is_one_refusal() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    world.set_look_up_time(Duration::from_secs(10));
    let id = world.give(node, request(INVITE));
    world.run_secs(9);
    assert!(world.replies(node, id).is_empty());
    world.run_secs(2);
    match world.reply(node, id) {
        Reply::Refused(refusal) => assert_eq!(refusal.code(), "DRT_ERR_NAME_NOT_RESOLVED"),
        other => panic!("{other:?}"),
    }
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn calls_to_other_places_go_on_while_a_name_server_hangs() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.set_look_up_time(Duration::from_secs(3600));
    world.give(node, request(INVITE));
    world.request(node, "OPTIONS sip:10.0.0.9 SIP/2.0\r\n");
    world.run_ms(10);
    let options = world.hear_what(phone, "OPTIONS");
    world.say_back(phone, &options, answer(&options, 200, "b", &[], ""));
    world.run_ms(10);
    assert_eq!(world.told_what(node), ["200"]);
    world.finish();
}

#[test]
fn an_answer_after_the_cancel_starts_nothing() {
    let mut world = World::new(1);
    let proxying = world.proxying("INVITE");
    world.name("example.com", &["10.0.0.21"]);
    world.set_look_up_time(Duration::from_secs(5));
    world.proxy(proxying.node, proxying.id, plan(&["sip:bob@example.com"]));
    world.run_secs(1);
    let cancel = companion(&proxying.request, "CANCEL", None);
    world.say(proxying.caller, proxying.node, cancel);
    world.run_ms(50);
    world.hear_what(proxying.caller, "200");
    world.caller_is_refused(&proxying, 487);
    world.run_secs(10);
    assert!(world.heard(proxying.callees[0]).is_empty());
    world.finish();
}

#[test]
fn an_answer_after_the_application_has_gone_starts_nothing() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.name("example.com", &["10.0.0.9"]);
    world.set_look_up_time(Duration::from_secs(5));
    world.give(node, request(INVITE));
    world.run_secs(1);
    world.app_goes(node, drachtio::engine::AppId(1));
    world.run_secs(10);
    assert!(world.heard(phone).is_empty());
    world.finish();
}

#[test]
fn a_branch_whose_name_server_hangs_is_given_up_for_the_next() {
    let mut world = World::new(1);
    let proxying = world.proxying("INVITE");
    let [_, second, _] = proxying.callees;
    world.set_look_up_time(Duration::from_secs(60));
    let mut destinations = plan(&["sip:bob@example.com", "sip:bob@10.0.0.22"]);
    destinations.provisional_timeout = Some(Duration::from_secs(2));
    world.proxy(proxying.node, proxying.id, destinations);
    world.run_ms(2_100);
    world.phone_answers(second, "INVITE", 486);
    world.caller_is_refused(&proxying, 486);
    world.finish();
}

#[test]
fn in_a_dialog_the_way_that_works_is_kept() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let servers = [21, 22].map(|host| world.phone(&format!("10.0.0.{host}:5060")));
    let ways = [
        (Transport::Udp, "10.0.0.21:5060"),
        (Transport::Udp, "10.0.0.22:5060"),
    ];
    world.service("example.com", &ways);
    let id = world.give(node, request(INVITE));
    world.settle();
    let dialog = sent(world.reply(node, id)).dialog_id();
    let invite = world.hear_what(servers[0], "INVITE");
    let contact = "Contact: <sip:bob@example.com>";
    world.say_back(
        servers[0],
        &invite,
        answer(&invite, 200, "b", &[contact], ""),
    );
    world.settle();
    // The next draw is another one.
    world.service("example.com", &[ways[1], ways[0]]);
    for text in [ACK, BYE] {
        world.give(node, request_in(&dialog, text));
        world.settle();
    }
    world.hear_what(servers[0], "ACK");
    let bye = world.hear_what(servers[0], "BYE");
    assert!(value(&bye, HeaderId::Via).contains("10.0.0.1"));
    world.say_back(servers[0], &bye, answer(&bye, 200, "b", &[], ""));
    world.finish();
}
