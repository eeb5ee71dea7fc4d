//! RFC 3261 §16.10: an application stops the search that it has begun.

use crate::world::{cancel, World};
use drachtio::engine::Reply;

#[test]
fn what_rings_is_cancelled_and_the_caller_hears_480() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0, 1]);
    let [a, b, _] = call.callees;
    world.answer(a, &invite, 180);
    let stop = world.give(call.node, cancel(call.id));
    assert!(matches!(world.reply(call.node, stop), Reply::Done));
    world.settle();
    world.hear_what(a, "CANCEL");
    world.answer(a, &invite, 487);
    assert!(world.heard(b).is_empty());
    world.hear_what(call.caller, "180");
    world.caller_is_refused(&call, 480);
    let replies = world.search_replies(&call);
    assert_eq!(replies, ["487", "480", "done"]);
    world.finish();
}

#[test]
fn the_best_of_what_was_said_goes_back() {
    let mut world = World::new(1);
    let (call, invites) = world.parallel_search("INVITE", &[0, 1]);
    let [a, b, _] = call.callees;
    world.answer(a, &invites[0], 486);
    world.answer(b, &invites[1], 180);
    world.give(call.node, cancel(call.id));
    world.settle();
    world.answer(b, &invites[1], 487);
    world.hear_what(call.caller, "180");
    world.caller_is_refused(&call, 486);
    world.finish();
}

#[test]
fn a_2xx_that_crosses_the_stop_is_the_callers() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, ..] = call.callees;
    world.answer(a, &invite, 180);
    world.give(call.node, cancel(call.id));
    world.settle();
    world.hear_what(a, "CANCEL");
    world.answer(a, &invite, 200);
    assert_eq!(world.heard_what(call.caller), ["180", "200"]);
    assert_eq!(world.search_replies(&call), ["200", "done"]);
    world.finish();
}

#[test]
fn a_request_that_cannot_be_cancelled_is_waited_for_no_longer() {
    let mut world = World::new(1);
    let (call, message) = world.search("MESSAGE", &[0]);
    let [a, ..] = call.callees;
    world.give(call.node, cancel(call.id));
    world.settle();
    world.hear_what(call.caller, "480");
    world.answer(a, &message, 200);
    assert!(world.heard(call.caller).is_empty());
    assert_eq!(world.search_replies(&call), ["480", "done"]);
    world.finish();
}

#[test]
fn a_search_that_is_over_or_somebody_elses_cannot_be_stopped() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, ..] = call.callees;
    let unknown = format!("unable to cancel unknown transaction id: {}", call.id);
    let refusal = world.refused(call.node, cancel(call.id));
    assert_eq!(refusal.to_string(), unknown, "it is not proxied yet");
    world.proxy(call.node, call.id, call.plan(&[0]));
    let other = world.give_as(call.node, drachtio::engine::AppId(9), cancel(call.id));
    world.refusal(call.node, other);
    world.settle();
    world.phone_answers(a, "INVITE", 200);
    let refusal = world.refused(call.node, cancel(call.id));
    assert_eq!(refusal.to_string(), unknown);
    world.finish();
}
