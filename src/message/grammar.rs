//! The lexical ground of RFC 3261 §25.1: white space, numbers, comma lists, quoted strings,
//! escapes.

use std::borrow::Cow;

use memchr::{memchr, memchr3};
use thiserror::Error;

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GrammarError {
    /// The bytes are not UTF-8 (RFC 3261 §7.3.1).
    #[error("not UTF-8")]
    NotUtf8,
    /// A token is missing or has a character it must not have.
    #[error("malformed token")]
    Token,
    /// A quoted string does not end.
    #[error("unterminated quoted string")]
    Quote,
    /// A `<` without `>`, or a display name that must be quoted.
    #[error("malformed name-addr")]
    NameAddr,
    /// The sent-protocol of a Via, `SIP/2.0/UDP`.
    #[error("malformed sent-protocol")]
    Protocol,
    /// A host that is no name and no address.
    #[error("malformed host")]
    Host,
    /// A port that is no number below 65,536.
    #[error("malformed port")]
    Port,
    /// An empty or malformed parameter.
    #[error("malformed parameter")]
    Parameter,
    /// More parameters than [`MAX_PARAMS`](super::limits::MAX_PARAMS).
    #[error("too many parameters")]
    TooManyParameters,
    /// A number that is not one, or is too large.
    #[error("malformed number")]
    Number,
    /// A URI that is not one.
    #[error("malformed URI")]
    Uri,
    /// Something follows the end of the value.
    #[error("unexpected text after the value")]
    Trailing,
}

/// `bytes` without white space and folds at its ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(trim_start(bytes))
}

/// `bytes` without white space and folds at its start.
#[inline]
pub(crate) fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// `bytes` without white space and folds at its end.
#[inline]
pub(crate) fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The offset of the first such byte, expected within the next 16: a call of memchr costs more
/// than it saves there.
#[inline]
pub(crate) fn find_near(text: &[u8], byte: u8) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut rest = text;
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        // The bytes that are sought become zero; the lowest bit that is left is at the first.
        let zero = u64::from_le_bytes(*word) ^ (ONES * u64::from(byte));
        let found = zero.wrapping_sub(ONES) & !zero & (ONES << 7);
        if found != 0 {
            return Some(text.len() - rest.len() + found.trailing_zeros() as usize / 8);
        }
        rest = tail;
    }
    let tail = rest.iter().position(|&other| other == byte)?;
    Some(text.len() - rest.len() + tail)
}

/// Decimal digits as a number; `None` when there is another byte, or more than a `u32` holds.
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    let mut value: u32 = 0;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value
            .checked_mul(10)?
            .checked_add(u32::from(byte.wrapping_sub(b'0')))?;
    }
    Some(value)
}

/// Where the first element of a comma list ends: the offset of its comma, or the length of the
/// list. Commas within quotes or angle brackets do not count (RFC 3261 §7.3.1).
pub(crate) fn element_end(list: &[u8]) -> usize {
    if memchr(b',', list).is_none() {
        // Nearly every list has but one element.
        return list.len();
    }
    let mut at = 0;
    while let Some(found) = list
        .get(at..)
        .and_then(|rest| memchr3(b',', b'"', b'<', rest))
    {
        let stop = at + found;
        at = match list.get(stop) {
            Some(b'"') => match list.get(stop..).and_then(quoted_length) {
                Some(length) => stop + length,
                None => return list.len(),
            },
            Some(b'<') => match list.get(stop..).and_then(|rest| memchr(b'>', rest)) {
                Some(length) => stop + length + 1,
                None => return list.len(),
            },
            _ => return stop,
        };
    }
    list.len()
}

/// The length of the quoted string that `text` begins with, both quotes included; `None` when it
/// does not end.
pub(crate) fn quoted_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The elements of a comma list, trimmed, empty ones too.
#[derive(Debug, Clone)]
pub(crate) struct Elements<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Elements<'a> {
    pub(crate) fn new(list: &'a [u8]) -> Self {
        Elements { rest: Some(list) }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let list = self.rest?;
        let (element, rest) = list.split_at_checked(element_end(list))?;
        self.rest = rest.get(1..);
        Some(trim(element))
    }
}

/// The content of a quoted string, without quotes and backslashes; other text as it is.
pub fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return Cow::Borrowed(text);
    };
    if memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => plain.extend(chars.next()),
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

/// Replaces every `%HH` by the byte it stands for, once (RFC 3261 §19.1.2). A `%` that two hex
/// digits do not follow stays as it is.
pub fn unescape(text: &str) -> Cow<'_, [u8]> {
    if memchr(b'%', text.as_bytes()).is_none() {
        return Cow::Borrowed(text.as_bytes());
    }
    Cow::Owned(unescaped_bytes(text).collect())
}

/// The bytes of `text` with every `%HH` replaced.
pub(crate) fn unescaped_bytes(text: &str) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        if let [b'%', high, low, tail @ ..] = rest {
            if let (Some(high), Some(low)) = (hex(*high), hex(*low)) {
                rest = tail;
                return Some((high << 4) | low);
            }
        }
        let (&first, tail) = rest.split_first()?;
        rest = tail;
        Some(first)
    })
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
