//! Some applications decide on requests for others, and some are chosen by their tags.

use drachtio::apps::{Apps, Recipient, Ruling, ANY_VERB, BACKLOG_LIMIT, RETRY_AFTER};
use drachtio::engine::{AppId, Hint};

use super::recorder::{add, apps, new_request, rejection, REQUEST};

fn give(apps: &mut Apps, method: &str, tag: &str) -> Option<Ruling> {
    let recipient = Recipient::Tag(tag.to_owned());
    apps.give(new_request(method).news, &recipient)
}

#[test]
fn a_director_is_asked_about_its_methods_only() {
    let (mut apps, _) = apps(&[&["invite", "options"]]);
    add(&mut apps, 9, &["Invite"], &[], true);
    let invite = apps.dispatch(new_request("INVITE"));
    assert_eq!(invite, Some(Ruling::Assign(REQUEST, AppId(9))));
    let options = apps.dispatch(new_request("OPTIONS"));
    assert_eq!(options, Some(Ruling::Assign(REQUEST, AppId(1))));
    apps.remove(AppId(9));
    let invite = apps.dispatch(new_request("INVITE"));
    assert_eq!(invite, Some(Ruling::Assign(REQUEST, AppId(1))));
}

#[test]
fn a_director_of_everything_that_is_behind_is_not_passed_over() {
    let (mut apps, _) = apps(&[&["invite"]]);
    let director = add(&mut apps, 9, &[ANY_VERB], &[], true);
    let message = apps.dispatch(new_request("MESSAGE"));
    assert_eq!(message, Some(Ruling::Assign(REQUEST, AppId(9))));
    director.set_backlog(BACKLOG_LIMIT);
    let busy = rejection(503, Some(Hint::RetryAfter(RETRY_AFTER)));
    assert_eq!(apps.dispatch(new_request("INVITE")), busy);
}

#[test]
fn a_tag_names_those_that_take_turns() {
    let mut apps = Apps::default();
    add(&mut apps, 1, &["invite"], &["blue"], false);
    add(&mut apps, 2, &["invite"], &["green", "blue"], false);
    add(&mut apps, 3, &["options"], &["blue", "red"], false);
    let to = |app| Some(Ruling::Assign(REQUEST, AppId(app)));
    let chosen: Vec<_> = (0..3).map(|_| give(&mut apps, "INVITE", "blue")).collect();
    assert_eq!(chosen, [to(1), to(2), to(1)]);
    assert_eq!(give(&mut apps, "INVITE", "green"), to(2));
    assert_eq!(give(&mut apps, "INVITE", "red"), rejection(480, None));
    assert_eq!(give(&mut apps, "INVITE", "Blue"), rejection(480, None));
}

#[test]
fn a_request_is_given_to_an_application_without_a_route() {
    let mut apps = Apps::default();
    let recorder = add(&mut apps, 1, &[], &[], false);
    let news = new_request("INVITE").news;
    let ruling = apps.give(news.clone(), &Recipient::App(AppId(1)));
    assert_eq!(ruling, Some(Ruling::Assign(REQUEST, AppId(1))));
    assert_eq!(recorder.told(), 1);
    let ruling = apps.give(news, &Recipient::App(AppId(2)));
    assert_eq!(ruling, rejection(480, None));
}
