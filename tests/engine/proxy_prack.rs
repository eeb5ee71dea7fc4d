//! RFC 3262 §3, §4 through a proxy: reliable provisional responses are the callee's and the caller's
//! affair, from end to end.

use crate::world::{answer, at_once, rseq, to_tag, World};

#[test]
fn a_reliable_response_and_its_prack_pass_unchanged() {
    let mut world = World::new(1);
    let call = world.proxying_with("INVITE", &["Supported: 100rel"]);
    let callee = call.callees[0];
    let mut plan = call.plan(&[0]);
    plan.remain_in_dialog = true;
    world.proxy(call.node, call.id, plan);
    world.settle();
    let invite = world.hear_what(callee, "INVITE");
    let contact = "Contact: <sip:phone@10.0.0.21:5060>";
    let headers = [contact, "Require: 100rel", "RSeq: 4711"];
    let text = answer(&invite, 183, "callee", &headers, "");
    // It comes three times until the PRACK is there: each goes on.
    for _ in 0..3 {
        world.say_back(callee, &invite, &text);
        world.settle();
        let ringing = world.hear_what(call.caller, "183");
        assert_eq!((rseq(&ringing), to_tag(&ringing)), (4711, "callee"));
    }
    let mut ua = call.ua.clone();
    ua.answered(&answer_parsed(&text));
    let rack = "RAck: 4711 1 INVITE";
    world.phone_asks_with(call.caller, call.node, &mut ua, "PRACK", &[rack], "");
    let prack = world.hear_what(callee, "PRACK");
    assert_eq!(prack.rack().unwrap().unwrap().rseq, 4711);
    assert_eq!(prack.to_tag(), Some("callee"));
    world.answer(callee, &prack, 200);
    world.hear_what(call.caller, "200");
    world.answer(callee, &invite, 486);
    world.caller_is_refused(&call, 486);
    world.finish();
}

#[test]
fn each_fork_gets_its_own_prack() {
    let mut world = World::new(1);
    let call = world.proxying_with("INVITE", &["Supported: 100rel"]);
    let mut plan = at_once(call.plan(&[0, 1]));
    plan.remain_in_dialog = true;
    world.proxy(call.node, call.id, plan);
    world.settle();
    let mut invites = Vec::new();
    for at in [0, 1] {
        let callee = call.callees[at];
        let invite = world.hear_what(callee, "INVITE");
        let tag = format!("fork-{at}");
        let contact = format!("Contact: <sip:phone@{}>", callee.address);
        let headers = [contact.as_str(), "Require: 100rel", "RSeq: 1"];
        world.say_back(callee, &invite, answer(&invite, 183, &tag, &headers, ""));
        world.settle();
        let ringing = world.hear_what(call.caller, "183");
        let mut ua = call.ua.clone();
        ua.answered(&ringing);
        let prack = ua.request_with("PRACK", &["RAck: 1 1 INVITE"], &tag);
        let prack = prack.replace("branch=z9hG4bK", &format!("branch=z9hG4bK-{at}"));
        world.say(call.caller, call.node, prack);
        world.settle();
        let prack = world.hear_what(callee, "PRACK");
        assert_eq!(prack.to_tag(), Some(&*tag));
        world.answer(callee, &prack, 200);
        world.hear_what(call.caller, "200");
        invites.push(invite);
    }
    for at in [0, 1] {
        world.answer(call.callees[at], &invites[at], 486);
    }
    world.caller_is_refused(&call, 486);
    world.finish();
}

fn answer_parsed(text: &str) -> drachtio::message::Message {
    drachtio::message::Message::parse(text.as_bytes().to_vec().into()).unwrap()
}
