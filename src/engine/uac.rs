//! Requests that applications send, and what comes back (RFC 3261 §8.1, §13.2).

use std::time::Instant;

use bytes::Bytes;

use super::cancel::Cancelling;
use super::command::{AppId, CommandId, DialogId, Forks, TransactionId};
use super::compose::{self, Identity, RequestParts};
use super::event::{Meta, Refusal, Reply};
use super::forks::OtherFork;
use super::latency::watch_of;
use super::limits::Claim;
use super::path::{Path, Sender};
use super::random::Branch;
use super::sips::{is_sips, secured};
use super::target::{Destination, Hop};
use super::timers::{TimerOwner, TimerSlot};
use super::transaction::client::{ClientMatch, ClientTransaction, ClientUser};
use super::transaction::ClientMachine;
use super::{Action, ClientKey, Command, DialogKey, Engine, Parked, TransactionKey};
use crate::message::{CSeq, HeaderId, Message, Method, NameAddr, Scheme, Uri};

/// What an INVITE or SUBSCRIBE of an application's has led to.
#[derive(Debug)]
pub(crate) struct Call {
    /// The id that its dialogs share.
    pub(crate) id: DialogId,
    /// The dialogs it has made, one for each fork that answered.
    pub(crate) forks: Vec<DialogKey>,
    /// Which of the forks that accept have a call with the application.
    pub(crate) wanted: Forks,
    /// The To tag of the first 2xx: that fork is the call.
    pub(crate) answered: Option<Box<str>>,
    /// Those that have accepted after it.
    pub(crate) others: Vec<OtherFork>,
    pub(crate) cancelling: Cancelling,
    /// The application has gone, so nobody wants the call.
    pub(crate) is_orphan: bool,
}

impl Call {
    pub(super) fn new(id: DialogId, wanted: Forks) -> Call {
        Call {
            id,
            forks: Vec::new(),
            wanted,
            answered: None,
            others: Vec::new(),
            cancelling: Cancelling::NotAsked,
            is_orphan: false,
        }
    }
}

impl Engine {
    /// Carries out a command; `resolved` holds the addresses of the name it had to wait for.
    pub(super) fn carry_out(
        &mut self,
        now: Instant,
        command: Command,
        resolved: Option<&[Destination]>,
    ) {
        let Command { app, id, action } = command;
        match action {
            Action::Request {
                dialog: Some(dialog),
                next_hop,
                message,
                ..
            } => self.app_request_in_dialog(now, app, id, dialog, next_hop, message, resolved),
            Action::Request {
                dialog: None,
                next_hop,
                forks,
                message,
            } => self.app_request(now, app, id, next_hop, forks, &message, resolved),
            Action::Respond {
                transaction,
                message,
            } => self.app_respond(now, app, id, transaction, &message),
            Action::Cancel {
                transaction,
                message,
            } => self.app_cancel(now, app, id, transaction, message),
            Action::Proxy { transaction, plan } => self.app_proxy(now, app, id, transaction, plan),
        }
    }

