//! Requests that applications answer (RFC 3261 §8.2).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::command::{AppId, CommandId, DialogId, TransactionId};
use super::compose::ResponseParts;
use super::event::{Meta, Refusal, Reply};
use super::latency::Stopwatch;
use super::path::{Path, Sender};
use super::replaces::Replacement;
use super::sips::{asks_for_sips, has_plain_contact, secured};
use super::timers::fired;
use super::transaction::server::{OpenRequest, ServerUser};
use super::uac::makes_dialog;
use super::uas_dialog::{refreshes_target, uas_dialog_id, Answer, RING_INTERVAL};
use super::{Engine, Hint, ServerKey, TransactionKey};
use crate::message::{HeaderId, Message, Method, Scheme, StartLine, Uri};

/// Headers of an application's response whose syntax matters to the receiver's stack.
const CHECKED: &[HeaderId] = &[
    HeaderId::Contact,
    HeaderId::Path,
    HeaderId::ServiceRoute,
    HeaderId::MaxForwards,
    HeaderId::RAck,
];

/// How long an INVITE that may be forwarded without state waits for its 100 (§17.2.1).
const TRYING_DELAY: Duration = Duration::from_millis(200);

/// The Retry-After, in seconds, where an application has gone or is silent.
const RETRY_AFTER: u32 = 10;

/// A response of up to this many bytes is within all the limits of a message.
const SAFE_SIZE: usize = 8 * 1024;

/// A response of an application's, sent or held back for a moment.
struct Sent {
    text: Bytes,
    dialog: Option<DialogId>,
    path: Path,
}

impl Engine {
    /// A request that belongs to no dialog: to be given to an application.
    pub(super) fn receive_outside_dialog(
        &mut self,
        now: Instant,
        path: Path,
        key: ServerKey,
        request: Message,
    ) {
        let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
        let scheme = uri.as_ref().map(|uri| uri.scheme);
        if !matches!(scheme, Some(Scheme::Sip | Scheme::Sips | Scheme::Tel)) {
            self.respond_plainly(now, key, 416);
            return;
        }
        let method = request.method();
        let names_dialog = request.to_tag().is_some();
        let is_for_us = uri.is_some_and(|uri| self.listeners.owns(&uri));
        let belongs = |method| belongs_to_dialog(method, names_dialog, is_for_us);
        if method.is_some_and(belongs) {
            self.respond_plainly(now, key, 481);
            return;
        }
        if self.servers.has_answered_twin(key) {
            self.respond_plainly(now, key, 482); // §8.2.2.2
            return;
        }
        if let Some(least) = self.session_too_brief(&request) {
            self.respond_with(now, key, 422, &[least]);
            return;
        }
        if method == Some(Method::Invite) && !self.stateless {
            self.respond_plainly(now, key, 100);
        }
        if self.always_ring && method == Some(Method::Invite) {
            self.ring(now, key);
        }
        let replacement = self.replacement(&request);
        let replaced = match replacement {
            Some(Replacement::Of(dialog)) => self.dialog_owner(dialog),
            _ => None,
        };
        // The call's application is the one that can hand it over.
        let (owner, dialog) = replaced.unzip();
        let answer_by = now + self.timers_config.application;
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        if let Some(open) = &mut transaction.open {
            let is_untried = method == Some(Method::Invite) && self.stateless && !self.always_ring;
            open.trying_at = is_untried.then_some(now + TRYING_DELAY);
            open.answer_by = Some(answer_by);
            open.watch = Some(Stopwatch::start(now));
            open.owner = owner;
            open.refused_with = match replacement {
                Some(Replacement::Refused(status)) if !self.foreign_replaces => Some(status),
                _ => None,
            };
        }
        let id = transaction.id;
        self.reschedule_server(key);
        let meta = Meta::received(path, &request, now);
        self.deliver(owner, Some(id), dialog, meta, request);
    }

    /// Carries out an application's response.
    pub(super) fn app_respond(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        id: TransactionId,
        draft: &Message,
    ) {
        let reply = match self.try_respond(now, app, id, draft) {
            Ok(_) if command == CommandId::NOBODY => return,
            Ok(sent) => match Message::parse(sent.text) {
                Ok(message) => Reply::Sent {
                    transaction: id,
                    dialog: sent.dialog,
                    meta: Meta::sent(sent.path, &message, now),
                    message,
                },
                Err(error) => Reply::Refused(Refusal::MalformedResponse(error.to_string())),
            },
            Err(refusal) => Reply::Refused(refusal),
        };
        self.reply(app, command, reply);
    }

