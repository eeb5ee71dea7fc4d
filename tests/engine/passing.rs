//! RFC 3261 §16.12: an application that has asked for it decides on the requests of a recorded
//! dialog: it refuses them, answers them itself or has them forwarded.

use crate::world::{answer, companion, respond, RecordedCall, World, BUSY, OK};
use drachtio::engine::{Action, AppId, ProxyPlan, TransactionId};

/// A call, and an application that is asked from now on.
fn asked(world: &mut World) -> RecordedCall {
    let call = world.recorded_call();
    world.decide_on_passing(call.node);
    call
}

/// The caller's next request, as the application knows it.
fn told(world: &mut World, call: &mut RecordedCall, method: &str) -> (String, TransactionId) {
    let request = call.alice.asks(world, call.node, method);
    let told = world.next_told(call.node);
    assert_eq!(told.what(), method);
    assert_eq!(told.dialog, None, "nothing is known of the dialog");
    (request, told.id())
}

/// As its route has it.
fn along(plan: ProxyPlan) -> ProxyPlan {
    ProxyPlan {
        full_response: true,
        ..plan
    }
}

#[test]
fn what_it_refuses_goes_no_further_and_the_call_goes_on() {
    let mut world = World::new(1);
    let mut call = asked(&mut world);
    let (_, id) = told(&mut world, &mut call, "INFO");
    world.respond(call.node, id, "SIP/2.0 403 Forbidden\r\n");
    world.settle();
    call.alice.hears(&mut world, "403");
    let (reinvite, id) = told(&mut world, &mut call, "INVITE");
    call.alice.hears(&mut world, "100");
    world.respond(call.node, id, BUSY);
    world.settle();
    let busy = call.alice.hears(&mut world, "486");
    let ack = companion(&reinvite, "ACK", Some(&busy));
    world.say(call.alice.phone, call.node, ack);
    world.settle();
    assert!(world.heard(call.bob.phone).is_empty());
    let (_, id) = told(&mut world, &mut call, "BYE");
    world.give(
        call.node,
        Action::Proxy {
            transaction: id,
            plan: along(ProxyPlan::default()),
        },
    );
    world.settle();
    call.passes(&mut world, "BYE");
    world.finish();
}

#[test]
fn what_it_forwards_goes_along_the_route_and_its_end_is_told() {
    let mut world = World::new(1);
    let mut call = asked(&mut world);
    let (_, id) = told(&mut world, &mut call, "INVITE");
    call.alice.hears(&mut world, "100");
    let mut plan = along(ProxyPlan::default());
    plan.headers = Some(crate::world::draft(
        "INVITE sip:x SIP/2.0\r\nX-Seen: yes\r\n",
    ));
    let command = world.proxy(call.node, id, plan);
    world.settle();
    let invite = call.bob.hears(&mut world, "INVITE");
    assert_eq!(invite.request_uri().unwrap(), call.bob.ua.contact());
    assert_eq!(invite.get_named("X-Seen"), Some(&b"yes"[..]));
    assert_eq!(invite.max_forwards().unwrap(), Some(69));
    call.bob.answers(&mut world, &invite, 200);
    call.alice.hears(&mut world, "200");
    assert_eq!(world.proxy_replies(call.node, command), ["200", "done"]);
    let ack = call.alice.ua.ack();
    world.say(call.alice.phone, call.node, ack);
    world.settle();
    call.bob.hears(&mut world, "ACK");
    assert!(world.told(call.node).is_empty(), "ACKs are not asked about");
    world.finish();
}

#[test]
fn it_may_not_choose_another_way_nor_accept_what_makes_a_dialog() {
    let mut world = World::new(1);
    let mut call = asked(&mut world);
    let (_, id) = told(&mut world, &mut call, "INVITE");
    call.alice.hears(&mut world, "100");
    let command = world.proxy(call.node, id, crate::world::plan(&["sip:x@10.0.0.7"]));
    let refusal =
        "a request inside a dialog goes along its recorded route: no destination can be given";
    assert_eq!(world.proxy_replies(call.node, command), [refusal]);
    for text in [OK, "SIP/2.0 183 Progress\r\n"] {
        let refusal = world.refused(call.node, respond(id, text));
        assert_eq!(refusal.code(), "DRT_ERR_NOT_OUR_DIALOG");
    }
    world.respond(call.node, id, BUSY);
    // Others it may answer.
    let (_, id) = told(&mut world, &mut call, "INFO");
    world.respond(call.node, id, OK);
    world.settle();
    assert_eq!(world.heard_what(call.alice.phone), ["486", "200"]);
    world.finish();
}

#[test]
fn while_it_is_silent_the_request_waits_and_then_passes() {
    let mut world = World::new(1);
    let mut call = asked(&mut world);
    let (bye, _) = told(&mut world, &mut call, "BYE");
    world.say(call.alice.phone, call.node, &bye);
    world.run_secs(63);
    assert!(world.heard(call.bob.phone).is_empty());
    assert!(
        world.told(call.node).is_empty(),
        "a repetition is no new request"
    );
    world.run_secs(2);
    call.passes(&mut world, "BYE");
    world.finish();
}

#[test]
fn when_it_goes_away_the_request_passes() {
    let mut world = World::new(1);
    let mut call = asked(&mut world);
    told(&mut world, &mut call, "BYE");
    world.app_goes(call.node, AppId(1));
    world.settle();
    call.passes(&mut world, "BYE");
    world.finish();
}

#[test]
fn a_reinvite_that_is_cancelled_before_it_decides_is_over() {
    let mut world = World::new(1);
    let mut call = asked(&mut world);
    let (reinvite, id) = told(&mut world, &mut call, "INVITE");
    call.alice.hears(&mut world, "100");
    let cancel = companion(&reinvite, "CANCEL", None);
    world.say(call.alice.phone, call.node, cancel);
    world.settle();
    call.alice.hears(&mut world, "200");
    let terminated = call.alice.hears(&mut world, "487");
    assert_eq!(world.told_what(call.node), ["CANCEL"]);
    let ack = companion(&reinvite, "ACK", Some(&terminated));
    world.say(call.alice.phone, call.node, ack);
    let command = world.proxy(call.node, id, ProxyPlan::default());
    assert!(world.proxy_replies(call.node, command)[0].starts_with("Unknown transaction"));
    world.settle();
    assert!(world.heard(call.bob.phone).is_empty());
    world.finish();
}

#[test]
fn it_is_not_asked_about_what_may_not_pass_in_any_case() {
    let mut world = World::new(1);
    let mut call = asked(&mut world);
    let request = call.alice.ua.request("INFO");
    let request = request.replace("Max-Forwards: 70", "Max-Forwards: 0");
    world.say(call.alice.phone, call.node, request);
    world.settle();
    call.alice.hears(&mut world, "483");
    assert!(world.told(call.node).is_empty());
    world.finish();
}

#[test]
fn requests_of_both_sides_are_its_to_decide() {
    let mut world = World::new(1);
    let mut call = asked(&mut world);
    call.bob.asks(&mut world, call.node, "INFO");
    let told = world.next_told(call.node);
    world.proxy(call.node, told.id(), ProxyPlan::default());
    world.settle();
    let info = call.alice.hears(&mut world, "INFO");
    let text = answer(&info, 200, "", &[], "");
    world.say_back(call.alice.phone, &info, text);
    world.settle();
    call.bob.hears(&mut world, "200");
    world.finish();
}
