//! What is measured of calls: the time to ringing, to the answer, and of the application.

use std::time::Duration;

use crate::world::{answer, draft, World, ACK, BYE, OK, RINGING};
use drachtio::engine::{Action, Histogram};

fn seen(histogram: &Histogram) -> (u64, Duration) {
    (histogram.count(), histogram.sum())
}

#[test]
fn a_call_that_comes_in_is_timed_until_it_rings_and_until_it_is_answered() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    let mut ua = world.ua(phone, "sip:bob@10.0.0.1");
    let invite = ua.request("INVITE");
    world.say(phone, node, invite);
    world.settle();
    let id = world.next_told(node).id();
    world.run_secs(2);
    world.respond(node, id, RINGING);
    world.respond(node, id, RINGING);
    world.run_secs(5);
    world.give(
        node,
        Action::Respond {
            transaction: id,
            message: draft(OK),
        },
    );
    world.settle();
    let ok = world.heard(phone).pop().unwrap();
    assert_eq!(ok.status(), Some(200));
    ua.answered(&ok);
    let ack = ua.ack();
    world.say(phone, node, ack);
    world.settle();
    assert_eq!(world.told_what(node), ["ACK"]);
    let latencies = world.latencies(node);
    for (histogram, seconds) in [
        (&latencies.ringing_in, 2),
        (&latencies.answer_in, 7),
        (&latencies.application, 2),
    ] {
        let (count, sum) = seen(histogram);
        assert_eq!((count, sum.as_secs()), (1, seconds));
    }
    assert_eq!(seen(&latencies.answer_out).0, 0);
    world.phone_hangs_up(phone, node, &mut ua);
    world.finish();
}

#[test]
fn a_call_that_is_made_is_timed_and_a_reinvite_is_not() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060");
    let (_, dialog) = world.call_out(node, phone);
    world.heard(phone);
    let before = seen(&world.latencies(node).answer_out).0;
    assert_eq!(before, 1);
    world.request_in(node, &dialog, "INVITE sip:x SIP/2.0\r\n");
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    world.say_back(phone, &invite, answer(&invite, 200, "b", &[], ""));
    world.settle();
    world.request_in(node, &dialog, ACK);
    assert_eq!(seen(&world.latencies(node).answer_out).0, before);
    world.settle();
    world.hear_what(phone, "ACK");
    world.request_in(node, &dialog, BYE);
    world.settle();
    let bye = world.hear_what(phone, "BYE");
    world.answer(phone, &bye, 200);
    world.finish();
}
