//! How a listener is known to peers that are not on its own network.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use super::subnet::Subnet;
use crate::message::Host;

/// How a listener is known beside its bound address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advertised {
    /// What peers outside `local_net` are shown instead of the bound address.
    pub external: Option<External>,
    /// The peers that are shown the bound address although there is an external one.
    pub local_net: Vec<Subnet>,
    /// Further names of the listener, in lower case: a URI with one of them means this engine.
    pub names: Vec<String>,
}

/// The address under which a translator or balancer passes messages on to a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// An address or a name.
    pub host: ExternalHost,
    /// The port, where it is another one than the listener's.
    pub port: Option<u16>,
}

/// The host of an [`External`] address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternalHost {
    /// An address.
    Address(IpAddr),
    /// A name, in lower case, which the peers resolve.
    Name(String),
}

/// The text is not an external address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no address or name with a port or without, such as \"203.0.113.7:5060\"")]
pub struct NotAnExternal(pub String);

/// `host[:port]`; an IPv6 address with a port stands in brackets.
impl FromStr for External {
    type Err = NotAnExternal;

    fn from_str(text: &str) -> Result<External, NotAnExternal> {
        let bad = || NotAnExternal(text.to_owned());
        if let Some(address) = text.parse().ok().filter(|ip: &IpAddr| !ip.is_unspecified()) {
            let host = ExternalHost::Address(address);
            return Ok(External { host, port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let host = match Host::parse(host).map_err(|_| bad())? {
            Host::V4(address) => ExternalHost::Address(address.into()),
            Host::V6(address) if host.starts_with('[') => ExternalHost::Address(address.into()),
            Host::Name(name) if !name.is_empty() => ExternalHost::Name(name.to_ascii_lowercase()),
            _ => return Err(bad()),
        };
        let port = match port {
            None => None,
            Some(digits) => Some(parse_port(digits).ok_or_else(bad)?),
        };
        if is_unspecified(&host) {
            return Err(bad());
        }
        Ok(External { host, port })
    }
}

fn parse_port(digits: &str) -> Option<u16> {
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| all_digits && *port != 0)
}

fn is_unspecified(host: &ExternalHost) -> bool {
    matches!(host, ExternalHost::Address(address) if address.is_unspecified())
}

/// As it is written in a URI.
impl fmt::Display for ExternalHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternalHost::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            ExternalHost::Address(address) => write!(f, "{address}"),
            ExternalHost::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Option<u16>) {
        let external: External = text.parse().unwrap();
        (external.host.to_string(), external.port)
    }

    #[test]
    fn an_address_or_a_name_with_a_port_or_without() {
        assert_eq!(read("203.0.113.7"), ("203.0.113.7".to_owned(), None));
        assert_eq!(
            read("203.0.113.7:15060"),
            ("203.0.113.7".to_owned(), Some(15060))
        );
        assert_eq!(
            read("SIP.Example.com"),
            ("sip.example.com".to_owned(), None)
        );
        assert_eq!(
            read("sip.example.com:5070"),
            ("sip.example.com".to_owned(), Some(5070))
        );
        assert_eq!(read("2001:db8::7"), ("[2001:db8::7]".to_owned(), None));
        assert_eq!(
            read("[2001:db8::7]:5070"),
            ("[2001:db8::7]".to_owned(), Some(5070))
        );
        assert_eq!(read("[2001:db8::7]"), ("[2001:db8::7]".to_owned(), None));
    }

    #[test]
    fn what_is_none_is_said_to_be_none() {
        for text in [
            "",
            ":5060",
            "203.0.113.7:",
            "203.0.113.7:0",
            "203.0.113.7:99999",
            "203.0.113.7:+1",
            "sip:203.0.113.7",
            "a b",
            "0.0.0.0",
            "::",
            "203.0.113",
            "x..y",
            "1.2.3.4,5.6.7.8",
        ] {
            assert_eq!(
                text.parse::<External>(),
                Err(NotAnExternal(text.to_owned())),
                "{text}"
            );
        }
    }
}
