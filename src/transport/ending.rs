//! Why a connection ended.

use std::io;

use thiserror::Error;

use super::framing::Unreadable;
use super::tls::TlsFailure;
use super::upgrade::UpgradeError;
use crate::engine::SendFailure;

/// Why a connection ended.
#[derive(Debug, Error)]
pub(super) enum Ending {
    #[error("{0}")]
    Connect(#[source] io::Error),
    #[error("the peer did not answer in time")]
    ConnectTimeout,
    #[error("TLS handshake: {0}")]
    Tls(#[from] TlsFailure),
    #[error("the TLS handshake took too long")]
    TlsTimeout,
    #[error("WebSocket handshake: {0}")]
    WebSocket(#[from] UpgradeError),
    #[error("the WebSocket handshake took too long")]
    WebSocketTimeout,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("closed by the peer")]
    Peer,
    #[error("closed by this side")]
    Local,
    #[error("the stream can't be cut into messages: {0}")]
    Unreadable(#[from] Unreadable),
    #[error("a message was not completed in time")]
    AssemblyTimeout,
    #[error("too many messages are half there to wait for the rest of a large one")]
    ShortOfMemory,
    #[error("the peer stopped reading")]
    Stalled,
    #[error("the peer did not answer a keep-alive")]
    Dead,
    #[error("nothing was exchanged for too long")]
    Idle,
    #[error("the engine has gone")]
    Orphaned,
}

impl From<&Ending> for SendFailure {
    fn from(ending: &Ending) -> SendFailure {
        match ending {
            Ending::Connect(_) => SendFailure::Unreachable,
            Ending::ConnectTimeout => SendFailure::ConnectTimeout,
            Ending::Tls(failure) => failure.into(),
            Ending::TlsTimeout => SendFailure::TlsTimeout,
            Ending::WebSocket(_) => SendFailure::WebSocketRefused,
            Ending::WebSocketTimeout => SendFailure::WebSocketTimeout,
            Ending::Stalled => SendFailure::Stalled,
            _ => SendFailure::Closed,
        }
    }
}
