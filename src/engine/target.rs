//! From a URI to the path a request takes (RFC 3261 §8.1.2, RFC 3263 §4).
//!
//! Numeric hosts are decided here; names go out as a [`Query`] and come back as [`Destination`]s.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::event::Refusal;
use super::path::Transport;
use super::ways::Ways;
use crate::message::{Host, Scheme, Uri};

/// The port of UDP and TCP when a URI names none (RFC 3261 §19.1.2).
pub(crate) const DEFAULT_PORT: u16 = 5060;

/// A name that must be looked up before a request can be sent (RFC 3263 §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Goes back with the answer.
    pub id: QueryId,
    /// What to look up.
    pub name: Name,
    /// What draws among servers of the same priority (RFC 2782): the same number draws the same
    /// order from the same records.
    pub draw: u64,
}

/// Names a [`Query`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId(pub u64);

/// What a URI says of its next hop, if that has a host name: as much as decides which DNS
/// records are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The host name, in lower case.
    pub host: String,
    /// With a port only the addresses of the host count (RFC 3263 §4.2).
    pub port: Option<u16>,
    /// With a transport no NAPTR records are asked for (RFC 3263 §4.1). For `sips:` it is the
    /// secure one.
    pub transport: Option<Transport>,
    /// Only secure transports will do: the URI is a `sips:` one.
    pub secure: bool,
}

/// One place a request can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Destination {
    /// The protocol spoken there.
    pub transport: Transport,
    /// Its address.
    pub address: SocketAddr,
}

/// Where a URI points to, before names are resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Address(Numeric),
    Name(Name),
}

/// A numeric host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numeric {
    address: IpAddr,
    port: Option<u16>,
    /// Those that will do, best first.
    transports: &'static [Transport],
}

impl Numeric {
    pub(crate) fn destinations(self) -> impl Iterator<Item = Destination> {
        self.transports.iter().map(move |transport| Destination {
            transport: *transport,
            address: (self.address, self.port.unwrap_or(transport.default_port())).into(),
        })
    }
}

/// The way to a next hop.
#[derive(Debug)]
pub(crate) enum Hop {
    Ready(Ways),
    /// The host must be looked up first.
    Named(Name),
}

/// The host of a URI, as the peer on a secure transport must prove to be (RFC 5922 §7.1): not
/// the address that its name leads to, nor an `maddr`.
pub(crate) fn server_host(uri: &str) -> Option<String> {
    let uri = Uri::parse(uri).ok()?;
    Some(match uri.host {
        Host::V4(address) => address.to_string(),
        Host::V6(address) => address.to_string(),
        Host::Name(name) => name.to_owned(),
    })
}

/// The URI of a next hop with another transport in it. One that is no SIP URI stays what it is.
pub(crate) fn sent_by(uri: &str, transport: Transport) -> String {
    let Some(parsed) = Uri::parse(uri).ok().filter(Uri::is_sip) else {
        return uri.to_string();
    };
    // The first parameter of a name counts.
    let headers = parsed.headers.map_or(0, |headers| headers.len() + 1);
    let end = uri.len() - headers - parsed.params.text().len();
    match (uri.get(..end), uri.get(end..)) {
        (Some(start), Some(rest)) => format!("{start};transport={transport}{rest}"),
        _ => uri.to_string(),
    }
}

impl Target {
    /// Where the URI of a next hop leads. Of a request to a `sips:` URI every hop is secure
    /// (RFC 3261 §8.1.2), whatever its own URI is.
    pub(crate) fn of(uri: &Uri<'_>, secure: bool) -> Result<Target, Refusal> {
        let invalid = || Refusal::InvalidRequestUri(uri.text.to_string());
        if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
            return Err(invalid());
        }
        let secure = secure || uri.scheme == Scheme::Sips;
        let transport = wanted_transport(uri, secure)?;
        let named = |name: &str| {
            Target::Name(Name {
                host: name.to_ascii_lowercase(),
                port: uri.port,
                transport,
                secure,
            })
        };
        let numeric = |address: IpAddr| {
            Target::Address(Numeric {
                address,
                port: uri.port,
                transports: transports(transport, secure),
            })
        };
        let host = match uri.maddr() {
            Some(maddr) => Host::parse(maddr).map_err(|_| invalid())?,
            None => uri.host,
        };
        Ok(match host {
            Host::V4(address) => numeric(address.into()),
            Host::V6(address) => numeric(address.into()),
            // RFC 6761 §6.3: it needs no look-up.
            Host::Name(name) if name.eq_ignore_ascii_case("localhost") => {
                numeric(Ipv4Addr::LOCALHOST.into())
            }
            Host::Name(name) => named(name),
        })
    }

    /// True if the URI says neither by its scheme nor by a parameter how to send.
    pub(crate) fn leaves_transport_open(&self) -> bool {
        match self {
            Target::Address(numeric) => numeric.transports.len() > 1,
            Target::Name(name) => name.transport.is_none() && !name.secure,
        }
    }
}

/// The transport that a URI asks for. `sips:` means TLS below whatever it names, so that
/// `transport=tcp` is TLS over TCP (RFC 3261 §26.2.2, RFC 7118 §5.3).
fn wanted_transport(uri: &Uri<'_>, secure: bool) -> Result<Option<Transport>, Refusal> {
    let Some(name) = uri.transport() else {
        return Ok(None);
    };
    let named = Transport::from_name(name).ok_or(Refusal::TransportNotAvailable)?;
    match (secure, named) {
        (true, Transport::Udp) => Err(Refusal::TransportNotAvailable),
        (true, Transport::Tcp) => Ok(Some(Transport::Tls)),
        (true, Transport::Ws) => Ok(Some(Transport::Wss)),
        (_, named) => Ok(Some(named)),
    }
}

/// What a URI may be sent by when no DNS record says it (RFC 3263 §4.1).
pub(crate) fn transports(wanted: Option<Transport>, secure: bool) -> &'static [Transport] {
    match (wanted, secure) {
        (Some(Transport::Udp), _) => &[Transport::Udp],
        (Some(Transport::Tcp), _) => &[Transport::Tcp],
        (Some(Transport::Tls), _) | (None, true) => &[Transport::Tls],
        (Some(Transport::Ws), _) => &[Transport::Ws],
        (Some(Transport::Wss), _) => &[Transport::Wss],
        (None, false) => &[Transport::Udp, Transport::Tcp],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_transport_goes_before_what_the_uri_says_of_it() {
        for (uri, other) in [
            ("sip:a@b", "sip:a@b;transport=tcp"),
            ("sips:b:5071", "sips:b:5071;transport=tcp"),
            (
                "sip:a;x@b;transport=udp;lr?Subject=s",
                "sip:a;x@b;transport=tcp;transport=udp;lr?Subject=s",
            ),
            ("tel:+1", "tel:+1"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(sent_by(uri, Transport::Tcp), other);
            let target = Uri::parse(other).ok().map(|uri| Target::of(&uri, false));
            if let Some(Ok(Target::Name(name))) = target {
                assert_ne!(name.transport, Some(Transport::Udp), "{uri}");
            }
        }
    }
}
