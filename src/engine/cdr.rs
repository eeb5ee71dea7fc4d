//! Call detail records: every attempt of a call, its start and its end, for those that have asked for
//! them. Each side of a call that passes through here has records of its own.
//!
//! Only a request that makes a call begins one: an INVITE without a To tag. An attempt is followed by
//! a stop, or by a start and a stop.

use std::time::Instant;

use bytes::Bytes;

use super::event::{News, Source};
use super::transaction::client::ClientUser;
use super::transaction::server::ServerUser;
use super::uac_response::local_response;
use super::{ClientKey, DialogKey, Engine, ProxyKey, ServerKey};
use crate::message::{Message, Method};

/// A call detail record.
#[derive(Debug, Clone)]
pub struct Cdr {
    /// What has happened.
    pub event: CdrEvent,
    /// Whose message brought it about.
    pub source: Source,
    /// When, on the engine's clock.
    pub at: Instant,
    /// The message.
    pub message: Message,
}

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CdrEvent {
    /// Somebody wants to make a call.
    Attempt,
    /// The call was answered.
    Start(CdrRole),
    /// The attempt has failed, or the call has ended.
    Stop(StopReason),
}

impl CdrEvent {
    /// What an application asks for it by.
    pub fn name(self) -> &'static str {
        match self {
            CdrEvent::Attempt => "cdr:attempt",
            CdrEvent::Start(_) => "cdr:start",
            CdrEvent::Stop(_) => "cdr:stop",
        }
    }

    /// The role or the reason, as it is told.
    pub fn detail(self) -> Option<&'static str> {
        match self {
            CdrEvent::Attempt => None,
            CdrEvent::Start(role) => Some(role.name()),
            CdrEvent::Stop(reason) => Some(reason.name()),
        }
    }
}

/// What the engine was in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CdrRole {
    /// Its caller.
    Uac,
    /// Its callee.
    Uas,
    /// A proxy, towards the callee.
    ProxyUac,
    /// A proxy, towards the caller.
    ProxyUas,
}

impl CdrRole {
    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            CdrRole::Uac => "uac",
            CdrRole::Uas => "uas",
            CdrRole::ProxyUac => "proxy-uac",
            CdrRole::ProxyUas => "proxy-uas",
        }
    }
}

/// Why a call has ended, or has not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// It was answered with a failure.
    CallRejected,
    /// The caller gave up.
    CallCanceled,
    /// Somebody hung up.
    NormalRelease,
    /// Nobody refreshed the session.
    SessionExpired,
    /// The engine hung up, since an ACK did not come or a CANCEL crossed the answer.
    AckBye,
    /// The engine hung up since nobody is there for the call any more.
    SystemInitiatedTermination,
    /// The engine has given up a call whose peer can't be reached.
    SystemErrorInitiatedTermination,
}

impl StopReason {
    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            StopReason::CallRejected => "call-rejected",
            StopReason::CallCanceled => "call-canceled",
            StopReason::NormalRelease => "normal-release",
            StopReason::SessionExpired => "session-expired",
            StopReason::AckBye => "ackbye",
            StopReason::SystemInitiatedTermination => "system-initiated-termination",
            StopReason::SystemErrorInitiatedTermination => "system-error-initiated-termination",
        }
    }

    /// What a failure of a request of ours means.
    fn of_failure(status: u16) -> StopReason {
        match status {
            487 => StopReason::CallCanceled,
            _ => StopReason::CallRejected,
        }
    }
}

impl Engine {
    /// Whether records are made from now on. Until somebody asks for them they are not.
    pub fn make_records(&mut self, wanted: bool) {
        self.makes_records = wanted;
    }

    fn record(&mut self, now: Instant, event: CdrEvent, source: Source, message: &Message) {
        if !self.makes_records {
            return;
        }
        let record = Cdr {
            event,
            source,
            at: now,
            message: message.clone(),
        };
        self.emit(None, News::Record(Box::new(record)));
    }

    /// A request that begins a call has come or been sent.
    pub(super) fn record_attempt(&mut self, now: Instant, source: Source, request: &Message) {
        if self.makes_records && makes_call(request) {
            self.record(now, CdrEvent::Attempt, source, request);
        }
    }

    /// A request is refused without a transaction.
    pub(super) fn record_refused(&mut self, now: Instant, request: &Message, text: &Bytes) {
        if !self.makes_records || !makes_call(request) {
            return;
        }
        if let Ok(response) = Message::parse(text.clone()) {
            let stop = CdrEvent::Stop(StopReason::CallRejected);
            self.record(now, stop, Source::Application, &response);
        }
    }

    /// The caller has given up before anybody has answered.
    pub(super) fn record_cancelled(&mut self, now: Instant, invite: ServerKey) {
        if !self.makes_records {
            return;
        }
        let transaction = self.servers.get_mut(invite);
        let Some(open) = transaction.and_then(|it| it.open.as_deref_mut()) else {
            return;
        };
        if makes_call(&open.request) {
            open.is_over = true;
            let request = open.request.clone();
            let stop = CdrEvent::Stop(StopReason::CallCanceled);
            self.record(now, stop, Source::Network, &request);
        }
    }

