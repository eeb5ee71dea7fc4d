//! Which destination is tried when, and how a search ends (RFC 3261 §16.5–§16.10).

use std::time::Instant;

use super::{Branch, BranchState, Kind, Proxy, Search};
use crate::engine::command::{AppId, CommandId, ProxyPlan, TransactionId};
use crate::engine::event::{Refusal, Reply};
use crate::engine::path::Path;
use crate::engine::random::Branch as ViaBranch;
use crate::engine::target::{Destination, Hop};
use crate::engine::timers::{fired, TimerOwner, TimerSlot};
use crate::engine::transaction::client::ClientUser;
use crate::engine::transaction::server::ServerUser;
use crate::engine::ways::Ways;
use crate::engine::{limits, ClientKey, Engine, Parked, ProxyKey, ServerKey, TransactionKey};
use crate::message::{HeaderId, Message, Method};

/// How the application hears of the end of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// By the last report.
    Reported,
    /// By the refusal of its command.
    Refused,
}

impl Engine {
    /// An application has a request forwarded.
    pub(in crate::engine) fn app_proxy(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        id: TransactionId,
        plan: ProxyPlan,
    ) {
        let reports = plan.full_response;
        match self.try_proxy(now, app, command, id, plan) {
            Ok(()) if reports => {}
            Ok(()) => self.reply(app, command, Reply::Done),
            Err(refusal) => self.reply(app, command, Reply::Refused(refusal)),
        }
    }

    fn try_proxy(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        id: TransactionId,
        plan: ProxyPlan,
    ) -> Result<(), Refusal> {
        let unknown = || Refusal::ProxyUnknown(id.to_string());
        let Some(TransactionKey::Server(server)) = self.transactions.get(&id).copied() else {
            return Err(unknown());
        };
        let transaction = self.servers.get(server).ok_or_else(unknown)?;
        let open = transaction.open.as_deref().ok_or_else(unknown)?;
        let is_free = transaction.user == ServerUser::Application && open.dialog.is_none();
        if !is_free || open.owner != Some(app) {
            return Err(unknown());
        }
        if plan.destinations.len() > limits::MAX_BRANCHES {
            return Err(Refusal::LimitReached("destinations", limits::MAX_BRANCHES));
        }
        let most = self.limits.proxies;
        if self.proxies.len() >= most {
            return Err(Refusal::LimitReached("proxied requests", most));
        }
        if open.request.max_forwards().ok().flatten() == Some(0) {
            self.respond_plainly(now, server, 483);
            return Err(Refusal::TooManyHops);
        }
        if let Some(unsupported) = self.unsupported_by_proxy(&open.request) {
            let extra = (HeaderId::Unsupported, unsupported.clone());
            self.respond_with(now, server, 420, &[extra]);
            return Err(Refusal::BadExtension(unsupported));
        }
        let branches = plan
            .destinations
            .iter()
            .map(|uri| Branch::to(uri))
            .collect();
        let simultaneous = plan.simultaneous;
        let kind = Kind::Asked { plan, app, command };
        let key = self
            .open_proxy(server, kind, branches)
            .ok_or_else(unknown)?;
        if simultaneous {
            self.start_all(now, key);
        } else {
            self.start_next(now, key);
        }
        let started = self
            .proxies
            .get(key)
            .and_then(|proxy| proxy.search.as_deref())
            .is_some_and(Search::is_active);
        if started {
            self.reschedule_proxy(key);
            Ok(())
        } else {
            self.close_search(key, Outcome::Refused);
            self.respond_plainly(now, server, 500);
            Err(Refusal::NoBranch)
        }
    }

    /// A request of a dialog whose route leads through here (§16.4, §16.12).
    pub(in crate::engine) fn proxy_in_dialog(
        &mut self,
        now: Instant,
        server: ServerKey,
        request: Message,
    ) {
        if request.max_forwards().ok().flatten() == Some(0) {
            self.respond_plainly(now, server, 483);
            return;
        }
        if let Some(unsupported) = self.unsupported_by_proxy(&request) {
            self.respond_with(now, server, 420, &[(HeaderId::Unsupported, unsupported)]);
            return;
        }
        if self.proxies.len() >= self.limits.proxies {
            self.counters.overloads += 1;
            self.respond_plainly(now, server, 503);
            return;
        }
        if request.method() == Some(Method::Invite) {
            self.respond_plainly(now, server, 100);
        }
        let Some(incoming) = self.servers.get(server).map(|t| t.reply_path) else {
            return;
        };
        let Some(next_hop) = self.next_hop_after_us(&request, &incoming) else {
            self.respond_plainly(now, server, 404);
            return;
        };
        let branches = vec![Branch::to(&next_hop)];
        if let Some(key) = self.open_proxy(server, Kind::InDialog, branches) {
            self.start_next(now, key);
            self.conclude_if_over(now, key);
            self.reschedule_proxy(key);
        }
    }

