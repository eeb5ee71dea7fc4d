//! RFC 4028 §5, §7, §9: how long a session lasts and who refreshes it is agreed in INVITE, UPDATE
//! and their 2xx.

use crate::world::{answer, companion, value, Heard, Node, Phone, Ua, World, ACK, BYE, OK};
use drachtio::engine::{Refresher, SessionTimers};
use drachtio::message::HeaderId;

const TIMER: &str = "Supported: timer";

/// What the application's 2xx grants to an INVITE with these headers: its Session-Expires, and
/// whether it requires the caller to know of timers.
fn granted(config: SessionTimers, headers: &[&str], ok: &str) -> (Option<String>, bool) {
    let mut world = World::new(1);
    let node = world.node_told("10.0.0.1:5060", |all| all.session_timers = config);
    let phone = world.phone("10.0.0.9:5060");
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    world.phone_asks_with(phone, node, &mut alice, "INVITE", headers, "");
    let id = world.next_told(node).id();
    world.respond(node, id, ok);
    let ok = world.phone_is_answered(phone, &mut alice);
    world.phone_acknowledges(phone, node, &mut alice);
    world.told(node);
    world.phone_asks(phone, node, &mut alice, "BYE");
    let id = world.next_told(node).id();
    world.respond(node, id, OK);
    let expires = ok.get_str(HeaderId::SessionExpires).map(str::to_string);
    let requires = ok.has_option(HeaderId::Require, "timer");
    assert_eq!(
        ok.has_option(HeaderId::Supported, "timer"),
        expires.is_some()
    );
    assert_eq!(
        ok.all(HeaderId::SessionExpires).count(),
        usize::from(expires.is_some())
    );
    world.finish();
    (expires, requires)
}

