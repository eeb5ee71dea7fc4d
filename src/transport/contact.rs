//! The configured addresses: `sip:[user@]host[:port][;transport=udp,tcp,tls,ws,wss]`, a URI of
//! RFC 3261 §19.1 with two liberties: the host may be `*`, and `transport` may be a list.
//!
//! Without a port each transport listens on its own default one. All but UDP are TCP below, so a
//! port that is given is for UDP and one other transport; port 0 gives each of the others its own.
//! With `sips:` the transports are those above TLS, so that `tcp` means `tls` and `ws` means `wss`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

use super::advertised::AdvertisedAs;
use crate::engine::Transport;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The user part, shown in generated Contact headers.
    pub user: Option<String>,
    /// Where to listen.
    pub host: Host,
    /// The port, if one is given; 0 lets the system choose.
    pub port: Option<u16>,
    /// The protocols, without repetition. Default UDP and TCP; TLS with `sips:`.
    pub transports: Vec<Transport>,
    /// How it is known to peers on other networks.
    pub advertised: AdvertisedAs,
    text: String,
}

/// Where a [`Contact`] listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// `*`: every address of this machine but IPv6 link-local ones.
    Every,
    /// `0.0.0.0`: every IPv4 address.
    EveryV4,
    /// `[::]`: every IPv6 address but link-local ones.
    EveryV6,
    /// This address.
    Address(IpAddr),
}

/// A contact that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invalid contact {contact:?}: {problem}")]
pub struct ContactError {
    /// The contact as given.
    pub contact: String,
    /// What is wrong with it.
    pub problem: ContactProblem,
}

/// What is wrong with a contact.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContactProblem {
    /// The scheme is not `sip` or `sips`.
    #[error("it must begin with \"sip:\" or \"sips:\"")]
    Scheme,
    /// The user part is empty or has a character that no user part has.
    #[error("bad user part")]
    User,
    /// The host is not an address.
    #[error("the host must be \"*\", an IPv4 address or an IPv6 address in brackets, not {0:?}")]
    Host(String),
    /// The port is not one.
    #[error("bad port {0:?}")]
    Port(String),
    /// A transport that is not there.
    #[error("unknown transport {0:?}, use udp, tcp, tls, ws or wss")]
    Transport(String),
    /// `sips:` over UDP.
    #[error("sips is not possible over udp")]
    Insecure,
    /// Two transports would need the same TCP port.
    #[error(
        "{0} and {1} cannot share port {2}: give each a contact of its own, or leave the port \
         out"
    )]
    SharedPort(Transport, Transport, u16),
    /// A parameter that means nothing here.
    #[error("unknown parameter {0:?}")]
    Parameter(String),
}

impl FromStr for Contact {
    type Err = ContactError;

    fn from_str(text: &str) -> Result<Contact, ContactError> {
        parse(text).map_err(|problem| ContactError {
            contact: text.to_owned(),
            problem,
        })
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse(text: &str) -> Result<Contact, ContactProblem> {
    let (secure, rest) = match text.split_once(':') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sip") => (false, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sips") => (true, rest),
        _ => return Err(ContactProblem::Scheme),
    };
    let mut parts = rest.split(';');
    let address = parts.next().unwrap_or_default();
    let (user, host_port) = match address.rsplit_once('@') {
        Some((user, host_port)) => (Some(parse_user(user)?), host_port),
        None => (None, address),
    };
    let (host, port) = split_port(host_port);
    let host = parse_host(host)?;
    let port = port.map(parse_port).transpose()?;
    let transports = parse_transports(parts, secure)?;
    if let Some(port) = port.filter(|port| *port != 0) {
        let mut streams = transports.iter().filter(|t| **t != Transport::Udp);
        if let (Some(first), Some(second)) = (streams.next(), streams.next()) {
            return Err(ContactProblem::SharedPort(*first, *second, port));
        }
    }
    Ok(Contact {
        user,
        host,
        port,
        transports,
        advertised: AdvertisedAs::default(),
        text: text.to_owned(),
    })
}

/// RFC 3261 §25.1 `user`.
fn parse_user(user: &str) -> Result<String, ContactProblem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()&=+$,;?/%".contains(c);
    if user.is_empty() || !user.chars().all(allowed) {
        return Err(ContactProblem::User);
    }
    Ok(user.to_owned())
}

/// The colons inside the brackets of an IPv6 address are not the one before the port.
fn split_port(host_port: &str) -> (&str, Option<&str>) {
    match host_port.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (host_port, None),
    }
}

fn parse_host(host: &str) -> Result<Host, ContactProblem> {
    if host == "*" {
        return Ok(Host::Every);
    }
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = match bracketed {
        Some(v6) => v6.parse::<Ipv6Addr>().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().map(IpAddr::V4),
    };
    match address {
        Ok(IpAddr::V4(v4)) if v4.is_unspecified() => Ok(Host::EveryV4),
        Ok(IpAddr::V6(v6)) if v6.is_unspecified() => Ok(Host::EveryV6),
        Ok(address) => Ok(Host::Address(address)),
        Err(_) => Err(ContactProblem::Host(host.to_owned())),
    }
}

fn parse_port(port: &str) -> Result<u16, ContactProblem> {
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(ContactProblem::Port(port.to_owned())),
    }
}

