//! The dialogs that one request of ours makes, one for each fork that answers it
//! (RFC 3261 §12.1.2, §13.2.2.4).

use std::time::Instant;

use bytes::Bytes;

use super::ack::CROSSED_FORK;
use super::cdr::CdrRole;
use super::command::{DialogId, Forks};
use super::dialog::{CallUsage, DialogSeed};
use super::offers::{Offers, Side};
use super::path::Path;
use super::transaction::client::ClientUser;
use super::uac::{uac_dialog_id, Call};
use super::uas_dialog::{record_routes, refresh_target};
use super::{limits, ClientKey, DialogKey, Engine};
use crate::message::{HeaderId, Message};

/// A fork that has accepted after another one had.
#[derive(Debug)]
pub(crate) struct OtherFork {
    tag: Box<str>,
    /// Its dialog, if it is the application's.
    dialog: Option<DialogKey>,
    /// Sent again whenever its 2xx is repeated.
    ack: Option<(Bytes, Path)>,
}

impl Engine {
    /// The dialog of the fork that a response comes from, made if it is new (§12.1.2).
    pub(super) fn fork_of(
        &mut self,
        path: Path,
        key: ClientKey,
        response: &Message,
    ) -> Option<DialogKey> {
        let is_success = response.status().is_some_and(|status| status >= 200);
        let to_tag = remote_tag(response);
        let from_tag = response.from_tag()?;
        let call_id = response.call_id().ok()?;
        if let Some(known) = self.dialogs.find(call_id, from_tag, to_tag) {
            return Some(known);
        }
        // A provisional response without a tag makes no dialog (§12.1), and one more fork that
        // rings can be missed. A success can't be.
        if !is_success && (to_tag.is_empty() || self.check_dialog_room().is_err()) {
            return None;
        }
        let transaction = self.clients.get_mut(key)?;
        let ClientUser::Application {
            app,
            call: Some(call),
            ..
        } = &mut transaction.user
        else {
            return None;
        };
        if !is_success && call.forks.len() >= limits::MAX_FORKS {
            return None;
        }
        let is_invite = transaction.machine.is_invite();
        let request = transaction.request.as_ref();
        let (call_usage, offers) = match request {
            Some(invite) if is_invite => (CallUsage::Live, Offers::of_invite(Side::Ours, invite)),
            _ if is_invite => (CallUsage::Live, Offers::default()),
            _ => (CallUsage::Never, Offers::default()),
        };
        let request_contact = request.and_then(|r| r.get_str(HeaderId::Contact));
        let target = response
            .target()
            .or_else(|| request.and_then(Message::request_uri))?;
        let dialog = self.dialogs.insert(DialogSeed {
            id: DialogId::new(call_id, from_tag),
            owner: *app,
            call: call_usage,
            offers,
            call_id,
            local_tag: from_tag,
            remote_tag: to_tag,
            local: response.get_str(HeaderId::From)?.to_string(),
            remote: response.get_str(HeaderId::To)?.to_string(),
            local_cseq: response.cseq().ok()?.number,
            remote_cseq: None,
            routes: uac_routes(response),
            target,
            contact: request_contact.unwrap_or_default().to_string(),
            path,
        });
        call.forks.push(dialog);
        if let Some(dialog) = self.dialogs.get_mut(dialog) {
            dialog.open_client_invite = is_invite.then_some(key);
        }
        Some(dialog)
    }

    /// A 2xx decides what its dialog is (§13.2.2.4): the route set, and who answers.
    pub(super) fn take_answer(&mut self, path: Path, key: DialogKey, response: &Message) {
        if let Some(dialog) = self.dialogs.get_mut(key) {
            if !dialog.confirmed {
                dialog.routes = uac_routes(response).into();
            }
            refresh_target(dialog, response);
        }
        self.dialogs.heard(key, path, None);
    }

