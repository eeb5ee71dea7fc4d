//! Every limit of the message layer holds: one less passes, one more does not.

use bytes::Bytes;
use drachtio::message::limits::*;
use drachtio::message::{
    Auth, Fault, FramingError, GrammarError, HeaderId, Host, Message, NameAddr, ParseError,
    StreamFramer, Uri, UriError, Via,
};

const CORE: &str =
    "Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n\
                    Call-ID: x\r\nCSeq: 1 OPTIONS\r\n";

fn request(uri: &str, headers: &str) -> Message {
    let text = format!("OPTIONS {uri} SIP/2.0\r\n{CORE}{headers}Content-Length: 0\r\n\r\n");
    Message::parse(text.into()).unwrap()
}

fn status(message: &Message) -> u16 {
    match message.validate() {
        Ok(()) => 0,
        Err(Fault { status, .. }) => status,
    }
}

#[test]
fn start_line() {
    let rest = "OPTIONS  SIP/2.0".len();
    let longest = format!("sip:{}@b", "a".repeat(MAX_START_LINE - rest - 6));
    assert_eq!(status(&request(&longest, "")), 0);
    let message = request(&format!("{longest}c"), "");
    assert_eq!(message.flaw(), Some(ParseError::StartLineTooLong));
    assert_eq!(status(&message), 414);
    assert_eq!(message.call_id().unwrap(), "x");
}

#[test]
fn a_start_line_longer_than_any_header_section_is_refused() {
    let text = format!("OPTIONS sip:{} SIP/2.0\r\n\r\n", "a".repeat(70_000));
    let error = Message::parse(text.into()).unwrap_err();
    assert_eq!(error, ParseError::StartLineTooLong);
}

#[test]
fn header_line() {
    let longest = "v".repeat(MAX_HEADER_LINE - "X: \r\n".len());
    assert_eq!(status(&request("sip:a@b", &format!("X: {longest}\r\n"))), 0);
    let message = request("sip:a@b", &format!("X: {longest}v\r\nY: z\r\n"));
    assert_eq!(message.flaw(), Some(ParseError::HeaderLineTooLong));
    assert_eq!(status(&message), 513);
    assert_eq!(message.get_named("X"), None);
    assert_eq!(message.get_named("Y"), Some(&b"z"[..]));
}

#[test]
fn folds_count_for_the_length_of_a_header_line() {
    let folds = " v\r\n".repeat(MAX_HEADER_LINE / 4);
    let message = request("sip:a@b", &format!("X:{folds}"));
    assert_eq!(message.flaw(), Some(ParseError::HeaderLineTooLong));
}

