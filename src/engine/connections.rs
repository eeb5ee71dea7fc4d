//! Stream connections as the engine sees them: which ones are there, and what hangs on each, so
//! that the end of one is felt at once.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use super::path::{ConnectionId, Path, Transport};

/// The connections that something was heard on. The transport layer limits how many there are.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    live: HashMap<ConnectionId, Path>,
    by_peer: HashMap<(Transport, SocketAddr), ConnectionId>,
    /// Requests that had no response since something was last heard, where there are any.
    silences: HashMap<ConnectionId, u32>,
}

impl Connections {
    /// Something has arrived this way.
    pub(crate) fn heard(&mut self, path: Path) {
        let Some(id) = path.connection else { return };
        if !self.silences.is_empty() {
            self.silences.remove(&id);
        }
        if self.live.insert(id, path).is_none() {
            self.by_peer.insert((path.transport, path.peer), id);
        }
    }

    /// The connection has ended; the way that it was.
    pub(crate) fn closed(&mut self, id: ConnectionId) -> Option<Path> {
        self.silences.remove(&id);
        let path = self.live.remove(&id)?;
        let peer = (path.transport, path.peer);
        if self.by_peer.get(&peer) == Some(&id) {
            self.by_peer.remove(&peer);
        }
        Some(path)
    }

    /// A request over the connection has had no response; how many in a row that makes.
    pub(crate) fn was_silent(&mut self, id: ConnectionId) -> u32 {
        let count = self.silences.entry(id).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// The way over a connection, if it is there.
    pub(crate) fn path(&self, id: ConnectionId) -> Option<Path> {
        self.live.get(&id).copied()
    }

    /// The way over the connection with a peer, if there is one.
    pub(crate) fn path_to(&self, transport: Transport, peer: SocketAddr) -> Option<Path> {
        self.path(*self.by_peer.get(&(transport, peer))?)
    }

    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }
}

/// What hangs on each connection.
#[derive(Debug)]
pub(crate) struct ByConnection<K>(HashMap<ConnectionId, BTreeSet<K>>);

impl<K> Default for ByConnection<K> {
    fn default() -> Self {
        ByConnection(HashMap::new())
    }
}

impl<K: Ord + Clone> ByConnection<K> {
    pub(crate) fn insert(&mut self, connection: Option<ConnectionId>, key: K) {
        if let Some(connection) = connection {
            self.0.entry(connection).or_default().insert(key);
        }
    }

    pub(crate) fn remove(&mut self, connection: Option<ConnectionId>, key: &K) {
        let Some(connection) = connection else { return };
        if let Some(keys) = self.0.get_mut(&connection) {
            keys.remove(key);
            if keys.is_empty() {
                self.0.remove(&connection);
            }
        }
    }

    /// Everything on a connection, in the order of the keys.
    pub(crate) fn on(&self, connection: ConnectionId) -> Vec<K> {
        let keys = self.0.get(&connection).into_iter().flatten();
        keys.cloned().collect()
    }

    /// How many things hang on a connection.
    pub(crate) fn count(&self, connection: ConnectionId) -> usize {
        self.0.get(&connection).map_or(0, BTreeSet::len)
    }
}