    /// A fork accepts after another one has. Its dialog, if the application wants that call too and has
    /// not been told of it; else the fork is acknowledged and ended. Its 2xx is repeated until the ACK has
    /// come.
    pub(super) fn other_fork(
        &mut self,
        now: Instant,
        path: Path,
        key: ClientKey,
        response: &Message,
    ) -> Option<DialogKey> {
        let tag = remote_tag(response);
        let call = self.call_of(key)?;
        if let Some(known) = call.others.iter().find(|fork| *fork.tag == *tag) {
            if let Some((ack, path)) = known.ack.clone() {
                self.counters.retransmissions += 1;
                self.transmit(path, ack, None);
            } // else the application has not sent it yet
            return None;
        }
        let is_wanted = call.wanted == Forks::All
            && call.cancelling.is_not_asked()
            && !call.is_orphan
            && call.others.len() < limits::MAX_FORKS;
        let id = call.id.of_fork(tag);
        let dialog = self.fork_of(path, key, response)?;
        self.record_answer(now, CdrRole::Uac, response);
        self.take_answer(path, dialog, response);
        if !is_wanted {
            self.end_other_fork(now, key, dialog, response);
            return None;
        }
        self.dialogs.rename(dialog, id);
        self.call_of(key)?.others.push(OtherFork {
            tag: tag.into(),
            dialog: Some(dialog),
            ack: None,
        });
        Some(dialog)
    }

    fn end_other_fork(
        &mut self,
        now: Instant,
        key: ClientKey,
        dialog: DialogKey,
        response: &Message,
    ) {
        let cseq = response.cseq().map_or(0, |cseq| cseq.number);
        let ack = self.acknowledge(dialog, cseq);
        self.send_bye(now, dialog, CROSSED_FORK);
        self.remove_dialog(dialog);
        if let (Some(ack), Some(call)) = (ack, self.call_of(key)) {
            if call.others.len() < limits::MAX_FORKS {
                call.others.push(OtherFork {
                    tag: remote_tag(response).into(),
                    dialog: None,
                    ack: Some(ack),
                });
            }
        }
    }

    /// Keeps the ACK to a 2xx in this dialog for repetitions of that 2xx.
    pub(super) fn keep_ack(&mut self, client: ClientKey, dialog: DialogKey, ack: (Bytes, Path)) {
        let other = self.call_of(client).and_then(|call| {
            let mut others = call.others.iter_mut();
            others.find(|fork| fork.dialog == Some(dialog))
        });
        if let Some(other) = other {
            other.ack = Some(ack);
        } else if let Some(invite) = self.clients.get_mut(client) {
            invite.ack = Some(Box::new(ack));
        }
    }

    /// What the application calls the dialog with the fork that a response comes from.
    pub(super) fn fork_id(&self, call: &Call, response: &Message) -> Option<DialogId> {
        let tag = remote_tag(response);
        let other = call.others.iter().find(|fork| *fork.tag == *tag);
        let dialog = other.and_then(|fork| self.dialogs.get(fork.dialog?));
        dialog
            .map(|dialog| dialog.id.clone())
            .or_else(|| uac_dialog_id(response))
    }

    fn call_of(&mut self, key: ClientKey) -> Option<&mut Call> {
        match &mut self.clients.get_mut(key)?.user {
            ClientUser::Application { call, .. } => call.as_deref_mut(),
            _ => None,
        }
    }

    pub(super) fn end_early_forks(&mut self, key: ClientKey) {
        let forks = match self.clients.get_mut(key).map(|t| &mut t.user) {
            Some(ClientUser::Application {
                call: Some(call), ..
            }) => std::mem::take(&mut call.forks),
            _ => return,
        };
        for fork in forks {
            if self
                .dialogs
                .get(fork)
                .is_some_and(|dialog| !dialog.confirmed)
            {
                self.remove_dialog(fork);
            }
        }
    }
}

/// The tag of the peer; empty for one of the time before tags (§12.1.2).
pub(super) fn remote_tag(response: &Message) -> &str {
    response.to_tag().unwrap_or_default()
}

/// The caller's route set is the recorded one backwards (§12.1.2).
fn uac_routes(response: &Message) -> Vec<Box<str>> {
    let mut routes: Vec<Box<str>> = record_routes(response).collect();
    routes.reverse();
    routes
}
