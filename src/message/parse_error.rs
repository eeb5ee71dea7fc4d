//! What can be wrong with the outer form of a message.

use thiserror::Error;

/// Why a text is no message, or a flawed one. [`Message::parse`](super::Message::parse) fails
/// with the first three, and with a start line that would not even fit the header section; it
/// keeps any other with the message ([`Message::flaw`](super::Message::flaw)), so that a flawed
/// request can still be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The first line is neither a request line nor a status line.
    #[error("not a SIP message")]
    NotSip,
    /// A status line whose code is not from 100 to 699.
    #[error("bad status code")]
    BadStatusCode,
    /// More bytes than [`MAX_STREAM_MESSAGE`](super::limits::MAX_STREAM_MESSAGE).
    #[error("message too long")]
    MessageTooLong,
    /// The start line exceeds [`MAX_START_LINE`](super::limits::MAX_START_LINE).
    #[error("start line too long")]
    StartLineTooLong,
    /// A header field exceeds [`MAX_HEADER_LINE`](super::limits::MAX_HEADER_LINE).
    #[error("header line too long")]
    HeaderLineTooLong,
    /// The header section exceeds [`MAX_HEADER_SECTION`](super::limits::MAX_HEADER_SECTION).
    #[error("header section too long")]
    HeaderSectionTooLong,
    /// More header fields than [`MAX_HEADERS`](super::limits::MAX_HEADERS).
    #[error("too many headers")]
    TooManyHeaders,
    /// A line without a colon, or a name that is not a token.
    #[error("bad header line")]
    BadHeaderLine,
    /// A CR or LF that is not part of a CRLF.
    #[error("bare CR or LF")]
    BareLineBreak,
    /// The blank line that ends the headers is missing.
    #[error("no blank line after the headers")]
    NoBlankLine,
    /// A Content-Length that is negative, not a number or beyond 2^32-1.
    #[error("bad Content-Length")]
    BadContentLength,
    /// Two different Content-Lengths.
    #[error("conflicting Content-Length headers")]
    ConflictingContentLength,
    /// A datagram that ends before its body does.
    #[error("body shorter than Content-Length")]
    Truncated,
}
