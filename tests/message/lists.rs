//! Comma lists, quoted strings and escapes (RFC 3261 §7.3.1, §25.1).

use drachtio::message::{unescape, unquote, HeaderId, Message};

fn values(id: HeaderId, lines: &str) -> Vec<String> {
    let text = format!("OPTIONS sip:a SIP/2.0\r\n{lines}\r\n\r\n");
    let message = Message::parse(text.into()).unwrap();
    assert_eq!(message.flaw(), None);
    message
        .values(id)
        .map(|value| String::from_utf8(value.to_vec()).unwrap())
        .collect()
}

#[test]
fn values_come_one_by_one_from_one_line_or_several() {
    for lines in [
        "Route: <sip:a>, <sip:b>,<sip:c>",
        "Route: <sip:a>\r\nRoute: <sip:b>\r\nRoute: <sip:c>",
        "Route: <sip:a> ,\r\n <sip:b>\r\nX: y\r\nroute : <sip:c>",
    ] {
        assert_eq!(
            values(HeaderId::Route, lines),
            ["<sip:a>", "<sip:b>", "<sip:c>"]
        );
    }
}

#[test]
fn commas_in_quotes_and_angle_brackets_do_not_separate() {
    assert_eq!(
        values(
            HeaderId::Contact,
            r#"Contact: "a, \", \\" <sip:a,b@c>;x="1,2" , <sip:d?e=f,g>;q=0.1,sip:h@i"#
        ),
        [
            r#""a, \", \\" <sip:a,b@c>;x="1,2""#,
            "<sip:d?e=f,g>;q=0.1",
            "sip:h@i"
        ]
    );
}

#[test]
fn what_does_not_end_takes_the_rest() {
    assert_eq!(
        values(HeaderId::Contact, r#"Contact: "a, <sip:b>, <sip:c>"#).len(),
        1
    );
    assert_eq!(
        values(HeaderId::Contact, "Contact: <sip:b, <sip:c, d").len(),
        1
    );
    assert_eq!(values(HeaderId::Contact, r#"Contact: "a\"#).len(), 1);
}

#[test]
fn empty_elements_are_left_out() {
    assert_eq!(
        values(
            HeaderId::Supported,
            "Supported: ,a,, b ,\r\nSupported:\r\nk: c"
        ),
        ["a", "b", "c"]
    );
}

#[test]
fn a_header_that_is_no_list_has_one_value_per_line() {
    assert_eq!(
        values(HeaderId::Date, "Date: Sat, 13 Nov 2010 23:29:00 GMT"),
        ["Sat, 13 Nov 2010 23:29:00 GMT"]
    );
    assert_eq!(
        values(HeaderId::Subject, "Subject: a, b\r\ns: c"),
        ["a, b", "c"]
    );
}

#[test]
fn option_tags_are_found_in_any_line_and_case() {
    let text =
        "OPTIONS sip:a SIP/2.0\r\nSupported: timer\r\nk: path , 100REL\r\nRequire: x\r\n\r\n";
    let message = Message::parse(text.into()).unwrap();
    assert!(message.has_option(HeaderId::Supported, "100rel"));
    assert!(message.has_option(HeaderId::Supported, "timer"));
    assert!(message.has_option(HeaderId::Require, "x"));
    assert!(!message.has_option(HeaderId::Require, "timer"));
    assert!(!message.has_option(HeaderId::Supported, "time"));
    assert!(!message.has_option(HeaderId::ProxyRequire, "x"));
}

#[test]
fn quotes_and_backslashes_come_off_a_quoted_string() {
    for (quoted, plain) in [
        (r#""""#, ""),
        (r#""abc""#, "abc"),
        (r#""a \"b\" \\c""#, r#"a "b" \c"#),
        (r#""\a""#, "a"),
        ("token", "token"),
        (r#"""#, r#"""#),
        ("", ""),
        ("\"\u{fc}\\\u{fc}\"", "\u{fc}\u{fc}"),
    ] {
        assert_eq!(unquote(quoted), plain, "{quoted}");
    }
}

#[test]
fn an_escape_is_undone_once() {
    for (escaped, plain) in [
        ("abc", &b"abc"[..]),
        ("%61bc", b"abc"),
        ("%25%34%31", b"%41"),
        ("%00", b"\0"),
        ("%fF", b"\xff"),
        ("a%", b"a%"),
        ("a%4", b"a%4"),
        ("%zz%4", b"%zz%4"),
        ("%%41", b"%A"),
    ] {
        assert_eq!(&unescape(escaped)[..], plain, "{escaped}");
    }
}
