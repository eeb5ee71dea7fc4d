//! What the end of a connection means for what hangs on it (RFC 3261 §17.1.4, RFC 5626 §5.3.1).

use std::collections::BTreeMap;
use std::time::Instant;

use super::command::AppId;
use super::event::{ClosedConnection, News};
use super::path::{ConnectionId, Path};
use super::send_failure::SendFailure;
use super::Engine;

impl Engine {
    /// Tells the applications that have something on the connection, and ends what waits for
    /// something to come over it.
    pub(super) fn connection_closed(&mut self, now: Instant, id: ConnectionId) {
        let path = self.connections.closed(id);
        if let Some(path) = path {
            self.tell_of_end(id, path);
        }
        for key in self.dialogs.on(id) {
            self.dialogs.disconnect(key);
        }
        for key in self.clients.on(id) {
            let Some(transaction) = self.clients.get(key) else {
                continue;
            };
            let (attempt, waits) = (transaction.attempt, transaction.machine.awaits_final());
            if waits && transaction.has_response() {
                // It has reached somebody: nobody else is to get it too.
                self.client_failed(now, key, 503, Some(SendFailure::Closed));
            } else {
                self.client_send_failure(now, key, attempt, SendFailure::Closed);
            }
        }
    }

    /// A request that went this way has had no response. When that goes on, the connection leads
    /// nowhere any more, although nobody has closed it.
    pub(super) fn note_silence(&mut self, path: Path) {
        if let (Some(limit), Some(id)) = (self.dead_after, path.connection) {
            if self.connections.was_silent(id) == limit {
                tracing::warn!(peer = %path.peer, transport = %path.transport, "a connection is taken for dead: {limit} requests had no response");
                self.hang_ups.push_back(id);
            }
        }
    }

    fn tell_of_end(&mut self, id: ConnectionId, path: Path) {
        let mut told: BTreeMap<AppId, ClosedConnection> = BTreeMap::new();
        let mut tell = |app, note: &dyn Fn(&mut ClosedConnection)| {
            note(
                told.entry(app)
                    .or_insert_with(|| ClosedConnection::of(path)),
            );
        };
        for gone in self.registrations.take(id) {
            tell(gone.app, &|closed| {
                closed.registrations.push(gone.contact.clone());
            });
        }
        for dialog in self.dialogs.on(id) {
            if let Some(dialog) = self.dialogs.get(dialog) {
                tell(dialog.owner, &|closed| {
                    closed.dialogs.push(dialog.id.clone())
                });
            }
        }
        for request in self.servers.on(id) {
            let Some(transaction) = self.servers.get(request) else {
                continue;
            };
            let owner = transaction.open.as_deref().and_then(|open| open.owner);
            if let Some(owner) = owner {
                tell(owner, &|closed| closed.requests.push(transaction.id));
            }
        }
        self.reschedule_registrations();
        for (app, closed) in told {
            self.emit(Some(app), News::ConnectionClosed(Box::new(closed)));
        }
    }
}
