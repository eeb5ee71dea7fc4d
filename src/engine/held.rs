//! Requests of an application's that must wait for their turn in a dialog.

use std::time::Instant;

use super::command::Command;
use super::dialog::CallUsage;
use super::event::{Refusal, Reply};
use super::in_dialog::is_of_call;
use super::{limits, Action, DialogKey, Engine};
use crate::message::Method;

impl Engine {
    /// Keeps a request that may not go yet; false if it can go at once.
    ///
    /// A BYE waits for the ACK to our 2xx (RFC 3261 §15): before that the caller may not have
    /// heard of the call that it would end. An INVITE waits for it too, since at the caller the
    /// first one is still open (§14.1). INVITE and UPDATE wait while the engine refreshes the call,
    /// which the application knows nothing of.
    pub(super) fn hold(
        &mut self,
        key: DialogKey,
        method: Method<'_>,
        command: impl FnOnce() -> Command,
    ) -> Result<bool, Refusal> {
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return Ok(false);
        };
        let waits = match method {
            Method::Bye => dialog.unacknowledged.is_some(),
            Method::Invite => dialog.unacknowledged.is_some() || dialog.is_refreshing(),
            Method::Update => dialog.is_refreshing(),
            _ => false,
        };
        if !waits {
            return Ok(false);
        }
        let holds = |wanted| dialog.held.iter().any(|held| method_of(held) == wanted);
        if holds(Some(Method::Bye)) {
            return Err(Refusal::UnknownDialog);
        }
        if method == Method::Invite && holds(Some(Method::Invite)) {
            return Err(Refusal::InviteInProgress);
        }
        if dialog.held.len() >= limits::MAX_HELD_REQUESTS {
            return Err(Refusal::LimitReached(
                "requests that wait in a dialog",
                limits::MAX_HELD_REQUESTS,
            ));
        }
        dialog.held.push(command());
        Ok(true)
    }

    /// Sends what has waited, as far as it may go now.
    pub(super) fn release(&mut self, now: Instant, key: DialogKey) {
        let held = self
            .dialogs
            .get_mut(key)
            .map(|d| std::mem::take(&mut d.held));
        for command in held.into_iter().flatten() {
            self.carry_out(now, command, None);
        }
    }

    /// The BYE that waits, if there is one, and what waits with it.
    pub(super) fn take_held_bye(&mut self, key: DialogKey) -> Option<(Command, Vec<Command>)> {
        let dialog = self.dialogs.get_mut(key)?;
        let at = dialog
            .held
            .iter()
            .position(|held| method_of(held) == Some(Method::Bye))?;
        let bye = dialog.held.remove(at);
        Some((bye, std::mem::take(&mut dialog.held)))
    }

    /// What has waited will never go.
    pub(super) fn refuse_held(&mut self, held: Vec<Command>) {
        for command in held {
            let refusal = Refusal::UnknownDialog;
            self.reply(command.app, command.id, Reply::Refused(refusal));
        }
    }

    /// Whether an application may send a request of this method in a dialog now.
    pub(super) fn check_turn(&self, key: DialogKey, method: Method<'_>) -> Result<(), Refusal> {
        let dialog = self.dialogs.get(key).ok_or(Refusal::UnknownDialog)?;
        if is_of_call(method) && dialog.call == CallUsage::Over {
            return Err(Refusal::UnknownDialog);
        }
        // §14.1: one INVITE at a time, in either direction.
        let is_open = dialog.open_client_invite.is_some() || dialog.open_server_invite.is_some();
        if method == Method::Invite && is_open && !dialog.is_refreshing() {
            return Err(Refusal::InviteInProgress);
        }
        Ok(())
    }
}

fn method_of(command: &Command) -> Option<Method<'_>> {
    match &command.action {
        Action::Request { message, .. } => message.method(),
        _ => None,
    }
}
