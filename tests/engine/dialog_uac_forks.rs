//! RFC 3261 §12.1.2, §13.2.2: the dialogs that an INVITE makes at its sender, one for each fork.

use crate::world::{answer, tags, uri_of, value, Heard, World, ACK, BYE, INFO};
use drachtio::message::{HeaderId, Message};

const CONTACT: &str = "Contact: <sip:phone@10.0.0.9:5060>";

#[test]
fn each_fork_that_rings_makes_an_early_dialog_of_the_same_id() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    for tag in ["one", "two", "one"] {
        world.fork_answers(phone, &invite, 180, tag);
    }
    assert_eq!(world.census(node).dialogs, 2);
    for told in world.told(node) {
        assert_eq!(told.transaction, Some(sent.transaction));
        assert_eq!(told.dialog, sent.dialog);
    }
    world.fork_answers(phone, &invite, 486, "one");
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_provisional_response_without_a_tag_makes_no_dialog() {
    let mut world = World::new(1);
    let (node, phone, _, invite) = world.outbound("INVITE");
    let text = answer(&invite, 180, "x", &[], "").replace(";tag=x", "");
    world.say_back(phone, &invite, text);
    world.settle();
    assert_eq!(world.census(node).dialogs, 0);
    assert_eq!(world.told_what(node), ["180"]);
    world.fork_answers(phone, &invite, 486, "x");
    world.finish();
}

#[test]
fn the_fork_that_answers_is_the_call_and_the_others_lapse() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    world.fork_answers(phone, &invite, 180, "one");
    world.fork_answers(phone, &invite, 180, "two");
    world.fork_answers(phone, &invite, 200, "one");
    world.request_in(node, &sent.dialog_id(), ACK);
    world.settle();
    assert_eq!(tags(&world.heard(phone), "ACK"), ["one"]);
    assert_eq!(world.census(node).dialogs, 2);
    // §13.2.2.4: early dialogs last as long as a further 2xx may come.
    world.run_secs(33);
    assert_eq!(world.census(node).dialogs, 1);
    world.request_in(node, &sent.dialog_id(), BYE);
    world.finish();
}

#[test]
fn a_second_fork_that_answers_is_acknowledged_and_ended() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    world.fork_answers(phone, &invite, 180, "two");
    world.fork_answers(phone, &invite, 200, "one");
    world.request_in(node, &sent.dialog_id(), ACK);
    world.settle();
    assert_eq!(tags(&world.heard(phone), "ACK"), ["one"]);
    world.fork_answers(phone, &invite, 200, "two");
    let heard = world.heard(phone);
    assert_eq!(tags(&heard, "ACK"), ["two"]);
    assert_eq!(tags(&heard, "BYE"), ["two"]);
    let ack = heard.iter().find(|one| one.what() == "ACK").unwrap();
    assert_eq!(ack.cseq().unwrap().number, invite.cseq().unwrap().number);
    let bye = heard.iter().find(|one| one.what() == "BYE").unwrap();
    world.say_back(phone, bye, answer(bye, 200, "", &[], ""));
    world.settle();
    assert_eq!(world.told_what(node), ["180", "200"]);
    // Its ACK may have been lost: it is sent again each time, and the BYE is not.
    for _ in 0..3 {
        world.fork_answers(phone, &invite, 200, "two");
        let heard = world.heard(phone);
        assert_eq!(tags(&heard, "ACK"), ["two"]);
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].text(), ack.text());
    }
    // The call itself goes on.
    world.request_in(node, &sent.dialog_id(), BYE);
    world.settle();
    assert_eq!(tags(&world.heard(phone), "BYE").last().unwrap(), "one");
    world.finish();
}

#[test]
fn a_second_fork_is_ended_also_when_the_call_is_over() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    world.first_fork_is_over(node, phone, &sent, &invite);
    assert_eq!(world.census(node).dialogs, 0);
    world.fork_answers(phone, &invite, 200, "two");
    let heard = world.heard(phone);
    assert_eq!(tags(&heard, "ACK"), ["two"]);
    assert_eq!(tags(&heard, "BYE"), ["two"]);
    assert_eq!(
        world.told_what(node),
        ["200", "200"],
        "of the INVITE and of the BYE"
    );
    world.finish();
}

#[test]
fn a_2xx_that_is_repeated_when_the_call_is_over_is_acknowledged_and_not_told() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    world.first_fork_is_over(node, phone, &sent, &invite);
    world.told(node);
    world.fork_answers(phone, &invite, 200, "one");
    assert_eq!(world.heard_what(phone), ["ACK"]);
    assert!(world.told(node).is_empty());
    assert_eq!(world.census(node).dialogs, 0);
    world.finish();
}

#[test]
fn a_2xx_without_a_tag_is_a_call_too() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    let text = answer(&invite, 200, "x", &[CONTACT], "").replace(";tag=x", "");
    world.say_back(phone, &invite, text);
    world.settle();
    assert_eq!(world.told_what(node), ["200"]);
    world.request_in(node, &sent.dialog_id(), ACK);
    world.request_in(node, &sent.dialog_id(), BYE);
    world.settle();
    assert_eq!(world.heard_what(phone), ["ACK", "BYE"]);
    world.finish();
}

#[test]
fn the_caller_sends_requests_in_the_dialog() {
    let mut world = World::new(1);
    let (node, phone, bob, dialog) = world.outbound_call();
    let info = world.app_asks(node, phone, &dialog, INFO);
    assert_eq!(info.request_uri().unwrap(), bob.contact());
    assert_eq!(value(&info, HeaderId::To), bob.local);
    assert_eq!(value(&info, HeaderId::From), bob.remote);
    let bye = world.app_asks(node, phone, &dialog, BYE);
    assert_eq!(bye.cseq().unwrap().number, info.cseq().unwrap().number + 1);
    world.finish();
}

#[test]
fn more_forks_than_are_kept_ring_but_make_no_dialogs() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    let most = drachtio::engine::limits::MAX_FORKS;
    for number in 0..most + 10 {
        world.fork_answers(phone, &invite, 180, &format!("tag{number}"));
    }
    assert_eq!(world.census(node).dialogs, most);
    assert_eq!(world.told(node).len(), most + 10);
    // One of them may be the one that answers.
    let last = format!("tag{}", most + 9);
    world.fork_answers(phone, &invite, 200, &last);
    world.request_in(node, &sent.dialog_id(), ACK);
    world.request_in(node, &sent.dialog_id(), BYE);
    world.settle();
    let heard: Vec<Heard> = world.heard(phone);
    assert_eq!(tags(&heard, "BYE"), [last]);
    assert_eq!(
        uri_of(heard.last().unwrap() as &Message, HeaderId::From),
        "sip:10.0.0.1:5060"
    );
    world.finish();
}
