//! The session timers of calls at work: what is put into messages, refreshes of the engine's own,
//! and the end of a call that is not refreshed (RFC 4028 §7, §9, §10).

use std::time::{Duration, Instant};

use super::ack::HangUp;
use super::cdr::StopReason;
use super::compose::Writer;
use super::dialog::CallUsage;
use super::limits::Claim;
use super::offers::{Carrier, Side};
use super::path::Path;
use super::session_timer::{
    agreed, grant, knows_timers, min_se, takes_update, too_brief, with_expires, Agreement,
    Description, Refresher, SessionExpires, SessionTimer,
};
use super::transaction::client::ClientUser;
use super::uas_dialog::refresh_target;
use super::{ClientKey, DialogKey, Engine, ServerKey};
use crate::message::{HeaderId, Message, Method};

/// Why a call ended that nobody refreshed; applications see this text.
const EXPIRED: HangUp = HangUp {
    reason: "SIP ;cause=200 ;text=\"Session timer expired\"",
    on_record: StopReason::SessionExpired,
};

/// The longest wait before a refresh is tried again, whatever the peer asks for.
const MAX_RETRY_AFTER: u32 = 30;

impl Engine {
    /// The Min-SE of a 422 to a request whose interval is too small, which no application need
    /// be asked about.
    pub(super) fn session_too_brief(&self, request: &Message) -> Option<(HeaderId, String)> {
        if !changes_session(request.method()) {
            return None;
        }
        let least = too_brief(&self.session_timers, request)?;
        Some((HeaderId::MinSe, least.to_string()))
    }

    /// An application's INVITE or UPDATE with the Session-Expires it needs; `None` if it needs
    /// none beside its own.
    pub(super) fn with_session_timer(
        &self,
        dialog: Option<DialogKey>,
        draft: &Message,
    ) -> Option<Message> {
        let method = draft.method();
        if !changes_session(method) {
            return None;
        }
        let config = &self.session_timers;
        let running = dialog
            .and_then(|key| self.dialogs.get(key))
            .and_then(|dialog| dialog.session.as_deref());
        let offered = || SessionExpires {
            seconds: config.expires.unwrap_or_default(),
            refresher: None,
        };
        let own = SessionExpires::of(draft);
        let is_offered = method == Some(Method::Invite) && config.expires.is_some();
        let expires = own
            .or_else(|| running.map(SessionTimer::to_go_on))
            .or_else(|| is_offered.then(offered))?;
        let least = running.map_or(config.min_se, |running| running.min_se.max(config.min_se));
        with_expires(draft, expires, least, false)
    }

    /// An application's 2xx with the Session-Expires that it grants; `None` if it grants none.
    pub(super) fn grant_session(
        &mut self,
        key: ServerKey,
        request: &Message,
        code: u16,
        draft: &Message,
    ) -> Option<Message> {
        if !(200..300).contains(&code) || !changes_session(request.method()) {
            return None;
        }
        let transaction = self.servers.get_mut(key)?;
        let open = transaction.open.as_deref_mut()?;
        let dialog = open.dialog.and_then(|dialog| self.dialogs.get(dialog));
        let is_early = dialog.is_none_or(|dialog| !dialog.confirmed);
        if request.method() == Some(Method::Update) && is_early {
            return None; // The 2xx to the INVITE decides.
        }
        let running = dialog.and_then(|dialog| dialog.session.as_deref());
        let chosen = SessionExpires::of(draft);
        let granted = grant(&self.session_timers, request, chosen, running)?;
        open.session = Some(Agreement {
            seconds: granted.seconds,
            we_refresh: granted.refresher == Some(Refresher::Uas),
        });
        with_expires(draft, granted, 0, knows_timers(request))
    }

    /// A 2xx of the peer's to an application's INVITE or UPDATE.
    pub(super) fn session_answered(
        &mut self,
        now: Instant,
        key: DialogKey,
        client: ClientKey,
        response: &Message,
    ) {
        let Some(dialog) = self.dialogs.get(key).filter(|dialog| dialog.confirmed) else {
            return;
        };
        if dialog.session.is_none() && !response.has(HeaderId::SessionExpires) {
            return;
        }
        let request = self.clients.get(client).and_then(|t| t.request.as_ref());
        let Some(request) = request.filter(|request| changes_session(request.method())) else {
            return;
        };
        let ours = Description::of(request);
        self.start_session(now, key, agreed(response), response, ours);
    }

