//! RFC 3326 §3.1: whoever is cancelled is told why, so that its user is not shown a missed call.

use crate::world::{at_once, cancel, companion, draft, Heard, Proxying, World};
use drachtio::engine::Action;

/// Two callees that ring.
fn ringing(world: &mut World) -> (Proxying, [Heard; 2]) {
    let call = world.proxying("INVITE");
    world.proxy(call.node, call.id, at_once(call.plan(&[0, 1])));
    world.settle();
    let invites = [0, 1].map(|at| world.phone_answers(call.callees[at], "INVITE", 180));
    world.heard(call.caller);
    (call, invites)
}

fn reason(world: &mut World, call: &Proxying, at: usize) -> Option<String> {
    let cancel = world.hear_what(call.callees[at], "CANCEL");
    let value = cancel.get_named("Reason")?;
    Some(String::from_utf8(value.to_vec()).unwrap())
}

#[test]
fn that_somebody_else_has_answered() {
    let mut world = World::new(1);
    let (call, invites) = ringing(&mut world);
    world.answer(call.callees[0], &invites[0], 200);
    let why = reason(&mut world, &call, 1).unwrap();
    assert_eq!(why, "SIP;cause=200;text=\"Call completed elsewhere\"");
    world.answer(call.callees[1], &invites[1], 487);
    world.finish();
}

#[test]
fn also_when_it_rings_only_after_that() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, b, _] = call.callees;
    world.proxy(call.node, call.id, at_once(call.plan(&[0, 1])));
    world.settle();
    let first = world.hear_what(a, "INVITE");
    let second = world.hear_what(b, "INVITE");
    world.answer(a, &first, 200);
    world.answer(b, &second, 180);
    let why = reason(&mut world, &call, 1).unwrap();
    assert!(why.starts_with("SIP;cause=200"), "{why}");
    world.answer(b, &second, 487);
    world.finish();
}

#[test]
fn that_somebody_else_has_refused_for_all() {
    let mut world = World::new(1);
    let (call, invites) = ringing(&mut world);
    world.answer(call.callees[0], &invites[0], 603);
    assert_eq!(reason(&mut world, &call, 1).unwrap(), "SIP;cause=603");
    world.answer(call.callees[1], &invites[1], 487);
    world.caller_is_refused(&call, 603);
    world.finish();
}

#[test]
fn what_the_caller_says_of_it() {
    let given = "Q.850;cause=16, SIP;cause=487";
    for header in [None, Some(format!("Reason: {given}"))] {
        let mut world = World::new(1);
        let (call, invites) = ringing(&mut world);
        let mut text = companion(&call.request, "CANCEL", None);
        if let Some(header) = &header {
            text = text.replacen("\r\n", &format!("\r\n{header}\r\n"), 1);
        }
        world.say(call.caller, call.node, text);
        world.settle();
        for at in [0, 1] {
            let why = reason(&mut world, &call, at);
            assert_eq!(why, header.as_ref().map(|_| given.to_string()));
            world.answer(call.callees[at], &invites[at], 487);
        }
        let failure = world.heard(call.caller).pop().unwrap();
        world.acknowledge_failure(&call, &failure);
        world.finish();
    }
}

#[test]
fn what_the_application_says_of_it() {
    let mut world = World::new(1);
    let (call, invites) = ringing(&mut world);
    let Action::Cancel { transaction, .. } = cancel(call.id) else {
        unreachable!()
    };
    let message = draft("CANCEL sip:x SIP/2.0\r\nReason: SIP;cause=480\r\n");
    world.give(
        call.node,
        Action::Cancel {
            transaction,
            message,
        },
    );
    world.settle();
    for at in [0, 1] {
        assert_eq!(reason(&mut world, &call, at).unwrap(), "SIP;cause=480");
        world.answer(call.callees[at], &invites[at], 487);
    }
    world.caller_is_refused(&call, 480);
    world.finish();
}
