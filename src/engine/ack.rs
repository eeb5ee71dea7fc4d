//! 2xx responses to INVITE and their ACKs, which travel outside the transactions
//! (RFC 3261 §13.2.2.4, §13.3.1.4).

use std::time::Instant;

use bytes::Bytes;

use super::cdr::StopReason;
use super::command::{AppId, CommandId, DialogId, Forks};
use super::compose::{Identity, RequestParts, Writer};
use super::dialog::Acknowledgement;
use super::event::{Meta, Refusal, Reply, Source};
use super::nat::replaced_address;
use super::offers::{Carrier, Side};
use super::path::Path;
use super::random::Branch;
use super::target::{Destination, Hop};
use super::transaction::invite_server::AckVerdict;
use super::transaction::ServerMachine;
use super::{Action, ClientKey, Command, DialogKey, Engine, Parked, ServerKey};
use crate::message::{HeaderId, Message, Method};

/// Why the engine ended a call by itself; applications see these texts.
pub(super) const ACK_TIMEOUT: HangUp = HangUp {
    reason: "SIP ;cause=200 ;text=\"ACK timeout\"",
    on_record: StopReason::AckBye,
};
const CANCEL_RACE: HangUp = HangUp {
    reason: "SIP ;cause=200 ;text=\"ACK-BYE due to cancel race condition\"",
    on_record: StopReason::AckBye,
};
/// The same for a fork that nobody waits for any more; the callee sees it.
pub(super) const CROSSED_FORK: HangUp = HangUp {
    reason: "SIP ;cause=200 ;text=\"Call completed elsewhere\"",
    on_record: StopReason::AckBye,
};
/// The same for a call that is forgotten, since nobody is there that a BYE could reach.
const UNREACHABLE: HangUp = HangUp {
    reason: "SIP ;cause=408 ;text=\"Peer can not be reached\"",
    on_record: StopReason::SystemErrorInitiatedTermination,
};

/// Why the engine ends a call by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct HangUp {
    /// The Reason of the BYE (RFC 3326).
    pub(super) reason: &'static str,
    /// What the call detail record says.
    pub(super) on_record: StopReason,
}

/// Who hears of a BYE that the engine sends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Owner,
    Nobody,
}

impl Engine {
    /// An ACK arrived: for a failure it ends in the transaction, for a 2xx in the dialog, or it
    /// passes through this proxy.
    pub(super) fn receive_ack(
        &mut self,
        now: Instant,
        path: Path,
        transaction: Option<ServerKey>,
        ack: &Message,
    ) {
        let timers = self.timers_config;
        if let Some(key) = transaction {
            if let Some(ServerMachine::Invite(machine)) =
                self.servers.get_mut(key).map(|t| &mut t.machine)
            {
                let verdict = machine.on_ack(now, &timers);
                self.reschedule_server(key);
                if verdict == AckVerdict::Absorb {
                    return;
                }
            }
        }
        if let Some(dialog) = self.dialog_of(ack) {
            self.acknowledge_2xx(now, path, dialog, ack);
        } else if self.top_route_is_ours(ack) {
            self.proxy_ack(path, ack);
        } else if self.stateless && transaction.is_none() {
            self.receive_stray_ack(now, path, ack);
        }
    }

