//! Responses of branches (RFC 3261 §16.7).

use std::time::Instant;

use bytes::Bytes;

use super::best_response::is_challenge;
use super::report::Outcome;
use super::BranchState;
use crate::engine::event::{BranchEnd, Meta, Source};
use crate::engine::path::Path;
use crate::engine::{ClientKey, Engine, ProxyKey};
use crate::message::{HeaderId, Message};

/// What the losers of a search are told (RFC 3326 §3.1), so that their users are not shown a call
/// that they would have missed.
const ANSWERED_ELSEWHERE: &[u8] = b"SIP;cause=200;text=\"Call completed elsewhere\"";

/// A response on a branch.
struct Heard<'a> {
    client: ClientKey,
    key: ProxyKey,
    /// The branch.
    at: usize,
    meta: Meta,
    status: u16,
    response: &'a Message,
}

impl Engine {
    /// A response on a branch.
    pub(in crate::engine) fn branch_response(
        &mut self,
        now: Instant,
        path: Path,
        client: ClientKey,
        key: ProxyKey,
        at: usize,
        response: &Message,
    ) {
        let Some(status) = response.status() else {
            return;
        };
        let heard = Heard {
            client,
            key,
            at,
            meta: Meta::received(path, response, now),
            status,
            response,
        };
        if status < 200 {
            self.branch_provisional(now, &heard);
            return;
        }
        if let Some(branch) = self.proxies.get_mut(key).and_then(|it| it.branch_mut(at)) {
            branch.breadth = 0;
        }
        self.report_response(key, Some(at), heard.meta, response);
        if status < 300 {
            self.branch_success(now, &heard);
        } else {
            self.record_failure(now, client, Source::Network, response);
            self.forget_request(client);
            let state = BranchState::Failed(status, Some(response.clone()));
            self.branch_ended(now, key, at, status, state, BranchEnd::Failed);
        }
    }

    /// The request is needed no longer once a final response has come.
    fn forget_request(&mut self, client: ClientKey) {
        if let Some(transaction) = self.clients.get_mut(client) {
            transaction.request = None;
        }
    }

    /// A branch ended without a response: a timeout or a transport failure (§16.8, §16.9).
    pub(in crate::engine) fn branch_failed(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        status: u16,
    ) {
        if let Some(proxy) = self.proxies.get_mut(key) {
            proxy.live = proxy.live.saturating_sub(1);
            if let Some(branch) = proxy.branch_mut(at) {
                branch.breadth = 0;
            }
        }
        let why = match status {
            408 => BranchEnd::Silent,
            _ => BranchEnd::Unreachable,
        };
        let state = BranchState::Failed(status, None);
        self.branch_ended(now, key, at, status, state, why);
        self.discard_if_over(key);
    }

    fn branch_provisional(&mut self, now: Instant, heard: &Heard<'_>) {
        let ring_until = now + self.timers_config.c;
        let Some(proxy) = self.proxies.get_mut(heard.key) else {
            return;
        };
        let (server, is_invite) = (proxy.server, proxy.is_invite);
        let Some(branch) = proxy.branch_mut(heard.at) else {
            // The search is over: a branch that rings now has lost.
            self.cancel_if_possible(now, heard.key, heard.client);
            return;
        };
        branch.provisional_by = None;
        let unwanted = branch.cancel_wanted;
        let is_open = matches!(branch.state, BranchState::Calling(_));
        if heard.status > 100 && branch.ring_until.is_some() {
            branch.ring_until = Some(ring_until);
        }
        if unwanted {
            self.cancel_if_possible(now, heard.key, heard.client);
        }
        if heard.status > 100 && is_open {
            self.report_response(heard.key, Some(heard.at), heard.meta, heard.response);
            // RFC 4320 §4.1: to anything but an INVITE there is no other than 100.
            if let (Some(text), true) = (without_our_via(heard.response), is_invite) {
                self.send_response(now, server, heard.status, text);
            }
        }
        self.reschedule_proxy(heard.key);
    }

    /// A 2xx goes back at once, whatever was sent before (§16.7 step 5), and ends the search.
    fn branch_success(&mut self, now: Instant, heard: &Heard<'_>) {
        let (key, at) = (heard.key, heard.at);
        let Some(proxy) = self.proxies.get_mut(key) else {
            return;
        };
        let (server, reply_path, is_invite) = (proxy.server, proxy.reply_path, proxy.is_invite);
        let (is_first, is_refused) = (proxy.search.is_some(), proxy.is_refused);
        let text = without_our_via(heard.response);
        if is_invite && (is_refused || text.is_none()) {
            self.end_late_success(now, key, heard.client, heard.response);
        } else {
            self.forget_request(heard.client);
        }
        let Some(text) = text else {
            // Without the caller's Via it can't go back: a gateway that is broken.
            let state = BranchState::Failed(502, None);
            self.branch_ended(now, key, at, 502, state, BranchEnd::Failed);
            return;
        };
        if is_first {
            self.report_end(now, key, at, BranchEnd::Answered, Some(heard.status));
            if let Some(branch) = self.search_mut(key).and_then(|it| it.branches.get_mut(at)) {
                branch.end(BranchState::Succeeded);
            }
            self.cancel_branches(now, key, ANSWERED_ELSEWHERE.into());
            self.record_branch_answer(now, server, heard.response);
            self.send_response(now, server, heard.status, text);
            self.close_search(key, Outcome::Reported);
        } else if is_invite && !is_refused {
            self.transmit(reply_path, text, None);
        }
    }

    pub(super) fn branch_ended(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        status: u16,
        state: BranchState,
        why: BranchEnd,
    ) {
        let Some(search) = self.search_mut(key) else {
            return;
        };
        let Some(branch) = search.branches.get_mut(at) else {
            return;
        };
        if matches!(
            branch.state,
            BranchState::Abandoned | BranchState::Failed(..)
        ) {
            // It no longer counts, but what it said may still be the best there is.
            branch.state = state;
            return;
        }
        let is_news = !branch.cancel_wanted;
        branch.end(state);
        let redirected = search.follow_redirection(at, status);
        let is_alone = search
            .branches
            .get(at)
            .is_some_and(|branch| branch.is_alone);
        let ends_search = !redirected && (status >= 600 || (is_alone && is_challenge(status)));
        if is_news {
            let why = if redirected {
                BranchEnd::Redirected
            } else {
                why
            };
            self.report_end(now, key, at, why, Some(status));
        }
        if ends_search {
            let reason = format!("SIP;cause={status}");
            self.cancel_branches(now, key, reason.into_bytes().into());
        }
        self.go_on(now, key);
    }
}

/// The response as it goes back (§16.7 step 3). `None` if no one is left to send it to.
pub(super) fn without_our_via(response: &Message) -> Option<Bytes> {
    response.values(HeaderId::Via).nth(1)?;
    response.text_without_first_value(HeaderId::Via)
}
