//! RFC 3261 §16.3, §16.9: what cannot be forwarded.

use crate::world::{at_once, plan, World};
use drachtio::engine::{AppId, Transport};

#[test]
fn a_request_without_hops_left_is_refused() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let caller = world.phone("10.0.0.8:5060");
    let callee = world.phone("10.0.0.21:5060");
    let message = world.ua(caller, "sip:bob@10.0.0.1").request("MESSAGE");
    world.say(
        caller,
        node,
        message.replace("Max-Forwards: 70", "Max-Forwards: 0"),
    );
    world.settle();
    let id = world.next_told(node).id();
    let command = world.proxy(node, id, plan(&["sip:x@10.0.0.21"]));
    world.settle();
    assert_eq!(
        world.proxy_replies(node, command),
        ["Rejected with 483 Too Many Hops due to Max-Forwards value of 0"]
    );
    assert_eq!(world.heard_what(caller), ["483"]);
    assert!(world.heard(callee).is_empty());
    world.finish();
}

#[test]
fn one_hop_left_is_enough_and_none_said_is_seventy() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let caller = world.phone("10.0.0.8:5060");
    let callee = world.phone("10.0.0.21:5060");
    for (header, hops) in [("Max-Forwards: 1\r\n", 0), ("", 70)] {
        let message = world.ua(caller, "sip:bob@10.0.0.1").request("MESSAGE");
        world.say(
            caller,
            node,
            message.replace("Max-Forwards: 70\r\n", header),
        );
        world.settle();
        let id = world.next_told(node).id();
        world.proxy(node, id, plan(&["sip:x@10.0.0.21"]));
        world.settle();
        let forwarded = world.hear_what(callee, "MESSAGE");
        assert_eq!(forwarded.max_forwards().unwrap(), Some(hops));
        world.answer(callee, &forwarded, 200);
    }
    world.finish();
}

#[test]
fn destinations_that_cannot_be_used_are_skipped() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, ..] = call.callees;
    let bad = [
        "nonsense",
        "mailto:x@y",
        "sip:x@10.0.0.21;transport=sctp",
        "sips:x@10.0.0.21",
        "sip:x@[2001:db8::1]",
        "sip:x@10.0.0.21",
    ];
    let command = world.proxy(call.node, call.id, plan(&bad));
    world.settle();
    world.phone_answers(a, "INVITE", 200);
    assert_eq!(world.proxy_replies(call.node, command), ["200", "done"]);
    world.finish();
}

#[test]
fn without_any_usable_destination_the_caller_gets_500() {
    for (destinations, simultaneous) in [
        (&["sip:x@10.0.0.21;transport=sctp", "nonsense"][..], false),
        (&["sip:x@10.0.0.21;transport=sctp", "nonsense"][..], true),
        (&[][..], false),
    ] {
        let mut world = World::new(1);
        let call = world.proxying("INVITE");
        let mut plan = plan(destinations);
        if simultaneous {
            plan = at_once(plan);
        }
        let command = world.proxy(call.node, call.id, plan);
        world.settle();
        let replies = world.proxy_replies(call.node, command);
        assert_eq!(replies, ["error proxying request to "]);
        world.caller_is_refused(&call, 500);
        world.finish();
    }
}

#[test]
fn a_refused_connection_moves_on_at_once() {
    for simultaneous in [false, true] {
        let mut world = World::new(1);
        let call = world.proxying("INVITE");
        let [a, ..] = call.callees;
        let mut plan = plan(&["sip:x@10.0.0.77;transport=tcp", "sip:x@10.0.0.21"]);
        if simultaneous {
            plan = at_once(plan);
        }
        let command = world.proxy(call.node, call.id, plan);
        world.settle();
        world.phone_answers(a, "INVITE", 200);
        assert_eq!(world.heard_what(call.caller), ["200"]);
        assert_eq!(world.proxy_replies(call.node, command), ["200", "done"]);
        world.finish();
    }
}

