//! From, To, Contact, Route and their like: a URI with a display name and parameters
//! (RFC 3261 §20.10).

use super::class::Class;
use super::cursor::Cursor;
use super::grammar::{trim_end, GrammarError};
use super::params::{Marks, Params};
use super::uri::{Uri, UriError};

/// One `name-addr` or `addr-spec` with the header parameters that follow it.
#[derive(Debug, Clone, Copy)]
pub struct NameAddr<'a> {
    /// The display name as written, without the quotes around it; backslash escapes and folds
    /// are still in.
    pub display_name: Option<&'a [u8]>,
    /// The URI, without angle brackets; `*` for the wildcard Contact.
    pub uri: &'a str,
    /// The header parameters. Parameters of the URI are in [`Uri::params`].
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Cuts one value (not a comma list) into its parts.
    pub fn parse(value: &'a [u8]) -> Result<NameAddr<'a>, GrammarError> {
        NameAddr::read_all(Cursor::new(value)?)
    }

    /// Takes one value that is not in a list.
    pub(crate) fn read_all(mut cursor: Cursor<'a>) -> Result<NameAddr<'a>, GrammarError> {
        let (display_name, uri) = read_address(&mut cursor)?;
        Ok(NameAddr {
            display_name,
            uri,
            params: Params::take_rest(&mut cursor)?,
        })
    }

    /// Takes one value of a list, up to the comma behind it or the end.
    #[inline(always)]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<NameAddr<'a>, GrammarError> {
        let (display_name, uri) = read_address(cursor)?;
        Ok(NameAddr {
            display_name,
            uri,
            params: Params::take_element(cursor)?,
        })
    }

    /// Checks what has only been cut out: the URI and the parameters.
    pub fn check(&self) -> Result<(), GrammarError> {
        self.check_for_tag().map(drop)
    }

    /// Checks the same, and returns the tag on the way.
    pub(crate) fn check_for_tag(&self) -> Result<Option<&'a str>, GrammarError> {
        let Marks { tag, .. } = self.params.check_for_marks()?;
        if self.is_wildcard() || self.parse_uri().is_ok() {
            Ok(tag)
        } else {
            Err(GrammarError::Uri)
        }
    }

    /// The tag of a From or To.
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag")
    }

    /// The value of a header parameter; `Some(None)` for one without a value.
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params.get(name)
    }

    /// True for the Contact `*` that removes all bindings (RFC 3261 §10.2.2).
    pub fn is_wildcard(&self) -> bool {
        self.uri == "*"
    }

    /// The URI, parsed.
    pub fn parse_uri(&self) -> Result<Uri<'a>, UriError> {
        Uri::parse(self.uri)
    }
}

type Address<'a> = (Option<&'a [u8]>, &'a str);

/// Takes the display name and the URI.
#[inline(always)]
fn read_address<'a>(cursor: &mut Cursor<'a>) -> Result<Address<'a>, GrammarError> {
    cursor.skip_lws();
    let mut display_name = None;
    match cursor.peek() {
        Some(b'<') => {}
        Some(b'"') => {
            let quoted = cursor.quoted()?.as_bytes();
            display_name = quoted.get(1..quoted.len().saturating_sub(1));
            cursor.skip_lws();
        }
        _ => {
            // Words up to `<` are a display name; else this is an addr-spec.
            let mut ahead = cursor.clone();
            let words = ahead.take_class(Class::DISPLAY_NAME);
            if ahead.peek() != Some(b'<') {
                return Ok((None, read_addr_spec(cursor)?));
            }
            *cursor = ahead;
            display_name = Some(trim_end(words.as_bytes()));
        }
    }
    if !cursor.eat(b'<') {
        return Err(GrammarError::NameAddr);
    }
    let uri = cursor.take_until(b'>');
    if uri.is_empty() || !cursor.eat(b'>') {
        return Err(GrammarError::NameAddr);
    }
    Ok((display_name, uri))
}

/// A URI without brackets: what follows a semicolon belongs to the header, and a URI with a
/// comma or a question mark must be in brackets (RFC 3261 §20.10).
fn read_addr_spec<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, GrammarError> {
    let uri = cursor.take_class(Class::ADDR_SPEC);
    match cursor.peek() {
        None | Some(b';' | b',') if !uri.is_empty() => Ok(uri),
        Some(byte) if Class::LWS.has(byte) && !uri.is_empty() => Ok(uri),
        _ => Err(GrammarError::NameAddr),
    }
}
