//! What is measured of calls: the time to ringing, to the answer, and of the application.

use std::time::Duration;

use crate::world::{answer, draft, World, ACK, OK, REINVITE, RINGING};
use drachtio::engine::{Action, Histogram};

fn seen(histogram: &Histogram) -> (u64, Duration) {
    (histogram.count(), histogram.sum())
}

#[test]
fn a_call_that_comes_in_is_timed_until_it_rings_and_until_it_is_answered() {
    let mut world = World::new(1);
    let (node, phone, mut ua, id) = world.inbound("INVITE");
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
    world.phone_acknowledges(phone, node, &mut ua);
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
    let (node, phone, _, dialog) = world.outbound_call();
    world.heard(phone);
    let before = seen(&world.latencies(node).answer_out).0;
    assert_eq!(before, 1);
    let invite = world.app_asks(node, phone, &dialog, REINVITE);
    world.say_back(phone, &invite, answer(&invite, 200, "b", &[], ""));
    world.settle();
    world.request_in(node, &dialog, ACK);
    assert_eq!(seen(&world.latencies(node).answer_out).0, before);
    world.settle();
    world.hear_what(phone, "ACK");
    world.app_hangs_up(node, phone, &dialog);
    world.finish();
}
