//! What a deadline does when it comes, and what moves or removes it.

use std::time::Instant;

use super::path::Sender;
use super::timers::TimerOwner;
use super::transaction::{ClientExpiry, ServerExpiry};
use super::ways::Failure;
use super::{ClientKey, DialogKey, Engine, ServerKey, TransactionId, TransactionKey};

impl Engine {
    /// Time has passed. Calls before [`Engine::poll_timeout`] do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(owner) = self.timers.due(now) {
            match owner {
                TimerOwner::Server(key) => self.server_timeout(now, key),
                TimerOwner::Client(key) => self.client_timeout(now, key),
                TimerOwner::Dialog(key) => self.dialog_timeout(now, key),
                TimerOwner::Proxy(key) => self.proxy_timeout(now, key),
                TimerOwner::Registrations => self.registrations_timeout(now),
                TimerOwner::Subscribing(key) => self.subscribing_timeout(now, key),
                TimerOwner::FailedTargets => self.failed_targets_timeout(now),
                TimerOwner::Challenges => self.challenges_timeout(now),
            }
        }
    }

    fn server_timeout(&mut self, now: Instant, key: ServerKey) {
        let timers = self.timers_config;
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        match transaction.machine.on_timeout(now, &timers) {
            ServerExpiry::Retransmit => {
                if let Some(response) = transaction.last_response.clone() {
                    let path = transaction.reply_path;
                    self.counters.retransmissions += 1;
                    self.transmit(path, response, Some(Sender::Server(key)));
                }
            }
            ServerExpiry::AckMissing | ServerExpiry::Terminated => {
                self.remove_server(key);
                return;
            }
            ServerExpiry::Nothing => self.open_request_timeout(now, key),
        }
        self.reschedule_server(key);
    }

    fn client_timeout(&mut self, now: Instant, key: ClientKey) {
        let timers = self.timers_config;
        let Some(transaction) = self.clients.get_mut(key) else {
            return;
        };
        match transaction.machine.on_timeout(now, &timers) {
            ClientExpiry::Retransmit => {
                if let Some(request) = &transaction.request {
                    let (path, payload) = (transaction.path, request.text().clone());
                    let sender = transaction.sender(key);
                    self.counters.retransmissions += 1;
                    self.transmit(path, payload, Some(sender));
                }
                self.reschedule_client(key);
            }
            ClientExpiry::RangOut => self.cancel_client(now, key, None),
            ClientExpiry::TimedOut => {
                let path = transaction.path;
                self.note_silence(path);
                if !self.fail_over(now, key, Failure::Silent) && !self.outlast_silence(now, key) {
                    self.client_failed(now, key, 408, None);
                }
            }
            ClientExpiry::Terminated => self.client_terminated(key),
            ClientExpiry::Nothing => self.reschedule_client(key),
        }
    }

    pub(super) fn reschedule_server(&mut self, key: ServerKey) {
        if let Some(transaction) = self.servers.get_mut(key) {
            let deadline = transaction.deadline();
            self.timers
                .schedule(TimerOwner::Server(key), &mut transaction.slot, deadline);
        }
    }

    pub(super) fn reschedule_client(&mut self, key: ClientKey) {
        if let Some(transaction) = self.clients.get_mut(key) {
            let deadline = transaction.deadline();
            self.timers
                .schedule(TimerOwner::Client(key), &mut transaction.slot, deadline);
        }
    }

    pub(super) fn reschedule_dialog(&mut self, key: DialogKey) {
        if let Some(dialog) = self.dialogs.get_mut(key) {
            let deadline = dialog.deadline();
            self.timers
                .schedule(TimerOwner::Dialog(key), &mut dialog.slot, deadline);
        }
    }

    pub(super) fn remove_server(&mut self, key: ServerKey) {
        if let Some(mut transaction) = self.servers.remove(key) {
            self.timers
                .schedule(TimerOwner::Server(key), &mut transaction.slot, None);
            self.forget_transaction(transaction.id, TransactionKey::Server(key));
        }
    }

    pub(super) fn remove_dialog(&mut self, key: DialogKey) {
        if let Some(mut dialog) = self.dialogs.remove(key) {
            self.timers
                .schedule(TimerOwner::Dialog(key), &mut dialog.slot, None);
            self.refuse_held(dialog.held);
        }
    }

    /// A command can name the transaction no longer.
    pub(super) fn forget_transaction(&mut self, id: TransactionId, key: TransactionKey) {
        if self.transactions.get(&id) == Some(&key) {
            self.transactions.remove(&id);
        }
    }
}
