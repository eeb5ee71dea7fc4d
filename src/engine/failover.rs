//! What happens when a destination fails and others are left (RFC 3263 §4.3): the request goes
//! to the next one as a new transaction, and its user notices nothing.

use std::time::Instant;

use super::limits::Claim;
use super::path::{Path, Transport};
use super::random::Branch;
use super::sips::{is_sips, secured};
use super::target::Destination;
use super::timers::{TimerOwner, TimerSlot};
use super::transaction::client::{ClientTransaction, ClientUser};
use super::transaction::ClientMachine;
use super::ways::{Failure, Ways};
use super::{ClientKey, Engine};
use crate::message::{HeaderId, Message};

impl Engine {
    /// Remembers the ways that a request did not take.
    pub(super) fn keep_ways(&mut self, now: Instant, key: ClientKey, ways: Ways) {
        if let Some(transaction) = self.clients.get_mut(key) {
            transaction.fallback = ways.into_fallback(now);
        }
    }

    /// A response has come: a 503 sends the request elsewhere, anything else shows that the
    /// destination works. True if the user need not see the response.
    pub(super) fn response_fails_over(
        &mut self,
        now: Instant,
        key: ClientKey,
        status: u16,
        response: &Message,
    ) -> bool {
        if status == 503 {
            let failure = Failure::Unavailable(retry_after(response));
            return self.fail_over(now, key, failure);
        }
        if self.failed_targets.len() > 0 {
            if let Some(transaction) = self.clients.get(key) {
                self.failed_targets
                    .forget(&Destination::of(&transaction.path));
                self.reschedule_failed_targets();
            }
        }
        false
    }

    /// Sends a request whose destination has failed to the next one; false if there is none, or
    /// nobody wants it any more.
    pub(super) fn fail_over(&mut self, now: Instant, key: ClientKey, failure: Failure) -> bool {
        let Some(transaction) = self.clients.get_mut(key) else {
            return false;
        };
        let heard = transaction.has_response();
        let failed = Destination::of(&transaction.path);
        let Some(fallback) = transaction.fallback.as_deref() else {
            return false;
        };
        if failure == Failure::Silent && heard {
            return false; // It lives, and has been given its time.
        }
        if fallback.teaches() {
            self.note_failed_target(now, failed, failure);
        }
        while self.is_still_wanted(key) {
            let Some(path) = self.next_way(key, failure) else {
                return false;
            };
            let branch = self.branch_again(key);
            if let Some(request) = self.request_again(key, &path, branch) {
                self.start_again(now, key, path, branch, request);
                return true;
            }
        }
        false
    }

    fn next_way(&mut self, key: ClientKey, failure: Failure) -> Option<Path> {
        let transaction = self.clients.get_mut(key)?;
        transaction.fallback.as_deref_mut()?.next(failure)
    }

    /// False for a request that was cancelled, or that nobody waits for.
    fn is_still_wanted(&self, key: ClientKey) -> bool {
        match self.clients.get(key).map(|transaction| &transaction.user) {
            Some(ClientUser::Application { call, .. }) => call
                .as_deref()
                .is_none_or(|call| call.cancelling.is_not_asked() && !call.is_orphan),
            Some(ClientUser::Branch { proxy, branch }) => self.is_calling(*proxy, *branch, key),
            Some(ClientUser::Refresh(_) | ClientUser::Engine) => true,
            None => false,
        }
    }

    fn branch_again(&mut self, key: ClientKey) -> Branch {
        let branch = self.random.branch();
        match self.clients.get(key).map(|transaction| &transaction.user) {
            Some(ClientUser::Branch { proxy, .. }) => self.loop_branch(*proxy, branch),
            _ => branch,
        }
    }

    /// The request as it goes to another destination: the same but for what names the way.
    fn request_again(&mut self, key: ClientKey, path: &Path, branch: Branch) -> Option<Message> {
        let transaction = self.clients.get(key)?;
        match transaction.user {
            ClientUser::Branch { proxy, branch: at } => {
                self.branch_request(proxy, at, path, branch)
            }
            _ => {
                let request = transaction.request.as_ref()?;
                self.readdressed(request, &transaction.path, path, branch)
            }
        }
    }

