//! RFC 3261 §16: forking proxies in calls that nobody has thought of. Each scenario follows from a
//! seed: targets and their groups, time limits, what the callees do and when, who cancels, and a
//! network that loses, doubles and delays. Whatever happens, what [`check`] says must hold.
//!
//! The number of scenarios is that of the environment variable `FORKING_SCENARIOS`; `SEED` plays
//! one of them again.

mod callee;
mod caller;
mod proxy;
mod scenario;

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use crate::world::{Link, World};

use callee::{Branch, Callee};
use caller::Caller;
use proxy::Proxy;
use scenario::{Scenario, CALLEES};

/// Scenarios unless the environment says otherwise: so many that they take a few seconds.
const SCENARIOS: u64 = if cfg!(debug_assertions) {
    1_000
} else {
    20_000
};

#[test]
fn whatever_happens_the_caller_gets_one_answer_and_nobody_is_left_ringing() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    if let Some(seed) = number("SEED") {
        play(seed);
        return;
    }
    let scenarios = number("FORKING_SCENARIOS").unwrap_or(SCENARIOS);
    let mut tally = Tally::default();
    for seed in 0..scenarios {
        tally.add(&play(seed));
    }
    eprintln!("{tally:?}");
    // A test that has seen nothing of a kind says nothing about it.
    let Tally {
        answered,
        refused,
        cancelled,
        late,
        several,
        unlucky,
    } = tally;
    for seen in [answered, refused, cancelled, late, several] {
        assert!(seen > 0, "{tally:?}");
    }
    assert!(unlucky * 1_000 <= scenarios, "{tally:?}");
}

/// How often things that matter have happened.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    /// A caller has heard a 2xx.
    answered: u64,
    /// A caller has heard a failure.
    refused: u64,
    /// A callee that rang has been cancelled.
    cancelled: u64,
    /// A callee has answered when its caller had been refused.
    late: u64,
    /// A caller has heard the 2xx of several callees.
    several: u64,
    /// Every copy of a message was lost.
    unlucky: u64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.answered += other.answered;
        self.refused += other.refused;
        self.cancelled += other.cancelled;
        self.late += other.late;
        self.several += other.several;
        self.unlucky += other.unlucky;
    }
}

fn play(seed: u64) -> Tally {
    let scenario = Scenario::of(seed);
    let mut world = World::new(seed);
    world.set_link(Link {
        splits: false,
        ..scenario.link
    });
    world.swallow(scenario::SILENT);
    world.cut_off(scenario::UNREACHABLE);
    world.name(scenario::NAME, &["10.0.0.21", "10.0.0.22"]);
    let node = world.node("10.0.0.1:5060");
    let proxy = Rc::new(RefCell::new(Proxy::new(&scenario)));
    world.set_app(node, proxy.clone());
    let phone = world.phone("10.0.0.8:5060");
    let ua = world.ua(phone, "sip:bob@10.0.0.1");
    let caller = Rc::new(RefCell::new(Caller::new(&scenario, ua, node.address)));
    world.set_script(phone, caller.clone());
    world.wake_phone(phone, caller::BEGIN);
    let callees: Vec<Rc<RefCell<Callee>>> = (0..CALLEES)
        .map(|at| {
            let phone = world.phone(&format!("10.0.0.{}:5060", 21 + at));
            let callee = Callee::new(phone, scenario.callees[at].clone());
            let callee = Rc::new(RefCell::new(callee));
            world.set_script(phone, callee.clone());
            callee
        })
        .collect();
    world.finish();
    let callees: Vec<Branch> = callees
        .iter()
        .flat_map(|callee| callee.borrow().branches.clone())
        .collect();
    let (caller, proxy) = (caller.borrow(), proxy.borrow());
    check(seed, &scenario, &caller, &callees, &proxy)
}

/// What must hold at the end of every scenario. That every table is empty, that no application is
/// told twice how a command has ended and that no two failures go to one request, the world has
/// checked.
fn check(
    seed: u64,
    scenario: &Scenario,
    caller: &Caller,
    callees: &[Branch],
    proxy: &Proxy,
) -> Tally {
    let mut tally = Tally::default();
    let said = || format!("seed {seed}: {scenario:#?}\n{caller:#?}\n{callees:#?}");
    let failures: HashSet<u16> = caller.finals().filter(|code| *code >= 300).collect();
    let successes: HashSet<&str> = caller.accepted.iter().map(String::as_str).collect();
    // The caller sees exactly one final response, and others only if all are 2xx.
    assert!(failures.len() <= 1, "two failures, {}", said());
    assert!(
        failures.is_empty() || successes.is_empty(),
        "a failure and a success, {}",
        said()
    );
    assert_eq!(proxy.open_branches(), 0, "a branch has no end, {}", said());
    tally.answered += u64::from(!successes.is_empty());
    tally.refused += u64::from(!failures.is_empty());
    if !scenario.is_invite {
        // RFC 4320 §4.2: there may be none.
        assert!(successes.len() <= 1, "two successes, {}", said());
        return tally;
    }
    tally.several += u64::from(successes.len() > 1);
    // A network that loses may lose each copy of a message: but seldom.
    let mut must = |holds: bool, what: &str| {
        let may_be_lost = scenario.link.loss > 0.0;
        assert!(holds || may_be_lost, "{what}, {}", said());
        tally.unlucky += u64::from(!holds);
    };
    let is_answered = !failures.is_empty() || !successes.is_empty();
    must(is_answered, "no final response");
    for branch in callees {
        // Who rings and has not answered by itself is told that it is over.
        let has_lost = branch.rang && branch.answer.is_none();
        must(!has_lost || branch.cancelled, "a callee rings for ever");
        // Whose 2xx has gone is acknowledged; and ended, if the caller knows nothing of it.
        if branch.answer.is_some_and(|code| code < 300) {
            must(branch.acknowledged, "a 2xx has no ACK");
            let is_callers = successes.contains(branch.tag.as_str());
            must(
                is_callers != branch.ended,
                "a call is nobody's, or was taken from the caller",
            );
        }
    }
    let cancelled = callees.iter().filter(|it| it.rang && it.cancelled);
    tally.cancelled += cancelled.count() as u64;
    tally.late += callees.iter().filter(|it| it.ended).count() as u64;
    tally
}
