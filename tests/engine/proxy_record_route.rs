//! RFC 3261 §16.4, §16.6 step 4, §16.12, RFC 5658: requests of a dialog that pass through the
//! proxy that recorded its route.

use crate::world::{answer, companion, routes, value, Heard, Node, Phone, Ua, World};
use drachtio::engine::Transport;
use drachtio::message::HeaderId;

/// A call from one phone to another through a proxy that stays in the dialog.
struct Call {
    node: Node,
    alice: Phone,
    bob: Phone,
    alice_ua: Ua,
    bob_ua: Ua,
}

fn call(world: &mut World, to: Transport) -> Call {
    let node = world.node("10.0.0.1:5060");
    let alice = world.phone("10.0.0.8:5060");
    let bob = world.phone("10.0.0.9:5060");
    let mut alice_ua = world.ua(alice, "sip:bob@10.0.0.1");
    world.phone_asks(alice, node, &mut alice_ua, "INVITE");
    let id = world.next_told(node).id();
    let mut plan = crate::world::plan(&[&format!("sip:bob@10.0.0.9;transport={to}")]);
    plan.remain_in_dialog = true;
    world.proxy(node, id, plan);
    world.settle();
    let invite = world.hear_what(bob, "INVITE");
    let bob = if to == Transport::Tcp {
        bob.by_tcp()
    } else {
        bob
    };
    let bob_ua = Ua::called(bob, &invite, "b");
    let contact = bob_ua.contact_line();
    world.say_back(bob, &invite, answer(&invite, 200, "b", &[&contact], ""));
    world.settle();
    world.hear_what(alice, "100");
    let ok = world.hear_what(alice, "200");
    alice_ua.answered(&ok);
    Call {
        node,
        alice,
        bob,
        alice_ua,
        bob_ua,
    }
}

impl Call {
    fn ack(&mut self, world: &mut World) -> Heard {
        let ack = self.alice_ua.ack();
        world.say(self.alice, self.node, ack);
        world.settle();
        world.hear_what(self.bob, "ACK")
    }
}

#[test]
fn the_whole_dialog_passes_through() {
    let mut world = World::new(1);
    let mut call = call(&mut world, Transport::Udp);
    assert_eq!(call.alice_ua.routes, ["<sip:10.0.0.1:5060;lr>"]);
    let ack = call.ack(&mut world);
    assert!(routes(&ack).is_empty(), "our own route has done its work");
    assert_eq!(ack.request_uri().unwrap(), call.bob_ua.contact());
    assert_eq!(ack.max_forwards().unwrap(), Some(69));
    assert_eq!(ack.values(HeaderId::Via).count(), 2);

    for (from_alice, method) in [
        (true, "INFO"),
        (false, "INFO"),
        (true, "UPDATE"),
        (false, "BYE"),
    ] {
        let (ua, from, to) = if from_alice {
            (&mut call.alice_ua, call.alice, call.bob)
        } else {
            (&mut call.bob_ua, call.bob, call.alice)
        };
        world.phone_asks(from, call.node, ua, method);
        let heard = world.hear_what(to, method);
        assert!(routes(&heard).is_empty());
        world.answer(to, &heard, 200);
        let ok = world.hear_what(from, "200");
        assert_eq!(ok.values(HeaderId::Via).count(), 1);
    }
    assert!(world.told(call.node).is_empty(), "no application is asked");
    world.finish();
}

#[test]
fn an_ack_is_passed_on_each_time_it_comes_and_leaves_nothing() {
    let mut world = World::new(1);
    let mut call = call(&mut world, Transport::Udp);
    let ack = call.alice_ua.ack();
    let before = world.census(call.node);
    for _ in 0..3 {
        world.say(call.alice, call.node, &ack);
    }
    world.settle();
    assert_eq!(world.heard_what(call.bob), ["ACK", "ACK", "ACK"]);
    assert_eq!(world.census(call.node), before);
    world.finish();
}

