//! One target of a proxied request: its start, its timers, its end (RFC 3261 §16.6, §16.9).

use std::time::Instant;

use super::forward::Onward;
use super::{Branch, BranchState, Kind, PreloadedRoutes, ProxyPlan, ProxyTarget, Search};
use crate::engine::event::{BranchEnd, Refusal};
use crate::engine::limits::Claim;
use crate::engine::path::Path;
use crate::engine::random::Branch as ViaBranch;
use crate::engine::sips::is_sips;
use crate::engine::target::{sent_by, Destination, Hop};
use crate::engine::timers::fired;
use crate::engine::transaction::client::ClientUser;
use crate::engine::transaction::ClientMachine;
use crate::engine::ways::Ways;
use crate::engine::{ClientKey, Engine, Parked, ProxyKey};
use crate::message::Message;

impl Engine {
    /// The turn of a branch has come: its request is sent, or its name looked up first.
    pub(super) fn start_branch(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        resolved: Option<&[Destination]>,
    ) {
        if resolved.is_none() {
            self.report_start(now, key, at);
        }
        let started = self.try_branch(now, key, at, resolved);
        let timers = self.timers_config;
        let Some(proxy) = self.proxies.get_mut(key) else {
            return;
        };
        let is_invite = proxy.is_invite;
        let Some(search) = proxy.search.as_deref_mut() else {
            return;
        };
        let (provisional, last) = search.time_limits(at);
        let Some(branch) = search.branches.get_mut(at) else {
            return;
        };
        match started {
            Ok(state) => {
                branch.state = state;
                branch.ring_until = is_invite.then_some(now + timers.c);
                branch.provisional_by = provisional.map(|limit| now + limit);
                branch.final_by = last.map(|limit| now + limit);
            }
            Err(why) => {
                // §16.9: what can't be sent counts as a 503 received.
                let status = if why == BranchEnd::TooBroad { 440 } else { 503 };
                branch.breadth = 0;
                branch.end(BranchState::Failed(status, None));
                self.report_end(now, key, at, why, Some(status));
            }
        }
    }

    fn try_branch(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        resolved: Option<&[Destination]>,
    ) -> Result<BranchState, BranchEnd> {
        let search = self.search_mut(key).ok_or(BranchEnd::Unreachable)?;
        let share = search.share_of_breadth();
        let branch = search.branches.get_mut(at).ok_or(BranchEnd::Unreachable)?;
        if branch.breadth == 0 {
            branch.breadth = share.ok_or(BranchEnd::TooBroad)?;
        }
        // What a branch says of security counts, not what the caller's URI says: the application
        // has chosen it.
        let secure = is_sips(&branch.target.uri);
        let hop = self.hop_of(key, at).ok_or(BranchEnd::Unreachable)?;
        match self.ways_to(&hop, secure, resolved) {
            Ok(Hop::Ready(ways)) => self
                .send_branch(now, key, at, ways)
                .ok_or(BranchEnd::Unreachable),
            Ok(Hop::Named(name)) => self
                .look_up(name, Parked::Branch(key, at))
                .map(|()| BranchState::Resolving)
                .map_err(|_| BranchEnd::Unreachable),
            Err(Refusal::NameNotResolved(_)) => Err(BranchEnd::Unresolved),
            Err(_) => Err(BranchEnd::Unreachable),
        }
    }

    /// The URI that says where the request of a branch goes.
    fn hop_of(&self, key: ProxyKey, at: usize) -> Option<String> {
        let proxy = self.proxies.get(key)?;
        let search = proxy.search.as_deref()?;
        let target = &search.branches.get(at)?.target;
        let open = self.servers.get(proxy.server)?.open.as_deref()?;
        match &search.kind {
            Kind::Asked { plan, .. } if !open.is_passing => {
                Some(self.hop_for(&open.request, &proxy.reply_path, plan, target))
            }
            // It is the one that the recorded route leads to.
            _ => Some(target.uri.clone()),
        }
    }

