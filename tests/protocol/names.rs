//! A name that holds a bar does not break the line of tokens.

use drachtio::protocol::{escape_name, unescape_name, TokenLine};
use proptest::prelude::*;

#[test]
fn an_ordinary_dialog_id_stays_as_it_is() {
    for name in [
        "a84b4c@h;from-tag=1928",
        "100%sure@h;from-tag=%20x",
        "%",
        "a%2@h",
        "",
    ] {
        assert_eq!(escape_name(name), name);
        assert_eq!(unescape_name(name), name);
    }
}

#[test]
fn a_bar_is_escaped_and_so_is_what_looks_like_an_escape() {
    for (name, token) in [
        ("a|b@h;from-tag=|", "a%7Cb@h;from-tag=%7C"),
        ("a%7Cb", "a%257Cb"),
        ("a%7cb", "a%257cb"),
        ("a%25b", "a%2525b"),
        ("%%7C|%|", "%%257C%7C%%7C"),
    ] {
        assert_eq!(escape_name(name), token);
        assert_eq!(unescape_name(token), name);
    }
}

proptest! {
    #[test]
    fn every_name_comes_back_from_its_token(name in "[a%|257Cc@é]{0,24}") {
        let token = escape_name(&name).into_owned();
        prop_assert!(!token.contains('|'));
        prop_assert_eq!(unescape_name(&token), name);
    }

    #[test]
    fn any_payload_is_split_at_its_first_line_break(payload in "\\PC{0,30}(\r\n\\PC{0,30}){0,3}") {
        let bytes = payload.clone().into();
        let line = TokenLine::split(&bytes).unwrap();
        let (head, message) = payload.split_once("\r\n").unwrap_or((&payload, ""));
        prop_assert_eq!(line.tokens().join("|"), head);
        prop_assert_eq!(&line.message[..], message.as_bytes());
    }
}
