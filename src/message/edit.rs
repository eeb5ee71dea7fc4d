//! A changed copy of a message. Every byte that is not edited stays: order, case, folds,
//! compact forms and unknown headers.

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr2;
use thiserror::Error;

use super::class::Class;
use super::grammar::{element_end, trim};
use super::header::HeaderId;
use super::message::Message;
use super::start_line::StartSpan;

/// Why a message can't be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EditError {
    /// A header name, or a method, that is not a token.
    #[error("not a header name or method")]
    BadName,
    /// A value with a CR or LF that is not a fold.
    #[error("CR or LF in a header value")]
    BadValue,
    /// A Request-URI with a character that no URI has, or for a response.
    #[error("bad Request-URI")]
    BadRequestUri,
    /// A status code that is not from 100 to 699.
    #[error("bad status code")]
    BadStatus,
    /// A raw line that is not exactly one header field.
    #[error("not one header line")]
    BadLine,
}

/// Room for the lines that a usual edit writes, so that they are allocated once.
const USUALLY_WRITTEN: usize = 256;

/// A header name as an argument: that of a known header, or one that is written as given.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    id: HeaderId,
    pub(super) text: &'a str,
}

impl From<HeaderId> for Name<'_> {
    fn from(id: HeaderId) -> Self {
        let text = id.name();
        Name { id, text }
    }
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(text: &'a str) -> Self {
        let id = HeaderId::from_name(text.as_bytes());
        Name { id, text }
    }
}

/// The changes to one message, applied in the order of the calls; [`finish`](Self::finish)
/// returns the new text, or the first error of them all.
#[derive(Debug)]
pub struct Edit<'m> {
    pub(super) message: &'m Message,
    pub(super) request_uri: Option<String>,
    pub(super) lines: Vec<Line>,
    /// The text of new and changed lines.
    written: Vec<u8>,
    pub(super) body: Option<Bytes>,
    error: Option<EditError>,
}

/// One header line of the copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) id: HeaderId,
    /// Whether the offsets are into the message's text or into `written`.
    pub(super) is_written: bool,
    pub(super) name: u32,
    pub(super) name_end: u32,
    pub(super) value: u32,
    pub(super) value_end: u32,
    pub(super) line_end: u32,
}

impl<'m> Edit<'m> {
    pub(super) fn new(message: &'m Message) -> Self {
        let mut lines = Vec::with_capacity(message.index().spans.len() + 4);
        lines.extend(message.index().spans.iter().map(|span| Line {
            id: span.id,
            is_written: false,
            name: span.name.into(),
            name_end: span.name_end.into(),
            value: span.value.into(),
            value_end: span.value_end.into(),
            line_end: span.line_end.into(),
        }));
        Edit {
            message,
            request_uri: None,
            lines,
            written: Vec::with_capacity(USUALLY_WRITTEN),
            body: None,
            error: None,
        }
    }

    /// Replaces the Request-URI of a request.
    pub fn set_request_uri(&mut self, uri: &str) -> &mut Self {
        if !self.message.is_request() || !Class::URI.is_all(uri.as_bytes()) {
            self.fail(EditError::BadRequestUri);
        } else {
            self.request_uri = Some(uri.to_owned());
        }
        self
    }

