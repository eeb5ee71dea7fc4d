//! The way in: which transaction, dialog or proxied request a message belongs to.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use bytes::Bytes;

use super::compose::ResponseParts;
use super::event::{Meta, Source};
use super::limits::Claim;
use super::path::{Path, Transport};
use super::random::Branch;
use super::text::Decimal;
use super::transaction::client::{ClientMatch, ClientUser};
use super::transaction::key::ServerMatch;
use super::transaction::server::{OpenRequest, Origin, ServerTransaction};
use super::transaction::{ServerMachine, Verdict};
use super::{Engine, ServerKey, TransactionKey};
use crate::message::{Checked, Fault, HeaderId, Host, Message, Method, Via};

/// The Retry-After of a request refused because a table is full, in seconds.
const OVERLOAD_RETRY_AFTER: u32 = 5;

impl Engine {
    pub(super) fn receive(&mut self, now: Instant, path: Path, payload: Bytes) {
        match Message::parse(payload) {
            Ok(message) if message.is_request() => self.receive_request(now, path, message),
            Ok(message) => self.receive_response(now, path, &message),
            // What can't be told from garbage is not answered.
            Err(_) => self.counters.malformed += 1,
        }
    }

    fn receive_request(&mut self, now: Instant, path: Path, message: Message) {
        let message = self.mended_of_strict_router(&message).unwrap_or(message);
        let Some(method) = message.method() else {
            return;
        };
        let Checked { via, branch, .. } = match message.checked() {
            Ok(checked) => checked,
            Err(fault) => return self.refuse_malformed(now, path, &message, &fault),
        };
        let reply_path = reply_path(&via, path);
        // An ACK acknowledges within the transaction of its INVITE.
        let matched = match method {
            Method::Ack => Method::Invite,
            method => method,
        };
        let matching = ServerMatch::of(&message, &via, branch, matched, self.salt);
        let known = self.servers.find(matching);
        if method == Method::Ack {
            self.receive_ack(now, path, known, &message);
        } else if let Some(key) = known {
            self.repeat_response(key);
        } else if let Some(verdict) = self.screen(&message, &path) {
            self.turn_away(now, reply_path, &message, verdict);
        } else if self.is_overloaded(&message) {
            self.counters.overloads += 1;
            self.record_attempt(now, Source::Network, &message);
            self.refuse_statelessly(now, reply_path, &message, 503, &[], &[overload_retry()]);
        } else {
            let is_invite = method == Method::Invite;
            let branch = branch.and_then(Branch::from_text);
            let noted = note_source(&message, &via, path.peer);
            let noted = noted.and_then(|via| message.with_first_value(HeaderId::Via, &via));
            let Some(message) = noted else { return };
            let key = self.open_server_transaction(reply_path, matching, message, is_invite);
            self.receive_new_request(now, path, key, branch);
        }
    }

    /// A request that breaks the rules is told which, if it says where it came from. An ACK is
    /// not answered, whatever it is (§17).
    fn refuse_malformed(&mut self, now: Instant, path: Path, message: &Message, fault: &Fault) {
        self.counters.malformed += 1;
        let Ok(via) = message.top_via() else { return };
        let is_blocked = self.screening.blocked.contains(&path.peer.ip());
        if is_blocked || message.method() == Some(Method::Ack) {
            return;
        }
        self.record_attempt(now, Source::Network, message);
        let (path, reason) = (reply_path(&via, path), fault.reason.as_bytes());
        self.refuse_statelessly(now, path, message, fault.status, reason, &[]);
    }

    /// A request seen for the first time: in a dialog, through this proxy, or new. Its topmost Via
    /// may have a branch that looks like ours.
    fn receive_new_request(
        &mut self,
        now: Instant,
        path: Path,
        key: ServerKey,
        branch: Option<Branch>,
    ) {
        let Some(open) = self.servers.get(key).and_then(|t| t.open.as_deref()) else {
            return;
        };
        let (request, is_initial) = (open.request.clone(), open.is_initial);
        self.record_attempt(now, Source::Network, &request);
        if request.method() == Some(Method::Cancel) {
            self.receive_cancel(now, path, key, &request);
            return;
        }
        if self.is_looped(&request, branch, path.peer.ip()) {
            self.respond_plainly(now, key, 482);
            return;
        }
        let refusal = self.own_flow(&request, &path).and_then(Result::err);
        if let Some(status) = refusal {
            self.respond_plainly(now, key, status);
        } else if is_initial {
            self.receive_outside_dialog(now, path, key, request);
        } else if let Some(dialog) = self
            .dialog_of(&request)
            .or_else(|| self.dialog_of_notifier(now, path, &request))
        {
            self.receive_in_dialog(now, path, key, dialog, &request);
        } else if self.top_route_is_ours(&request) {
            self.ask_to_pass(now, path, key, request);
        } else {
            self.receive_outside_dialog(now, path, key, request);
        }
    }

