//! A message from scratch.

use bytes::Bytes;

use super::class::Class;
use super::edit::{is_header_line, put_header, EditError, Name};
use super::header::HeaderId;

/// Room for the headers of a usual message.
const USUAL_LENGTH: usize = 512;

/// Writes a message: start line, headers in the order of the calls, Content-Length, body.
/// [`finish`](Self::finish) returns the text, or the first error of all calls.
#[derive(Debug)]
pub struct Builder {
    text: Vec<u8>,
    error: Option<EditError>,
}

impl Builder {
    /// Begins a request.
    pub fn request(method: &str, uri: &str) -> Builder {
        let mut builder = Builder::new();
        if !Class::TOKEN.is_all(method.as_bytes()) {
            builder.fail(EditError::BadName);
        }
        if !Class::URI.is_all(uri.as_bytes()) {
            builder.fail(EditError::BadRequestUri);
        }
        builder.put(&[method, " ", uri, " SIP/2.0\r\n"]);
        builder
    }

    /// Begins a response. The reason phrase may be empty.
    pub fn response(code: u16, reason: &str) -> Builder {
        let mut builder = Builder::new();
        if !(100..=699).contains(&code) {
            builder.fail(EditError::BadStatus);
        }
        if reason.contains(['\r', '\n']) {
            builder.fail(EditError::BadValue);
        }
        builder.put(&["SIP/2.0 ", &code.to_string(), " ", reason, "\r\n"]);
        builder
    }

    /// Adds a header. Folds in the value become spaces.
    pub fn header<'a>(mut self, name: impl Into<Name<'a>>, value: impl AsRef<[u8]>) -> Builder {
        let name: Name<'_> = name.into();
        if let Err(error) = put_header(&mut self.text, name.text.as_bytes(), value.as_ref(), b"") {
            self.fail(error);
        }
        self
    }

    /// Adds a header line of another message, from its name to and with its CRLF, as it is.
    pub fn raw_line(mut self, line: &[u8]) -> Builder {
        if is_header_line(line) {
            self.text.extend_from_slice(line);
        } else {
            self.fail(EditError::BadLine);
        }
        self
    }

    /// Adds Content-Length and the body.
    pub fn finish(self, body: &[u8]) -> Result<Bytes, EditError> {
        let mut whole = self.header(HeaderId::ContentLength, body.len().to_string());
        if let Some(error) = whole.error {
            return Err(error);
        }
        whole.text.extend_from_slice(b"\r\n");
        whole.text.extend_from_slice(body);
        Ok(whole.text.into())
    }

    fn new() -> Builder {
        Builder {
            text: Vec::with_capacity(USUAL_LENGTH),
            error: None,
        }
    }

    fn put(&mut self, parts: &[&str]) {
        for part in parts {
            self.text.extend_from_slice(part.as_bytes());
        }
    }

    fn fail(&mut self, error: EditError) {
        self.error.get_or_insert(error);
    }
}
