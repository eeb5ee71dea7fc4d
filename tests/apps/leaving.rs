//! What remains when an application leaves, or all of it ends.

use drachtio::apps::DRAIN_RETRY_AFTER;
use drachtio::engine::{AppId, Hint};

use super::recorder::{apps, event, new_request, rejection};

#[test]
fn nobody_gets_new_requests_any_more_when_it_drains() {
    let (mut apps, recorders) = apps(&[&["invite"]]);
    apps.drain();
    let busy = rejection(503, Some(Hint::RetryAfter(DRAIN_RETRY_AFTER)));
    assert_eq!(apps.dispatch(new_request("INVITE")), busy);
    let bye = event(Some(AppId(1)), "BYE sip:a@b SIP/2.0");
    assert_eq!(apps.dispatch(bye), None);
    assert_eq!(recorders[0].told(), 1);
}

#[test]
fn one_that_left_gets_nothing() {
    let (mut apps, recorders) = apps(&[&["invite"]]);
    apps.remove(AppId(1));
    assert_eq!(apps.dispatch(new_request("INVITE")), rejection(503, None));
    let app = Some(AppId(1));
    assert_eq!(apps.dispatch(event(app, "BYE sip:a@b SIP/2.0")), None);
    assert_eq!(recorders[0].told(), 0);
}

#[test]
fn all_are_told_of_the_end() {
    let (mut apps, recorders) = apps(&[&[], &[]]);
    apps.end(Some("broken"));
    for recorder in recorders {
        let end = recorder.0.lock().unwrap().end.clone();
        assert_eq!(end, Some(Some("broken".to_owned())));
    }
}
