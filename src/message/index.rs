//! The index over a message's header section: where each line, name and value lies.

use memchr::memchr;

use super::class::Class;
use super::grammar::{number, trim_end};
use super::header::HeaderId;
use super::limits::{MAX_HEADER_LINE, MAX_HEADER_SECTION};
use super::parse_error::ParseError;

/// Where one header field lies in the text. The line begins with the name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) id: HeaderId,
    pub(crate) name: u16,
    pub(crate) name_end: u16,
    pub(crate) value: u16,
    pub(crate) value_end: u16,
    /// Behind the CRLF that ends the field, folds included.
    pub(crate) line_end: u16,
}

/// What stands at the reader's place.
#[derive(Debug)]
pub(crate) enum Line {
    /// A header field.
    Header(Span),
    /// Something that is no header field; it has been skipped.
    Bad(ParseError),
    /// The blank line: the body begins at this offset.
    Blank(usize),
    /// The text ends, or the limit of the section is reached, before the blank line.
    End(ParseError),
}

/// Walks over the lines of a message's header section.
pub(crate) struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    /// How many CRLFs there were, within folds too.
    breaks: usize,
    /// True once a LF stood alone.
    has_lone_lf: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Lines {
            text,
            at: 0,
            breaks: 0,
            has_lone_lf: false,
        }
    }

    /// The start line without its CRLF; `None` when there is no CRLF. A LF that stands alone
    /// does not end it, and is left to whoever reads the line.
    pub(crate) fn start_line(&mut self) -> Option<&'a [u8]> {
        let mut end = 0;
        loop {
            end += memchr(b'\n', self.text.get(end..)?)?;
            let line = self.text.get(..end)?;
            end += 1;
            if let Some(line) = line.strip_suffix(b"\r") {
                self.breaks += 1;
                self.at = end;
                return Some(line);
            }
            self.has_lone_lf = true;
        }
    }

    /// The next header line.
    pub(crate) fn next_line(&mut self) -> Line {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        if rest.starts_with(b"\r\n") {
            self.breaks += 1;
            self.at += 2;
            return Line::Blank(self.at);
        }
        let Some(line) = self.take_line(rest) else {
            return Line::End(if self.text.len() > MAX_HEADER_SECTION {
                ParseError::HeaderSectionTooLong
            } else {
                ParseError::NoBlankLine
            });
        };
        if self.at > MAX_HEADER_SECTION {
            return Line::End(ParseError::HeaderSectionTooLong);
        }
        if line.len() > MAX_HEADER_LINE {
            return Line::Bad(ParseError::HeaderLineTooLong);
        }
        match read_header(line, start) {
            Some(span) => Line::Header(span),
            None => Line::Bad(ParseError::BadHeaderLine),
        }
    }

    /// True when every CR and LF so far belongs to a CRLF. To be asked at the end, since one
    /// count of the CRs is cheaper than a look for them in every line.
    pub(crate) fn are_breaks_paired(&self) -> bool {
        !self.has_lone_lf && count_cr(self.text.get(..self.at).unwrap_or_default()) == self.breaks
    }

    /// The header field that `rest` begins with, to and with the CRLF that white space does not
    /// follow.
    fn take_line(&mut self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let mut end = 0;
        loop {
            end += memchr(b'\n', rest.get(end..)?)? + 1;
            let line = rest.get(..end)?;
            if !line.ends_with(b"\r\n") {
                self.has_lone_lf = true;
                continue;
            }
            self.breaks += 1;
            if !matches!(rest.get(end), Some(b' ' | b'\t')) {
                self.at += end;
                return Some(line);
            }
        }
    }
}

/// Splits a line into name and value: `token *(SP / HTAB) ":" value` (RFC 3261 §25.1 HCOLON).
/// `line` and `start` are within the limits, so that 16 bits hold every offset.
#[inline(never)]
fn read_header(line: &[u8], start: usize) -> Option<Span> {
    let colon = memchr(b':', line)?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = trim_blanks_end(name);
    let id = HeaderId::from_name(name);
    if id == HeaderId::Other && !Class::TOKEN.is_all(name) {
        return None;
    }
    let value = value.get(1..)?.strip_suffix(b"\r\n")?;
    let leading = Class::LWS.span(value);
    let value_start = colon + 1 + leading;
    let value_end = value_start + trim_end(value.get(leading..)?).len();
    let offset = |at: usize| (start + at) as u16;
    Some(Span {
        id,
        name: offset(0),
        name_end: offset(name.len()),
        value: offset(value_start),
        value_end: offset(value_end),
        line_end: offset(line.len()),
    })
}

/// Counts without a branch per byte: in sums of bytes that can't overflow, which the compiler
/// makes into vector instructions.
fn count_cr(text: &[u8]) -> usize {
    text.chunks(128)
        .map(|chunk| {
            chunk
                .iter()
                .map(|&byte| u8::from(byte == b'\r'))
                .sum::<u8>()
        })
        .map(usize::from)
        .sum()
}

fn trim_blanks_end(mut name: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = name {
        name = rest;
    }
    name
}

/// What the Content-Length fields of one message say together. The same number twice is
/// harmless; two numbers leave no way to tell where the message ends (RFC 4475 §3.3.9).
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct ContentLength(Option<u32>);

impl ContentLength {
    pub(crate) fn add(&mut self, value: &[u8]) -> Result<(), ParseError> {
        let length = number(value).ok_or(ParseError::BadContentLength)?;
        match self.0.replace(length) {
            Some(before) if before != length => Err(ParseError::ConflictingContentLength),
            _ => Ok(()),
        }
    }

    pub(crate) fn get(self) -> Option<u32> {
        self.0
    }
}
