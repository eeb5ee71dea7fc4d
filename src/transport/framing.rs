//! What is cut out of a connection and what is put on it, whatever the protocol between.

use bytes::Bytes;
use thiserror::Error;

use super::websocket::{Violation, WebSocket};
use crate::message::framing::{Frame, FramingError, StreamFramer};

/// A keep-alive and its answer on a byte stream (RFC 5626 §3.5.1).
pub(super) const PING: Bytes = Bytes::from_static(b"\r\n\r\n");
pub(super) const PONG: Bytes = Bytes::from_static(b"\r\n");

/// How messages lie on a connection.
#[derive(Debug)]
pub(super) enum Framing {
    /// One after the other, with Content-Length (RFC 3261 §18.3).
    Stream(StreamFramer),
    /// One in a WebSocket message (RFC 7118 §5).
    WebSocket(WebSocket),
}

/// One thing that was found on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A SIP message. It has its own memory.
    Message(Bytes),
    /// A keep-alive, and the answer to it as it goes on the wire.
    Ping(Bytes),
    /// An answer to a keep-alive.
    Pong,
    /// The peer takes its leave, and is sent this.
    Farewell(Bytes),
}

/// What came can't be followed further; the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Unreadable {
    #[error("{0}")]
    Stream(#[from] FramingError),
    #[error("{0}")]
    WebSocket(#[from] Violation),
}

impl Framing {
    pub(super) fn stream() -> Framing {
        Framing::Stream(StreamFramer::new())
    }

    /// Adds bytes that have arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        match self {
            Framing::Stream(framer) => framer.push(bytes),
            Framing::WebSocket(socket) => socket.push(bytes),
        }
    }

    /// The next thing; `None` until more bytes have arrived.
    pub(super) fn next(&mut self) -> Result<Option<Received>, Unreadable> {
        match self {
            Framing::Stream(framer) => Ok(framer.next()?.map(|frame| match frame {
                Frame::Message(message) => Received::Message(message),
                Frame::Ping => Received::Ping(PONG),
                Frame::Pong => Received::Pong,
            })),
            Framing::WebSocket(socket) => Ok(socket.next()?),
        }
    }

    /// True when something has begun to arrive and is not complete.
    pub(super) fn is_partial(&self) -> bool {
        match self {
            Framing::Stream(framer) => framer.is_partial(),
            Framing::WebSocket(socket) => socket.is_partial(),
        }
    }

    /// How many bytes of it there are.
    pub(super) fn held(&self) -> usize {
        match self {
            Framing::Stream(framer) => framer.held(),
            Framing::WebSocket(socket) => socket.held(),
        }
    }

    /// True when what came last lay between the fragments of a message, so that it does not
    /// bring the message nearer to its end.
    pub(super) fn is_between_fragments(&self) -> bool {
        match self {
            Framing::Stream(_) => false,
            Framing::WebSocket(socket) => socket.is_between_fragments(),
        }
    }

    /// A message as it goes on the wire.
    pub(super) fn wrap(&self, message: Bytes) -> Bytes {
        match self {
            Framing::Stream(_) => message,
            Framing::WebSocket(socket) => socket.wrap(&message),
        }
    }

    /// A keep-alive as it goes on the wire.
    pub(super) fn ping(&self) -> Bytes {
        match self {
            Framing::Stream(_) => PING,
            Framing::WebSocket(socket) => socket.ping(),
        }
    }

    /// The last words of this side, if the protocol has any.
    pub(super) fn farewell(&self, reason: Option<&Unreadable>) -> Option<Bytes> {
        match (self, reason) {
            (Framing::Stream(_), _) => None,
            (Framing::WebSocket(socket), Some(Unreadable::WebSocket(violation))) => {
                Some(socket.farewell(violation.status()))
            }
            (Framing::WebSocket(socket), _) => Some(socket.going_away()),
        }
    }
}