    /// A request of ours with another way in its Via, and in its Contact if that is our own.
    pub(super) fn readdressed(
        &self,
        request: &Message,
        from: &Path,
        to: &Path,
        branch: Branch,
    ) -> Option<Message> {
        let mut edit = request.edit();
        edit.replace_first_value(HeaderId::Via, self.listeners.via(to, branch));
        let wants_sips = request.request_uri().is_some_and(is_sips);
        let contact = |path| secured(self.listeners.contact(path), path, wants_sips);
        let (old, new) = (contact(from), contact(to));
        if old != new && request.get_str(HeaderId::Contact) == Some(&*old) {
            edit.set(HeaderId::Contact, new.as_bytes());
        }
        let message = Message::parse(edit.finish().ok()?).ok()?;
        message.validate().ok()?;
        Some(message)
    }

    fn start_again(
        &mut self,
        now: Instant,
        key: ClientKey,
        path: Path,
        branch: Branch,
        request: Message,
    ) {
        self.end_early_forks(key);
        let Some(transaction) = self.clients.get(key) else {
            return;
        };
        let is_invite = transaction.machine.is_invite();
        let machine = self.client_machine(now, is_invite, path.transport, &transaction.user);
        let Some(before) = self.clients.rename(key, branch) else {
            return;
        };
        let Some(failed) = self.clients.take_way(key, path) else {
            return;
        };
        let Some(transaction) = self.clients.get_mut(key) else {
            return;
        };
        let text = request.text().clone();
        let old_machine = std::mem::replace(&mut transaction.machine, machine);
        let ack = transaction.ack.take();
        transaction.request = Some(request);
        transaction.attempt = transaction.attempt.wrapping_add(1);
        let sender = transaction.sender(key);
        let lost = transaction
            .fallback
            .as_deref_mut()
            .map(|fallback| now - std::mem::replace(&mut fallback.since, now))
            .unwrap_or_default();
        self.counters.failovers += 1;
        self.counters.time_lost += lost;
        tracing::info!(
            failed = %failed.peer,
            over = %failed.transport,
            next = %path.peer,
            lost_ms = lost.as_millis(),
            "a destination has failed, the next one is tried"
        );
        self.transmit(path, text, Some(sender));
        self.reschedule_client(key);
        if ack.is_some() && self.check_client_room(Claim::New).is_ok() {
            // The failed one must acknowledge repetitions of its 503 (timer D), and goes on under
            // its old branch for that alone.
            let rest = self.clients.insert(ClientTransaction {
                id: self.random.transaction_id(),
                matching: before,
                machine: old_machine,
                user: ClientUser::Engine,
                path: failed,
                request: None,
                ack,
                fallback: None,
                attempt: 0,
                watch: None,
                slot: TimerSlot::default(),
            });
            self.reschedule_client(rest);
        }
    }

    fn note_failed_target(&mut self, now: Instant, failed: Destination, failure: Failure) {
        let retry_after = match failure {
            Failure::Unavailable(seconds) => seconds,
            Failure::Silent | Failure::Unsent => None,
        };
        self.failed_targets.note(
            now,
            failed,
            self.next_hop.avoid_for,
            retry_after,
            self.limits.failed_targets,
        );
        self.reschedule_failed_targets();
    }

    pub(super) fn failed_targets_timeout(&mut self, now: Instant) {
        self.failed_targets.expire(now);
        self.reschedule_failed_targets();
    }

    fn reschedule_failed_targets(&mut self) {
        let deadline = self.failed_targets.deadline();
        let slot = &mut self.failed_targets.slot;
        self.timers
            .schedule(TimerOwner::FailedTargets, slot, deadline);
    }

    /// The state machine of a new transaction.
    pub(super) fn client_machine(
        &self,
        now: Instant,
        is_invite: bool,
        transport: Transport,
        user: &ClientUser,
    ) -> ClientMachine {
        let reliable = transport.is_reliable();
        let mut machine = ClientMachine::new(is_invite, now, reliable, &self.timers_config);
        if let (
            ClientMachine::Invite(invite),
            ClientUser::Application { .. } | ClientUser::Refresh(_),
        ) = (&mut machine, user)
        {
            // A proxy has timer C for each branch by itself.
            invite.limit_ringing();
        }
        machine
    }
}

/// The seconds of a Retry-After (§20.33), which may have a comment and parameters after them.
fn retry_after(response: &Message) -> Option<u32> {
    let value = response.get_str(HeaderId::RetryAfter)?.trim_start();
    let digits = value.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
