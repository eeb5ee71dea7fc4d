//! The addresses this engine listens on: which one a request leaves from, which one a peer is
//! shown, and which URIs mean this engine.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::advertised::{Advertised, External, ExternalHost};
use super::compose::replace_localhost;
use super::path::{Listener, Path, Transport};
use super::random::Branch;
use super::subnet::Subnet;
use super::target::Destination;
use crate::message::{Host, NameAddr, Scheme, Uri};

/// The addresses this engine is reached at.
#[derive(Debug)]
pub(crate) struct Listeners {
    addresses: Vec<Address>,
    /// What a path that belongs to no listener shows: nothing.
    nowhere: Face,
}

#[derive(Debug)]
struct Address {
    transport: Transport,
    local: SocketAddr,
    advertised: Advertised,
    inside: Face,
    /// What peers outside the local net are shown, if that differs.
    outside: Option<Face>,
}

/// A listener as it is shown to a peer; written once, since it goes into most messages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Face {
    /// The host as in a URI.
    pub(crate) host: String,
    /// Host and port.
    pub(crate) sent_by: String,
    /// The value of a Contact.
    contact: String,
    /// The value of a Route without a user part.
    route: String,
    port: u16,
}

impl Listeners {
    pub(crate) fn new(listeners: Vec<Listener>) -> Listeners {
        Listeners {
            addresses: listeners.into_iter().map(Address::of).collect(),
            nowhere: Face::default(),
        }
    }

    /// What the peer of a path is shown of the listener.
    pub(crate) fn face(&self, path: &Path) -> &Face {
        self.address(path)
            .map_or(&self.nowhere, |own| own.face(path.peer.ip()))
    }

    /// The value of the Contact that leads to a listener.
    pub(crate) fn contact(&self, path: &Path) -> &str {
        &self.face(path).contact
    }

