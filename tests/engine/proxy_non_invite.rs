//! RFC 4320: requests that are no INVITE have a fixed time, and a proxy says nothing useless in it.

use std::time::Duration;

use crate::world::World;

#[test]
fn a_100_is_sent_when_the_caller_repeats_itself_at_the_longest_interval_and_not_before() {
    let mut world = World::new(1);
    let (call, message) = world.search("MESSAGE", &[0]);
    let callee = call.callees[0];
    world.run_ms(3_400);
    assert!(world.heard(call.caller).is_empty());
    world.run_ms(200);
    assert_eq!(world.heard_what(call.caller), ["100"]);
    // A repetition is answered with it.
    world.say(call.caller, call.node, &call.request);
    world.settle();
    assert_eq!(world.heard_what(call.caller), ["100"]);
    world.answer(callee, &message, 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    world.finish();
}

#[test]
fn no_100_is_sent_when_it_has_been_answered() {
    let mut world = World::new(1);
    let (call, message) = world.search("MESSAGE", &[0]);
    let callee = call.callees[0];
    world.answer(callee, &message, 200);
    world.run_secs(10);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    world.finish();
}

#[test]
fn provisional_responses_of_the_callee_go_no_further() {
    let mut world = World::new(1);
    let (call, message) = world.search("MESSAGE", &[0]);
    let callee = call.callees[0];
    for code in [100, 180, 183] {
        world.answer(callee, &message, code);
    }
    assert!(world.heard(call.caller).is_empty());
    world.answer(callee, &message, 404);
    assert_eq!(world.heard_what(call.caller), ["404"]);
    world.finish();
}

#[test]
fn a_callee_that_says_408_or_nothing_is_a_504_while_the_caller_waits() {
    for says in [None, Some(408)] {
        let mut world = World::new(1);
        let (call, message) = world.search_told("MESSAGE", &[0], |plan| {
            plan.final_timeout = Some(Duration::from_secs(2))
        });
        let callee = call.callees[0];
        if let Some(code) = says {
            world.answer(callee, &message, code);
        }
        world.run_secs(3);
        assert_eq!(world.heard_what(call.caller), ["504"]);
        let replies = world.search_replies(&call);
        assert_eq!(replies[replies.len() - 2..], ["504", "done"]);
        world.finish();
    }
}

#[test]
fn nothing_is_sent_to_a_caller_that_has_given_up() {
    let mut world = World::new(1);
    let (call, message) = world.search("MESSAGE", &[0]);
    let callee = call.callees[0];
    world.run_secs(33);
    assert_eq!(world.heard_what(call.caller), ["100"]);
    assert_eq!(world.search_replies(&call), ["408", "done"]);
    // What comes now is late: it ends here, as does a repetition of the request.
    world.answer(callee, &message, 200);
    world.say(call.caller, call.node, &call.request);
    world.settle();
    assert!(world.heard(call.caller).is_empty());
    assert!(world.told(call.node).is_empty());
    world.finish();
}

#[test]
fn a_target_that_is_tried_after_32_s_may_answer_a_caller_that_is_still_there() {
    let mut world = World::new(1);
    let call = world.proxying("MESSAGE");
    let [_, b, _] = call.callees;
    world.proxy(call.node, call.id, call.plan(&[0, 1]));
    world.run_secs(33);
    world.phone_answers(b, "MESSAGE", 200);
    assert_eq!(world.heard_what(call.caller), ["100", "200"]);
    world.finish();
}