#[test]
fn a_lost_request_of_the_dialog_is_repeated_by_the_proxy() {
    let mut world = World::new(1);
    let mut call = call(&mut world, Transport::Udp);
    call.ack(&mut world);
    let bye = call.alice_ua.request("BYE");
    world.say(call.alice, call.node, &bye);
    world.say(call.alice, call.node, &bye);
    world.settle();
    let first = world.hear_what(call.bob, "BYE");
    assert!(world.heard(call.bob).is_empty(), "it is forwarded once");
    world.run_ms(600);
    let second = world.hear_what(call.bob, "BYE");
    assert_eq!(second.text(), first.text());
    world.answer(call.bob, &first, 200);
    world.say(call.alice, call.node, &bye);
    world.settle();
    assert_eq!(world.heard_what(call.alice), ["200", "200"]);
    assert!(world.heard(call.bob).is_empty());
    world.finish();
}

#[test]
fn a_reinvite_is_proxied_with_a_100_and_can_be_cancelled() {
    let mut world = World::new(1);
    let mut call = call(&mut world, Transport::Udp);
    call.ack(&mut world);
    let reinvite = call.alice_ua.request("INVITE");
    world.say(call.alice, call.node, &reinvite);
    world.settle();
    world.hear_what(call.alice, "100");
    let heard = world.hear_what(call.bob, "INVITE");
    world.say_back(call.bob, &heard, answer(&heard, 180, "", &[], ""));
    world.say(call.alice, call.node, companion(&reinvite, "CANCEL", None));
    world.settle();
    assert_eq!(world.heard_what(call.alice), ["180", "200"]);
    let cancel = world.hear_what(call.bob, "CANCEL");
    world.say_back(call.bob, &cancel, answer(&cancel, 200, "", &[], ""));
    world.answer(call.bob, &heard, 487);
    let terminated = world.hear_what(call.alice, "487");
    let ack = companion(&reinvite, "ACK", Some(&terminated));
    world.say(call.alice, call.node, ack);
    world.settle();
    assert_eq!(
        world.heard_what(call.bob),
        ["ACK"],
        "to the proxy's own branch"
    );
    assert!(world.told(call.node).is_empty());
    world.finish();
}

#[test]
fn from_udp_to_tcp_both_sides_are_recorded() {
    let mut world = World::new(1);
    let mut call = call(&mut world, Transport::Tcp);
    assert_eq!(
        call.alice_ua.routes,
        [
            "<sip:10.0.0.1:5060;lr>",
            "<sip:10.0.0.1:5060;transport=tcp;lr>"
        ]
    );
    let ack = call.ack(&mut world);
    assert_eq!(ack.path.transport, Transport::Tcp);
    assert!(routes(&ack).is_empty());
    // The other way: the callee's topmost route is the side that it reaches.
    assert_eq!(
        call.bob_ua.routes,
        [
            "<sip:10.0.0.1:5060;transport=tcp;lr>",
            "<sip:10.0.0.1:5060;lr>"
        ]
    );
    let bye = call.bob_ua.request("BYE");
    world.say(call.bob, call.node, bye);
    world.settle();
    let bye = world.hear_what(call.alice, "BYE");
    assert_eq!(bye.path.transport, Transport::Udp);
    assert!(routes(&bye).is_empty());
    world.answer(call.alice, &bye, 200);
    world.hear_what(call.bob, "200");
    world.finish();
}

#[test]
fn the_next_route_decides_where_it_goes() {
    let mut world = World::new(1);
    let mut call = call(&mut world, Transport::Udp);
    let next = world.phone("10.0.0.7:5060");
    call.ack(&mut world);
    call.alice_ua.routes.push("<sip:10.0.0.7;lr>".to_string());
    let bye = call.alice_ua.request("BYE");
    world.say(call.alice, call.node, bye);
    world.settle();
    let bye = world.hear_what(next, "BYE");
    assert_eq!(routes(&bye), ["<sip:10.0.0.7;lr>"]);
    assert_eq!(bye.request_uri().unwrap(), call.bob_ua.contact());
    world.answer(next, &bye, 200);
    world.hear_what(call.alice, "200");
    world.finish();
}

