//! Reads the text of one value from left to right.

use memchr::memchr;

use super::class::Class;
use super::grammar::{element_end, quoted_length, GrammarError};
use super::host::{leading_ipv4, Host};

/// A place in the text of a value.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Result<Self, GrammarError> {
        match std::str::from_utf8(value) {
            Ok(text) => Ok(Cursor::of(text)),
            Err(_) => Err(GrammarError::NotUtf8),
        }
    }

    pub(crate) fn of(text: &'a str) -> Self {
        Cursor { text, at: 0 }
    }

    /// The place, for [`since`](Self::since).
    pub(crate) fn place(&self) -> usize {
        self.at
    }

    /// The text from an earlier place to this one.
    #[inline]
    pub(crate) fn since(&self, place: usize) -> &'a str {
        self.text.get(place..self.at).unwrap_or_default()
    }

    /// The text from this place on.
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.text.len()
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes the byte if it is that one.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes the text if it is that one.
    pub(crate) fn eat_text(&mut self, text: &str) -> bool {
        let is_next = self.left().starts_with(text.as_bytes());
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    /// Skips the bytes of that class, of which all or none above ASCII are members. Says how
    /// many there were.
    #[inline]
    pub(crate) fn skip_class(&mut self, class: Class) -> usize {
        let length = class.span(self.left());
        self.at += length;
        length
    }

    /// Skips white space; true when there was some.
    #[inline]
    pub(crate) fn skip_lws(&mut self) -> bool {
        match self.peek() {
            Some(byte) if Class::LWS.has(byte) => self.skip_class(Class::LWS) > 0,
            _ => false,
        }
    }

    /// Takes the bytes of a class, as [`skip_class`](Self::skip_class).
    #[inline]
    pub(crate) fn take_class(&mut self, class: Class) -> &'a str {
        let start = self.at;
        self.skip_class(class);
        self.since(start)
    }

    /// Takes the bytes of a class and `%HH` escapes.
    #[inline]
    pub(crate) fn take_escaped(&mut self, class: Class) -> &'a str {
        let start = self.at;
        self.skip_escaped(class);
        self.since(start)
    }

    /// Skips the same. Says how many bytes there were.
    #[inline]
    pub(crate) fn skip_escaped(&mut self, class: Class) -> usize {
        let start = self.at;
        self.skip_class(class);
        if self.peek() == Some(b'%') {
            self.skip_escapes(class);
        }
        self.at - start
    }

    #[cold]
    fn skip_escapes(&mut self, class: Class) {
        while let [b'%', high, low, ..] = self.left() {
            if !high.is_ascii_hexdigit() || !low.is_ascii_hexdigit() {
                break;
            }
            self.at += 3;
            self.skip_class(class);
        }
    }

    /// Takes everything before the first such byte.
    pub(crate) fn take_until(&mut self, stop: u8) -> &'a str {
        let start = self.at;
        self.at = memchr(stop, self.left()).map_or(self.text.len(), |length| start + length);
        self.since(start)
    }

    /// Takes everything before the comma that ends an element of a list, or all there is.
    pub(crate) fn take_element(&mut self) -> &'a str {
        let start = self.at;
        self.at += element_end(self.left());
        self.since(start)
    }

    /// Takes all that is left.
    pub(crate) fn take_rest(&mut self) -> &'a str {
        let rest = self.rest();
        self.at = self.text.len();
        rest
    }

    pub(crate) fn token(&mut self) -> Result<&'a str, GrammarError> {
        match self.take_class(Class::TOKEN) {
            "" => Err(GrammarError::Token),
            token => Ok(token),
        }
    }

    /// A quoted string, taken with its quotes.
    pub(crate) fn quoted(&mut self) -> Result<&'a str, GrammarError> {
        let start = self.at;
        self.at += quoted_length(self.left()).ok_or(GrammarError::Quote)?;
        Ok(self.since(start))
    }

    /// Checks that nothing is left.
    pub(crate) fn finish(&self) -> Result<(), GrammarError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(GrammarError::Trailing)
        }
    }

    /// A host where one stands in a URI or a Via, without the brackets of an IPv6 address. It is
    /// only cut out.
    #[inline]
    pub(crate) fn host(&mut self) -> Result<&'a str, GrammarError> {
        let host = if self.eat(b'[') {
            let address = self.take_until(b']');
            if !self.eat(b']') || !address.contains(':') {
                return Err(GrammarError::Host);
            }
            address
        } else {
            self.take_class(Class::HOST)
        };
        if host.is_empty() {
            return Err(GrammarError::Host);
        }
        Ok(host)
    }

    /// The same, parsed.
    #[inline]
    pub(crate) fn parsed_host(&mut self) -> Result<Host<'a>, GrammarError> {
        if let Some((address, rest)) = leading_ipv4(self.left()) {
            // More of such bytes would make it a name.
            if rest.first().is_none_or(|next| !Class::HOST.has(*next)) {
                self.at = self.text.len() - rest.len();
                return Ok(Host::V4(address));
            }
        }
        Host::parse(self.host()?)
    }

    /// A port number.
    #[inline]
    pub(crate) fn port(&mut self) -> Result<u16, GrammarError> {
        let start = self.at;
        let mut port = 0u32;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            // What is too large stays so, and does not overflow.
            port = (port * 10 + u32::from(digit - b'0')).min(u32::from(u16::MAX) + 1);
            self.at += 1;
        }
        match u16::try_from(port) {
            Ok(port) if self.at > start => Ok(port),
            _ => Err(GrammarError::Port),
        }
    }

    #[inline]
    fn left(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }
}