fn parse_transports<'a>(
    parameters: impl Iterator<Item = &'a str>,
    secure: bool,
) -> Result<Vec<Transport>, ContactProblem> {
    let mut transports = Vec::new();
    for parameter in parameters {
        let list = match parameter.split_once('=') {
            Some((name, list)) if name.eq_ignore_ascii_case("transport") => list,
            _ => return Err(ContactProblem::Parameter(parameter.to_owned())),
        };
        for name in list.split(',') {
            let transport = Transport::from_name(name)
                .ok_or_else(|| ContactProblem::Transport(name.to_owned()))?;
            let transport = match transport {
                Transport::Udp if secure => return Err(ContactProblem::Insecure),
                Transport::Tcp if secure => Transport::Tls,
                Transport::Ws if secure => Transport::Wss,
                other => other,
            };
            if !transports.contains(&transport) {
                transports.push(transport);
            }
        }
    }
    if transports.is_empty() {
        transports = match secure {
            true => vec![Transport::Tls],
            false => vec![Transport::Udp, Transport::Tcp],
        };
    }
    Ok(transports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(text: &str) -> Contact {
        text.parse().unwrap()
    }

    fn problem(text: &str) -> ContactProblem {
        text.parse::<Contact>().unwrap_err().problem
    }

    #[test]
    fn a_star_is_every_address_over_udp_and_tcp() {
        let contact = contact("sip:*");
        assert_eq!(contact.host, Host::Every);
        assert_eq!(contact.port, None);
        assert_eq!(contact.transports, [Transport::Udp, Transport::Tcp]);
        assert_eq!(contact.user, None);
    }

    #[test]
    fn user_port_and_transport_are_taken() {
        let contact = contact("SIP:proxy@127.0.0.1:5070;transport=TCP");
        assert_eq!(contact.user.as_deref(), Some("proxy"));
        assert_eq!(contact.host, Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!(contact.port, Some(5070));
        assert_eq!(contact.transports, [Transport::Tcp]);
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets_with_or_without_a_port() {
        let host = Host::Address(IpAddr::V6(Ipv6Addr::LOCALHOST));
        assert_eq!(contact("sip:[::1]").host, host);
        assert_eq!(contact("sip:[::1]").port, None);
        assert_eq!(contact("sip:[::1]:5062").host, host);
        assert_eq!(contact("sip:[::1]:5062").port, Some(5062));
        assert!(matches!(problem("sip:::1"), ContactProblem::Host(_)));
    }

    #[test]
    fn a_wildcard_address_is_every_address_of_its_family() {
        assert_eq!(contact("sip:0.0.0.0").host, Host::EveryV4);
        assert_eq!(contact("sip:[::]:0").host, Host::EveryV6);
    }

    #[test]
    fn a_transport_named_twice_counts_once() {
        let contact = contact("sip:*:5070;transport=udp,tcp,udp");
        assert_eq!(contact.transports, [Transport::Udp, Transport::Tcp]);
    }

    #[test]
    fn with_sips_the_transports_are_those_above_tls() {
        assert_eq!(contact("sips:*").transports, [Transport::Tls]);
        let both = contact("sips:*;transport=tcp,ws");
        assert_eq!(both.transports, [Transport::Tls, Transport::Wss]);
        assert_eq!(problem("sips:*;transport=udp"), ContactProblem::Insecure);
    }

    #[test]
    fn a_port_serves_udp_and_one_other_transport() {
        contact("sip:*:5070;transport=udp,tls");
        contact("sip:*:0;transport=udp,tcp,tls,ws,wss");
        contact("sip:*;transport=udp,tcp,tls,ws,wss");
        let shared = problem("sip:*:5070;transport=udp,tcp,tls");
        let expected = ContactProblem::SharedPort(Transport::Tcp, Transport::Tls, 5070);
        assert_eq!(shared, expected);
        assert!(shared
            .to_string()
            .contains("tcp and tls cannot share port 5070"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(problem("127.0.0.1"), ContactProblem::Scheme);
        assert_eq!(problem("http:127.0.0.1"), ContactProblem::Scheme);
        assert_eq!(problem("sip:@127.0.0.1"), ContactProblem::User);
        assert_eq!(problem("sip:a b@127.0.0.1"), ContactProblem::User);
        assert!(matches!(problem("sip:localhost"), ContactProblem::Host(_)));
        assert!(matches!(problem("sip:"), ContactProblem::Host(_)));
        assert!(matches!(problem("sip:*:65536"), ContactProblem::Port(_)));
        assert!(matches!(problem("sip:*:+5060"), ContactProblem::Port(_)));
        assert!(matches!(problem("sip:*:"), ContactProblem::Port(_)));
        assert!(matches!(
            problem("sip:*;transport=sctp"),
            ContactProblem::Transport(_)
        ));
        assert!(matches!(
            problem("sip:*;transport="),
            ContactProblem::Transport(_)
        ));
        assert!(matches!(
            problem("sip:*;maddr=10.0.0.1"),
            ContactProblem::Parameter(_)
        ));
        let error = "sip:nowhere".parse::<Contact>().unwrap_err();
        assert!(error.to_string().contains("sip:nowhere"));
    }
}