    /// The same for a new request that has come this way.
    pub(super) fn hop_for(
        &self,
        request: &Message,
        incoming: &Path,
        plan: &ProxyPlan,
        target: &ProxyTarget,
    ) -> String {
        // An edge proxy's token of ours leads to the request-URI.
        if request.request_uri() == Some(&target.uri) {
            if let Some(Ok(flow)) = self.own_flow(request, incoming) {
                return flow;
            }
        }
        let preloaded = || match plan.preloaded_routes {
            PreloadedRoutes::Dropped => None,
            PreloadedRoutes::Followed => self.preloaded_hop(request),
        };
        let hop = self
            .first_hop(target)
            .or_else(preloaded)
            .or_else(|| self.outbound_proxy_for(&target.uri))
            .unwrap_or_else(|| target.uri.clone());
        match target.transport {
            // A flow has the transport that it has.
            Some(transport) if self.flow_to(&hop).is_none() => sent_by(&hop, transport),
            _ => hop,
        }
    }

    /// Sends the request on a branch; `None` if it can't be.
    fn send_branch(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        mut ways: Ways,
    ) -> Option<BranchState> {
        let is_passing = self.is_passing(self.proxies.get(key)?.server);
        let claim = match is_passing {
            true => Claim::Established,
            false => Claim::New,
        };
        self.check_client_room(claim).ok()?;
        let branch = self.random.branch();
        let branch = self.loop_branch(key, branch);
        let mut message = self.branch_request(key, at, &ways.first, branch)?;
        if self.leave_udp_if_large(now, &mut ways, &message) {
            message = self.branch_request(key, at, &ways.first, branch)?;
        }
        let user = ClientUser::Branch {
            proxy: key,
            branch: at,
        };
        let client = self.open_client_transaction(now, user, ways.first, branch, &message);
        self.keep_ways(now, client, ways);
        if let Some(proxy) = self.proxies.get_mut(key) {
            proxy.live += 1;
        }
        Some(BranchState::Calling(client))
    }

    /// The request as it is sent on a branch by this path.
    pub(in crate::engine) fn branch_request(
        &self,
        key: ProxyKey,
        at: usize,
        path: &Path,
        branch: ViaBranch,
    ) -> Option<Message> {
        let proxy = self.proxies.get(key)?;
        let search = proxy.search.as_deref()?;
        let Branch {
            target, breadth, ..
        } = search.branches.get(at)?;
        let open = self.servers.get(proxy.server)?.open.as_deref()?;
        let (request, incoming) = (&open.request, proxy.reply_path);
        let onward = Onward {
            path,
            branch,
            breadth: Some(*breadth),
        };
        let edit = match &search.kind {
            Kind::Asked { plan, .. } if open.is_passing => {
                self.forward_in_dialog(request, Some(plan), onward)
            }
            Kind::Asked { plan, .. } => {
                self.forward_as_asked(request, target, plan, &incoming, onward)
            }
            Kind::InDialog => self.forward_in_dialog(request, None, onward),
        }?;
        let message = edit.finish_message()?;
        let is_ours_alone = search.kind.leaves_headers()
            && target.leaves_headers()
            && message.request_uri() == request.request_uri();
        let checked = if is_ours_alone {
            message.validate_sizes()
        } else {
            message.validate()
        };
        checked.ok()?;
        Some(message)
    }

    /// True while this transaction of a branch's may still decide the search.
    pub(in crate::engine) fn is_calling(
        &self,
        key: ProxyKey,
        at: usize,
        client: ClientKey,
    ) -> bool {
        let search = self.search(key).filter(|search| search.stopped.is_none());
        search
            .and_then(|search| search.branches.get(at))
            .is_some_and(|branch| {
                let calls = matches!(branch.state, BranchState::Calling(known) if known == client);
                calls && !branch.cancel_wanted
            })
    }

