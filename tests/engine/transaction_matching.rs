//! RFC 3261 §17.1.3, §17.2.3: which transaction a message belongs to.

use crate::world::{answer, companion, value, with_branch, World, BUSY, OK};
use drachtio::message::HeaderId;

#[test]
fn the_same_branch_from_another_sender_is_another_transaction() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let options = world.ua(phone, "sip:10.0.0.1").request("OPTIONS");
    let branch = value(
        &drachtio::message::Message::parse(options.clone().into()).unwrap(),
        HeaderId::Via,
    )
    .to_string();
    let elsewhere = options.replace(&branch, &branch.replace("10.0.0.9:5060", "10.0.0.8:5060"));
    let other_port = options.replace(&branch, &branch.replace("10.0.0.9:5060", "10.0.0.9:5061"));
    for text in [&options, &elsewhere, &other_port, &options] {
        world.say(phone, node, text);
        world.settle();
    }
    let told = world.told(node);
    assert_eq!(told.len(), 3);
    for told in told {
        world.respond(node, told.id(), OK);
    }
    world.finish();
}

#[test]
fn the_sent_by_is_compared_in_any_case_and_without_its_default_port() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let options = world.ua(phone, "sip:10.0.0.1").request("OPTIONS");
    for sent_by in [
        "phone.example.com",
        "PHONE.Example.COM",
        "phone.example.com:5060",
    ] {
        let text = options.replace("UDP 10.0.0.9:5060", &format!("UDP {sent_by}"));
        world.say(phone, node, text);
        world.settle();
    }
    let told = world.told(node);
    assert_eq!(told.len(), 1);
    world.respond(node, told[0].id(), OK);
    world.finish();
}

#[test]
fn the_same_branch_with_another_method_is_another_transaction() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let options = world.ua(phone, "sip:10.0.0.1").request("OPTIONS");
    world.say(phone, node, &options);
    world.say(phone, node, options.replace("OPTIONS", "MESSAGE"));
    world.settle();
    let told = world.told(node);
    assert_eq!(told.len(), 2);
    for told in told {
        world.respond(node, told.id(), OK);
    }
    world.finish();
}

#[test]
fn a_sender_without_branches_is_matched_by_its_headers() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    let invite = with_branch(&alice.request("INVITE"), None);
    for _ in 0..2 {
        world.say(phone, node, &invite);
        world.settle();
    }
    let first = world.told(node);
    assert_eq!(first.len(), 1);
    world.respond(node, first[0].id(), BUSY);
    world.settle();
    let answers = world.heard(phone);
    let ack = companion(&invite, "ACK", answers.last().map(|heard| &heard.message));
    world.say(phone, node, ack);
    world.run_secs(6);
    assert!(world.census(node).is_empty(), "its ACK ends the INVITE");
    assert_eq!(world.heard_what(phone), Vec::<String>::new());

    // The next number is the next transaction.
    let next = with_branch(&alice.request("INVITE"), None);
    world.say(phone, node, &next);
    world.settle();
    let second = world.next_told(node);
    world.say(phone, node, companion(&next, "CANCEL", None));
    world.settle();
    assert_eq!(world.heard_what(phone), ["100", "200", "487"]);
    assert_eq!(world.next_told(node).id(), second.id());
    world.finish();
}

#[test]
fn a_branch_that_is_only_the_cookie_is_none() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    for number in 0..2 {
        let options = world.ua(phone, "sip:10.0.0.1").request("OPTIONS");
        world.say(phone, node, with_branch(&options, Some("z9hG4bK")));
        world.settle();
        assert_eq!(world.told(node).len(), 1, "request {number}");
    }
}

#[test]
fn a_response_that_names_another_request_is_dropped() {
    let mut world = World::new(1);
    let (node, phone, _, invite) = world.outbound("INVITE");
    let right = answer(&invite, 486, "b", &[], "");
    let call_id = value(&invite, HeaderId::CallId).to_string();
    let branch = invite.top_via().unwrap().branch().unwrap().to_string();
    let tag = invite.from().unwrap().tag().unwrap().to_string();
    let cseq = value(&invite, HeaderId::CSeq).to_string();
    let number = invite.cseq().unwrap().number;
    for wrong in [
        right.replace(&call_id, "another-call"),
        right.replace(&branch, "z9hG4bK000000000000000000000001"),
        right.replace(&branch, "another-branch"),
        right.replace(&tag, "another-tag"),
        right.replace(&cseq, &format!("{number} OPTIONS")),
        right.replace(&cseq, &format!("{} INVITE", number + 1)),
    ] {
        assert_ne!(wrong, right);
        world.say_back(phone, &invite, wrong);
        world.settle();
        assert!(world.told(node).is_empty());
        assert!(!world.heard_what(phone).contains(&"ACK".to_string()));
    }
    world.say_back(phone, &invite, right);
    world.settle();
    assert_eq!(world.told_what(node), ["486"]);
    world.finish();
}

#[test]
fn a_cancel_and_its_invite_have_one_branch_and_two_transactions() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    world.say_back(phone, &invite, answer(&invite, 180, "b", &[], ""));
    world.settle();
    world.cancel(node, sent.transaction);
    world.settle();
    let cancel = world.hear_what(phone, "CANCEL");
    assert_eq!(
        cancel.top_via().unwrap().branch(),
        invite.top_via().unwrap().branch()
    );
    // The answer to the CANCEL is no answer to the INVITE.
    world.say_back(phone, &cancel, answer(&cancel, 200, "b", &[], ""));
    world.settle();
    assert_eq!(world.told_what(node), ["180"]);
    world.say_back(phone, &invite, answer(&invite, 487, "b", &[], ""));
    world.settle();
    assert_eq!(world.told_what(node), ["487"]);
    world.finish();
}

#[test]
fn the_source_of_a_request_is_noted_in_its_via_and_answered() {
    let mut world = World::new(1);
    let node = world.node("10.0.0.1:5060");
    let phone = world.phone("10.0.0.9:40001");
    let listener = world.phone("10.0.0.9:5080");
    let options = world.ua(phone, "sip:10.0.0.1").request("OPTIONS");
    // RFC 3581: the sender asks for symmetric responses, and claims to be elsewhere.
    let asks = options.replace("10.0.0.9:40001;", "10.0.0.7;rport;received=10.9.9.9;");
    world.say(phone, node, asks);
    world.settle();
    let told = world.next_told(node);
    let via = told.message.top_via().unwrap();
    assert_eq!(via.received(), Some("10.0.0.9"));
    assert_eq!(via.rport(), Some(Some(40_001)));
    assert_eq!(
        value(&told.message, HeaderId::Via)
            .matches("received")
            .count(),
        1
    );
    world.respond(node, told.id(), OK);
    world.settle();
    assert_eq!(world.heard_what(phone), ["200"]);

    // Without rport the answer goes to the port of the sent-by (RFC 3261 §18.2.2).
    let mut other = world.ua(phone, "sip:10.0.0.1");
    let names = other
        .request("OPTIONS")
        .replace("10.0.0.9:40001;", "10.0.0.9:5080;");
    world.say(phone, node, names);
    world.settle();
    let told = world.app_accepts(node);
    assert_eq!(told.message.top_via().unwrap().received(), None);
    assert_eq!(world.heard_what(listener), ["200"]);
    world.finish();
}