    /// The ACK to a 2xx of ours: it is told once, repetitions are absorbed.
    fn acknowledge_2xx(&mut self, now: Instant, path: Path, key: DialogKey, ack: &Message) {
        let cseq = ack.cseq().map_or(0, |cseq| cseq.number);
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return;
        };
        let Some(answered) = dialog
            .unacknowledged
            .take_if(|waiting| waiting.cseq == cseq)
        else {
            return;
        };
        let (owner, id) = (dialog.owner, dialog.id.clone());
        dialog.offers.ended(Side::Ours, Carrier::Success);
        self.dialogs.heard(key, path, replaced_address(ack, &path));
        self.reschedule_dialog(key);
        let meta = Meta::received(path, ack, now);
        let invite = answered.invite;
        self.deliver(Some(owner), Some(invite), Some(id), meta, ack.clone());
        self.release(now, key);
    }

    /// A 2xx of ours is due again, or its ACK will not come any more.
    pub(super) fn dialog_timeout(&mut self, now: Instant, key: DialogKey) {
        let cap = self.timers_config.t2;
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return;
        };
        if dialog.expires.is_some_and(|at| at <= now) {
            self.record_unreachable(now, key);
            self.end_call_usage(key);
            return;
        }
        self.lapse_subscriptions(now, key);
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return;
        };
        if let Some(waiting) = dialog.unacknowledged.as_deref_mut() {
            if waiting.give_up <= now {
                dialog.unacknowledged = None;
                self.reschedule_dialog(key);
                match self.take_held_bye(key) {
                    Some((bye, others)) => {
                        // The call is over for them, even if the BYE is challenged.
                        self.refuse_held(others);
                        self.carry_out(now, bye, None);
                    }
                    None => self.end_call(now, key, ACK_TIMEOUT),
                }
                return;
            }
            if waiting.repeat.due(now, Some(cap)) {
                let (path, response) = (waiting.path, waiting.response.clone());
                self.counters.retransmissions += 1;
                self.transmit(path, response, None);
            }
        }
        self.ack_timeout(now, key);
        self.session_timeout(now, key);
        self.reschedule_dialog(key);
    }

    /// The application has not acknowledged a 2xx in the time the peer waits for it. A call that
    /// it has cancelled is ended without it.
    fn ack_timeout(&mut self, now: Instant, key: DialogKey) {
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return;
        };
        let missed = dialog.acknowledgement.take_if(|ack| ack.give_up <= now);
        if let (Some(missed), true) = (missed, dialog.bye_after_ack) {
            self.acknowledge_and_end(now, key, missed.client, missed.cseq, Told::Owner);
        }
    }

    /// The application must acknowledge a 2xx in this dialog.
    pub(super) fn await_ack(&mut self, now: Instant, key: DialogKey, client: ClientKey, cseq: u32) {
        let give_up = now + self.timers_config.transaction_timeout();
        let Some(invite) = self.clients.get(client).map(|transaction| transaction.id) else {
            return;
        };
        if let Some(dialog) = self.dialogs.get_mut(key) {
            dialog.acknowledgement = Some(Box::new(Acknowledgement {
                client,
                invite,
                cseq,
                give_up,
            }));
        }
        self.reschedule_dialog(key);
    }

    /// A final response came again, so its ACK was lost.
    pub(super) fn repeat_ack(&mut self, key: ClientKey) {
        let kept = self.clients.get(key).and_then(|t| t.ack.as_deref());
        if let Some((ack, path)) = kept.cloned() {
            self.counters.retransmissions += 1;
            self.transmit(path, ack, None);
        } // else the application has not sent it yet
    }

    /// An application's ACK.
    pub(super) fn app_ack(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        id: DialogId,
        draft: Message,
        resolved: Option<&[Destination]>,
    ) {
        match self.try_ack(now, app, command, &id, &draft, resolved) {
            Ok(Some(reply)) => self.reply(app, command, reply),
            Ok(None) => {}
            Err(refusal) => self.reply(app, command, Reply::Refused(refusal)),
        }
    }

    fn try_ack(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        id: &DialogId,
        draft: &Message,
        resolved: Option<&[Destination]>,
    ) -> Result<Option<Reply>, Refusal> {
        let awaited = self.dialogs.newest(id, |dialog| {
            dialog.owner == app && dialog.acknowledgement.is_some()
        });
        let Some(key) = awaited else {
            return Err(match self.dialogs.find_by_id(id, app) {
                Some(_) => Refusal::AckWithoutSuccess,
                None => Refusal::AckForFailure,
            });
        };
        let waiting = self
            .dialogs
            .get(key)
            .and_then(|dialog| dialog.acknowledgement.as_deref())
            .ok_or(Refusal::AckWithoutSuccess)?;
        let (client, transaction, cseq) = (waiting.client, waiting.invite, waiting.cseq);
        let path = match self.dialog_ways(key, resolved)? {
            Hop::Ready(ways) => ways.first,
            Hop::Named(name) => {
                let action = Action::Request {
                    dialog: Some(id.clone()),
                    next_hop: None,
                    forks: Forks::First,
                    message: draft.clone(),
                };
                self.look_up(
                    name,
                    Parked::Command(Command {
                        app,
                        id: command,
                        action,
                    }),
                )?;
                return Ok(None);
            }
        };
        let text = self
            .compose_in_dialog(key, "ACK", cseq, &path, Some(draft))
            .ok_or(Refusal::AckForFailure)?;
        let message = super::uac::parse_request(text)?;
        let mut ends = false;
        if let Some(dialog) = self.dialogs.get_mut(key) {
            dialog.acknowledgement = None;
            dialog.offers.ended(Side::Theirs, Carrier::Success);
            ends = dialog.bye_after_ack;
        }
        self.note_description(key, &message);
        self.reschedule_dialog(key);
        self.keep_ack(client, key, (message.text().clone(), path));
        self.transmit(path, message.text().clone(), None);
        if ends {
            self.end_call(now, key, CANCEL_RACE);
        }
        Ok(Some(Reply::Sent {
            transaction,
            dialog: Some(id.clone()),
            meta: Meta::sent(path, &message, now),
            message,
        }))
    }

    /// Acknowledges a 2xx that the application has no use for, and ends that call. The INVITE
    /// `client` keeps the ACK for repetitions of the 2xx.
    pub(super) fn acknowledge_and_end(
        &mut self,
        now: Instant,
        key: DialogKey,
        client: ClientKey,
        cseq: u32,
        told: Told,
    ) {
        if let Some(ack) = self.acknowledge(key, cseq) {
            self.keep_ack(client, key, ack);
        }
        match told {
            Told::Owner => self.end_call(now, key, CANCEL_RACE),
            Told::Nobody => {
                self.send_bye(now, key, CANCEL_RACE);
                self.end_call_usage(key);
            }
        }
    }

    /// Sends an ACK of the engine's own.
    pub(super) fn acknowledge(&mut self, key: DialogKey, cseq: u32) -> Option<(Bytes, Path)> {
        let path = self.dialog_path_now(key)?;
        let ack = self.compose_in_dialog(key, "ACK", cseq, &path, None)?;
        self.transmit(path, ack.clone(), None);
        Some((ack, path))
    }

    /// A call is forgotten whose peer no BYE has reached: the record has the one that is not sent.
    fn record_unreachable(&mut self, now: Instant, key: DialogKey) {
        if !self.makes_records {
            return;
        }
        if let Some((_, bye, _)) = self.compose_bye(key, UNREACHABLE.reason) {
            let why = UNREACHABLE.on_record;
            self.record_end(now, key, Source::Application, why, &bye);
        }
    }

    /// The engine ends a call by itself and tells the owner of its BYE.
    pub(super) fn end_call(&mut self, now: Instant, key: DialogKey, why: HangUp) {
        let Some((owner, id)) = self.dialog_owner(key) else {
            return;
        };
        if let Some((path, message)) = self.send_bye(now, key, why) {
            let meta = Meta::sent(path, &message, now);
            self.tell_of_call_end(owner, id, meta, message);
        }
        self.end_call_usage(key);
    }

    /// Tells the owner that a call has ended which needs no BYE, in the same way.
    pub(super) fn tell_of_bye(&mut self, now: Instant, key: DialogKey, reason: &str) {
        let Some((owner, id)) = self.dialog_owner(key) else {
            return;
        };
        if let Some((path, message, _)) = self.compose_bye(key, reason) {
            let meta = Meta::sent(path, &message, now);
            self.tell_of_call_end(owner, id, meta, message);
        }
    }

    /// Sends a BYE of the engine's own.
    pub(super) fn send_bye(
        &mut self,
        now: Instant,
        key: DialogKey,
        why: HangUp,
    ) -> Option<(Path, Message)> {
        let (path, message, branch) = self.compose_bye(key, why.reason)?;
        self.record_end(now, key, Source::Application, why.on_record, &message);
        self.open_engine_transaction(now, path, branch, &message);
        Some((path, message))
    }

    fn compose_bye(&mut self, key: DialogKey, reason: &str) -> Option<(Path, Message, Branch)> {
        let path = self.dialog_path_now(key)?;
        let dialog = self.dialogs.get_mut(key)?;
        dialog.local_cseq = dialog.local_cseq.saturating_add(1);
        let cseq = dialog.local_cseq;
        let mut draft = Writer::request("BYE", "sip:placeholder");
        draft.header(HeaderId::Reason, reason);
        let draft = Message::parse_draft(draft.finish(&[])).ok()?;
        let branch = self.random.branch();
        let text = self.compose_with_branch(key, "BYE", cseq, &path, Some(&draft), branch)?;
        let message = Message::parse(text).ok()?;
        Some((path, message, branch))
    }

    /// The ACK to a failure belongs to the INVITE's transaction: same request-URI, branch and
    /// Route, the To of the response (§17.1.1.3).
    pub(super) fn acknowledge_failure(&mut self, key: ClientKey, response: &Message) {
        let Some(transaction) = self.clients.get_mut(key) else {
            return;
        };
        let Some(request) = transaction.request.as_ref() else {
            return;
        };
        if request.method() != Some(Method::Invite) {
            return;
        }
        let Some(ack) = failure_ack(request, response) else {
            return;
        };
        let path = transaction.path;
        if !path.transport.is_reliable() {
            transaction.ack = Some(Box::new((ack.clone(), path)));
        }
        let sender = transaction.sender(key);
        self.transmit(path, ack, Some(sender));
    }

    pub(super) fn compose_in_dialog(
        &mut self,
        key: DialogKey,
        method: &str,
        cseq: u32,
        path: &Path,
        draft: Option<&Message>,
    ) -> Option<Bytes> {
        let branch = self.random.branch();
        self.compose_with_branch(key, method, cseq, path, draft, branch)
    }

    pub(super) fn compose_with_branch(
        &self,
        key: DialogKey,
        method: &str,
        cseq: u32,
        path: &Path,
        draft: Option<&Message>,
        branch: Branch,
    ) -> Option<Bytes> {
        let dialog = self.dialogs.get(key)?;
        let (uri, routes) = dialog.request_uri_and_routes();
        let face = self.listeners.face(path);
        let contact = dialog.contact_for(method, draft, face);
        Some(
            RequestParts {
                method,
                uri: &uri,
                via: self.listeners.via(path, branch),
                face,
                routes: &routes,
                identity: Identity {
                    from: &dialog.local,
                    to: &dialog.remote,
                    call_id: &dialog.call_id,
                    cseq,
                },
                contact: contact.as_deref(),
                draft,
            }
            .compose(),
        )
    }
}

fn failure_ack(invite: &Message, response: &Message) -> Option<Bytes> {
    let via = invite.values(HeaderId::Via).next()?;
    let cseq = invite.cseq().ok()?.number;
    let mut ack = Writer::request("ACK", invite.request_uri()?);
    ack.header(HeaderId::Via, via);
    ack.copy(HeaderId::Route, invite);
    ack.header(HeaderId::MaxForwards, "70");
    ack.copy(HeaderId::From, invite);
    ack.copy(HeaderId::To, response);
    ack.copy(HeaderId::CallId, invite);
    ack.header(HeaderId::CSeq, format!("{cseq} ACK"));
    Some(ack.finish(&[]))
}