    /// An application sends a request outside any dialog.
    #[allow(clippy::too_many_arguments)]
    fn app_request(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        next_hop: Option<String>,
        forks: Forks,
        draft: &Message,
        resolved: Option<&[Destination]>,
    ) {
        match self.try_request(now, app, command, next_hop, forks, draft, resolved) {
            Ok(Some(reply)) => self.reply(app, command, reply),
            Ok(None) => {}
            Err(refusal) => self.reply(app, command, Reply::Refused(refusal)),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn try_request(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        next_hop: Option<String>,
        forks: Forks,
        draft: &Message,
        resolved: Option<&[Destination]>,
    ) -> Result<Option<Reply>, Refusal> {
        let (method, uri) = request_line(draft, next_hop.is_some())?;
        if method == Method::Ack {
            return Err(Refusal::AckForFailure);
        }
        if !draft.body().is_empty()
            && draft.get(HeaderId::ContentType).is_none()
            && !compose::is_sdp(&draft.body())
        {
            return Err(Refusal::MissingContentType);
        }
        let makes_dialog = makes_dialog(method);
        if makes_dialog {
            self.check_dialog_room()?;
        }
        self.check_client_room(Claim::New)?;
        let proxy = self.outbound_proxy_for(uri);
        let next = next_hop.as_deref().or(proxy.as_deref()).unwrap_or(uri);
        let is_ours = Uri::parse(next).is_ok_and(|uri| self.listeners.owns(&uri));
        if is_ours && self.flow_to(next).is_none() {
            return Err(Refusal::SendToMyself);
        }
        let mut ways = match self.ways_to(next, is_sips(uri), resolved)? {
            Hop::Ready(ways) => ways,
            Hop::Named(name) => {
                let action = Action::Request {
                    dialog: None,
                    next_hop,
                    forks,
                    message: draft.clone(),
                };
                let id = command;
                self.look_up(name, Parked::Command(Command { app, id, action }))?;
                return Ok(None);
            }
        };
        if self
            .listeners
            .is_local(ways.first.transport, ways.first.peer)
        {
            return Err(Refusal::SendToMyself);
        }
        let branch = self.random.branch();
        let timed = self.with_session_timer(None, draft);
        let draft = timed.as_ref().unwrap_or(draft);
        let text = self.compose_request(method, uri, &ways.first, branch, draft)?;
        let message = parse_request(text)?;
        let message = self.fit_to_transport(now, &mut ways, branch, message)?;
        let path = ways.first;
        let dialog = makes_dialog.then(|| uac_dialog_id(&message)).flatten();
        let call = dialog.clone().map(|id| Call::new(id, forks));
        let (key, transaction) =
            self.open_app_transaction(now, app, None, call, path, branch, &message);
        self.keep_ways(now, key, ways);
        if let (Some(id), false) = (&dialog, method == Method::Invite) {
            self.expect_notifies(now, app, id, &message);
        }
        Ok(Some(Reply::Sent {
            transaction,
            dialog,
            meta: Meta::sent(path, &message, now),
            message,
        }))
    }

    /// The request with everything filled in that the application left out (§8.1.1).
    fn compose_request(
        &mut self,
        method: Method<'_>,
        uri: &str,
        path: &Path,
        branch: Branch,
        draft: &Message,
    ) -> Result<Bytes, Refusal> {
        let ours = secured(self.listeners.contact(path), path, is_sips(uri));
        let drafted = |id| draft.get_str(id).map(str::to_string);
        let from = drafted(HeaderId::From).unwrap_or_else(|| ours.to_string());
        let mut from = self.listeners.replace_localhost(&from, path);
        let tag = NameAddr::parse(from.as_bytes())
            .map_err(|_| Refusal::InvalidFrom(from.clone()))?
            .tag()
            .is_some();
        if !tag {
            from = format!("{from};tag={}", self.random.tag());
        }
        let to = drafted(HeaderId::To)
            .map(|to| self.listeners.replace_localhost(&to, path))
            .unwrap_or_else(|| format!("<{uri}>"));
        let call_id = drafted(HeaderId::CallId).unwrap_or_else(|| self.random.call_id());
        let cseq = match draft.cseq() {
            Ok(CSeq { number, .. }) => number,
            Err(_) => match drafted(HeaderId::CSeq) {
                Some(text) => return Err(Refusal::MalformedHeader(format!("CSeq: {text}"))),
                None => self.random.first_cseq(),
            },
        };
        let contact = match drafted(HeaderId::Contact) {
            Some(contact) if method == Method::Register => {
                Some(self.listeners.replace_localhost(&contact, path))
            }
            Some(contact) => Some(self.listeners.real_contact(&contact, path)),
            None if makes_dialog(method) => Some(ours.into_owned()),
            None => None,
        };
        Ok(RequestParts {
            method: method.as_str(),
            uri,
            via: self.listeners.via(path, branch),
            face: self.listeners.face(path),
            routes: &[],
            identity: Identity {
                from: &from,
                to: &to,
                call_id: &call_id,
                cseq,
            },
            contact: contact.as_deref(),
            draft: Some(draft),
        }
        .compose())
    }

    /// Sends a request of an application's.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn open_app_transaction(
        &mut self,
        now: Instant,
        app: AppId,
        dialog: Option<DialogKey>,
        call: Option<Call>,
        path: Path,
        branch: Branch,
        request: &Message,
    ) -> (ClientKey, TransactionId) {
        let user = ClientUser::Application {
            app,
            dialog,
            call: call.map(Box::new),
        };
        let key = self.open_client_transaction(now, user, path, branch, request);
        let id = self.clients.get(key).map_or(TransactionId(0), |t| t.id);
        self.transactions.insert(id, TransactionKey::Client(key));
        (key, id)
    }

    /// Sends a request; its user gets the responses.
    pub(super) fn open_client_transaction(
        &mut self,
        now: Instant,
        user: ClientUser,
        path: Path,
        branch: Branch,
        request: &Message,
    ) -> ClientKey {
        self.record_sent(now, &user, request);
        let method = request.method();
        let is_invite = method == Some(Method::Invite);
        let machine = self.client_machine(now, is_invite, path.transport, &user);
        let key = self.clients.insert(ClientTransaction {
            id: self.random.transaction_id(),
            matching: ClientMatch::new(branch, method == Some(Method::Cancel)),
            machine,
            user,
            path,
            request: Some(request.clone()),
            ack: None,
            fallback: None,
            attempt: 0,
            watch: watch_of(now, request, is_invite),
            slot: TimerSlot::default(),
        });
        self.transmit(path, request.text().clone(), Some(Sender::Client(key, 0)));
        self.reschedule_client(key);
        key
    }

    pub(super) fn remove_client(&mut self, key: ClientKey) {
        if let Some(mut transaction) = self.clients.remove(key) {
            self.timers
                .schedule(TimerOwner::Client(key), &mut transaction.slot, None);
            self.forget_transaction(transaction.id, TransactionKey::Client(key));
        }
    }
}

impl ClientTransaction {
    /// True once a response of any kind has come.
    pub(super) fn has_response(&self) -> bool {
        match &self.machine {
            ClientMachine::Invite(machine) => machine.has_response(),
            ClientMachine::NonInvite(machine) => machine.has_response(),
        }
    }

