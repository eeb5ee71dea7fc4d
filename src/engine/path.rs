//! Where a message came from and where one goes: the seam between the engine and the sockets.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::advertised::Advertised;
use super::server_names::ServerId;

/// A SIP transport protocol (RFC 3261 §18, RFC 7118).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams; the only transport that needs retransmissions.
    Udp,
    /// A byte stream framed by Content-Length.
    Tcp,
    /// TCP inside TLS (RFC 3261 §26.2.1).
    Tls,
    /// A WebSocket, one message a frame (RFC 7118).
    Ws,
    /// A WebSocket inside TLS.
    Wss,
}

impl Transport {
    /// True when the transport itself delivers or reports failure, so that no request is
    /// retransmitted over it (RFC 3261 §17).
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }

    /// True when the next hop is authenticated and nobody else can read along.
    pub fn is_secure(self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }

    /// True for a WebSocket.
    pub fn is_websocket(self) -> bool {
        matches!(self, Transport::Ws | Transport::Wss)
    }

    /// The port when a URI names none (RFC 3261 §19.1.2, RFC 7118 §5).
    pub fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
        }
    }

    /// The lower-case name used in URIs and in what applications are told.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    /// The upper-case name used in a Via.
    pub fn via_name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// The transport of that name in any case; `None` for one that this engine has not got.
    pub fn from_name(name: &str) -> Option<Transport> {
        const ALL: [Transport; 5] = [
            Transport::Udp,
            Transport::Tcp,
            Transport::Tls,
            Transport::Ws,
            Transport::Wss,
        ];
        ALL.into_iter()
            .find(|transport| name.eq_ignore_ascii_case(transport.name()))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One connection of a stream transport, named by the transport layer. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// One way between this host and a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// The protocol spoken.
    pub transport: Transport,
    /// The address of the listener the message belongs to (not an ephemeral port).
    pub local: SocketAddr,
    /// The peer's address, as seen by the socket.
    pub peer: SocketAddr,
    /// The connection a message arrived on. `None` in a [`Transmit`] lets the transport layer
    /// use a connection it has to `peer`, or open one.
    pub connection: Option<ConnectionId>,
    /// The host that the peer must prove to be, on a secure transport (RFC 5922 §7). `None` for
    /// what goes back to where it came from.
    pub server: Option<ServerId>,
}

/// An address this engine listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The protocol spoken.
    pub transport: Transport,
    /// The bound address, with its real port; never a wildcard address.
    pub local: SocketAddr,
    /// The user part of the configured contact, shown in generated Contact headers.
    pub user: Option<String>,
    /// How it is known beside its bound address.
    pub advertised: Advertised,
}

/// A message the transport layer must send.
#[derive(Debug, Clone)]
pub struct Transmit {
    /// Where to.
    pub path: Path,
    /// The complete message.
    pub payload: Bytes,
    /// Names the sender for `Engine::handle_send_failure`; `None` when nobody needs to know.
    pub token: Option<SendToken>,
    /// The name that goes with [`Path::server`]. Without one, only a connection that is there
    /// already may be used on a secure transport.
    pub server_name: Option<Arc<str>>,
}

/// Names the transaction that sent a [`Transmit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendToken(pub(crate) Sender);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// With the number of the attempt: an old one's failure does not concern the present one.
    Client(super::ClientKey, u8),
    Server(super::ServerKey),
}