    /// Puts a new line above the first of that name, or above all headers when there is none.
    pub fn prepend<'a>(&mut self, name: impl Into<Name<'a>>, value: impl AsRef<[u8]>) -> &mut Self {
        let name = name.into();
        if let Some(line) = self.write(name, value.as_ref()) {
            let at = self.position(name).unwrap_or(0);
            self.lines.insert(at, line);
        }
        self
    }

    /// Puts a new line below all headers.
    pub fn append<'a>(&mut self, name: impl Into<Name<'a>>, value: impl AsRef<[u8]>) -> &mut Self {
        if let Some(line) = self.write(name.into(), value.as_ref()) {
            self.lines.push(line);
        }
        self
    }

    /// Replaces the value of the first line of that name and drops the others; appends the
    /// header when there is none.
    pub fn set<'a>(&mut self, name: impl Into<Name<'a>>, value: impl AsRef<[u8]>) -> &mut Self {
        let name = name.into();
        let Some(at) = self.position(name) else {
            return self.append(name, value);
        };
        self.rewrite(at, value.as_ref(), b"");
        let mut is_first = true;
        self.retain(|edit, line| !edit.is_named(line, name) || std::mem::take(&mut is_first))
    }

    /// Drops all lines of that header.
    pub fn remove(&mut self, id: HeaderId) -> &mut Self {
        self.retain(|_, line| line.id != id || id == HeaderId::Other)
    }

    /// Drops all lines of that name, in any case or compact.
    pub fn remove_named(&mut self, name: &str) -> &mut Self {
        let name = name.into();
        self.retain(|edit, line| !edit.is_named(line, name))
    }

    /// Drops the first value of a header that may be a comma list, and its line when no value
    /// is left in it.
    pub fn remove_first_value(&mut self, id: HeaderId) -> &mut Self {
        if let Some((at, element, value)) = self.first_value(id) {
            let rest = trim(value.get(element + 1..).unwrap_or_default()).to_vec();
            if rest.is_empty() {
                self.lines.remove(at);
            } else {
                self.rewrite(at, b"", &rest);
            }
        }
        self
    }

    /// Replaces the first value of a header that may be a comma list, and keeps the rest of its
    /// line.
    pub fn replace_first_value(&mut self, id: HeaderId, value: impl AsRef<[u8]>) -> &mut Self {
        if let Some((at, element, old)) = self.first_value(id) {
            let rest = old.get(element..).unwrap_or_default().to_vec();
            self.rewrite(at, value.as_ref(), &rest);
        }
        self
    }

    /// Replaces the body and sets Content-Length to its length.
    pub fn set_body(&mut self, body: impl Into<Bytes>) -> &mut Self {
        let body = body.into();
        self.set(HeaderId::ContentLength, body.len().to_string());
        self.body = Some(body);
        self
    }

    /// The new message.
    pub fn finish(&self) -> Result<Bytes, EditError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let body: &[u8] = match &self.body {
            Some(body) => body,
            None => self.message.body_octets(),
        };
        let mut text = BytesMut::with_capacity(
            self.message.index().body_start
                + self.written.len()
                + self.request_uri.as_ref().map_or(0, String::len)
                + body.len(),
        );
        self.put_start_line(&mut text);
        for run in self.lines.chunk_by(follows) {
            if let [first, .., last] | [first @ last] = run {
                text.put_slice(self.part(first, first.name, last.line_end));
            }
        }
        text.put_slice(b"\r\n");
        text.put_slice(body);
        Ok(text.freeze())
    }

    fn put_start_line(&self, text: &mut BytesMut) {
        let line_end = self.message.index().start_length + 2;
        match (self.message.index().start, &self.request_uri) {
            (StartSpan::Request { uri, uri_end, .. }, Some(new)) => {
                text.put_slice(self.message.slice(0, uri));
                text.put_slice(new.as_bytes());
                text.put_slice(self.message.slice(uri_end, line_end));
            }
            _ => text.put_slice(self.message.slice(0, line_end)),
        }
    }

    fn fail(&mut self, error: EditError) {
        self.error.get_or_insert(error);
    }

    fn part(&self, line: &Line, start: u32, end: u32) -> &[u8] {
        let text: &[u8] = if line.is_written {
            &self.written
        } else {
            self.message.text()
        };
        usize::try_from(start)
            .ok()
            .zip(usize::try_from(end).ok())
            .and_then(|(start, end)| text.get(start..end))
            .unwrap_or_default()
    }

    fn is_named(&self, line: &Line, name: Name<'_>) -> bool {
        line.id == name.id
            && (line.id != HeaderId::Other
                || self
                    .part(line, line.name, line.name_end)
                    .eq_ignore_ascii_case(name.text.as_bytes()))
    }

    fn position(&self, name: Name<'_>) -> Option<usize> {
        self.lines.iter().position(|line| self.is_named(line, name))
    }

    fn retain(&mut self, mut keep: impl FnMut(&Self, &Line) -> bool) -> &mut Self {
        let mut lines = std::mem::take(&mut self.lines);
        lines.retain(|line| keep(self, line));
        self.lines = lines;
        self
    }

    /// The first line of that header that has a value: its place, the length of its first
    /// element, and its value.
    fn first_value(&self, id: HeaderId) -> Option<(usize, usize, &[u8])> {
        self.lines.iter().enumerate().find_map(|(at, line)| {
            if line.id != id || id == HeaderId::Other || line.value == line.value_end {
                return None;
            }
            let value = self.part(line, line.value, line.value_end);
            let element = if id.allows_list() {
                element_end(value)
            } else {
                value.len()
            };
            Some((at, element, value))
        })
    }

    /// Gives a line a new value under the name it has, followed by a part of its old value.
    fn rewrite(&mut self, at: usize, value: &[u8], rest: &[u8]) {
        let Some(&line) = self.lines.get(at) else {
            return;
        };
        let name = self.part(&line, line.name, line.name_end).to_vec();
        let new = self.write_line(line.id, &name, value, rest);
        if let (Some(place), Some(new)) = (self.lines.get_mut(at), new) {
            *place = new;
        }
    }

    fn write(&mut self, name: Name<'_>, value: &[u8]) -> Option<Line> {
        self.write_line(name.id, name.text.as_bytes(), value, b"")
    }

    fn write_line(&mut self, id: HeaderId, name: &[u8], value: &[u8], rest: &[u8]) -> Option<Line> {
        let start = self.written.len();
        if let Err(error) = put_header(&mut self.written, name, value, rest) {
            self.fail(error);
            return None;
        }
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Some(Line {
            id,
            is_written: true,
            name: offset(start),
            name_end: offset(start + name.len()),
            value: offset(start + name.len() + 2),
            value_end: offset(self.written.len() - 2),
            line_end: offset(self.written.len()),
        })
    }
}

