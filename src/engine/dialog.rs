//! Dialogs (RFC 3261 §12) and the table of them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use ahash::HashMap;
use bytes::Bytes;
use slotmap::SlotMap;

use super::command::{AppId, Command, DialogId, TransactionId};
use super::connections::ByConnection;
use super::offers::Offers;
use super::path::{ConnectionId, Path};
use super::session_timer::SessionTimer;
use super::subscription::Subscription;
use super::timers::{earliest, TimerSlot};
use super::transaction::Backoff;
use super::{ClientKey, DialogKey, ServerKey};

/// A peer-to-peer relationship with one remote tag. A request that forks makes several.
#[derive(Debug)]
pub(crate) struct Dialog {
    /// The id that applications use; the dialogs of one fork share it.
    pub(crate) id: DialogId,
    pub(crate) owner: AppId,
    /// Whether there is a call in it.
    pub(crate) call: CallUsage,
    /// The subscriptions in it.
    pub(crate) subscriptions: Vec<Subscription>,
    /// False while early.
    pub(crate) confirmed: bool,
    pub(crate) call_id: Box<str>,
    /// The From of requests we send, tag included.
    pub(crate) local: Box<str>,
    /// The To of requests we send, tag included.
    pub(crate) remote: Box<str>,
    /// The highest CSeq number used by us.
    pub(crate) local_cseq: u32,
    /// The highest CSeq number used by the peer.
    pub(crate) remote_cseq: Option<u32>,
    /// The route set, in the order of the Route headers.
    pub(crate) routes: Box<[Box<str>]>,
    /// The remote target: a URI.
    pub(crate) target: Box<str>,
    /// The value of our Contact.
    pub(crate) contact: Box<str>,
    /// How the peer was last heard.
    pub(crate) path: Path,
    /// The address that the peer believes to have and a translator has replaced.
    pub(crate) replaced: Option<IpAddr>,
    /// A 2xx of ours that no ACK has come for.
    pub(crate) unacknowledged: Option<Box<Unacknowledged>>,
    /// A 2xx of the peer's that the application has not acknowledged.
    pub(crate) acknowledgement: Option<Box<Acknowledgement>>,
    /// Send a BYE as soon as the 2xx is acknowledged: it crossed our CANCEL.
    pub(crate) bye_after_ack: bool,
    /// The peer's INVITE that has no final response yet.
    pub(crate) open_server_invite: Option<ServerKey>,
    /// Our INVITE that has no final response yet.
    pub(crate) open_client_invite: Option<ClientKey>,
    /// The peer's UPDATE that has no final response yet.
    pub(crate) open_server_update: Option<ServerKey>,
    /// The offer that awaits its answer.
    pub(crate) offers: Offers,
    /// The session timer of the call.
    pub(crate) session: Option<Box<SessionTimer>>,
    /// What the application wants to send and may not yet.
    pub(crate) held: Vec<Command>,
    /// The RSeq of the last reliable provisional response of the peer's (RFC 3262 §4).
    pub(crate) remote_rseq: Option<u32>,
    /// When a call is forgotten whose peer no BYE can reach.
    pub(crate) expires: Option<Instant>,
    /// The end of its call is on record.
    pub(crate) is_over: bool,
    key: Arc<str>,
    pub(crate) slot: TimerSlot,
}

/// The invite usage of a dialog (RFC 5057): a BYE ends it and leaves the subscriptions, which
/// keep the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallUsage {
    /// A subscription has made the dialog.
    Never,
    /// The call rings or is up.
    Live,
    Over,
}

/// A 2xx to an INVITE, repeated until its ACK comes (RFC 3261 §13.3.1.4).
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    pub(crate) response: Bytes,
    pub(crate) path: Path,
    /// The INVITE that it answers.
    pub(crate) invite: TransactionId,
    pub(crate) cseq: u32,
    pub(crate) repeat: Backoff,
    pub(crate) give_up: Instant,
}

/// A 2xx that was received and awaits the ACK of the application.
#[derive(Debug)]
pub(crate) struct Acknowledgement {
    /// The INVITE that it answers, which keeps the ACK for repetitions of the 2xx.
    pub(crate) client: ClientKey,
    pub(crate) invite: TransactionId,
    pub(crate) cseq: u32,
    /// When the peer has stopped waiting for it.
    pub(crate) give_up: Instant,
}

