//! RFC 3261 §8.1.3.1, §13.3.1.4, §17: a peer that stops at each step of a call.

use std::time::Duration;

use crate::world::{answer, companion, Kind, Play, World, ACK, BUSY, BYE, INFO, OK, RINGING};
use drachtio::engine::AppId;
use drachtio::message::HeaderId;

const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";
const RELIABLE: &str = "SIP/2.0 183 Progress\r\nRequire: 100rel\r\n\r\nv=0\r\n";

/// The times in a call, all of whose steps lie closely together, at which a peer may stop.
fn moments() -> impl Iterator<Item = Duration> {
    let close = (0..15).map(|step| Duration::from_millis(step * 4));
    let far = (1..18).map(|step| Duration::from_millis(step * 500 + 3));
    close.chain(far)
}

/// Plays one call of a kind in which one side stops for ever at some moment. Every request still
/// gets its final response, every command its answer, and what stays are dialogs of which no
/// more is heard, which their applications may end.
fn play(kind: usize, moment: Duration, via_proxy: bool, stop: impl Fn(&mut World)) {
    let world = World::new(kind as u64);
    let Play {
        mut world,
        caller,
        nodes,
        ..
    } = Play::new(world, kind..kind + 1, via_proxy, "");
    world.run(moment);
    stop(&mut world);
    world.run_until_idle();
    world.everybody_is_answered();
    for node in &nodes {
        let census = world.census(*node);
        assert!(census.dialogs <= 1, "{:?}: {census:?}", Kind::of(kind));
        world.app_goes(*node, AppId(1));
    }
    let finals = caller.borrow().finals.get(&kind).cloned();
    assert_eq!(finals.map(|finals| finals.len()), Some(1));
    world.finish();
}

#[test]
fn a_caller_or_callee_that_stops_at_any_moment_leaves_nothing() {
    for moment in moments() {
        for kind in 0..Kind::ALL.len() {
            for victim in ["10.0.0.1", "10.0.0.2"] {
                play(kind, moment, false, |world| world.swallow(victim));
            }
        }
    }
}

#[test]
fn with_a_proxy_in_between_it_is_the_same_and_the_proxy_may_stop_too() {
    for moment in moments() {
        for kind in 0..Kind::ALL.len() {
            for victim in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
                play(kind, moment, true, |world| world.swallow(victim));
            }
        }
    }
}

#[test]
fn one_that_cannot_be_sent_to_any_more_leaves_nothing() {
    for moment in moments() {
        for kind in 0..Kind::ALL.len() {
            for victim in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
                play(kind, moment, true, |world| world.cut_off(victim));
            }
        }
    }
}

#[test]
fn a_callee_that_stops_after_each_of_its_responses() {
    for responses in [&[][..], &[100], &[180], &[100, 183], &[183, 180]] {
        let mut world = World::new(1);
        let (node, phone, _, invite) = world.outbound_with("INVITE", "Supported: 100rel\r\n");
        for code in responses {
            let text = answer(&invite, *code, "b", &[CONTACT], "");
            world.say_back(phone, &invite, text);
        }
        world.run_until_idle();
        let told = world.told_what(node);
        assert_eq!(told.last().unwrap(), "408", "after {responses:?}");
        // Without any response timer B, else timer C and a CANCEL.
        let limit = if responses.is_empty() { 40 } else { 260 };
        assert!(world.elapsed() < Duration::from_secs(limit));
        world.finish();
    }
}

#[test]
fn a_callee_that_stops_before_its_prack_is_answered() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound_with("INVITE", "Supported: 100rel\r\n");
    let headers = [CONTACT, "Require: 100rel", "RSeq: 1"];
    world.say_back(phone, &invite, answer(&invite, 183, "b", &headers, ""));
    world.settle();
    let cseq = invite.cseq().unwrap().number;
    let prack = format!("PRACK sip:x SIP/2.0\r\nRAck: 1 {cseq} INVITE\r\n");
    world.request_in(node, &sent.dialog_id(), &prack);
    world.run_until_idle();
    assert_eq!(world.told_what(node), ["183", "408", "408"]);
    world.finish();
}

#[test]
fn a_callee_that_stops_in_the_call() {
    for text in [BYE, "INFO sip:x SIP/2.0\r\n", "INVITE sip:x SIP/2.0\r\n"] {
        let mut world = World::new(1);
        let (node, _, _, dialog) = world.outbound_call();
        world.request_in(node, &dialog, text);
        world.run_secs(33);
        assert_eq!(world.told_what(node), ["408"]);
        if text != BYE {
            assert_eq!(world.census(node).dialogs, 1);
            world.request_in(node, &dialog, BYE);
            world.run_secs(33);
            assert_eq!(world.told_what(node), ["408"]);
        }
        assert!(world.census(node).is_empty());
        world.finish();
    }
}

#[test]
fn a_caller_that_stops_after_its_invite() {
    for (texts, end) in [
        (&[][..], "503"),
        (&[RINGING][..], "500"),
        (&[BUSY][..], "486"),
        (&[RELIABLE][..], "504"),
        (&[RINGING, OK][..], "BYE"),
        (&[RELIABLE, OK][..], "504"),
    ] {
        let mut world = World::new(1);
        let (node, phone, _, id) = world.inbound_with("INVITE", &["Supported: 100rel"], "");
        for text in texts {
            world.respond(node, id, text);
        }
        world.run_until_idle();
        let heard = world.heard_what(phone);
        assert_eq!(heard.last().unwrap(), end, "{texts:?}");
        world.finish();
    }
}

#[test]
fn a_caller_that_stops_after_its_cancel() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    world.say(phone, node, &invite);
    world.say(phone, node, companion(&invite, "CANCEL", None));
    world.run_secs(33);
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn a_caller_whose_connection_breaks_at_each_step() {
    for step in 0..4 {
        let mut world = World::new(1);
        let node = world.node("10.0.0.1:5060");
        let phone = world.phone("10.0.0.9:5060").by_tcp();
        let (_, id) = world.inbound_from(phone, node, "INVITE");
        for (at, text) in [RINGING, RINGING, OK].iter().enumerate() {
            if at == step {
                world.close_connections(phone);
                world.cut_off("10.0.0.9");
            }
            world.respond(node, id, text);
            world.settle();
        }
        if step == 3 {
            world.close_connections(phone);
            world.cut_off("10.0.0.9");
        }
        world.run_until_idle();
        assert_eq!(
            world.told_what(node),
            ["BYE"],
            "the call is given up without an ACK"
        );
        world.finish();
    }
}

#[test]
fn a_callee_whose_connection_breaks_in_the_call_is_called_back_or_given_up() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:5060").by_tcp();
    let (_, dialog) = world.call_out(node, phone);
    world.close_connections(phone);
    world.cut_off("10.0.0.9");
    world.request_in(node, &dialog, INFO);
    world.settle();
    let unsent = world.next_told(node);
    assert_eq!(unsent.what(), "503");
    let why = unsent.message.get_str(HeaderId::Warning);
    let said = "399 10.0.0.1:5060 \"tcp to 10.0.0.9:5060: the peer cannot be reached\"";
    assert_eq!(why, Some(said), "RFC 3261 §20.43");
    world.request_in(node, &dialog, BYE);
    world.settle();
    assert_eq!(world.told_what(node), ["503"]);
    assert_eq!(world.census(node).dialogs, 0);
    let refusal = world.refused(node, crate::world::request_in(&dialog, ACK));
    assert_eq!(refusal.code(), "DRT_ERR_ACK_NOT_NEEDED");
    world.finish();
}
