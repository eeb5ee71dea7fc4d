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
            if Class::IPV4.is_all(bytes) {
                return Err(GrammarError::Host);
            }
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

/// Four numbers up to 255 without leading zeros, as the standard library reads them, but in a
/// fraction of the time: a message has a dozen of them.
fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let (mut address, mut number, mut digits, mut dots) = (0u32, 0u32, 0, 0);
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                if digits > 0 && number == 0 {
                    return None;
                }
                number = number * 10 + u32::from(byte - b'0');
                digits += 1;
                if number > 255 {
                    return None;
                }
            }
            b'.' if digits > 0 && dots < 3 => {
                address = address << 8 | number;
                (number, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
    }
    (digits > 0 && dots == 3).then(|| Ipv4Addr::from(address << 8 | number))
}

/// No empty label, and no hyphen at the ends. Unlike RFC 3261's `toplabel`, the last label may
/// begin with a digit, as the names of containers do, or be empty, as RFC 3261 has it.
fn check_name(name: &[u8]) -> Result<(), GrammarError> {
    let valid = name.len() <= MAX_HOST
        && !matches!(name, [b'.' | b'-', ..] | [.., b'-'])
        && !name.windows(2).any(|pair| pair == b"..");
    if valid {
        Ok(())
    } else {
        Err(GrammarError::Host)
    }
}