#[test]
fn header_section() {
    let fill = |length: usize| {
        let mut text = format!("OPTIONS sip:a@b SIP/2.0\r\n{CORE}");
        while text.len() + 2 < length {
            let line = (length - text.len() - 2).min(4000);
            let line = if length - text.len() - 2 - line < 10 {
                line.min(2000)
            } else {
                line
            };
            text.push_str("X: ");
            text.push_str(&"y".repeat(line - 5));
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        assert_eq!(text.len(), length);
        Message::parse(text.into()).unwrap()
    };
    assert_eq!(status(&fill(MAX_HEADER_SECTION)), 0);
    let message = fill(MAX_HEADER_SECTION + 1);
    assert_eq!(message.flaw(), Some(ParseError::HeaderSectionTooLong));
    assert_eq!(status(&message), 513);
    assert_eq!(message.call_id().unwrap(), "x");
}

#[test]
fn headers() {
    let core = CORE.matches("\r\n").count() + 1;
    let many = "X: y\r\n".repeat(MAX_HEADERS - core);
    let message = request("sip:a@b", &many);
    assert_eq!(message.header_count(), MAX_HEADERS);
    assert_eq!(status(&message), 0);
    for more in [1, 5000] {
        let message = request("sip:a@b", &format!("{many}{}", "X: y\r\n".repeat(more)));
        assert_eq!(message.flaw(), Some(ParseError::TooManyHeaders));
        assert_eq!(status(&message), 513);
        assert_eq!(message.header_count(), MAX_HEADERS);
        assert_eq!(message.call_id().unwrap(), "x");
    }
}

#[test]
fn the_body_of_a_message_with_too_many_headers_is_still_told_from_them() {
    let text = format!(
        "OPTIONS sip:a@b SIP/2.0\r\n{}Content-Length: 3\r\n\r\nabcX: y",
        "X: y\r\n".repeat(300)
    );
    let message = Message::parse(text.into()).unwrap();
    assert_eq!(&message.body()[..], b"abc");
}

#[test]
fn message() {
    let fill = |length: usize| {
        let mut text = b"OPTIONS sip:a@b SIP/2.0\r\n\r\n".to_vec();
        text.resize(length, b'x');
        Message::parse(Bytes::from(text))
    };
    assert_eq!(fill(MAX_STREAM_MESSAGE).unwrap().flaw(), None);
    let error = fill(MAX_STREAM_MESSAGE + 1).unwrap_err();
    assert_eq!(error, ParseError::MessageTooLong);
    let draft = vec![b'x'; MAX_STREAM_MESSAGE + 1];
    let text = [b"OPTIONS sip:a@b SIP/2.0\r\n\r\n", &draft[..]].concat();
    let error = Message::parse_draft(text.into()).unwrap_err();
    assert_eq!(error, ParseError::MessageTooLong);
}

#[test]
fn a_datagram_of_any_size_can_be_parsed() {
    let mut text = b"OPTIONS sip:a@b SIP/2.0\r\n\r\n".to_vec();
    text.resize(MAX_DATAGRAM, b'x');
    let message = Message::parse(Bytes::from(text)).unwrap();
    assert_eq!(message.text().len(), MAX_DATAGRAM);
}

#[test]
fn values_of_a_list() {
    for (id, value, limit) in [
        (HeaderId::Route, "<sip:r;lr>", MAX_ROUTES),
        (HeaderId::RecordRoute, "<sip:r;lr>", MAX_ROUTES),
        (HeaderId::Path, "<sip:r;lr>", MAX_ROUTES),
        (HeaderId::ServiceRoute, "<sip:r;lr>", MAX_ROUTES),
        (HeaderId::Contact, "<sip:r>", MAX_CONTACTS),
        // CORE has one already.
        (HeaderId::Via, "SIP/2.0/UDP r", MAX_VIAS - 1),
    ] {
        for separator in [", ".to_owned(), format!("\r\n{id}: ")] {
            let values = vec![value; limit].join(&separator);
            assert_eq!(
                status(&request("sip:a@b", &format!("{id}: {values}\r\n"))),
                0,
                "{id}"
            );
            let values = vec![value; limit + 1].join(&separator);
            let message = request("sip:a@b", &format!("{id}: {values}\r\n"));
            assert_eq!(status(&message), 513, "{id}");
        }
    }
}

#[test]
fn values_of_a_list_that_were_added() {
    for (id, value, limit) in [
        (HeaderId::Route, "<sip:r;lr>", MAX_ROUTES),
        (HeaderId::RecordRoute, "<sip:r;lr>", MAX_ROUTES),
        (HeaderId::Path, "<sip:r;lr>", MAX_ROUTES),
        // CORE has one already.
        (HeaderId::Via, "SIP/2.0/UDP r", MAX_VIAS - 1),
    ] {
        let values = vec![value; limit].join(", ");
        let most = request("sip:a@b", &format!("{id}: {values}\r\n"));
        assert_eq!(most.validate_sizes(), Ok(()), "{id}");
        let mut edit = most.edit();
        edit.prepend(id, value);
        let more = Message::parse(edit.finish().unwrap()).unwrap();
        let fault = more.validate_sizes().unwrap_err();
        assert_eq!(fault, more.validate().unwrap_err(), "{id}");
        assert_eq!(fault.status, 513, "{id}");
    }
    let long = format!("X: {}\r\n", "v".repeat(MAX_HEADER_LINE));
    let fault = request("sip:a@b", &long).validate_sizes().unwrap_err();
    assert_eq!(fault.status, 513);
}

#[test]
fn parameters() {
    let most = ";p=v".repeat(MAX_PARAMS);
    let more = format!("{most};p");
    for (prefix, expected) in [("<sip:a@b>", Ok(())), ("sip:a@b", Ok(()))] {
        let value = format!("{prefix}{most}");
        assert_eq!(NameAddr::parse(value.as_bytes()).unwrap().check(), expected);
        let value = format!("{prefix}{more}");
        assert_eq!(
            NameAddr::parse(value.as_bytes()).unwrap().check(),
            Err(GrammarError::TooManyParameters)
        );
    }
    let value = format!("SIP/2.0/UDP h{more}");
    assert_eq!(
        Via::parse(value.as_bytes()).unwrap().check(),
        Err(GrammarError::TooManyParameters)
    );
    for base in ["sip:a@b", "tel:+1"] {
        assert!(Uri::parse(&format!("{base}{most}")).is_ok());
        let error = Uri::parse(&format!("{base}{more}")).unwrap_err();
        assert_eq!(error, UriError::TooMany);
    }
    let most = vec!["h=v"; MAX_PARAMS].join("&");
    assert!(Uri::parse(&format!("sip:a@b?{most}")).is_ok());
    let error = Uri::parse(&format!("sip:a@b?{most}&h=v")).unwrap_err();
    assert_eq!(error, UriError::TooMany);
    let most = vec!["p=v"; MAX_PARAMS].join(",");
    assert!(Auth::parse(format!("Digest {most}").as_bytes()).is_ok());
    let error = Auth::parse(format!("Digest {most},p=v").as_bytes()).unwrap_err();
    assert_eq!(error, GrammarError::TooManyParameters);
}

#[test]
fn host() {
    let longest = "a".repeat(MAX_HOST);
    assert!(Host::parse(&longest).is_ok());
    assert!(Host::parse(&format!("{longest}a")).is_err());
}

#[test]
fn frames() {
    let failure = |text: &[u8]| {
        let mut framer = StreamFramer::new();
        framer.push(text);
        framer.next().unwrap_err()
    };
    let head = "OPTIONS sip:a@b SIP/2.0\r\n";
    assert_eq!(
        failure(&vec![b'a'; MAX_START_LINE + 2]),
        FramingError::StartLineTooLong
    );
    let line = format!("X: {}\r\n", "y".repeat(1000));
    let section = format!("{head}{}", line.repeat(MAX_HEADER_SECTION / 1000));
    assert_eq!(
        failure(section.as_bytes()),
        FramingError::HeaderSectionTooLong
    );
    let fits = format!("{head}l: {}\r\n\r\n", MAX_STREAM_MESSAGE - head.len() - 13);
    let mut framer = StreamFramer::new();
    framer.push(fits.as_bytes());
    assert_eq!(framer.next(), Ok(None));
    let more = format!("{head}l: {}\r\n\r\n", MAX_STREAM_MESSAGE - head.len() - 12);
    assert_eq!(failure(more.as_bytes()), FramingError::MessageTooLong);
}
