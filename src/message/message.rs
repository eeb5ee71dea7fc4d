//! A message: the bytes and an index over them.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memmem};

use super::edit::Edit;
use super::grammar::Elements;
use super::header::HeaderId;
use super::index::{Index, Span};
use super::limits::MAX_STREAM_MESSAGE;
use super::method::Method;
use super::parse_error::ParseError;
use super::start_line::{StartLine, StartSpan};
use super::text::Text;

/// A SIP message as it stands on the wire, with an index over its headers. Nothing is copied
/// and no value is read before it is asked for.
#[derive(Debug, Clone)]
pub struct Message {
    /// Shared, since a message is cloned more often than it is read.
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug, Clone)]
pub(super) struct Inner {
    pub(super) text: Text,
    pub(super) index: Index,
}

/// One header field (line) of a message.
#[derive(Debug, Clone)]
pub struct Header<'a> {
    /// Which one.
    pub id: HeaderId,
    /// The name as written.
    pub name: &'a str,
    /// The value without white space around it; folds are still inside.
    pub value: &'a [u8],
    /// Where the field lies in [`Message::text`], from its name to and with its CRLF.
    pub line: Range<usize>,
}

impl Message {
    /// Indexes a datagram or one framed message of a stream. The body ends where Content-Length
    /// says, or with the text; octets behind it are dropped (RFC 3261 §18.3).
    ///
    /// A message that is damaged but has a usable start line is returned too, since a damaged
    /// request should be answered: [`validate`](Self::validate) reports the damage, and nothing
    /// but an answer may be made of the message before that has returned `Ok`.
    pub fn parse(text: Bytes) -> Result<Message, ParseError> {
        let (mut text, mut index) = read(text)?;
        match index.content_length {
            Err(error) => index.note(error),
            Ok(None) => {}
            Ok(Some(length)) => {
                let end = usize::try_from(length)
                    .ok()
                    .and_then(|length| length.checked_add(index.body_start));
                match end {
                    Some(end) if end <= text.len() => text.truncate(end),
                    _ => index.note(ParseError::Truncated),
                }
            }
        }
        Ok(Message::new(text, index))
    }

    /// Indexes an application's draft: a start line, headers, and a blank line and a body if
    /// there is one. No header is mandatory, and Content-Length is not looked at: the body is
    /// all that follows the blank line.
    pub fn parse_draft(text: Bytes) -> Result<Message, ParseError> {
        let (text, index) = read(with_blank_line(text))?;
        match index.flaw {
            Some(flaw) => Err(flaw),
            None => Ok(Message::new(text, index)),
        }
    }

    /// A text that has been indexed.
    pub(super) fn new(text: Bytes, index: Index) -> Message {
        let text = Text::from(text);
        Message {
            inner: Arc::new(Inner { text, index }),
        }
    }

    /// The damage found while indexing; see [`parse`](Self::parse).
    pub fn flaw(&self) -> Option<ParseError> {
        self.index().flaw
    }

    /// The whole message, from its start line to the end of its body.
    pub fn text(&self) -> &Bytes {
        self.inner.text.bytes()
    }

    /// The body; empty when there is none.
    pub fn body(&self) -> Bytes {
        let text = self.text();
        text.slice(self.index().body_start.min(text.len())..)
    }

    pub(super) fn body_octets(&self) -> &[u8] {
        let body = self.text().get(self.index().body_start..);
        body.unwrap_or_default()
    }

    /// The offset of the body in the text; the text's length when there is none.
    pub fn body_start(&self) -> usize {
        self.index().body_start
    }

