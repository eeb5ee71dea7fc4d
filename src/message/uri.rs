//! SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966).

use thiserror::Error;

use super::class::Class;
use super::cursor::Cursor;
use super::grammar::{find_near, unescaped_bytes};
use super::host::Host;
use super::limits::MAX_PARAMS;
use super::params::Params;

/// What is wrong with a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UriError {
    /// There is no `scheme:` at its start.
    #[error("no URI scheme")]
    Scheme,
    /// A character that no URI has, such as a space or a `<`.
    #[error("character not allowed in a URI")]
    Character,
    /// The user or password is empty or has a character that must be escaped.
    #[error("malformed user part")]
    User,
    /// The host is missing, or neither a name nor an address.
    #[error("malformed host")]
    Host,
    /// The port is no number below 65,536.
    #[error("malformed port")]
    Port,
    /// A parameter is empty or has a character that must be escaped.
    #[error("malformed parameter")]
    Parameter,
    /// A header after the `?` is malformed.
    #[error("malformed header in URI")]
    Header,
    /// More than [`MAX_PARAMS`] parameters or headers.
    #[error("too many parameters")]
    TooMany,
    /// The number of a tel URI is malformed.
    #[error("malformed telephone number")]
    Number,
}

/// The scheme of a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other; the URI's inside is opaque then.
    Other,
}

/// A parsed URI. All parts are slices of the text; escapes are still in (see
/// [`unescape`](super::unescape)).
#[derive(Debug, Clone, Copy)]
pub struct Uri<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// The user of a sip or sips URI, or the number of a tel URI.
    pub user: Option<&'a str>,
    /// The password after the user's colon.
    pub password: Option<&'a str>,
    /// The host; an empty name for tel and other schemes.
    pub host: Host<'a>,
    /// The port.
    pub port: Option<u16>,
    /// The URI's parameters.
    pub params: Params<'a>,
    /// What follows the `?`.
    pub headers: Option<&'a str>,
    /// The whole URI.
    pub text: &'a str,
}

impl<'a> Uri<'a> {
    /// Its text without the headers, which no request line has (RFC 3261 §19.1.1).
    pub fn without_headers(&self) -> &'a str {
        let headers = self.headers.map_or(0, |headers| headers.len() + 1);
        let text = self.text.get(..self.text.len().saturating_sub(headers));
        text.unwrap_or(self.text)
    }

    /// Reads a URI. Of a scheme that is not sip, sips or tel only the characters are checked.
    pub fn parse(text: &'a str) -> Result<Uri<'a>, UriError> {
        // Nearly every URI begins like this.
        if let Some(rest) = text.strip_prefix("sip:") {
            return parse_sip(Scheme::Sip, text, rest);
        }
        let colon = find_near(text.as_bytes(), b':').ok_or(UriError::Scheme)?;
        let scheme = parse_scheme(text.get(..colon).unwrap_or_default())?;
        let rest = text.get(colon + 1..).unwrap_or_default();
        match scheme {
            Scheme::Sip | Scheme::Sips => parse_sip(scheme, text, rest),
            Scheme::Tel => parse_tel(text, rest),
            Scheme::Other => parse_opaque(text, rest),
        }
    }

    /// True for sip and sips.
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// The value of the first parameter of that name, in any case or escaped (RFC 3261
    /// §19.1.2): `Some(None)` for one without a value.
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        if !self.params.text().contains('%') {
            return self.params.get(name);
        }
        self.params
            .iter()
            .find(|(written, _)| same_text_any_case(written, name))
            .map(|(_, value)| value)
    }

    /// The `transport` parameter.
    pub fn transport(&self) -> Option<&'a str> {
        self.param("transport").flatten()
    }

    /// True when the `lr` parameter is there: a loose router (RFC 3261 §19.1.1).
    pub fn lr(&self) -> bool {
        self.param("lr").is_some()
    }

    /// The `maddr` parameter.
    pub fn maddr(&self) -> Option<&'a str> {
        self.param("maddr").flatten()
    }

    /// The `method` parameter.
    pub fn method(&self) -> Option<&'a str> {
        self.param("method").flatten()
    }

    /// True when the hosts are the same, in any case.
    pub fn same_host(&self, other: &Uri<'_>) -> bool {
        self.host == other.host
    }

    /// True when both name the same resource by RFC 3261 §19.1.4. URIs of other schemes are
    /// compared byte by byte.
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        if !self.is_sip() || !other.is_sip() {
            return self.text == other.text;
        }
        self.scheme == other.scheme
            && same_text(self.user, other.user)
            && same_text(self.password, other.password)
            && self.same_host(other)
            && self.port == other.port
            && covers_params(self, other)
            && covers_params(other, self)
            && covers_headers(self, other)
            && covers_headers(other, self)
    }
}

fn parse_scheme(scheme: &str) -> Result<Scheme, UriError> {
    if scheme.eq_ignore_ascii_case("sip") {
        return Ok(Scheme::Sip);
    }
    if scheme.eq_ignore_ascii_case("sips") {
        return Ok(Scheme::Sips);
    }
    if scheme.eq_ignore_ascii_case("tel") {
        return Ok(Scheme::Tel);
    }
    let mut bytes = scheme.bytes();
    let valid = bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if valid {
        Ok(Scheme::Other)
    } else {
        Err(UriError::Scheme)
    }
}

