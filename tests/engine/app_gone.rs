//! RFC 3261 §8.1.3.1, §13.2.2.4, §15: an application goes away, and nobody waits for it in vain.

use crate::world::{
    answer, companion, plan, request, value, Kind, Link, Play, World, ACK, BYE, OK, REINVITE,
    RINGING,
};
use drachtio::engine::AppId;
use drachtio::message::HeaderId;

const APP: AppId = AppId(1);
const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";

#[test]
fn what_it_has_not_answered_is_answered_503() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let options = world.ua(phone, "sip:bob@10.0.0.1").request("OPTIONS");
    let invite = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    let ringing = world.ua(phone, "sip:bob@10.0.0.1").request("INVITE");
    for text in [&options, &invite, &ringing] {
        world.say(phone, node, text);
    }
    world.settle();
    let told = world.told(node);
    world.respond(node, told[2].id(), RINGING);
    world.settle();
    world.heard(phone);
    world.app_goes(node, APP);
    world.settle();
    let heard = world.heard(phone);
    assert!(heard.iter().all(|one| one.status() == Some(503)));
    assert_eq!(heard.len(), 3);
    world.finish();
}

#[test]
fn its_calls_are_hung_up() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.call_in(phone, node);
    world.call_out(node, phone);
    world.app_goes(node, APP);
    world.settle();
    let heard = world.heard(phone);
    assert_eq!(heard.len(), 2);
    for bye in &heard {
        assert_eq!(bye.what(), "BYE");
        assert!(value(bye, HeaderId::Reason).contains("application has gone"));
        world.say_back(phone, bye, answer(bye, 200, "", &[], ""));
    }
    world.settle();
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn the_calls_of_another_application_go_on() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    world.app_goes(node, AppId(2));
    world.settle();
    assert!(world.heard(phone).is_empty());
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

#[test]
fn a_call_it_was_making_is_cancelled_when_it_rings() {
    for already in [false, true] {
        let mut world = World::new(1);
        let (node, phone, _, invite) = world.outbound("INVITE");
        let ringing = answer(&invite, 180, "b", &[], "");
        if already {
            world.say_back(phone, &invite, &ringing);
            world.settle();
        }
        world.app_goes(node, APP);
        if !already {
            world.say_back(phone, &invite, &ringing);
        }
        world.settle();
        world.hear_what(phone, "CANCEL");
        world.say_back(phone, &invite, answer(&invite, 487, "b", &[], ""));
        world.finish();
    }
}

#[test]
fn a_call_that_is_answered_afterwards_is_ended_at_once() {
    let mut world = World::new(1);
    let (node, phone, _, invite) = world.outbound("INVITE");
    world.app_goes(node, APP);
    let ok = answer(&invite, 200, "b", &[CONTACT], "");
    world.say_back(phone, &invite, &ok);
    world.settle();
    assert_eq!(world.heard_what(phone), ["ACK", "BYE"]);
    assert_eq!(world.census(node).dialogs, 0);
    // Its ACK was lost.
    world.say_back(phone, &invite, &ok);
    world.settle();
    assert!(world.heard_what(phone).contains(&"ACK".to_string()));
    world.finish();
}

