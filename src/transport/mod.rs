//! Sockets: UDP, and the connections of TCP, TLS and WebSockets.
//!
//! Sending never waits: [`Transports::send`] hands a message to the kernel or to a bounded queue.
//! What the sockets have to tell is drained with [`Transports::poll_arrivals`]. Everything but
//! TLS handshakes runs on one tokio runtime of one thread, that of the `driver`.
//!
//! | file | what it is |
//! |---|---|
//! | `contact.rs`, `bind.rs` | from `sip:*:5060;transport=udp,tcp` to bound sockets |
//! | `advertised.rs` | which peers are shown the external address of a contact |
//! | `udp.rs` | datagrams, in batches |
//! | `receive_batch.rs`, `send_batch.rs` | several datagrams in one call of the system |
//! | `icmp.rs` | datagrams that were not delivered |
//! | `tcp.rs` | listening and connecting |
//! | `tls.rs`, `certificates.rs`, `verifier.rs` | settings, certificates by name, whom to trust |
//! | `upgrade.rs`, `websocket.rs` | the handshake and the frames of WebSockets |
//! | `opening.rs` | a connection from TCP through its handshakes |
//! | `handshakes.rs` | the thread on which those of TLS are made |
//! | `connection.rs`, `ending.rs` | one connection in use: queue, time limits, why it ended |
//! | `stream.rs`, `framing.rs` | what is below a connection, and how messages lie on it |
//! | `keep_alive.rs`, `alarm.rs` | whether a peer still lives; deadlines |
//! | `table.rs` | the connection table: reuse, and who makes room |

mod advertised;
mod alarm;
mod bind;
mod certificates;
mod connection;
mod contact;
mod ending;
mod framing;
mod handshakes;
mod icmp;
mod keep_alive;
pub mod limits;
mod opening;
mod receive_batch;
mod send_batch;
mod stream;
mod table;
mod tcp;
mod tls;
mod udp;
mod upgrade;
mod verifier;
mod websocket;

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::time::{timeout_at, Instant};

pub use advertised::AdvertisedAs;
pub(crate) use alarm::Alarm;
pub use bind::{listeners_on, BindError};
pub use certificates::{Certificate, CertificateError, Pem};
pub use contact::{Contact, ContactError, ContactProblem, Host};
pub use limits::Limits;
pub(crate) use stream::Stream;
pub use tls::{ClientCertificates, TlsContext, TlsError, TlsSettings, TlsVersion};

use crate::engine::{ConnectionId, Listener, Path, SendFailure, SendToken, Transmit, Transport};
use bind::{bind_all, BoundSocket};
use receive_batch::ROOM;
use table::Connections;
use tcp::Acceptor;
use udp::Port;

/// What the sockets have to tell.
#[derive(Debug)]
pub enum Arrival {
    /// A message: a datagram, or one cut out of a stream.
    Message {
        /// How it came.
        path: Path,
        /// Its bytes.
        payload: Bytes,
    },
    /// A message could not be sent, and why.
    Unsent(SendToken, SendFailure),
    /// A connection has ended. What it had not written has been reported as unsent before.
    Closed(ConnectionId),
}

/// The sockets can't be had.
#[derive(Debug, Error)]
pub enum OpenError {
    /// An address can't be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// TLS can't be done as it was asked for.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system does not let us wait for a socket.
    #[error("cannot wait for a socket: {0}")]
    Register(#[from] io::Error),
}

impl OpenError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            OpenError::Bind(error) => error.code(),
            OpenError::Tls(error) => error.code(),
            OpenError::Register(_) => "DRT_ERR_BIND",
        }
    }
}

/// All sockets of one engine.
#[derive(Debug)]
pub struct Transports {
    listeners: Vec<Listener>,
    ports: Vec<Port>,
    acceptors: Vec<Acceptor>,
    connections: Connections,
    /// What was found out while sending, and has not been drained.
    failures: Vec<Arrival>,
    /// Where datagrams are read into.
    room: Box<[u8]>,
}

impl Transports {
    /// Binds all contacts, or none. Must be called inside a tokio runtime, as must every other
    /// function. Reads the files of the settings of TLS.
    ///
    /// # Errors
    /// What can't be used of the settings of TLS; the first address that can't be bound.
    pub fn open(
        contacts: &[Contact],
        limits: Limits,
        tls: &TlsSettings,
    ) -> Result<Transports, OpenError> {
        let tls = prepare_tls(contacts, tls)?;
        let mut transports = Transports {
            listeners: Vec::new(),
            ports: Vec::new(),
            acceptors: Vec::new(),
            connections: Connections::new(limits, tls),
            failures: Vec::new(),
            room: vec![0; ROOM].into_boxed_slice(),
        };
        for bound in bind_all(contacts, limits.udp_buffer)? {
            let local = bound.listener.local;
            match bound.socket {
                BoundSocket::Datagram(socket) => {
                    transports.ports.push(Port::new(socket, local)?);
                }
                BoundSocket::Stream(listener) => {
                    let transport = bound.listener.transport;
                    let acceptor = Acceptor::new(listener, transport, local)?;
                    transports.acceptors.push(acceptor);
                }
            }
            transports.listeners.push(bound.listener);
        }
        Ok(transports)
    }