    fn open_proxy(
        &mut self,
        server: ServerKey,
        kind: Kind,
        branches: Vec<Branch>,
    ) -> Option<ProxyKey> {
        let transaction = self.servers.get_mut(server)?;
        let open = transaction.open.as_deref_mut()?;
        open.answer_by = None;
        let is_invite = open.request.method() == Some(Method::Invite);
        let key = self.proxies.insert(Proxy {
            server,
            reply_path: transaction.reply_path,
            is_invite,
            live: 0,
            search: Some(Box::new(Search {
                kind,
                branches,
                cancelled: false,
            })),
            slot: TimerSlot::default(),
        });
        transaction.user = ServerUser::Proxy(key);
        self.reschedule_server(server);
        Some(key)
    }

    fn start_all(&mut self, now: Instant, key: ProxyKey) {
        while let Some(next) = self.search(key).and_then(|s| s.next_waiting()) {
            self.start_branch(now, key, next, None);
        }
    }

    /// Starts branches until one is under way.
    pub(super) fn start_next(&mut self, now: Instant, key: ProxyKey) {
        while let Some(search) = self.search(key) {
            if search.cancelled || search.is_active() {
                return;
            }
            let Some(next) = search.next_waiting() else {
                return;
            };
            self.start_branch(now, key, next, None);
        }
    }

    fn start_branch(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        resolved: Option<&[Destination]>,
    ) {
        let Some(uri) = self
            .search(key)
            .and_then(|search| search.branches.get(at))
            .map(|branch| branch.uri.clone())
        else {
            return;
        };
        let way = self.flow_of_branch(key, &uri);
        // What a branch says of security counts, not what the caller's URI says: the application
        // has chosen it.
        let sent = match self.ways_to(way.as_deref().unwrap_or(&uri), &uri, resolved) {
            Ok(Hop::Ready(ways)) => self.send_branch(now, key, at, ways),
            Ok(Hop::Named(name)) => self
                .look_up(name, Parked::Branch(key, at))
                .map(|()| BranchState::Resolving)
                .ok(),
            Err(_) => None,
        };
        let timers = self.timers_config;
        let Some(proxy) = self.proxies.get_mut(key) else {
            return;
        };
        let is_invite = proxy.is_invite;
        let Some(search) = proxy.search.as_deref_mut() else {
            return;
        };
        let (provisional, last) = match &search.kind {
            Kind::Asked { plan, .. } => (plan.provisional_timeout, plan.final_timeout),
            Kind::InDialog => (None, None),
        };
        let Some(branch) = search.branches.get_mut(at) else {
            return;
        };
        match sent {
            // §16.9: what can't be sent counts as a 503 received.
            None => branch.end(BranchState::Failed(503, None)),
            Some(state) => {
                branch.state = state;
                branch.ring_until = is_invite.then_some(now + timers.c);
                branch.provisional_by = provisional.map(|limit| now + limit);
                branch.final_by = last.map(|limit| now + limit);
            }
        }
    }

    /// The route that leads to the destination, if that is the request-URI and an edge proxy's
    /// token of ours came with it.
    fn flow_of_branch(&self, key: ProxyKey, uri: &str) -> Option<String> {
        let proxy = self.proxies.get(key)?;
        let request = &self.servers.get(proxy.server)?.open.as_deref()?.request;
        if request.request_uri() != Some(uri) {
            return None;
        }
        self.own_flow(request, &proxy.reply_path)?.ok()
    }

    /// Sends the request on a branch; `None` if it can't be.
    fn send_branch(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        mut ways: Ways,
    ) -> Option<BranchState> {
        self.check_client_room().ok()?;
        let branch = self.random.branch();
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
        let uri = &search.branches.get(at)?.uri;
        let request = &self.servers.get(proxy.server)?.open.as_deref()?.request;
        let incoming = proxy.reply_path;
        let text = match &search.kind {
            Kind::Asked { plan, .. } => {
                self.forward_as_asked(request, uri, plan, &incoming, path, branch)
            }
            Kind::InDialog => self.forward_in_dialog(request, path, branch),
        }?;
        let message = Message::parse(text).ok()?;
        message.validate().ok()?;
        Some(message)
    }

