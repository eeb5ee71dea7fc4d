//! RFC 3261 §16.10: the caller cancels a proxied INVITE, at each stage of it.

use std::time::Duration;

use crate::world::{companion, value, Proxying, World};
use drachtio::message::HeaderId;

/// The caller cancels: it gets a 200 to that at once.
fn cancel(world: &mut World, call: &Proxying) {
    world.caller_cancels(call);
    let ok = world.hear_what(call.caller, "200");
    assert_eq!(value(&ok, HeaderId::CSeq), "1 CANCEL");
    let told = world.next_told(call.node);
    assert_eq!((told.what().as_str(), told.id()), ("CANCEL", call.id));
}

#[test]
fn before_the_application_has_decided() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    cancel(&mut world, &call);
    world.caller_is_refused(&call, 487);
    let command = world.proxy(call.node, call.id, call.plan(&[0]));
    let unknown = format!("Unknown transaction id: {}", call.id);
    assert_eq!(world.proxy_replies(call.node, command), [unknown]);
    assert!(world.heard(call.callees[0]).is_empty());
    world.finish();
}

#[test]
fn while_it_rings() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0, 1]);
    let [a, b, _] = call.callees;
    world.rings(&call, a, &invite);
    cancel(&mut world, &call);
    let ours = world.hear_what(a, "CANCEL");
    // §9.1: what it cancels is what was sent.
    assert_eq!(ours.request_uri(), invite.request_uri());
    let via = |message: &drachtio::message::Message| {
        let via = message.values(HeaderId::Via).next().unwrap();
        String::from_utf8(via.to_vec()).unwrap()
    };
    assert_eq!(via(&ours), via(&invite));
    assert_eq!(ours.values(HeaderId::Via).count(), 1);
    assert_eq!(
        value(&ours, HeaderId::CallId),
        value(&invite, HeaderId::CallId)
    );
    world.answer(a, &ours, 200);
    assert!(
        world.heard(call.caller).is_empty(),
        "the branch answers first"
    );
    world.answer(a, &invite, 487);
    world.caller_is_refused(&call, 487);
    assert!(
        world.heard(b).is_empty(),
        "the next destination is not tried"
    );
    assert_eq!(world.search_replies(&call), ["487", "done"]);
    world.finish();
}

#[test]
fn before_the_callee_has_answered_at_all() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0, 1]);
    let [a, ..] = call.callees;
    cancel(&mut world, &call);
    assert!(
        world.heard(a).is_empty(),
        "a CANCEL may follow only a response"
    );
    world.answer(a, &invite, 100);
    world.hear_what(a, "CANCEL");
    world.answer(a, &invite, 487);
    world.caller_is_refused(&call, 487);
    world.finish();
}

#[test]
fn a_callee_that_is_not_there() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let command = world.proxy(call.node, call.id, call.plan(&[0, 1]));
    world.settle();
    cancel(&mut world, &call);
    world.run_secs(33);
    world.caller_is_refused(&call, 487);
    assert!(world.heard(call.callees[1]).is_empty());
    assert_eq!(world.proxy_replies(call.node, command), ["487", "done"]);
    world.finish();
}

#[test]
fn a_callee_that_ignores_the_cancel() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, ..] = call.callees;
    world.rings(&call, a, &invite);
    cancel(&mut world, &call);
    world.run_ms(33_000);
    world.caller_is_refused(&call, 487);
    world.finish();
}

#[test]
fn when_the_200_crosses_it() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, ..] = call.callees;
    world.rings(&call, a, &invite);
    cancel(&mut world, &call);
    world.hear_what(a, "CANCEL");
    world.answer(a, &invite, 200);
    world.hear_what(call.caller, "200");
    assert_eq!(world.search_replies(&call), ["200", "done"]);
    world.finish();
}

#[test]
fn after_the_final_response() {
    for code in [200, 486] {
        let mut world = World::new(1);
        let (call, invite) = world.search("INVITE", &[0]);
        let [a, ..] = call.callees;
        world.answer(a, &invite, code);
        world.hear_what(call.caller, &code.to_string());
        world.caller_cancels(&call);
        let ok = world.hear_what(call.caller, "200");
        assert_eq!(value(&ok, HeaderId::CSeq), "1 CANCEL");
        assert!(!world.heard_what(a).contains(&"CANCEL".to_string()));
        assert!(world.told(call.node).is_empty());
        world.finish();
    }
}

#[test]
fn all_branches_are_cancelled() {
    let mut world = World::new(1);
    let (call, invites) = world.parallel_search("INVITE", &[0, 1, 2]);
    for at in [0, 1] {
        world.answer(call.callees[at], &invites[at], 180);
    }
    world.heard(call.caller);
    cancel(&mut world, &call);
    for at in [0, 1] {
        world.hear_what(call.callees[at], "CANCEL");
        world.answer(call.callees[at], &invites[at], 487);
    }
    assert!(world.heard(call.caller).is_empty());
    world.answer(call.callees[2], &invites[2], 486);
    world.caller_is_refused(&call, 486);
    assert_eq!(world.search_replies(&call).last().unwrap(), "done");
    world.finish();
}

#[test]
fn while_a_name_is_looked_up() {
    let mut world = World::new(1);
    world.name("b.example.com", &["10.0.0.21"]);
    world.set_look_up_time(Duration::from_secs(2));
    let call = world.proxying("INVITE");
    let plan = crate::world::plan(&["sip:b.example.com"]);
    let command = world.proxy(call.node, call.id, plan);
    world.say(
        call.caller,
        call.node,
        companion(&call.request, "CANCEL", None),
    );
    world.run_secs(1);
    let heard = world.heard(call.caller);
    assert_eq!(heard[0].status(), Some(200));
    assert_eq!(heard[1].status(), Some(487));
    world.acknowledge_failure(&call, &heard[1]);
    world.run_secs(2);
    assert!(world.heard(call.callees[0]).is_empty());
    assert_eq!(world.proxy_replies(call.node, command), ["487", "done"]);
    world.finish();
}

#[test]
fn a_repeated_cancel_is_answered_again() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, ..] = call.callees;
    world.rings(&call, a, &invite);
    cancel(&mut world, &call);
    world.caller_cancels(&call);
    world.hear_what(call.caller, "200");
    assert!(world.told(call.node).is_empty());
    assert_eq!(world.heard_what(a), ["CANCEL"]);
    world.answer(a, &invite, 487);
    world.caller_is_refused(&call, 487);
    world.finish();
}

#[test]
fn other_requests_cannot_be_cancelled() {
    let mut world = World::new(1);
    let call = world.proxying("MESSAGE");
    let [a, ..] = call.callees;
    world.proxy(call.node, call.id, call.plan(&[0]));
    world.caller_cancels(&call);
    world.hear_what(call.caller, "481");
    let message = world.hear_what(a, "MESSAGE");
    assert!(world.heard(a).is_empty());
    world.answer(a, &message, 200);
    world.hear_what(call.caller, "200");
    world.finish();
}
