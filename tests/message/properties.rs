//! Properties that hold of every input.

use bytes::Bytes;
use drachtio::message::{
    unescape, unquote, Auth, Builder, CSeq, Frame, FramingError, HeaderId, Host, Message, NameAddr,
    RAck, StreamFramer, Uri, Via,
};
use proptest::collection::vec;
use proptest::prelude::*;

const SEED: &str = "INVITE sip:bob;x=y:pw@[::1]:5060;transport=tcp;lr?a=b&c=%41 SIP/2.0\r\n\
    Via: SIP/2.0/UDP h:5060;branch=z9hG4bKa;rport, SIP/2.0/TCP i\r\n\
    v:SIP / 2.0 / TCP [::1] ;received=::1\r\n\
    f: \"A \\\" B\" <sip:a@h>;tag=1\r\nTo: Bob <tel:+1-2;x>\r\nCall-ID: c@h\r\nCSeq: 1 INVITE\r\n\
    Contact: <sip:a@h>;q=0.1, \"x,y\" <sip:b@h>;z=\"1;2\"\r\nRoute: <sip:r;lr>,\r\n <sip:s>\r\n\
    Authorization: Digest a=\"b\", c=d\r\nRAck: 1 2 INVITE\r\nX-Own : v\r\nSupported: a, b\r\nl: 4\r\n\r\nbody";

/// Calls everything that reads a message.
pub fn read_all(message: &Message) {
    let _ = message.validate();
    let _ = message.start_line();
    let _ = (
        message.top_via(),
        message.from(),
        message.to(),
        message.contact(),
    );
    let _ = (message.call_id(), message.cseq(), message.max_forwards());
    let _ = (
        message.rseq(),
        message.rack(),
        message.expires(),
        message.body(),
    );
    for &id in HeaderId::ALL {
        for value in message.values(id) {
            let _ = (
                CSeq::parse(value),
                RAck::parse(value),
                Auth::parse(value).map(|auth| auth.iter().count()),
            );
            if let Ok(via) = Via::parse(value) {
                let _ = (
                    via.check(),
                    via.branch(),
                    via.rport(),
                    via.params.iter().count(),
                );
            }
            if let Ok(address) = NameAddr::parse(value) {
                let _ = (
                    address.check(),
                    address.tag(),
                    address.params.iter().count(),
                );
                let _ = address
                    .parse_uri()
                    .map(|uri| (uri.lr(), uri.transport(), uri.equivalent(&uri)));
            }
        }
    }
    for header in message.headers() {
        assert!(message.get_named(header.name).is_some());
    }
}

/// An edit that changes nothing.
fn copy(message: &Message) -> Bytes {
    message.edit().finish().unwrap()
}

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

/// `SEED` with some bytes replaced, removed or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(b"\r\n :;,<>\"\\/=@%?&[]*\0\xff1a-".to_vec());
    vec((0..SEED.len(), 0..4u8, special), 1..8).prop_map(|changes| {
        let mut text = SEED.as_bytes().to_vec();
        for (at, kind, byte) in changes {
            let at = at.min(text.len().saturating_sub(1));
            match kind {
                _ if text.is_empty() => {}
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                2 => drop(text.remove(at)),
                _ => text.truncate(at),
            }
        }
        text
    })
}

