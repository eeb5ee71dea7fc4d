//! What becomes of an application's requests and calls when it goes away.

use std::time::Instant;

use super::ack::HangUp;
use super::cancel::{plain_cancel, Cancelling};
use super::cdr::StopReason;
use super::command::AppId;
use super::dialog::CallUsage;
use super::transaction::client::ClientUser;
use super::{DialogKey, Engine, Parked, ServerKey};

/// Why a call ended whose application has gone.
const APP_GONE: HangUp = HangUp {
    reason: "SIP ;cause=503 ;text=\"application has gone\"",
    on_record: StopReason::SystemInitiatedTermination,
};

/// What outlives an application that has gone: nothing, unless it is said here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Legacy {
    /// New requests that it has given no response to are offered to another application, each of
    /// them once in its life.
    pub requests: bool,
    /// Its confirmed dialogs go on without it, and requests in them wait, until another
    /// application adopts them or they are ended as well.
    pub dialogs: bool,
}

impl Engine {
    /// Answers what the application has not answered, cancels what it has asked for and hangs
    /// up its calls, so that nobody waits for it in vain.
    pub(super) fn end_all_of(&mut self, now: Instant, app: AppId, legacy: Legacy) {
        self.queries
            .retain(|_, parked| !matches!(parked, Parked::Command(command) if command.app == app));
        if legacy.dialogs {
            self.untold.open(app);
        } else {
            // What has waited ends without anybody who is told.
            self.untold.take(app);
        }
        let unanswered: Vec<ServerKey> = self
            .servers
            .iter()
            .filter(|(_, t)| t.open.as_deref().is_some_and(|o| o.owner == Some(app)))
            .map(|(key, _)| key)
            .collect();
        for key in unanswered {
            let proxied = self.servers.get(key).and_then(|t| t.user.proxy());
            match proxied {
                Some(proxy) => self.app_leaves_proxy(now, proxy),
                // The call is not the application's, and goes on.
                None if self.is_passing(key) => self.let_pass(now, key),
                None if legacy.dialogs && self.is_in_confirmed_dialog(key) => {
                    // Any other request waits.
                    self.answer_bye_for_heir(now, key);
                }
                None if legacy.requests && self.offer_to_another(now, key) => {}
                None => self.respond_unavailable(now, key, 503),
            }
        }
        self.cancel_calls_of(now, app);
        if !legacy.dialogs {
            self.expect_no_notifies_of(app);
        }
        let dialogs: Vec<_> = self.dialogs.keys().collect();
        for key in dialogs {
            let Some(dialog) = self.dialogs.get_mut(key) else {
                continue;
            };
            if dialog.owner != app || !dialog.confirmed {
                continue;
            }
            if legacy.dialogs {
                let held = std::mem::take(&mut dialog.held);
                self.refuse_held(held);
            } else {
                self.end_dialog_of_gone(now, key);
            }
        }
    }

    /// Cancels what the application has asked for: at once, or as soon as a provisional response
    /// allows it (§9.1).
    fn cancel_calls_of(&mut self, now: Instant, app: AppId) {
        let mut ringing = Vec::new();
        for (key, transaction) in self.clients.iter_mut() {
            let is_open = transaction.machine.awaits_final();
            let may_cancel = transaction.has_response();
            let ClientUser::Application {
                app: owner,
                call: Some(call),
                ..
            } = &mut transaction.user
            else {
                continue;
            };
            if *owner != app || !is_open {
                continue;
            }
            call.is_orphan = true;
            let is_invite = transaction.machine.is_invite();
            if !is_invite || !matches!(call.cancelling, Cancelling::NotAsked) {
                continue;
            }
            if may_cancel {
                ringing.push(key);
            } else if let Some(cancel) = transaction
                .request
                .as_ref()
                .and_then(|invite| plain_cancel(invite, None))
            {
                call.cancelling = Cancelling::Held(cancel);
            }
        }
        for key in ringing {
            self.cancel_client(now, key, None);
        }
    }

    /// A subscription has no request that ends it from both sides: the next one that arrives in
    /// it is answered 481, which ends it there too (RFC 6665 §4.1.2, §4.2.2).
    fn end_dialog_of_gone(&mut self, now: Instant, key: DialogKey) {
        if self
            .dialogs
            .get(key)
            .is_some_and(|dialog| dialog.call == CallUsage::Live)
        {
            self.end_call(now, key, APP_GONE);
        }
        self.remove_dialog(key);
    }
}
