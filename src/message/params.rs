//! Parameters: `;name=value` after a header value or within a URI.

use super::class::Class;
use super::cursor::Cursor;
use super::grammar::{unescaped_bytes, GrammarError};
use super::limits::MAX_PARAMS;

/// The parameters of a header value or a URI: the text, read when asked. The type that holds
/// them has checked their syntax.
#[derive(Debug, Clone, Copy, Default)]
pub struct Params<'a> {
    text: &'a str,
    /// In a URI, `%HH` means the character it encodes (RFC 3261 §19.1.2); in a header it is
    /// just a token's characters.
    escapes: bool,
}

impl<'a> Params<'a> {
    /// Takes header parameters (`generic-param`), and the white space behind them. The value of
    /// the parameter called `wanted` comes with them; it must not be there twice, and if there
    /// must have a value.
    #[inline(always)]
    pub(crate) fn read(
        cursor: &mut Cursor<'a>,
        wanted: &str,
    ) -> Result<(Params<'a>, Option<&'a str>), GrammarError> {
        let start = cursor.place();
        let mut found = None;
        let mut count = 0;
        cursor.skip_lws();
        while cursor.eat(b';') {
            count += 1;
            if count > MAX_PARAMS {
                return Err(GrammarError::TooManyParameters);
            }
            cursor.skip_lws();
            let name = cursor.take_class(Class::TOKEN);
            let value = read_value(cursor)?;
            if name.is_empty() {
                return Err(GrammarError::Parameter);
            }
            if name.eq_ignore_ascii_case(wanted) {
                if value.is_none() || found.is_some() {
                    return Err(GrammarError::Parameter);
                }
                found = value;
            }
        }
        let params = Params {
            text: cursor.since(start),
            escapes: false,
        };
        Ok((params, found))
    }

    /// URI parameters, already checked: from the first `;` on.
    pub(crate) fn of_uri(text: &'a str) -> Self {
        Params {
            text,
            escapes: true,
        }
    }

    /// The text, with its first semicolon; empty when there are no parameters.
    pub fn text(&self) -> &'a str {
        self.text.trim_ascii()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// The value of the first parameter of that name in any case: `Some(None)` for one without
    /// a value. A quoted value keeps its quotes: see [`unquote`](super::unquote).
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        self.iter()
            .find(|(other, _)| self.is_name(other, name))
            .map(|(_, value)| value)
    }

    /// The value of a parameter that has one.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.get(name).flatten()
    }

    /// True when a parameter of that name is there.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every parameter in order: name, and value if it has one.
    pub fn iter(&self) -> ParamsIter<'a> {
        ParamsIter {
            cursor: Cursor::of(self.text),
        }
    }

    fn is_name(&self, written: &str, name: &str) -> bool {
        if self.escapes && written.contains('%') {
            unescaped_bytes(written)
                .map(|byte| byte.to_ascii_lowercase())
                .eq(unescaped_bytes(name).map(|byte| byte.to_ascii_lowercase()))
        } else {
            written.eq_ignore_ascii_case(name)
        }
    }
}

impl<'a> IntoIterator for Params<'a> {
    type Item = (&'a str, Option<&'a str>);
    type IntoIter = ParamsIter<'a>;

    fn into_iter(self) -> ParamsIter<'a> {
        self.iter()
    }
}

/// Iterates over [`Params`].
#[derive(Debug, Clone)]
pub struct ParamsIter<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iterator for ParamsIter<'a> {
    type Item = (&'a str, Option<&'a str>);

    fn next(&mut self) -> Option<Self::Item> {
        self.cursor.skip_lws();
        if !self.cursor.eat(b';') {
            return None;
        }
        self.cursor.skip_lws();
        let name = self.cursor.take_class(Class::PARAM_NAME);
        self.cursor.skip_lws();
        if !self.cursor.eat(b'=') {
            return Some((name, None));
        }
        self.cursor.skip_lws();
        let value = if self.cursor.peek() == Some(b'"') {
            self.cursor.quoted().ok()?
        } else {
            self.cursor.take_class(Class::PARAM_VALUE)
        };
        Some((name, Some(value)))
    }
}

/// The value of a `generic-param` if there is a `=`: a token, a host or a quoted string.
fn read_value<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a str>, GrammarError> {
    cursor.skip_lws();
    if !cursor.eat(b'=') {
        return Ok(None);
    }
    cursor.skip_lws();
    let value = match cursor.peek() {
        Some(b'"') => cursor.quoted()?,
        _ => cursor.take_class(Class::GEN_VALUE),
    };
    if value.is_empty() {
        return Err(GrammarError::Parameter);
    }
    cursor.skip_lws();
    Ok(Some(value))
}
