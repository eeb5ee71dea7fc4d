//! RFC 3261 §16.5, §16.6: groups of targets, tried one after the other, their members at once; and
//! what an application says of a single target.

use std::time::Duration;

use crate::world::{draft, World};
use drachtio::engine::{ProxyPlan, ProxyTarget, Transport};

/// Two callees at once, then the third.
const TWO_THEN_ONE: [&[&str]; 2] = [
    &["sip:a@10.0.0.21", "sip:b@10.0.0.22"],
    &["sip:c@10.0.0.23"],
];

/// A plan of these groups.
fn plan(groups: &[&[&str]]) -> ProxyPlan {
    let groups = groups.iter();
    ProxyPlan {
        groups: groups
            .map(|group| group.iter().map(|uri| ProxyTarget::to(uri)).collect())
            .collect(),
        full_response: true,
        ..ProxyPlan::default()
    }
}

#[test]
fn a_group_is_tried_when_all_of_the_one_before_have_failed() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, b, c] = call.callees;
    let command = world.proxy(call.node, call.id, plan(&TWO_THEN_ONE));
    world.settle();
    let first = world.hear_what(a, "INVITE");
    let second = world.hear_what(b, "INVITE");
    world.answer(a, &first, 486);
    assert!(world.heard(c).is_empty(), "b may still answer");
    world.answer(b, &second, 404);
    world.phone_answers(c, "INVITE", 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    assert_eq!(
        world.proxy_replies(call.node, command),
        ["486", "404", "200", "done"]
    );
    world.finish();
}

#[test]
fn a_group_that_cannot_be_sent_at_all_is_passed_over() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, ..] = call.callees;
    let groups: [&[&str]; 2] = [&["tel:+1", "mailto:a@b"], &["sip:a@10.0.0.21"]];
    world.proxy(call.node, call.id, plan(&groups));
    world.settle();
    world.phone_answers(a, "INVITE", 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    world.finish();
}

#[test]
fn a_success_in_a_group_leaves_the_next_one_untried() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, b, c] = call.callees;
    world.proxy(call.node, call.id, plan(&TWO_THEN_ONE));
    world.settle();
    let first = world.hear_what(a, "INVITE");
    let second = world.phone_answers(b, "INVITE", 180);
    world.answer(a, &first, 200);
    world.hear_what(b, "CANCEL");
    world.answer(b, &second, 487);
    assert!(world.heard(c).is_empty());
    world.finish();
}

#[test]
fn contacts_that_a_member_was_redirected_to_join_its_group() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, b, c] = call.callees;
    let groups: [&[&str]; 2] = [
        &["sip:a@10.0.0.21", "sip:b@10.0.0.22"],
        &["sip:z@10.0.0.22"],
    ];
    let mut plan = plan(&groups);
    plan.redirects = 1;
    world.proxy(call.node, call.id, plan);
    world.settle();
    let first = world.hear_what(a, "INVITE");
    let second = world.hear_what(b, "INVITE");
    let text = crate::world::answer(&first, 302, "a", &["Contact: <sip:c@10.0.0.23>"], "");
    world.say_back(a, &first, text);
    world.settle();
    world.phone_answers(c, "INVITE", 486);
    world.answer(b, &second, 486);
    world.hear_what(b, "ACK");
    let last = world.hear_what(b, "INVITE");
    assert_eq!(last.request_uri(), Some("sip:z@10.0.0.22"));
    world.answer(b, &last, 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    world.finish();
}

#[test]
fn a_target_has_headers_and_timeouts_of_its_own() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, b, c] = call.callees;
    let groups: [&[&str]; 3] = [
        &["sip:a@10.0.0.21"],
        &["sip:b@10.0.0.22"],
        &["sip:c@10.0.0.23"],
    ];
    let mut plan = plan(&groups);
    plan.provisional_timeout = Some(Duration::from_secs(1));
    plan.headers = Some(draft("INVITE sip:x SIP/2.0\r\nX-All: 1\r\n"));
    plan.groups[0][0].headers = Some(draft("INVITE sip:x SIP/2.0\r\nX-One: a\r\n"));
    plan.groups[0][0].provisional_timeout = Some(Duration::from_secs(5));
    plan.groups[1][0].final_timeout = Some(Duration::from_secs(3));
    world.proxy(call.node, call.id, plan);
    world.settle();
    let first = world.hear_what(a, "INVITE");
    assert_eq!(first.get_named("X-All"), Some(&b"1"[..]));
    assert_eq!(first.get_named("X-One"), Some(&b"a"[..]));
    world.run_ms(4_900);
    assert!(world.heard(b).is_empty());
    world.run_ms(200);
    let second = world.hear_what(b, "INVITE");
    assert_eq!(second.get_named("X-All"), Some(&b"1"[..]));
    assert_eq!(second.get_named("X-One"), None);
    world.answer(b, &second, 180);
    world.run_ms(2_800);
    assert!(world.heard(c).is_empty());
    world.run_ms(400);
    world.hear_what(b, "CANCEL");
    let third = world.hear_what(c, "INVITE");
    world.answer(b, &second, 487);
    world.answer(c, &third, 200);
    assert_eq!(world.heard_what(call.caller), ["180", "200"]);
    world.finish();
}

#[test]
fn a_target_can_be_reached_over_another_hop_and_transport() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [_, b, _] = call.callees;
    let mut plan = plan(&[&["sip:bob@far.example.com;x=1"]]);
    plan.groups[0][0].next_hop = Some("sip:10.0.0.22;lr".to_string());
    plan.groups[0][0].transport = Some(Transport::Tcp);
    world.proxy(call.node, call.id, plan);
    world.settle();
    let invite = world.hear_what(b, "INVITE");
    assert_eq!(invite.path.transport, Transport::Tcp);
    assert_eq!(invite.request_uri(), Some("sip:bob@far.example.com;x=1"));
    world.answer(b, &invite, 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    world.finish();
}

#[test]
fn the_transport_of_a_target_wins_over_that_of_its_uri() {
    for uri in [
        "sip:b@10.0.0.22;transport=udp",
        "sip:b@10.0.0.22;x=1",
        "sip:10.0.0.22",
    ] {
        let mut world = World::new(1);
        let call = world.proxying("MESSAGE");
        let [_, b, _] = call.callees;
        let mut plan = plan(&[&[uri]]);
        plan.groups[0][0].transport = Some(Transport::Tcp);
        world.proxy(call.node, call.id, plan);
        world.settle();
        let message = world.hear_what(b, "MESSAGE");
        assert_eq!(message.path.transport, Transport::Tcp, "{uri}");
        assert_eq!(message.request_uri(), Some(uri));
        world.answer(b, &message, 200);
        world.hear_what(call.caller, "200");
        world.finish();
    }
}
