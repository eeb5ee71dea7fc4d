//! RFC 3261 §16.7 step 5, §16.8: a callee that is heard when its branch has been given up, since
//! nothing had come in the time of timer B.

use crate::world::{companion, Heard, Proxying, World};

/// A call whose first destination has said nothing in time, and the INVITE that it has got.
fn unheard(world: &mut World, callees: &[usize]) -> (Proxying, Heard) {
    let call = world.proxying("INVITE");
    world.proxy(call.node, call.id, call.plan(callees));
    world.settle();
    let invite = world.hear_what(call.callees[0], "INVITE");
    world.run_ms(32_300);
    world.heard(call.callees[0]);
    (call, invite)
}

#[test]
fn its_2xx_is_the_call_while_the_search_goes_on_and_who_rings_is_cancelled() {
    let mut world = World::new(1);
    let (call, invite) = unheard(&mut world, &[0, 1]);
    let second = world.hear_what(call.callees[1], "INVITE");
    world.rings(&call, call.callees[1], &second);
    world.answer(call.callees[0], &invite, 200);
    let ok = world.hear_what(call.caller, "200");
    assert_eq!(ok.to_tag(), Some("tag-10.0.0.21"));
    world.phone_answers(call.callees[1], "CANCEL", 200);
    world.answer(call.callees[1], &second, 487);
    world.hear_what(call.callees[1], "ACK");
    // It is repeated until the caller acknowledges it, and goes back each time.
    world.answer(call.callees[0], &invite, 200);
    world.hear_what(call.caller, "200");
    assert!(world.heard(call.callees[0]).is_empty());
    world.finish();
}

#[test]
fn its_2xx_is_a_further_one_when_somebody_else_has_answered() {
    let mut world = World::new(1);
    let (call, invite) = unheard(&mut world, &[0, 1]);
    let second = world.hear_what(call.callees[1], "INVITE");
    for (callee, invite) in [(call.callees[1], &second), (call.callees[0], &invite)] {
        world.answer(callee, invite, 200);
        world.hear_what(call.caller, "200");
    }
    world.finish();
}

#[test]
fn its_2xx_is_acknowledged_and_ended_when_the_caller_has_been_refused() {
    let mut world = World::new(1);
    let (call, invite) = unheard(&mut world, &[0]);
    world.caller_is_refused(&call, 408);
    world.answer(call.callees[0], &invite, 200);
    world.hear_what(call.callees[0], "ACK");
    world.phone_answers(call.callees[0], "BYE", 200);
    assert!(world.heard(call.caller).is_empty());
    world.finish();
}

#[test]
fn it_is_cancelled_when_it_rings() {
    for callees in [&[0][..], &[0, 1]] {
        let mut world = World::new(1);
        let (call, invite) = unheard(&mut world, callees);
        world.heard(call.caller);
        world.answer(call.callees[0], &invite, 180);
        assert!(world.heard(call.caller).is_empty());
        world.phone_answers(call.callees[0], "CANCEL", 200);
        world.answer(call.callees[0], &invite, 487);
        world.hear_what(call.callees[0], "ACK");
        assert!(world.heard(call.caller).is_empty());
        if callees.len() > 1 {
            world.phone_answers(call.callees[1], "INVITE", 200);
            world.hear_what(call.caller, "200");
        }
        world.finish();
    }
}

#[test]
fn its_failure_is_acknowledged_and_may_be_the_best_there_is() {
    let mut world = World::new(1);
    let (call, invite) = unheard(&mut world, &[0, 1]);
    world.make_records(call.node);
    world.answer(call.callees[0], &invite, 603);
    world.hear_what(call.callees[0], "ACK");
    assert!(
        world.records(call.node).is_empty(),
        "it has been recorded as silent"
    );
    world.phone_answers(call.callees[1], "INVITE", 486);
    world.hear_what(call.callees[1], "ACK");
    let refused = world.hear_what(call.caller, "603");
    let ack = companion(&call.request, "ACK", Some(&refused));
    world.say(call.caller, call.node, ack);
    world.finish();
}