    /// The value of a Route that leads to a listener, with a user part or without.
    pub(crate) fn route(&self, path: &Path, user: Option<&str>) -> Cow<'_, str> {
        let face = self.face(path);
        match user {
            None => face.route.as_str().into(),
            Some(user) => route(&format!("{user}@"), &face.sent_by, path.transport).into(),
        }
    }

    /// True for the text of a Route without a user part that this engine has written, which is
    /// what most come back as.
    pub(crate) fn has_written(&self, route: &[u8]) -> bool {
        let mut faces = self.addresses.iter().flat_map(Address::faces);
        faces.any(|face| face.route.as_bytes() == route)
    }

    /// Our Via of a request.
    pub(crate) fn via(&self, path: &Path, branch: Branch) -> String {
        let parts = [
            "SIP/2.0/",
            path.transport.via_name(),
            " ",
            &self.face(path).sent_by,
            ";rport;branch=",
        ];
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let mut via = String::with_capacity(length + Branch::LENGTH);
        parts.iter().for_each(|part| via.push_str(part));
        branch.write(&mut via);
        via
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
    /// only for loopback peers, with the peer in its local net, with the longest prefix in
    /// common.
    fn nearest(&self, transport: Transport, peer: IpAddr) -> Option<&Address> {
        self.addresses
            .iter()
            .rev()
            .filter(|listener| {
                listener.transport == transport && listener.local.is_ipv4() == peer.is_ipv4()
            })
            .max_by_key(|listener| {
                let local = listener.local.ip();
                (
                    local.is_loopback() == peer.is_loopback(),
                    listener.has_inside(peer),
                    common_prefix(local, peer),
                )
            })
    }

    /// True if a message sent there would come back to this engine.
    pub(crate) fn is_local(&self, transport: Transport, address: SocketAddr) -> bool {
        self.addresses
            .iter()
            .filter(|listener| listener.transport == transport)
            .any(|listener| listener.has(address))
    }

    /// True for an address on the same link as a listener, as far as can be told: there are
    /// seldom more than 256 hosts on one.
    pub(crate) fn is_neighbour(&self, address: IpAddr) -> bool {
        let bits = if address.is_ipv4() { 24 } else { 64 };
        let mut listeners = self.addresses.iter();
        listeners.any(|own| Subnet::new(own.local.ip(), bits).contains(address))
    }

    /// True if the URI's host and port are those of a listener: its own, or those it is known
    /// by elsewhere. A name of ours without a port is ours on every port, since it may stand for
    /// SRV records.
    pub(crate) fn owns(&self, uri: &Uri<'_>) -> bool {
        if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
            return false;
        }
        let mut listeners = self.addresses.iter();
        match (socket_address(uri), uri.host) {
            (Some(address), _) => listeners.any(|listener| listener.has(address)),
            (None, Host::Name(name)) => listeners.any(|own| own.has_name(name, uri.port)),
            _ => false,
        }
    }

    /// True if the `maddr` of a request-URI means the listener at which the request has come in: by its
    /// address or its name, and by the port and the transport, which may be those that the URI means
    /// without naming them (RFC 3261 §16.4).
    pub(crate) fn is_meant_by_maddr(&self, uri: &Uri<'_>, incoming: &Path) -> bool {
        let Some(Ok(host)) = uri.maddr().map(Host::parse) else {
            return false;
        };
        let Some(own) = self.address(incoming) else {
            return false;
        };
        let port = uri.port.unwrap_or(default_port(uri));
        let is_own = match host {
            Host::Name(name) => own.has_name(name, Some(port)),
            Host::V4(address) => own.has((address, port).into()),
            Host::V6(address) => own.has((address, port).into()),
        };
        is_own && meant_transport(uri) == Some(incoming.transport)
    }

    /// A header value of the application's with our real address for `localhost`.
    pub(crate) fn replace_localhost(&self, value: &str, path: &Path) -> String {
        replace_localhost(value, self.face(path))
    }

    /// A Contact of the application's with the address that the peer is shown: `localhost`, and
    /// an address that is none of ours, would not be reached (drachtio-server §2.4). Names are
    /// left alone.
    pub(crate) fn real_contact(&self, contact: &str, path: &Path) -> String {
        self.shown_contact(contact, path, |_| true)
    }

    /// The same, but an address that is none of ours is left alone too.
    pub(crate) fn own_contact(&self, contact: &str, path: &Path) -> String {
        self.shown_contact(contact, path, |uri| self.owns(uri))
    }

    fn shown_contact(
        &self,
        contact: &str,
        path: &Path,
        may_replace: impl Fn(&Uri<'_>) -> bool,
    ) -> String {
        let face = self.face(path);
        let contact = replace_localhost(contact, face);
        let replaced = NameAddr::parse(contact.as_bytes())
            .ok()
            .filter(|parsed| !parsed.is_wildcard())
            .and_then(|parsed| {
                let uri = parsed.parse_uri().ok()?;
                let is_wrong = uri.host.ip().is_some()
                    && may_replace(&uri)
                    && (!self.owns(&uri) || self.is_other_face(&uri, path));
                is_wrong.then(|| {
                    let user = uri.user.map(|user| format!("{user}@")).unwrap_or_default();
                    let transport = transport_param(path.transport);
                    let real = format!("sip:{user}{}{transport}", face.sent_by);
                    contact.replacen(parsed.uri, &real, 1)
                })
            });
        replaced.unwrap_or(contact)
    }

    /// True for an address of the path's own listener that its peer is not to be shown.
    fn is_other_face(&self, uri: &Uri<'_>, path: &Path) -> bool {
        let Some(address) = socket_address(uri) else {
            return false;
        };
        let own = self.address(path).is_some_and(|own| own.has(address));
        own && address.to_string() != self.face(path).sent_by
    }

    /// The number of the listener that a path belongs to.
    pub(crate) fn number_of(&self, path: &Path) -> Option<u8> {
        let mut addresses = self.addresses.iter();
        let at =
            addresses.position(|own| own.transport == path.transport && own.local == path.local)?;
        u8::try_from(at).ok()
    }

    /// The listener with this number.
    pub(crate) fn numbered(&self, number: u8) -> Option<(Transport, SocketAddr)> {
        let own = self.addresses.get(usize::from(number))?;
        Some((own.transport, own.local))
    }

    fn address(&self, path: &Path) -> Option<&Address> {
        let mut addresses = self.addresses.iter();
        addresses.find(|own| own.transport == path.transport && own.local == path.local)
    }
}

