//! RFC 3261 §17.1.2: a request other than INVITE that is sent.

use std::time::Duration;

use crate::world::{answer, World};

const OPTIONS: &str = "OPTIONS sip:phone@10.0.0.9 SIP/2.0\r\n";
const OPTIONS_BY_TCP: &str = "OPTIONS sip:phone@10.0.0.9;transport=tcp SIP/2.0\r\n";

#[test]
fn a_request_is_repeated_up_to_every_4_s_and_times_out_after_32() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let sent = world.request(node, OPTIONS);
    world.run_secs(40);
    let heard = world.heard(phone);
    // Timer E doubles from T1 up to T2.
    let gaps: Vec<Duration> = heard.windows(2).map(|two| two[1].at - two[0].at).collect();
    let expected = [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000];
    assert_eq!(gaps, expected.map(Duration::from_millis));
    let told = world.next_told(node);
    assert_eq!((told.what().as_str(), told.id()), ("408", sent.transaction));
    world.finish();
}

#[test]
fn after_a_provisional_response_it_is_repeated_every_4_s() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.request(node, OPTIONS);
    world.settle();
    let options = world.hear(phone);
    world.say_back(phone, &options, answer(&options, 182, "b", &[], ""));
    world.run_ms(3_999);
    assert!(world.heard(phone).is_empty());
    world.run_ms(100);
    assert_eq!(world.heard(phone).len(), 1);
    world.run_secs(40);
    assert_eq!(world.told_what(node), ["182", "408"]);
    world.finish();
}

#[test]
fn a_repeated_answer_is_told_once() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.request(node, OPTIONS);
    world.settle();
    let options = world.hear(phone);
    for code in [200, 200, 404] {
        world.say_back(phone, &options, answer(&options, code, "b", &[], ""));
        world.settle();
    }
    assert_eq!(world.told_what(node), ["200"]);
    // Timer K.
    assert_eq!(world.census(node).client_transactions, 1);
    world.run_secs(5);
    assert!(world.census(node).is_empty());
    assert!(world.heard(phone).is_empty());
    world.finish();
}

#[test]
fn over_a_stream_it_is_sent_once_and_its_answer_ends_all() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.request(node, OPTIONS_BY_TCP);
    world.run_secs(20);
    let heard = world.heard(phone);
    assert_eq!(heard.len(), 1);
    world.say_back(phone, &heard[0], answer(&heard[0], 200, "b", &[], ""));
    world.settle();
    world.run_ms(1);
    assert_eq!(world.told_what(node), ["200"]);
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn a_request_that_cannot_be_sent_is_answered_503() {
    for (uri, listens) in [
        (OPTIONS, true),
        (OPTIONS_BY_TCP, true),
        (OPTIONS_BY_TCP, false),
    ] {
        let mut world = World::new(1);
        let node = world.node("10.0.0.1:5060");
        if listens {
            world.phone("10.0.0.9:5060");
            world.cut_off("10.0.0.9");
        } // else the connection is refused
        let sent = world.request(node, uri);
        world.settle();
        let told = world.next_told(node);
        assert_eq!((told.what().as_str(), told.id()), ("503", sent.transaction));
        assert!(world.census(node).is_empty());
        world.finish();
    }
}
