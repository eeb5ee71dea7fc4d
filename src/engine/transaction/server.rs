//! The table of server transactions.

use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use ahash::HashMap;
use bytes::Bytes;
use slotmap::SlotMap;

use super::key::ServerMatch;
use super::ServerMachine;
use crate::engine::command::{AppId, DialogId, TransactionId};
use crate::engine::connections::ByConnection;
use crate::engine::latency::Stopwatch;
use crate::engine::limits::{Claim, TableLimits};
use crate::engine::path::{ConnectionId, Path};
use crate::engine::reliable::ReliableProvisionals;
use crate::engine::session_timer::Agreement;
use crate::engine::timers::{earliest, TimerSlot};
use crate::engine::{DialogKey, ProxyKey, ServerKey};
use crate::message::{HeaderId, Message};

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
    matching: ServerMatch,
    /// Bytes of the request.
    size: usize,
    /// What a copy of the request has in common with it; see [`Origin`].
    origin: Option<Origin>,
    /// An application has accepted it, provisionally at least.
    pub(crate) accepted: bool,
    pub(crate) slot: TimerSlot,
}

/// Names a request outside every dialog by what its sender gave it: a hash of Request-URI, From
/// tag, Call-ID and CSeq. The request that reaches a server twice by different ways has a
/// transaction each and one origin (RFC 3261 §8.2.2.2). The Request-URI is part of it since one
/// engine serves many users, each of whom a forked request may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Origin(u64);

impl Origin {
    /// The salt must be a secret, so that nobody can make two requests look alike.
    pub(crate) fn of(request: &Message, salt: u64) -> Option<Origin> {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        request.request_uri()?.hash(&mut hasher);
        request.from().ok()?.tag()?.hash(&mut hasher);
        request.call_id().ok()?.hash(&mut hasher);
        request.get(HeaderId::CSeq)?.hash(&mut hasher);
        Some(Origin(hasher.finish()))
    }
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
    /// It is on its way along a recorded route, and an application is asked whether it may go on.
    pub(crate) is_passing: bool,
    /// The dialog it arrived in or has made.
    pub(crate) dialog: Option<DialogKey>,
    /// The id of the dialog that it arrived in, which a BYE outlives.
    pub(crate) told_dialog: Option<DialogId>,
    /// The application it was given to.
    pub(crate) owner: Option<AppId>,
    /// Its application has gone, and it was offered to another one.
    pub(crate) is_offered_again: bool,
    /// When the application must have given its first response.
    pub(crate) answer_by: Option<Instant>,
    pub(crate) reliable: Option<Box<ReliableProvisionals>>,
    /// What an answer of the application's becomes, if the INVITE names no call that it may
    /// replace (RFC 3891 §3).
    pub(crate) refused_with: Option<u16>,
    /// The session timer that a 2xx which is about to go grants.
    pub(crate) session: Option<Agreement>,
    /// When the last provisional response is sent again, so that no proxy on the way gives the
    /// call up (§13.3.1.1).
    pub(crate) ring_again: Option<Instant>,
    /// The caller has been told 180 with our tag.
    pub(crate) rings: bool,
    /// Times a request that starts something new.
    pub(crate) watch: Option<Stopwatch>,
    /// Its end is on record, although the final response has not been sent.
    pub(crate) is_over: bool,
    /// When a 100 is sent, unless something else has been by then (§17.2.1).
    pub(crate) trying_at: Option<Instant>,
}

impl ServerTransaction {
    pub(crate) fn new(
        id: TransactionId,
        reply_path: Path,
        matching: ServerMatch,
        open: OpenRequest,
        origin: Option<Origin>,
        is_invite: bool,
    ) -> ServerTransaction {
        ServerTransaction {
            size: open.request.text().len(),
            id,
            machine: ServerMachine::new(is_invite),
            user: ServerUser::Application,
            reply_path,
            last_response: None,
            open: Some(Box::new(open)),
            matching,
            origin,
            accepted: false,
            slot: TimerSlot::default(),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let open = self.open.as_deref().and_then(|open| {
            let reliable = open.reliable.as_deref().and_then(|r| r.deadline());
            let answer = earliest(open.answer_by, open.trying_at);
            earliest(earliest(answer, open.ring_again), reliable)
        });
        earliest(self.machine.deadline(), open)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ServerTable {
    /// In boxes, as those of the clients are.
    slots: SlotMap<ServerKey, Box<ServerTransaction>>,
    by_match: HashMap<ServerMatch, ServerKey>,
    /// The first request of each origin.
    by_origin: HashMap<Origin, ServerKey>,
    by_connection: ByConnection<ServerKey>,
    /// Bytes of all the requests.
    size: usize,
}

impl ServerTable {
    /// True if there are more than that part of the table is for.
    pub(crate) fn is_full(&self, claim: Claim, limits: &TableLimits) -> bool {
        self.slots.len() >= claim.share_of(limits.server_transactions)
            || self.size >= claim.share_of(limits.server_transaction_bytes)
    }

    pub(crate) fn insert(&mut self, transaction: ServerTransaction) -> ServerKey {
        let (matching, origin) = (transaction.matching, transaction.origin);
        let connection = transaction.reply_path.connection;
        self.size += transaction.size;
        let key = self.slots.insert(Box::new(transaction));
        self.by_match.insert(matching, key);
        self.by_connection.insert(connection, key);
        if let Some(origin) = origin {
            self.by_origin.entry(origin).or_insert(key);
        }
        key
    }

    pub(crate) fn remove(&mut self, key: ServerKey) -> Option<Box<ServerTransaction>> {
        let transaction = self.slots.remove(key)?;
        self.size -= transaction.size;
        self.by_match.remove(&transaction.matching);
        if let Some(Entry::Occupied(first)) = transaction.origin.map(|it| self.by_origin.entry(it))
        {
            if *first.get() == key {
                first.remove();
            }
        }
        let connection = transaction.reply_path.connection;
        self.by_connection.remove(connection, &key);
        Some(transaction)
    }

    /// The transactions whose request has come over a connection.
    pub(crate) fn on(&self, connection: ConnectionId) -> Vec<ServerKey> {
        self.by_connection.on(connection)
    }

    pub(crate) fn get(&self, key: ServerKey) -> Option<&ServerTransaction> {
        self.slots.get(key).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, key: ServerKey) -> Option<&mut ServerTransaction> {
        self.slots.get_mut(key).map(Box::as_mut)
    }

    pub(crate) fn find(&self, matching: ServerMatch) -> Option<ServerKey> {
        self.by_match.get(&matching).copied()
    }

    /// True if a copy of this request has come another way and been accepted.
    pub(crate) fn has_answered_twin(&self, key: ServerKey) -> bool {
        let origin = self
            .slots
            .get(key)
            .and_then(|transaction| transaction.origin);
        let first = origin.and_then(|origin| self.by_origin.get(&origin));
        first.is_some_and(|first| {
            *first != key && self.slots.get(*first).is_some_and(|twin| twin.accepted)
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ServerKey, &ServerTransaction)> {
        let slots = self.slots.iter();
        slots.map(|(key, transaction)| (key, transaction.as_ref()))
    }
}