    /// The timer of a call starts, goes on or is gone, as its sides have agreed.
    pub(super) fn start_session(
        &mut self,
        now: Instant,
        key: DialogKey,
        agreement: Option<Agreement>,
        theirs: &Message,
        ours: Option<Description>,
    ) {
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return;
        };
        if dialog.call != CallUsage::Live {
            return;
        }
        let earlier = dialog.session.take();
        dialog.session = agreement.map(|agreement| {
            let mut session = SessionTimer::start(now, agreement);
            let earlier = earlier.map(|earlier| *earlier);
            let (took_update, described, least) = earlier.map_or((false, None, 0), |earlier| {
                (earlier.takes_update, earlier.description, earlier.min_se)
            });
            session.takes_update = takes_update(theirs).unwrap_or(took_update);
            session.description = ours.or(described);
            session.min_se = session.min_se.max(least);
            Box::new(session)
        });
        self.reschedule_dialog(key);
    }

    /// The application has described the session in an ACK.
    pub(super) fn note_description(&mut self, key: DialogKey, ack: &Message) {
        let session = self
            .dialogs
            .get_mut(key)
            .and_then(|d| d.session.as_deref_mut());
        if let (Some(session), Some(description)) = (session, Description::of(ack)) {
            session.description = Some(description);
        }
    }

    /// It is time to refresh a call, or to end it.
    pub(super) fn session_timeout(&mut self, now: Instant, key: DialogKey) {
        let Some(session) = self.dialogs.get(key).and_then(|d| d.session.as_deref()) else {
            return;
        };
        if session.ends_at <= now {
            self.abandon_open_invite(now, key);
            self.end_call(now, key, EXPIRED);
        } else if session.deadline().is_some_and(|at| at <= now) && !self.refresh(now, key) {
            let wait = self.random.glare_wait();
            self.refresh_after(key, now + wait);
        }
    }

    fn refresh_after(&mut self, key: DialogKey, at: Instant) {
        let session = self
            .dialogs
            .get_mut(key)
            .and_then(|d| d.session.as_deref_mut());
        if let Some(session) = session {
            session.refresh_at = Some(at);
        }
        self.reschedule_dialog(key);
    }

    /// Sends a refresh: an UPDATE, or an INVITE that offers what is agreed already. False if it
    /// must wait.
    fn refresh(&mut self, now: Instant, key: DialogKey) -> bool {
        let Some(dialog) = self.dialogs.get(key) else {
            return false;
        };
        let is_busy = dialog.open_client_invite.is_some()
            || dialog.open_server_invite.is_some()
            || dialog.unacknowledged.is_some()
            || dialog.acknowledgement.is_some()
            || dialog.offers.pending().is_some();
        let Some(session) = dialog.session.as_deref().filter(|_| !is_busy) else {
            return false;
        };
        let described = session
            .description
            .clone()
            .filter(|_| !session.takes_update);
        let (method, body) = match &described {
            Some(description) => ("INVITE", &*description.body),
            None => ("UPDATE", &[][..]),
        };
        let mut draft = Writer::request(method, "sip:placeholder");
        draft.header(HeaderId::SessionExpires, session.to_go_on().to_string());
        draft.header(HeaderId::MinSe, session.min_se.to_string());
        draft.header(HeaderId::Supported, "timer");
        if let Some(description) = &described {
            draft.header(HeaderId::ContentType, description.content_type.as_bytes());
        }
        let text = draft.finish(body);
        let sent = Message::parse_draft(text)
            .ok()
            .and_then(|draft| self.send_refresh(now, key, method, &draft));
        let Some(client) = sent else {
            return false;
        };
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return false;
        };
        if described.is_some() {
            dialog.open_client_invite = Some(client);
            dialog.offers.carried(Side::Ours, Carrier::Invite, true);
        }
        if let Some(session) = dialog.session.as_deref_mut() {
            session.refreshing = Some(client);
        }
        self.reschedule_dialog(key);
        true
    }

    fn send_refresh(
        &mut self,
        now: Instant,
        key: DialogKey,
        method: &str,
        draft: &Message,
    ) -> Option<ClientKey> {
        self.check_client_room(Claim::Established).ok()?;
        let path = self.dialog_path_now(key)?;
        let cseq = self.next_cseq(key)?;
        let branch = self.random.branch();
        let text = self.compose_with_branch(key, method, cseq, &path, Some(draft), branch)?;
        let message = Message::parse(text).ok()?;
        let user = ClientUser::Refresh(key);
        Some(self.open_client_transaction(now, user, path, branch, &message))
    }

    /// A refresh was answered, or nobody has answered it.
    pub(super) fn refresh_response(
        &mut self,
        now: Instant,
        path: Path,
        key: ClientKey,
        dialog_key: DialogKey,
        status: u16,
        response: &Message,
    ) {
        if status < 200 {
            return;
        }
        let request = self.clients.get_mut(key).and_then(|t| t.request.take());
        let Some(request) = request else {
            self.repeat_ack(key);
            return;
        };
        if status < 300 {
            self.refreshed(now, path, key, dialog_key, &request, response);
        } else {
            let retry_after = response
                .get_str(HeaderId::RetryAfter)
                .and_then(|value| value.split([';', ' ', '(']).next()?.parse().ok());
            self.refresh_failed(now, key, dialog_key, status, min_se(response), retry_after);
        }
    }

    fn refreshed(
        &mut self,
        now: Instant,
        path: Path,
        key: ClientKey,
        dialog_key: DialogKey,
        request: &Message,
        response: &Message,
    ) {
        self.refresh_ended(key, dialog_key);
        let Some(dialog) = self.dialogs.get_mut(dialog_key) else {
            return;
        };
        dialog.path = path;
        refresh_target(dialog, response);
        dialog.offers.ended(Side::Ours, Carrier::Invite);
        if request.method() == Some(Method::Invite) {
            let cseq = request.cseq().map_or(0, |cseq| cseq.number);
            let ack = self.acknowledge(dialog_key, cseq);
            if let Some(transaction) = self.clients.get_mut(key) {
                transaction.ack = ack.map(Box::new);
            }
        }
        self.start_session(now, dialog_key, agreed(response), response, None);
        self.release(now, dialog_key);
    }

    /// §10: a peer that knows no such call, or is not heard, ends it. Otherwise the refresh is
    /// tried again for as long as the session lasts.
    pub(super) fn refresh_failed(
        &mut self,
        now: Instant,
        key: ClientKey,
        dialog_key: DialogKey,
        status: u16,
        least: u32,
        retry_after: Option<u32>,
    ) {
        self.refresh_ended(key, dialog_key);
        let wait = match (status, retry_after) {
            (500.., Some(seconds)) => Duration::from_secs(seconds.min(MAX_RETRY_AFTER).into()),
            _ => self.random.glare_wait(),
        };
        let Some(dialog) = self.dialogs.get_mut(dialog_key) else {
            return;
        };
        dialog.offers.ended(Side::Ours, Carrier::Invite);
        let Some(session) = dialog.session.as_deref_mut() else {
            // The peer has ended the session meanwhile, not the call.
            self.release(now, dialog_key);
            return;
        };
        let mut at = now + wait;
        match status {
            408 | 481 => {
                self.end_call(now, dialog_key, EXPIRED);
                return;
            }
            422 if least > session.agreement.seconds => {
                session.agreement.seconds = least;
                session.min_se = least;
                at = now;
            }
            405 | 501 if session.takes_update && session.description.is_some() => {
                session.takes_update = false;
                at = now;
            }
            _ => {}
        }
        self.refresh_after(dialog_key, at);
        self.release(now, dialog_key);
    }

    /// No refresh is under way any more.
    fn refresh_ended(&mut self, key: ClientKey, dialog: DialogKey) {
        let Some(dialog) = self.dialogs.get_mut(dialog) else {
            return;
        };
        if dialog.open_client_invite == Some(key) {
            dialog.open_client_invite = None;
        }
        if let Some(session) = dialog.session.as_deref_mut() {
            session.refreshing = session.refreshing.filter(|open| *open != key);
        }
    }
}

/// Requests that start, refresh or end a session timer.
fn changes_session(method: Option<Method<'_>>) -> bool {
    matches!(method, Some(Method::Invite | Method::Update))
}