#[test]
fn when_every_connection_is_refused_the_caller_gets_500() {
    for method in ["INVITE", "MESSAGE"] {
        let mut world = World::new(1);
        let call = world.proxying(method);
        let uris = [
            "sip:x@10.0.0.77;transport=tcp",
            "sip:x@10.0.0.78;transport=tcp",
        ];
        let command = world.proxy(call.node, call.id, plan(&uris));
        world.settle();
        let failure = world.hear_what(call.caller, "500");
        if method == "INVITE" {
            world.acknowledge_failure(&call, &failure);
        }
        assert_eq!(world.proxy_replies(call.node, command), ["500", "done"]);
        assert_eq!(world.census(call.node).proxies, 0);
        world.finish();
    }
}

#[test]
fn a_destination_that_swallows_connections_is_left_in_time() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    world.swallow("10.0.0.77");
    let [a, ..] = call.callees;
    let uris = ["sip:x@10.0.0.77;transport=tcp", "sip:x@10.0.0.21"];
    let command = world.proxy(call.node, call.id, plan(&uris));
    world.run_secs(11);
    world.phone_answers(a, "INVITE", 200);
    assert_eq!(world.proxy_replies(call.node, command), ["200", "done"]);
    world.finish();
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_a_failure_at_once() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, ..] = call.callees;
    let command = world.proxy(call.node, call.id, plan(&["sip:x@10.0.0.21;transport=tcp"]));
    world.settle();
    world.hear_what(a, "INVITE");
    world.close_connections(a);
    world.settle();
    world.caller_is_refused(&call, 500);
    assert_eq!(world.proxy_replies(call.node, command), ["500", "done"]);
    world.finish();
}

#[test]
fn only_the_owner_may_have_a_request_forwarded() {
    let mut world = World::new(1);
    let call = world.proxying("MESSAGE");
    let transaction = call.id;
    let plan = call.plan(&[0]);
    let action = drachtio::engine::Action::Proxy { transaction, plan };
    let command = world.give_as(call.node, AppId(5), action);
    world.refusal(call.node, command);
    world.respond(call.node, call.id, crate::world::OK);
    world.finish();
}

#[test]
fn a_request_of_ours_cannot_be_forwarded() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let sent = world.request(node, "OPTIONS sip:x@10.0.0.9 SIP/2.0\r\n");
    let command = world.proxy(node, sent.transaction, plan(&["sip:x@10.0.0.8"]));
    let unknown = format!("Unknown transaction id: {}", sent.transaction);
    assert_eq!(world.proxy_replies(node, command), [unknown]);
    world.finish();
}

#[test]
fn a_request_that_comes_back_changed_each_time_ends_when_its_hops_are_used_up() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let caller = world.phone("10.0.0.8:5060");
    let message = world.ua(caller, "sip:bob@10.0.0.1").request("MESSAGE");
    world.say(
        caller,
        node,
        message.replace("Max-Forwards: 70", "Max-Forwards: 20"),
    );
    let mut turns = 0;
    loop {
        world.settle();
        let Some(told) = world.told(node).pop() else {
            break;
        };
        turns += 1;
        let uri = format!("sip:bob-{turns}@10.0.0.1");
        world.proxy(node, told.id(), plan(&[&uri]));
    }
    assert_eq!(turns, 21);
    assert_eq!(world.heard_what(caller), ["483"]);
    world.finish();
}

#[test]
fn without_a_transport_in_its_uri_a_destination_is_reached_by_what_there_is() {
    let mut world = World::new(1);
    let node = world.node_on(&[(Transport::Tcp, "10.0.0.1:5060")]);
    let caller = world.phone("10.0.0.8:5060").by_tcp();
    let callee = world.phone("10.0.0.21:5060");
    let message = world.ua(caller, "sip:bob@10.0.0.1").request("MESSAGE");
    world.say(caller, node, message);
    world.settle();
    let id = world.next_told(node).id();
    world.proxy(node, id, plan(&["sip:x@10.0.0.21"]));
    world.settle();
    let forwarded = world.hear_what(callee, "MESSAGE");
    assert_eq!(forwarded.path.transport, Transport::Tcp);
    world.answer(callee, &forwarded, 200);
    assert_eq!(world.heard_what(caller), ["200"]);
    world.finish();
}