#[test]
fn its_subscriptions_end_with_the_next_request() {
    let mut world = World::new(1);
    let (node, phone, mut alice, id) = world.inbound("SUBSCRIBE");
    let ok = world.respond(node, id, "SIP/2.0 200 OK\r\nExpires: 600\r\n");
    alice.answered(&ok.message);
    world.settle();
    world.heard(phone);
    world.app_goes(node, APP);
    world.settle();
    assert!(
        world.heard(phone).is_empty(),
        "there is no BYE for a subscription"
    );
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_subscription_that_is_granted_afterwards_makes_no_dialog() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.request(
        node,
        "SUBSCRIBE sip:phone@10.0.0.9 SIP/2.0\r\nExpires: 600\r\n",
    );
    world.settle();
    let subscribe = world.hear(phone);
    world.app_goes(node, APP);
    let headers = ["Expires: 600", CONTACT];
    world.say_back(
        phone,
        &subscribe,
        answer(&subscribe, 200, "b", &headers, ""),
    );
    world.settle();
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_command_that_waits_for_a_name_is_forgotten() {
    let mut world = World::new(1);
    world.name("phone.example.com", &["10.0.0.9"]);
    let (node, phone) = world.node_and_phone();
    world.give(node, request("INVITE sip:phone.example.com SIP/2.0\r\n"));
    world.app_goes(node, APP);
    assert_eq!(world.census(node).queries, 0);
    world.run_secs(1);
    assert!(world.heard(phone).is_empty());
    world.finish();
}

#[test]
fn what_it_was_proxying_is_cancelled_and_answered() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let caller = world.phone("10.0.0.8:5060");
    let invite = world.ua(caller, "sip:bob@10.0.0.1").request("INVITE");
    world.say(caller, node, &invite);
    world.settle();
    let id = world.next_told(node).id();
    world.proxy(node, id, plan(&["sip:b@10.0.0.9", "sip:c@10.0.0.9"]));
    world.settle();
    let forwarded = world.hear_what(phone, "INVITE");
    world.say_back(phone, &forwarded, answer(&forwarded, 180, "b", &[], ""));
    world.settle();
    world.app_goes(node, APP);
    world.settle();
    let cancel = world.hear_what(phone, "CANCEL");
    world.say_back(phone, &cancel, answer(&cancel, 200, "b", &[], ""));
    world.say_back(phone, &forwarded, answer(&forwarded, 487, "b", &[], ""));
    world.settle();
    assert_eq!(
        world.heard_what(phone),
        ["ACK"],
        "and nothing to the next destination"
    );
    let heard = world.heard(caller);
    assert_eq!(heard.last().unwrap().status(), Some(480));
    world.say(
        caller,
        node,
        companion(&invite, "ACK", heard.last().map(|one| &one.message)),
    );
    world.finish();
}

#[test]
fn a_bye_that_it_has_not_answered_and_a_2xx_without_ack_leave_nothing() {
    let mut world = World::new(1);
    let (node, phone, mut alice, _) = world.inbound_call();
    let bye = alice.request("BYE");
    world.say(phone, node, bye);
    let mut carol = world.ua(phone, "sip:bob@10.0.0.1");
    world.phone_asks(phone, node, &mut carol, "INVITE");
    let told = world.told(node);
    let ok = world.respond(node, told[1].id(), OK);
    let held = world.give(node, crate::world::request_in(&ok.dialog_id(), BYE));
    world.app_goes(node, APP);
    assert_eq!(world.census(node).dialogs, 0);
    world.settle();
    let heard = world.heard_what(phone);
    assert!(heard.contains(&"BYE".to_string()), "{heard:?}");
    world.replies(node, held);
    world.finish();
}

#[test]
fn it_may_go_at_any_moment_of_a_call() {
    for step in 0..6 {
        let mut world = World::new(1);
        let (node, phone, sent, invite) = world.outbound("INVITE");
        let steps: [&dyn Fn(&mut World); 6] = [
            &|world| world.settle(),
            &|world| world.say_back(phone, &invite, answer(&invite, 100, "b", &[], "")),
            &|world| world.say_back(phone, &invite, answer(&invite, 180, "b", &[], "")),
            &|world| {
                let ok = answer(&invite, 200, "b", &[CONTACT], "");
                world.say_back(phone, &invite, ok);
            },
            &|world| {
                world.request_in(node, &sent.dialog_id(), ACK);
            },
            &|world| {
                world.request_in(node, &sent.dialog_id(), REINVITE);
            },
        ];
        for play in &steps[..=step] {
            play(&mut world);
            world.settle();
        }
        world.app_goes(node, APP);
        world.finish();
    }
}

#[test]
fn it_may_go_at_any_moment_of_any_call_on_any_network() {
    for (seed, link) in [(1, Link::good()), (2, Link::bad())] {
        for kind in 0..Kind::ALL.len() {
            for step in 0..20 {
                for victim in 0..3 {
                    let mut world = World::new(seed);
                    world.set_link(link);
                    let Play {
                        mut world, nodes, ..
                    } = Play::new(world, kind..kind + 1, true, "");
                    world.run_ms(step * step * 16);
                    world.app_goes(nodes[victim], APP);
                    // The others hang up what they believe to be up.
                    world.run_until_idle();
                    for node in nodes {
                        assert_eq!(world.census(node).dialogs, 0, "{:?}", Kind::of(kind));
                    }
                    world.finish();
                }
            }
        }
    }
}
