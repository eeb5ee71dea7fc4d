//! Reads the text of one value from left to right.

use std::net::Ipv6Addr;

use memchr::memchr;

use super::class::Class;
use super::grammar::{number, quoted_length, GrammarError};
use super::host::check_name;

/// What is left of a value.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Result<Self, GrammarError> {
        let rest = std::str::from_utf8(value).map_err(|_| GrammarError::NotUtf8)?;
        Ok(Cursor { rest })
    }

    pub(crate) fn of(rest: &'a str) -> Self {
        Cursor { rest }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Takes the bytes of that class, of which all or none above ASCII are members.
    pub(crate) fn take_class(&mut self, class: Class) -> &'a str {
        self.take(class.span(self.rest.as_bytes()))
    }

    /// Takes everything before the first such byte.
    pub(crate) fn take_until(&mut self, stop: u8) -> &'a str {
        self.take(memchr(stop, self.rest.as_bytes()).unwrap_or(self.rest.len()))
    }

    pub(crate) fn take(&mut self, length: usize) -> &'a str {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                taken
            }
            None => "",
        }
    }

    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        if self.peek() != Some(byte) {
            return false;
        }
        self.take(1);
        true
    }

    /// Skips white space; true when there was some.
    pub(crate) fn skip_lws(&mut self) -> bool {
        if !self.peek().is_some_and(|byte| Class::LWS.has(byte)) {
            return false;
        }
        self.take_class(Class::LWS);
        true
    }

    pub(crate) fn token(&mut self) -> Result<&'a str, GrammarError> {
        match self.take_class(Class::TOKEN) {
            "" => Err(GrammarError::Token),
            token => Ok(token),
        }
    }

    /// A quoted string, taken with its quotes.
    pub(crate) fn quoted(&mut self) -> Result<&'a str, GrammarError> {
        let taken = self.take(quoted_length(self.rest.as_bytes()));
        if is_quoted(taken) {
            Ok(taken)
        } else {
            Err(GrammarError::Quote)
        }
    }

    /// A host as it stands in a URI or a Via, without the brackets of an IPv6 address
    /// (checked by [`Host::parse`](super::Host::parse)).
    pub(crate) fn host(&mut self) -> Result<&'a str, GrammarError> {
        if self.eat(b'[') {
            let address = self.take_until(b']');
            if !self.eat(b']') || address.parse::<Ipv6Addr>().is_err() {
                return Err(GrammarError::Host);
            }
            return Ok(address);
        }
        let name = self.take_class(Class::HOST);
        check_name(name)?;
        Ok(name)
    }

    /// A port number.
    pub(crate) fn port(&mut self) -> Result<u16, GrammarError> {
        number(self.take_class(Class::DIGIT).as_bytes())
            .and_then(|port| u16::try_from(port).ok())
            .ok_or(GrammarError::Port)
    }
}

/// True for text that begins with a quote and ends with the matching one.
fn is_quoted(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut escaped = false;
    let Some((b'"', rest)) = bytes.split_first() else {
        return false;
    };
    for (at, &byte) in rest.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            return at + 1 == rest.len();
        }
    }
    false
}
