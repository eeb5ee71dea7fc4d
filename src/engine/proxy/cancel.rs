//! CANCEL, from the caller and to the branches (RFC 3261 §16.10, §9.1).

use std::borrow::Cow;
use std::time::Instant;

use super::{BranchState, Stopped};
use crate::engine::event::BranchEnd;
use crate::engine::{ClientKey, Engine, ProxyKey};
use crate::message::{HeaderId, Message};

impl Engine {
    /// The caller cancels (§16.10): every branch that is under way is cancelled, and their
    /// answers decide what the caller gets.
    pub(in crate::engine) fn cancel_proxy(
        &mut self,
        now: Instant,
        key: ProxyKey,
        cancel: &Message,
    ) {
        self.stop_search(now, key, Stopped::ByCaller, reason_of(cancel));
        self.conclude_if_over(now, key);
    }

    /// The application wants no more of it. Nothing but an INVITE can be cancelled (§9.1), so
    /// the answers to anything else are not waited for.
    pub(in crate::engine) fn app_stops_proxy(
        &mut self,
        now: Instant,
        key: ProxyKey,
        draft: &Message,
    ) {
        self.stop_search(now, key, Stopped::ByApplication, reason_of(draft));
        let is_invite = self.proxies.get(key).is_some_and(|proxy| proxy.is_invite);
        if let (Some(search), false) = (self.search_mut(key), is_invite) {
            for branch in search.branches.iter_mut().filter(|it| it.is_active()) {
                branch.end(BranchState::Abandoned);
            }
        }
        self.conclude_if_over(now, key);
    }

    /// The application has gone: what it has asked for is still waited for, but nothing new is
    /// tried.
    pub(in crate::engine) fn app_leaves_proxy(&mut self, now: Instant, key: ProxyKey) {
        self.stop_search(now, key, Stopped::ByApplication, b"");
        self.conclude_if_over(now, key);
    }

    fn stop_search(&mut self, now: Instant, key: ProxyKey, stopped: Stopped, reason: &[u8]) {
        if let Some(search) = self.search_mut(key) {
            search.stopped.get_or_insert(stopped);
        }
        self.cancel_branches(now, key, reason.to_vec().into());
        self.reschedule_proxy(key);
    }

    /// Ends what has not been sent and cancels what has, with this Reason unless they have
    /// another one already.
    pub(super) fn cancel_branches(
        &mut self,
        now: Instant,
        key: ProxyKey,
        reason: Cow<'static, [u8]>,
    ) {
        let Some(proxy) = self.proxies.get_mut(key) else {
            return;
        };
        if !reason.is_empty() {
            proxy.cancel_reason.get_or_insert(reason);
        }
        let Some(search) = proxy.search.as_deref_mut() else {
            return;
        };
        search.waiting.clear();
        let mut calling = Vec::new();
        let mut ended = Vec::new();
        for (at, branch) in search.branches.iter_mut().enumerate() {
            match branch.state {
                BranchState::Waiting => branch.end(BranchState::Abandoned),
                BranchState::Resolving => {
                    branch.end(BranchState::Abandoned);
                    ended.push(at);
                }
                BranchState::Calling(client) if !branch.cancel_wanted => {
                    branch.cancel_wanted = true;
                    branch.provisional_by = None;
                    branch.final_by = None;
                    calling.push(client);
                    ended.push(at);
                }
                _ => {}
            }
        }
        for at in ended {
            self.report_end(now, key, at, BranchEnd::Cancelled, None);
        }
        for client in calling {
            self.cancel_if_possible(now, key, client);
        }
    }

    /// Only an INVITE that has been answered provisionally may be cancelled (§9.1).
    pub(super) fn cancel_if_possible(&mut self, now: Instant, key: ProxyKey, client: ClientKey) {
        let possible = self
            .clients
            .get(client)
            .is_some_and(|t| t.machine.is_invite() && t.machine.awaits_final() && t.has_response());
        if possible {
            let proxy = self.proxies.get(key);
            let reason = proxy.and_then(|proxy| proxy.cancel_reason.clone());
            self.cancel_client(now, client, reason.as_deref());
        }
    }
}

/// The Reason values of a CANCEL, which the next hop is told too (RFC 3326 §3.1).
fn reason_of(cancel: &Message) -> &[u8] {
    cancel.get(HeaderId::Reason).unwrap_or_default()
}
