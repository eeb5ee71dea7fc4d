//! RFC 3261 §16.7: destinations that are tried all at once.

use crate::world::{at_once, value, World};
use drachtio::message::HeaderId;

#[test]
fn all_are_called_with_branches_of_their_own() {
    let mut world = World::new(1);
    let (call, invites) = world.parallel_search("INVITE", &[0, 1, 2]);
    let branch = |at: usize| invites[at].top_via().unwrap().branch().unwrap().to_string();
    assert_ne!(branch(0), branch(1));
    assert_ne!(branch(1), branch(2));
    for (at, callee) in call.callees.into_iter().enumerate() {
        world.answer(callee, &invites[at], 486);
    }
    world.caller_is_refused(&call, 486);
    world.finish();
}

#[test]
fn the_first_to_answer_gets_the_call_and_the_others_are_cancelled() {
    let mut world = World::new(1);
    let (call, invites) = world.parallel_search("INVITE", &[0, 1, 2]);
    let [a, b, c] = call.callees;
    world.answer(a, &invites[0], 180);
    world.answer(b, &invites[1], 180);
    world.answer(b, &invites[1], 200);
    assert_eq!(world.search_replies(&call), ["200", "done"]);
    world.phone_answers(a, "CANCEL", 200);
    world.answer(a, &invites[0], 487);
    world.hear_what(a, "ACK");
    // A CANCEL may follow only a provisional response (§9.1).
    assert!(world.heard_what(c).is_empty());
    world.answer(c, &invites[2], 180);
    world.hear_what(c, "CANCEL");
    world.answer(c, &invites[2], 487);
    let heard = world.heard_what(call.caller);
    assert_eq!(
        heard,
        ["180", "180", "200"],
        "what the losers say goes no further"
    );
    world.finish();
}

#[test]
fn every_2xx_goes_to_the_caller() {
    let mut world = World::new(1);
    let (call, invites) = world.parallel_search("INVITE", &[0, 1, 2]);
    let [a, b, c] = call.callees;
    world.answer(a, &invites[0], 200);
    world.answer(b, &invites[1], 200);
    world.answer(c, &invites[2], 486);
    let heard = world.heard(call.caller);
    let tags: Vec<_> = heard
        .iter()
        .map(|one| one.to().unwrap().tag().unwrap())
        .collect();
    assert_eq!(tags, ["tag-10.0.0.21", "tag-10.0.0.22"]);
    assert!(heard.iter().all(|one| one.status() == Some(200)));
    assert_eq!(world.search_replies(&call), ["200", "done"]);
    world.hear_what(c, "ACK");
    world.finish();
}

#[test]
fn the_best_failure_goes_back_when_all_have_failed() {
    let mut world = World::new(1);
    let (call, invites) = world.parallel_search("INVITE", &[0, 1, 2]);
    for (at, code) in [(0, 500), (1, 404), (2, 486)] {
        assert!(world.heard(call.caller).is_empty());
        world.answer(call.callees[at], &invites[at], code);
        world.hear_what(call.callees[at], "ACK");
    }
    world.caller_is_refused(&call, 404);
    let replies = world.search_replies(&call);
    assert_eq!(replies, ["500", "404", "486", "done"]);
    world.finish();
}

#[test]
fn a_6xx_ends_the_search_everywhere() {
    let mut world = World::new(1);
    let (call, invites) = world.parallel_search("INVITE", &[0, 1, 2]);
    let [a, b, c] = call.callees;
    world.answer(a, &invites[0], 180);
    world.answer(b, &invites[1], 180);
    world.answer(c, &invites[2], 603);
    world.hear_what(a, "CANCEL");
    world.hear_what(b, "CANCEL");
    world.heard(call.caller);
    world.answer(a, &invites[0], 487);
    world.answer(b, &invites[1], 487);
    let declined = world.hear_what(call.caller, "603");
    assert!(value(&declined, HeaderId::To).contains("tag-10.0.0.23"));
    world.acknowledge_failure(&call, &declined);
    world.finish();
}

#[test]
fn a_2xx_after_a_6xx_is_the_call_all_the_same() {
    let mut world = World::new(1);
    let (call, invites) = world.parallel_search("INVITE", &[0, 1, 2]);
    let [a, b, c] = call.callees;
    world.answer(a, &invites[0], 180);
    world.answer(c, &invites[2], 603);
    world.answer(a, &invites[0], 200);
    assert_eq!(world.heard_what(call.caller), ["180", "200"]);
    world.answer(b, &invites[1], 486);
    assert!(world.heard(call.caller).is_empty());
    world.finish();
}

#[test]
fn other_requests_than_invite_fork_too() {
    let mut world = World::new(1);
    let (call, requests) = world.parallel_search("MESSAGE", &[0, 1, 2]);
    let [a, b, c] = call.callees;
    world.answer(a, &requests[0], 404);
    world.answer(b, &requests[1], 200);
    world.answer(c, &requests[2], 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    assert_eq!(world.search_replies(&call), ["404", "200", "done"]);
    for callee in call.callees {
        assert!(world.heard(callee).is_empty());
    }
    world.finish();
}

#[test]
fn as_many_destinations_as_the_limit_and_no_more() {
    let most = drachtio::engine::limits::MAX_BRANCHES;
    for (count, fits) in [(most, true), (most + 1, false)] {
        let mut world = World::new(1);
        let call = world.proxying("MESSAGE");
        let uris: Vec<String> = (0..count).map(|at| format!("sip:{at}@10.0.0.21")).collect();
        let uris: Vec<&str> = uris.iter().map(String::as_str).collect();
        let mut plan = crate::world::plan(&uris);
        plan = at_once(plan);
        let command = world.proxy(call.node, call.id, plan);
        world.settle();
        let heard = world.heard(call.callees[0]);
        if fits {
            assert_eq!(heard.len(), 60, "RFC 5393 §5.3.3: no more at the same time");
        } else {
            assert!(heard.is_empty());
            let refusal = format!("too many destinations: the limit is {most}");
            assert_eq!(world.proxy_replies(call.node, command), [refusal]);
            // The request can still be answered.
            world.respond(call.node, call.id, crate::world::OK);
        }
        world.finish();
    }
}