    /// From now on only pages of these web sites may open a WebSocket, named as browsers do
    /// (RFC 6454 §7): `https://app.example.com`. Who shows no origin is no page.
    pub fn admit_origins(&mut self, origins: Vec<String>) {
        self.connections.origins = Some(origins.into());
    }

    /// The bound addresses, with their real ports, in the order of the contacts.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// Has later connections do TLS in this way. Those that there are go on as they are.
    ///
    /// # Errors
    /// There is no certificate, and a listener that needs one; nothing has changed.
    pub fn set_tls(&mut self, tls: TlsContext) -> Result<(), TlsError> {
        let mut listeners = self.listeners.iter();
        match listeners.find(|listener| listener.transport.is_secure()) {
            Some(Listener {
                transport, local, ..
            }) if !tls.can_accept() => {
                let contact = format!("sip:{local};transport={transport}");
                Err(TlsError::NoCertificate(contact))
            }
            _ => {
                self.connections.set_tls(Arc::new(tls));
                Ok(())
            }
        }
    }

    /// Closes a connection. What it had not written is reported as unsent, and then its end.
    pub fn hang_up(&mut self, connection: ConnectionId) {
        self.connections.remove(connection);
    }

    /// How many stream connections there are, open and opening.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Sends a message, or queues it; the connection it goes over, if it goes over one. Datagrams
    /// go out together at the next [`Transports::poll_arrivals`], which also tells of failures
    /// that a sender wants to know of.
    pub fn send(&mut self, transmit: Transmit) -> Option<ConnectionId> {
        if transmit.path.transport != Transport::Udp {
            return self.connections.send(transmit, &mut self.failures);
        }
        let local = transmit.path.local;
        match self.ports.iter_mut().find(|port| port.local() == local) {
            Some(port) => port.send(transmit, &mut self.failures),
            None => self
                .failures
                .extend(unsent(transmit.token, SendFailure::NoSocket)),
        }
        None
    }

    /// Appends what has arrived: at most a batch from every socket, so that a busy one leaves the
    /// others their turn. Ready when there is anything.
    pub fn poll_arrivals(&mut self, cx: &mut Context<'_>, arrivals: &mut Vec<Arrival>) -> Poll<()> {
        let before = arrivals.len();
        for port in &mut self.ports {
            port.poll(cx, &mut self.room, arrivals);
        }
        self.accept(cx);
        let _ = self.connections.poll(cx, arrivals);
        arrivals.append(&mut self.failures);
        if arrivals.len() > before {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Sends the datagrams that wait for the next [`poll_arrivals`](Self::poll_arrivals), as far as
    /// there is room for them.
    pub fn flush_datagrams(&mut self) {
        for port in &mut self.ports {
            port.send_waiting(&mut self.failures);
        }
    }

    /// Stops receiving, writes what is queued for `limit` at most, and closes every socket.
    pub async fn close(mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        self.acceptors.clear();
        for port in &mut self.ports {
            let mut unsent = Vec::new();
            let flush = poll_fn(|cx| port.poll_flush(cx, &mut unsent));
            if timeout_at(deadline, flush).await.is_err() {
                break;
            }
        }
        self.connections.close(deadline).await;
    }

    fn accept(&mut self, cx: &mut Context<'_>) {
        let mut accepted = Vec::new();
        for acceptor in &mut self.acceptors {
            acceptor.poll_accept(cx, &mut accepted);
            let (transport, local) = (acceptor.transport(), acceptor.local());
            for (stream, peer) in accepted.drain(..) {
                let path = Path {
                    transport,
                    local,
                    peer,
                    connection: None,
                    server: None,
                };
                self.connections.accept(path, stream);
            }
        }
    }
}

/// Sees whether these contacts could be opened, as far as TLS goes. Reads files.
///
/// # Errors
/// What [`Transports::open`] would say.
pub fn check_tls(contacts: &[Contact], settings: &TlsSettings) -> Result<(), TlsError> {
    prepare_tls(contacts, settings).map(|_| ())
}

/// Reads what is needed for TLS, if anything says that it is.
fn prepare_tls(
    contacts: &[Contact],
    settings: &TlsSettings,
) -> Result<Option<Arc<TlsContext>>, TlsError> {
    let is_secure = |contact: &&Contact| contact.transports.iter().any(|t| t.is_secure());
    let secure = contacts.iter().find(is_secure);
    if secure.is_none() && *settings == TlsSettings::default() {
        return Ok(None);
    }
    let tls = TlsContext::new(settings)?;
    match secure {
        Some(contact) if !tls.can_accept() => Err(TlsError::NoCertificate(contact.to_string())),
        _ => Ok(Some(Arc::new(tls))),
    }
}

/// Tells the sender, if it wants to know.
fn unsent(token: Option<SendToken>, failure: SendFailure) -> Option<Arrival> {
    token.map(|token| Arrival::Unsent(token, failure))
}
