//! CANCEL, both ways (RFC 3261 §9).

use std::time::Instant;

use bytes::Bytes;

use super::command::{AppId, CommandId, TransactionId};
use super::compose::Writer;
use super::event::{Meta, Refusal, Reply};
use super::path::Path;
use super::transaction::client::{ClientMatch, ClientUser};
use super::transaction::key::ServerMatch;
use super::transaction::server::ServerUser;
use super::transaction::ClientMachine;
use super::{ClientKey, Engine, ProxyKey, ServerKey, TransactionKey};
use crate::message::{HeaderId, Message, Method};

/// Headers of a CANCEL that are the INVITE's (§9.1).
const FROM_INVITE: &[HeaderId] = &[
    HeaderId::From,
    HeaderId::To,
    HeaderId::CallId,
    HeaderId::CSeq,
    HeaderId::Contact,
    HeaderId::MaxForwards,
    HeaderId::PAssertedIdentity,
    HeaderId::Require,
    HeaderId::ProxyRequire,
];

/// How far an application's CANCEL has got.
#[derive(Debug, Default)]
pub(crate) enum Cancelling {
    #[default]
    NotAsked,
    /// Held back until the first response, so that it can't overtake the INVITE (§9.1).
    Held(Message),
    Sent,
    /// The engine has cancelled by itself: it rang too long, or ended otherwise.
    GivenUp,
}

impl Cancelling {
    /// True while the call is wanted.
    pub(super) fn is_not_asked(&self) -> bool {
        matches!(self, Cancelling::NotAsked)
    }

    /// True if the application wants the call no longer.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self, Cancelling::Held(_) | Cancelling::Sent)
    }
}

impl Engine {
    /// The INVITE that a CANCEL is for (RFC 3261 §9.2).
    pub(super) fn cancelled_by(&self, cancel: &Message) -> Option<ServerKey> {
        let via = cancel.top_via().ok()?;
        let branch = via.branch();
        let invite = ServerMatch::of(cancel, &via, branch, Method::Invite, self.salt);
        self.servers.find(invite)
    }

    /// A CANCEL arrived. It is answered here in every case: 200 when there is an INVITE to
    /// cancel, else 481 (§9.2).
    pub(super) fn receive_cancel(
        &mut self,
        now: Instant,
        path: Path,
        key: ServerKey,
        cancel: &Message,
    ) {
        let Some(invite) = self.cancelled_by(cancel) else {
            if self.is_stateless_route(cancel) {
                self.pass_statelessly(now, key);
            } else if self.stateless {
                self.receive_stray(now, path, key);
            } else {
                self.respond_plainly(now, key, 481);
            }
            return;
        };
        self.share_tag(invite, key);
        self.respond_plainly(now, key, 200);
        let Some(transaction) = self.servers.get(invite) else {
            return;
        };
        let Some(open) = transaction.open.as_deref() else {
            return; // It came too late: the final response has been sent.
        };
        let (id, owner, user) = (transaction.id, open.owner, transaction.user);
        let dialog = open
            .dialog
            .and_then(|dialog| self.dialogs.get(dialog))
            .map(|dialog| dialog.id.clone());
        match user {
            ServerUser::Application => {
                self.record_cancelled(now, invite);
                self.respond_plainly(now, invite, 487);
            }
            ServerUser::Proxy(proxy) => self.cancel_proxy(now, proxy, cancel),
        }
        if owner.is_some() {
            let meta = Meta::received(path, cancel, now);
            self.deliver(owner, Some(id), dialog, meta, cancel.clone());
        }
    }

    /// §9.2: the responses to the CANCEL and to its INVITE have the same To tag.
    fn share_tag(&mut self, invite: ServerKey, cancel: ServerKey) {
        let tag = self
            .servers
            .get(invite)
            .and_then(|transaction| Some(transaction.open.as_deref()?.local_tag.clone()));
        let cancel = self
            .servers
            .get_mut(cancel)
            .and_then(|transaction| transaction.open.as_deref_mut());
        if let (Some(tag), Some(cancel)) = (tag, cancel) {
            cancel.local_tag = tag;
        }
    }

    /// An application cancels an INVITE that it sent.
    pub(super) fn app_cancel(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        id: TransactionId,
        draft: Message,
    ) {
        let reply = self
            .try_cancel(now, app, id, draft)
            .unwrap_or_else(Reply::Refused);
        self.reply(app, command, reply);
    }

