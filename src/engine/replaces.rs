//! INVITEs that are to take the place of a call (RFC 3891).
//!
//! The engine looks the call up when the INVITE arrives, and tells its application, which decides:
//! it may answer and end the call that was there, or forward the INVITE, in which case the lookup
//! does not matter. What may not be answered is refused only when the application answers.

use std::time::Instant;

use super::dialog::{CallUsage, Dialog};
use super::event::Refusal;
use super::subscription::{param, split_params};
use super::{DialogKey, Engine, ServerKey};
use crate::message::{HeaderId, Message, Method};

/// What an INVITE with a Replaces means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replacement {
    /// This call may be replaced.
    Of(DialogKey),
    /// An answer becomes this refusal (§3).
    Refused(u16),
}

/// A Replaces header (§6.1). Its tags are seen from here: we are where the INVITE is sent to.
struct Replaces<'a> {
    call_id: &'a str,
    local_tag: &'a str,
    remote_tag: &'a str,
    early_only: bool,
}

impl<'a> Replaces<'a> {
    fn parse(value: &'a str) -> Option<Replaces<'a>> {
        let (call_id, params) = split_params(value);
        let count = |name: &str| {
            let names = params.split(';').map(|param| param.split('=').next());
            names
                .filter(|known| known.is_some_and(|known| known.trim().eq_ignore_ascii_case(name)))
                .count()
        };
        let is_well_formed = !call_id.is_empty()
            && !call_id.contains([',', ' ', '\t'])
            && count("to-tag") == 1
            && count("from-tag") == 1;
        if !is_well_formed {
            return None;
        }
        Some(Replaces {
            call_id,
            local_tag: param(params, "to-tag")?,
            remote_tag: param(params, "from-tag")?,
            early_only: count("early-only") > 0,
        })
    }
}

impl Engine {
    /// The call that an INVITE outside a dialog is to replace; `None` if it says nothing of one.
    pub(super) fn replacement(&self, invite: &Message) -> Option<Replacement> {
        if invite.method() != Some(Method::Invite) || !invite.has(HeaderId::Replaces) {
            return None;
        }
        let is_one = invite.all(HeaderId::Replaces).count() == 1 && !invite.has(HeaderId::Join);
        let replaces = invite
            .get_str(HeaderId::Replaces)
            .filter(|_| is_one)
            .and_then(Replaces::parse);
        Some(match replaces {
            Some(replaces) => self.look_for(&replaces),
            None => Replacement::Refused(400),
        })
    }

    /// An application answers an INVITE: it may not accept one that names no call which may be
    /// replaced.
    pub(super) fn refuse_replacement(
        &mut self,
        now: Instant,
        key: ServerKey,
        code: u16,
    ) -> Result<(), Refusal> {
        let open = self.servers.get(key).and_then(|t| t.open.as_deref());
        match open.and_then(|open| open.refused_with) {
            Some(status) if (101..300).contains(&code) => {
                self.tell_refused(key, status, Refusal::CannotReplace(status));
                self.respond_plainly(now, key, status);
                Err(Refusal::CannotReplace(status))
            }
            _ => Ok(()),
        }
    }

    fn look_for(&self, replaces: &Replaces<'_>) -> Replacement {
        let Replaces {
            call_id,
            local_tag,
            remote_tag,
            early_only,
        } = *replaces;
        let known = self.dialogs.find(call_id, local_tag, remote_tag);
        // A peer of the time before tags is named by a tag of 0.
        let untagged = || {
            (remote_tag == "0")
                .then(|| self.dialogs.find(call_id, local_tag, ""))
                .flatten()
        };
        let Some(key) = known.or_else(untagged) else {
            return Replacement::Refused(481);
        };
        match self
            .dialogs
            .get(key)
            .map(|dialog| refusal(dialog, early_only))
        {
            Some(None) => Replacement::Of(key),
            Some(Some(status)) => Replacement::Refused(status),
            None => Replacement::Refused(481),
        }
    }
}

/// Why a call can't be replaced, if it can't.
fn refusal(dialog: &Dialog, early_only: bool) -> Option<u16> {
    match dialog.call {
        CallUsage::Never => Some(481),
        CallUsage::Over => Some(603),
        CallUsage::Live if dialog.confirmed => early_only.then_some(486),
        // A call that rings here is the caller's to replace, not somebody else's.
        CallUsage::Live if dialog.open_client_invite.is_none() => Some(481),
        CallUsage::Live => None,
    }
}
