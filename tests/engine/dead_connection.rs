//! drachtio-server §2.13: a connection over which so many requests in a row had no response is
//! taken for dead and closed, so that the next request makes another one.

use crate::world::World;

fn silent_requests(count: usize, heard_between: bool) -> usize {
    let mut world = World::new(1);
    let node = world.node_told("10.0.0.1:5060", |config| config.dead_after = Some(2));
    let phone = world.phone("10.0.0.9:5060").by_tcp();
    for number in 0..count {
        world.request(node, "OPTIONS sip:x@10.0.0.9;transport=tcp SIP/2.0\r\n");
        world.settle();
        let options = world.hear_what(phone, "OPTIONS");
        if heard_between && number == 0 {
            world.answer(phone, &options, 200);
        }
        world.run_secs(33);
    }
    world.told(node);
    let closed = world.hang_ups(node);
    world.finish();
    closed
}

#[test]
fn two_requests_without_a_response_are_enough_when_two_are_asked_for() {
    assert_eq!(silent_requests(1, false), 0);
    assert_eq!(silent_requests(2, false), 1);
}

#[test]
fn a_response_between_shows_that_the_peer_lives() {
    assert_eq!(silent_requests(2, true), 0);
}
