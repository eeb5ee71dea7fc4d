//! RFC 3261 §16.7 step 7, §22.3: challenges of several branches go back together, and the answer
//! goes to the branch that has challenged.

use crate::world::{answer, at_once, Heard, Phone, Proxying, World};
use drachtio::engine::limits::TableLimits;
use drachtio::engine::AppId;
use drachtio::message::{HeaderId, Message};

fn challenge(world: &mut World, phone: Phone, request: &Heard, code: u16, headers: &[&str]) {
    let text = answer(request, code, "c", headers, "");
    world.say_back(phone, request, text);
    world.settle();
}

fn lines(message: &Message, id: HeaderId) -> Vec<String> {
    let values = message.all(id);
    values
        .map(|value| String::from_utf8(value.to_vec()).unwrap())
        .collect()
}

/// The caller repeats its request with these credentials; the application sends it to the others.
fn repeat(world: &mut World, call: &mut Proxying, headers: &[&str], plan: &[usize]) {
    let request = call.ua.request_with("MESSAGE", headers, "");
    world.say(call.caller, call.node, request);
    world.settle();
    let id = world.next_told(call.node).id();
    world.proxy(call.node, id, call.plan(plan));
    world.settle();
}

/// A MESSAGE that the first callee has challenged.
fn challenged(world: &mut World) -> Proxying {
    let call = world.proxying("MESSAGE");
    world.proxy(call.node, call.id, call.plan(&[0]));
    world.settle();
    let message = world.hear_what(call.callees[0], "MESSAGE");
    let header = "WWW-Authenticate: Digest realm=\"a\", nonce=\"n1\"";
    challenge(world, call.callees[0], &message, 401, &[header]);
    world.hear_what(call.caller, "401");
    call
}

const CREDENTIALS: &str =
    "Authorization: Digest username=\"u\", realm=\"a\", nonce=\"n1\", uri=\"sip:b\", response=\"r\"";

#[test]
fn all_challenges_go_back_in_one_response() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, b, c] = call.callees;
    world.proxy(call.node, call.id, at_once(call.plan(&[0, 1, 2])));
    world.settle();
    let first = world.hear_what(a, "INVITE");
    let second = world.hear_what(b, "INVITE");
    let third = world.hear_what(c, "INVITE");
    let [www, proxy] = ["WWW-Authenticate", "Proxy-Authenticate"];
    let of = |name: &str, realm: &str| format!("{name}: Digest realm=\"{realm}\", nonce=\"n\"");
    challenge(&mut world, a, &first, 401, &[&of(www, "a")]);
    let both = [of(proxy, "b1"), of(www, "b2")];
    challenge(&mut world, b, &second, 407, &[&both[0], &both[1]]);
    challenge(&mut world, c, &third, 486, &[&of(www, "not a challenge")]);
    let best = world.heard(call.caller).pop().unwrap();
    assert_eq!(best.status(), Some(401));
    assert_eq!(
        lines(&best, HeaderId::WwwAuthenticate),
        [
            "Digest realm=\"a\", nonce=\"n\"",
            "Digest realm=\"b2\", nonce=\"n\""
        ]
    );
    assert_eq!(
        lines(&best, HeaderId::ProxyAuthenticate),
        ["Digest realm=\"b1\", nonce=\"n\""]
    );
    world.acknowledge_failure(&call, &best);
    world.finish();
}

