//! RFC 3261 §16.10: the caller cancels a proxied INVITE, at each stage of it.

use std::time::Duration;

use crate::world::{at_once, companion, value, Proxying, World};
use drachtio::message::HeaderId;

/// The caller cancels: it gets a 200 to that at once.
fn cancel(world: &mut World, call: &Proxying) {
    let cancel = companion(&call.request, "CANCEL", None);
    world.say(call.caller, call.node, cancel);
    world.settle();
    let ok = world.hear_what(call.caller, "200");
    assert_eq!(value(&ok, HeaderId::CSeq), "1 CANCEL");
    let told = world.next_told(call.node);
    assert_eq!((told.what().as_str(), told.id()), ("CANCEL", call.id));
}

fn terminated(world: &mut World, call: &Proxying) {
    let terminated = world.hear_what(call.caller, "487");
    world.acknowledge_failure(call, &terminated);
}

#[test]
fn before_the_application_has_decided() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    cancel(&mut world, &call);
    terminated(&mut world, &call);
    let command = world.proxy(call.node, call.id, call.plan(&[0]));
    let unknown = format!("Unknown transaction id: {}", call.id);
    assert_eq!(world.proxy_replies(call.node, command), [unknown]);
    assert!(world.heard(call.callees[0]).is_empty());
    world.finish();
}

#[test]
fn while_it_rings() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, b, _] = call.callees;
    let command = world.proxy(call.node, call.id, call.plan(&[0, 1]));
    world.settle();
    let invite = world.hear_what(a, "INVITE");
    world.answer(a, &invite, 180);
    world.hear_what(call.caller, "180");
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
    terminated(&mut world, &call);
    assert!(
        world.heard(b).is_empty(),
        "the next destination is not tried"
    );
    assert_eq!(world.proxy_replies(call.node, command), ["487", "done"]);
    world.finish();
}

#[test]
fn before_the_callee_has_answered_at_all() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, ..] = call.callees;
    world.proxy(call.node, call.id, call.plan(&[0, 1]));
    world.settle();
    let invite = world.hear_what(a, "INVITE");
    cancel(&mut world, &call);
    assert!(
        world.heard(a).is_empty(),
        "a CANCEL may follow only a response"
    );
    world.answer(a, &invite, 100);
    world.hear_what(a, "CANCEL");
    world.answer(a, &invite, 487);
    terminated(&mut world, &call);
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
    terminated(&mut world, &call);
    assert!(world.heard(call.callees[1]).is_empty());
    assert_eq!(world.proxy_replies(call.node, command), ["487", "done"]);
    world.finish();
}

#[test]
fn a_callee_that_ignores_the_cancel() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, ..] = call.callees;
    world.proxy(call.node, call.id, call.plan(&[0]));
    world.settle();
    let invite = world.hear_what(a, "INVITE");
    world.answer(a, &invite, 180);
    world.hear_what(call.caller, "180");
    cancel(&mut world, &call);
    world.run_ms(33_000);
    terminated(&mut world, &call);
    world.finish();
}

#[test]
fn when_the_200_crosses_it() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, ..] = call.callees;
    let command = world.proxy(call.node, call.id, call.plan(&[0]));
    world.settle();
    let invite = world.hear_what(a, "INVITE");
    world.answer(a, &invite, 180);
    world.hear_what(call.caller, "180");
    cancel(&mut world, &call);
    world.hear_what(a, "CANCEL");
    world.answer(a, &invite, 200);
    world.hear_what(call.caller, "200");
    assert_eq!(world.proxy_replies(call.node, command), ["200", "done"]);
    world.finish();
}

#[test]
fn after_the_final_response() {
    for code in [200, 486] {
        let mut world = World::new(1);
        let call = world.proxying("INVITE");
        let [a, ..] = call.callees;
        world.proxy(call.node, call.id, call.plan(&[0]));
        world.settle();
        let invite = world.hear_what(a, "INVITE");
        world.answer(a, &invite, code);
        world.hear_what(call.caller, &code.to_string());
        let late = companion(&call.request, "CANCEL", None);
        world.say(call.caller, call.node, late);
        world.settle();
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
    let call = world.proxying("INVITE");
    let mut plan = call.plan(&[0, 1, 2]);
    plan = at_once(plan);
    let command = world.proxy(call.node, call.id, plan);
    world.settle();
    let invites = call.callees.map(|callee| world.hear_what(callee, "INVITE"));
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
    let best = world.hear(call.caller);
    assert_eq!(best.status(), Some(486));
    world.acknowledge_failure(&call, &best);
    assert_eq!(
        world.proxy_replies(call.node, command).last().unwrap(),
        "done"
    );
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
    let call = world.proxying("INVITE");
    let [a, ..] = call.callees;
    world.proxy(call.node, call.id, call.plan(&[0]));
    world.settle();
    let invite = world.hear_what(a, "INVITE");
    world.answer(a, &invite, 180);
    world.hear_what(call.caller, "180");
    cancel(&mut world, &call);
    let again = companion(&call.request, "CANCEL", None);
    world.say(call.caller, call.node, again);
    world.settle();
    world.hear_what(call.caller, "200");
    assert!(world.told(call.node).is_empty());
    assert_eq!(world.heard_what(a), ["CANCEL"]);
    world.answer(a, &invite, 487);
    terminated(&mut world, &call);
    world.finish();
}

#[test]
fn other_requests_cannot_be_cancelled() {
    let mut world = World::new(1);
    let call = world.proxying("MESSAGE");
    let [a, ..] = call.callees;
    world.proxy(call.node, call.id, call.plan(&[0]));
    world.say(
        call.caller,
        call.node,
        companion(&call.request, "CANCEL", None),
    );
    world.settle();
    world.hear_what(call.caller, "481");
    let message = world.hear_what(a, "MESSAGE");
    assert!(world.heard(a).is_empty());
    world.answer(a, &message, 200);
    world.hear_what(call.caller, "200");
    world.finish();
}
