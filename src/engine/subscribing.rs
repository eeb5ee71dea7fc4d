//! SUBSCRIBEs and REFERs that were sent outside a dialog and may still be answered by NOTIFYs of
//! notifiers that are not known yet (RFC 6665 §4.1.2.4, §4.4.1).
//!
//! A NOTIFY may overtake the response to its SUBSCRIBE, and a SUBSCRIBE that forked has several
//! notifiers of which only one can respond. Each of them makes a dialog with its first NOTIFY.

use std::collections::HashMap;
use std::time::Instant;

use slotmap::SlotMap;

use super::command::{AppId, DialogId};
use super::dialog::{CallUsage, DialogSeed};
use super::offers::Offers;
use super::path::Path;
use super::subscription::{self, Role};
use super::timers::{TimerOwner, TimerSlot};
use super::uas_dialog::record_routes;
use super::{limits, DialogKey, Engine, SubscribingKey};
use crate::message::{HeaderId, Message, Method};

/// A SUBSCRIBE or REFER that NOTIFYs are expected for.
#[derive(Debug)]
pub(crate) struct Subscribing {
    id: DialogId,
    app: AppId,
    request: Message,
    /// Timer N: notifiers that have not been heard of by then have no dialog.
    until: Instant,
    slot: TimerSlot,
}

#[derive(Debug, Default)]
pub(crate) struct SubscribingTable {
    slots: SlotMap<SubscribingKey, Subscribing>,
    by_id: HashMap<DialogId, SubscribingKey>,
}

impl SubscribingTable {
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    fn find(&self, id: &DialogId) -> Option<&Subscribing> {
        self.slots.get(*self.by_id.get(id)?)
    }
}

impl Engine {
    /// A SUBSCRIBE or REFER outside a dialog was sent.
    pub(super) fn expect_notifies(
        &mut self,
        now: Instant,
        app: AppId,
        id: &DialogId,
        request: &Message,
    ) {
        self.expect_no_notifies(id);
        let until = now + self.timers_config.transaction_timeout();
        let key = self.subscribing.slots.insert(Subscribing {
            id: id.clone(),
            app,
            request: request.clone(),
            until,
            slot: TimerSlot::default(),
        });
        self.subscribing.by_id.insert(id.clone(), key);
        if let Some(subscribing) = self.subscribing.slots.get_mut(key) {
            let (owner, slot) = (TimerOwner::Subscribing(key), &mut subscribing.slot);
            self.timers.schedule(owner, slot, Some(until));
        }
    }

    /// It was refused, or asked for no subscription.
    pub(super) fn expect_no_notifies(&mut self, id: &DialogId) {
        if let Some(key) = self.subscribing.by_id.get(id).copied() {
            self.remove_subscribing(key);
        }
    }

    /// Nobody waits for the notifications of an application that has gone.
    pub(super) fn expect_no_notifies_of(&mut self, app: AppId) {
        let slots = self.subscribing.slots.iter();
        let of_app: Vec<_> = slots.filter(|(_, one)| one.app == app).collect();
        let keys: Vec<SubscribingKey> = of_app.into_iter().map(|(key, _)| key).collect();
        for key in keys {
            self.remove_subscribing(key);
        }
    }

    /// Another application waits for them in the place of one that has gone.
    pub(super) fn pass_on_subscribing(&mut self, from: AppId, heir: AppId) {
        for one in self.subscribing.slots.values_mut() {
            if one.app == from {
                one.app = heir;
            }
        }
    }

    pub(super) fn subscribing_timeout(&mut self, now: Instant, key: SubscribingKey) {
        let is_over = |one: &Subscribing| one.until <= now;
        if self.subscribing.slots.get(key).is_some_and(is_over) {
            self.remove_subscribing(key);
        }
    }

    fn remove_subscribing(&mut self, key: SubscribingKey) {
        if let Some(mut one) = self.subscribing.slots.remove(key) {
            let owner = TimerOwner::Subscribing(key);
            self.timers.schedule(owner, &mut one.slot, None);
            self.subscribing.by_id.remove(&one.id);
        }
    }

    /// Whether this is a NOTIFY to a SUBSCRIBE of ours whose notifiers are not all known.
    pub(super) fn expects(&self, notify: &Message) -> bool {
        let id = || Some(DialogId::new(notify.call_id().ok()?, notify.to_tag()?));
        notify.method() == Some(Method::Notify)
            && id().is_some_and(|id| self.subscribing.find(&id).is_some())
    }

    /// The dialog that the first NOTIFY of a notifier makes.
    pub(super) fn dialog_of_notifier(
        &mut self,
        now: Instant,
        path: Path,
        notify: &Message,
    ) -> Option<DialogKey> {
        if notify.method() != Some(Method::Notify) || self.check_dialog_room().is_err() {
            return None;
        }
        let from = notify.from().ok()?;
        let (call_id, local_tag) = (notify.call_id().ok()?, notify.to_tag()?);
        let id = DialogId::new(call_id, local_tag);
        let subscribing = self.subscribing.find(&id)?;
        if self.dialogs.forks(&id).len() >= limits::MAX_FORKS {
            return None;
        }
        let (app, request) = (subscribing.app, subscribing.request.clone());
        let (event, seconds) = subscription::expected(&request, notify)?;
        let key = self.dialogs.insert(DialogSeed {
            id,
            owner: app,
            call: CallUsage::Never,
            offers: Offers::default(),
            call_id,
            local_tag,
            remote_tag: from.tag()?,
            local: request.get_str(HeaderId::From)?.to_string(),
            remote: notify.get_str(HeaderId::From)?.to_string(),
            local_cseq: request.cseq().ok()?.number,
            remote_cseq: None,
            routes: record_routes(notify).collect(),
            target: notify
                .target()
                .unwrap_or(from.parse_uri().ok()?.without_headers()),
            contact: request
                .get_str(HeaderId::Contact)
                .unwrap_or_default()
                .to_string(),
            path,
        });
        self.subscribe(now, key, Role::Subscriber, event, seconds);
        Some(key)
    }
}
