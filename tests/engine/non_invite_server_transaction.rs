//! RFC 3261 §17.2.2: a request other than INVITE that is received.

use crate::world::{World, OK};

#[test]
fn a_repeated_request_is_told_once_and_answered_when_the_answer_is_there() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let options = world.ua(phone, "sip:10.0.0.1").request("OPTIONS");
    for _ in 0..3 {
        world.say(phone, node, &options);
        world.run_ms(500);
    }
    assert!(
        world.heard(phone).is_empty(),
        "nothing answers for the application"
    );
    let told = world.told(node);
    assert_eq!(told.len(), 1);
    world.respond(node, told[0].id(), OK);
    for _ in 0..2 {
        world.say(phone, node, &options);
        world.settle();
    }
    let answers = world.heard(phone);
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|one| one.text() == answers[0].text()));
    assert!(world.told(node).is_empty());
    world.finish();
}

#[test]
fn the_answer_is_kept_for_32_s_over_datagrams_and_not_at_all_over_a_stream() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    for phone in [phone, phone.by_tcp()] {
        let options = world.ua(phone, "sip:10.0.0.1").request("OPTIONS");
        world.say(phone, node, &options);
        world.settle();
        let id = world.next_told(node).id();
        world.respond(node, id, OK);
    }
    world.settle();
    world.run_ms(1);
    assert_eq!(world.census(node).server_transactions, 1);
    // Timer J.
    world.run_ms(31_900);
    assert_eq!(world.census(node).server_transactions, 1);
    world.run_ms(200);
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn a_provisional_response_is_repeated_too() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let options = world.ua(phone, "sip:10.0.0.1").request("OPTIONS");
    world.say(phone, node, &options);
    world.settle();
    let id = world.next_told(node).id();
    world.respond(node, id, "SIP/2.0 182 Queued\r\n");
    world.settle();
    world.say(phone, node, &options);
    world.settle();
    world.respond(node, id, OK);
    world.settle();
    assert_eq!(world.heard_what(phone), ["182", "182", "200"]);
    world.finish();
}

#[test]
fn an_answer_over_a_closed_connection_goes_to_the_via_over_a_new_one() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060").by_tcp();
    let options = world.ua(phone, "sip:10.0.0.1").request("OPTIONS");
    world.say(phone, node, &options);
    world.settle();
    world.close_connections(phone);
    world.app_accepts(node);
    // RFC 3261 §18.2.2: to the address of the request and the port of the sent-by.
    assert_eq!(world.heard_what(phone), ["200"]);
    assert_eq!(world.connections_made(), 2);
    world.finish();
}
