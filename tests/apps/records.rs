//! Call detail records go to those that have asked for them.

use std::time::Instant;

use drachtio::apps::BACKLOG_LIMIT;
use drachtio::engine::{AppId, Cdr, CdrEvent, CdrRole, Event, News, Source, StopReason};
use drachtio::message::Message;

use super::recorder::{add, apps, new_request, rejection};

fn record(event: CdrEvent) -> Event {
    let invite = &b"INVITE sip:a@b SIP/2.0\r\n\r\n"[..];
    let record = Cdr {
        event,
        source: Source::Network,
        at: Instant::now(),
        message: Message::parse_draft(invite.into()).unwrap(),
    };
    Event {
        app: None,
        news: News::Record(Box::new(record)),
    }
}

#[test]
fn records_go_in_turns_to_those_that_have_asked_for_their_kind() {
    let routes: &[&[&str]] = &[&["invite"], &["cdr:attempt"], &["cdr:attempt", "cdr:stop"]];
    let (mut apps, recorders) = apps(routes);
    let attempt = || record(CdrEvent::Attempt);
    let told = || [0, 1, 2].map(|at: usize| recorders[at].told());
    for _ in 0..4 {
        assert_eq!(apps.dispatch(attempt()), None);
    }
    assert_eq!(told(), [0, 2, 2]);
    assert_eq!(apps.dispatch(record(CdrEvent::Start(CdrRole::Uas))), None);
    assert_eq!(told(), [0, 2, 2]);
    recorders[2].set_backlog(BACKLOG_LIMIT);
    let stop = record(CdrEvent::Stop(StopReason::NormalRelease));
    let _ = (apps.dispatch(attempt()), apps.dispatch(attempt()));
    assert_eq!(apps.dispatch(stop), None);
    assert_eq!(told(), [0, 4, 2], "one that is behind misses records");
}

#[test]
fn records_are_wanted_while_somebody_has_asked_for_any() {
    let (mut apps, _) = apps(&[&["invite"]]);
    assert!(!apps.wants_records());
    add(&mut apps, 2, &["CDR:Stop"], &[], false);
    assert!(apps.wants_records());
    apps.remove(AppId(2));
    assert!(!apps.wants_records());
}

#[test]
fn who_only_asks_for_records_does_not_make_a_method_unwanted() {
    let (mut apps, _) = apps(&[&["cdr:stop"]]);
    assert_eq!(apps.dispatch(new_request("INVITE")), rejection(503, None));
}