    fn try_respond(
        &mut self,
        now: Instant,
        app: AppId,
        id: TransactionId,
        draft: &Message,
    ) -> Result<Sent, Refusal> {
        let StartLine::Status { code, reason } = draft.start_line() else {
            return Err(Refusal::MalformedResponse("no status line".into()));
        };
        if !(100..700).contains(&code) {
            return Err(Refusal::MalformedResponse(format!("status {code}")));
        }
        let (key, request, is_initial) = self.request_to_answer(app, id)?;
        self.time_application(now, key);
        let method = request.method().ok_or(Refusal::UnknownTransaction)?;
        if self.is_passing(key) && (101..300).contains(&code) && makes_dialog(method) {
            return Err(Refusal::NotOurDialog);
        }
        let dialog = self.dialog_id_of(key, &request, method);
        if let (true, Method::Invite, Some(dialog)) = (is_initial, method, &dialog) {
            self.refuse_second_fork(now, key, dialog)?;
        }
        self.refuse_replacement(now, key, code)?;
        if (101..300).contains(&code) {
            self.accept(now, key, &request, draft)?;
        }
        let local_tag = self.choose_local_tag(key, draft, code)?;
        let contact = self.response_contact(key, method, code, draft);
        let timed = self.grant_session(key, &request, code, draft);
        let draft = timed.as_ref().unwrap_or(draft);
        let parts = ResponseParts {
            code,
            reason,
            to_tag: &local_tag,
            contact: contact.as_deref(),
            rseq: None,
            draft: Some(draft),
            extra: &[],
        };
        let path = self
            .servers
            .get(key)
            .map(|t| t.reply_path)
            .ok_or(Refusal::UnknownTransaction)?;
        if method == Method::Invite && (101..200).contains(&code) {
            if let Some(text) = self.respond_reliably(now, key, &request, &parts)? {
                return Ok(Sent { text, dialog, path });
            }
        }
        let text = parts.compose(&request);
        if text.len() > SAFE_SIZE || CHECKED.iter().any(|id| draft.has(*id)) {
            check_composed(text.clone())?;
        }
        if (101..300).contains(&code) {
            let answer = Answer {
                app,
                request: &request,
                local_tag: &local_tag,
                contact: contact.as_deref(),
                code,
                draft: Some(draft),
            };
            self.note_dialog(key, &answer)?;
        }
        let is_success = (200..300).contains(&code);
        if !(is_success && self.hold_back_2xx(key, code, &text)) {
            self.note_response(now, key, &request, code, &text);
            self.send_response(now, key, code, text.clone());
        }
        Ok(Sent { text, dialog, path })
    }

    /// The application takes the request upon itself: for the first time if it is accepted.
    fn accept(
        &mut self,
        now: Instant,
        key: ServerKey,
        request: &Message,
        draft: &Message,
    ) -> Result<(), Refusal> {
        if self.servers.get(key).is_some_and(|t| t.accepted) {
            return Ok(());
        }
        self.refuse_misunderstood(now, key, request, draft)?;
        if let Some(transaction) = self.servers.get_mut(key) {
            transaction.accepted = true;
        }
        Ok(())
    }

    /// The open request of that id, if it is this application's to answer, and whether it came
    /// outside a dialog.
    fn request_to_answer(
        &self,
        app: AppId,
        id: TransactionId,
    ) -> Result<(ServerKey, Message, bool), Refusal> {
        let Some(TransactionKey::Server(key)) = self.transactions.get(&id) else {
            return Err(Refusal::UnknownTransaction);
        };
        let transaction = self.servers.get(*key).ok_or(Refusal::UnknownTransaction)?;
        match (&transaction.open, transaction.user) {
            (Some(open), ServerUser::Application)
                if open.owner == Some(app)
                    && open.request.method() != Some(Method::Ack)
                    && !self.has_held_back_2xx(*key) =>
            {
                Ok((*key, open.request.clone(), open.is_initial))
            }
            _ => Err(Refusal::UnknownTransaction),
        }
    }

    /// The dialog id that applications know the request by, if it has or can make a dialog.
    fn dialog_id_of(
        &self,
        key: ServerKey,
        request: &Message,
        method: Method<'_>,
    ) -> Option<DialogId> {
        let open = self.servers.get(key)?.open.as_deref()?;
        if let Some(dialog) = open.dialog.and_then(|dialog| self.dialogs.get(dialog)) {
            return Some(dialog.id.clone());
        }
        makes_dialog(method)
            .then(|| uas_dialog_id(request))
            .flatten()
    }

    /// A copy of an INVITE that came another way when the first has been answered: the caller
    /// has its dialog, this copy is declined (RFC 3261 §8.2.2.2).
    fn refuse_second_fork(
        &mut self,
        now: Instant,
        key: ServerKey,
        id: &DialogId,
    ) -> Result<(), Refusal> {
        let own = self
            .servers
            .get(key)
            .and_then(|t| t.open.as_deref()?.dialog);
        let answered =
            self.dialogs.forks(id).iter().any(|fork| {
                Some(*fork) != own && self.dialogs.get(*fork).is_some_and(|d| d.confirmed)
            });
        if !answered {
            return Ok(());
        }
        self.respond_plainly(now, key, 480);
        Err(Refusal::DialogExists)
    }

