//! The table of client transactions.

use std::time::Instant;

use ahash::HashMap;
use bytes::Bytes;
use slotmap::SlotMap;

use super::ClientMachine;
use crate::engine::command::{AppId, TransactionId};
use crate::engine::connections::ByConnection;
use crate::engine::latency::Stopwatch;
use crate::engine::path::{ConnectionId, Path, Sender};
use crate::engine::random::Branch;
use crate::engine::timers::TimerSlot;
use crate::engine::uac::Call;
use crate::engine::ways::Fallback;
use crate::engine::{ClientKey, DialogKey, ProxyKey};
use crate::message::Message;

/// A request that was sent, until its last timer has run.
#[derive(Debug)]
pub(crate) struct ClientTransaction {
    pub(crate) id: TransactionId,
    pub(crate) matching: ClientMatch,
    pub(crate) machine: ClientMachine,
    pub(crate) user: ClientUser,
    pub(crate) path: Path,
    /// The request as sent, until the final response.
    pub(crate) request: Option<Message>,
    /// The ACK to the final response and its way, for as long as that may be repeated.
    pub(crate) ack: Option<Box<(Bytes, Path)>>,
    /// Where else the request may go.
    pub(crate) fallback: Option<Box<Fallback>>,
    /// How many destinations have failed: what is reported of them is not about this one.
    pub(crate) attempt: u8,
    /// Times an INVITE that starts a call.
    pub(crate) watch: Option<Stopwatch>,
    pub(crate) slot: TimerSlot,
}

/// What a response must name to belong to the transaction (§17.1.3). A CANCEL has the branch
/// of the INVITE it cancels, so the method counts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ClientMatch(u128);

impl ClientMatch {
    /// A bit that no branch has.
    const CANCEL: u128 = 1 << 127;

    pub(crate) fn new(branch: Branch, is_cancel: bool) -> ClientMatch {
        let cancel = if is_cancel { Self::CANCEL } else { 0 };
        ClientMatch(branch.number() | cancel)
    }

    pub(crate) fn branch(self) -> Branch {
        Branch::from_number(self.0)
    }

    fn with_branch(self, branch: Branch) -> ClientMatch {
        ClientMatch::new(branch, self.0 & Self::CANCEL != 0)
    }
}

/// Who gets the responses.
#[derive(Debug)]
pub(crate) enum ClientUser {
    /// An application that sent a request outside any dialog or in `dialog`.
    Application {
        app: AppId,
        dialog: Option<DialogKey>,
        /// For an INVITE or SUBSCRIBE that may make dialogs.
        call: Option<Box<Call>>,
    },
    /// A branch of a proxied request.
    Branch { proxy: ProxyKey, branch: usize },
    /// The engine itself: a refresh of the call in this dialog.
    Refresh(DialogKey),
    /// The engine itself: a CANCEL, or a BYE that nobody asked for.
    Engine,
}

impl ClientTransaction {
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.machine.deadline()
    }

    /// Who sends its messages.
    pub(crate) fn sender(&self, key: ClientKey) -> Sender {
        Sender::Client(key, self.attempt)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ClientTable {
    /// In boxes: a table that grows moves all that is in it, while everything waits.
    slots: SlotMap<ClientKey, Box<ClientTransaction>>,
    by_match: HashMap<ClientMatch, ClientKey>,
    by_connection: ByConnection<ClientKey>,
}

impl ClientTable {
    pub(crate) fn insert(&mut self, transaction: ClientTransaction) -> ClientKey {
        let matching = transaction.matching;
        let connection = transaction.path.connection;
        let key = self.slots.insert(Box::new(transaction));
        self.by_match.insert(matching, key);
        self.by_connection.insert(connection, key);
        key
    }

    pub(crate) fn remove(&mut self, key: ClientKey) -> Option<Box<ClientTransaction>> {
        let transaction = self.slots.remove(key)?;
        self.by_match.remove(&transaction.matching);
        let connection = transaction.path.connection;
        self.by_connection.remove(connection, &key);
        Some(transaction)
    }

    /// Gives a transaction another branch, when its request goes elsewhere. What it was known by
    /// before is free.
    pub(crate) fn rename(&mut self, key: ClientKey, branch: Branch) -> Option<ClientMatch> {
        let transaction = self.slots.get_mut(key)?;
        let before = transaction.matching;
        transaction.matching = before.with_branch(branch);
        self.by_match.remove(&before);
        self.by_match.insert(transaction.matching, key);
        Some(before)
    }

    /// The request goes another way; the way it went before.
    pub(crate) fn take_way(&mut self, key: ClientKey, path: Path) -> Option<Path> {
        let transaction = self.slots.get_mut(key)?;
        let before = std::mem::replace(&mut transaction.path, path);
        self.by_connection.remove(before.connection, &key);
        self.by_connection.insert(path.connection, key);
        Some(before)
    }

    /// The request has gone over this connection.
    pub(crate) fn use_connection(&mut self, key: ClientKey, attempt: u8, id: ConnectionId) {
        let Some(transaction) = self.slots.get(key).filter(|t| t.attempt == attempt) else {
            return;
        };
        let connection = Some(id);
        let path = Path {
            connection,
            ..transaction.path
        };
        self.take_way(key, path);
    }

    /// The transactions whose request has gone over a connection.
    pub(crate) fn on(&self, connection: ConnectionId) -> Vec<ClientKey> {
        self.by_connection.on(connection)
    }

    pub(crate) fn get(&self, key: ClientKey) -> Option<&ClientTransaction> {
        self.slots.get(key).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, key: ClientKey) -> Option<&mut ClientTransaction> {
        self.slots.get_mut(key).map(Box::as_mut)
    }

    pub(crate) fn find(&self, matching: ClientMatch) -> Option<ClientKey> {
        self.by_match.get(&matching).copied()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (ClientKey, &mut ClientTransaction)> {
        let slots = self.slots.iter_mut();
        slots.map(|(key, transaction)| (key, transaction.as_mut()))
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}
