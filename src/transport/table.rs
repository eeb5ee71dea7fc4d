//! The connection table: which connection a message takes, and which one makes room.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{timeout_at, Instant};

use super::connection::{self, Gauge, Line, Outgoing, Shared};
use super::limits::{
    Limits, ARRIVALS_BATCH, ARRIVALS_QUEUE, MAX_QUEUED_BYTES_IN_ALL, SHORT_QUEUE_BYTES,
};
use super::{tcp, unsent, Arrival};
use crate::engine::{ConnectionId, Path, SendFailure, Transmit, Transport};

/// All stream connections, by id and by peer.
#[derive(Debug)]
pub(super) struct Connections {
    entries: HashMap<ConnectionId, Entry>,
    by_peer: HashMap<(Transport, SocketAddr), ConnectionId>,
    next_id: u64,
    limits: Limits,
    shared: Arc<Shared>,
    /// For the connections to send on.
    sender: mpsc::Sender<Arrival>,
    receiver: mpsc::Receiver<Arrival>,
}

#[derive(Debug)]
struct Entry {
    transport: Transport,
    peer: SocketAddr,
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
    pub(super) fn new(limits: Limits) -> Connections {
        let (sender, receiver) = mpsc::channel(ARRIVALS_QUEUE);
        Connections {
            entries: HashMap::new(),
            by_peer: HashMap::new(),
            next_id: 1,
            limits,
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
    pub(super) fn send(&mut self, transmit: Transmit, arrivals: &mut Vec<Arrival>) {
        let Transmit {
            path,
            payload,
            token,
            server_name: _,
        } = transmit;
        let mut outgoing = Outgoing { payload, token };
        while let Some(id) = self.find(&path) {
            match self.enqueue(id, outgoing) {
                Ok(()) => return,
                Err(Refused::Gone(returned)) => outgoing = returned,
                Err(Refused::Full(returned)) => {
                    arrivals.extend(unsent(returned.token, SendFailure::Stalled));
                    return;
                }
            }
        }
        let id = match path.transport {
            Transport::Tcp => self.insert(path, tcp::connect(path.local, path.peer)),
            _ => {
                arrivals.extend(unsent(outgoing.token, SendFailure::NoSocket));
                return;
            }
        };
        if let Err(Refused::Gone(lost) | Refused::Full(lost)) = self.enqueue(id, outgoing) {
            arrivals.extend(unsent(lost.token, SendFailure::Closed));
        }
    }

    /// Takes in a connection whose stream `opening` yields, and runs it. Must be called inside a
    /// tokio runtime.
    pub(super) fn insert<S, F>(&mut self, path: Path, opening: F) -> ConnectionId
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        if self.entries.len() >= self.limits.connections {
            self.make_room();
        }
        let id = ConnectionId(self.next_id);
        self.next_id += 1;
        let (outbox, queue) = mpsc::channel(self.limits.queued_messages);
        let (hang_up, hung_up) = oneshot::channel();
        let gauge = Arc::new(Gauge::default());
        gauge.touch(self.shared.now());
        let line = Line {
            path: Path {
                connection: Some(id),
                ..path
            },
            outbox: queue,
            arrivals: self.sender.clone(),
            hang_up: hung_up,
            gauge: gauge.clone(),
            shared: self.shared.clone(),
            limits: self.limits,
        };
        tokio::spawn(connection::run(opening, line));
        self.by_peer.insert((path.transport, path.peer), id);
        self.entries.insert(
            id,
            Entry {
                transport: path.transport,
                peer: path.peer,
                outbox,
                hang_up,
                gauge,
            },
        );
        id
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

    fn find(&self, path: &Path) -> Option<ConnectionId> {
        path.connection
            .filter(|id| self.entries.contains_key(id))
            .or_else(|| self.by_peer.get(&(path.transport, path.peer)).copied())
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

    /// Closes the connection that is missed least.
    fn make_room(&mut self) {
        let least = self
            .entries
            .iter()
            .min_by_key(|(_, entry)| entry.gauge.worth())
            .map(|(id, _)| *id);
        if let Some(id) = least {
            tracing::warn!("the connection table is full: closing the least used connection");
            self.remove(id);
        }
    }

    /// Forgets a connection; its task, if it still runs, ends and says so.
    fn remove(&mut self, id: ConnectionId) {
        if let Some(entry) = self.entries.remove(&id) {
            let key = (entry.transport, entry.peer);
            if self.by_peer.get(&key) == Some(&id) {
                self.by_peer.remove(&key);
            }
        }
    }
}
