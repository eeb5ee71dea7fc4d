//! RFC 3262 §3: reliable provisional responses that the application gives.

use std::time::Duration;

use crate::world::{rseq, value, EarlyCall, World, BUSY, OK, RINGING};
use drachtio::engine::DialogId;
use drachtio::message::HeaderId;

const RELIABLE: &str = "SIP/2.0 183 Progress\r\nRequire: 100rel\r\n";
const RELIABLE_SDP: &str = "SIP/2.0 183 Progress\r\nRequire: 100rel\r\n\r\nv=0\r\n";
const SUPPORTED: &str = "Supported: timer, 100rel";

/// An INVITE whose caller can acknowledge provisional responses.
fn invited(world: &mut World) -> EarlyCall {
    world.early_call(&[SUPPORTED], "")
}

#[test]
fn a_reliable_response_is_repeated_until_its_prack_which_the_application_answers() {
    let mut world = World::new(1);
    let mut call = invited(&mut world);
    let (node, phone) = (call.node, call.phone);
    let sent = world.respond(node, call.id, RELIABLE);
    assert!(sent.message.rseq().unwrap().is_some());
    world.run_secs(4);
    let heard = world.heard(phone);
    // T1, doubling.
    let gaps: Vec<Duration> = heard.windows(2).map(|two| two[1].at - two[0].at).collect();
    assert_eq!(gaps, [500, 1000, 2000].map(Duration::from_millis));
    assert!(heard.iter().all(|one| one.text() == heard[0].text()));
    assert!(heard[0].has_option(HeaderId::Require, "100rel"));
    assert!(heard[0].contact().unwrap().is_some());

    call.prack(&mut world, &heard[0]);
    let prack = world.next_told(node);
    assert_eq!(prack.what(), "PRACK");
    assert_ne!(prack.id(), call.id);
    assert_eq!(prack.dialog, sent.dialog);
    world.respond(node, prack.id(), OK);
    world.run_secs(60);
    assert_eq!(world.heard_what(phone), ["200"]);

    world.respond(node, call.id, OK);
    world.settle();
    let ok = world.hear_what(phone, "200");
    call.end(&mut world, &ok);
    world.finish();
}

#[test]
fn a_prack_of_something_else_is_answered_481() {
    let mut world = World::new(1);
    let mut call = invited(&mut world);
    let (node, phone) = (call.node, call.phone);
    let progress = call.progresses(&mut world, RELIABLE);
    call.alice.answered(&progress);
    let another = format!("RAck: {} 1 INVITE", rseq(&progress) + 1);
    world.phone_asks_with(phone, node, &mut call.alice, "PRACK", &[&another], "");
    assert_eq!(world.heard_what(phone), ["481"]);
    call.prack(&mut world, &progress);
    world.app_accepts(node);
    world.hear_what(phone, "200");
    // Again: nothing is outstanding any more.
    call.prack(&mut world, &progress);
    assert_eq!(world.heard_what(phone), ["481"]);
    assert!(world.told(node).is_empty());
    world.respond(node, call.id, BUSY);
    world.finish();
}

#[test]
fn without_a_prack_the_invite_is_refused_after_32_s() {
    let mut world = World::new(1);
    let call = invited(&mut world);
    let (node, phone) = (call.node, call.phone);
    world.respond(node, call.id, RELIABLE);
    world.run_ms(31_900);
    assert!(world.heard_what(phone).iter().all(|what| what == "183"));
    world.run_ms(200);
    assert_eq!(world.heard_what(phone), ["504"]);
    assert!(world.told(node).is_empty());
    let refusal = world.refused(node, crate::world::respond(call.id, OK));
    assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_TRANSACTION");
    world.finish();
}

#[test]
fn the_second_waits_for_the_prack_of_the_first() {
    let mut world = World::new(1);
    let mut call = invited(&mut world);
    let (node, phone) = (call.node, call.phone);
    let first = world.respond(node, call.id, RELIABLE);
    let second = world.respond(node, call.id, RELIABLE);
    let rseq = |message: &drachtio::message::Message| message.rseq().unwrap().unwrap();
    assert_eq!(rseq(&second.message), rseq(&first.message) + 1);
    world.settle();
    let heard = world.heard(phone);
    assert_eq!(heard.len(), 1);
    call.prack(&mut world, &heard[0]);
    let next = world.hear_what(phone, "183");
    assert_eq!(next.text(), second.message.text());
    call.prack(&mut world, &next);
    for prack in world.told(node) {
        world.respond(node, prack.id(), OK);
    }
    world.respond(node, call.id, BUSY);
    world.finish();
}

#[test]
fn a_2xx_waits_for_the_prack_of_a_session_description() {
    let mut world = World::new(1);
    let mut call = invited(&mut world);
    let (node, phone) = (call.node, call.phone);
    world.respond(node, call.id, RELIABLE_SDP);
    let ok = world.respond(node, call.id, OK);
    let again = world.refused(node, crate::world::respond(call.id, BUSY));
    assert_eq!(again.code(), "DRT_ERR_UNKNOWN_TRANSACTION");
    world.run_secs(1);
    let heard = world.heard(phone);
    assert!(heard.iter().all(|one| one.status() == Some(183)));
    call.prack(&mut world, &heard[0]);
    let sent = world.hear_what(phone, "200");
    assert_eq!(sent.text(), ok.message.text());
    world.app_accepts(node);
    assert_eq!(
        value(&world.hear_what(phone, "200"), HeaderId::CSeq),
        "2 PRACK"
    );
    call.end(&mut world, &sent);
    world.finish();
}