    /// True if such a request can't be taken in: it is refused before a transaction is made for it.
    fn is_overloaded(&self, request: &Message) -> bool {
        let is_full = |claim| self.servers.is_full(claim, &self.limits);
        // Whose it is, is looked up only when it matters.
        (self.is_behind || is_full(Claim::New))
            && (!self.is_established(request) || is_full(Claim::Established))
    }

    /// True for what belongs to something that is there. A tag alone does not show that, nor does
    /// the method.
    fn is_established(&self, request: &Message) -> bool {
        if request.method() == Some(Method::Cancel) {
            return self.stateless
                || self.is_stateless_route(request)
                || self.cancelled_by(request).is_some();
        }
        self.may_belong_to_call(request)
    }

    /// Answers a request that a full table leaves no room for.
    pub(super) fn respond_overloaded(&mut self, now: Instant, key: ServerKey) {
        self.counters.overloads += 1;
        self.respond_with(now, key, 503, &[overload_retry()]);
    }

    /// An ACK that belongs to nothing here. It waits in a transaction until the application has
    /// said where it goes; a repetition meanwhile is the same.
    pub(super) fn receive_stray_ack(&mut self, now: Instant, path: Path, ack: &Message) {
        let Ok(via) = ack.top_via() else { return };
        let matching = ServerMatch::of(ack, &via, via.branch(), Method::Ack, self.salt);
        let is_full = self.servers.is_full(Claim::Established, &self.limits);
        if is_full || self.servers.find(matching).is_some() {
            return;
        }
        let reply_path = reply_path(&via, path);
        let key = self.open_server_transaction(reply_path, matching, ack.clone(), false);
        self.receive_stray(now, path, key);
    }

    fn receive_response(&mut self, now: Instant, path: Path, message: &Message) {
        let Some((matching, status)) = response_key(message) else {
            self.counters.malformed += 1;
            return;
        };
        let Some(key) = self.clients.find(matching) else {
            self.return_statelessly(message);
            return;
        };
        let timers = self.timers_config;
        let Some(transaction) = self.clients.get_mut(key) else {
            return;
        };
        if !transaction.is_answered_by(message) {
            self.counters.malformed += 1;
            return;
        }
        match transaction.machine.on_response(now, status, &timers) {
            Verdict::Absorb => {}
            Verdict::Reacknowledge => {
                self.repeat_ack(key);
            }
            Verdict::Deliver => {
                let branch = match transaction.user {
                    ClientUser::Branch { proxy, branch } => Some((proxy, branch)),
                    _ => None,
                };
                if status >= 300 {
                    self.acknowledge_failure(key, message);
                }
                if self.response_fails_over(now, key, status, message) {
                    return;
                }
                self.time_response_received(now, key, status);
                match branch {
                    Some((proxy, branch)) => {
                        self.branch_response(now, path, key, proxy, branch, message);
                    }
                    None => self.user_response(now, path, key, status, message),
                }
                self.reschedule_client(key);
            }
        }
    }

    /// A repeated request: the last response again (§17.2).
    fn repeat_response(&mut self, key: ServerKey) {
        self.counters.repeated_requests += 1;
        let Some(transaction) = self.servers.get(key) else {
            return;
        };
        if let ServerMachine::Invite(machine) = &transaction.machine {
            if !machine.answers_repetition() {
                return;
            }
        }
        if let Some(response) = transaction.last_response.clone() {
            let path = transaction.reply_path;
            self.transmit(path, response, None);
        }
    }

    fn open_server_transaction(
        &mut self,
        reply_path: Path,
        matching: ServerMatch,
        request: Message,
        is_invite: bool,
    ) -> ServerKey {
        let to_tag = request.to_tag();
        let is_initial = to_tag.is_none();
        let local_tag = to_tag.map_or_else(|| self.random.tag(), Box::from);
        let id = self.random.transaction_id();
        let origin = is_initial.then(|| Origin::of(&request, self.salt));
        let open = OpenRequest {
            request,
            is_initial,
            local_tag,
            is_passing: false,
            dialog: None,
            owner: None,
            is_offered_again: false,
            told_dialog: None,
            answer_by: None,
            reliable: None,
            refused_with: None,
            session: None,
            ring_again: None,
            rings: false,
            watch: None,
            is_over: false,
            trying_at: None,
        };
        let key = self.servers.insert(ServerTransaction::new(
            id,
            reply_path,
            matching,
            open,
            origin.flatten(),
            is_invite,
        ));
        self.transactions.insert(id, TransactionKey::Server(key));
        key
    }