    /// The To tag: the application may choose it with its first response.
    fn choose_local_tag(
        &mut self,
        key: ServerKey,
        draft: &Message,
        code: u16,
    ) -> Result<Box<str>, Refusal> {
        let open = self
            .servers
            .get_mut(key)
            .and_then(|t| t.open.as_deref_mut())
            .ok_or(Refusal::UnknownTransaction)?;
        if open.dialog.is_none() && open.is_initial && !open.rings && code > 100 {
            if let Some(tag) = draft.to_tag() {
                if !is_token(tag) {
                    return Err(Refusal::MalformedResponse(format!("To tag: {tag}")));
                }
                open.local_tag = tag.into();
            }
        }
        Ok(open.local_tag.clone())
    }

    /// The Contact of a response that makes or refreshes a dialog (§12.1.1): the application's
    /// if it gave one.
    fn response_contact(
        &self,
        key: ServerKey,
        method: Method<'_>,
        code: u16,
        draft: &Message,
    ) -> Option<String> {
        let transaction = self.servers.get(key)?;
        let path = &transaction.reply_path;
        if let Some(value) = draft.get_str(HeaderId::Contact) {
            // A redirection may name several, which go out as they are.
            let is_ours = code < 300 && method != Method::Register;
            return is_ours.then(|| self.listeners.own_contact(value, path));
        }
        let open = transaction.open.as_deref()?;
        let in_dialog = open.dialog.is_some();
        let refreshes = in_dialog && refreshes_target(Some(method));
        if !(101..300).contains(&code) || !(makes_dialog(method) || refreshes) {
            return None;
        }
        let wants_sips = self.wants_sips(&open.request);
        Some(secured(self.listeners.contact(path), path, wants_sips).into_owned())
    }

    /// Whether the Contact that the sender of a request is shown must be a `sips:` URI.
    fn wants_sips(&self, request: &Message) -> bool {
        asks_for_sips(request) && !(self.best_effort_tls && has_plain_contact(request))
    }

    /// Tells the caller 180 before an application has been asked. The application's own time to
    /// answer goes on.
    fn ring(&mut self, now: Instant, key: ServerKey) {
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let path = transaction.reply_path;
        let Some(open) = transaction.open.as_deref_mut() else {
            return;
        };
        if open.request.has_option(HeaderId::Require, "100rel") {
            return; // RFC 3262 §3: it would have to be a reliable one, and those are the application's.
        }
        open.rings = true;
        let (request, tag) = (open.request.clone(), open.local_tag.clone());
        let wants_sips = self.wants_sips(&request);
        let contact = secured(self.listeners.contact(&path), &path, wants_sips);
        let parts = ResponseParts {
            contact: Some(&contact),
            ..ResponseParts::plain(180, &tag)
        };
        self.send_response(now, key, 180, parts.compose(&request));
    }

    /// A response without anything of the application's.
    pub(super) fn respond_plainly(&mut self, now: Instant, key: ServerKey, code: u16) {
        self.respond_with(now, key, code, &[]);
    }

    /// The 100 of an INVITE that has waited for the application's decision, which is that there
    /// will be a transaction.
    pub(super) fn try_at_once(&mut self, now: Instant, key: ServerKey) {
        if self
            .servers
            .get(key)
            .is_some_and(|t| t.last_response.is_none())
        {
            self.respond_plainly(now, key, 100);
        }
    }

    /// A failure that is the application's fault and may soon be over (§21.5.4).
    pub(super) fn respond_unavailable(&mut self, now: Instant, key: ServerKey, code: u16) {
        let retry = (HeaderId::RetryAfter, RETRY_AFTER.to_string());
        self.respond_with(now, key, code, &[retry]);
    }

    pub(super) fn respond_with(
        &mut self,
        now: Instant,
        key: ServerKey,
        code: u16,
        extra: &[(HeaderId, String)],
    ) {
        let Some(open) = self.servers.get(key).and_then(|t| t.open.as_deref()) else {
            return;
        };
        let code = match open.request.method() {
            Some(Method::Ack) => {
                // There is no answer to an ACK.
                self.remove_server(key);
                return;
            }
            // Whatever is wrong, there is nothing here that it could cancel (§9.2).
            Some(Method::Cancel) if code >= 400 => 481,
            _ => code,
        };
        let parts = ResponseParts {
            extra,
            ..ResponseParts::plain(code, &open.local_tag)
        };
        let text = parts.compose(&open.request);
        let request = open.request.clone();
        if code > 100 {
            self.note_response(now, key, &request, code, &text);
        }
        self.send_response(now, key, code, text);
    }