impl Address {
    fn of(listener: Listener) -> Address {
        let Listener {
            transport,
            local,
            user,
            advertised,
        } = listener;
        let inside = Face::new(
            host_text(local.ip()),
            local.port(),
            user.as_deref(),
            transport,
        );
        let outside = advertised.external.as_ref().map(|external| {
            let port = external.port.unwrap_or(local.port());
            Face::new(external.host.to_string(), port, user.as_deref(), transport)
        });
        Address {
            transport,
            local,
            advertised,
            inside,
            outside,
        }
    }

    fn face(&self, peer: IpAddr) -> &Face {
        match &self.outside {
            Some(outside) if !self.has_inside(peer) => outside,
            _ => &self.inside,
        }
    }

    fn faces(&self) -> impl Iterator<Item = &Face> {
        std::iter::once(&self.inside).chain(&self.outside)
    }

    fn has_inside(&self, peer: IpAddr) -> bool {
        let mut nets = self.advertised.local_net.iter();
        nets.any(|net| net.contains(peer))
    }

    fn has(&self, address: SocketAddr) -> bool {
        let external = match &self.advertised.external {
            Some(External {
                host: ExternalHost::Address(external),
                port,
            }) => Some(SocketAddr::new(
                *external,
                port.unwrap_or(self.local.port()),
            )),
            _ => None,
        };
        self.local == address || external == Some(address)
    }

    fn has_name(&self, name: &str, port: Option<u16>) -> bool {
        let external = match &self.advertised.external {
            Some(External {
                host: ExternalHost::Name(external),
                ..
            }) => Some(external),
            _ => None,
        };
        let mut names = self.advertised.names.iter().chain(external);
        let outside = self.outside.as_ref().map(|face| face.port);
        names.any(|own| is_name(own, name))
            && port.is_none_or(|port| port == self.local.port() || Some(port) == outside)
    }
}

impl Face {
    fn new(host: String, port: u16, user: Option<&str>, transport: Transport) -> Face {
        let sent_by = format!("{host}:{port}");
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        Face {
            contact: format!("<sip:{user}{sent_by}{}>", transport_param(transport)),
            route: route("", &sent_by, transport),
            host,
            sent_by,
            port,
        }
    }
}

/// True if one of our names is this one. `*.example.com` is every name below `example.com`.
fn is_name(own: &str, name: &str) -> bool {
    match own.strip_prefix('*') {
        None => own.eq_ignore_ascii_case(name),
        Some(domain) => name
            .len()
            .checked_sub(domain.len())
            .and_then(|at| name.get(at..).filter(|_| at > 0))
            .is_some_and(|end| end.eq_ignore_ascii_case(domain)),
    }
}

/// The value of a Route: `user` ends with its `@`.
fn route(user: &str, sent_by: &str, transport: Transport) -> String {
    format!("<sip:{user}{sent_by}{};lr>", transport_param(transport))
}

fn transport_param(transport: Transport) -> String {
    match transport {
        Transport::Udp => String::new(),
        other => format!(";transport={other}"),
    }
}

/// The address that a URI names, if it names one.
fn socket_address(uri: &Uri<'_>) -> Option<SocketAddr> {
    let address = match uri.host {
        Host::Name(name) if name.eq_ignore_ascii_case("localhost") => Ipv4Addr::LOCALHOST.into(),
        host => host.ip()?,
    };
    Some(SocketAddr::new(
        address,
        uri.port.unwrap_or(default_port(uri)),
    ))
}

/// The port that a URI means without naming it (RFC 3261 §19.1.2, RFC 7118 §5).
fn default_port(uri: &Uri<'_>) -> u16 {
    let transport = meant_transport(uri);
    transport.unwrap_or(Transport::Udp).default_port()
}

/// The transport that a URI means, named or not; `None` for one that is not known.
fn meant_transport(uri: &Uri<'_>) -> Option<Transport> {
    let named = uri.transport().map(Transport::from_name);
    match (uri.scheme, named) {
        (Scheme::Sips, None | Some(Some(Transport::Tcp))) => Some(Transport::Tls),
        (Scheme::Sips, Some(Some(Transport::Ws))) => Some(Transport::Wss),
        (_, None) => Some(Transport::Udp),
        (_, Some(named)) => named,
    }
}

/// An address as the host of a URI.
fn host_text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// How many leading bits two addresses share.
fn common_prefix(a: IpAddr, b: IpAddr) -> u32 {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => 0,
    }
}
