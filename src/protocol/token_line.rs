//! The line of tokens that a payload begins with, and the message after it.
//!
//! The protocol has no escapes, and a name that this package makes may hold a bar: the id of a dialog
//! has a peer's Call-ID in it. So a server of this package writes a bar in a name as `%7C`, and a
//! percent sign as `%25` where what follows could be taken for an escape; it reads names back in the
//! same way. Everything else stays as it is, so that a dialog id is almost always
//! `<Call-ID>;from-tag=<tag>` to the letter, as applications expect. To a client the ids of a server
//! are opaque: it only ever escapes a bar that its application brought in.

use std::borrow::Cow;

use bytes::Bytes;
use thiserror::Error;

/// Bytes of a token line. A dialog id is a Call-ID and a tag, of up to 8 KiB each.
pub const MAX_TOKEN_LINE: usize = 32 * 1024;

/// A payload is not one of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Its first line is longer than [`MAX_TOKEN_LINE`].
    #[error("a token line is longer than {MAX_TOKEN_LINE} bytes")]
    LineTooLong,
    /// It has fewer tokens than its kind needs.
    #[error("a message of type '{0}' has too few tokens")]
    TooFewTokens(String),
    /// It says nothing of its type.
    #[error("a message without a type")]
    NoType,
    /// It is of no known type.
    #[error("a message of unknown type '{0}'")]
    UnknownType(String),
}

/// A payload in its two parts.
#[derive(Debug, Clone)]
pub struct TokenLine<'a> {
    line: Cow<'a, str>,
    /// What follows the line; empty if nothing does.
    pub message: Bytes,
}

impl<'a> TokenLine<'a> {
    /// Splits a payload after its first CRLF.
    ///
    /// # Errors
    /// [`Malformed::LineTooLong`]
    pub fn split(payload: &'a Bytes) -> Result<TokenLine<'a>, Malformed> {
        let end = line_end(payload);
        let size = end.unwrap_or(payload.len());
        if size > MAX_TOKEN_LINE {
            return Err(Malformed::LineTooLong);
        }
        Ok(TokenLine {
            line: String::from_utf8_lossy(payload.get(..size).unwrap_or_default()),
            message: match end {
                Some(end) => payload.slice(end + 2..),
                None => Bytes::new(),
            },
        })
    }

    /// The tokens, empty ones included; at least one.
    pub fn tokens(&self) -> Vec<&str> {
        self.line.split('|').collect()
    }
}

fn line_end(payload: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\r', payload)
        .take_while(|at| *at <= MAX_TOKEN_LINE)
        .find(|at| payload.get(at + 1) == Some(&b'\n'))
}

/// A name as a token: see this module's page.
pub fn escape_name(name: &str) -> Cow<'_, str> {
    if !name.contains(['|', '%']) {
        return Cow::Borrowed(name);
    }
    let mut token = String::with_capacity(name.len() + 8);
    let mut rest = name;
    while let Some((before, special, after)) = split_at_special(rest) {
        token.push_str(before);
        token.push_str(match special {
            '|' => "%7C",
            _ if begins_escape(after) => "%25",
            _ => "%",
        });
        rest = after;
    }
    token.push_str(rest);
    Cow::Owned(token)
}

/// The name of a token: what [`escape_name`] was given.
pub fn unescape_name(token: &str) -> Cow<'_, str> {
    if !token.contains('%') {
        return Cow::Borrowed(token);
    }
    let mut name = String::with_capacity(token.len());
    let mut rest = token;
    while let Some((before, after)) = rest.split_once('%') {
        name.push_str(before);
        rest = after;
        if let Some(after) = after.strip_prefix("7C").or(after.strip_prefix("7c")) {
            name.push('|');
            rest = after;
            continue;
        }
        name.push('%');
        if let Some(after) = after
            .strip_prefix("25")
            .filter(|after| begins_escape(after))
        {
            rest = after;
        }
    }
    name.push_str(rest);
    Cow::Owned(name)
}

/// What is put into a token for people to read, on one line.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'|' => out.extend_from_slice(b"%7C"),
            b'\r' | b'\n' => out.push(b' '),
            _ => out.push(byte),
        }
    }
}

fn split_at_special(text: &str) -> Option<(&str, char, &str)> {
    let at = text.find(['|', '%'])?;
    let (before, rest) = text.split_at_checked(at)?;
    let mut characters = rest.chars();
    let special = characters.next()?;
    Some((before, special, characters.as_str()))
}

/// Whether a percent sign before this would be taken for an escape.
fn begins_escape(text: &str) -> bool {
    ["7C", "7c", "25"].iter().any(|code| text.starts_with(code))
}
