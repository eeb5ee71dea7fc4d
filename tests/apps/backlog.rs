//! What an application that is behind still gets, and what it does not.

use std::time::Duration;

use drachtio::apps::{
    Ruling, BACKLOG_LIMIT, FEW, LONGEST_WAIT, PASSING_ROUTE, PROVISIONAL_LIMIT, RETRY_AFTER,
};
use drachtio::engine::{AppId, CommandId, Hint};

use super::recorder::{apps, event, new_request, passing, rejection, REQUEST};

#[test]
fn one_that_is_behind_is_passed_over_and_all_behind_is_a_rejection() {
    let (mut apps, recorders) = apps(&[&["invite"], &["invite"]]);
    recorders[0].set_backlog(BACKLOG_LIMIT);
    let ruling = apps.dispatch(new_request("INVITE"));
    assert_eq!(ruling, Some(Ruling::Assign(REQUEST, AppId(2))));
    recorders[1].set_backlog(BACKLOG_LIMIT);
    let ruling = apps.dispatch(new_request("INVITE"));
    assert_eq!(ruling, rejection(503, Some(Hint::RetryAfter(RETRY_AFTER))));
    recorders[0].set_backlog(BACKLOG_LIMIT - 1);
    let ruling = apps.dispatch(new_request("INVITE"));
    assert_eq!(ruling, Some(Ruling::Assign(REQUEST, AppId(1))));
}

#[test]
fn one_whose_news_wait_too_long_is_behind_unless_they_are_few() {
    let (mut apps, recorders) = apps(&[&["invite", PASSING_ROUTE]]);
    let taken = Some(Ruling::Assign(REQUEST, AppId(1)));
    recorders[0].set_backlog(FEW);
    recorders[0].set_waits(LONGEST_WAIT);
    assert_eq!(apps.dispatch(new_request("INVITE")), taken);
    recorders[0].set_waits(LONGEST_WAIT + Duration::from_millis(1));
    let ruling = apps.dispatch(new_request("INVITE"));
    assert_eq!(ruling, rejection(503, Some(Hint::RetryAfter(RETRY_AFTER))));
    assert_eq!(
        apps.dispatch(passing("INFO")),
        taken,
        "it is asked about calls that are there"
    );
    recorders[0].set_backlog(FEW - 1);
    recorders[0].set_waits(Duration::from_secs(60));
    assert_eq!(apps.dispatch(new_request("INVITE")), taken);
}

#[test]
fn one_that_is_behind_still_hears_of_what_it_owns() {
    let (mut apps, recorders) = apps(&[&[]]);
    let app = Some(AppId(1));
    recorders[0].set_backlog(BACKLOG_LIMIT);
    for start_line in [
        "BYE sip:a@b SIP/2.0",
        "SIP/2.0 180 Ringing",
        "SIP/2.0 200 OK",
    ] {
        assert_eq!(apps.dispatch(event(app, start_line)), None);
    }
    apps.route(AppId(1), CommandId(1), "invite");
    assert_eq!(recorders[0].told(), 4);
}

#[test]
fn only_provisional_responses_are_dropped_when_it_is_far_behind() {
    let (mut apps, recorders) = apps(&[&[]]);
    let app = Some(AppId(1));
    recorders[0].set_backlog(PROVISIONAL_LIMIT);
    assert_eq!(apps.dispatch(event(app, "SIP/2.0 180 Ringing")), None);
    assert_eq!(recorders[0].told(), 0);
    assert_eq!(apps.dispatch(event(app, "SIP/2.0 200 OK")), None);
    assert_eq!(apps.dispatch(event(app, "INFO sip:a@b SIP/2.0")), None);
    assert_eq!(recorders[0].told(), 2);
}

#[test]
fn only_those_that_were_told_something_are_woken_once() {
    let (mut apps, recorders) = apps(&[&["invite"], &["options"]]);
    let _ = apps.dispatch(new_request("INVITE"));
    let _ = apps.dispatch(new_request("INVITE"));
    apps.flush();
    apps.flush();
    assert_eq!(recorders[0].0.lock().unwrap().flushes, 1);
    assert_eq!(recorders[1].0.lock().unwrap().flushes, 0);
}