#[test]
fn the_answer_goes_to_who_has_challenged() {
    let mut world = World::new(1);
    let mut call = challenged(&mut world);
    let [a, b, _] = call.callees;
    repeat(&mut world, &mut call, &[CREDENTIALS], &[1, 2]);
    let message = world.hear_what(a, "MESSAGE");
    assert!(world.heard(b).is_empty());
    world.answer(a, &message, 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    world.finish();
}

#[test]
fn credentials_for_two_go_to_both() {
    let mut world = World::new(1);
    let mut call = world.proxying("MESSAGE");
    let [a, b, c] = call.callees;
    world.proxy(call.node, call.id, at_once(call.plan(&[0, 1])));
    world.settle();
    for (callee, realm) in [(a, "a"), (b, "b")] {
        let message = world.hear_what(callee, "MESSAGE");
        let header = format!("WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"n\"");
        challenge(&mut world, callee, &message, 401, &[&header]);
    }
    world.hear_what(call.caller, "401");
    let credentials =
        ["a", "b"].map(|realm| format!("Authorization: Digest realm=\"{realm}\", nonce=\"n\""));
    let credentials = credentials.each_ref().map(String::as_str);
    repeat(&mut world, &mut call, &credentials, &[2]);
    let first = world.hear_what(a, "MESSAGE");
    world.hear_what(b, "MESSAGE");
    assert!(world.heard(c).is_empty());
    world.answer(a, &first, 200);
    world.finish();
}

#[test]
fn credentials_that_nobody_has_asked_for_go_where_the_application_says() {
    let mut world = World::new(1);
    for other in [
        CREDENTIALS.replace("n1", "n2"),
        CREDENTIALS.replace("realm=\"a\"", "realm=\"b\""),
        CREDENTIALS.replace("Digest", "Other"),
        "Authorization: nonsense".to_string(),
    ] {
        let mut world = World::new(1);
        let mut call = challenged(&mut world);
        let [a, b, _] = call.callees;
        repeat(&mut world, &mut call, &[&other], &[1]);
        let is_answer = other.contains("Other");
        let goes_to = if is_answer { a } else { b };
        world.phone_answers(goes_to, "MESSAGE", 200);
        world.finish();
    }
    // Nor do those of another call.
    let mut call = challenged(&mut world);
    call.ua.call_id.push_str("-other");
    repeat(&mut world, &mut call, &[CREDENTIALS], &[1]);
    world.phone_answers(call.callees[1], "MESSAGE", 200);
    world.finish();
}

#[test]
fn another_application_has_not_been_challenged() {
    let mut world = World::new(1);
    let mut call = challenged(&mut world);
    world.assign_requests(call.node, AppId(2));
    let request = call.ua.request_with("MESSAGE", &[CREDENTIALS], "");
    world.say(call.caller, call.node, request);
    world.settle();
    let transaction = world.next_told(call.node).id();
    let plan = call.plan(&[1]);
    let action = drachtio::engine::Action::Proxy { transaction, plan };
    world.give_as(call.node, AppId(2), action);
    world.settle();
    world.phone_answers(call.callees[1], "MESSAGE", 200);
    world.finish();
}

#[test]
fn it_is_remembered_as_long_as_a_transaction_may_take() {
    let mut world = World::new(1);
    let mut call = challenged(&mut world);
    let [a, b, _] = call.callees;
    world.run_secs(30);
    repeat(&mut world, &mut call, &[CREDENTIALS], &[1]);
    world.phone_answers(a, "MESSAGE", 200);
    assert_eq!(world.census(call.node).challenges, 1);
    world.run_secs(3);
    assert_eq!(world.census(call.node).challenges, 0);
    repeat(&mut world, &mut call, &[CREDENTIALS], &[1]);
    world.phone_answers(b, "MESSAGE", 200);
    world.finish();
}

#[test]
fn the_memory_is_bounded() {
    let mut world = World::new(1);
    let call = world.proxying("MESSAGE");
    let challenges = 3;
    let limits = TableLimits {
        challenges,
        ..TableLimits::default()
    };
    world.respond(call.node, call.id, crate::world::OK);
    world.limit_tables(call.node, limits);
    let mut ua = call.ua.clone();
    for number in 0..10 {
        world.phone_asks(call.caller, call.node, &mut ua, "MESSAGE");
        let id = world.next_told(call.node).id();
        world.proxy(call.node, id, call.plan(&[0]));
        world.settle();
        let message = world.hear_what(call.callees[0], "MESSAGE");
        let headers: Vec<String> = (0..20)
            .map(|part| format!("WWW-Authenticate: Digest realm=\"{part}\", nonce=\"{number}\""))
            .collect();
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        challenge(&mut world, call.callees[0], &message, 401, &headers);
        assert_eq!(world.census(call.node).challenges, challenges);
    }
    world.finish();
}
