//! Challenges and credentials: WWW-Authenticate, Authorization and their proxy twins
//! (RFC 3261 §20.44, RFC 7616).

use std::borrow::Cow;

use super::class::Class;
use super::cursor::Cursor;
use super::grammar::{unquote, GrammarError};
use super::limits::MAX_PARAMS;

/// A challenge or credentials: a scheme and comma-separated parameters.
#[derive(Debug, Clone, Copy)]
pub struct Auth<'a> {
    /// The scheme as written: `Digest`.
    pub scheme: &'a str,
    text: &'a str,
}

impl<'a> Auth<'a> {
    /// Reads a header value. The parameters of a scheme other than Digest must have the same
    /// form to be accepted.
    pub fn parse(value: &'a [u8]) -> Result<Auth<'a>, GrammarError> {
        let mut cursor = Cursor::new(value)?;
        cursor.skip_lws();
        let scheme = cursor.token()?;
        if !cursor.skip_lws() {
            return Err(GrammarError::Parameter);
        }
        let text = cursor.rest();
        let mut count = 0;
        loop {
            count += 1;
            if count > MAX_PARAMS {
                return Err(GrammarError::TooManyParameters);
            }
            read_param(&mut cursor)?;
            if cursor.is_empty() {
                return Ok(Auth { scheme, text });
            }
            if !cursor.eat(b',') {
                return Err(GrammarError::Parameter);
            }
        }
    }

    /// True for the Digest scheme, in any case.
    pub fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Digest")
    }

    /// The value of a parameter in any case, without quotes.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| unquote(value))
    }

    /// Every parameter in order, its value as written.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut cursor = Cursor::of(self.text);
        std::iter::from_fn(move || {
            let param = read_param(&mut cursor).ok()?;
            cursor.eat(b',');
            Some(param)
        })
    }
}

/// `name = value` with white space around each part; the value is a token, a quoted string or,
/// since not everybody quotes a URI or base64, anything without white space or comma.
fn read_param<'a>(cursor: &mut Cursor<'a>) -> Result<(&'a str, &'a str), GrammarError> {
    cursor.skip_lws();
    let name = cursor.take_class(Class::TOKEN);
    cursor.skip_lws();
    if name.is_empty() || !cursor.eat(b'=') {
        return Err(GrammarError::Parameter);
    }
    cursor.skip_lws();
    let value = if cursor.peek() == Some(b'"') {
        cursor.quoted()?
    } else {
        cursor.take_class(Class::AUTH_VALUE)
    };
    if value.is_empty() {
        return Err(GrammarError::Parameter);
    }
    cursor.skip_lws();
    Ok((name, value))
}
