//! RFC 3261 §16.7 step 6: which of the failures goes back to the caller.

use crate::world::{answer, at_once, value, without_line, World};
use drachtio::message::HeaderId;

/// What the caller gets when the branches fail like this; a 0 says nothing at all.
fn best_of(method: &str, codes: &[u16], simultaneous: bool) -> u16 {
    let mut world = World::new(1);
    let call = world.proxying(method);
    let places: Vec<usize> = (0..codes.len()).collect();
    let mut plan = call.plan(&places);
    if simultaneous {
        plan = at_once(plan);
    }
    let command = world.proxy(call.node, call.id, plan);
    world.settle();
    for (callee, code) in call.callees.into_iter().zip(codes) {
        if *code > 0 {
            if let Some(request) = world.heard(callee).first() {
                world.answer(callee, request, *code);
            }
        }
    }
    world.run_secs(100);
    let heard = world.heard(call.caller);
    let Some(failure) = heard.iter().find(|one| one.status() >= Some(200)) else {
        return 0;
    };
    if method == "INVITE" {
        world.acknowledge_failure(&call, failure);
    }
    let replies = world.proxy_replies(call.node, command);
    assert_eq!(replies.last().map(String::as_str), Some("done"));
    let best = failure.status().unwrap_or_default();
    world.finish();
    best
}

#[test]
fn a_6xx_before_all_then_the_lowest_class() {
    for (codes, best) in [
        ([404, 603, 500], 603),
        ([302, 404, 500], 302),
        ([500, 404, 486], 404),
        ([500, 501, 504], 500),
        ([486, 404, 480], 486),
    ] {
        assert_eq!(best_of("INVITE", &codes, true), best, "{codes:?}");
    }
}

#[test]
fn in_the_4xx_what_helps_the_caller_to_try_again() {
    for (codes, best) in [
        ([404, 407, 486], 407),
        ([404, 486, 401], 401),
        ([486, 415, 404], 415),
        ([486, 420, 404], 420),
        ([486, 484, 404], 484),
        ([408, 480, 487], 480),
    ] {
        assert_eq!(best_of("INVITE", &codes, true), best, "{codes:?}");
    }
}

#[test]
fn a_503_is_not_ours_to_repeat() {
    assert_eq!(best_of("INVITE", &[503], true), 500);
    assert_eq!(best_of("INVITE", &[503, 486], true), 486);
    assert_eq!(best_of("MESSAGE", &[503, 501], true), 501);
}

#[test]
fn silence_counts_less_than_any_answer() {
    assert_eq!(best_of("INVITE", &[0, 486], true), 486);
    assert_eq!(best_of("INVITE", &[0, 0], true), 408);
    assert_eq!(best_of("INVITE", &[0, 500], true), 408);
}

#[test]
fn it_is_the_same_one_after_the_other() {
    assert_eq!(best_of("INVITE", &[486, 404, 500], false), 486);
    assert_eq!(best_of("INVITE", &[500, 404, 480], false), 404);
    assert_eq!(best_of("MESSAGE", &[500, 404, 480], false), 404);
}

#[test]
fn a_challenge_or_a_6xx_ends_a_serial_search() {
    for code in [401, 407, 600, 603] {
        let mut world = World::new(1);
        let (call, invite) = world.search("INVITE", &[0, 1]);
        let [a, b, _] = call.callees;
        let challenge = "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"";
        world.say_back(a, &invite, answer(&invite, code, "a", &[challenge], ""));
        world.settle();
        let best = world.hear_what(call.caller, &code.to_string());
        assert!(value(&best, HeaderId::WwwAuthenticate).contains("nonce"));
        world.acknowledge_failure(&call, &best);
        assert!(world.heard(b).is_empty());
        world.finish();
    }
}

#[test]
fn the_best_response_goes_back_as_it_came() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, ..] = call.callees;
    let headers = ["X-Reason:  so   what", "warning: 399 a \"b\""];
    let text = answer(&invite, 486, "a", &headers, "why");
    world.say_back(a, &invite, &text);
    world.settle();
    let busy = world.hear_what(call.caller, "486");
    assert_eq!(busy.text(), without_line(&text, "Via: ").as_bytes());
    world.acknowledge_failure(&call, &busy);
    world.finish();
}
