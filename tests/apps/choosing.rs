//! A new request goes to one application that wants it, or is turned away.

use drachtio::apps::{Ruling, BACKLOG_LIMIT, MAX_ROUTES};
use drachtio::engine::{AppId, CommandId, Hint, News, Refusal, Reply};

use super::recorder::{apps, new_request, passing, rejection, REQUEST};

#[test]
fn a_new_request_goes_to_one_application_that_wants_it() {
    let (mut apps, recorders) = apps(&[&["invite"], &["invite", "options"]]);
    let ruling = apps.dispatch(new_request("OPTIONS"));
    assert_eq!(ruling, Some(Ruling::Assign(REQUEST, AppId(2))));
    assert_eq!((recorders[0].told(), recorders[1].told()), (0, 1));
}

#[test]
fn a_request_that_passes_goes_to_who_has_asked_and_else_on() {
    let (mut apps, recorders) = apps(&[&["bye"], &["in-dialog"]]);
    let ruling = apps.dispatch(passing("BYE"));
    assert_eq!(ruling, Some(Ruling::Assign(REQUEST, AppId(2))));
    assert_eq!((recorders[0].told(), recorders[1].told()), (0, 1));
    recorders[1].set_backlog(BACKLOG_LIMIT);
    assert_eq!(apps.dispatch(passing("BYE")), Some(Ruling::Pass(REQUEST)));
    assert_eq!(recorders[1].told(), 1);
}

#[test]
fn a_method_that_nobody_wants_is_rejected_with_those_that_somebody_does() {
    let (mut apps, recorders) = apps(&[&["invite"], &["register", "cdr:start"]]);
    let allow = || Some(Hint::Allow("ACK, BYE, CANCEL, INVITE, REGISTER".to_owned()));
    let ruling = apps.dispatch(new_request("OPTIONS"));
    assert_eq!(ruling, rejection(405, allow()));
    let ruling = apps.dispatch(new_request("FROBNICATE"));
    assert_eq!(ruling, rejection(501, allow()));
    assert_eq!(recorders[0].told(), 0);
}

#[test]
fn a_route_too_many_is_refused() {
    let verbs: Vec<String> = (0..MAX_ROUTES).map(|n| format!("verb{n}")).collect();
    let verbs: Vec<&str> = verbs.iter().map(String::as_str).collect();
    let (mut apps, recorders) = apps(&[&verbs]);
    apps.route(AppId(1), CommandId(9), "one-more");
    let record = recorders[0].0.lock().unwrap();
    assert!(matches!(
        record.news.as_slice(),
        [News::Reply {
            command: CommandId(9),
            reply: Reply::Refused(Refusal::LimitReached("routes", MAX_ROUTES)),
        }]
    ));
}