/// What a new dialog starts with.
pub(crate) struct DialogSeed<'a> {
    pub(crate) id: DialogId,
    pub(crate) owner: AppId,
    pub(crate) call: CallUsage,
    pub(crate) offers: Offers,
    pub(crate) call_id: &'a str,
    pub(crate) local_tag: &'a str,
    pub(crate) remote_tag: &'a str,
    pub(crate) local: String,
    pub(crate) remote: String,
    pub(crate) local_cseq: u32,
    pub(crate) remote_cseq: Option<u32>,
    pub(crate) routes: Vec<Box<str>>,
    pub(crate) target: &'a str,
    pub(crate) contact: String,
    pub(crate) path: Path,
}

impl Dialog {
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let unacknowledged = self
            .unacknowledged
            .as_deref()
            .map(|u| u.repeat.next.min(u.give_up));
        let acknowledgement = self.acknowledgement.as_deref().map(|a| a.give_up);
        let lapse = self.subscriptions.iter().map(|one| one.expires).min();
        let session = self.session.as_deref().and_then(SessionTimer::deadline);
        earliest(
            earliest(earliest(unacknowledged, acknowledgement), session),
            earliest(self.expires, lapse),
        )
    }

    /// True if the peer has made the dialog: its id has the tag of who did.
    fn is_theirs(&self) -> bool {
        let tag = self.id.as_str().rsplit_once(";from-tag=");
        tag.is_some_and(|(_, tag)| self.remote.contains(tag))
    }

    /// True while a refresh of the engine's own has no answer.
    pub(crate) fn is_refreshing(&self) -> bool {
        let session = self.session.as_deref();
        session.is_some_and(|session| session.refreshing.is_some())
    }

    /// True if nothing needs the dialog any more (RFC 5057 §4.1).
    pub(crate) fn is_unused(&self) -> bool {
        self.call != CallUsage::Live && self.subscriptions.is_empty()
    }
}

#[derive(Debug, Default)]
pub(crate) struct DialogTable {
    /// In boxes, as transactions are.
    slots: SlotMap<DialogKey, Box<Dialog>>,
    by_tags: HashMap<Arc<str>, DialogKey>,
    by_id: HashMap<DialogId, Vec<DialogKey>>,
    by_connection: ByConnection<DialogKey>,
}

impl DialogTable {
    pub(crate) fn insert(&mut self, seed: DialogSeed<'_>) -> DialogKey {
        let key: Arc<str> = tags_key(seed.call_id, seed.local_tag, seed.remote_tag).into();
        let id = seed.id.clone();
        let slot = self.slots.insert(Box::new(Dialog {
            id: seed.id,
            owner: seed.owner,
            call: seed.call,
            subscriptions: Vec::new(),
            confirmed: false,
            call_id: seed.call_id.into(),
            local: seed.local.into(),
            remote: seed.remote.into(),
            local_cseq: seed.local_cseq,
            remote_cseq: seed.remote_cseq,
            routes: seed.routes.into(),
            target: seed.target.into(),
            contact: seed.contact.into(),
            path: seed.path,
            replaced: None,
            unacknowledged: None,
            acknowledgement: None,
            bye_after_ack: false,
            open_server_invite: None,
            open_client_invite: None,
            open_server_update: None,
            offers: seed.offers,
            session: None,
            held: Vec::new(),
            remote_rseq: None,
            expires: None,
            is_over: false,
            key: key.clone(),
            slot: TimerSlot::default(),
        }));
        self.by_connection.insert(seed.path.connection, slot);
        self.by_tags.insert(key, slot);
        self.by_id.entry(id).or_default().push(slot);
        slot
    }

    /// The confirmed ones that peers have made, and those that were made here.
    pub(crate) fn count_confirmed(&self) -> (usize, usize) {
        let confirmed = self.slots.values().filter(|dialog| dialog.confirmed);
        confirmed.fold((0, 0), |(theirs, ours), dialog| match dialog.is_theirs() {
            true => (theirs + 1, ours),
            false => (theirs, ours + 1),
        })
    }