#[test]
fn an_application_whose_2xx_was_held_back_hears_that_the_call_has_failed() {
    let mut world = World::new(1);
    let call = invited(&mut world);
    let (node, phone) = (call.node, call.phone);
    world.respond(node, call.id, RELIABLE_SDP);
    let ok = world.respond(node, call.id, OK);
    world.run_secs(33);
    let heard = world.heard_what(phone);
    assert!(heard.contains(&"504".to_string()));
    assert!(!heard.contains(&"200".to_string()));
    assert!(
        !heard.contains(&"BYE".to_string()),
        "there is no call to end"
    );
    let told = world.next_told(node);
    assert_eq!((told.what().as_str(), told.transaction), ("BYE", None));
    assert_eq!(told.dialog, ok.dialog);
    assert!(value(&told.message, HeaderId::Reason).contains("PRACK timeout"));
    world.finish();
}

#[test]
fn a_2xx_without_one_before_it_does_not_wait() {
    let mut world = World::new(1);
    let mut call = invited(&mut world);
    let (node, phone) = (call.node, call.phone);
    world.respond(node, call.id, RELIABLE);
    world.respond(node, call.id, OK);
    world.settle();
    let heard = world.heard(phone);
    assert_eq!(heard.len(), 2);
    // A PRACK that is late is the application's to answer.
    call.prack(&mut world, &heard[0]);
    let prack = world.next_told(node);
    assert_eq!(prack.what(), "PRACK");
    world.respond(node, prack.id(), OK);
    call.end(&mut world, &heard[1]);
    world.finish();
}

#[test]
fn a_caller_without_100rel_cannot_be_sent_one() {
    let mut world = World::new(1);
    let call = world.early_call(&[], "");
    let refusal = world.refused(call.node, crate::world::respond(call.id, RELIABLE));
    assert_eq!(
        refusal.to_string(),
        "Remote endpoint does not support 100rel"
    );
    world.respond(call.node, call.id, RINGING);
    world.respond(call.node, call.id, BUSY);
    world.settle();
    assert_eq!(world.heard_what(call.phone), ["180", "486"]);
    world.finish();
}

#[test]
fn a_caller_that_requires_100rel_gets_it_without_the_application() {
    let mut world = World::new(1);
    let mut call = world.early_call(&["Require: 100rel"], "");
    let (node, phone) = (call.node, call.phone);
    world.respond(node, call.id, RINGING);
    // §3: a 2xx need not wait, but the PRACK is the engine's to answer, so this one does.
    world.respond(node, call.id, OK);
    world.settle();
    let ringing = world.hear_what(phone, "180");
    assert!(world.heard(phone).is_empty());
    assert!(ringing.has_option(HeaderId::Require, "100rel"));
    call.prack(&mut world, &ringing);
    let mut heard = world.heard(phone);
    heard.sort_by_key(|one| value(one, HeaderId::CSeq).to_string());
    assert_eq!(value(&heard[0], HeaderId::CSeq), "1 INVITE");
    assert_eq!(value(&heard[1], HeaderId::CSeq), "2 PRACK");
    assert!(heard.iter().all(|one| one.status() == Some(200)));
    assert!(world.told(node).is_empty());
    call.end(&mut world, &heard[0]);
    world.finish();
}

#[test]
fn more_than_a_few_cannot_wait() {
    let mut world = World::new(1);
    let call = invited(&mut world);
    let most = drachtio::engine::limits::MAX_QUEUED_PROVISIONALS;
    // One is sent, the others wait.
    for _ in 0..=most {
        world.respond(call.node, call.id, RELIABLE);
    }
    let refusal = world.refused(call.node, crate::world::respond(call.id, RELIABLE));
    assert_eq!(refusal.code(), "DRT_ERR_LIMIT_REACHED");
    world.respond(call.node, call.id, BUSY);
    world.finish();
}

#[test]
fn a_prack_is_known_by_its_dialog_id_before_the_call_is_up() {
    let mut world = World::new(1);
    let mut call = invited(&mut world);
    let (node, phone) = (call.node, call.phone);
    let progress = call.progresses(&mut world, RELIABLE);
    call.prack(&mut world, &progress);
    let prack = world.next_told(node);
    let tag = prack.message.from().unwrap().tag().unwrap();
    assert_eq!(prack.dialog_id(), DialogId::new(&call.alice.call_id, tag));
    world.respond(node, prack.id(), OK);
    // An application may send an UPDATE in the early dialog (RFC 3311).
    let update = "UPDATE sip:placeholder SIP/2.0\r\n";
    world.request_in(node, &prack.dialog_id(), update);
    world.settle();
    world.hear_what(phone, "200");
    let update = world.hear_what(phone, "UPDATE");
    world.say_back(
        phone,
        &update,
        crate::world::answer(&update, 200, "", &[], ""),
    );
    world.settle();
    world.respond(node, call.id, BUSY);
    world.settle();
    assert_eq!(
        world.census(node).dialogs,
        0,
        "a 200 to UPDATE or PRACK confirms nothing"
    );
    world.finish();
}
