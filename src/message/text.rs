//! The octets of a message, of which it is known whether they are UTF-8.

use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;

/// The octets of a message. They are checked to be UTF-8 once and together, not each part
/// whenever it is read.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    /// All of them are, as in nearly every message.
    Utf8(ByteString),
    /// Some are not, of the body or of a value, so that each part is looked at by itself.
    Mixed(Bytes),
}

impl Text {
    pub(crate) fn bytes(&self) -> &Bytes {
        match self {
            Text::Utf8(text) => text.as_bytes(),
            Text::Mixed(bytes) => bytes,
        }
    }

    /// A part of the text; `None` if it is not UTF-8.
    pub(crate) fn str(&self, range: Range<usize>) -> Option<&str> {
        match self {
            Text::Utf8(text) => text.get(range),
            Text::Mixed(bytes) => std::str::from_utf8(bytes.get(range)?).ok(),
        }
    }
}

impl From<Bytes> for Text {
    fn from(bytes: Bytes) -> Text {
        match ByteString::try_from(bytes.clone()) {
            Ok(text) => Text::Utf8(text),
            Err(_) => Text::Mixed(bytes),
        }
    }
}
