//! RFC 3261 §16.7 step 5, §13.2.2.4: a 2xx that comes when the caller has been refused.

use std::time::Duration;

use crate::world::{answer, cseq, routes, value, Heard, Proxying, World};
use drachtio::message::HeaderId;

/// A call whose caller has been refused with 408 while the callee could not be cancelled yet.
fn refused(world: &mut World, record: bool) -> (Proxying, Heard) {
    let call = world.proxying_with("INVITE", &["Proxy-Authorization: Digest realm=\"a\""]);
    let mut plan = call.plan(&[0]);
    plan.final_timeout = Some(Duration::from_secs(1));
    plan.remain_in_dialog = record;
    world.proxy(call.node, call.id, plan);
    world.settle();
    let invite = world.hear_what(call.callees[0], "INVITE");
    world.run_secs(2);
    world.caller_is_refused(&call, 408);
    world.heard(call.callees[0]);
    world.heard(call.caller);
    (call, invite)
}

#[test]
fn it_is_acknowledged_and_ended_in_the_callers_place() {
    let mut world = World::new(1);
    let (call, invite) = refused(&mut world, false);
    let callee = call.callees[0];
    world.answer(callee, &invite, 200);
    let ack = world.hear_what(callee, "ACK");
    let bye = world.hear_what(callee, "BYE");
    for request in [&ack, &bye] {
        assert_eq!(request.request_uri(), Some("sip:phone@10.0.0.21:5060"));
        assert_eq!(
            value(request, HeaderId::From),
            value(&invite, HeaderId::From)
        );
        assert_eq!(request.to_tag(), Some("tag-10.0.0.21"));
        assert_eq!(
            value(request, HeaderId::CallId),
            value(&invite, HeaderId::CallId)
        );
        assert!(routes(request).is_empty());
        let credentials = value(request, HeaderId::ProxyAuthorization);
        assert_eq!(credentials, "Digest realm=\"a\"");
    }
    assert_eq!(cseq(&ack), cseq(&invite));
    assert_eq!(cseq(&bye), cseq(&invite) + 1);
    assert_ne!(
        ack.top_via().unwrap().branch(),
        invite.top_via().unwrap().branch(),
        "§17.1.1.3: the ACK to a 2xx is a transaction of its own"
    );
    world.answer(callee, &bye, 200);
    assert!(world.heard(call.caller).is_empty());
    world.finish();
}

#[test]
fn a_repetition_is_acknowledged_again_and_ended_once() {
    let mut world = World::new(1);
    let (call, invite) = refused(&mut world, false);
    let callee = call.callees[0];
    for _ in 0..3 {
        world.answer(callee, &invite, 200);
    }
    let heard = world.heard(callee);
    let what: Vec<String> = heard.iter().map(Heard::what).collect();
    assert_eq!(what, ["ACK", "BYE", "ACK", "ACK"]);
    assert_eq!(heard[0].text(), heard[2].text());
    world.answer(callee, &heard[1], 200);
    world.finish();
}

#[test]
fn each_callee_behind_a_forking_proxy_is_ended() {
    let mut world = World::new(1);
    let (call, invite) = refused(&mut world, false);
    let callee = call.callees[0];
    for tag in ["one", "two"] {
        let text = answer(&invite, 200, tag, &["Contact: <sip:x@10.0.0.21>"], "");
        world.say_back(callee, &invite, text);
        world.settle();
        let ack = world.hear_what(callee, "ACK");
        assert_eq!(ack.to_tag(), Some(tag));
        let bye = world.hear_what(callee, "BYE");
        assert_eq!(bye.to_tag(), Some(tag));
        world.answer(callee, &bye, 200);
    }
    world.finish();
}

#[test]
fn it_goes_along_the_routes_behind_this_proxy_and_not_along_its_own() {
    for record in [false, true] {
        let mut world = World::new(1);
        let (call, invite) = refused(&mut world, record);
        let callee = call.callees[0];
        let text = answer(&invite, 200, "t", &["Contact: <sip:x@10.0.9.9>"], "");
        let theirs = "Record-Route: <sip:p2@10.0.0.21;lr>, <sip:p1@10.0.0.21;lr>\r\n";
        let text = text.replacen("\r\n", &format!("\r\n{theirs}"), 1);
        world.say_back(callee, &invite, text);
        world.settle();
        let ack = world.hear_what(callee, "ACK");
        let expected = ["<sip:p1@10.0.0.21;lr>", "<sip:p2@10.0.0.21;lr>"];
        assert_eq!(routes(&ack), expected, "recorded: {record}");
        assert_eq!(ack.request_uri(), Some("sip:x@10.0.9.9"));
        let bye = world.hear_what(callee, "BYE");
        assert_eq!(routes(&bye), expected);
        world.answer(callee, &bye, 200);
        world.finish();
    }
}

#[test]
fn a_failure_that_is_late_is_absorbed() {
    let mut world = World::new(1);
    let (call, invite) = refused(&mut world, false);
    world.answer(call.callees[0], &invite, 486);
    assert_eq!(world.heard_what(call.callees[0]), ["ACK"]);
    assert!(world.heard(call.caller).is_empty());
    world.finish();
}

#[test]
fn a_2xx_that_cannot_go_back_is_ended_too() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let callee = call.callees[0];
    let text = answer(&invite, 200, "b", &["Contact: <sip:x@10.0.0.21>"], "");
    let text = crate::world::without_line(&text, "Via: SIP/2.0/UDP 10.0.0.8");
    world.say_back(callee, &invite, text);
    world.settle();
    world.hear_what(callee, "ACK");
    world.phone_answers(callee, "BYE", 200);
    world.caller_is_refused(&call, 502);
    world.finish();
}

#[test]
fn no_more_of_them_are_ended_than_a_call_may_have_forks() {
    let mut world = World::new(1);
    let (call, invite) = refused(&mut world, false);
    let callee = call.callees[0];
    let most = drachtio::engine::limits::MAX_FORKS;
    for number in 0..most + 5 {
        let tag = format!("fork-{number}");
        let text = answer(&invite, 200, &tag, &["Contact: <sip:x@10.0.0.21>"], "");
        world.say_back(callee, &invite, text);
    }
    world.settle();
    let byes: Vec<Heard> = world
        .heard(callee)
        .into_iter()
        .filter(|one| one.what() == "BYE")
        .collect();
    assert_eq!(byes.len(), most);
    for bye in &byes {
        world.answer(callee, bye, 200);
    }
    world.finish();
}
