//! The dialogs that requests make at their receiver, and what our responses do to them
//! (RFC 3261 §12.1.1, §12.2.2).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::command::{AppId, DialogId};
use super::dialog::{CallUsage, Dialog, DialogSeed, Unacknowledged};
use super::event::Refusal;
use super::nat::replaced_address;
use super::offers::{has_session, Carrier, Offers, Side};
use super::path::Path;
use super::session_timer::Description;
use super::subscription::{self, refer_subscribes, Role};
use super::transaction::Backoff;
use super::{limits, DialogKey, Engine, ServerKey};
use crate::message::{HeaderId, Message, Method};

/// How often a call that rings says so (§13.3.1.1).
pub(super) const RING_INTERVAL: Duration = Duration::from_secs(60);

/// The response of an application that makes a dialog.
pub(super) struct Answer<'a> {
    pub(super) app: AppId,
    pub(super) request: &'a Message,
    pub(super) local_tag: &'a str,
    pub(super) contact: Option<&'a str>,
    pub(super) code: u16,
    pub(super) draft: Option<&'a Message>,
}

impl Engine {
    /// Makes the dialog of a request that can make one, or finds the one it is in.
    pub(super) fn note_dialog(
        &mut self,
        key: ServerKey,
        answer: &Answer<'_>,
    ) -> Result<(), Refusal> {
        let room = self.check_dialog_room();
        let Some(transaction) = self.servers.get_mut(key) else {
            return Ok(());
        };
        let reply_path = transaction.reply_path;
        let live = reply_path
            .connection
            .and_then(|id| self.connections.path(id));
        let path = live.unwrap_or(reply_path);
        let Some(open) = transaction.open.as_deref_mut() else {
            return Ok(());
        };
        let subscribes = match answer.request.method() {
            Some(Method::Refer) => answer
                .draft
                .is_none_or(|draft| refer_subscribes(answer.request, draft)),
            method => method == Some(Method::Subscribe),
        };
        let call = match answer.request.method() {
            Some(Method::Invite) => CallUsage::Live,
            _ if subscribes && answer.code >= 200 => CallUsage::Never,
            _ => return Ok(()),
        };
        if open.dialog.is_some() {
            return Ok(());
        }
        room?;
        let first_cseq = self.random.first_cseq();
        let seed = seed_of(answer, call, path, first_cseq)
            .ok_or_else(|| Refusal::MalformedResponse("the request lacks an identity".into()))?;
        let dialog = self.dialogs.insert(seed);
        open.dialog = Some(dialog);
        let replaced = replaced_address(answer.request, &path);
        self.dialogs.heard(dialog, path, replaced);
        if let (Some(dialog), CallUsage::Live) = (self.dialogs.get_mut(dialog), call) {
            dialog.open_server_invite = Some(key);
        }
        Ok(())
    }

    pub(super) fn check_dialog_room(&self) -> Result<(), Refusal> {
        let limit = self.limits.dialogs;
        if self.dialogs.len() < limit {
            Ok(())
        } else {
            Err(Refusal::LimitReached("dialogs", limit))
        }
    }