    /// A final response goes to a caller.
    pub(super) fn record_response(
        &mut self,
        now: Instant,
        key: ServerKey,
        code: u16,
        text: &Bytes,
    ) {
        if !self.makes_records || code < 200 {
            return;
        }
        let Some(transaction) = self.servers.get(key) else {
            return;
        };
        let open = transaction.open.as_deref();
        if !open.is_some_and(|open| makes_call(&open.request) && !open.is_over) {
            return;
        }
        let event = match (code, transaction.user) {
            (300.., _) => CdrEvent::Stop(StopReason::CallRejected),
            (_, ServerUser::Application) => CdrEvent::Start(CdrRole::Uas),
            (_, ServerUser::Proxy(_)) => CdrEvent::Start(CdrRole::ProxyUas),
        };
        if let Ok(response) = Message::parse(text.clone()) {
            self.record(now, event, Source::Application, &response);
        }
    }

    /// A callee has answered.
    pub(super) fn record_answer(&mut self, now: Instant, role: CdrRole, response: &Message) {
        self.record(now, CdrEvent::Start(role), Source::Network, response);
    }

    /// A callee has answered a proxy, which is about to tell the caller.
    pub(super) fn record_branch_answer(
        &mut self,
        now: Instant,
        server: ServerKey,
        response: &Message,
    ) {
        let open = self.servers.get(server).and_then(|it| it.open.as_deref());
        if self.makes_records && open.is_some_and(|open| makes_call(&open.request)) {
            self.record_answer(now, CdrRole::ProxyUac, response);
        }
    }

    /// A callee has refused, or nobody has heard the request and the response was made here.
    pub(super) fn record_failure(
        &mut self,
        now: Instant,
        client: ClientKey,
        source: Source,
        response: &Message,
    ) {
        if !self.makes_records {
            return;
        }
        let transaction = self.clients.get(client);
        // That nothing came has been recorded.
        let transaction = transaction.filter(|it| !it.machine.is_late());
        let request = transaction.and_then(|it| it.request.as_ref());
        if let (true, Some(status)) = (request.is_some_and(makes_call), response.status()) {
            let stop = CdrEvent::Stop(StopReason::of_failure(status));
            self.record(now, stop, source, response);
        }
    }

    /// No response has come on a proxy's branch.
    pub(super) fn record_silence(&mut self, now: Instant, client: ClientKey, status: u16) {
        if !self.makes_records {
            return;
        }
        let request = self.clients.get(client).and_then(|it| it.request.clone());
        let tag = self.random.tag();
        let response = request.and_then(|request| local_response(&request, status, &tag, None));
        if let Some(response) = response {
            self.record_failure(now, client, Source::Application, &response);
        }
    }

    /// One side of a call hangs up. One that nobody has answered has ended otherwise.
    pub(super) fn record_bye(
        &mut self,
        now: Instant,
        key: DialogKey,
        source: Source,
        bye: &Message,
    ) {
        if self.dialogs.get(key).is_some_and(|dialog| dialog.confirmed) {
            self.record_end(now, key, source, StopReason::NormalRelease, bye);
        }
    }

    /// The call in a dialog has ended, for the first time if both sides hang up.
    pub(super) fn record_end(
        &mut self,
        now: Instant,
        key: DialogKey,
        source: Source,
        reason: StopReason,
        bye: &Message,
    ) {
        if !self.makes_records {
            return;
        }
        let is_new = |is_over: &mut bool| !std::mem::replace(is_over, true);
        let dialog = self.dialogs.get_mut(key);
        if dialog.is_some_and(|dialog| is_new(&mut dialog.is_over)) {
            self.record(now, CdrEvent::Stop(reason), source, bye);
        }
    }

    /// A call that was answered too late has been ended here.
    pub(super) fn record_late_answer(&mut self, now: Instant, answer: &Message, bye: &Message) {
        let stop = CdrEvent::Stop(StopReason::AckBye);
        self.record_answer(now, CdrRole::ProxyUac, answer);
        self.record(now, stop, Source::Application, bye);
    }

    /// A request of a client transaction's has been sent for the first time.
    pub(super) fn record_sent(&mut self, now: Instant, user: &ClientUser, request: &Message) {
        match user {
            ClientUser::Branch { proxy, .. } => self.record_forwarded(now, *proxy, request),
            ClientUser::Application { .. } => {
                self.record_attempt(now, Source::Application, request);
            }
            ClientUser::Refresh(_) | ClientUser::Engine => {}
        }
    }

    /// What a proxy sends: a request on a new branch, or one that ends a call for both its sides.
    fn record_forwarded(&mut self, now: Instant, proxy: ProxyKey, sent: &Message) {
        if !self.makes_records {
            return;
        }
        self.record_attempt(now, Source::Application, sent);
        if sent.method() != Some(Method::Bye) || sent.to_tag().is_none() {
            return;
        }
        let stop = CdrEvent::Stop(StopReason::NormalRelease);
        let server = self.proxies.get(proxy).map(|proxy| proxy.server);
        let received = server.and_then(|key| self.servers.get(key)?.open.as_deref());
        if let Some(received) = received.map(|open| open.request.clone()) {
            self.record(now, stop, Source::Network, &received);
        }
        self.record(now, stop, Source::Application, sent);
    }
}

/// True for a request that begins a call, and none that changes one.
fn makes_call(request: &Message) -> bool {
    request.method() == Some(Method::Invite) && request.to_tag().is_none()
}
