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
        let bare = text
            .strip_prefix('[')
            .map_or(Some(text), |rest| rest.strip_suffix(']'))
            .ok_or(GrammarError::Host)?;
        if bare.contains(':') {
            return bare.parse().map(Host::V6).map_err(|_| GrammarError::Host);
        }
        if bare.len() != text.len() || !Class::HOST.is_all(bare.as_bytes()) {
            return Err(GrammarError::Host);
        }
        if let Ok(address) = bare.parse() {
            return Ok(Host::V4(address));
        }
        check_name(bare)?;
        Ok(Host::Name(bare))
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

/// Checks a name made of [`Class::HOST`] bytes: no empty label, no hyphen at its ends, and what
/// looks like an IPv4 address is one. Unlike RFC 3261's `toplabel`, the last label may begin with
/// a digit, as the names of containers do.
pub(crate) fn check_name(name: &str) -> Result<(), GrammarError> {
    let bytes = name.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(GrammarError::Host);
    };
    let valid = if last.is_ascii_digit() && Class::IPV4.is_all(bytes) {
        name.parse::<Ipv4Addr>().is_ok()
    } else {
        name.len() <= MAX_HOST
            && !matches!(first, b'.' | b'-')
            && *last != b'-'
            && !bytes.windows(2).any(|pair| pair == b"..")
    };
    if valid {
        Ok(())
    } else {
        Err(GrammarError::Host)
    }
}
