//! The addresses this engine listens on: which one a request leaves from, which one a peer is
//! shown, and which URIs mean this engine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::compose::replace_localhost;
use super::path::{Listener, Path, Transport};
use super::target::{Destination, DEFAULT_PORT};
use crate::message::{Host, NameAddr, Scheme, Uri};

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

    /// The path to a destination from the listener that fits it best, if one does.
    pub(crate) fn path_to(&self, destination: Destination) -> Option<Path> {
        let Destination { transport, address } = destination;
        self.nearest(transport, address.ip()).map(|listener| Path {
            transport,
            local: listener.local,
            peer: address,
            connection: None,
            server: None,
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
