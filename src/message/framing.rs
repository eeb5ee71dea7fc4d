//! Cuts a byte stream into messages and keep-alives (RFC 3261 §18.3, RFC 5626 §4.4.1).

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;
use thiserror::Error;

use super::class::Class;
use super::index::Index;
use super::limits::{MAX_HEADER_SECTION, MAX_START_LINE, MAX_STREAM_MESSAGE};
use super::parse_error::ParseError;

/// One thing found on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A complete message, not yet parsed. It has its own memory.
    Message(Bytes),
    /// A double CRLF: the peer wants a single one in answer.
    Ping,
    /// A single CRLF between messages. The first half of a ping is reported like this as well,
    /// at once, since nobody can tell whether the second half follows.
    Pong,
}

/// Why a stream can't be followed further; the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FramingError {
    /// What follows is no SIP message.
    #[error("not SIP")]
    NotSip,
    /// The start line exceeds [`MAX_START_LINE`].
    #[error("start line too long")]
    StartLineTooLong,
    /// The header section exceeds [`MAX_HEADER_SECTION`].
    #[error("header section too long")]
    HeaderSectionTooLong,
    /// The message exceeds [`MAX_STREAM_MESSAGE`].
    #[error("message too long")]
    MessageTooLong,
    /// A CR or LF alone in the headers: others may see other lines there than we do.
    #[error("bare CR or LF in the headers")]
    BareLineBreak,
    /// A stream needs a Content-Length in every message.
    #[error("no Content-Length on a stream")]
    MissingContentLength,
    /// A Content-Length that is negative, not a number or beyond 2^32-1.
    #[error("bad Content-Length")]
    BadContentLength,
    /// Two different Content-Lengths.
    #[error("conflicting Content-Length headers")]
    ConflictingContentLength,
}

/// Cuts the bytes of one connection into frames, however they are split. Each byte is looked
/// at a fixed number of times. What is held is bounded by [`MAX_STREAM_MESSAGE`] and one push,
/// as long as [`next`](Self::next) is called after every push until it has no more.
#[derive(Debug, Default)]
pub struct StreamFramer {
    buffer: BytesMut,
    /// How much of the buffer has been searched for the end of the header section.
    searched: usize,
    /// True when the start line of the message in front is known to be complete.
    has_start: bool,
    /// The length of the message in front, once its headers are complete.
    length: Option<usize>,
    /// True when the last frame was a single CRLF: another one makes it a ping.
    after_crlf: bool,
    error: Option<FramingError>,
}

impl StreamFramer {
    /// A framer for a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes that have arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next frame; `None` until more bytes have arrived. After an error there is nothing
    /// but the same error.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Frame>, FramingError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.find().inspect_err(|&error| {
            self.error = Some(error);
            self.buffer = BytesMut::new();
        })
    }

    /// True when part of a message has arrived and the rest has not.
    pub fn is_partial(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// How many bytes wait for the rest of their message.
    pub fn held(&self) -> usize {
        self.buffer.len()
    }

    fn find(&mut self) -> Result<Option<Frame>, FramingError> {
        match (self.buffer.first(), self.buffer.get(1)) {
            (None, _) | (Some(b'\r'), None) => return Ok(None),
            (Some(b'\r'), Some(b'\n')) => {
                self.buffer.advance(2);
                self.after_crlf = !self.after_crlf;
                return Ok(Some(if self.after_crlf {
                    Frame::Pong
                } else {
                    Frame::Ping
                }));
            }
            (Some(&first), _) if !Class::TOKEN.has(first) => return Err(FramingError::NotSip),
            _ => self.after_crlf = false,
        }
        let length = match self.length {
            Some(length) => length,
            None => match self.find_length()? {
                Some(length) => *self.length.insert(length),
                None => return Ok(None),
            },
        };
        if self.buffer.len() < length {
            return Ok(None);
        }
        let message = Bytes::copy_from_slice(self.buffer.get(..length).unwrap_or_default());
        self.buffer.advance(length);
        if self.buffer.is_empty() {
            // An idle connection holds no memory.
            self.buffer = BytesMut::new();
        }
        self.length = None;
        self.searched = 0;
        self.has_start = false;
        Ok(Some(Frame::Message(message)))
    }

    /// The length of the message in front: its headers and what Content-Length says.
    fn find_length(&mut self) -> Result<Option<usize>, FramingError> {
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let found = memmem::find(unsearched, b"\r\n\r\n");
        if !self.has_start {
            self.check_start_line()?;
        }
        let body = match found {
            Some(found) => self.searched + found + 4,
            None => self.buffer.len(),
        };
        if body > MAX_HEADER_SECTION {
            return Err(FramingError::HeaderSectionTooLong);
        }
        if found.is_none() {
            // The last three bytes may be the beginning of the end.
            self.searched = self.buffer.len().saturating_sub(3);
            return Ok(None);
        }
        let content = content_length(self.buffer.get(..body).unwrap_or_default())?;
        match content.checked_add(body) {
            Some(length) if length <= MAX_STREAM_MESSAGE => Ok(Some(length)),
            _ => Err(FramingError::MessageTooLong),
        }
    }

    /// Checks the start line as soon as it is complete or too long: nobody waits for the headers
    /// of what is not SIP.
    fn check_start_line(&mut self) -> Result<(), FramingError> {
        let longest = self.buffer.len().min(MAX_START_LINE + 2);
        let unsearched = self.buffer.get(self.searched..longest).unwrap_or_default();
        let Some(found) = memmem::find(unsearched, b"\r\n") else {
            return if longest == MAX_START_LINE + 2 {
                Err(FramingError::StartLineTooLong)
            } else {
                Ok(())
            };
        };
        let line = self.buffer.get(..self.searched + found).unwrap_or_default();
        self.has_start = true;
        let names_sip = |part: &[u8]| part.eq_ignore_ascii_case(b"SIP/");
        if line.windows(4).any(names_sip) {
            Ok(())
        } else {
            Err(FramingError::NotSip)
        }
    }
}

/// The Content-Length of a complete header section.
fn content_length(head: &[u8]) -> Result<usize, FramingError> {
    let index = Index::read(head).map_err(|_| FramingError::NotSip)?;
    if index.has_lone_break {
        return Err(FramingError::BareLineBreak);
    }
    match index.content_length {
        Ok(Some(length)) => usize::try_from(length).map_err(|_| FramingError::MessageTooLong),
        Ok(None) => Err(FramingError::MissingContentLength),
        Err(ParseError::ConflictingContentLength) => Err(FramingError::ConflictingContentLength),
        Err(_) => Err(FramingError::BadContentLength),
    }
}