    /// True for an INVITE of which the application wants every fork that accepts.
    pub(super) fn expects_forks(&self) -> bool {
        match &self.user {
            ClientUser::Application { call, .. } => call
                .as_deref()
                .is_some_and(|call| call.wanted == Forks::All),
            _ => false,
        }
    }

    /// True if a response with our branch also names our request otherwise (§8.2.6.2): what it
    /// says about the call would else be believed of another one.
    pub(super) fn is_answered_by(&self, response: &Message) -> bool {
        let Ok(cseq) = response.cseq() else {
            return false;
        };
        if self.machine.is_invite() != (cseq.method == Method::Invite) {
            return false;
        }
        match (&self.request, &self.user) {
            (Some(request), _) => {
                request.cseq().is_ok_and(|ours| ours == cseq)
                    && request.call_id() == response.call_id()
                    && request.from_tag() == response.from_tag()
            }
            (
                None,
                ClientUser::Application {
                    call: Some(call), ..
                },
            ) => uac_dialog_id(response).is_some_and(|id| id == call.id),
            (None, _) => true,
        }
    }
}

/// Parses what was composed, so that nothing malformed of the application's goes out.
pub(super) fn parse_request(text: Bytes) -> Result<Message, Refusal> {
    let message =
        Message::parse(text).map_err(|error| Refusal::MalformedHeader(error.to_string()))?;
    match message.validate() {
        Ok(()) => Ok(message),
        Err(fault) => Err(Refusal::MalformedHeader(fault.reason.to_string())),
    }
}

/// The method and URI of a draft. A tel URI needs a next hop to be sent to.
fn request_line(draft: &Message, has_next_hop: bool) -> Result<(Method<'_>, &str), Refusal> {
    let (Some(method), Some(uri)) = (draft.method(), draft.request_uri()) else {
        let line = draft.text().split(|byte| *byte == b'\r').next();
        let line = String::from_utf8_lossy(line.unwrap_or_default());
        return Err(Refusal::InvalidRequestUri(line.into_owned()));
    };
    let scheme = Uri::parse(uri).map(|uri| uri.scheme);
    match scheme {
        Ok(Scheme::Sip | Scheme::Sips) => Ok((method, uri)),
        Ok(Scheme::Tel) if has_next_hop => Ok((method, uri)),
        _ => Err(Refusal::InvalidRequestUri(uri.to_string())),
    }
}

/// Requests that make a dialog if they are accepted (RFC 3261 §12.1, RFC 6665 §4.4, RFC 3515
/// §2.4.4).
pub(super) fn makes_dialog(method: Method<'_>) -> bool {
    matches!(method, Method::Invite | Method::Subscribe | Method::Refer)
}

/// `<Call-ID>;from-tag=<tag>` of a request we sent or of a response to it.
pub(super) fn uac_dialog_id(message: &Message) -> Option<DialogId> {
    Some(DialogId::new(message.call_id().ok()?, message.from_tag()?))
}
