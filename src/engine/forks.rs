//! The dialogs that one request of ours makes, one for each fork that answers it
//! (RFC 3261 §12.1.2, §13.2.2.4).

use std::time::Instant;

use bytes::Bytes;

use super::ack::CROSSED_FORK;
use super::command::DialogId;
use super::dialog::{CallUsage, DialogSeed};
use super::offers::{Offers, Side};
use super::path::Path;
use super::transaction::client::ClientUser;
use super::uac::Call;
use super::uas_dialog::{record_routes, refresh_target};
use super::{limits, ClientKey, DialogKey, Engine};
use crate::message::{HeaderId, Message};

/// A fork that has answered after another one had, and was ended.
#[derive(Debug)]
pub(crate) struct EndedFork {
    tag: Box<str>,
    /// Sent again whenever its 2xx is repeated.
    ack: (Bytes, Path),
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
            .contact()
            .ok()
            .flatten()
            .map(|contact| contact.uri)
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

    /// The application has its call: this fork is acknowledged and ended. Its 2xx is repeated
    /// until the ACK has come, but needs one BYE only.
    pub(super) fn end_extra_fork(
        &mut self,
        now: Instant,
        path: Path,
        key: ClientKey,
        response: &Message,
    ) {
        let tag = remote_tag(response);
        let ended = self.call_of(key).and_then(|call| {
            let ended = call.ended.iter().find(|fork| *fork.tag == *tag)?;
            Some(ended.ack.clone())
        });
        if let Some((ack, path)) = ended {
            self.counters.retransmissions += 1;
            self.transmit(path, ack, None);
            return;
        }
        let Some(dialog) = self.fork_of(path, key, response) else {
            return;
        };
        self.take_answer(path, dialog, response);
        let cseq = response.cseq().map_or(0, |cseq| cseq.number);
        let ack = self.acknowledge(dialog, cseq);
        self.send_bye(now, dialog, CROSSED_FORK);
        self.remove_dialog(dialog);
        if let (Some(ack), Some(call)) = (ack, self.call_of(key)) {
            if call.ended.len() < limits::MAX_FORKS {
                let tag = tag.into();
                call.ended.push(EndedFork { tag, ack });
            }
        }
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
