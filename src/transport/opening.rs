//! How a connection comes to be: TCP, then TLS, then the WebSocket handshake, each with its own
//! time limit.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsStream;

use super::ending::Ending;
use super::framing::Framing;
use super::handshakes::Handshakes;
use super::limits::Limits;
use super::stream::Stream;
use super::tls::{TlsContext, TlsFailure};
use super::upgrade::Origins;
use super::websocket::{Role, WebSocket};
use super::{tcp, upgrade};
use crate::engine::Path;

/// What a connection begins with.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) origin: Origin,
    /// For the secure transports.
    pub(super) tls: Option<Secure>,
    /// Whose pages may open a WebSocket.
    pub(super) origins: Origins,
}

/// How a connection does TLS; taken when it begins, so that a reload does not touch it.
#[derive(Debug)]
pub(super) struct Secure {
    pub(super) context: Arc<TlsContext>,
    /// Who makes the handshake. `None`: the connection's own task.
    pub(super) handshakes: Option<Arc<Handshakes>>,
}

/// Who opens the connection.
#[derive(Debug)]
pub(super) enum Origin {
    /// The peer has.
    Peer(TcpStream),
    /// This side; the peer must prove to be of this name on a secure transport.
    Here(Option<Arc<str>>),
}

impl Opening {
    pub(super) fn is_accepted(&self) -> bool {
        matches!(self.origin, Origin::Peer(_))
    }

    /// Yields what messages are exchanged with.
    pub(super) async fn complete(
        self,
        path: &Path,
        limits: &Limits,
    ) -> Result<(Stream, Framing), Ending> {
        let Opening {
            origin,
            tls,
            origins,
        } = self;
        let (role, name, stream) = match origin {
            Origin::Peer(stream) => (Role::Server, None, stream),
            Origin::Here(name) => {
                let connecting = tcp::connect(path.local, path.peer);
                let stream = within(limits.connect, connecting, Ending::ConnectTimeout).await?;
                (Role::Client, name, stream.map_err(Ending::Connect)?)
            }
        };
        let host = name.unwrap_or_else(|| path.peer.ip().to_string().into());
        let mut stream = match (path.transport.is_secure(), tls) {
            (false, _) => Stream::Plain(stream),
            (true, None) => return Err(TlsFailure::NotConfigured.into()),
            (true, Some(tls)) => {
                let handshake = tls.handshake(stream, role, host.clone());
                let done = within(limits.tls_handshake, handshake, Ending::TlsTimeout).await?;
                Stream::Tls(Box::new(done?))
            }
        };
        if !path.transport.is_websocket() {
            return Ok((stream, Framing::stream()));
        }
        let handshake = async {
            match role {
                Role::Server => upgrade::accept(&mut stream, &origins).await,
                Role::Client => upgrade::connect(&mut stream, &http_host(&host, path)).await,
            }
        };
        let time = limits.websocket_handshake;
        let rest = within(time, handshake, Ending::WebSocketTimeout).await??;
        let mut socket = WebSocket::new(role);
        socket.push(&rest);
        Ok((stream, Framing::WebSocket(socket)))
    }
}

impl Secure {
    async fn handshake(
        self,
        stream: TcpStream,
        role: Role,
        host: Arc<str>,
    ) -> Result<TlsStream<TcpStream>, Ending> {
        let Secure {
            context,
            handshakes,
        } = self;
        let shake_hands = move |stream| async move {
            match role {
                Role::Server => context.accept(stream).await,
                Role::Client => context.connect(stream, &host).await,
            }
        };
        match handshakes {
            Some(elsewhere) => elsewhere.make(stream, shake_hands).await,
            None => Ok(shake_hands(stream).await?),
        }
    }
}

async fn within<T>(
    limit: Duration,
    step: impl Future<Output = T>,
    otherwise: Ending,
) -> Result<T, Ending> {
    timeout(limit, step).await.map_err(|_| otherwise)
}

/// The Host header of an HTTP request (RFC 9110 §7.2).
fn http_host(host: &str, path: &Path) -> String {
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    match path.peer.port() {
        port if port == path.transport.default_port() => host,
        port => format!("{host}:{port}"),
    }
}