/// True when a line stands right behind another one already, so that both can be copied at once.
fn follows(one: &Line, next: &Line) -> bool {
    one.is_written == next.is_written && one.line_end == next.name
}

/// Writes `name: value`, the rest of a value that stands in a message already, and CRLF. Folds
/// in the value become a space each (RFC 3261 §7.3.1); any other CR or LF would begin a header
/// of somebody else's making and is refused.
pub(super) fn put_header(
    text: &mut Vec<u8>,
    name: &[u8],
    value: &[u8],
    rest: &[u8],
) -> Result<(), EditError> {
    if !Class::TOKEN.is_all(name) {
        return Err(EditError::BadName);
    }
    let mark = text.len();
    text.extend_from_slice(name);
    text.extend_from_slice(b": ");
    if let Err(error) = put_unfolded(text, trim_blanks(value)) {
        text.truncate(mark);
        return Err(error);
    }
    text.extend_from_slice(rest);
    text.extend_from_slice(b"\r\n");
    Ok(())
}

fn put_unfolded(text: &mut Vec<u8>, value: &[u8]) -> Result<(), EditError> {
    let mut rest = value;
    while let Some(stop) = memchr2(b'\r', b'\n', rest) {
        let (plain, fold) = rest.split_at_checked(stop).unwrap_or((rest, b""));
        let [b'\r', b'\n', b' ' | b'\t', tail @ ..] = fold else {
            return Err(EditError::BadValue);
        };
        text.extend_from_slice(plain);
        text.push(b' ');
        rest = tail;
    }
    text.extend_from_slice(rest);
    Ok(())
}

fn trim_blanks(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value
        .iter()
        .position(|byte| !blank(byte))
        .unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(|byte| !blank(byte))
        .map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

/// True when `line` is exactly one header field that ends in CRLF, folds allowed.
pub(super) fn is_header_line(line: &[u8]) -> bool {
    let name = Class::TOKEN.span(line);
    let after = trim_blanks(line.get(name..).unwrap_or_default());
    let Some(mut rest) = after
        .strip_prefix(b":")
        .and_then(|rest| rest.strip_suffix(b"\r\n"))
    else {
        return false;
    };
    while let Some(stop) = memchr2(b'\r', b'\n', rest) {
        rest = match rest.get(stop..) {
            Some([b'\r', b'\n', b' ' | b'\t', tail @ ..]) => tail,
            _ => return false,
        };
    }
    name > 0
}
