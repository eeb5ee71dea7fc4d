//! RFC 3261 §8.2.2.2: one request that arrives by several ways.

use crate::world::{companion, Node, Phone, World, OK, RINGING};

fn stage(world: &mut World) -> (Node, Phone) {
    (world.node("10.0.0.1:5060"), world.phone("10.0.0.9:5060"))
}

fn copy(request: &str) -> String {
    request.replace("branch=z9hG4bK", "branch=z9hG4bK-copy-")
}

#[test]
fn a_copy_of_what_was_accepted_is_answered_482() {
    for (method, answer) in [("MESSAGE", OK), ("INVITE", OK), ("INVITE", RINGING)] {
        let mut world = World::new(1);
        let (node, phone) = stage(&mut world);
        let (alice, id) = world.inbound_from(phone, node, method);
        world.respond(node, id, answer);
        world.settle();
        world.heard(phone);
        world.say(phone, node, copy(&alice.last));
        world.settle();
        let refused = world.hear_what(phone, "482");
        assert!(world.told(node).is_empty());
        if method == "INVITE" {
            let ack = companion(&copy(&alice.last), "ACK", Some(&refused.message));
            world.say(phone, node, ack);
        }
        if answer == RINGING {
            world.respond(node, id, "SIP/2.0 486 Busy Here\r\n");
        }
        world.run_secs(70);
        world.finish();
    }
}

#[test]
fn copies_that_nobody_has_accepted_yet_are_requests_of_their_own() {
    let mut world = World::new(1);
    let (node, phone) = stage(&mut world);
    let request = world.ua(phone, "sip:bob@10.0.0.1").request("MESSAGE");
    world.say(phone, node, &request);
    world.say(phone, node, copy(&request));
    world.settle();
    let told = world.told(node);
    assert_eq!(told.len(), 2);
    for one in told {
        world.respond(node, one.id(), "SIP/2.0 404 Not Found\r\n");
    }
    world.settle();
    assert_eq!(world.heard_what(phone), ["404", "404"]);
    world.finish();
}

#[test]
fn a_request_is_no_copy_if_it_is_for_another_user_or_comes_later() {
    let mut world = World::new(1);
    let (node, phone) = stage(&mut world);
    let mut ua = world.ua(phone, "sip:bob@10.0.0.1");
    let request = ua.request("MESSAGE");
    let for_carol = copy(&request).replacen("sip:bob@", "sip:carol@", 1);
    for text in [request.clone(), for_carol, ua.request("MESSAGE")] {
        world.say(phone, node, text);
        world.settle();
        let id = world.next_told(node).id();
        world.respond(node, id, OK);
    }
    world.run_secs(33);
    assert_eq!(world.heard_what(phone), ["200", "200", "200"]);
    // Once the transaction is over, there is nothing to be a copy of.
    world.say(phone, node, copy(&request));
    world.settle();
    let id = world.next_told(node).id();
    world.respond(node, id, OK);
    world.finish();
}
