//! The connection table: which connection a message takes, and which one makes room.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::TcpStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{timeout_at, Instant};

use super::connection::{self, Gauge, Line, Outgoing, Shared};
use super::handshakes::Handshakes;
use super::limits::{
    Limits, ARRIVALS_BATCH, ARRIVALS_QUEUE, MAX_QUEUED_BYTES_IN_ALL, SHORT_QUEUE_BYTES,
};
use super::opening::{Opening, Origin, Secure};
use super::tls::TlsContext;
use super::upgrade::Origins;
use super::{unsent, Arrival};
use crate::engine::{ConnectionId, Path, SendFailure, ServerId, Transmit, Transport};

/// All stream connections, by id and by peer.
#[derive(Debug)]
pub(super) struct Connections {
    entries: HashMap<ConnectionId, Entry>,
    by_peer: HashMap<Peer, ConnectionId>,
    next_id: u64,
    limits: Limits,
    /// For the connections to come; `None` when nothing was said of TLS.
    tls: Option<Arc<TlsContext>>,
    /// Whose pages may open a WebSocket.
    pub(super) origins: Origins,
    /// Started by the first connection that needs it.
    handshakes: Option<Arc<Handshakes>>,
    shared: Arc<Shared>,
    /// For the connections to send on.
    sender: mpsc::Sender<Arrival>,
    receiver: mpsc::Receiver<Arrival>,
}

/// Whom a connection leads to: one that has proved to be some host is not used for another one
/// at the same address (RFC 5922 §8.1, RFC 5923 §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Peer {
    transport: Transport,
    address: SocketAddr,
    /// `None` for a connection that the peer has opened, and where nothing is proved.
    server: Option<ServerId>,
}

#[derive(Debug)]
struct Entry {
    peer: Peer,
    is_accepted: bool,
    outbox: mpsc::Sender<Outgoing>,
    /// Dropped to end the connection at once.
    hang_up: oneshot::Sender<()>,
    gauge: Arc<Gauge>,
}

/// Why a message did not enter a connection's queue.
enum Refused {
    /// The connection is over; another one may take the message.
    Gone(Outgoing),
    /// The peer does not read. The connection has been closed.
    Full(Outgoing),
}

impl Connections {
    pub(super) fn new(limits: Limits, tls: Option<Arc<TlsContext>>) -> Connections {
        let (sender, receiver) = mpsc::channel(ARRIVALS_QUEUE);
        Connections {
            entries: HashMap::new(),
            by_peer: HashMap::new(),
            next_id: 1,
            limits,
            tls,
            origins: None,
            handshakes: None,
            shared: Arc::new(Shared::new()),
            sender,
            receiver,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Queues a message: on its own connection, else on one to the same peer, else on a new one
    /// (RFC 3261 §18.1.1 and §18.2.2). One that finds no room is pushed on `arrivals`.
    pub(super) fn send(
        &mut self,
        transmit: Transmit,
        arrivals: &mut Vec<Arrival>,
    ) -> Option<ConnectionId> {
        let Transmit {
            path,
            payload,
            token,
            server_name,
        } = transmit;
        let mut outgoing = Outgoing { payload, token };
        while let Some(id) = self.find(&path, server_name.as_deref()) {
            match self.enqueue(id, outgoing) {
                Ok(()) => return Some(id),
                Err(Refused::Gone(returned)) => outgoing = returned,
                Err(Refused::Full(returned)) => {
                    arrivals.extend(unsent(returned.token, SendFailure::Stalled));
                    return None;
                }
            }
        }
        // Nobody else may get what was meant for a peer that is not there any more.
        if path.transport.is_secure() && server_name.is_none() && self.verifies() {
            arrivals.extend(unsent(outgoing.token, SendFailure::Closed));
            return None;
        }
        let id = self.insert(path, Origin::Here(server_name));
        if let Err(Refused::Gone(lost) | Refused::Full(lost)) = self.enqueue(id, outgoing) {
            arrivals.extend(unsent(lost.token, SendFailure::Closed));
            return None;
        }
        Some(id)
    }

    /// Takes in a connection that was accepted, and runs it. Must be called inside a tokio
    /// runtime.
    pub(super) fn accept(&mut self, path: Path, stream: TcpStream) {
        let accepted = |entry: &&Entry| entry.is_accepted && !entry.gauge.is_open();
        if self.shared.handshakes() >= self.limits.handshakes {
            self.close_least(accepted);
        }
        self.insert(path, Origin::Peer(stream));
    }

    /// Later connections do TLS in this way.
    pub(super) fn set_tls(&mut self, tls: Arc<TlsContext>) {
        self.tls = Some(tls);
    }

    fn verifies(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| tls.verifies())
    }

    fn insert(&mut self, path: Path, origin: Origin) -> ConnectionId {
        if self.entries.len() >= self.limits.connections {
            self.close_least(|_| true);
        }
        let id = ConnectionId(self.next_id);
        self.next_id += 1;
        let peer = Peer {
            transport: path.transport,
            address: path.peer,
            server: path.server.filter(|_| self.verifies()),
        };
        let is_accepted = matches!(origin, Origin::Peer(_));
        let (outbox, queue) = mpsc::channel(self.limits.queued_messages);
        let (hang_up, hung_up) = oneshot::channel();
        let gauge = Arc::new(Gauge::default());
        gauge.touch(self.shared.now());
        let line = Line {
            path: Path {
                connection: Some(id),
                server: None,
                ..path
            },
            outbox: queue,
            arrivals: self.sender.clone(),
            hang_up: hung_up,
            gauge: gauge.clone(),
            shared: self.shared.clone(),
            limits: self.limits,
            keep_alive: match path.transport {
                transport if transport.is_websocket() => self.limits.websocket_ping,
                _ => self.limits.keep_alive.filter(|_| !is_accepted),
            },
        };
        let tls = match path.transport.is_secure() {
            true => self.secure(),
            false => None,
        };
        let opening = Opening {
            origin,
            tls,
            origins: self.origins.clone(),
        };
        tokio::spawn(connection::run(opening, line));
        self.by_peer.insert(peer, id);
        self.entries.insert(
            id,
            Entry {
                peer,
                is_accepted,
                outbox,
                hang_up,
                gauge,
            },
        );
        id
    }

    fn secure(&mut self) -> Option<Secure> {
        let context = self.tls.clone()?;
        if self.handshakes.is_none() {
            match Handshakes::start() {
                Ok(started) => self.handshakes = Some(Arc::new(started)),
                Err(error) => tracing::warn!(%error, "no thread for TLS handshakes"),
            }
        }
        let handshakes = self.handshakes.clone();
        Some(Secure {
            context,
            handshakes,
        })
    }

    /// What the connections have to tell, up to [`ARRIVALS_BATCH`] pieces.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, arrivals: &mut Vec<Arrival>) -> Poll<()> {
        let before = arrivals.len();
        let received = self
            .receiver
            .poll_recv_many(cx, arrivals, ARRIVALS_BATCH)
            .map(|_| ());
        for arrival in arrivals.iter().skip(before) {
            if let Arrival::Closed(id) = arrival {
                self.remove(*id);
            }
        }
        received
    }

