//! The dialogs that requests make at their receiver, and what our responses do to them
//! (RFC 3261 §12.1.1, §12.2.2).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::command::{AppId, DialogId};
use super::config::Timers;
use super::dialog::{Dialog, DialogSeed, Unacknowledged, Usage};
use super::event::Refusal;
use super::path::Path;
use super::transaction::Backoff;
use super::{limits, DialogKey, Engine, ServerKey};
use crate::message::{HeaderId, Message, Method, NameAddr};

/// How often a call that rings says so (§13.3.1.1).
pub(super) const RING_INTERVAL: Duration = Duration::from_secs(60);

/// The lifetime of a subscription whose response names none, in seconds.
const DEFAULT_SUBSCRIPTION: u32 = 3600;

/// The response of an application that makes a dialog.
pub(super) struct Answer<'a> {
    pub(super) app: AppId,
    pub(super) request: &'a Message,
    pub(super) local_tag: &'a str,
    pub(super) contact: Option<&'a str>,
    pub(super) code: u16,
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
        let path = transaction.reply_path;
        let Some(open) = transaction.open.as_deref_mut() else {
            return Ok(());
        };
        let usage = match answer.request.method() {
            Some(Method::Invite) => Usage::Invite,
            Some(Method::Subscribe) if answer.code >= 200 => Usage::Subscribe,
            _ => return Ok(()),
        };
        if open.dialog.is_some() {
            return Ok(());
        }
        room?;
        let first_cseq = self.random.first_cseq();
        let seed = seed_of(answer, usage, path, first_cseq)
            .ok_or_else(|| Refusal::MalformedResponse("the request lacks an identity".into()))?;
        let dialog = self.dialogs.insert(seed);
        open.dialog = Some(dialog);
        if let (Some(dialog), Usage::Invite) = (self.dialogs.get_mut(dialog), usage) {
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
        let Some(dialog_key) = open.dialog else {
            return;
        };
        let Some(dialog) = self.dialogs.get_mut(dialog_key) else {
            return;
        };
        if dialog.open_server_invite == Some(key) {
            dialog.open_server_invite = None;
        }
        if code >= 300 {
            if !dialog.confirmed && method == Some(Method::Invite) {
                self.remove_dialog(dialog_key);
            }
            return;
        }
        match method {
            Some(Method::Invite) => {
                dialog.confirmed = true;
                let earlier = dialog.unacknowledged.take();
                dialog.unacknowledged = Some(Box::new(Unacknowledged {
                    response: text.clone(),
                    path,
                    invite,
                    cseq: request.cseq().map_or(0, |cseq| cseq.number),
                    repeat: Backoff::start(now, timers.t1),
                    give_up: now + timers.transaction_timeout(),
                    bye: earlier.and_then(|waiting| waiting.bye),
                }));
                refresh_target(dialog, request);
            }
            Some(Method::Update) => refresh_target(dialog, request),
            Some(Method::Subscribe) => {
                dialog.confirmed = true;
                refresh_target(dialog, request);
                if dialog.usage == Usage::Subscribe {
                    let granted = Message::parse(text.clone())
                        .ok()
                        .and_then(|response| response.expires())
                        .or(request.expires())
                        .unwrap_or(DEFAULT_SUBSCRIPTION);
                    dialog.expires = Some(subscription_end(now, granted, &timers));
                }
            }
            _ => {}
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
    let from = request.from().ok()?;
    Some(DialogId::new(
        request.call_id().ok()?,
        from.tag().unwrap_or_default(),
    ))
}

/// The dialog that a request makes at its receiver (§12.1.1).
fn seed_of<'a>(
    answer: &Answer<'a>,
    usage: Usage,
    path: Path,
    first_cseq: u32,
) -> Option<DialogSeed<'a>> {
    let request = answer.request;
    let (from, to) = (request.from().ok()?, request.to().ok()?);
    let to_text = request.get_str(HeaderId::To)?;
    let local = match to.tag() {
        Some(_) => to_text.to_string(),
        None => format!("{to_text};tag={}", answer.local_tag),
    };
    let contact = request.contact().ok().flatten();
    Some(DialogSeed {
        id: uas_dialog_id(request)?,
        owner: answer.app,
        usage,
        call_id: request.call_id().ok()?,
        local_tag: answer.local_tag,
        remote_tag: from.tag().unwrap_or_default(),
        local,
        remote: request.get_str(HeaderId::From)?.to_string(),
        local_cseq: first_cseq,
        remote_cseq: request.cseq().ok().map(|cseq| cseq.number),
        routes: record_routes(request).collect(),
        target: contact.map_or(from.uri, |contact| contact.uri),
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

/// The peer may move: its Contact is the new remote target (§12.2.2).
pub(super) fn refresh_target(dialog: &mut Dialog, message: &Message) {
    if let Ok(Some(NameAddr { uri, .. })) = message.contact() {
        if uri != &*dialog.target {
            dialog.target = uri.into();
        }
    }
}

/// When a subscription has surely lapsed: its lifetime and one transaction more.
pub(super) fn subscription_end(now: Instant, seconds: u32, timers: &Timers) -> Instant {
    now + Duration::from_secs(seconds.into()) + timers.transaction_timeout()
}
