//! A changed copy keeps every byte that was not to be changed.

use bytes::Bytes;
use drachtio::message::{Edit, EditError, HeaderId, Message};

const TEXT: &str = "INVITE sip:bob@b SIP/2.0\r\n\
    v : SIP/2.0/UDP one ,  SIP/2.0/UDP two\r\n\
    VIA:SIP/2.0/UDP three\r\n\
    X-Odd:  kept\r\n  as it  is \r\n\
    Route: <sip:r1;lr>\r\n\
    Subject :\r\n\
    Route: <sip:r2>,\r\n <sip:r3>,\r\n\t<sip:r4>\r\n\
    l: 4\r\n\
    \r\nbody";

fn parse(text: &str) -> Message {
    Message::parse(text.to_owned().into()).unwrap()
}

fn edited(change: impl FnOnce(&mut Edit<'_>)) -> String {
    let message = parse(TEXT);
    let mut edit = message.edit();
    change(&mut edit);
    let text = edit.finish().unwrap();
    assert_eq!(Message::parse(text.clone()).unwrap().flaw(), None);
    String::from_utf8(text.to_vec()).unwrap()
}

/// `TEXT` with one part exchanged for another.
fn with(old: &str, new: &str) -> String {
    assert!(TEXT.contains(old));
    TEXT.replacen(old, new, 1)
}

#[test]
fn without_changes_the_text_is_the_same() {
    assert_eq!(edited(|_| {}), TEXT);
}

#[test]
fn octets_behind_the_body_are_not_copied() {
    let message = parse(&format!("{TEXT}trailing"));
    assert_eq!(&message.edit().finish().unwrap()[..], TEXT.as_bytes());
}

#[test]
fn the_request_uri_is_replaced() {
    assert_eq!(
        edited(|edit| {
            edit.set_request_uri("sip:carol@[::1];lr");
        }),
        with("sip:bob@b", "sip:carol@[::1];lr")
    );
}

#[test]
fn a_line_is_put_above_the_first_of_its_name() {
    assert_eq!(
        edited(|edit| {
            edit.prepend(HeaderId::Route, "<sip:r0>");
        }),
        with(
            "Route: <sip:r1;lr>",
            "Route: <sip:r0>\r\nRoute: <sip:r1;lr>"
        )
    );
    assert_eq!(
        edited(|edit| {
            edit.prepend(HeaderId::Via, "one")
                .prepend(HeaderId::Via, "zero");
        }),
        with("v :", "Via: zero\r\nVia: one\r\nv :")
    );
}

#[test]
fn a_line_without_others_of_its_name_is_put_above_all() {
    assert_eq!(
        edited(|edit| {
            edit.prepend(HeaderId::RecordRoute, "<sip:p;lr>");
        }),
        with("v :", "Record-Route: <sip:p;lr>\r\nv :")
    );
}

#[test]
fn a_line_is_appended_below_all() {
    assert_eq!(
        edited(|edit| {
            edit.append("X-New", "  1 ")
                .append(HeaderId::CallId, "2")
                .append("v", "3");
        }),
        with("l: 4\r\n", "l: 4\r\nX-New: 1\r\nCall-ID: 2\r\nv: 3\r\n")
    );
}

#[test]
fn setting_replaces_the_first_value_and_drops_the_other_lines() {
    assert_eq!(
        edited(|edit| {
            edit.set(HeaderId::Via, "only");
        }),
        with(
            "v : SIP/2.0/UDP one ,  SIP/2.0/UDP two\r\nVIA:SIP/2.0/UDP three\r\n",
            "v: only\r\n"
        )
    );
    assert_eq!(
        edited(|edit| {
            edit.set("x-odd", "even").set("subject", "s");
        }),
        with("X-Odd:  kept\r\n  as it  is \r\n", "X-Odd: even\r\n")
            .replace("Subject :", "Subject: s")
    );
}

#[test]
fn setting_what_is_not_there_appends_it() {
    assert_eq!(
        edited(|edit| {
            edit.set(HeaderId::MaxForwards, "69")
                .set("X-Y", "z")
                .set(HeaderId::MaxForwards, "68");
        }),
        with("l: 4\r\n", "l: 4\r\nMax-Forwards: 68\r\nX-Y: z\r\n")
    );
}

#[test]
fn removing_drops_every_line_of_the_name() {
    assert_eq!(
        edited(|edit| {
            edit.remove(HeaderId::Via)
                .remove_named("x-ODD")
                .remove_named("s")
                .remove(HeaderId::Contact);
        }),
        TEXT.replace(
            "v : SIP/2.0/UDP one ,  SIP/2.0/UDP two\r\nVIA:SIP/2.0/UDP three\r\n",
            ""
        )
        .replace("X-Odd:  kept\r\n  as it  is \r\n", "")
        .replace("Subject :\r\n", "")
    );
}

#[test]
fn other_headers_are_never_removed_together() {
    assert_eq!(
        edited(|edit| {
            edit.remove(HeaderId::Other)
                .remove_first_value(HeaderId::Other);
        }),
        TEXT
    );
}

#[test]
fn the_first_value_of_a_list_is_removed() {
    assert_eq!(
        edited(|edit| {
            edit.remove_first_value(HeaderId::Via);
        }),
        with(
            "v : SIP/2.0/UDP one ,  SIP/2.0/UDP two",
            "v: SIP/2.0/UDP two"
        )
    );
    assert_eq!(
        edited(|edit| {
            edit.remove_first_value(HeaderId::Via)
                .remove_first_value(HeaderId::Via);
        }),
        with("v : SIP/2.0/UDP one ,  SIP/2.0/UDP two\r\n", "")
    );
    assert_eq!(
        edited(|edit| {
            edit.remove_first_value(HeaderId::Route)
                .remove_first_value(HeaderId::Route);
        }),
        with("Route: <sip:r1;lr>\r\n", "").replace(
            "<sip:r2>,\r\n <sip:r3>,\r\n\t<sip:r4>",
            "<sip:r3>,\r\n\t<sip:r4>"
        )
    );
    assert_eq!(
        edited(|edit| {
            for _ in 0..9 {
                edit.remove_first_value(HeaderId::Route);
            }
        }),
        with("Route: <sip:r1;lr>\r\n", "")
            .replace("Route: <sip:r2>,\r\n <sip:r3>,\r\n\t<sip:r4>\r\n", "")
    );
}

#[test]
fn the_first_value_of_a_list_is_replaced() {
    assert_eq!(
        edited(|edit| {
            edit.replace_first_value(HeaderId::Via, "SIP/2.0/UDP one;received=10.0.0.1");
        }),
        with(
            "v : SIP/2.0/UDP one ,  SIP/2.0/UDP two",
            "v: SIP/2.0/UDP one;received=10.0.0.1,  SIP/2.0/UDP two"
        )
    );
    assert_eq!(
        edited(|edit| {
            edit.remove_first_value(HeaderId::Route)
                .replace_first_value(HeaderId::Route, "<sip:x,y>");
        }),
        with("Route: <sip:r1;lr>\r\n", "")
            .replace("<sip:r2>,\r\n <sip:r3>", "<sip:x,y>,\r\n <sip:r3>")
    );
    assert_eq!(
        edited(|edit| {
            edit.replace_first_value(HeaderId::Contact, "<sip:x>");
        }),
        TEXT
    );
}

#[test]
fn commas_in_quotes_do_not_end_the_first_value() {
    let message = parse(
        "INVITE sip:b SIP/2.0\r\nContact: \"a, b\" <sip:c,d@e>;q=\"1,2\" , <sip:f@g>\r\n\r\n",
    );
    let text = message
        .edit()
        .remove_first_value(HeaderId::Contact)
        .finish()
        .unwrap();
    assert_eq!(
        &text[..],
        b"INVITE sip:b SIP/2.0\r\nContact: <sip:f@g>\r\n\r\n"
    );
}

#[test]
fn a_new_body_sets_content_length() {
    assert_eq!(
        edited(|edit| {
            edit.set_body("new body");
        }),
        with("l: 4", "l: 8").replace("\r\n\r\nbody", "\r\n\r\nnew body")
    );
    let message = parse("SIP/2.0 200 OK\r\nTo: x\r\n\r\n");
    let text = message
        .edit()
        .set_body(Bytes::from_static(b"a\r\n\0\xff"))
        .finish()
        .unwrap();
    assert_eq!(
        &text[..],
        b"SIP/2.0 200 OK\r\nTo: x\r\nContent-Length: 5\r\n\r\na\r\n\0\xff"
    );
}

#[test]
fn folds_in_a_new_value_become_spaces() {
    let message = parse("SIP/2.0 200 OK\r\n\r\n");
    let text = message
        .edit()
        .append(HeaderId::Route, "<sip:a>,\r\n <sip:b>\r\n\t;x")
        .finish()
        .unwrap();
    assert_eq!(
        &text[..],
        b"SIP/2.0 200 OK\r\nRoute: <sip:a>, <sip:b> ;x\r\n\r\n"
    );
}

#[test]
fn no_value_can_begin_another_header() {
    for value in [
        "a\r\nX: b",
        "a\nX: b",
        "a\rX: b",
        "a\r\n",
        "\r\na",
        "\n a",
        "a\r\r\n b",
        "a\r\n\r\n b",
    ] {
        let message = parse(TEXT);
        for error in [
            message.edit().append("X", value).finish(),
            message.edit().prepend("X", value).finish(),
            message.edit().set(HeaderId::Via, value).finish(),
            message.edit().set("X-New", value).finish(),
            message
                .edit()
                .replace_first_value(HeaderId::Via, value)
                .finish(),
        ] {
            assert_eq!(error, Err(EditError::BadValue), "{value:?}");
        }
    }
}

#[test]
fn no_name_can_be_anything_but_a_token() {
    for name in ["", "X Y", "X:", "X\r\nY", "\u{fc}", "X\0", "(X)"] {
        let message = parse(TEXT);
        assert_eq!(
            message.edit().append(name, "v").finish(),
            Err(EditError::BadName),
            "{name:?}"
        );
        assert_eq!(
            message.edit().set(name, "v").finish(),
            Err(EditError::BadName),
            "{name:?}"
        );
    }
    let message = parse(TEXT);
    assert_eq!(
        message.edit().append(HeaderId::Other, "v").finish(),
        Err(EditError::BadName)
    );
}

#[test]
fn no_request_uri_can_end_the_request_line() {
    let message = parse(TEXT);
    for uri in ["", "sip:a b", "sip:a\r\nX: y", "<sip:a>", "sip:\u{fc}"] {
        assert_eq!(
            message.edit().set_request_uri(uri).finish(),
            Err(EditError::BadRequestUri),
            "{uri:?}"
        );
    }
    let response = parse("SIP/2.0 200 OK\r\n\r\n");
    assert_eq!(
        response.edit().set_request_uri("sip:a").finish(),
        Err(EditError::BadRequestUri)
    );
}

#[test]
fn the_first_error_is_the_one_reported() {
    let message = parse(TEXT);
    let mut edit = message.edit();
    edit.append("X Y", "v")
        .append("X", "a\nb")
        .append("Y", "fine");
    assert_eq!(edit.finish(), Err(EditError::BadName));
}