    /// The name of a branch's destination has been looked up.
    pub(in crate::engine) fn branch_resolved(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        destinations: &[Destination],
    ) {
        let resolving = self.search(key).is_some_and(|search| {
            let branch = search.branches.get(at);
            branch.is_some_and(|branch| matches!(branch.state, BranchState::Resolving))
        });
        if resolving {
            self.start_branch(now, key, at, Some(destinations));
            self.go_on(now, key);
        }
        self.discard_if_over(key);
    }

    /// A branch has rung too long, or has not answered in the time the application gave it: it
    /// is cancelled, and the search goes on without it.
    pub(in crate::engine) fn proxy_timeout(&mut self, now: Instant, key: ProxyKey) {
        self.say_trying(now, key);
        let Some(search) = self.search_mut(key) else {
            self.reschedule_proxy(key);
            return;
        };
        let mut overdue = Vec::new();
        for (at, branch) in search.branches.iter_mut().enumerate() {
            let why = if fired(&mut branch.final_by, now) {
                BranchEnd::FinalTimeout
            } else if fired(&mut branch.provisional_by, now) {
                BranchEnd::ProvisionalTimeout
            } else if fired(&mut branch.ring_until, now) {
                BranchEnd::RangOut
            } else {
                continue;
            };
            let client = match branch.state {
                BranchState::Calling(client) => Some(client),
                _ => None,
            };
            let counted = !std::mem::replace(&mut branch.cancel_wanted, true);
            branch.end(BranchState::Abandoned);
            overdue.push((at, why, client, counted));
        }
        for (at, why, client, counted) in overdue {
            if counted {
                self.report_end(now, key, at, why, None);
            }
            if let Some(client) = client {
                self.cancel_if_possible(now, key, client);
            }
        }
        self.go_on(now, key);
    }

    /// Nothing has answered an INVITE of a branch in time (timer B). The search goes on without it as after
    /// a failure, but a callee may have taken the INVITE all the same: its 2xx is a call that the caller is
    /// given (§16.7 step 5), and if it rings it is cancelled. So the transaction is kept for a while. False
    /// for anything else.
    pub(in crate::engine) fn outlast_silence(&mut self, now: Instant, client: ClientKey) -> bool {
        let Some(transaction) = self.clients.get(client) else {
            return false;
        };
        let ClientUser::Branch { proxy, branch } = transaction.user else {
            return false;
        };
        if !transaction.machine.is_invite() || transaction.has_response() {
            return false;
        }
        self.record_silence(now, client, 408);
        let timers = self.timers_config;
        if let Some(ClientMachine::Invite(invite)) =
            self.clients.get_mut(client).map(|it| &mut it.machine)
        {
            invite.listen_on(now, &timers);
        }
        self.reschedule_client(client);
        self.branch_silent(now, proxy, branch);
        true
    }

    fn branch_silent(&mut self, now: Instant, key: ProxyKey, at: usize) {
        if let Some(branch) = self.branch_mut(key, at) {
            branch.breadth = 0;
        }
        let state = BranchState::Failed(408, None);
        self.branch_ended(now, key, at, 408, state, BranchEnd::Silent);
        if let Some(branch) = self.branch_mut(key, at) {
            branch.cancel_wanted = true;
        }
    }

    fn branch_mut(&mut self, key: ProxyKey, at: usize) -> Option<&mut Branch> {
        self.proxies.get_mut(key)?.branch_mut(at)
    }

    /// A client transaction of the proxied request is over.
    pub(in crate::engine) fn branch_terminated(&mut self, key: ProxyKey) {
        if let Some(proxy) = self.proxies.get_mut(key) {
            proxy.live = proxy.live.saturating_sub(1);
        }
        self.discard_if_over(key);
    }
}

impl Search {
    /// How long a branch may take to its first response, and to its final one.
    fn time_limits(&self, at: usize) -> (Option<std::time::Duration>, Option<std::time::Duration>) {
        let (Kind::Asked { plan, .. }, Some(branch)) = (&self.kind, self.branches.get(at)) else {
            return (None, None);
        };
        let target = &branch.target;
        (
            target.provisional_timeout.or(plan.provisional_timeout),
            target.final_timeout.or(plan.final_timeout),
        )
    }
}
