//! Responses of branches and the choice of the best one (RFC 3261 §16.7).

use std::time::Instant;

use bytes::Bytes;

use super::search::Outcome;
use super::{Branch, BranchState, Kind, Search};
use crate::engine::compose::ResponseParts;
use crate::engine::event::{Meta, Reply};
use crate::engine::path::Path;
use crate::engine::{limits, ClientKey, Engine, ProxyKey, ServerKey};
use crate::message::{HeaderId, Message, NameAddr};

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
        if status >= 200 {
            if let Some(transaction) = self.clients.get_mut(client) {
                transaction.request = None;
            }
            self.report(key, Meta::received(path, response, now), response);
        }
        match status {
            0..=199 => self.branch_provisional(now, client, key, at, status, response),
            200..=299 => self.branch_success(now, key, at, response),
            _ => {
                let state = BranchState::Failed(status, Some(response.clone()));
                self.branch_ended(now, key, at, status, state);
            }
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
        }
        self.branch_ended(now, key, at, status, BranchState::Failed(status, None));
        self.discard_if_over(key);
    }

    fn branch_provisional(
        &mut self,
        now: Instant,
        client: ClientKey,
        key: ProxyKey,
        at: usize,
        status: u16,
        response: &Message,
    ) {
        let ring_until = now + self.timers_config.c;
        let Some(proxy) = self.proxies.get_mut(key) else {
            return;
        };
        let server = proxy.server;
        let Some(branch) = proxy.branch_mut(at) else {
            // The search is over: a branch that rings now has lost.
            self.cancel_if_possible(now, client);
            return;
        };
        branch.provisional_by = None;
        let unwanted = branch.cancel_wanted;
        let is_open = matches!(branch.state, BranchState::Calling(_));
        if status > 100 && branch.ring_until.is_some() {
            branch.ring_until = Some(ring_until);
        }
        if unwanted {
            self.cancel_if_possible(now, client);
        }
        if status > 100 && is_open {
            if let Some(text) = without_our_via(response) {
                self.send_response(now, server, status, text);
            }
        }
        self.reschedule_proxy(key);
    }

    /// A 2xx goes back at once, whatever was sent before (§16.7 step 5), and ends the search.
    fn branch_success(&mut self, now: Instant, key: ProxyKey, at: usize, response: &Message) {
        let Some(text) = without_our_via(response) else {
            // Without the caller's Via it can't go back: a gateway that is broken.
            self.branch_ended(now, key, at, 502, BranchState::Failed(502, None));
            return;
        };
        let Some(proxy) = self.proxies.get_mut(key) else {
            return;
        };
        let (server, reply_path) = (proxy.server, proxy.reply_path);
        if let Some(branch) = proxy.branch_mut(at) {
            branch.end(BranchState::Succeeded);
        }
        let (is_invite, is_first) = (proxy.is_invite, proxy.search.is_some());
        if is_first {
            self.cancel_branches(now, key);
            self.send_response(now, server, response.status().unwrap_or(200), text);
            self.close_search(key, Outcome::Reported);
        } else if is_invite {
            self.transmit(reply_path, text, None);
        }
    }

    fn branch_ended(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        status: u16,
        state: BranchState,
    ) {
        let Some(search) = self.search_mut(key) else {
            return;
        };
        let Some(branch) = search.branches.get_mut(at) else {
            return;
        };
        if matches!(branch.state, BranchState::Abandoned) {
            // It no longer counts, but what it said may still be the best there is.
            branch.state = state;
            return;
        }
        branch.end(state);
        let redirected = search.follow_redirection(at, status);
        let is_serial = !search.is_simultaneous();
        let ends_search = !redirected && (status >= 600 || (is_serial && is_challenge(status)));
        if ends_search {
            self.cancel_branches(now, key);
        }
        self.go_on(now, key);
    }

    /// Sends the best response back once no branch is left (§16.7 step 6).
    pub(super) fn conclude_if_over(&mut self, now: Instant, key: ProxyKey) {
        let Some(proxy) = self.proxies.get(key) else {
            return;
        };
        let server = proxy.server;
        let Some(search) = proxy.search.as_deref() else {
            return;
        };
        if search.is_active() || (!search.cancelled && search.next_waiting().is_some()) {
            return;
        }
        match search.best() {
            Some((status, Some(text))) => self.send_response(now, server, status, text),
            Some((408, None)) | None => {
                let status = search.nothing_heard();
                self.conclude_locally(now, key, server, status);
            }
            Some((status, None)) => self.conclude_locally(now, key, server, status),
        }
        self.close_search(key, Outcome::Reported);
    }

    /// A final response that no branch gave. The application is told of it too, so that it
    /// knows what the caller was.
    fn conclude_locally(&mut self, now: Instant, key: ProxyKey, server: ServerKey, status: u16) {
        let Some(transaction) = self.servers.get(server) else {
            return;
        };
        let path = transaction.reply_path;
        let Some(open) = transaction.open.as_deref() else {
            return;
        };
        let text = ResponseParts::plain(status, &open.local_tag).compose(&open.request);
        if let Ok(response) = Message::parse(text.clone()) {
            self.report(key, Meta::sent(path, &response, now), &response);
        }
        self.send_response(now, server, status, text);
    }

    /// Tells the application of a final response.
    fn report(&mut self, key: ProxyKey, meta: Meta, response: &Message) {
        let Some(Search {
            kind: Kind::Asked { plan, app, command },
            ..
        }) = self.search(key)
        else {
            return;
        };
        if plan.full_response {
            let (app, command) = (*app, *command);
            let reply = Reply::Branch {
                meta,
                message: response.clone(),
            };
            self.reply(app, command, reply);
        }
    }
}