    /// Answers without a transaction, since there is none to be had.
    pub(super) fn refuse_statelessly(
        &mut self,
        now: Instant,
        path: Path,
        request: &Message,
        status: u16,
        reason: &[u8],
        extra: &[(HeaderId, String)],
    ) {
        let tag = self.random.tag();
        let response = ResponseParts {
            reason,
            extra,
            ..ResponseParts::plain(status, &tag)
        };
        let text = response.compose(request);
        self.record_refused(now, request, &text);
        self.transmit(path, text, None);
    }

    /// The dialog a request names by its tags (§12.2.2).
    pub(super) fn dialog_of(&self, request: &Message) -> Option<super::DialogKey> {
        let call_id = request.call_id().ok()?;
        self.dialogs.find(
            call_id,
            request.to_tag()?,
            request.from_tag().unwrap_or_default(),
        )
    }
}

impl Meta {
    /// How a message arrived over a path.
    pub(super) fn received(path: Path, message: &Message, now: Instant) -> Meta {
        Meta::new(Source::Network, path, message, now)
    }

    /// How a message of ours went, or would have gone.
    pub(super) fn sent(path: Path, message: &Message, now: Instant) -> Meta {
        Meta::new(Source::Application, path, message, now)
    }

    fn new(source: Source, path: Path, message: &Message, at: Instant) -> Meta {
        Meta {
            source,
            transport: path.transport,
            peer: path.peer,
            local: path.local,
            size: message.text().len(),
            at,
        }
    }
}

fn overload_retry() -> (HeaderId, String) {
    (HeaderId::RetryAfter, OVERLOAD_RETRY_AFTER.to_string())
}

/// The transaction and status that a valid response names.
fn response_key(message: &Message) -> Option<(ClientMatch, u16)> {
    let Checked { branch, cseq, .. } = message.checked().ok()?;
    let branch = Branch::from_text(branch?)?;
    let matching = ClientMatch::new(branch, cseq.method == Method::Cancel);
    Some((matching, message.status()?))
}

/// Where responses go (§18.2.2, RFC 3581 §4): back over the connection, or to the address the
/// request came from. The port is the Via's only for a peer that neither asked for symmetric
/// responses nor sits behind an address translator, and when the connection has ended.
pub(super) fn reply_path(via: &Via<'_>, path: Path) -> Path {
    let port = via.port.unwrap_or(path.transport.default_port());
    if let Some(maddr) = response_address(via, path) {
        let peer = SocketAddr::new(maddr, port);
        return Path { peer, ..path };
    }
    let symmetric = via.rport().is_some() || !is_named(via, path.peer.ip());
    let peer = if path.connection.is_none() && symmetric {
        path.peer
    } else {
        SocketAddr::new(path.peer.ip(), port)
    };
    Path { peer, ..path }
}

/// The `maddr` that asks for responses at another address (§18.2.2). Nobody may have us send
/// something to our own host from elsewhere.
fn response_address(via: &Via<'_>, path: Path) -> Option<IpAddr> {
    let maddr: IpAddr = via.maddr()?.parse().ok()?;
    let usable = path.transport == Transport::Udp
        && maddr.is_ipv4() == path.peer.is_ipv4()
        && !maddr.is_unspecified()
        && (!maddr.is_loopback() || path.peer.ip().is_loopback());
    usable.then_some(maddr)
}

/// True if the Via's sent-by is that address.
fn is_named(via: &Via<'_>, address: IpAddr) -> bool {
    Host::parse(via.host).is_ok_and(|host| host.ip() == Some(address))
}

/// The topmost Via with the source written into it: `received` when it differs from the sent-by
/// (§18.2.1), `rport` always. What the sender claims there is dropped.
fn note_source(message: &Message, via: &Via<'_>, peer: SocketAddr) -> Option<Vec<u8>> {
    let value = message.values(HeaderId::Via).next()?;
    let mut text = Vec::with_capacity(value.len() + 48);
    let head = value.split(|byte| *byte == b';').next()?;
    text.extend_from_slice(head.trim_ascii_end());
    for (name, value) in via.params.iter() {
        if name.eq_ignore_ascii_case("received") || name.eq_ignore_ascii_case("rport") {
            continue;
        }
        text.push(b';');
        text.extend_from_slice(name.as_bytes());
        if let Some(value) = value {
            text.push(b'=');
            text.extend_from_slice(value.as_bytes());
        }
    }
    if !is_named(via, peer.ip()) {
        text.extend_from_slice(format!(";received={}", peer.ip()).as_bytes());
    }
    text.extend_from_slice(b";rport=");
    text.extend_from_slice(Decimal::of(peer.port()).as_ref());
    Some(text)
}