#[test]
fn the_2xx_grants_what_table_2_allows() {
    let ok = |expires: &str| format!("{OK}Session-Expires: {expires}\r\n");
    let plain = SessionTimers::default();
    let uas = SessionTimers {
        refresher: Some(Refresher::Uas),
        ..plain
    };
    let none = SessionTimers {
        refresher: None,
        ..plain
    };
    let offers = SessionTimers {
        expires: Some(600),
        ..plain
    };
    let se = |text: &str| format!("Session-Expires: {text}");
    type Case<'a> = (SessionTimers, &'a [&'a str], &'a str, Option<&'a str>, bool);
    let cases: &[Case<'_>] = &[
        // Nobody asks for one.
        (plain, &[], OK, None, false),
        (plain, &[TIMER], OK, None, false),
        // The caller asks; who refreshes is its choice, else the configuration's.
        (
            plain,
            &[TIMER, &se("1800")],
            OK,
            Some("1800;refresher=uac"),
            true,
        ),
        (
            uas,
            &[TIMER, &se("1800")],
            OK,
            Some("1800;refresher=uas"),
            true,
        ),
        (
            uas,
            &[TIMER, &se("1800;refresher=uac")],
            OK,
            Some("1800;refresher=uac"),
            true,
        ),
        (
            plain,
            &["k: timer", "x: 1800 ; Refresher=UAS"],
            OK,
            Some("1800;refresher=uas"),
            true,
        ),
        // Nobody is to refresh unless somebody chooses.
        (none, &[TIMER, &se("1800")], OK, None, false),
        (
            none,
            &[TIMER, &se("1800;refresher=uac")],
            OK,
            Some("1800;refresher=uac"),
            true,
        ),
        // It was a proxy that asked: the caller knows nothing of it.
        (plain, &[&se("1800")], OK, Some("1800;refresher=uas"), false),
        // The application chooses, but it may not lengthen the time, nor go below Min-SE.
        (plain, &[TIMER], &ok("300"), Some("300;refresher=uac"), true),
        (
            plain,
            &[TIMER],
            &ok("300;refresher=uas"),
            Some("300;refresher=uas"),
            true,
        ),
        (
            plain,
            &[],
            &ok("300;refresher=uac"),
            Some("300;refresher=uas"),
            false,
        ),
        (
            plain,
            &[TIMER, &se("900")],
            &ok("3600"),
            Some("900;refresher=uac"),
            true,
        ),
        (
            plain,
            &[TIMER, &se("900"), "Min-SE: 500"],
            &ok("300"),
            Some("500;refresher=uac"),
            true,
        ),
        (plain, &[TIMER], &ok("10"), Some("90;refresher=uac"), true),
        // The configuration offers one where nobody else does, and shortens what is asked for.
        (offers, &[TIMER], OK, Some("600;refresher=uac"), true),
        (offers, &[], OK, Some("600;refresher=uas"), false),
        (
            offers,
            &[TIMER, &se("1800")],
            OK,
            Some("600;refresher=uac"),
            true,
        ),
        (
            offers,
            &[TIMER, &se("1800"), "Min-SE: 1000"],
            OK,
            Some("1000;refresher=uac"),
            true,
        ),
        // Too brief, from a caller that could not be told so, or nonsense.
        (plain, &[&se("30")], OK, None, false),
        (plain, &[TIMER, &se("soon")], OK, None, false),
        (plain, &[TIMER, &se("99999999999")], OK, None, false),
    ];
    for (config, headers, ok, expires, requires) in cases {
        let (is, does) = granted(*config, headers, ok);
        assert_eq!(
            (is.as_deref(), does),
            (*expires, *requires),
            "{headers:?} {ok}"
        );
    }
}

#[test]
fn an_interval_that_is_too_brief_is_answered_422_without_the_application() {
    let mut world = World::new(1);
    let min_se = 200;
    let config = SessionTimers {
        min_se,
        ..SessionTimers::default()
    };
    let node = world.node_told("10.0.0.1:5060", |all| all.session_timers = config);
    let phone = world.phone("10.0.0.9:5060");
    let mut alice = world.ua(phone, "sip:bob@10.0.0.1");
    let brief = [TIMER, "Session-Expires: 199"];
    let invite = world.phone_asks_with(phone, node, &mut alice, "INVITE", &brief, "");
    let refused = world.hear_what(phone, "422");
    assert_eq!(value(&refused, HeaderId::MinSe), "200");
    world.say(phone, node, companion(&invite, "ACK", Some(&refused)));
    world.settle();
    assert!(world.told(node).is_empty());

    let (mut alice, _) = world.call_in(phone, node);
    for method in ["INVITE", "UPDATE"] {
        let request = world.phone_asks_with(phone, node, &mut alice, method, &brief, "");
        let refused = world.hear_what(phone, "422");
        assert_eq!(value(&refused, HeaderId::MinSe), "200");
        if method == "INVITE" {
            world.say(phone, node, companion(&request, "ACK", Some(&refused)));
        }
    }
    // A request of another kind is none of ours to judge.
    world.phone_asks_with(phone, node, &mut alice, "INFO", &brief, "");
    world.app_accepts(node);
    world.hear_what(phone, "200");
    world.phone_hangs_up(phone, node, &mut alice);
    world.finish();
}

/// The application's INVITE as the phone receives it.
fn called(world: &mut World, node: Node, phone: Phone, headers: &str) -> Heard {
    let text = format!("INVITE sip:phone@{} SIP/2.0\r\n{headers}", phone.address);
    world.request(node, &text);
    world.settle();
    world.hear_what(phone, "INVITE")
}

#[test]
fn an_invite_says_what_the_application_or_the_configuration_wants() {
    let plain = SessionTimers::default();
    let offers = SessionTimers {
        expires: Some(600),
        min_se: 120,
        ..plain
    };
    let own = "Session-Expires: 300;refresher=uas\r\nSupported: replaces\r\n";
    for (config, headers, expires, min_se) in [
        (plain, "", None, None),
        (plain, own, Some("300;refresher=uas"), None),
        (offers, "", Some("600"), Some("120")),
        (offers, own, Some("300;refresher=uas"), Some("120")),
        (
            offers,
            "Min-SE: 100\r\nSession-Expires: 100\r\n",
            Some("100"),
            Some("100"),
        ),
    ] {
        let mut world = World::new(1);
        let node = world.node_told("10.0.0.1:5060", |all| all.session_timers = config);
        let phone = world.phone("10.0.0.9:5060");
        let invite = called(&mut world, node, phone, headers);
        assert_eq!(invite.get_str(HeaderId::SessionExpires), expires);
        assert_eq!(invite.get_str(HeaderId::MinSe), min_se);
        assert_eq!(
            invite.has_option(HeaderId::Supported, "timer"),
            expires.is_some()
        );
        assert_eq!(
            invite.has_option(HeaderId::Supported, "replaces"),
            headers == own
        );
        // §7.3: whether to try again is the application's to decide.
        world.say_back(
            phone,
            &invite,
            answer(&invite, 422, "b", &["Min-SE: 900"], ""),
        );
        world.settle();
        let told = world.next_told(node);
        assert_eq!(
            (told.what().as_str(), value(&told.message, HeaderId::MinSe)),
            ("422", "900")
        );
        world.finish();
    }
}

#[test]
fn requests_of_the_applications_go_on_with_the_timer_of_the_call() {
    for (refresher, ours) in [("uac", "uac"), ("uas", "uas")] {
        let mut world = World::new(1);
        let (node, phone) = world.node_and_phone();
        let sent = world.request(
            node,
            "INVITE sip:phone@10.0.0.9 SIP/2.0\r\nSession-Expires: 600\r\n",
        );
        let dialog = sent.dialog_id();
        world.settle();
        let invite = world.hear_what(phone, "INVITE");
        let mut bob = Ua::called(phone, &invite, "b");
        let contact = bob.contact_line();
        let expires = format!("Session-Expires: 300;refresher={refresher}");
        let ok = answer(&invite, 200, "b", &[&contact, &expires], "");
        world.say_back(phone, &invite, ok);
        world.settle();
        world.app_asks(node, phone, &dialog, ACK);
        for method in ["INVITE", "UPDATE", "INFO"] {
            let heard =
                world.app_asks(node, phone, &dialog, &format!("{method} sip:x SIP/2.0\r\n"));
            let expected = format!("300;refresher={ours}");
            let expected = (method != "INFO").then_some(expected.as_str());
            assert_eq!(heard.get_str(HeaderId::SessionExpires), expected);
            world.answer(phone, &heard, 488);
            world.heard(phone);
        }
        // Their UPDATE that says nothing of it goes on with it too.
        world.phone_asks_with(phone, node, &mut bob, "UPDATE", &[TIMER], "");
        let update = world.told(node).pop().unwrap();
        world.respond(node, update.id(), OK);
        world.settle();
        let ok = world.hear_what(phone, "200");
        let theirs = if ours == "uac" { "uas" } else { "uac" };
        assert_eq!(
            value(&ok, HeaderId::SessionExpires),
            format!("300;refresher={theirs}")
        );
        world.request_in(node, &dialog, BYE);
        world.settle();
        world.finish();
    }
}
