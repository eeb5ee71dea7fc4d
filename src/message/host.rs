//! Hosts: names and addresses (RFC 3261 §25.1 `host`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::class::Class;
use super::grammar::GrammarError;
use super::limits::MAX_HOST;

/// The host of a URI or of a Via.
#[derive(Debug, Clone, Copy)]
pub enum Host<'a> {
    /// A name to be resolved, as written. Empty for a URI that has no host (`tel:`).
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// Reads a host; an IPv6 address may stand in brackets or without them.
    pub fn parse(text: &'a str) -> Result<Host<'a>, GrammarError> {
        if let Some(address) = parse_ipv4(text.as_bytes()) {
            return Ok(Host::V4(address));
        }
        let bare = match text.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or(GrammarError::Host)?,
            None => text,
        };
        let bytes = bare.as_bytes();
        if Class::HOST.is_all(bytes) && bare.len() == text.len() {
            check_name(bytes)?;
            return Ok(Host::Name(bare));
        }
        bare.parse().map(Host::V6).map_err(|_| GrammarError::Host)
    }

    /// The address, if the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match *self {
            Host::Name(_) => None,
            Host::V4(address) => Some(address.into()),
            Host::V6(address) => Some(address.into()),
        }
    }
}

/// Names are equal in any case, addresses by value (RFC 3261 §19.1.4).
impl PartialEq for Host<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Host::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (Host::V4(a), Host::V4(b)) => a == b,
            (Host::V6(a), Host::V6(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Host<'_> {}

fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let (address, rest) = leading_ipv4(text)?;
    rest.is_empty().then_some(address)
}

/// Four numbers up to 255 without leading zeros, as the standard library reads them, but in a
/// fraction of the time: a message has a dozen of them. And what follows them.
pub(crate) fn leading_ipv4(text: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let (a, rest) = octet(text)?;
    let (b, rest) = octet(rest.strip_prefix(b".")?)?;
    let (c, rest) = octet(rest.strip_prefix(b".")?)?;
    let (d, rest) = octet(rest.strip_prefix(b".")?)?;
    Some((Ipv4Addr::new(a, b, c, d), rest))
}

/// `dec-octet` (RFC 3986 §3.2.2), and what follows it.
#[inline]
fn octet(text: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |byte: u8| u16::from(byte.wrapping_sub(b'0'));
    let (number, rest) = match *text {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ref rest @ ..] => {
            (digit(a) * 100 + digit(b) * 10 + digit(c), rest)
        }
        [a @ b'1'..=b'9', b @ b'0'..=b'9', ref rest @ ..] => (digit(a) * 10 + digit(b), rest),
        [a @ b'0'..=b'9', ref rest @ ..] => (digit(a), rest),
        _ => return None,
    };
    Some((u8::try_from(number).ok()?, rest))
}

/// No address that is none, no empty label, and no hyphen at the ends. Unlike RFC 3261's `toplabel`, the last label may
/// begin with a digit, as the names of containers do, or be empty, as RFC 3261 has it.
fn check_name(name: &[u8]) -> Result<(), GrammarError> {
    // What ends like an address may be one that is wrong.
    let is_numeric = matches!(name, [.., b'0'..=b'9' | b'.']) && Class::IPV4.is_all(name);
    let valid = name.len() <= MAX_HOST
        && !is_numeric
        && !matches!(name, [b'.' | b'-', ..] | [.., b'-'])
        && !name.windows(2).any(|pair| pair == b"..");
    if valid {
        Ok(())
    } else {
        Err(GrammarError::Host)
    }
}
