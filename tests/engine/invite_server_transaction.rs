//! RFC 3261 §17.2.1, RFC 6026 §8.5: an INVITE that is received, until its last timer has run.

use std::time::Duration;

use crate::world::{World, BUSY, OK, RINGING};

#[test]
fn an_invite_is_answered_100_at_once_and_told_once() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    for _ in 0..3 {
        world.say(phone, node, &invite);
        world.settle();
    }
    assert_eq!(world.heard_what(phone), ["100", "100", "100"]);
    assert_eq!(world.told_what(node), ["INVITE"]);
    assert_eq!(world.counters(node).repeated_requests, 2);
}

#[test]
fn a_repeated_invite_is_answered_with_the_last_response() {
    let mut world = World::new(1);
    let (node, phone, alice, id) = world.inbound("INVITE");
    world.respond(node, id, RINGING);
    world.settle();
    world.say(phone, node, &alice.last);
    world.settle();
    assert_eq!(world.heard_what(phone), ["100", "180", "180"]);

    world.respond(node, id, BUSY);
    world.settle();
    world.say(phone, node, &alice.last);
    world.settle();
    let answers = world.heard(phone);
    assert_eq!(answers[0].text(), answers[1].text());
    world.say(phone, node, alice.ack_failure(&answers[0]));
    world.finish();
}

#[test]
fn a_failure_is_repeated_until_its_ack() {
    let mut world = World::new(1);
    let (node, phone, alice, id) = world.inbound("INVITE");
    world.respond(node, id, BUSY);
    world.run_secs(13);
    let busy: Vec<_> = world
        .heard(phone)
        .into_iter()
        .filter(|heard| heard.status() == Some(486))
        .collect();
    // Timer G begins with T1 and doubles up to T2.
    let gaps: Vec<Duration> = busy.windows(2).map(|two| two[1].at - two[0].at).collect();
    let expected = [500, 1000, 2000, 4000, 4000].map(Duration::from_millis);
    assert_eq!(gaps, expected);

    let ack = alice.ack_failure(&busy[0]);
    world.say(phone, node, &ack);
    world.run_secs(4);
    assert!(world.heard(phone).is_empty());
    // Timer I: repeated ACKs are absorbed for T4.
    assert_eq!(world.census(node).server_transactions, 1);
    world.say(phone, node, &ack);
    world.run_secs(2);
    assert!(world.census(node).is_empty());
    assert!(
        world.told(node).is_empty(),
        "the ACK to a failure is not told"
    );
    world.finish();
}

#[test]
fn a_failure_whose_ack_never_comes_is_given_up_after_32_s() {
    let mut world = World::new(1);
    let (node, _, _, id) = world.inbound("INVITE");
    world.respond(node, id, BUSY);
    world.run_ms(31_900);
    assert_eq!(world.census(node).server_transactions, 1);
    world.run_ms(200);
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn over_a_stream_a_failure_is_sent_once_and_its_ack_ends_all() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060").by_tcp();
    let (alice, id) = world.inbound_from(phone, node, "INVITE");
    world.respond(node, id, BUSY);
    world.run_secs(10);
    world.hear_what(phone, "100");
    let busy = world.hear_what(phone, "486");
    assert!(world.heard(phone).is_empty());
    world.say(phone, node, alice.ack_failure(&busy));
    world.settle();
    world.run_ms(1);
    assert!(world.census(node).is_empty());
    assert_eq!(world.connections_made(), 1);
    world.finish();
}

#[test]
fn an_invite_repeated_after_its_2xx_is_absorbed() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("INVITE");
    let invite = alice.last.clone();
    world.respond(node, id, OK);
    world.phone_is_answered(phone, &mut alice);
    world.phone_acknowledges(phone, node, &mut alice);
    assert_eq!(world.told_what(node), ["ACK"]);

    world.say(phone, node, &invite);
    world.run_secs(5);
    assert!(world.heard(phone).is_empty());
    assert!(world.told(node).is_empty());

    world.phone_asks(phone, node, &mut alice, "BYE");
    let bye = world.next_told(node).id();
    world.respond(node, bye, OK);
    world.finish();
}

#[test]
fn a_second_final_response_is_refused() {
    let mut world = World::new(1);
    let (node, _, _, id) = world.inbound("INVITE");
    world.respond(node, id, BUSY);
    for text in [OK, RINGING, BUSY] {
        let refusal = world.refused(node, crate::world::respond(id, text));
        assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_TRANSACTION");
    }
    world.finish();
}

#[test]
fn an_ack_to_a_failure_with_another_branch_changes_nothing() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("INVITE");
    world.respond(node, id, BUSY);
    world.phone_acknowledges(phone, node, &mut alice);
    assert!(world.told(node).is_empty());
    assert_eq!(world.census(node).server_transactions, 1);
    world.finish();
}
