//! How the connections of applications are made: the options of their sockets, and TLS.

use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::errand::Proof;
use crate::transport::{TlsContext, TlsError, TlsSettings};

/// TLS in both directions.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    strict: Arc<TlsContext>,
    credulous: Arc<TlsContext>,
}

impl Tls {
    /// Reads files.
    pub(super) fn new(settings: &TlsSettings) -> Result<Tls, TlsError> {
        let context = |verify_server| {
            TlsContext::new(&TlsSettings {
                verify_server,
                ..settings.clone()
            })
        };
        Ok(Tls {
            strict: Arc::new(context(true)?),
            credulous: Arc::new(context(false)?),
        })
    }

    /// Whether there is a certificate to show to applications that connect.
    pub(super) fn can_accept(&self) -> bool {
        self.strict.can_accept()
    }

    /// For applications that connect.
    pub(super) fn server(&self) -> Arc<TlsContext> {
        self.strict.clone()
    }

    /// For applications that are connected to.
    pub(super) fn client(&self, proof: Proof) -> Arc<TlsContext> {
        match proof {
            Proof::Needed => self.strict.clone(),
            Proof::Needless => self.credulous.clone(),
        }
    }
}

/// Frames are written whole, so there is nothing to wait for. A connection that has been silent for
/// so long is probed, so that an application that has vanished without a word is found out.
pub(super) fn set_options(stream: &TcpStream, keep_alive: Option<Duration>) {
    let socket = SockRef::from(stream);
    let mut set = socket.set_tcp_nodelay(true);
    if let Some(time) = keep_alive {
        let keep_alive = TcpKeepalive::new().with_time(time);
        #[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
        let keep_alive = keep_alive.with_interval(time / 4).with_retries(4);
        set = set.and_then(|()| socket.set_tcp_keepalive(&keep_alive));
    }
    if let Err(error) = set {
        tracing::debug!(%error, "an option of a TCP socket was refused");
    }
}
