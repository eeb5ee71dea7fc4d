//! From, To, Contact, Route and their like: a URI with a display name and parameters
//! (RFC 3261 §20.10).

use super::class::Class;
use super::cursor::Cursor;
use super::grammar::{trim_end, GrammarError};
use super::params::Params;
use super::uri::{Uri, UriError};

/// One `name-addr` or `addr-spec` with the header parameters that follow it.
#[derive(Debug, Clone, Copy)]
pub struct NameAddr<'a> {
    /// The display name as written, without the quotes around it; backslash escapes and folds
    /// are still in.
    pub display_name: Option<&'a [u8]>,
    /// The URI, without angle brackets; `*` for the wildcard Contact. It has only been cut out:
    /// see [`parse_uri`](Self::parse_uri).
    pub uri: &'a str,
    /// The header parameters. Parameters of the URI are in [`Uri::params`].
    pub params: Params<'a>,
    tag: Option<&'a str>,
}

impl<'a> NameAddr<'a> {
    /// Reads one value (not a comma list).
    pub fn parse(value: &'a [u8]) -> Result<NameAddr<'a>, GrammarError> {
        let mut cursor = Cursor::new(value)?;
        let address = NameAddr::read(&mut cursor)?;
        cursor.finish()?;
        Ok(address)
    }

    /// Takes one value, up to the comma behind it or the end.
    #[inline(always)]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<NameAddr<'a>, GrammarError> {
        cursor.skip_lws();
        let (display_name, uri) = read_address(cursor)?;
        if uri.is_empty() {
            return Err(GrammarError::Empty);
        }
        let (params, tag) = Params::read(cursor, "tag")?;
        Ok(NameAddr {
            display_name,
            uri,
            params,
            tag,
        })
    }

    /// The tag of a From or To.
    pub fn tag(&self) -> Option<&'a str> {
        self.tag
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

fn read_address<'a>(cursor: &mut Cursor<'a>) -> Result<(Option<&'a [u8]>, &'a str), GrammarError> {
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
    if !cursor.eat(b'>') {
        return Err(GrammarError::NameAddr);
    }
    Ok((display_name, uri))
}

/// A URI without brackets: what follows a semicolon belongs to the header, and a URI with a
/// comma or a question mark must be in brackets (RFC 3261 §20.10).
fn read_addr_spec<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, GrammarError> {
    let uri = cursor.take_class(Class::ADDR_SPEC);
    match cursor.peek() {
        None | Some(b';' | b',') => Ok(uri),
        Some(byte) if Class::LWS.has(byte) => Ok(uri),
        Some(_) => Err(GrammarError::NameAddr),
    }
}