impl Search {
    /// Makes branches of the Contacts of a 3xx, right behind the branch that gave it. A
    /// destination is never tried twice. True if there is something new to try.
    fn follow_redirection(&mut self, at: usize, status: u16) -> bool {
        let follows = matches!(&self.kind, Kind::Asked { plan, .. } if plan.follow_redirects);
        if !follows || self.cancelled || !(300..400).contains(&status) {
            return false;
        }
        let Some(Branch {
            state: BranchState::Failed(_, Some(response)),
            ..
        }) = self.branches.get(at)
        else {
            return false;
        };
        let mut found: Vec<Branch> = Vec::new();
        for value in response.values(HeaderId::Contact) {
            let Ok(contact) = NameAddr::parse(value) else {
                continue;
            };
            let mut known = self.branches.iter().chain(&found);
            if !known.any(|branch| &*branch.uri == contact.uri) {
                found.push(Branch::to(contact.uri));
            }
        }
        found.truncate(limits::MAX_BRANCHES.saturating_sub(self.branches.len()));
        if found.is_empty() {
            return false;
        }
        if let Some(branch) = self.branches.get_mut(at) {
            branch.state = BranchState::Abandoned; // Its answer was a direction, not a result.
        }
        let tail = self.branches.split_off(at + 1);
        // Clients name their branch by its place, so those under way must keep theirs.
        if tail
            .iter()
            .all(|branch| matches!(branch.state, BranchState::Waiting))
        {
            self.branches.extend(found);
            self.branches.extend(tail);
        } else {
            self.branches.extend(tail);
            self.branches.extend(found);
        }
        true
    }

    /// What the caller is told when no branch has said anything.
    fn nothing_heard(&self) -> u16 {
        if self.cancelled {
            487
        } else {
            408
        }
    }

    /// The status to send back and the response it comes from (§16.7 step 6): a 6xx before all,
    /// else the lowest class, and in it what helps the caller to try again.
    fn best(&self) -> Option<(u16, Option<Bytes>)> {
        let failures = self
            .branches
            .iter()
            .filter_map(|branch| match &branch.state {
                BranchState::Failed(status, response) => Some((*status, response.as_ref())),
                _ => None,
            });
        let (status, response) = failures.min_by_key(|(status, _)| rank(*status))?;
        if status == 503 {
            // That server is overloaded, this one is not (§16.7 step 6).
            return Some((500, None));
        }
        Some((status, response.and_then(without_our_via)))
    }
}

/// The lower the better.
fn rank(status: u16) -> (u16, u16) {
    let class = match status / 100 {
        6 => 0,
        class => class,
    };
    let within = match status {
        401 | 407 | 415 | 420 | 484 => 0,
        // These say only that nothing was heard.
        408 | 487 | 503 => 2,
        _ => 1,
    };
    (class, within)
}

fn is_challenge(status: u16) -> bool {
    matches!(status, 401 | 407)
}

/// The response as it goes back (§16.7 step 3). `None` if no one is left to send it to.
fn without_our_via(response: &Message) -> Option<Bytes> {
    response.values(HeaderId::Via).nth(1)?;
    let mut edit = response.edit();
    edit.remove_first_value(HeaderId::Via);
    edit.finish().ok()
}
