//! RFC 3261 §17.1.1, RFC 6026 §8.4: an INVITE that is sent, until its last timer has run.

use std::time::Duration;

use crate::world::{answer, value, World, ACK, BYE};
use drachtio::message::HeaderId;

const INVITE: &str = "INVITE sip:phone@10.0.0.9 SIP/2.0\r\n";

#[test]
fn an_invite_is_repeated_until_a_response_comes() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.request(node, INVITE);
    world.run_secs(8);
    let invites = world.heard(phone);
    // Timer A begins with T1 and doubles.
    let gaps: Vec<Duration> = invites
        .windows(2)
        .map(|two| two[1].at - two[0].at)
        .collect();
    assert_eq!(gaps, [500, 1000, 2000, 4000].map(Duration::from_millis));
    assert!(invites.windows(2).all(|two| two[0].text() == two[1].text()));

    world.say_back(phone, &invites[0], answer(&invites[0], 100, "b", &[], ""));
    world.run_secs(100);
    assert!(world.heard(phone).is_empty());
    assert!(world.told(node).is_empty(), "a 100 is not told");
    world.say_back(phone, &invites[0], answer(&invites[0], 486, "b", &[], ""));
    world.finish();
}

#[test]
fn an_invite_that_nobody_answers_gets_408_after_32_s() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let sent = world.request(node, INVITE);
    world.run_ms(31_999);
    assert!(world.told(node).is_empty());
    world.run_ms(1);
    let told = world.next_told(node);
    assert_eq!(told.what(), "408");
    assert_eq!(told.transaction, Some(sent.transaction));
    assert_eq!(told.message.call_id(), sent.message.call_id());
    assert_eq!(world.heard(phone).len(), 7);
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn over_a_stream_an_invite_is_sent_once() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.request(node, "INVITE sip:phone@10.0.0.9;transport=tcp SIP/2.0\r\n");
    world.run_secs(31);
    assert_eq!(world.heard_what(phone), ["INVITE"]);
    world.run_secs(1);
    assert_eq!(world.told_what(node), ["408"]);
    world.finish();
}

#[test]
fn a_failure_is_acknowledged_each_time_it_comes() {
    let mut world = World::new(1);
    let (node, phone, _, invite) = world.outbound("INVITE");
    let busy = answer(&invite, 486, "b", &[], "");
    for _ in 0..3 {
        world.say_back(phone, &invite, &busy);
        world.settle();
        let ack = world.hear_what(phone, "ACK");
        // §17.1.1.3: the INVITE's Request-URI, branch, From and CSeq number, the response's To.
        assert_eq!(ack.request_uri(), invite.request_uri());
        assert_eq!(
            ack.top_via().unwrap().branch(),
            invite.top_via().unwrap().branch()
        );
        assert_eq!(value(&ack, HeaderId::From), value(&invite, HeaderId::From));
        assert_eq!(ack.to().unwrap().tag(), Some("b"));
        assert_eq!(ack.cseq().unwrap().number, invite.cseq().unwrap().number);
    }
    assert_eq!(world.told_what(node), ["486"]);
    // Timer D.
    world.run_secs(31);
    assert_eq!(world.census(node).client_transactions, 1);
    world.run_secs(2);
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn over_a_stream_a_failure_ends_all() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    world.request(node, "INVITE sip:phone@10.0.0.9;transport=tcp SIP/2.0\r\n");
    world.settle();
    let invite = world.hear(phone);
    world.say_back(phone, &invite, answer(&invite, 486, "b", &[], ""));
    world.settle();
    world.run_ms(1);
    assert_eq!(world.heard_what(phone), ["ACK"]);
    assert!(world.census(node).is_empty());
    assert_eq!(world.connections_made(), 1);
    world.finish();
}

#[test]
fn a_second_failure_and_a_late_2xx_are_not_told() {
    let mut world = World::new(1);
    let (node, phone, _, invite) = world.outbound("INVITE");
    for code in [486, 603, 200, 180] {
        let contact = "Contact: <sip:phone@10.0.0.9>";
        world.say_back(phone, &invite, answer(&invite, code, "b", &[contact], ""));
        world.settle();
    }
    assert_eq!(world.told_what(node), ["486"]);
    world.finish();
}

#[test]
fn a_callee_that_rings_and_goes_away_is_cancelled_by_timer_c() {
    let mut world = World::new(1);
    let (node, phone, _, invite) = world.outbound("INVITE");
    let ringing = answer(&invite, 180, "b", &[], "");
    world.say_back(phone, &invite, &ringing);
    world.run_secs(180);
    // Each provisional response starts the time anew.
    world.say_back(phone, &invite, &ringing);
    world.run_secs(184);
    assert!(world.heard(phone).is_empty());
    world.run_secs(2);
    assert_eq!(world.hear(phone).what(), "CANCEL");
    world.run_secs(33);
    assert_eq!(world.told_what(node), ["180", "180", "408"]);
    world.finish();
}

#[test]
fn a_call_that_is_answered_as_timer_c_fires_is_a_call() {
    let mut world = World::new(1);
    let (node, phone, sent, invite) = world.outbound("INVITE");
    world.say_back(phone, &invite, answer(&invite, 180, "b", &[], ""));
    world.run_secs(186);
    world.hear_what(phone, "CANCEL");
    let contact = "Contact: <sip:phone@10.0.0.9>";
    world.say_back(phone, &invite, answer(&invite, 200, "b", &[contact], ""));
    world.settle();
    assert_eq!(world.told_what(node), ["180", "200"]);
    let dialog = sent.dialog_id();
    world.request_in(node, &dialog, ACK);
    world.run_secs(60);
    let heard = world.heard_what(phone);
    assert!(heard.contains(&"ACK".to_string()), "{heard:?}");
    assert!(!heard.contains(&"BYE".to_string()), "{heard:?}");
    world.request_in(node, &dialog, BYE);
    world.finish();
}