#[test]
fn names_on_the_way_are_looked_up() {
    let mut world = World::new(1);
    world.name("next.example.com", &["10.0.0.7"]);
    let mut call = call(&mut world, Transport::Udp);
    let next = world.phone("10.0.0.7:5060");
    call.alice_ua.target = "sip:bob@next.example.com".to_string();
    let ack = call.alice_ua.ack();
    world.say(call.alice, call.node, ack);
    let bye = call.alice_ua.request("BYE");
    world.say(call.alice, call.node, bye);
    world.settle();
    world.hear_what(next, "ACK");
    world.phone_answers(next, "BYE", 200);
    world.hear_what(call.alice, "200");

    call.alice_ua.target = "sip:bob@nowhere.example.com".to_string();
    let ack = call.alice_ua.ack();
    world.say(call.alice, call.node, ack);
    let bye = call.alice_ua.request("BYE");
    world.say(call.alice, call.node, bye);
    world.settle();
    world.hear_what(call.alice, "500");
    world.finish();
}

#[test]
fn a_request_without_hops_left_goes_no_further() {
    let mut world = World::new(1);
    let mut call = call(&mut world, Transport::Udp);
    for method in ["ACK", "BYE"] {
        let request = call.alice_ua.request(method);
        let request = request.replace("Max-Forwards: 70", "Max-Forwards: 0");
        world.say(call.alice, call.node, request);
    }
    world.settle();
    assert!(world.heard(call.bob).is_empty());
    assert_eq!(world.heard_what(call.alice), ["483"]);
    world.finish();
}

#[test]
fn nobody_is_told_of_a_peer_that_is_gone_when_they_know_by_themselves() {
    let mut world = World::new(1);
    let mut call = call(&mut world, Transport::Udp);
    call.ack(&mut world);
    world.swallow("10.0.0.9");
    let bye = call.alice_ua.request("BYE");
    world.say(call.alice, call.node, bye);
    world.run_secs(33);
    // RFC 4320 §4.2: no 408, which would come when the caller has given up.
    assert_eq!(world.heard_what(call.alice), ["100"]);
    world.finish();
}

#[test]
fn a_route_that_is_not_ours_is_no_reason_to_forward() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.8:5060");
    let mut ua = world.ua(phone, "sip:bob@10.0.0.9");
    ua.remote.push_str(";tag=x");
    ua.routes = vec!["<sip:10.0.0.7;lr>".to_string()];
    world.phone_asks(phone, node, &mut ua, "BYE");
    assert_eq!(world.heard_what(phone), ["481"]);
    // Nor does a preloaded route without a dialog make a relay of us.
    let mut ua = world.ua(phone, "sip:bob@10.0.0.9");
    ua.routes = vec!["<sip:10.0.0.1;lr>".to_string()];
    world.phone_asks(phone, node, &mut ua, "OPTIONS");
    let told = world.next_told(node);
    world.respond(node, told.id(), crate::world::OK);
    world.finish();
}

#[test]
fn a_register_gets_a_path_instead() {
    let mut world = World::new(1);
    let call = world.proxying("REGISTER");
    let mut plan = call.plan(&[0]);
    plan.remain_in_dialog = true;
    world.proxy(call.node, call.id, plan);
    world.settle();
    let register = world.hear_what(call.callees[0], "REGISTER");
    assert_eq!(value(&register, HeaderId::Path), "<sip:10.0.0.1:5060;lr>");
    assert!(register.has_option(HeaderId::Require, "path"));
    assert!(register.get(HeaderId::RecordRoute).is_none());
    world.answer(call.callees[0], &register, 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    world.finish();
}

#[test]
fn our_record_route_goes_above_those_that_are_there() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let caller = world.phone("10.0.0.8:5060");
    let callee = world.phone("10.0.0.21:5060");
    let header = "Record-Route: <sip:10.3.3.3;lr>";
    let invite = world
        .ua(caller, "sip:bob@10.0.0.1")
        .request_with("INVITE", &[header], "");
    world.say(caller, node, &invite);
    world.settle();
    let id = world.next_told(node).id();
    let mut plan = crate::world::plan(&["sip:x@10.0.0.21"]);
    plan.remain_in_dialog = true;
    world.proxy(node, id, plan);
    world.settle();
    let forwarded = world.hear_what(callee, "INVITE");
    let recorded: Vec<&[u8]> = forwarded.values(HeaderId::RecordRoute).collect();
    assert_eq!(
        recorded,
        [&b"<sip:10.0.0.1:5060;lr>"[..], b"<sip:10.3.3.3;lr>"]
    );
    world.answer(callee, &forwarded, 486);
    let busy = world.heard(caller).pop().unwrap();
    world.say(caller, node, companion(&invite, "ACK", Some(&busy)));
    world.finish();
}
