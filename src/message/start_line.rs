//! The start line: a request line or a status line (RFC 3261 §7.1, §7.2).

use memchr::{memchr, memrchr};

use super::class::Class;
use super::method::Method;
use super::parse_error::ParseError;

/// The start line of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// A request line.
    Request {
        /// The method.
        method: Method<'a>,
        /// The Request-URI as written.
        uri: &'a str,
    },
    /// A status line.
    Status {
        /// The status code, 100 to 699.
        code: u16,
        /// The reason phrase; may be empty.
        reason: &'a [u8],
    },
}

/// Where the parts of a start line lie in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StartSpan {
    Request {
        method_end: u16,
        uri: u16,
        uri_end: u16,
        version: u16,
        version_end: u16,
    },
    Status {
        version_end: u16,
        code: u16,
        reason: u16,
    },
}

impl StartSpan {
    /// Finds the parts of `line`, which has no CRLF. Superfluous spaces are let through for
    /// `validate` to see: a request that has them can be answered.
    pub(crate) fn find(line: &[u8]) -> Result<StartSpan, ParseError> {
        if is_version(line) {
            find_status(line)
        } else {
            find_request(line)
        }
    }
}

/// The first bytes of every version, `SIP/2.0` or another.
fn is_version(text: &[u8]) -> bool {
    text.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
}

fn find_status(line: &[u8]) -> Result<StartSpan, ParseError> {
    let version_end = memchr(b' ', line).ok_or(ParseError::NotSip)?;
    let rest = line.get(version_end + 1..).unwrap_or_default();
    let (code, reason) = match rest {
        // The space is required even before an empty phrase, but leaving it out harms nobody.
        [hundreds @ b'1'..=b'6', tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..]
            if matches!(rest.first(), None | Some(b' ')) =>
        {
            let digit = |byte: &u8| u16::from(byte.wrapping_sub(b'0'));
            let code = digit(hundreds) * 100 + digit(tens) * 10 + digit(ones);
            (
                code,
                line.len() - rest.len() + usize::from(!rest.is_empty()),
            )
        }
        _ => return Err(ParseError::BadStatusCode),
    };
    Ok(StartSpan::Status {
        version_end: offset(version_end)?,
        code,
        reason: offset(reason)?,
    })
}

fn find_request(line: &[u8]) -> Result<StartSpan, ParseError> {
    let method_end = Class::TOKEN.span(line);
    if method_end == 0 || line.get(method_end) != Some(&b' ') {
        return Err(ParseError::NotSip);
    }
    let written = line.trim_ascii_end();
    let version = memrchr(b' ', written).ok_or(ParseError::NotSip)? + 1;
    if !is_version(written.get(version..).unwrap_or_default()) {
        return Err(ParseError::NotSip);
    }
    let between = line.get(method_end..version).unwrap_or_default();
    let uri_text = between.trim_ascii();
    let uri = method_end + (between.len() - between.trim_ascii_start().len());
    Ok(StartSpan::Request {
        method_end: offset(method_end)?,
        uri: offset(uri)?,
        uri_end: offset(uri + uri_text.len())?,
        version: offset(version)?,
        version_end: offset(written.len())?,
    })
}

fn offset(at: usize) -> Result<u16, ParseError> {
    u16::try_from(at).map_err(|_| ParseError::StartLineTooLong)
}
