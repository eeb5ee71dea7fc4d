//! RFC 3261 §16.4, §16.6 items 6 and 7, RFC 3327 §5.3: hops that the application names, and
//! routes that the caller has written.

use crate::world::{plan, routes, Heard, Node, Phone, World};
use drachtio::engine::{PreloadedRoutes, ProxyPlan, TransactionId};

const TARGET: &str = "sip:phone@10.0.0.21";

struct Case {
    node: Node,
    caller: Phone,
    id: TransactionId,
    hop: Phone,
    target: Phone,
}

/// A caller's MESSAGE with these routes, to this URI.
fn case(world: &mut World, uri: &str, routes: &[&str]) -> Case {
    let node = world.node("10.0.0.1:5060");
    let [caller, hop, target] = [8, 7, 21].map(|n| world.phone(&format!("10.0.0.{n}:5060")));
    let mut ua = world.ua(caller, uri);
    ua.routes = routes.iter().map(|route| route.to_string()).collect();
    world.phone_asks(caller, node, &mut ua, "MESSAGE");
    let id = world.next_told(node).id();
    Case {
        node,
        caller,
        id,
        hop,
        target,
    }
}

fn via(next_hop: &str) -> ProxyPlan {
    let mut plan = plan(&[TARGET]);
    plan.groups[0][0].next_hop = Some(next_hop.to_string());
    plan
}

/// What one of them hears of it, once it is forwarded.
fn heard(world: &mut World, case: &Case, plan: ProxyPlan, by: Phone) -> Heard {
    world.proxy(case.node, case.id, plan);
    world.settle();
    let heard = world.phone_answers(by, "MESSAGE", 200);
    world.hear_what(case.caller, "200");
    heard
}

#[test]
fn a_hop_is_where_it_goes_and_not_what_it_says() {
    for uri in ["sip:bob@10.0.0.1", "sip:bob@example.com"] {
        let mut world = World::new(1);
        let case = case(&mut world, uri, &[]);
        let message = heard(&mut world, &case, via("sip:10.0.0.7"), case.hop);
        let expected = if uri.contains("10.0.0.1") {
            TARGET
        } else {
            uri
        };
        assert_eq!(message.request_uri(), Some(expected));
        assert!(routes(&message).is_empty());
        world.finish();
    }
}

#[test]
fn hops_that_are_loose_routers_are_written_into_routes() {
    let mut world = World::new(1);
    let case = case(&mut world, "sip:bob@10.0.0.1", &[]);
    let message = heard(&mut world, &case, via("sip:10.0.0.7;lr"), case.hop);
    assert_eq!(message.request_uri(), Some(TARGET));
    assert_eq!(routes(&message), ["<sip:10.0.0.7;lr>"]);
    world.finish();
}

#[test]
fn a_path_is_a_list_of_hops_and_what_names_us_in_it_has_done_its_work() {
    let mut world = World::new(1);
    let case = case(&mut world, "sip:bob@10.0.0.1", &[]);
    let path = "<sip:10.0.0.1;lr>, <sip:10.0.0.7;lr>,<sip:a,b@10.0.0.6;lr>";
    let message = heard(&mut world, &case, via(path), case.hop);
    assert_eq!(
        routes(&message),
        ["<sip:10.0.0.7;lr>", "<sip:a,b@10.0.0.6;lr>"]
    );
    world.finish();
}

#[test]
fn a_path_that_names_us_alone_leads_to_the_target() {
    let mut world = World::new(1);
    let case = case(&mut world, "sip:bob@10.0.0.1", &[]);
    let message = heard(&mut world, &case, via("<sip:10.0.0.1;lr>"), case.target);
    assert!(routes(&message).is_empty());
    world.finish();
}

#[test]
fn preloaded_routes_are_dropped_unless_they_are_to_be_followed() {
    let preloaded = [
        "<sip:10.0.0.1;lr>",
        "<sip:10.0.0.7;lr>",
        "<sip:10.0.0.6;lr>",
    ];
    for follows in [false, true] {
        let mut world = World::new(1);
        let case = case(&mut world, "sip:bob@10.0.0.1", &preloaded);
        let mut plan = plan(&[TARGET]);
        if follows {
            plan.preloaded_routes = PreloadedRoutes::Followed;
        }
        let by = if follows { case.hop } else { case.target };
        let message = heard(&mut world, &case, plan, by);
        let left = if follows { &preloaded[1..] } else { &[] };
        assert_eq!(routes(&message), left);
        assert_eq!(message.request_uri(), Some(TARGET));
        world.finish();
    }
}

#[test]
fn a_hop_of_the_applications_goes_before_those_of_the_caller() {
    let mut world = World::new(1);
    let case = case(&mut world, "sip:bob@10.0.0.1", &["<sip:10.0.0.6;lr>"]);
    let mut plan = via("sip:10.0.0.7;lr");
    plan.preloaded_routes = PreloadedRoutes::Followed;
    let message = heard(&mut world, &case, plan, case.hop);
    assert_eq!(routes(&message), ["<sip:10.0.0.7;lr>", "<sip:10.0.0.6;lr>"]);
    world.finish();
}

#[test]
fn a_strict_router_among_the_preloaded_routes_finds_itself_in_the_request_line() {
    let mut world = World::new(1);
    let case = case(&mut world, "sip:bob@10.0.0.1", &["<sip:10.0.0.7>"]);
    let mut plan = plan(&[TARGET]);
    plan.preloaded_routes = PreloadedRoutes::Followed;
    let message = heard(&mut world, &case, plan, case.hop);
    assert_eq!(message.request_uri(), Some("sip:10.0.0.7"));
    assert_eq!(routes(&message), [format!("<{TARGET}>")]);
    world.finish();
}

#[test]
fn without_routes_there_is_nothing_to_follow() {
    let mut world = World::new(1);
    let case = case(&mut world, "sip:bob@10.0.0.1", &[]);
    let mut plan = plan(&[TARGET]);
    plan.preloaded_routes = PreloadedRoutes::Followed;
    let message = heard(&mut world, &case, plan, case.target);
    assert!(routes(&message).is_empty());
    world.finish();
}
