//! RFC 3261 §16.3: a call that an element on the way sends back to where it came from. Both of
//! its ends are here, with one Call-ID and one dialog id.

use crate::world::{sent, value, without_line, Heard, Node, Phone, World, ACK, BYE, OK, RINGING};
use drachtio::engine::AppId;
use drachtio::message::{HeaderId, Message};

const INVITE: &str = "INVITE sip:bob@10.0.0.9 SIP/2.0\r\n";

/// The phone acts as a proxy that knows only one way: back.
fn send_back(world: &mut World, phone: Phone, node: Node, request: &Heard) {
    let via = "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-back";
    let text =
        String::from_utf8_lossy(request.text()).replacen("Via:", &format!("{via}\r\nVia:"), 1);
    let text = text.replacen("sip:bob@10.0.0.9", "sip:bob@10.0.0.1", 1);
    world.say(phone, node, text);
    world.settle();
}

fn pass_on(world: &mut World, phone: Phone, node: Node) {
    for response in world.heard(phone) {
        if response.status() > Some(100) {
            let text = String::from_utf8_lossy(response.text());
            world.say(phone, node, without_line(&text, "Via:"));
        }
    }
    world.settle();
}

#[test]
fn each_end_gets_what_is_its_own() {
    for callee in [AppId(1), AppId(2)] {
        let mut world = World::new(1);
        let (node, phone) = world.node_and_phone();
        world.assign_requests(node, callee);
        let dialog = world.request(node, INVITE).dialog_id();
        world.settle();
        let invite = world.hear_what(phone, "INVITE");
        send_back(&mut world, phone, node, &invite);
        let told = world.next_told(node);
        assert_eq!((told.app, told.what().as_str()), (callee, "INVITE"));
        for text in [RINGING, OK] {
            let command = world.give_as(node, callee, crate::world::respond(told.id(), text));
            let answered = sent(world.reply(node, command));
            assert_eq!(
                answered.dialog_id(),
                dialog,
                "the id is the same at both ends"
            );
        }
        world.settle();
        pass_on(&mut world, phone, node);
        let told = world.told(node);
        let seen: Vec<(AppId, String)> = told.iter().map(|one| (one.app, one.what())).collect();
        let caller = AppId(1);
        assert_eq!(
            seen,
            [(caller, "180".to_string()), (caller, "200".to_string())]
        );

        // The caller's ACK is that of its own INVITE, and goes straight to the other end.
        world.request_in(node, &dialog, ACK);
        world.settle();
        let told = world.next_told(node);
        assert_eq!((told.app, told.what().as_str()), (callee, "ACK"));

        let bye = world.request_in(node, &dialog, BYE);
        world.settle();
        let told = world.next_told(node);
        assert_eq!(told.what(), "BYE");
        assert_eq!(
            tag(&told.message, HeaderId::From),
            tag(&bye.message, HeaderId::From)
        );
        let app = told.app;
        let command = world.give_as(node, app, crate::world::respond(told.id(), OK));
        sent(world.reply(node, command));
        world.settle();
        assert_eq!(world.next_told(node).what(), "200");
        assert_eq!(world.census(node).dialogs, 0);
        world.finish();
    }
}

fn tag(message: &Message, id: HeaderId) -> &str {
    value(message, id)
        .split_once(";tag=")
        .map_or("", |(_, tag)| tag)
}

#[test]
fn an_invite_that_comes_back_to_its_sender_unchanged_is_a_new_request() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.request(node, INVITE);
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    send_back(&mut world, phone, node, &invite);
    let told = world.next_told(node);
    assert_eq!(told.what(), "INVITE");
    world.respond(node, told.id(), "SIP/2.0 482 Loop Detected\r\n");
    world.settle();
    pass_on(&mut world, phone, node);
    assert_eq!(world.told_what(node), ["482"]);
    world.finish();
}
