//! RFC 3261 §13.2.2.4: an application that wants a call with every fork which accepts its INVITE.

use crate::world::{request_all_forks, tags, Heard, Node, Phone, Sent, World, ACK, BYE};
use drachtio::engine::DialogId;

const INVITE: &str = "INVITE sip:phone@10.0.0.9 SIP/2.0\r\n";

fn invited(world: &mut World) -> (Node, Phone, Sent, Heard) {
    let (node, phone) = world.node_and_phone();
    let sent = world.perform_action(node, request_all_forks(INVITE));
    world.settle();
    let invite = world.hear_what(phone, "INVITE");
    (node, phone, sent, invite)
}

/// The dialogs of what the application was told.
fn dialogs(world: &mut World, node: Node) -> Vec<(String, Option<DialogId>)> {
    let told = world.told(node);
    told.iter()
        .map(|told| (told.what(), told.dialog.clone()))
        .collect()
}

#[test]
fn each_2xx_is_told_and_is_a_call_of_its_own() {
    for early in [true, false] {
        let mut world = World::new(1);
        let (node, phone, sent, invite) = invited(&mut world);
        let (first, second) = (sent.dialog_id(), sent.dialog_id().of_fork("two"));
        if early {
            world.fork_answers(phone, &invite, 180, "two");
            world.told(node);
        }
        world.fork_answers(phone, &invite, 200, "one");
        world.fork_answers(phone, &invite, 200, "two");
        let told = dialogs(&mut world, node);
        let ok = |id: &DialogId| ("200".to_string(), Some(id.clone()));
        assert_eq!(told, [ok(&first), ok(&second)]);
        assert!(world.heard(phone).is_empty(), "nobody acknowledges for it");

        world.request_in(node, &second, ACK);
        world.request_in(node, &first, ACK);
        world.settle();
        assert_eq!(tags(&world.heard(phone), "ACK"), ["two", "one"]);

        // Each ACK is repeated for its own 2xx, which is not told again.
        for tag in ["one", "two", "one"] {
            world.fork_answers(phone, &invite, 200, tag);
            assert_eq!(tags(&world.heard(phone), "ACK"), [tag]);
        }
        assert!(world.told(node).is_empty());

        for (id, tag) in [(&second, "two"), (&first, "one")] {
            world.request_in(node, id, BYE);
            world.settle();
            let heard = world.heard(phone);
            assert_eq!(tags(&heard, "BYE"), [tag]);
            world.answer(phone, &heard[0], 200);
            assert_eq!(world.told_what(node), ["200"]);
        }
        assert_eq!(world.census(node).dialogs, 0);
        world.finish();
    }
}

#[test]
fn a_fork_that_answers_when_the_first_call_is_over_is_told_too() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    world.first_fork_is_over(node, phone, &sent, &invite);
    world.told(node);
    world.fork_answers(phone, &invite, 200, "two");
    assert_eq!(world.told_what(node), ["200"]);
    let second = sent.dialog_id().of_fork("two");
    world.request_in(node, &second, ACK);
    world.request_in(node, &second, BYE);
    world.settle();
    assert_eq!(tags(&world.heard(phone), "BYE"), ["two"]);
    world.finish();
}

#[test]
fn after_a_cancel_no_further_fork_is_wanted() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    world.fork_answers(phone, &invite, 180, "one");
    world.cancel(node, sent.transaction);
    world.fork_answers(phone, &invite, 200, "one");
    world.request_in(node, &sent.dialog_id(), ACK);
    world.settle();
    world.told(node);
    world.heard(phone);
    world.fork_answers(phone, &invite, 200, "two");
    let heard = world.heard(phone);
    assert_eq!(tags(&heard, "ACK"), ["two"]);
    assert_eq!(tags(&heard, "BYE"), ["two"]);
    assert!(world.told(node).is_empty());
    world.finish();
}

#[test]
fn more_forks_than_are_kept_are_ended() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = invited(&mut world);
    let most = drachtio::engine::limits::MAX_FORKS;
    for number in 0..most + 3 {
        world.fork_answers(phone, &invite, 200, &format!("tag{number}"));
    }
    assert_eq!(
        world.told(node).len(),
        most + 1,
        "the first, and the others"
    );
    let forks = (1..=most).map(|number| sent.dialog_id().of_fork(&format!("tag{number}")));
    for dialog in [sent.dialog_id()].into_iter().chain(forks) {
        world.request_in(node, &dialog, ACK);
        world.request_in(node, &dialog, BYE);
    }
    world.settle();
    assert_eq!(tags(&world.heard(phone), "BYE").len(), most + 3);
    world.finish();
}