    /// Lets every connection write what it was given, until the deadline, and closes it.
    pub(super) async fn close(self, deadline: Instant) {
        let Connections {
            entries,
            sender,
            mut receiver,
            ..
        } = self;
        drop(sender);
        // The queues are closed; the connections are not hung up before they have written.
        let _hang_ups: Vec<oneshot::Sender<()>> = entries
            .into_values()
            .map(|Entry { hang_up, .. }| hang_up)
            .collect();
        let last_words = async { while receiver.recv().await.is_some() {} };
        if timeout_at(deadline, last_words).await.is_err() {
            tracing::debug!("some connections could not be flushed before closing");
        }
    }

    fn find(&self, path: &Path, server_name: Option<&str>) -> Option<ConnectionId> {
        let same = path.connection.filter(|id| self.entries.contains_key(id));
        let to = |server| {
            let peer = Peer {
                transport: path.transport,
                address: path.peer,
                server,
            };
            self.by_peer.get(&peer).copied()
        };
        same.or_else(|| to(path.server)).or_else(|| {
            // A client has no certificate to show. Who is addressed by the very address that it
            // has connected from is found there, and nowhere else.
            let is_address = server_name.is_none_or(|name| name.parse::<IpAddr>().is_ok());
            to(None).filter(|_| is_address || !self.verifies())
        })
    }

    fn enqueue(&mut self, id: ConnectionId, outgoing: Outgoing) -> Result<(), Refused> {
        let Some(entry) = self.entries.get(&id) else {
            return Err(Refused::Gone(outgoing));
        };
        let room = if self.shared.queued() > MAX_QUEUED_BYTES_IN_ALL {
            self.limits.queued_bytes.min(SHORT_QUEUE_BYTES)
        } else {
            self.limits.queued_bytes
        };
        let length = outgoing.payload.len();
        let refused = if entry.gauge.queued() + length > room {
            Refused::Full(outgoing)
        } else {
            self.shared.enqueue(&entry.gauge, length);
            match entry.outbox.try_send(outgoing) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(outgoing)) => {
                    self.shared.dequeue(&entry.gauge, length);
                    Refused::Gone(outgoing)
                }
                Err(TrySendError::Full(outgoing)) => {
                    self.shared.dequeue(&entry.gauge, length);
                    Refused::Full(outgoing)
                }
            }
        };
        self.remove(id);
        Err(refused)
    }

    /// Closes, of these connections, the one that is missed least.
    fn close_least(&mut self, among: impl Fn(&&Entry) -> bool) {
        let least = self
            .entries
            .iter()
            .filter(|(_, entry)| among(entry))
            .min_by_key(|(_, entry)| entry.gauge.worth())
            .map(|(id, _)| *id);
        if let Some(id) = least {
            tracing::warn!("too many connections: closing the least used one");
            self.remove(id);
        }
    }

    /// Forgets a connection; its task, if it still runs, ends and says so.
    pub(super) fn remove(&mut self, id: ConnectionId) {
        if let Some(entry) = self.entries.remove(&id) {
            if self.by_peer.get(&entry.peer) == Some(&id) {
                self.by_peer.remove(&entry.peer);
            }
        }
    }
}
