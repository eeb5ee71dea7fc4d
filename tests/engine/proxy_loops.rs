//! RFC 3261 §16.3 step 4, RFC 5393 §4: a request that comes back unchanged is a loop, one that has
//! changed is a spiral.

use crate::world::{companion, plan, without_line, Heard, Node, Phone, World};

/// The phone is another proxy: it sends what it was sent to this node.
fn pass_on(world: &mut World, phone: Phone, node: Node, request: &Heard, branch: &str) -> String {
    let text = String::from_utf8(request.text().to_vec()).unwrap();
    let via = format!("Via: SIP/2.0/UDP {};branch={branch}\r\n", phone.address);
    let (start, rest) = text.split_once("\r\n").unwrap();
    let text = format!("{start}\r\n{via}{rest}");
    world.say(phone, node, &text);
    world.settle();
    text
}

#[test]
fn what_comes_from_the_same_neighbour_again_is_a_loop() {
    for method in ["INVITE", "MESSAGE"] {
        let mut world = World::new(1);
        let call = world.proxying(method);
        let neighbour = call.callees[0];
        world.proxy(call.node, call.id, call.plan(&[0]));
        world.settle();
        let first = world.hear_what(neighbour, method);
        // The first time the application may still decide otherwise, since it comes from there.
        let once = pass_on(&mut world, neighbour, call.node, &first, "z9hG4bK-there-1");
        let told = world.next_told(call.node);
        world.proxy(call.node, told.id(), call.plan(&[0]));
        world.settle();
        if method == "INVITE" {
            world.hear_what(neighbour, "100");
        }
        let second = world.hear_what(neighbour, method);
        let twice = pass_on(&mut world, neighbour, call.node, &second, "z9hG4bK-there-2");
        let refused = world.hear_what(neighbour, "482");
        assert!(world.told(call.node).is_empty());
        if method == "INVITE" {
            let ack = companion(&twice, "ACK", Some(&refused));
            world.say(neighbour, call.node, without_line(&ack, "nothing"));
        }
        world.answer(neighbour, &second, 482);
        if method == "INVITE" {
            world.hear_what(neighbour, "ACK");
        }
        let back = world.hear_what(neighbour, "482");
        if method == "INVITE" {
            let ack = companion(&once, "ACK", Some(&back));
            world.say(neighbour, call.node, ack);
        }
        world.answer(neighbour, &first, 482);
        let failure = world.hear_what(call.caller, "482");
        if method == "INVITE" {
            world.acknowledge_failure(&call, &failure);
        }
        world.finish();
    }
}

#[test]
fn what_is_sent_to_oneself_is_a_loop_when_it_comes_round() {
    let mut world = World::new(1);
    let call = world.proxying("MESSAGE");
    let mut id = call.id;
    let mut turns = 1;
    loop {
        world.proxy(call.node, id, plan(&["sip:bob@10.0.0.1"]));
        world.settle();
        let Some(told) = world.told(call.node).pop() else {
            break;
        };
        turns += 1;
        id = told.id();
    }
    assert_eq!(turns, 2);
    assert_eq!(world.heard_what(call.caller), ["482"]);
    world.finish();
}

#[test]
fn another_request_uri_route_or_password_makes_a_spiral_of_it() {
    for (from, to) in [
        (" sip:phone@10.0.0.21:5060 ", " sip:bob-2@10.0.0.1 "),
        ("CSeq: 1 ", "CSeq: 2 "),
        (
            "Max-Forwards",
            "Route: <sip:10.0.0.1;lr;other>\r\nMax-Forwards",
        ),
        (
            "Max-Forwards",
            "Proxy-Authorization: Digest realm=\"a\", nonce=\"b\"\r\nMax-Forwards",
        ),
    ] {
        let mut world = World::new(1);
        let call = world.proxying("MESSAGE");
        let neighbour = call.callees[0];
        world.proxy(call.node, call.id, call.plan(&[0]));
        world.settle();
        let first = world.hear_what(neighbour, "MESSAGE");
        pass_on(&mut world, neighbour, call.node, &first, "z9hG4bK-there-1");
        let told = world.next_told(call.node);
        world.proxy(call.node, told.id(), call.plan(&[0]));
        world.settle();
        let second = world.hear_what(neighbour, "MESSAGE");
        let text = String::from_utf8(second.text().to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        let via = format!(
            "Via: SIP/2.0/UDP {};branch=z9hG4bK-3\r\n",
            neighbour.address
        );
        let text = text
            .replacen(from, to, 1)
            .replacen("\r\n", &format!("\r\n{via}"), 1);
        world.say(neighbour, call.node, text);
        world.settle();
        let told = world.next_told(call.node);
        world.respond(call.node, told.id(), crate::world::OK);
        world.settle();
        world.finish();
    }
}

#[test]
fn two_proxies_that_send_to_each_other_end_it() {
    let mut world = World::new(1);
    let nodes = ["10.0.0.1:5060", "10.0.0.2:5060"].map(|address| world.node(address));
    let caller = world.phone("10.0.0.8:5060");
    let request = world.ua(caller, "sip:bob@example.com").request("MESSAGE");
    world.say(caller, nodes[0], request);
    let mut turns = 0;
    loop {
        world.settle();
        let at = turns % 2;
        let Some(told) = world.told(nodes[at]).pop() else {
            break;
        };
        turns += 1;
        let other = format!("sip:{}", nodes[1 - at].address);
        world.proxy(nodes[at], told.id(), plan(&[&other]));
    }
    assert_eq!(turns, 3);
    assert_eq!(world.heard_what(caller), ["482"]);
    world.finish();
}

#[test]
fn a_branch_that_somebody_else_has_made_up_is_no_loop() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let caller = world.phone("10.0.0.8:5060");
    let via = "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK0123456789abcdef01234567";
    let request = world
        .ua(caller, "sip:bob@10.0.0.1")
        .request_with("MESSAGE", &[via], "");
    world.say(caller, node, request);
    world.settle();
    let told = world.next_told(node);
    world.respond(node, told.id(), crate::world::OK);
    world.settle();
    world.hear_what(caller, "200");
    world.finish();
}
