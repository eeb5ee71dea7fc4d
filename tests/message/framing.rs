//! A stream is cut into messages and keep-alives, however it is split (RFC 3261 §18.3, RFC 5626
//! §4.4.1).

use drachtio::message::{Frame, FramingError, Message, StreamFramer};

const ONE: &str = "OPTIONS sip:one SIP/2.0\r\nTo: <sip:a>\r\nContent-Length: 5\r\n\r\nab\r\n\0";
const TWO: &str = "SIP/2.0 200 OK\r\nl :\r\n 0\r\nTo: <sip:a>\r\n\r\n";

fn message(text: &str) -> Frame {
    Frame::Message(text.to_owned().into())
}

/// Everything that comes out of a stream that arrives in these pieces.
fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<FramingError>) {
    let mut framer = StreamFramer::new();
    let mut found = Vec::new();
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

fn failure(text: &str) -> Option<FramingError> {
    frames([text.as_bytes()]).1
}

#[test]
fn messages_are_cut_at_their_content_length() {
    let stream = format!("{ONE}{TWO}{ONE}");
    assert_eq!(
        frames([stream.as_bytes()]),
        (vec![message(ONE), message(TWO), message(ONE)], None)
    );
}

#[test]
fn every_split_gives_the_same_frames() {
    let stream = format!("\r\n\r\n{ONE}\r\n{TWO}\r\n\r\n\r\n{ONE}{TWO}");
    let stream = stream.as_bytes();
    let whole = frames([stream]);
    assert_eq!(whole.0.len(), 10);
    for at in 0..=stream.len() {
        assert_eq!(
            frames([&stream[..at], &stream[at..]]),
            whole,
            "split at {at}"
        );
    }
    for size in [1, 2, 3, 7] {
        assert_eq!(frames(stream.chunks(size)), whole, "chunks of {size}");
    }
}

#[test]
fn a_double_crlf_is_a_ping_and_a_single_one_a_pong() {
    assert_eq!(frames([&b"\r\n"[..]]).0, [Frame::Pong]);
    assert_eq!(frames([&b"\r\n\r\n"[..]]).0, [Frame::Pong, Frame::Ping]);
    assert_eq!(
        frames([&b"\r\n\r\n\r\n\r\n"[..]]).0,
        [Frame::Pong, Frame::Ping, Frame::Pong, Frame::Ping]
    );
    let stream = format!("\r\n{TWO}\r\n");
    assert_eq!(
        frames([stream.as_bytes()]).0,
        [Frame::Pong, message(TWO), Frame::Pong]
    );
}

#[test]
fn a_message_is_parsed_as_it_was_framed() {
    for frame in frames([format!("{ONE}{TWO}").as_bytes()]).0 {
        let Frame::Message(text) = frame else {
            panic!("not a message");
        };
        let parsed = Message::parse(text.clone()).unwrap();
        assert_eq!(parsed.flaw(), None);
        assert_eq!(parsed.text(), &text);
    }
}

#[test]
fn a_message_waits_for_its_body() {
    let mut framer = StreamFramer::new();
    framer.push(&ONE.as_bytes()[..ONE.len() - 1]);
    assert_eq!(framer.next(), Ok(None));
    assert!(framer.is_partial());
    framer.push(&ONE.as_bytes()[ONE.len() - 1..]);
    assert_eq!(framer.next(), Ok(Some(message(ONE))));
    assert!(!framer.is_partial());
    assert_eq!(framer.next(), Ok(None));
}

#[test]
fn without_a_usable_content_length_a_stream_ends() {
    let head = "OPTIONS sip:a SIP/2.0\r\n";
    for (headers, error) in [
        ("", FramingError::MissingContentLength),
        (
            "X-Content-Length: 5\r\n",
            FramingError::MissingContentLength,
        ),
        (
            "Content-Length\x0b: 5\r\n",
            FramingError::MissingContentLength,
        ),
        ("l: -1\r\n", FramingError::BadContentLength),
        ("l: +1\r\n", FramingError::BadContentLength),
        ("l:\r\n", FramingError::BadContentLength),
        ("l: 1 1\r\n", FramingError::BadContentLength),
        ("l: 4294967296\r\n", FramingError::BadContentLength),
        (
            "l: 99999999999999999999999\r\n",
            FramingError::BadContentLength,
        ),
        (
            "l: 5\r\nContent-Length: 13\r\n",
            FramingError::ConflictingContentLength,
        ),
        (
            "no colon\r\nl: 5\r\nContent-Length: 13\r\n",
            FramingError::ConflictingContentLength,
        ),
        ("l: 4294967295\r\n", FramingError::MessageTooLong),
        ("X: a\nl: 5\r\nl: 5\r\n", FramingError::BareLineBreak),
        ("X: a\rl: 5\r\nl: 5\r\n", FramingError::BareLineBreak),
        (
            "no colon\r\nX: a\nl: 5\r\nl: 6\r\n",
            FramingError::BareLineBreak,
        ),
    ] {
        assert_eq!(
            failure(&format!("{head}{headers}\r\n")),
            Some(error),
            "{headers:?}"
        );
    }
}

#[test]
fn content_length_is_found_compact_folded_repeated_and_with_blanks() {
    for header in [
        "l: 2",
        "L:2",
        "content-length \t:\r\n  2",
        "Content-Length: 02\r\nl: 2",
        "no colon\r\nl: 2",
    ] {
        let text = format!("OPTIONS sip:a SIP/2.0\r\n{header}\r\n\r\nab");
        assert_eq!(
            frames([text.as_bytes()]),
            (vec![message(&text)], None),
            "{header:?}"
        );
    }
}

#[test]
fn what_is_not_sip_ends_the_stream() {
    for text in [
        "\x16\x03\x01\x02\x00\x01\x00\x01",
        "\nOPTIONS",
        "\rOPTIONS",
        " OPTIONS",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "hello world\r\nl: 0\r\n\r\n",
        "hello world\r\nand no more",
    ] {
        assert_eq!(failure(text), Some(FramingError::NotSip), "{text:?}");
    }
}

#[test]
fn after_an_error_there_is_only_that_error() {
    let mut framer = StreamFramer::new();
    framer.push(TWO.as_bytes());
    framer.push(b"\0");
    assert_eq!(framer.next(), Ok(Some(message(TWO))));
    assert_eq!(framer.next(), Err(FramingError::NotSip));
    framer.push(TWO.as_bytes());
    assert_eq!(framer.next(), Err(FramingError::NotSip));
    assert!(!framer.is_partial());
}
