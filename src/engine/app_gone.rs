//! What becomes of an application's requests and calls when it goes away.

use std::time::Instant;

use super::cancel::Cancelling;
use super::command::AppId;
use super::transaction::client::ClientUser;
use super::{Engine, ServerKey};

/// Why a call ended whose application has gone.
const REASON_APP_GONE: &str = "SIP ;cause=503 ;text=\"application has gone\"";

impl Engine {
    /// Answers what the application has not answered, cancels what it has asked for and hangs
    /// up its calls, so that nobody waits for it in vain.
    pub(super) fn end_all_of(&mut self, now: Instant, app: AppId) {
        let unanswered: Vec<ServerKey> = self
            .servers
            .iter()
            .filter(|(_, t)| t.open.as_deref().is_some_and(|o| o.owner == Some(app)))
            .map(|(key, _)| key)
            .collect();
        for key in unanswered {
            let proxied = self.servers.get(key).and_then(|t| t.user.proxy());
            match proxied {
                Some(proxy) => self.cancel_proxy(now, proxy),
                None => self.respond_plainly(now, key, 503),
            }
        }
        self.cancel_calls_of(now, app);
        let calls: Vec<_> = self.dialogs.keys().collect();
        for key in calls {
            let is_call = self
                .dialogs
                .get(key)
                .is_some_and(|dialog| dialog.owner == app && dialog.confirmed);
            if is_call {
                self.end_call(now, key, REASON_APP_GONE);
            }
        }
    }

    fn cancel_calls_of(&mut self, now: Instant, app: AppId) {
        let mut ringing = Vec::new();
        for (key, transaction) in self.clients.iter_mut() {
            let may_cancel = transaction.has_response() && transaction.machine.awaits_final();
            if let ClientUser::Application {
                app: owner,
                call: Some(call),
                ..
            } = &mut transaction.user
            {
                if *owner == app && matches!(call.cancelling, Cancelling::NotAsked) && may_cancel {
                    ringing.push(key);
                }
            }
        }
        for key in ringing {
            self.cancel_client(now, key);
        }
    }
}