fn parse_sip<'a>(scheme: Scheme, text: &'a str, rest: &'a str) -> Result<Uri<'a>, UriError> {
    let mut cursor = Cursor::of(rest);
    let (user, password) = read_userinfo(&mut cursor)?;
    let host = cursor.parsed_host().map_err(|_| UriError::Host)?;
    let mut port = None;
    if cursor.eat(b':') {
        port = Some(cursor.port().map_err(|_| UriError::Port)?);
    }
    let params = read_params(&mut cursor)?;
    let mut headers = None;
    if cursor.eat(b'?') {
        headers = Some(read_headers(&mut cursor)?);
    }
    if !cursor.is_empty() {
        return Err(UriError::Character);
    }
    Ok(Uri {
        scheme,
        user,
        password,
        host,
        port,
        params,
        headers,
        text,
    })
}

/// `userinfo` and its `@`, if there is one. An `@` can only end the user part: everywhere else it
/// must be escaped. So a user may contain `;`, `?` and `/`.
fn read_userinfo<'a>(
    cursor: &mut Cursor<'a>,
) -> Result<(Option<&'a str>, Option<&'a str>), UriError> {
    if find_near(cursor.rest().as_bytes(), b'@').is_none() {
        return Ok((None, None));
    }
    let user = cursor.take_escaped(Class::USER);
    let password = cursor
        .eat(b':')
        .then(|| cursor.take_escaped(Class::PASSWORD));
    if user.is_empty() || !cursor.eat(b'@') {
        return Err(UriError::User);
    }
    Ok((Some(user), password))
}

/// `uri-parameters`: `;name[=value]` repeated, without white space or quotes.
fn read_params<'a>(cursor: &mut Cursor<'a>) -> Result<Params<'a>, UriError> {
    let start = cursor.place();
    let mut count = 0;
    while cursor.eat(b';') {
        count += 1;
        if count > MAX_PARAMS {
            return Err(UriError::TooMany);
        }
        let has_name = cursor.skip_escaped(Class::URI_PARAM) > 0;
        let has_value = !cursor.eat(b'=') || cursor.skip_escaped(Class::URI_PARAM) > 0;
        if !has_name || !has_value {
            return Err(UriError::Parameter);
        }
    }
    Ok(Params::of_uri(cursor.since(start)))
}

/// `headers`: `name=value` joined by `&`; the value may be empty.
fn read_headers<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, UriError> {
    let start = cursor.place();
    let mut count = 0;
    loop {
        count += 1;
        if count > MAX_PARAMS {
            return Err(UriError::TooMany);
        }
        if cursor.skip_escaped(Class::URI_HEADER) == 0 || !cursor.eat(b'=') {
            return Err(UriError::Header);
        }
        cursor.skip_escaped(Class::URI_HEADER);
        if !cursor.eat(b'&') {
            return Ok(cursor.since(start));
        }
    }
}

/// A tel URI: a number with visual separators, and parameters (RFC 3966 §3).
fn parse_tel<'a>(text: &'a str, rest: &'a str) -> Result<Uri<'a>, UriError> {
    let mut cursor = Cursor::of(rest);
    cursor.eat(b'+');
    let digits = cursor.take_class(Class::PHONE);
    if !digits.bytes().any(|byte| Class::PHONE_DIGIT.has(byte)) {
        return Err(UriError::Number);
    }
    let number = cursor.since(0);
    let params = read_params(&mut cursor)?;
    if !cursor.is_empty() {
        return Err(UriError::Character);
    }
    Ok(Uri {
        user: Some(number),
        params,
        ..opaque(Scheme::Tel, text)
    })
}

fn parse_opaque<'a>(text: &'a str, rest: &str) -> Result<Uri<'a>, UriError> {
    if !Class::URI.is_all(rest.as_bytes()) {
        return Err(UriError::Character);
    }
    Ok(opaque(Scheme::Other, text))
}

fn opaque(scheme: Scheme, text: &str) -> Uri<'_> {
    Uri {
        scheme,
        user: None,
        password: None,
        host: Host::Name(""),
        port: None,
        params: Params::of_uri(""),
        headers: None,
        text,
    }
}

/// Case counts, but an escaped character equals itself unescaped.
fn same_text(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => unescaped_bytes(a).eq(unescaped_bytes(b)),
        (None, None) => true,
        _ => false,
    }
}

fn same_text_any_case(a: &str, b: &str) -> bool {
    unescaped_bytes(a)
        .map(|byte| byte.to_ascii_lowercase())
        .eq(unescaped_bytes(b).map(|byte| byte.to_ascii_lowercase()))
}

/// A parameter that both have must be the same; one that only `a` has is ignored, unless it is
/// one of those that change where a request goes.
fn covers_params(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    a.params.iter().all(|(name, value)| {
        let other = b
            .params
            .iter()
            .find(|(other, _)| same_text_any_case(other, name));
        match other {
            Some((_, other)) => {
                same_text_any_case(value.unwrap_or_default(), other.unwrap_or_default())
            }
            None => !["user", "ttl", "method", "maddr", "transport"]
                .iter()
                .any(|special| same_text_any_case(special, name)),
        }
    })
}

/// Every header of `a` is in `b`; the order does not count.
fn covers_headers(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    uri_headers(a).all(|(name, value)| {
        uri_headers(b).any(|(other_name, other_value)| {
            same_text_any_case(name, other_name) && same_text(Some(value), Some(other_value))
        })
    })
}

fn uri_headers<'a>(uri: &Uri<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let headers = uri.headers.map(|headers| headers.split('&'));
    headers
        .into_iter()
        .flatten()
        .map(|header| header.split_once('=').unwrap_or((header, "")))
}
