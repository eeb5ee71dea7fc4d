//! Messages written from nothing.

use drachtio::message::{status, Builder, EditError, HeaderId, Message, Method, StartLine};

#[test]
fn a_request_is_written_in_the_order_of_the_calls() {
    let text = Builder::request("OPTIONS", "sip:a@b")
        .header(HeaderId::Via, "SIP/2.0/UDP h")
        .header("X-Own", " v ")
        .raw_line(b"v :  SIP/2.0/TCP\r\n  i\r\n")
        .finish(b"body\r\n")
        .unwrap();
    assert_eq!(
        &text[..],
        b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nX-Own: v\r\nv :  SIP/2.0/TCP\r\n  i\r\n\
          Content-Length: 6\r\n\r\nbody\r\n"
    );
}

#[test]
fn a_response_may_have_any_phrase() {
    for phrase in ["OK", "", "= 2**3 * 5**2 но сто"] {
        let text = Builder::response(200, phrase).finish(b"").unwrap();
        let message = Message::parse(text).unwrap();
        assert_eq!(
            message.start_line(),
            StartLine::Status {
                code: 200,
                reason: phrase.as_bytes()
            }
        );
    }
}

#[test]
fn what_would_break_the_message_is_refused() {
    let request = || Builder::request("INVITE", "sip:a");
    for (builder, error) in [
        (Builder::request("IN VITE", "sip:a"), EditError::BadName),
        (Builder::request("", "sip:a"), EditError::BadName),
        (
            Builder::request("INVITE\r\nX:", "sip:a"),
            EditError::BadName,
        ),
        (
            Builder::request("INVITE", "sip:a b"),
            EditError::BadRequestUri,
        ),
        (Builder::request("INVITE", ""), EditError::BadRequestUri),
        (
            Builder::request("INVITE", "sip:a\r\nX: y"),
            EditError::BadRequestUri,
        ),
        (Builder::response(99, "x"), EditError::BadStatus),
        (Builder::response(700, "x"), EditError::BadStatus),
        (Builder::response(200, "OK\r\nX: y"), EditError::BadValue),
        (request().header("X", "a\r\nY: b"), EditError::BadValue),
        (request().header("X", "a\n b"), EditError::BadValue),
        (request().header("X Y", "a"), EditError::BadName),
        (request().header("X:", "a"), EditError::BadName),
        (request().header(HeaderId::Other, "a"), EditError::BadName),
        (request().raw_line(b"X: y"), EditError::BadLine),
        (request().raw_line(b"X y\r\n"), EditError::BadLine),
        (request().raw_line(b": y\r\n"), EditError::BadLine),
        (request().raw_line(b" X: y\r\n"), EditError::BadLine),
        (request().raw_line(b"X\r\n : y\r\n"), EditError::BadLine),
        (request().raw_line(b"X: y\r\nY: z\r\n"), EditError::BadLine),
        (request().raw_line(b"X: y\nY: z\r\n"), EditError::BadLine),
        (request().raw_line(b"X: y\r\n\r\n"), EditError::BadLine),
        (request().raw_line(b"X: y\r\r\n"), EditError::BadLine),
        (request().raw_line(b"\r\n"), EditError::BadLine),
        (request().raw_line(b""), EditError::BadLine),
    ] {
        assert_eq!(builder.finish(b""), Err(error), "{error}");
    }
}

#[test]
fn methods_are_case_sensitive() {
    for name in [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "PRACK",
        "UPDATE",
        "INFO",
        "SUBSCRIBE",
        "NOTIFY",
        "REFER",
        "MESSAGE",
        "PUBLISH",
    ] {
        let method = Method::from(name);
        assert!(!matches!(method, Method::Other(_)), "{name}");
        assert_eq!(method.as_str(), name);
        let lower = name.to_lowercase();
        assert_eq!(Method::from(lower.as_str()), Method::Other(&lower));
    }
    assert_eq!(Method::from("X").to_string(), "X");
}

#[test]
fn every_code_has_a_phrase() {
    assert_eq!(status::reason_phrase(180), "Ringing");
    assert_eq!(
        status::reason_phrase(481),
        "Call/Transaction Does Not Exist"
    );
    assert_eq!(status::reason_phrase(483), "Too Many Hops");
    for code in 100..700 {
        assert!(!status::reason_phrase(code).is_empty(), "{code}");
    }
}
