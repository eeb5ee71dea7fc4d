//! RFC 3262 §4: reliable provisional responses that the application receives.

use crate::world::{answer, cseq, Heard, Node, Phone, Sent, World, ACK, BYE};

const CONTACT: &str = "Contact: <sip:phone@10.0.0.9>";

fn invited(world: &mut World) -> (Node, Phone, Sent, Heard) {
    let (node, phone, sent, invite) = world.outbound_with("INVITE", "Supported: 100rel\r\n");
    (node, phone, sent, invite)
}

fn progress(world: &mut World, phone: Phone, invite: &Heard, tag: &str, rseq: u32) {
    let rseq = format!("RSeq: {rseq}");
    let headers = ["Require: 100rel", &rseq, CONTACT];
    let text = answer(invite, 183, tag, &headers, "");
    world.say_back(phone, invite, text);
    world.settle();
}

fn prack(world: &mut World, node: Node, sent: &Sent, rseq: u32) -> Sent {
    let cseq = cseq(&sent.message);
    let text = format!("PRACK sip:placeholder SIP/2.0\r\nRAck: {rseq} {cseq} INVITE\r\n");
    world.request_in(node, &sent.dialog_id(), &text)
}

#[test]
fn each_reliable_response_is_told_once_and_in_order() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    // The first may have any number; then only the next one will do.
    for rseq in [7, 7, 9, 8, 8, 7, 9] {
        progress(&mut world, phone, &invite, "b", rseq);
    }
    let told = world.told(node);
    let numbers: Vec<u32> = told
        .iter()
        .map(|one| one.message.rseq().unwrap().unwrap())
        .collect();
    assert_eq!(numbers, [7, 8, 9]);
    assert!(told.iter().all(|one| one.dialog == sent.dialog));
    world.say_back(phone, &invite, answer(&invite, 486, "b", &[], ""));
    world.finish();
}

#[test]
fn the_application_acknowledges_in_the_early_dialog() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    progress(&mut world, phone, &invite, "b", 1);
    let reply = prack(&mut world, node, &sent, 1);
    assert_eq!(reply.dialog, sent.dialog);
    world.settle();
    let heard = world.hear_what(phone, "PRACK");
    assert_eq!(heard.to().unwrap().tag(), Some("b"));
    let cseq = invite.cseq().unwrap().number;
    assert_eq!(heard.cseq().unwrap().number, cseq + 1);
    let rack = heard.rack().unwrap().unwrap();
    assert_eq!((rack.rseq, rack.cseq), (1, cseq));
    world.say_back(phone, &heard, answer(&heard, 200, "", &[], ""));
    world.say_back(phone, &invite, answer(&invite, 200, "b", &[CONTACT], ""));
    world.settle();
    // The ACK is the INVITE's, not the PRACK's.
    let ack = world.app_asks(node, phone, &sent.dialog_id(), ACK);
    assert_eq!(ack.cseq().unwrap().number, cseq);
    let bye = world.app_asks(node, phone, &sent.dialog_id(), BYE);
    assert_eq!(bye.cseq().unwrap().number, cseq + 2);
    world.finish();
}

#[test]
fn of_several_forks_the_right_one_gets_the_prack() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    progress(&mut world, phone, &invite, "one", 10);
    progress(&mut world, phone, &invite, "two", 20);
    progress(&mut world, phone, &invite, "three", 30);
    for (rseq, tag) in [(20, "two"), (10, "one"), (30, "three")] {
        prack(&mut world, node, &sent, rseq);
        world.settle();
        let heard = world.hear_what(phone, "PRACK");
        assert_eq!(heard.to().unwrap().tag(), Some(tag));
        world.answer(phone, &heard, 200);
    }
    world.say_back(phone, &invite, answer(&invite, 486, "one", &[], ""));
    world.finish();
}

#[test]
fn an_extra_fork_is_acknowledged_with_the_number_of_the_invite() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    progress(&mut world, phone, &invite, "two", 20);
    prack(&mut world, node, &sent, 20);
    world.settle();
    let heard = world.hear_what(phone, "PRACK");
    world.say_back(phone, &heard, answer(&heard, 200, "", &[], ""));
    for tag in ["one", "two"] {
        world.say_back(phone, &invite, answer(&invite, 200, tag, &[CONTACT], ""));
        world.settle();
    }
    let cseq = invite.cseq().unwrap().number;
    let ack = world.hear_what(phone, "ACK");
    assert_eq!(
        (ack.to().unwrap().tag(), ack.cseq().unwrap().number),
        (Some("two"), cseq)
    );
    let bye = world.hear_what(phone, "BYE");
    assert_eq!(
        (bye.to().unwrap().tag(), bye.cseq().unwrap().number),
        (Some("two"), cseq + 2)
    );
    world.request_in(node, &sent.dialog_id(), ACK);
    world.request_in(node, &sent.dialog_id(), BYE);
    world.finish();
}

#[test]
fn a_prack_needs_an_open_invite_and_a_rack() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    progress(&mut world, phone, &invite, "b", 1);
    let dialog = sent.dialog_id();
    let without = world.refused(
        node,
        crate::world::request_in(&dialog, "PRACK sip:x SIP/2.0\r\n"),
    );
    assert_eq!(
        without.to_string(),
        "Server error: Error creating sip transaction for request"
    );
    world.say_back(phone, &invite, answer(&invite, 200, "b", &[CONTACT], ""));
    world.settle();
    world.request_in(node, &dialog, ACK);
    let late = "PRACK sip:x SIP/2.0\r\nRAck: 1 1 INVITE\r\n";
    let late = world.refused(node, crate::world::request_in(&dialog, late));
    assert_eq!(
        late.to_string(),
        "Server error: unable to find IIP when sending PRACK"
    );
    world.request_in(node, &dialog, BYE);
    world.finish();
}

#[test]
fn reliable_responses_survive_a_network_that_loses_most_of_them() {
    let mut world = World::new(9);
    let a = world.node("10.0.0.1:5060");
    let b = world.node("10.0.0.2:5060");
    let mut through = 0;
    for _ in 0..40 {
        let mut link = crate::world::Link::good();
        link.loss = 0.4;
        world.set_link(link);
        let invite = "INVITE sip:b@10.0.0.2 SIP/2.0\r\nSupported: 100rel\r\n";
        let sent = world.request(a, invite);
        world.run_secs(8);
        for told in world.told(b) {
            let text = "SIP/2.0 183 Progress\r\nRequire: 100rel\r\n\r\nv=0\r\n";
            world.respond(b, told.id(), text);
        }
        world.run_secs(20);
        let told = world.told(a);
        assert!(told.len() <= 1, "each reliable response is told once");
        for told in told {
            prack(&mut world, a, &sent, told.message.rseq().unwrap().unwrap());
        }
        world.run_secs(40);
        for told in world.told(b) {
            assert_eq!(told.what(), "PRACK");
            world.respond(b, told.id(), crate::world::OK);
            through += 1;
        }
        world.set_link(crate::world::Link::good());
        world.run_secs(300);
        world.told(a);
        world.told(b);
    }
    assert!(through > 30, "{through} of 40");
    world.finish();
}
