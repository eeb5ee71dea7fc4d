//! The table of server transactions.

use std::sync::Arc;
use std::time::Instant;

use ahash::HashMap;
use bytes::Bytes;
use slotmap::SlotMap;

use super::ServerMachine;
use crate::engine::command::{AppId, TransactionId};
use crate::engine::path::Path;
use crate::engine::reliable::ReliableProvisionals;
use crate::engine::timers::{earliest, TimerSlot};
use crate::engine::{DialogKey, ProxyKey, ServerKey};
use crate::message::Message;

/// A request that was received, until its last timer has run.
#[derive(Debug)]
pub(crate) struct ServerTransaction {
    pub(crate) id: TransactionId,
    pub(crate) machine: ServerMachine,
    pub(crate) user: ServerUser,
    /// Where responses go (§18.2.2).
    pub(crate) reply_path: Path,
    pub(crate) last_response: Option<Bytes>,
    /// What is needed only until the final response; dropped then, so that a finished
    /// transaction costs little more than its response.
    pub(crate) open: Option<Box<OpenRequest>>,
    matching: Arc<str>,
    pub(crate) slot: TimerSlot,
}

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerUser {
    Application,
    Proxy(ProxyKey),
}

impl ServerUser {
    pub(crate) fn proxy(self) -> Option<ProxyKey> {
        match self {
            ServerUser::Proxy(key) => Some(key),
            ServerUser::Application => None,
        }
    }
}

/// A request that has no final response yet.
#[derive(Debug)]
pub(crate) struct OpenRequest {
    pub(crate) request: Message,
    /// The To had no tag: the request is not inside a dialog.
    pub(crate) is_initial: bool,
    /// The To tag of the responses: the request's own inside a dialog, else ours.
    pub(crate) local_tag: Box<str>,
    /// The dialog it arrived in or has made.
    pub(crate) dialog: Option<DialogKey>,
    /// The application it was given to.
    pub(crate) owner: Option<AppId>,
    /// When the application must have given its first response.
    pub(crate) answer_by: Option<Instant>,
    pub(crate) reliable: Option<Box<ReliableProvisionals>>,
    /// When the last provisional response is sent again, so that no proxy on the way gives the
    /// call up (§13.3.1.1).
    pub(crate) ring_again: Option<Instant>,
}

impl ServerTransaction {
    pub(crate) fn new(
        id: TransactionId,
        reply_path: Path,
        matching: Arc<str>,
        open: OpenRequest,
        is_invite: bool,
    ) -> ServerTransaction {
        ServerTransaction {
            id,
            machine: ServerMachine::new(is_invite),
            user: ServerUser::Application,
            reply_path,
            last_response: None,
            open: Some(Box::new(open)),
            matching,
            slot: TimerSlot::default(),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let open = self.open.as_deref().and_then(|open| {
            let reliable = open.reliable.as_deref().and_then(|r| r.deadline());
            earliest(earliest(open.answer_by, open.ring_again), reliable)
        });
        earliest(self.machine.deadline(), open)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ServerTable {
    slots: SlotMap<ServerKey, ServerTransaction>,
    by_match: HashMap<Arc<str>, ServerKey>,
}

impl ServerTable {
    pub(crate) fn insert(&mut self, transaction: ServerTransaction) -> ServerKey {
        let matching = transaction.matching.clone();
        let key = self.slots.insert(transaction);
        self.by_match.insert(matching, key);
        key
    }

    pub(crate) fn remove(&mut self, key: ServerKey) -> Option<ServerTransaction> {
        let transaction = self.slots.remove(key)?;
        self.by_match.remove(&transaction.matching);
        Some(transaction)
    }

    pub(crate) fn get(&self, key: ServerKey) -> Option<&ServerTransaction> {
        self.slots.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: ServerKey) -> Option<&mut ServerTransaction> {
        self.slots.get_mut(key)
    }

    pub(crate) fn find(&self, matching: &str) -> Option<ServerKey> {
        self.by_match.get(matching).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ServerKey, &ServerTransaction)> {
        self.slots.iter()
    }
}