    /// Puts a response on the wire and tells the state machine.
    pub(super) fn send_response(&mut self, now: Instant, key: ServerKey, code: u16, text: Bytes) {
        self.time_response_sent(now, key, code);
        self.record_response(now, key, code, &text);
        let timers = self.timers_config;
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let is_grant = (200..300).contains(&code)
            && transaction
                .open
                .as_deref()
                .is_some_and(|open| open.request.method() == Some(Method::Register));
        if is_grant {
            self.note_registrations(now, key, &text);
        }
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let path = transaction.reply_path;
        transaction
            .machine
            .on_response(now, code, path.transport.is_reliable(), &timers);
        transaction.last_response = Some(text.clone());
        if let Some(open) = transaction.open.as_deref_mut() {
            open.trying_at = None;
        }
        let id = transaction.id;
        if code >= 200 {
            transaction.open = None;
            if (200..300).contains(&code) && transaction.machine.is_invite() {
                // The dialog or the proxied branch repeats a 2xx, the transaction does not.
                transaction.last_response = None;
            }
            self.forget_transaction(id, TransactionKey::Server(key));
        }
        self.transmit(path, text, Some(Sender::Server(key)));
        self.reschedule_server(key);
    }

    /// An application that did not answer in time, or a provisional response that is due again.
    pub(super) fn open_request_timeout(&mut self, now: Instant, key: ServerKey) {
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let Some(open) = transaction.open.as_deref_mut() else {
            return;
        };
        if fired(&mut open.answer_by, now) {
            if open.is_passing {
                // Who is silent has not objected.
                self.let_pass(now, key);
                return;
            }
            let code = if open.dialog.is_some() { 500 } else { 503 };
            self.tell_refused(key, code, Refusal::NotAnswered(code));
            self.respond_unavailable(now, key, code);
        } else if fired(&mut open.trying_at, now) {
            self.respond_plainly(now, key, 100);
        } else if fired(&mut open.ring_again, now) {
            open.ring_again = Some(now + RING_INTERVAL);
            if let Some(ringing) = transaction.last_response.clone() {
                let path = transaction.reply_path;
                self.counters.retransmissions += 1;
                self.transmit(path, ringing, Some(Sender::Server(key)));
            }
        } else {
            self.reliable_timeout(now, key);
        }
    }

    pub(super) fn open_request(&mut self, id: TransactionId) -> Option<&mut OpenRequest> {
        let TransactionKey::Server(key) = *self.transactions.get(&id)? else {
            return None;
        };
        self.servers.get_mut(key)?.open.as_deref_mut()
    }

    pub(super) fn reject_request(
        &mut self,
        now: Instant,
        id: TransactionId,
        status: u16,
        hint: Option<Hint>,
    ) {
        if let Some(TransactionKey::Server(key)) = self.transactions.get(&id).copied() {
            let extra = match hint {
                None => Vec::new(),
                Some(Hint::RetryAfter(seconds)) => {
                    vec![(HeaderId::RetryAfter, seconds.to_string())]
                }
                Some(Hint::Allow(methods)) => vec![(HeaderId::Allow, methods)],
                Some(Hint::Capabilities(methods)) => vec![
                    (HeaderId::Allow, methods),
                    (HeaderId::Accept, self.understanding.accept()),
                    (HeaderId::Supported, self.understanding.supported()),
                ],
            };
            self.respond_with(now, key, status, &extra);
        }
    }
}

/// Sees to it that nothing malformed of the application's goes out.
pub(super) fn check_composed(text: Bytes) -> Result<(), Refusal> {
    let message =
        Message::parse(text).map_err(|error| Refusal::MalformedResponse(error.to_string()))?;
    message
        .validate()
        .map_err(|fault| Refusal::MalformedResponse(fault.reason))
}

/// RFC 3261 §25.1: what a tag may be made of.
fn is_token(text: &str) -> bool {
    let is_mark = |byte| b"-.!%*_+`'~".contains(&byte);
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}

/// Requests that mean nothing without their dialog (§12.2.2, §15.1.2). Those that are not
/// addressed to us may be on their way through an application that forwards them.
fn belongs_to_dialog(method: Method<'_>, names_dialog: bool, is_for_us: bool) -> bool {
    match method {
        Method::Bye | Method::Update | Method::Prack => true,
        Method::Invite => names_dialog,
        // RFC 6086 §4.2.2, RFC 6665 §4.1.3 and §4.2.1.1, RFC 3515 §2.4.
        Method::Info | Method::Notify | Method::Subscribe | Method::Refer => {
            names_dialog && is_for_us
        }
        _ => false,
    }
}
