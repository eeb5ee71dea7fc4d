//! Where the lines, names, values and the body of a message lie (RFC 3261 §7).

use bytes::Bytes;
use drachtio::message::{HeaderId, Message, Method, ParseError, StartLine};

fn parse(text: &str) -> Message {
    Message::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

fn error(text: &str) -> ParseError {
    Message::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap_err()
}

#[test]
fn a_request_line_is_method_and_uri() {
    let message = parse("OPTIONS sip:a@b SIP/2.0\r\n\r\n");
    assert_eq!(
        message.start_line(),
        StartLine::Request {
            method: Method::Options,
            uri: "sip:a@b"
        }
    );
    assert!(message.is_request());
    assert_eq!(message.status(), None);
}

#[test]
fn a_status_line_is_code_and_reason() {
    for (line, code, reason) in [
        ("SIP/2.0 200 OK", 200, "OK"),
        ("SIP/2.0 180 Es klingelt schon", 180, "Es klingelt schon"),
        ("SIP/2.0 486 занято", 486, "занято"),
        ("SIP/2.0 100 ", 100, ""),
        ("SIP/2.0 100", 100, ""),
        ("sip/2.0 699 x", 699, "x"),
    ] {
        let message = parse(&format!("{line}\r\n\r\n"));
        assert_eq!(message.status(), Some(code), "{line}");
        assert_eq!(
            message.start_line(),
            StartLine::Status {
                code,
                reason: reason.as_bytes()
            }
        );
        assert_eq!(message.method(), None);
        assert_eq!(message.request_uri(), None);
    }
}

#[test]
fn what_is_not_sip_is_refused() {
    for text in [
        "",
        "\r\n",
        "\r\n\r\n",
        "hello",
        "hello\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        " OPTIONS sip:a SIP/2.0\r\n\r\n",
        "OPT(IONS sip:a SIP/2.0\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "SIP/2.0\r\n\r\n",
        "OPTIONS sip:a SIP/2.0\n\n",
    ] {
        assert_eq!(error(text), ParseError::NotSip, "{text:?}");
    }
}

#[test]
fn a_status_code_has_three_digits_from_100_to_699() {
    for code in [
        "99",
        "099",
        "000",
        "700",
        "1000",
        "4294967301",
        "20",
        "2x0",
        "",
        "-200",
    ] {
        let text = format!("SIP/2.0 {code} OK\r\n\r\n");
        assert_eq!(error(&text), ParseError::BadStatusCode, "{code}");
    }
}

#[test]
fn empty_lines_before_a_message_are_skipped() {
    let message = parse("\r\n\r\nOPTIONS sip:a SIP/2.0\r\nTo: <sip:b>\r\n\r\n");
    assert_eq!(message.method(), Some(Method::Options));
    assert_eq!(message.get(HeaderId::To), Some(&b"<sip:b>"[..]));
    assert!(message.text().starts_with(b"OPTIONS"));
}

#[test]
fn header_names_are_known_in_any_case_and_compact() {
    let message = parse(
        "OPTIONS sip:a SIP/2.0\r\nv: 1\r\nCALL-id: 2\r\nF: 3\r\nx-Own: 4\r\nl: 0\r\nk: 5\r\n\r\n",
    );
    let ids: Vec<HeaderId> = message.headers().map(|header| header.id).collect();
    assert_eq!(
        ids,
        [
            HeaderId::Via,
            HeaderId::CallId,
            HeaderId::From,
            HeaderId::Other,
            HeaderId::ContentLength,
            HeaderId::Supported
        ]
    );
    for name in ["call-id", "Call-ID", "CALL-ID", "i", "I"] {
        assert_eq!(message.get_named(name), Some(&b"2"[..]), "{name}");
    }
    for name in ["X-Own", "x-own", "X-OWN"] {
        assert_eq!(message.get_named(name), Some(&b"4"[..]), "{name}");
    }
    assert_eq!(message.get_named("X-Other"), None);
    assert_eq!(message.get_named("To"), None);
}

#[test]
fn every_known_name_is_found_by_its_spelling_and_number() {
    for &id in HeaderId::ALL {
        let name = id.name();
        assert_eq!(HeaderId::from_name(name.as_bytes()), id, "{name}");
        assert_eq!(HeaderId::from_name(name.to_lowercase().as_bytes()), id);
        assert_eq!(HeaderId::from_name(name.to_uppercase().as_bytes()), id);
        assert_eq!(HeaderId::from_number(id.number()), id);
    }
    assert_eq!(HeaderId::Other.number(), 255);
    assert_eq!(HeaderId::from_number(255), HeaderId::Other);
    assert_eq!(HeaderId::from_number(200), HeaderId::Other);
}

#[test]
fn names_that_only_look_like_known_ones_are_others() {
    for name in [
        "Vib",
        "T",
        "Viaa",
        "Vi",
        "Toto",
        "Call_ID",
        "CallID",
        "Call-IE",
        "Content-Lengthh",
        "Proxy-Authenticatf",
        "P-Preferred-Xdentity",
        "q",
        "",
        "-",
        "From-",
        "\rFrom",
    ] {
        let expected = if name == "T" {
            HeaderId::To
        } else {
            HeaderId::Other
        };
        assert_eq!(HeaderId::from_name(name.as_bytes()), expected, "{name}");
    }
    for &id in HeaderId::ALL {
        let mut name = id.name().as_bytes().to_vec();
        let middle = name.len() / 2;
        name[middle] = b'~';
        assert_eq!(HeaderId::from_name(&name), HeaderId::Other, "{id}");
    }
}

#[test]
fn the_compact_names_are_those_of_the_registry() {
    let compact: String = (b'a'..=b'z')
        .filter(|&letter| HeaderId::from_name(&[letter]) != HeaderId::Other)
        .map(char::from)
        .collect();
    assert_eq!(compact, "abcdefijklmnorstuvxy");
    assert_eq!(HeaderId::from_name(b"m"), HeaderId::Contact);
    assert_eq!(HeaderId::from_name(b"O"), HeaderId::Event);
    assert_eq!(HeaderId::from_name(b"r"), HeaderId::ReferTo);
    assert_eq!(HeaderId::from_name(b"x"), HeaderId::SessionExpires);
}

#[test]
fn white_space_before_the_colon_changes_nothing() {
    for line in [
        "To: x",
        "To : x",
        "To\t: x",
        "To \t :x",
        "t :   x",
        "TO:x  ",
        "To:\r\n x",
        "To:\r\n\t x \r\n ",
    ] {
        let message = parse(&format!("OPTIONS sip:a SIP/2.0\r\n{line}\r\n\r\n"));
        assert_eq!(message.flaw(), None, "{line:?}");
        assert_eq!(message.get(HeaderId::To), Some(&b"x"[..]), "{line:?}");
        assert_eq!(message.get_named("to"), Some(&b"x"[..]), "{line:?}");
    }
    let message = parse("OPTIONS sip:a SIP/2.0\r\nX-Priv \t: v\r\n\r\n");
    assert_eq!(message.get_named("x-priv"), Some(&b"v"[..]));
    let header = message.headers().next().unwrap();
    assert_eq!(header.name, "X-Priv");
    let edited = message.edit().remove_named("X-PRIV").finish().unwrap();
    assert_eq!(&edited[..], b"OPTIONS sip:a SIP/2.0\r\n\r\n");
}

#[test]
fn a_name_with_another_byte_is_no_header() {
    for line in [
        "X-Priv\x0b: v",
        "X-Priv\0: v",
        "X-Priv\x7f: v",
        "X\u{e4}: v",
        "X Priv: v",
        "X-Priv\r\n : v",
        ": v",
        " : v",
        "no colon at all",
        "<To>: v",
        "To\x0c: v",
    ] {
        let message = parse(&format!(
            "OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\n{line}\r\nCSeq: 1 OPTIONS\r\n\r\nbody"
        ));
        let starts_folded = line.starts_with(' ');
        if starts_folded {
            // It belongs to the line above.
            assert_eq!(message.get(HeaderId::CallId), Some(&b"1\r\n : v"[..]));
            continue;
        }
        assert_eq!(message.flaw(), Some(ParseError::BadHeaderLine), "{line:?}");
        assert_eq!(message.get(HeaderId::CSeq), Some(&b"1 OPTIONS"[..]));
        assert_eq!(message.header_count(), 2);
    }
}

#[test]
fn a_first_line_that_begins_with_white_space_is_no_header() {
    let message = parse("OPTIONS sip:a SIP/2.0\r\n To: x\r\nCSeq: 1 OPTIONS\r\n\r\n");
    assert_eq!(message.flaw(), Some(ParseError::BadHeaderLine));
    assert_eq!(message.get(HeaderId::To), None);
}

#[test]
fn values_may_hold_any_byte_but_a_lone_line_break() {
    let message = parse("OPTIONS sip:a SIP/2.0\r\nSubject: a\0b\x0b\x7f\u{fc}:;,\"<\r\n\r\n");
    assert_eq!(message.flaw(), None);
    assert_eq!(
        message.get(HeaderId::Subject),
        Some("a\0b\x0b\x7f\u{fc}:;,\"<".as_bytes())
    );
}

#[test]
fn a_cr_or_lf_alone_is_a_flaw_wherever_it_stands_in_the_headers() {
    let clean = "OPTIONS sip:a SIP/2.0\r\nTo: one\r\nFrom:\r\n two\r\n\r\n";
    assert_eq!(parse(clean).flaw(), None);
    let head = clean.len() - 2;
    for lone in ['\r', '\n'] {
        for at in 0..=head {
            let (before, after) = clean.split_at(at);
            let text = format!("{before}{lone}{after}");
            if text.contains("\r\n\n") || text.contains("\r\r\n") || !text.contains("\r\n\r\n") {
                continue;
            }
            match Message::parse(text.clone().into()) {
                Ok(message) => assert!(message.flaw().is_some(), "{text:?}"),
                Err(error) => assert_eq!(error, ParseError::NotSip, "{text:?}"),
            }
        }
    }
    for text in [
        "OPTIONS sip:a SIP/2.0\r\nTo: a\nX: b\r\n\r\n",
        "OPTIONS sip:a SIP/2.0\r\nTo: a\rX: b\r\n\r\n",
        "OPTIONS sip:a SIP/2.0\r\nTo: a\r\r\n\r\n",
        "OPTIONS sip:a SIP/2.0\r\nTo: a\n\r\n\r\n",
        "OPTIONS sip:a SIP/2.0\r\n\nTo: a\r\n\r\n",
        "SIP/2.0 200 OK\nX: y\r\nTo: a\r\n\r\n",
        "SIP/2.0 200 OK\rX: y\r\nTo: a\r\n\r\n",
    ] {
        let flaw = parse(text).flaw();
        assert_eq!(flaw, Some(ParseError::BareLineBreak), "{text:?}");
    }
}

#[test]
fn line_breaks_in_the_body_are_the_bodys_own() {
    let message = parse("OPTIONS sip:a SIP/2.0\r\nTo: a\r\n\r\n a\nb\rc\n\n\r\n\r\nX: y\r\n");
    assert_eq!(message.flaw(), None);
    assert_eq!(&message.body()[..], b" a\nb\rc\n\n\r\n\r\nX: y\r\n");
    assert_eq!(message.header_count(), 1);
}

#[test]
fn folded_values_keep_their_folds() {
    let message =
        parse("OPTIONS sip:a SIP/2.0\r\nSubject: one\r\n two\r\n\tthree \r\nTo: x\r\n\r\n");
    assert_eq!(
        message.get(HeaderId::Subject),
        Some(&b"one\r\n two\r\n\tthree"[..])
    );
    assert_eq!(message.get(HeaderId::To), Some(&b"x"[..]));
}

#[test]
fn empty_values_are_empty() {
    for line in [
        "Subject:",
        "Subject: ",
        "Subject :\t ",
        "s:\r\n ",
        "s: \r\n \r\n\t",
    ] {
        let message = parse(&format!("OPTIONS sip:a SIP/2.0\r\n{line}\r\nTo: x\r\n\r\n"));
        assert_eq!(message.get(HeaderId::Subject), Some(&b""[..]), "{line:?}");
        assert_eq!(message.get(HeaderId::To), Some(&b"x"[..]), "{line:?}");
    }
}

#[test]
fn the_body_ends_where_content_length_says() {
    for (length, body) in [
        ("0", ""),
        ("3", "abc"),
        ("  5 ", "abcde"),
        ("00004", "abcd"),
        ("6", "abcdef"),
    ] {
        let message = parse(&format!(
            "OPTIONS sip:a SIP/2.0\r\nl:{length}\r\n\r\nabcdef"
        ));
        assert_eq!(message.flaw(), None);
        assert_eq!(&message.body()[..], body.as_bytes());
        assert!(message
            .text()
            .ends_with(format!("\r\n\r\n{body}").as_bytes()));
    }
}

#[test]
fn without_content_length_the_body_is_the_rest_of_the_datagram() {
    let message = parse("OPTIONS sip:a SIP/2.0\r\nTo: x\r\n\r\nabc");
    assert_eq!(&message.body()[..], b"abc");
    assert_eq!(message.body_start(), message.text().len() - 3);
}

#[test]
fn a_datagram_shorter_than_its_content_length_is_flawed() {
    for length in ["7", "9999", "4294967295"] {
        let message = parse(&format!(
            "OPTIONS sip:a SIP/2.0\r\nl: {length}\r\n\r\nabcdef"
        ));
        assert_eq!(message.flaw(), Some(ParseError::Truncated), "{length}");
    }
}

#[test]
fn a_content_length_that_is_no_number_is_flawed() {
    for length in [
        "-1",
        "+5",
        "",
        "5 5",
        "5,5",
        "0x5",
        "4294967296",
        "9223372036854775808",
        "5.0",
        "\u{665}",
    ] {
        let message = parse(&format!(
            "OPTIONS sip:a SIP/2.0\r\nl: {length}\r\n\r\nabcdef"
        ));
        assert_eq!(
            message.flaw(),
            Some(ParseError::BadContentLength),
            "{length}"
        );
    }
}

#[test]
fn only_equal_content_lengths_may_be_repeated() {
    let message = parse("OPTIONS sip:a SIP/2.0\r\nl: 3\r\nContent-Length: 003\r\n\r\nabcdef");
    assert_eq!(message.flaw(), None);
    assert_eq!(&message.body()[..], b"abc");
    let message = parse("OPTIONS sip:a SIP/2.0\r\nl: 3\r\nContent-Length: 4\r\n\r\nabcdef");
    assert_eq!(message.flaw(), Some(ParseError::ConflictingContentLength));
}

#[test]
fn a_message_without_blank_line_is_flawed_but_readable() {
    for tail in ["", "\r\n", "\r\nFrom: y"] {
        let message = parse(&format!("OPTIONS sip:a SIP/2.0\r\nTo: x\r\nCSeq: 1{tail}"));
        assert_eq!(message.flaw(), Some(ParseError::NoBlankLine), "{tail:?}");
        assert_eq!(message.get(HeaderId::To), Some(&b"x"[..]));
        assert!(message.body().is_empty());
    }
    assert_eq!(
        ParseError::NoBlankLine.to_string(),
        "no blank line after the headers"
    );
}

#[test]
fn offsets_point_into_the_text() {
    let message = parse("OPTIONS sip:a SIP/2.0\r\nTo :  x \r\nX-Y:\r\n z\r\nl: 2\r\n\r\nab");
    let text = message.text().clone();
    let names_and_values: Vec<_> = message
        .header_index()
        .map(|(id, name, name_end, value, value_end)| {
            (id, &text[name..name_end], &text[value..value_end])
        })
        .collect();
    assert_eq!(
        names_and_values,
        [
            (HeaderId::To, &b"To"[..], &b"x"[..]),
            (HeaderId::Other, b"X-Y", b"z"),
            (HeaderId::ContentLength, b"l", b"2"),
        ]
    );
    let lines: Vec<_> = message.headers().map(|header| &text[header.line]).collect();
    assert_eq!(
        lines,
        [&b"To :  x \r\n"[..], b"X-Y:\r\n z\r\n", b"l: 2\r\n"]
    );
    assert_eq!(
        message.lines(HeaderId::To).collect::<Vec<_>>(),
        [b"To :  x \r\n"]
    );
    assert_eq!(&text[message.body_start()..], b"ab");
}

#[test]
fn a_draft_needs_no_blank_line_and_no_headers() {
    for (text, headers, body) in [
        ("BYE sip:placeholder SIP/2.0", 0, ""),
        ("BYE sip:placeholder SIP/2.0\r\n", 0, ""),
        ("SIP/2.0 200 OK\r\nSubject: x", 1, ""),
        ("SIP/2.0 200 OK\r\nSubject: x\r\n", 1, ""),
        ("SIP/2.0 200 OK\r\nSubject: x\r\n\r\n", 1, ""),
        (
            "INFO sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabcdef",
            1,
            "abcdef",
        ),
        (
            "INFO sip:a SIP/2.0\r\nContent-Length: x\r\n\r\nabcdef",
            1,
            "abcdef",
        ),
    ] {
        let draft = Message::parse_draft(text.into()).unwrap();
        assert_eq!(draft.header_count(), headers, "{text:?}");
        assert_eq!(&draft.body()[..], body.as_bytes(), "{text:?}");
        assert!(draft.text().starts_with(text.as_bytes()));
    }
}

#[test]
fn a_damaged_draft_is_refused() {
    for (text, flaw) in [
        ("hello", ParseError::NotSip),
        ("SIP/2.0 99 OK", ParseError::BadStatusCode),
        ("SIP/2.0 200 OK\r\nno colon", ParseError::BadHeaderLine),
        (
            "SIP/2.0 200 OK\r\nSubject: a\nX: b",
            ParseError::BareLineBreak,
        ),
    ] {
        let error = Message::parse_draft(text.into()).unwrap_err();
        assert_eq!(error, flaw, "{text:?}");
    }
}
