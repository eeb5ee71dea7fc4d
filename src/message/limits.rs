//! The sizes this layer accepts. Whatever is larger is refused, so that no message can make the
//! process work or allocate without bound. They are policy, not memory: each may be raised, but
//! [`MAX_HEADER_SECTION`] not much, because the index that JavaScript gets holds 16-bit offsets.

/// Bytes of one datagram: the most UDP can carry (RFC 768).
pub const MAX_DATAGRAM: usize = 65_535;

/// Bytes of one message on a stream, headers and body together; also the most that
/// [`Message::parse`](super::Message::parse) takes.
pub const MAX_STREAM_MESSAGE: usize = 256 * 1024;

/// Bytes of the start line, without its CRLF. A longer one is answered 414.
pub const MAX_START_LINE: usize = 8 * 1024;

/// Bytes of one header field with its folds and its CRLF. A longer one is answered 513.
pub const MAX_HEADER_LINE: usize = 8 * 1024;

/// Bytes from the start of a message to its body. A longer one is answered 513. With a dialog id
/// in front, which is a Call-ID and a tag of up to [`MAX_HEADER_LINE`] each, it stays below the
/// 65,535 that an offset of 16 bits reaches.
pub const MAX_HEADER_SECTION: usize = 48_000;

/// Header fields (lines) of one message. More are answered 513.
pub const MAX_HEADERS: usize = 256;

/// Via values of one message, over all its Via lines.
pub const MAX_VIAS: usize = 64;

/// Values of one message's Route, Record-Route, Path or Service-Route, each counted by itself.
pub const MAX_ROUTES: usize = 32;

/// Contact values of one message.
pub const MAX_CONTACTS: usize = 64;

/// Parameters of one header value or URI, and header fields within one URI.
pub const MAX_PARAMS: usize = 64;

/// Bytes of a host name (RFC 1035 §2.3.4).
pub const MAX_HOST: usize = 255;
