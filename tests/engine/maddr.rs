//! RFC 3261 §16.4, §16.5, §16.6 item 7, §19.1.1: an `maddr` in the request-URI that means this proxy is
//! taken off; any other one says where the request goes.

use crate::world::{plan, routes, Heard, Node, Phone, World};
use drachtio::engine::Transport;

struct Case {
    node: Node,
    caller: Phone,
    there: Phone,
    other: Phone,
}

fn case(world: &mut World) -> Case {
    world.name("example.com", &["10.0.0.7"]);
    let listeners = [
        (Transport::Udp, "10.0.0.1:5060"),
        (Transport::Tcp, "10.0.0.1:5060"),
        (Transport::Udp, "10.0.0.1:5080"),
    ];
    Case {
        node: world.node_on(&listeners),
        caller: world.phone("10.0.0.8:5060"),
        there: world.phone("10.0.0.7:5060"),
        other: world.phone("10.0.0.9:5070"),
    }
}

/// What is heard there when the application sends a request to this URI on to its request-URI.
fn forwarded(world: &mut World, case: &Case, uri: &str, there: Phone) -> Heard {
    let message = world.ua(case.caller, uri).request("MESSAGE");
    world.say(case.caller, case.node, message);
    world.settle();
    let told = world.next_told(case.node);
    assert_eq!(
        told.message.request_uri(),
        Some(uri),
        "as its sender wrote it"
    );
    world.proxy(case.node, told.id(), plan(&[uri]));
    world.run_ms(200);
    let heard = world.phone_answers(there, "MESSAGE", 200);
    world.hear_what(case.caller, "200");
    heard
}

#[test]
fn one_that_means_us_is_taken_off_with_the_port_and_the_transport() {
    for uri in [
        "sip:bob@example.com;maddr=10.0.0.1;x=y",
        "sip:bob@example.com:5060;x=y;MADDR=10.0.0.1",
        "sip:bob@example.com;transport=udp;maddr=10.0.0.1;x=y",
    ] {
        let mut world = World::new(1);
        let case = case(&mut world);
        let heard = forwarded(&mut world, &case, uri, case.there);
        assert_eq!(heard.request_uri(), Some("sip:bob@example.com;x=y"));
        world.finish();
    }
}

#[test]
fn one_of_ours_at_another_port_or_transport_than_the_request_has_come_by_is_not_meant() {
    let uris = [
        "sip:bob@10.0.0.7;maddr=10.0.0.1:5080",
        "sip:bob@10.0.0.7:5080;maddr=10.0.0.1",
        "sip:bob@10.0.0.7;transport=tcp;maddr=10.0.0.1",
    ];
    for uri in uris {
        let mut world = World::new(1);
        let case = case(&mut world);
        let message = world.ua(case.caller, uri).request("MESSAGE");
        world.say(case.caller, case.node, message);
        world.settle();
        let id = world.next_told(case.node).id();
        world.proxy(case.node, id, plan(&["sip:x@10.0.0.7"]));
        world.settle();
        let heard = world.hear_what(case.there, "MESSAGE");
        assert_eq!(heard.request_uri(), Some(uri));
        world.answer(case.there, &heard, 200);
        world.finish();
    }
}

#[test]
fn that_of_somebody_else_is_where_the_request_goes_and_stays_in_it() {
    let mut world = World::new(1);
    let case = case(&mut world);
    let uri = "sip:bob@example.com:5070;maddr=10.0.0.9";
    let heard = forwarded(&mut world, &case, uri, case.other);
    assert_eq!(heard.request_uri(), Some(uri));
    world.finish();
}

#[test]
fn that_of_a_destination_or_a_hop_is_where_the_request_goes() {
    let mut world = World::new(1);
    let case = case(&mut world);
    for hop in [None, Some("<sip:example.com:5070;maddr=10.0.0.9;lr>")] {
        let message = world.ua(case.caller, "sip:bob@10.0.0.1").request("MESSAGE");
        world.say(case.caller, case.node, message);
        world.settle();
        let id = world.next_told(case.node).id();
        let target = match hop {
            None => "sip:bob@example.com:5070;maddr=10.0.0.9",
            Some(_) => "sip:bob@example.com",
        };
        let mut plan = plan(&[target]);
        plan.groups[0][0].next_hop = hop.map(str::to_owned);
        world.proxy(case.node, id, plan);
        world.settle();
        let heard = world.hear_what(case.other, "MESSAGE");
        assert_eq!(heard.request_uri(), Some(target));
        let expected: Vec<&str> = hop.into_iter().collect();
        assert_eq!(routes(&heard), expected);
        world.answer(case.other, &heard, 200);
        world.hear_what(case.caller, "200");
    }
    world.finish();
}