    /// The start line.
    pub fn start_line(&self) -> StartLine<'_> {
        match self.index().start {
            StartSpan::Request { .. } => StartLine::Request {
                method: self.method().unwrap_or(Method::Other("")),
                uri: self.request_uri().unwrap_or_default(),
            },
            StartSpan::Status { code, reason, .. } => StartLine::Status {
                code,
                reason: self.slice(reason, self.index().start_length),
            },
        }
    }

    /// True for a request.
    pub fn is_request(&self) -> bool {
        matches!(self.index().start, StartSpan::Request { .. })
    }

    /// The method of a request.
    pub fn method(&self) -> Option<Method<'_>> {
        match self.index().start {
            StartSpan::Request { method_end, .. } => Method::from_token(self.slice(0, method_end)),
            StartSpan::Status { .. } => None,
        }
    }

    /// The Request-URI of a request, as written; empty if it is not UTF-8, which
    /// [`validate`](Self::validate) does not let through.
    pub fn request_uri(&self) -> Option<&str> {
        match self.index().start {
            StartSpan::Request { uri, uri_end, .. } => {
                Some(self.str(uri, uri_end).unwrap_or_default())
            }
            StartSpan::Status { .. } => None,
        }
    }

    /// The status code of a response, 100 to 699.
    pub fn status(&self) -> Option<u16> {
        match self.index().start {
            StartSpan::Request { .. } => None,
            StartSpan::Status { code, .. } => Some(code),
        }
    }

    /// Every header field in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> + '_ {
        self.index().spans.iter().map(|span| Header {
            id: span.id,
            name: self.str(span.name, span.name_end).unwrap_or_default(),
            value: self.slice(span.value, span.value_end),
            line: usize::from(span.name)..usize::from(span.line_end),
        })
    }

    /// True when at least one such header is there.
    pub fn has(&self, id: HeaderId) -> bool {
        self.spans_of(id).next().is_some()
    }

    /// The value of the first such header.
    pub fn get(&self, id: HeaderId) -> Option<&[u8]> {
        self.all(id).next()
    }

    /// The value of the first such header, if it is UTF-8.
    pub fn get_str(&self, id: HeaderId) -> Option<&str> {
        let span = self.spans_of(id).next()?;
        self.str(span.value, span.value_end)
    }

    /// The value of the first header of that name, in any case or compact.
    pub fn get_named(&self, name: &str) -> Option<&[u8]> {
        match HeaderId::from_name(name.as_bytes()) {
            HeaderId::Other => self
                .spans_of(HeaderId::Other)
                .find(|span| {
                    let written = self.slice(span.name, span.name_end);
                    written.eq_ignore_ascii_case(name.as_bytes())
                })
                .map(|span| self.slice(span.value, span.value_end)),
            id => self.get(id),
        }
    }

    /// The value of every line of that header.
    pub fn all(&self, id: HeaderId) -> impl Iterator<Item = &[u8]> + '_ {
        self.spans_of(id)
            .map(|span| self.slice(span.value, span.value_end))
    }

    /// Every line of that header as it stands, from its name to and with its CRLF.
    pub fn lines(&self, id: HeaderId) -> impl Iterator<Item = &[u8]> + '_ {
        self.spans_of(id)
            .map(|span| self.slice(span.name, span.line_end))
    }

    /// Every value of that header: the elements of comma lists one by one, empty ones left out.
    /// A header that is no list ([`HeaderId::allows_list`]) has one value per line.
    #[inline]
    pub fn values(&self, id: HeaderId) -> Values<'_> {
        Values {
            message: self,
            spans: self.spans_with(id).iter(),
            id,
            list: None,
        }
    }

    /// The offsets of every header field in the text: id, name start and end, value start and
    /// end.
    pub fn header_index(
        &self,
    ) -> impl ExactSizeIterator<Item = (HeaderId, usize, usize, usize, usize)> + '_ {
        self.index().spans.iter().map(|span| {
            (
                span.id,
                usize::from(span.name),
                usize::from(span.name_end),
                usize::from(span.value),
                usize::from(span.value_end),
            )
        })
    }

    /// The number of header fields.
    pub fn header_count(&self) -> usize {
        self.index().spans.len()
    }

    /// Begins a changed copy.
    pub fn edit(&self) -> Edit<'_> {
        Edit::new(self)
    }

    pub(super) fn spans_of(&self, id: HeaderId) -> impl Iterator<Item = &Span> + '_ {
        let spans = self.spans_with(id).iter();
        spans.filter(move |span| span.id == id)
    }

    /// All spans, or none if that header is not among them.
    fn spans_with(&self, id: HeaderId) -> &[Span] {
        if self.index().present & id.bit() != 0 {
            &self.index().spans
        } else {
            &[]
        }
    }

    pub(super) fn index(&self) -> &Index {
        &self.inner.index
    }

    pub(super) fn slice(&self, start: u16, end: u16) -> &[u8] {
        self.text()
            .get(usize::from(start)..usize::from(end))
            .unwrap_or_default()
    }

    /// A part as text; `None` if it is not UTF-8.
    pub(super) fn str(&self, start: u16, end: u16) -> Option<&str> {
        self.inner.text.str(usize::from(start)..usize::from(end))
    }
}

/// The values of a header: see [`Message::values`].
#[derive(Debug, Clone)]
pub struct Values<'m> {
    message: &'m Message,
    spans: std::slice::Iter<'m, Span>,
    id: HeaderId,
    /// What is left of the line that is being read.
    list: Option<Elements<'m>>,
}

impl<'m> Iterator for Values<'m> {
    type Item = &'m [u8];

    fn next(&mut self) -> Option<&'m [u8]> {
        loop {
            if let Some(value) = self.list.as_mut().and_then(Iterator::next) {
                if !value.is_empty() {
                    return Some(value);
                }
                continue;
            }
            let span = self.spans.by_ref().find(|span| span.id == self.id)?;
            let value = self.message.slice(span.value, span.value_end);
            if self.id.allows_list() && memchr(b',', value).is_some() {
                self.list = Some(Elements::new(value));
            } else if !value.is_empty() {
                return Some(value);
            }
        }
    }
}

/// Indexes the text, and cuts off what stands before its start line.
fn read(mut text: Bytes) -> Result<(Bytes, Index), ParseError> {
    while text.starts_with(b"\r\n") {
        // Empty lines before the start line are to be ignored (RFC 3261 §7.5).
        text.advance(2);
    }
    if text.len() > MAX_STREAM_MESSAGE {
        return Err(ParseError::MessageTooLong);
    }
    let mut index = Index::read(&text)?;
    if index.has_lone_break {
        // Whatever else was found may follow from it.
        index.flaw = Some(ParseError::BareLineBreak);
    }
    Ok((text, index))
}

/// The draft, completed by the line ends that are missing.
fn with_blank_line(text: Bytes) -> Bytes {
    let missing: &[u8] = if memmem::find(&text, b"\r\n\r\n").is_some() {
        return text;
    } else if text.ends_with(b"\r\n") {
        b"\r\n"
    } else {
        b"\r\n\r\n"
    };
    let mut completed = BytesMut::with_capacity(text.len() + missing.len());
    completed.extend_from_slice(&text);
    completed.extend_from_slice(missing);
    completed.freeze()
}