    /// What a response means for its dialog.
    pub(super) fn note_response(
        &mut self,
        now: Instant,
        key: ServerKey,
        request: &Message,
        code: u16,
        text: &Bytes,
    ) {
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let (path, invite) = (transaction.reply_path, transaction.id);
        let Some(open) = transaction.open.as_deref_mut() else {
            return;
        };
        let method = request.method();
        let timers = self.timers_config;
        if code < 200 {
            let rings = method == Some(Method::Invite);
            let limit = if rings {
                timers.ringing
            } else {
                timers.application
            };
            open.answer_by = Some(now + limit);
            // A reliable response is not sent again once it has been acknowledged.
            let repeats = rings && code > 100 && open.reliable.is_none();
            open.ring_again = repeats.then(|| now + RING_INTERVAL);
            return;
        }
        open.answer_by = None;
        let session = open.session.take();
        let Some(dialog_key) = open.dialog else {
            return;
        };
        let Some(dialog) = self.dialogs.get_mut(dialog_key) else {
            return;
        };
        if dialog.open_server_invite == Some(key) {
            dialog.open_server_invite = None;
        }
        if dialog.open_server_update == Some(key) {
            dialog.open_server_update = None;
        }
        dialog.offer_ended(Side::Theirs, method);
        if code >= 300 {
            if method == Some(Method::Invite) {
                dialog.offers.invite_failed();
                if !dialog.confirmed {
                    self.remove_dialog(dialog_key);
                }
            } else if method == Some(Method::Notify) && code == 481 {
                // RFC 6665 §4.4.1: so a subscriber does without one of several notifiers.
                self.subscription_refused(dialog_key, Role::Subscriber, request);
            }
            return;
        }
        if refreshes_target(method) {
            refresh_target(dialog, request);
        }
        match method {
            Some(Method::Invite) => {
                dialog.confirmed = true;
                dialog.unacknowledged = Some(Box::new(Unacknowledged {
                    response: text.clone(),
                    path,
                    invite,
                    cseq: request.cseq().map_or(0, |cseq| cseq.number),
                    repeat: Backoff::start(now, timers.t1),
                    give_up: now + timers.transaction_timeout(),
                }));
                let offers = &mut dialog.offers;
                let is_offer = offers.is_unsettled()
                    && Message::parse(text.clone()).is_ok_and(|ok| has_session(&ok));
                offers.carried(Side::Ours, Carrier::Success, is_offer);
            }
            Some(Method::Subscribe | Method::Refer) => {
                let granted = Message::parse(text.clone())
                    .ok()
                    .and_then(|response| subscription::granted(request, &response));
                if let Some((event, seconds)) = granted {
                    self.subscribe(now, dialog_key, Role::Notifier, event, seconds);
                }
            }
            _ => {}
        }
        let is_up = self.dialogs.get(dialog_key).is_some_and(|d| d.confirmed);
        if is_up && matches!(method, Some(Method::Invite | Method::Update)) {
            let refreshes = session.is_some_and(|session| session.we_refresh);
            let ours = refreshes
                .then(|| Message::parse(text.clone()).ok())
                .flatten()
                .and_then(|response| Description::of(&response));
            self.start_session(now, dialog_key, session, request, ours);
        }
        self.reschedule_dialog(dialog_key);
    }

    /// The owner's id for a dialog, and the id applications use.
    pub(super) fn dialog_owner(&self, key: DialogKey) -> Option<(AppId, DialogId)> {
        self.dialogs.get(key).map(|d| (d.owner, d.id.clone()))
    }
}

/// `<Call-ID>;from-tag=<tag>` of a request that was received.
pub(super) fn uas_dialog_id(request: &Message) -> Option<DialogId> {
    Some(DialogId::new(
        request.call_id().ok()?,
        request.from_tag().unwrap_or_default(),
    ))
}

/// The dialog that a request makes at its receiver (§12.1.1).
fn seed_of<'a>(
    answer: &Answer<'a>,
    call: CallUsage,
    path: Path,
    first_cseq: u32,
) -> Option<DialogSeed<'a>> {
    let request = answer.request;
    let to_text = request.get_str(HeaderId::To)?;
    let local = match request.to_tag() {
        Some(_) => to_text.to_string(),
        None => format!("{to_text};tag={}", answer.local_tag),
    };
    Some(DialogSeed {
        id: uas_dialog_id(request)?,
        owner: answer.app,
        call,
        offers: match call {
            CallUsage::Live => Offers::of_invite(Side::Theirs, request),
            _ => Offers::default(),
        },
        call_id: request.call_id().ok()?,
        local_tag: answer.local_tag,
        remote_tag: request.from_tag().unwrap_or_default(),
        local,
        remote: request.get_str(HeaderId::From)?.to_string(),
        local_cseq: first_cseq,
        remote_cseq: request.cseq().ok().map(|cseq| cseq.number),
        routes: record_routes(request).collect(),
        target: match request.target() {
            Some(target) => target,
            None => request.from().ok()?.parse_uri().ok()?.without_headers(),
        },
        contact: answer.contact.unwrap_or_default().to_string(),
        path,
    })
}

/// The route set that a message records, in its order.
pub(super) fn record_routes(message: &Message) -> impl Iterator<Item = Box<str>> + '_ {
    message
        .values(HeaderId::RecordRoute)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .map(Box::from)
        .take(limits::MAX_ROUTES)
}

/// Requests whose Contact is the sender's new target once they are accepted (§12.2; RFC 3311
/// §5, RFC 6665 §4.4.1, RFC 5057 §5.4).
pub(super) fn refreshes_target(method: Option<Method<'_>>) -> bool {
    matches!(
        method,
        Some(Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer)
    )
}

/// The peer may move: its Contact is the new remote target (§12.2.2).
pub(super) fn refresh_target(dialog: &mut Dialog, message: &Message) {
    if let Some(uri) = message.target() {
        if uri != &*dialog.target {
            dialog.target = uri.into();
        }
    }
}
