//! What passes from one application to another: a request that has no answer yet, and the dialogs
//! of one that has gone.

use std::time::Instant;

use super::command::{AppId, TransactionId};
use super::event::{Meta, News, Refusal};
use super::transaction::client::ClientUser;
use super::transaction::server::ServerUser;
use super::{Engine, ServerKey, TransactionKey};
use crate::message::{HeaderId, Method};

impl Engine {
    /// Takes a new request back from its application, which has given no response to it.
    pub(super) fn take_back_from(
        &mut self,
        now: Instant,
        app: AppId,
        id: TransactionId,
    ) -> Result<News, Refusal> {
        let Some(TransactionKey::Server(key)) = self.transactions.get(&id).copied() else {
            return Err(Refusal::UnknownTransaction);
        };
        let open = self.servers.get(key).and_then(|t| t.open.as_deref());
        if open.is_none_or(|open| open.owner != Some(app)) || !self.is_free(key) {
            return Err(Refusal::UnknownTransaction);
        }
        self.release_request(now, key)
            .ok_or(Refusal::UnknownTransaction)
    }

    /// Offers a request of an application that has gone to another one: true if that may be.
    pub(super) fn offer_to_another(&mut self, now: Instant, key: ServerKey) -> bool {
        if !self.is_free(key) {
            return false;
        }
        let open = self
            .servers
            .get_mut(key)
            .and_then(|t| t.open.as_deref_mut());
        let is_second =
            open.is_some_and(|open| std::mem::replace(&mut open.is_offered_again, true));
        if is_second {
            return false;
        }
        match self.release_request(now, key) {
            Some(news) => {
                self.emit(None, news);
                true
            }
            None => false,
        }
    }

    /// A request in a dialog that is up.
    pub(super) fn is_in_confirmed_dialog(&self, key: ServerKey) -> bool {
        let open = self.servers.get(key).and_then(|t| t.open.as_deref());
        let dialog = open.filter(|open| !open.is_initial).and_then(|o| o.dialog);
        // A BYE has ended its dialog already, and awaits its answer all the same.
        dialog.is_some_and(|dialog| self.dialogs.get(dialog).is_none_or(|d| d.confirmed))
    }

    /// A BYE needs nobody's consent (§15.1.2). In a dialog of an application that has gone it is
    /// answered at once, and who adopts the dialogs is told of it. False for any other request.
    pub(super) fn answer_bye_for_heir(&mut self, now: Instant, key: ServerKey) -> bool {
        let Some(transaction) = self.servers.get(key) else {
            return false;
        };
        let Some(open) = transaction.open.as_deref() else {
            return false;
        };
        let heirless = open.owner.filter(|app| self.untold.awaits_heir_of(*app));
        let (Some(owner), Some(dialog)) = (heirless, open.told_dialog.clone()) else {
            return false;
        };
        if open.request.method() != Some(Method::Bye) {
            return false;
        }
        let bye = open.request.clone();
        let meta = Meta::received(transaction.reply_path, &bye, now);
        self.tell_of_call_end(owner, dialog, meta, bye);
        self.respond_plainly(now, key, 200);
        true
    }

    /// Gives everything that an application which has gone has left to another one: its dialogs,
    /// the requests that wait in them, which the heir is told of in the order in which they came,
    /// the ends of those that are over, and what it has sent in them and is not answered yet.
    pub(super) fn pass_on(&mut self, now: Instant, from: AppId, heir: AppId) {
        let dialogs: Vec<_> = self.dialogs.keys().collect();
        for key in dialogs {
            if let Some(dialog) = self.dialogs.get_mut(key).filter(|d| d.owner == from) {
                dialog.owner = heir;
            }
        }
        for (_, transaction) in self.clients.iter_mut() {
            match &mut transaction.user {
                ClientUser::Application { app, .. } if *app == from => *app = heir,
                _ => {}
            }
        }
        self.pass_on_subscribing(from, heir);
        self.registrations.pass_on(from, heir);
        let mut waiting: Vec<_> = self
            .servers
            .iter()
            .filter_map(|(key, t)| {
                let open = t.open.as_deref().filter(|open| open.owner == Some(from))?;
                Some((open.answer_by, key))
            })
            .collect();
        waiting.sort_by_key(|(answer_by, _)| *answer_by);
        for (_, key) in waiting {
            self.pass_on_request(now, key, heir);
        }
        // Nothing that waits has come after the end of its call.
        for end in self.untold.take(from) {
            self.emit(Some(heir), end);
        }
    }

    fn pass_on_request(&mut self, now: Instant, key: ServerKey, heir: AppId) {
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let (id, path, is_accepted) =
            (transaction.id, transaction.reply_path, transaction.accepted);
        let Some(open) = transaction.open.as_deref_mut() else {
            return;
        };
        open.owner = Some(heir);
        if is_accepted {
            return;
        }
        let (request, dialog) = (open.request.clone(), open.told_dialog.clone());
        let meta = Meta::received(path, &request, now);
        self.deliver(Some(heir), Some(id), dialog, meta, request);
    }

    /// True while another application may take the request: it is new, and nobody has answered,
    /// accepted or proxied it. One that names a call to be replaced is for that call's application.
    fn is_free(&self, key: ServerKey) -> bool {
        self.servers.get(key).is_some_and(|transaction| {
            let open = transaction.open.as_deref();
            transaction.user == ServerUser::Application
                && !transaction.accepted
                && open.is_some_and(|open| {
                    open.is_initial
                        && open.dialog.is_none()
                        && !open.request.has(HeaderId::Replaces)
                })
        })
    }

    /// Nobody owns the request any more; its next application has all the time to answer.
    fn release_request(&mut self, now: Instant, key: ServerKey) -> Option<News> {
        let answer_by = now + self.timers_config.application;
        let transaction = self.servers.get_mut(key)?;
        let (id, path) = (transaction.id, transaction.reply_path);
        let open = transaction.open.as_deref_mut()?;
        open.owner = None;
        open.answer_by = Some(answer_by);
        let message = open.request.clone();
        self.reschedule_server(key);
        Some(News::Message {
            transaction: Some(id),
            dialog: None,
            meta: Meta::received(path, &message, now),
            message,
        })
    }
}
