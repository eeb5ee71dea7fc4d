//! RFC 3261 §16.4, §16.6 item 6, §16.12.1.2: routers of the time before `lr`, before this proxy
//! and behind it.

use crate::world::{routes, RecordedCall, World};
use drachtio::engine::Transport;

/// A request of the caller's as a strict router forwards it: the next route is the request-URI,
/// which stands at the end of the routes.
fn by_strict_router(call: &mut RecordedCall, method: &str) -> String {
    let ua = &mut call.alice.ua;
    let (routes, target) = (ua.routes.clone(), ua.target.clone());
    ua.target = routes[0].trim_matches(['<', '>']).to_string();
    ua.routes.remove(0);
    ua.routes.push(format!("<{target}>"));
    let request = ua.request(method);
    (ua.routes, ua.target) = (routes, target);
    request
}

#[test]
fn what_a_strict_router_sends_here_goes_to_its_target() {
    let mut world = World::new(1);
    let mut call = world.recorded_call();
    for method in ["ACK", "BYE"] {
        let request = by_strict_router(&mut call, method);
        assert!(request.starts_with(&format!("{method} sip:10.0.0.1:5060;lr SIP")));
        world.say(call.alice.phone, call.node, request);
        world.settle();
        let heard = call.bob.hears(&mut world, method);
        assert_eq!(heard.request_uri().unwrap(), call.bob.ua.contact());
        assert!(routes(&heard).is_empty());
        if method == "BYE" {
            call.bob.answers(&mut world, &heard, 200);
            call.alice.hears(&mut world, "200");
        }
    }
    world.finish();
}

#[test]
fn of_two_routes_of_ours_it_has_taken_one_off() {
    let mut world = World::new(1);
    let mut call = world.recorded_call();
    let other_side = format!("<sip:10.0.0.1:5060;transport={};lr>", Transport::Tcp);
    call.alice.ua.routes.push(other_side);
    let request = by_strict_router(&mut call, "BYE");
    world.say(call.alice.phone, call.node, request);
    world.settle();
    let heard = call.bob.hears(&mut world, "BYE");
    assert_eq!(heard.request_uri().unwrap(), call.bob.ua.contact());
    assert!(routes(&heard).is_empty());
    call.bob.answers(&mut world, &heard, 200);
    call.alice.hears(&mut world, "200");
    world.finish();
}

#[test]
fn a_strict_router_behind_us_finds_itself_in_the_request_line() {
    let mut world = World::new(1);
    let mut call = world.recorded_call();
    let strict = world.phone("10.0.0.7:5060");
    let routes_behind = ["<sip:10.0.0.7>", "<sip:10.0.0.6;lr>"];
    call.alice.ua.routes.extend(routes_behind.map(String::from));
    for method in ["ACK", "BYE"] {
        call.alice.asks(&mut world, call.node, method);
        let heard = world.hear_what(strict, method);
        assert_eq!(heard.request_uri(), Some("sip:10.0.0.7"));
        let target = format!("<{}>", call.bob.ua.contact());
        assert_eq!(routes(&heard), ["<sip:10.0.0.6;lr>", target.as_str()]);
        if method == "BYE" {
            world.answer(strict, &heard, 200);
            call.alice.hears(&mut world, "200");
        }
    }
    world.finish();
}

#[test]
fn a_request_uri_of_ours_that_nobody_recorded_is_no_route() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.8:5060");
    // No `lr`, and no Route that could hold the target.
    for (uri, routes) in [
        ("sip:bob@10.0.0.1", vec!["<sip:10.0.0.1;lr>".to_string()]),
        ("sip:bob@10.0.0.1;lr", vec![]),
    ] {
        let mut ua = world.ua(phone, uri);
        ua.routes = routes;
        world.phone_asks(phone, node, &mut ua, "MESSAGE");
        let told = world.next_told(node);
        assert_eq!(told.message.request_uri(), Some(uri));
        world.respond(node, told.id(), crate::world::OK);
        world.settle();
        world.hear_what(phone, "200");
    }
    world.finish();
}
