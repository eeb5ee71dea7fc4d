//! RFC 5393 §5: by how many a request may be forwarded at the same time.

use std::time::Duration;

use crate::world::{at_once, Heard, Proxying, World};

fn breadth(request: &Heard) -> u32 {
    let value = request.get_named("Max-Breadth").expect("Max-Breadth");
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

fn forked(world: &mut World, header: &[&str], places: &[usize]) -> (Proxying, Vec<Heard>) {
    let call = world.proxying_with("MESSAGE", header);
    world.proxy(call.node, call.id, at_once(call.plan(places)));
    world.settle();
    let heard = call
        .callees
        .into_iter()
        .flat_map(|callee| world.heard(callee));
    let heard = heard.collect();
    (call, heard)
}

#[test]
fn what_names_none_gets_sixty_and_all_of_it_goes_to_one_branch() {
    let mut world = World::new(1);
    let (call, heard) = forked(&mut world, &[], &[0]);
    assert_eq!(breadth(&heard[0]), 60);
    world.answer(call.callees[0], &heard[0], 200);
    world.finish();
}

#[test]
fn branches_share_it_and_never_have_more_than_there_is() {
    for (value, shares) in [(60, [20, 20, 20]), (7, [2, 2, 3]), (3, [1, 1, 1])] {
        let mut world = World::new(1);
        let header = format!("Max-Breadth: {value}");
        let (call, heard) = forked(&mut world, &[&header], &[0, 1, 2]);
        let given: Vec<u32> = heard.iter().map(breadth).collect();
        assert_eq!(given, shares);
        for (callee, request) in call.callees.into_iter().zip(&heard) {
            world.answer(callee, request, 404);
        }
        world.finish();
    }
}

#[test]
fn what_may_not_be_tried_at_once_is_tried_afterwards() {
    let mut world = World::new(1);
    let (call, heard) = forked(&mut world, &["Max-Breadth: 2"], &[0, 1, 2]);
    let [a, b, c] = call.callees;
    assert_eq!(heard.len(), 2);
    world.answer(a, &heard[0], 404);
    assert!(world.heard(c).is_empty());
    world.answer(b, &heard[1], 404);
    let third = world.hear_what(c, "MESSAGE");
    assert_eq!(breadth(&third), 2);
    world.answer(c, &third, 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    world.finish();
}

#[test]
fn a_branch_that_was_left_keeps_its_share_until_it_has_ended() {
    let mut world = World::new(1);
    let call = world.proxying_with("INVITE", &["Max-Breadth: 4"]);
    let [a, b, c] = call.callees;
    let mut plan = call.plan(&[0, 1, 2]);
    plan.provisional_timeout = Some(Duration::from_secs(1));
    world.proxy(call.node, call.id, plan);
    world.run_ms(1_100);
    let first = world.hear_what(a, "INVITE");
    assert_eq!(breadth(&first), 1);
    let second = world.hear_what(b, "INVITE");
    assert_eq!(breadth(&second), 1);
    world.answer(b, &second, 486);
    world.hear_what(b, "ACK");
    let third = world.hear_what(c, "INVITE");
    assert_eq!(breadth(&third), 3, "all but what the first one has");
    world.answer(c, &third, 200);
    world.finish();
}

#[test]
fn without_any_the_request_goes_no_further() {
    let mut world = World::new(1);
    let call = world.proxying_with("MESSAGE", &["Max-Breadth: 0"]);
    let command = world.proxy(call.node, call.id, call.plan(&[0]));
    world.settle();
    assert_eq!(world.heard_what(call.caller), ["440"]);
    let replies = world.proxy_replies(call.node, command);
    assert_eq!(
        replies,
        ["Rejected with 440 Max-Breadth Exceeded due to Max-Breadth value of 0"]
    );
    world.finish();
}

#[test]
fn a_request_of_a_dialog_has_it_too() {
    let mut world = World::new(1);
    let (call, invite) = world.search_told("INVITE", &[0], |plan| plan.remain_in_dialog = true);
    let callee = call.callees[0];
    world.answer(callee, &invite, 200);
    let ok = world.hear_what(call.caller, "200");
    let mut ua = call.ua.clone();
    ua.answered(&ok);
    world.phone_acknowledges(call.caller, call.node, &mut ua);
    let ack = world.hear_what(callee, "ACK");
    assert_eq!(ack.get_named("Max-Breadth"), None, "it does not fork");
    for (header, share) in [(&[][..], 60), (&["Max-Breadth: 5"], 5)] {
        world.phone_asks_with(call.caller, call.node, &mut ua, "INFO", header, "");
        let info = world.hear_what(callee, "INFO");
        assert_eq!(breadth(&info), share);
        world.answer(callee, &info, 200);
    }
    world.finish();
}