/// A token.
fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9.!%*_+`'~-]{1,12}"
}

#[test]
fn the_seed_is_a_good_message() {
    let message = Message::parse(SEED.into()).unwrap();
    // All but the Request-URI, which must not have headers.
    assert_eq!(message.validate().unwrap_err().reason, "Bad Request-URI");
    let good = Message::parse(SEED.replace("?a=b&c=%41", "").into()).unwrap();
    assert_eq!(good.validate(), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(text in vec(any::<u8>(), 0..600)) {
        if let Ok(message) = Message::parse(text.clone().into()) {
            read_all(&message);
        }
        let _ = Message::parse_draft(text.clone().into());
        frames([&text[..]]);
    }

    #[test]
    fn any_headers_are_survived(lines in vec("[a-zA-Z\\-]{0,14}[ \t:;,\"<>\\\\\r\n/a-z0-9@=%]{0,60}", 0..12)) {
        let text = format!("OPTIONS sip:a SIP/2.0\r\n{}\r\n\r\n", lines.join("\r\n"));
        if let Ok(message) = Message::parse(text.into()) {
            read_all(&message);
        }
    }

    #[test]
    fn mutations_are_survived(text in mutated()) {
        if let Ok(message) = Message::parse(text.clone().into()) {
            read_all(&message);
            if message.validate().is_ok() {
                prop_assert!(message.top_via().is_ok());
                prop_assert!(message.from().is_ok());
                prop_assert!(message.to().is_ok());
                prop_assert!(message.call_id().is_ok());
                prop_assert!(message.cseq().is_ok());
            }
        }
        frames([&text[..]]);
    }

    #[test]
    fn an_edit_without_changes_copies_the_text(text in mutated()) {
        if let Ok(message) = Message::parse(text.into()) {
            if message.flaw().is_none() {
                prop_assert_eq!(&copy(&message), message.text());
            }
        }
    }

    #[test]
    fn an_edited_message_is_a_message(text in mutated(), value in "[ -~\r\n\t]{0,30}") {
        if let Ok(message) = Message::parse(text.into()) {
            let mut edit = message.edit();
            edit.remove_first_value(HeaderId::Via)
                .replace_first_value(HeaderId::Route, &value)
                .prepend(HeaderId::RecordRoute, &value)
                .append("X-New", &value)
                .set(HeaderId::Contact, &value)
                .remove(HeaderId::Supported)
                .set_body("xyz");
            if let (Ok(text), None) = (edit.finish(), message.flaw()) {
                let again = Message::parse(text.clone()).unwrap();
                prop_assert_eq!(again.flaw(), None);
                prop_assert_eq!(again.text(), &text);
                prop_assert_eq!(&again.body()[..], b"xyz");
                prop_assert_eq!(again.all(HeaderId::Contact).count(), 1);
            }
        }
    }

    #[test]
    fn frames_do_not_depend_on_the_split(
        parts in vec(prop_oneof![
            Just(SEED.to_owned()),
            Just("\r\n".to_owned()),
            Just("SIP/2.0 200 OK\r\nl: 0\r\n\r\n".to_owned()),
            Just("OPTIONS sip:a SIP/2.0\r\n\r\n".to_owned()),
            Just("\n".to_owned()),
        ], 0..6),
        cuts in vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let stream = parts.concat().into_bytes();
        let whole = frames([&stream[..]]);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts {
            pieces.push(&stream[start..cut]);
            start = cut;
        }
        pieces.push(&stream[start..]);
        prop_assert_eq!(frames(pieces), whole);
    }

    #[test]
    fn what_is_built_parses_back(
        method in token(),
        headers in vec((token(), "[ -~\u{a1}-\u{ff}]{0,40}"), 0..20),
        body in vec(any::<u8>(), 0..200),
    ) {
        let known = |name: &str| HeaderId::from_name(name.as_bytes()) != HeaderId::ContentLength;
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| known(name)).collect();
        let mut builder = Builder::request(&method, "sip:a@b");
        for (name, value) in &headers {
            builder = builder.header(name.as_str(), value);
        }
        let text = builder.finish(&body).unwrap();
        let message = Message::parse(text.clone()).unwrap();
        prop_assert_eq!(message.flaw(), None);
        prop_assert_eq!(message.text(), &text);
        prop_assert_eq!(&message.body()[..], &body[..]);
        prop_assert_eq!(message.method().unwrap().as_str(), &method);
        prop_assert_eq!(message.header_count(), headers.len() + 1);
        for (header, (name, value)) in message.headers().zip(&headers) {
            prop_assert_eq!(header.name, name);
            prop_assert_eq!(header.value, value.trim_matches([' ', '\t']).as_bytes());
        }
    }

    #[test]
    fn an_ipv4_address_is_what_the_standard_library_takes_for_one(
        text in "([0-9]{1,3}\\.){3}[0-9]{1,3}|[0-9.a]{0,16}",
    ) {
        let address = match Host::parse(&text) {
            Ok(Host::V4(address)) => Some(address),
            _ => None,
        };
        prop_assert_eq!(address, text.parse().ok());
    }

    #[test]
    fn any_text_is_survived_as_a_uri(text in "(sip:|tel:|x:)?[ -~\u{fc}]{0,40}") {
        if let Ok(uri) = Uri::parse(&text) {
            prop_assert!(uri.equivalent(&uri));
            prop_assert_eq!(uri.text, &text);
            prop_assert_eq!(uri.user.is_some_and(str::is_empty), false);
        }
        let _ = Host::parse(&text);
        let _ = unescape(&text);
        let _ = unquote(&text);
    }

    #[test]
    fn a_uri_that_is_put_together_comes_apart(
        user in "[a-zA-Z0-9_.!~*'()&=+$,;?/-]{1,10}",
        host in "[a-z]{1,8}(\\.[a-z]{1,8}){0,2}",
        port in any::<Option<u16>>(),
        params in vec(("[a-z]{1,5}", "[a-z0-9:/+$.-]{1,5}"), 0..5),
    ) {
        let port_text = port.map(|port| format!(":{port}")).unwrap_or_default();
        let params_text: String = params.iter().map(|(name, value)| format!(";{name}={value}")).collect();
        let text = format!("sip:{user}@{host}{port_text}{params_text}");
        let uri = Uri::parse(&text).unwrap();
        prop_assert_eq!(uri.user, Some(user.as_str()));
        prop_assert_eq!(uri.host, Host::Name(&host));
        prop_assert_eq!(uri.port, port);
        let found: Vec<_> = uri.params.iter().collect();
        let given: Vec<_> = params.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
        prop_assert_eq!(found, given);
    }
}