    pub(crate) fn remove(&mut self, key: DialogKey) -> Option<Box<Dialog>> {
        let dialog = self.slots.remove(key)?;
        self.by_connection.remove(dialog.path.connection, &key);
        if self.by_tags.get(&dialog.key) == Some(&key) {
            self.by_tags.remove(&dialog.key);
        }
        self.forget_id(&dialog.id, key);
        Some(dialog)
    }

    /// Gives a dialog an id of its own.
    pub(crate) fn rename(&mut self, key: DialogKey, id: DialogId) {
        let Some(dialog) = self.slots.get_mut(key) else {
            return;
        };
        let before = std::mem::replace(&mut dialog.id, id.clone());
        self.by_id.entry(id).or_default().push(key);
        self.forget_id(&before, key);
    }

    fn forget_id(&mut self, id: &DialogId, key: DialogKey) {
        if let Some(forks) = self.by_id.get_mut(id) {
            forks.retain(|fork| *fork != key);
            if forks.is_empty() {
                self.by_id.remove(id);
            }
        }
    }

    /// The peer was heard: that is the way to it from now on.
    pub(crate) fn heard(&mut self, key: DialogKey, path: Path, replaced: Option<IpAddr>) {
        if let Some(dialog) = self.slots.get_mut(key) {
            self.by_connection.remove(dialog.path.connection, &key);
            self.by_connection.insert(path.connection, key);
            dialog.path = path;
            dialog.replaced = replaced;
        }
    }

    /// The connection on which the peer was last heard has ended.
    pub(crate) fn disconnect(&mut self, key: DialogKey) {
        if let Some(dialog) = self.slots.get_mut(key) {
            self.by_connection.remove(dialog.path.connection, &key);
            dialog.path.connection = None;
        }
    }

    /// The dialogs whose peer was last heard on a connection.
    pub(crate) fn on(&self, connection: ConnectionId) -> Vec<DialogKey> {
        self.by_connection.on(connection)
    }

    pub(crate) fn get(&self, key: DialogKey) -> Option<&Dialog> {
        self.slots.get(key).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, key: DialogKey) -> Option<&mut Dialog> {
        self.slots.get_mut(key).map(Box::as_mut)
    }

    /// The dialog of a message that was received (§12.2.2).
    pub(crate) fn find(
        &self,
        call_id: &str,
        local_tag: &str,
        remote_tag: &str,
    ) -> Option<DialogKey> {
        if self.by_tags.is_empty() {
            return None; // As in an engine that does nothing but proxy.
        }
        self.by_tags
            .get(tags_key(call_id, local_tag, remote_tag).as_str())
            .copied()
    }

    /// The dialog that its owner means: the confirmed one, else the newest fork. An id names two
    /// confirmed dialogs if a call has come back here, one for each side; they may have one
    /// owner, for whom the newer will do, or two.
    pub(crate) fn find_by_id(&self, id: &DialogId, owner: AppId) -> Option<DialogKey> {
        self.newest(id, |dialog| dialog.owner == owner && dialog.confirmed)
            .or_else(|| self.newest(id, |dialog| dialog.owner == owner))
    }

    /// The newest dialog of that id which is as wanted.
    pub(crate) fn newest(
        &self,
        id: &DialogId,
        is_wanted: impl Fn(&Dialog) -> bool,
    ) -> Option<DialogKey> {
        let mut newest = self.forks(id).iter().rev().copied();
        newest.find(|key| self.get(*key).is_some_and(&is_wanted))
    }

    /// The forks that share an id, oldest first.
    pub(crate) fn forks(&self, id: &DialogId) -> &[DialogKey] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = DialogKey> + '_ {
        self.slots.keys()
    }
}

/// Tags are compared as they are written; the separator can't be part of a header value.
fn tags_key(call_id: &str, local_tag: &str, remote_tag: &str) -> String {
    let length = call_id.len() + local_tag.len() + remote_tag.len() + 2;
    let mut key = String::with_capacity(length);
    for part in [call_id, "\n", local_tag, "\n", remote_tag] {
        key.push_str(part);
    }
    key
}