    fn try_cancel(
        &mut self,
        now: Instant,
        app: AppId,
        id: TransactionId,
        draft: Message,
    ) -> Result<Reply, Refusal> {
        let unknown = || Refusal::CancelUnknown(id.to_string());
        let key = match self.transactions.get(&id).copied() {
            Some(TransactionKey::Client(key)) => key,
            Some(TransactionKey::Server(key)) => {
                let proxy = self.proxied_for(app, key).ok_or_else(unknown)?;
                self.app_stops_proxy(now, proxy, &draft);
                return Ok(Reply::Done);
            }
            None => return Err(unknown()),
        };
        let transaction = self.clients.get_mut(key).ok_or_else(unknown)?;
        let ClientUser::Application {
            app: owner,
            call: Some(call),
            ..
        } = &mut transaction.user
        else {
            return Err(unknown());
        };
        let ClientMachine::Invite(machine) = &transaction.machine else {
            return Err(unknown());
        };
        if *owner != app {
            return Err(unknown());
        }
        if !machine.awaits_final() || !matches!(call.cancelling, Cancelling::NotAsked) {
            return Err(Refusal::CancelTooLate(id.to_string()));
        }
        let may_send = machine.has_response();
        let request = transaction.request.as_ref().ok_or_else(unknown)?;
        let path = transaction.path;
        let text = cancel_text(request, &draft).ok_or_else(unknown)?;
        let message = super::uac::parse_request(text)?;
        if may_send {
            call.cancelling = Cancelling::Sent;
            self.send_cancel(now, key, &message);
        } else {
            call.cancelling = Cancelling::Held(message.clone());
        }
        Ok(Reply::Sent {
            transaction: self.random.transaction_id(),
            dialog: None,
            meta: Meta::sent(path, &message, now),
            message,
        })
    }

    /// The search for who answers a request that this application has had forwarded.
    fn proxied_for(&self, app: AppId, key: ServerKey) -> Option<ProxyKey> {
        let transaction = self.servers.get(key)?;
        let owner = transaction.open.as_deref()?.owner;
        transaction.user.proxy().filter(|_| owner == Some(app))
    }

    /// Sends a CANCEL that was held back, now that a provisional response has come.
    pub(super) fn release_cancel(&mut self, now: Instant, key: ClientKey) {
        let Some(ClientUser::Application {
            call: Some(call), ..
        }) = self.clients.get_mut(key).map(|t| &mut t.user)
        else {
            return;
        };
        if !matches!(call.cancelling, Cancelling::Held(_)) {
            return;
        }
        if let Cancelling::Held(message) = std::mem::replace(&mut call.cancelling, Cancelling::Sent)
        {
            self.send_cancel(now, key, &message);
        }
    }

    /// Cancels an INVITE for the engine or a proxy. The caller knows that a provisional
    /// response has come.
    pub(super) fn cancel_client(&mut self, now: Instant, key: ClientKey, reason: Option<&[u8]>) {
        let Some(transaction) = self.clients.get_mut(key) else {
            return;
        };
        if let ClientUser::Application {
            call: Some(call), ..
        } = &mut transaction.user
        {
            if !matches!(call.cancelling, Cancelling::NotAsked) {
                return;
            }
            call.cancelling = Cancelling::GivenUp;
        }
        let request = transaction.request.as_ref();
        if let Some(message) = request.and_then(|request| plain_cancel(request, reason)) {
            self.send_cancel(now, key, &message);
        }
    }

    fn send_cancel(&mut self, now: Instant, key: ClientKey, message: &Message) {
        let final_by = now + self.timers_config.transaction_timeout();
        let Some(invite) = self.clients.get_mut(key) else {
            return;
        };
        // A callee that does not know CANCEL would leave the INVITE open for ever (§9.1).
        if let ClientMachine::Invite(machine) = &mut invite.machine {
            machine.expect_final_by(final_by);
        }
        let (path, branch) = (invite.path, invite.matching.branch());
        self.reschedule_client(key);
        self.open_engine_transaction(now, path, branch, message);
    }

    /// Sends a request of the engine's own, whose outcome nobody is told.
    pub(super) fn open_engine_transaction(
        &mut self,
        now: Instant,
        path: Path,
        branch: super::random::Branch,
        request: &Message,
    ) {
        let matching = ClientMatch::new(branch, request.method() == Some(Method::Cancel));
        if self.clients.find(matching).is_none() {
            self.open_client_transaction(now, ClientUser::Engine, path, branch, request);
        } // else the CANCEL is under way already
    }
}

/// The CANCEL of an INVITE, without anything of an application's but perhaps a reason.
pub(super) fn plain_cancel(invite: &Message, reason: Option<&[u8]>) -> Option<Message> {
    let mut cancel = begin_cancel(invite)?;
    if let Some(reason) = reason {
        cancel.header(HeaderId::Reason, reason);
    }
    Message::parse(cancel.finish(&[])).ok()
}

/// The CANCEL of an INVITE with what an application has drafted.
fn cancel_text(invite: &Message, draft: &Message) -> Option<Bytes> {
    let mut cancel = begin_cancel(invite)?;
    cancel.draft(draft, FROM_INVITE);
    Some(cancel.finish(&draft.body()))
}

/// What a CANCEL takes from its INVITE (§9.1): request-URI, topmost Via, Route and identity.
fn begin_cancel(invite: &Message) -> Option<Writer> {
    let via = invite.values(HeaderId::Via).next()?;
    let cseq = invite.cseq().ok()?.number;
    let mut cancel = Writer::request("CANCEL", invite.request_uri()?);
    cancel.header(HeaderId::Via, via);
    cancel.copy(HeaderId::Route, invite);
    cancel.header(HeaderId::MaxForwards, "70");
    cancel.copy(HeaderId::From, invite);
    cancel.copy(HeaderId::To, invite);
    cancel.copy(HeaderId::CallId, invite);
    cancel.header(HeaderId::CSeq, format!("{cseq} CANCEL"));
    Some(cancel)
}
