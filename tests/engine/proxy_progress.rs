//! RFC 3261 §16.6, §16.7: an application that asks for progress hears what becomes of each branch,
//! and why it has ended.

use std::time::Duration;

use crate::world::{answer, at_once, Proxying, World};
use drachtio::engine::{CommandId, ProxyPlan, Reply};

fn telling(world: &mut World, plan: impl FnOnce(&Proxying) -> ProxyPlan) -> (Proxying, CommandId) {
    let call = world.proxying("INVITE");
    let plan = ProxyPlan {
        progress: true,
        ..plan(&call)
    };
    let command = world.proxy(call.node, call.id, plan);
    world.settle();
    (call, command)
}

#[test]
fn starts_responses_and_ends_are_told_in_their_order() {
    let mut world = World::new(1);
    let (call, command) = telling(&mut world, |call| call.plan(&[0, 1]));
    let [a, b, _] = call.callees;
    let invite = world.hear_what(a, "INVITE");
    for code in [100, 180, 486] {
        world.answer(a, &invite, code);
    }
    let invite = world.phone_answers(b, "INVITE", 183);
    world.answer(b, &invite, 200);
    let replies = world.proxy_replies(call.node, command);
    assert_eq!(
        replies,
        [
            "0 started sip:phone@10.0.0.21:5060",
            "180",
            "486",
            "0 failed",
            "1 started sip:phone@10.0.0.22:5060",
            "183",
            "200",
            "1 answered",
            "done"
        ]
    );
    world.finish();
}

#[test]
fn a_response_names_its_branch() {
    let mut world = World::new(1);
    let (call, command) = telling(&mut world, |call| at_once(call.plan(&[0, 1])));
    let [a, b, _] = call.callees;
    for callee in [b, a] {
        world.phone_answers(callee, "INVITE", 486);
    }
    let branches: Vec<_> = world
        .replies(call.node, command)
        .into_iter()
        .filter_map(|reply| match reply {
            Reply::Branch { branch, .. } => Some(branch.unwrap().0),
            _ => None,
        })
        .collect();
    assert_eq!(branches, [1, 0]);
    world.caller_is_refused(&call, 486);
    world.finish();
}

#[test]
fn the_losers_are_cancelled() {
    let mut world = World::new(1);
    let (call, command) = telling(&mut world, |call| at_once(call.plan(&[0, 1])));
    let [a, b, _] = call.callees;
    let first = world.hear_what(a, "INVITE");
    let second = world.phone_answers(b, "INVITE", 180);
    world.answer(a, &first, 200);
    let replies = world.proxy_replies(call.node, command);
    assert_eq!(
        replies[2..],
        ["180", "200", "0 answered", "1 cancelled", "done"]
    );
    world.answer(b, &second, 487);
    world.finish();
}

#[test]
fn what_takes_too_long_has_a_reason_for_each_timer() {
    let mut world = World::new(1);
    let (call, command) = telling(&mut world, |call| {
        let mut plan = call.plan(&[0, 1, 2, 0]);
        plan.groups[0][0].provisional_timeout = Some(Duration::from_secs(1));
        plan.groups[1][0].final_timeout = Some(Duration::from_secs(2));
        plan
    });
    let [_, _, c] = call.callees;
    world.run_secs(4);
    let third = world.phone_answers(c, "INVITE", 180);
    world.run_secs(190);
    world.answer(c, &third, 487);
    world.run_secs(40);
    let replies = world.proxy_replies(call.node, command);
    let ends: Vec<&str> = replies
        .iter()
        .filter_map(|text| text.split_once(' '))
        .map(|(_, step)| step)
        .filter(|step| !step.starts_with("started"))
        .collect();
    assert_eq!(
        ends,
        [
            "provisional-timeout",
            "final-timeout",
            "ringing-timeout",
            "timeout"
        ]
    );
    let failure = world.heard(call.caller).pop().unwrap();
    assert_eq!(
        failure.status(),
        Some(408),
        "it was never cancelled by the caller"
    );
    world.acknowledge_failure(&call, &failure);
    world.finish();
}

#[test]
fn what_cannot_be_reached_has_a_reason() {
    let mut world = World::new(1);
    world.cut_off("10.0.0.21");
    let (call, command) = telling(&mut world, |call| {
        let uris = ["sip:a@nowhere.example.com", "sip:b@10.0.0.21", "tel:+1"];
        let mut plan = ProxyPlan::serial(uris);
        plan.groups.extend(call.plan(&[1]).groups);
        plan
    });
    let [_, b, _] = call.callees;
    world.phone_answers(b, "INVITE", 200);
    assert_eq!(
        world.proxy_replies(call.node, command),
        [
            "0 started sip:a@nowhere.example.com",
            "0 unresolved",
            "1 started sip:b@10.0.0.21",
            "1 unreachable",
            "2 started tel:+1",
            "2 unreachable",
            "3 started sip:phone@10.0.0.22:5060",
            "200",
            "3 answered",
            "done"
        ]
    );
    world.finish();
}

#[test]
fn a_redirection_that_is_followed_is_told() {
    let mut world = World::new(1);
    let (call, command) = telling(&mut world, |call| ProxyPlan {
        redirects: 1,
        ..call.plan(&[0])
    });
    let [a, b, _] = call.callees;
    let invite = world.hear_what(a, "INVITE");
    let text = answer(&invite, 302, "a", &["Contact: <sip:b@10.0.0.22>"], "");
    world.say_back(a, &invite, text);
    world.settle();
    world.phone_answers(b, "INVITE", 200);
    let replies = world.proxy_replies(call.node, command);
    assert_eq!(
        replies[1..4],
        ["302", "0 redirected", "1 started sip:b@10.0.0.22"]
    );
    world.finish();
}
