//! From a URI to the path a request takes (RFC 3261 §8.1.2, §18.1.1).
//!
//! Numeric hosts are decided here; names go out as a [`Query`] and come back as addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::compose::replace_localhost;
use super::event::Refusal;
use super::path::{Listener, Path, Transport};
use crate::message::{Host, NameAddr, Scheme, Uri};

/// The port of UDP and TCP when a URI names none (RFC 3261 §19.1.2).
pub(crate) const DEFAULT_PORT: u16 = 5060;

/// A name that must be looked up before a request can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Goes back with the answer.
    pub id: QueryId,
    /// The host name.
    pub host: String,
    /// The port of the addresses in the answer.
    pub port: u16,
}

/// Names a [`Query`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId(pub u64);

/// Where a URI points to, before names are resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// `None` when the URI leaves the choice to us.
    pub(crate) transport: Option<Transport>,
    pub(crate) host: TargetHost,
    pub(crate) port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetHost {
    Address(IpAddr),
    Name(String),
}

/// The way to a URI.
#[derive(Debug)]
pub(crate) enum Hop {
    Ready(Path),
    /// The host must be looked up first.
    Named(Name),
}

/// A host name and the port of its addresses.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Target {
    pub(crate) fn of(uri: &str) -> Result<Target, Refusal> {
        let invalid = || Refusal::InvalidRequestUri(uri.to_string());
        let uri = Uri::parse(uri).map_err(|_| invalid())?;
        match uri.scheme {
            Scheme::Sip => {}
            Scheme::Sips => return Err(Refusal::TransportNotAvailable),
            _ => return Err(invalid()),
        }
        let transport = match uri.transport() {
            Some(name) => Some(Transport::from_name(name).ok_or(Refusal::TransportNotAvailable)?),
            None => None,
        };
        let host = match uri.maddr() {
            Some(maddr) => maddr.parse().map_or_else(
                |_| TargetHost::Name(maddr.to_ascii_lowercase()),
                TargetHost::Address,
            ),
            None => match uri.host {
                Host::V4(address) => TargetHost::Address(address.into()),
                Host::V6(address) => TargetHost::Address(address.into()),
                // RFC 6761 §6.3: it needs no look-up.
                Host::Name(name) if name.eq_ignore_ascii_case("localhost") => {
                    TargetHost::Address(Ipv4Addr::LOCALHOST.into())
                }
                Host::Name(name) => TargetHost::Name(name.to_ascii_lowercase()),
            },
        };
        Ok(Target {
            transport,
            host,
            port: uri.port.unwrap_or(DEFAULT_PORT),
        })
    }
}

/// The addresses this engine is reached at.
#[derive(Debug)]
pub(crate) struct Listeners(Vec<Address>);

#[derive(Debug)]
struct Address {
    transport: Transport,
    local: SocketAddr,
    /// The value of a Contact header; written once, since it goes into most messages.
    contact: String,
}

impl Listeners {
    pub(crate) fn new(listeners: Vec<Listener>) -> Listeners {
        let addresses = listeners.into_iter().map(|listener| Address {
            transport: listener.transport,
            local: listener.local,
            contact: contact(&listener),
        });
        Listeners(addresses.collect())
    }

    /// The value of the Contact that leads to a listener.
    pub(crate) fn contact(&self, path: &Path) -> Option<&str> {
        self.0
            .iter()
            .find(|address| address.transport == path.transport && address.local == path.local)
            .map(|address| address.contact.as_str())
    }

    /// The path to an address. Without a transport asked for it is UDP, or what there is.
    pub(crate) fn path_to(&self, transport: Option<Transport>, peer: SocketAddr) -> Option<Path> {
        let transports = match transport {
            Some(ref only) => std::slice::from_ref(only),
            None => &[Transport::Udp, Transport::Tcp],
        };
        transports
            .iter()
            .find_map(|transport| self.nearest(*transport, peer.ip()))
            .map(|listener| Path {
                transport: listener.transport,
                local: listener.local,
                peer,
                connection: None,
            })
    }

    /// The listener that most likely is on the peer's network: of its family, on the loopback
    /// only for loopback peers, with the longest prefix in common.
    fn nearest(&self, transport: Transport, peer: IpAddr) -> Option<&Address> {
        self.0
            .iter()
            .rev()
            .filter(|listener| {
                listener.transport == transport && listener.local.is_ipv4() == peer.is_ipv4()
            })
            .max_by_key(|listener| {
                let local = listener.local.ip();
                (
                    local.is_loopback() == peer.is_loopback(),
                    common_prefix(local, peer),
                )
            })
    }

    /// True if a message sent there would come back to this engine.
    pub(crate) fn is_local(&self, transport: Transport, address: SocketAddr) -> bool {
        self.0
            .iter()
            .any(|listener| listener.transport == transport && listener.local == address)
    }

    /// True if the URI's host and port are those of a listener.
    pub(crate) fn owns(&self, uri: &Uri<'_>) -> bool {
        if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
            return false;
        }
        let port = uri.port.unwrap_or(DEFAULT_PORT);
        let address = match uri.host {
            Host::V4(address) => IpAddr::from(address),
            Host::V6(address) => IpAddr::from(address),
            Host::Name(name) if name.eq_ignore_ascii_case("localhost") => {
                Ipv4Addr::LOCALHOST.into()
            }
            Host::Name(_) => return false,
        };
        self.0
            .iter()
            .any(|listener| listener.local == SocketAddr::new(address, port))
    }

    /// A Contact of the application's with our real address: `localhost`, and an address that
    /// is none of ours, would not be reached (drachtio-server §2.4). Names are left alone.
    pub(crate) fn real_contact(&self, contact: &str, path: &Path) -> String {
        let contact = replace_localhost(contact, path.local);
        let replaced = NameAddr::parse(contact.as_bytes())
            .ok()
            .filter(|parsed| !parsed.is_wildcard())
            .and_then(|parsed| {
                let uri = parsed.parse_uri().ok()?;
                let is_foreign = uri.host.ip().is_some() && !self.owns(&uri);
                is_foreign.then(|| {
                    let user = uri.user.map(|user| format!("{user}@")).unwrap_or_default();
                    let transport = match path.transport {
                        Transport::Udp => String::new(),
                        other => format!(";transport={other}"),
                    };
                    let real = format!("sip:{user}{}{transport}", path.local);
                    contact.replacen(parsed.uri, &real, 1)
                })
            });
        replaced.unwrap_or(contact)
    }
}

/// The Contact of a listener.
fn contact(listener: &Listener) -> String {
    let user = listener
        .user
        .as_deref()
        .map(|user| format!("{user}@"))
        .unwrap_or_default();
    let transport = match listener.transport {
        Transport::Udp => String::new(),
        other => format!(";transport={other}"),
    };
    format!("<sip:{user}{}{transport}>", listener.local)
}

/// How many leading bits two addresses share.
fn common_prefix(a: IpAddr, b: IpAddr) -> u32 {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => 0,
    }
}