    /// True while this transaction of a branch's may still decide the search.
    pub(in crate::engine) fn is_calling(
        &self,
        key: ProxyKey,
        at: usize,
        client: ClientKey,
    ) -> bool {
        let search = self.search(key).filter(|search| !search.cancelled);
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

    /// The caller cancels (§16.10): every branch that is under way is cancelled, and their
    /// answers decide what the caller gets.
    pub(in crate::engine) fn cancel_proxy(&mut self, now: Instant, key: ProxyKey) {
        let Some(search) = self.search_mut(key) else {
            return;
        };
        search.cancelled = true;
        self.cancel_branches(now, key);
        self.conclude_if_over(now, key);
        self.reschedule_proxy(key);
    }

    /// Ends what has not been sent and cancels what has.
    pub(super) fn cancel_branches(&mut self, now: Instant, key: ProxyKey) {
        let Some(search) = self.search_mut(key) else {
            return;
        };
        let mut calling = Vec::new();
        for branch in &mut search.branches {
            match branch.state {
                BranchState::Waiting | BranchState::Resolving => {
                    branch.end(BranchState::Abandoned);
                }
                BranchState::Calling(client) => {
                    branch.cancel_wanted = true;
                    calling.push(client);
                }
                _ => {}
            }
        }
        for client in calling {
            self.cancel_if_possible(now, client);
        }
    }

    /// Only an INVITE that has been answered provisionally may be cancelled (§9.1).
    pub(super) fn cancel_if_possible(&mut self, now: Instant, client: ClientKey) {
        let possible = self
            .clients
            .get(client)
            .is_some_and(|t| t.machine.awaits_final() && t.has_response());
        if possible {
            self.cancel_client(now, client);
        }
    }

    /// A branch has rung too long, or has not answered in the time the application gave it.
    pub(in crate::engine) fn proxy_timeout(&mut self, now: Instant, key: ProxyKey) {
        let Some(search) = self.search_mut(key) else {
            self.reschedule_proxy(key);
            return;
        };
        let mut overdue = Vec::new();
        for branch in &mut search.branches {
            let late = fired(&mut branch.provisional_by, now) | fired(&mut branch.final_by, now);
            let rang_out = fired(&mut branch.ring_until, now);
            if late || rang_out {
                if let BranchState::Calling(client) = branch.state {
                    overdue.push(client);
                }
                branch.cancel_wanted = true;
                branch.end(BranchState::Abandoned);
            }
        }
        for client in overdue {
            self.cancel_if_possible(now, client);
        }
        self.go_on(now, key);
    }

    /// After a branch has ended: the next one, or the end of the search.
    pub(super) fn go_on(&mut self, now: Instant, key: ProxyKey) {
        match self.search(key) {
            Some(search) if search.is_simultaneous() && !search.cancelled => {
                self.start_all(now, key);
            }
            _ => self.start_next(now, key),
        }
        self.conclude_if_over(now, key);
        self.reschedule_proxy(key);
    }

    /// The search is over: nothing of it is needed any more but late 2xx responses.
    pub(super) fn close_search(&mut self, key: ProxyKey, outcome: Outcome) {
        let Some(proxy) = self.proxies.get_mut(key) else {
            return;
        };
        if let Some(search) = proxy.search.take() {
            if let Kind::Asked { plan, app, command } = search.kind {
                if plan.full_response && outcome == Outcome::Reported {
                    self.reply(app, command, Reply::Done);
                }
            }
        }
        self.reschedule_proxy(key);
        self.discard_if_over(key);
    }

    /// A client transaction of the proxied request is over.
    pub(in crate::engine) fn branch_terminated(&mut self, key: ProxyKey) {
        if let Some(proxy) = self.proxies.get_mut(key) {
            proxy.live = proxy.live.saturating_sub(1);
        }
        self.discard_if_over(key);
    }

    pub(super) fn discard_if_over(&mut self, key: ProxyKey) {
        let over = self
            .proxies
            .get(key)
            .is_some_and(|proxy| proxy.search.is_none() && proxy.live == 0);
        if over {
            if let Some(mut proxy) = self.proxies.remove(key) {
                self.timers
                    .schedule(TimerOwner::Proxy(key), &mut proxy.slot, None);
            }
        }
    }

    pub(super) fn reschedule_proxy(&mut self, key: ProxyKey) {
        if let Some(proxy) = self.proxies.get_mut(key) {
            let deadline = proxy.deadline();
            self.timers
                .schedule(TimerOwner::Proxy(key), &mut proxy.slot, deadline);
        }
    }

    pub(super) fn search(&self, key: ProxyKey) -> Option<&Search> {
        self.proxies.get(key)?.search.as_deref()
    }

    pub(super) fn search_mut(&mut self, key: ProxyKey) -> Option<&mut Search> {
        self.proxies.get_mut(key)?.search.as_deref_mut()
    }
}
