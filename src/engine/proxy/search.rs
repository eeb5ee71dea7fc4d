//! Which target is tried when, and how a search ends (RFC 3261 §16.5, §16.8).

use std::ops::Range;
use std::time::Instant;

use bytes::Bytes;

use super::best_response::{is_challenge, Best};
use super::loops::max_breadth;
use super::non_invite::Patience;
use super::report::Outcome;
use super::{Kind, Proxy, ProxyPlan, ProxyTarget, Search};
use crate::engine::command::{AppId, CommandId, TransactionId};
use crate::engine::compose::ResponseParts;
use crate::engine::event::{Meta, Refusal, Reply};
use crate::engine::limits::Claim;
use crate::engine::timers::{TimerOwner, TimerSlot};
use crate::engine::transaction::server::ServerUser;
use crate::engine::{limits, Engine, ProxyKey, ServerKey, TransactionKey};
use crate::message::{HeaderId, Message, Method};

/// How a search has begun.
enum Started {
    /// The application will be told how it ends.
    Reports,
    /// It will hear no more of it.
    Silently,
}

impl Engine {
    /// An application has a request forwarded.
    pub(in crate::engine) fn app_proxy(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        id: TransactionId,
        mut plan: ProxyPlan,
    ) {
        if plan.stateless {
            // Nothing will be known of it.
            (plan.full_response, plan.progress) = (false, false);
        }
        match self.try_proxy(now, app, command, id, plan) {
            Ok(Started::Reports) => {}
            Ok(Started::Silently) => self.reply(app, command, Reply::Done),
            Err(refusal) => self.reply(app, command, Reply::Refused(refusal)),
        }
    }

    fn try_proxy(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        id: TransactionId,
        mut plan: ProxyPlan,
    ) -> Result<Started, Refusal> {
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
        if plan.target_count() > limits::MAX_BRANCHES {
            return Err(Refusal::LimitReached("destinations", limits::MAX_BRANCHES));
        }
        let most = Claim::New.share_of(self.limits.proxies);
        if self.proxies.len() >= most && !plan.stateless {
            self.respond_overloaded(now, server);
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
        if max_breadth(&open.request) == 0 {
            self.respond_plainly(now, server, 440);
            return Err(Refusal::TooBroad);
        }
        plan.changes.check(&open.request)?;
        if !open.is_passing {
            self.drop_own_maddr(server, &mut plan.groups);
        }
        let transaction = self.servers.get(server).ok_or_else(unknown)?;
        let open = transaction.open.as_deref().ok_or_else(unknown)?;
        let method = open.request.method();
        let is_invite = method == Some(Method::Invite);
        let is_stray = matches!(method, Some(Method::Ack | Method::Cancel));
        if (plan.stateless || is_stray) && !open.is_passing {
            // What belongs to no transaction has to go on without one.
            plan.stateless = true;
            if self.forward_statelessly(now, server, &plan)? {
                return Ok(Started::Silently);
            }
            plan.stateless = false;
        }
        let Some(open) = self.servers.get(server).and_then(|t| t.open.as_deref()) else {
            return Err(unknown());
        };
        if open.is_passing {
            if plan.target_count() > 0 {
                return Err(Refusal::RouteIsRecorded);
            }
            let next_hop = self.recorded_next_hop(server).ok_or_else(unknown)?;
            plan.groups.push(vec![ProxyTarget::to(&next_hop)]);
        } else {
            let challengers = self.challengers(app, &open.request);
            if !challengers.is_empty() {
                plan.groups = vec![challengers];
            }
        }
        self.time_application(now, server);
        let started = match plan.reports_finals() {
            true => Started::Reports,
            false => Started::Silently,
        };
        let groups = std::mem::take(&mut plan.groups);
        let plan = Box::new(plan);
        let kind = Kind::Asked { plan, app, command };
        let key = self
            .open_proxy(now, server, kind, groups)
            .ok_or_else(unknown)?;
        if is_invite {
            self.try_at_once(now, server);
        }
        self.start_next(now, key);
        if self.search(key).is_some_and(Search::is_active) {
            self.reschedule_proxy(key);
            Ok(started)
        } else {
            if let Some(proxy) = self.proxies.get_mut(key) {
                proxy.is_refused = true;
            }
            self.close_search(key, Outcome::Refused);
            self.respond_plainly(now, server, 500);
            Err(Refusal::NoBranch)
        }
    }

    pub(super) fn open_proxy(
        &mut self,
        now: Instant,
        server: ServerKey,
        kind: Kind,
        groups: impl IntoIterator<Item: IntoIterator<Item = ProxyTarget>>,
    ) -> Option<ProxyKey> {
        let transaction = self.servers.get_mut(server)?;
        let open = transaction.open.as_deref_mut()?;
        open.answer_by = None;
        let request = open.request.clone();
        let reply_path = transaction.reply_path;
        let is_invite = request.method() == Some(Method::Invite);
        let patience = Patience::of_caller(now, &self.timers_config);
        let mut search = Search::new(kind, max_breadth(&request));
        search.patience = (!is_invite).then_some(patience);
        search.loop_hash = self.loop_hash(&request, reply_path.peer.ip());
        for group in groups {
            search.add_group(group);
        }
        let key = self.proxies.insert(Box::new(Proxy {
            server,
            reply_path,
            is_invite,
            is_refused: false,
            cancel_reason: None,
            ended_calls: Vec::new(),
            live: 0,
            search: Some(Box::new(search)),
            slot: TimerSlot::default(),
        }));
        if let Some(transaction) = self.servers.get_mut(server) {
            transaction.user = ServerUser::Proxy(key);
        }
        self.reschedule_server(server);
        Some(key)
    }

    /// After a branch has ended: the next ones, or the end of the search.
    pub(super) fn go_on(&mut self, now: Instant, key: ProxyKey) {
        self.start_next(now, key);
        self.conclude_if_over(now, key);
        self.reschedule_proxy(key);
    }

    /// Starts groups until a branch is under way.
    fn start_next(&mut self, now: Instant, key: ProxyKey) {
        while let Some(group) = self.search_mut(key).and_then(Search::next_group) {
            for at in group {
                self.start_branch(now, key, at, None);
            }
        }
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
        if search.is_active() || search.has_more() {
            return;
        }
        let best = search.best();
        let patience = search.patience.as_ref();
        let has_given_up = patience.is_some_and(|patience| !patience.is_waiting(now));
        let is_invite = proxy.is_invite;
        match best {
            Best::Forwarded(408, _) | Best::Made(408) if !is_invite => {
                // RFC 4320 §4.2: never a 408, and none at all if it comes too late.
                let status = if has_given_up { 408 } else { 504 };
                let text = self.report_made(now, key, server, status);
                match text {
                    Some(text) if !has_given_up => self.send_response(now, server, status, text),
                    _ => self.leave_unanswered(now, server),
                }
            }
            Best::Forwarded(status, text) => {
                if is_challenge(status) {
                    self.note_challenges(now, key);
                }
                self.send_response(now, server, status, text);
            }
            Best::Made(status) => {
                if let Some(text) = self.report_made(now, key, server, status) {
                    self.send_response(now, server, status, text);
                }
            }
        }
        if let Some(proxy) = self.proxies.get_mut(key) {
            proxy.is_refused = true;
        }
        self.close_search(key, Outcome::Reported);
    }

    /// A final response that no branch gave. The application is told of it too, so that it
    /// knows what the caller was.
    fn report_made(
        &mut self,
        now: Instant,
        key: ProxyKey,
        server: ServerKey,
        status: u16,
    ) -> Option<Bytes> {
        let transaction = self.servers.get(server)?;
        let path = transaction.reply_path;
        let open = transaction.open.as_deref()?;
        let text = ResponseParts::plain(status, &open.local_tag).compose(&open.request);
        if let Ok(response) = Message::parse(text.clone()) {
            let meta = Meta::sent(path, &response, now);
            self.report_response(key, None, meta, &response);
        }
        Some(text)
    }

    /// The search is over: nothing of it is needed any more but late 2xx responses.
    pub(super) fn close_search(&mut self, key: ProxyKey, outcome: Outcome) {
        let Some(proxy) = self.proxies.get_mut(key) else {
            return;
        };
        if let Some(search) = proxy.search.take() {
            if let Kind::Asked { plan, app, command } = search.kind {
                if plan.reports_finals() && outcome == Outcome::Reported {
                    self.reply(app, command, Reply::Done);
                }
            }
        }
        self.reschedule_proxy(key);
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

impl Search {
    /// The targets to try now, if it is time.
    fn next_group(&mut self) -> Option<Range<usize>> {
        if self.stopped.is_some() {
            return None;
        }
        let joins = self.waiting.front().is_some_and(|group| {
            // Contacts that a member of a group was redirected to take its place in it.
            let first = group.clone().next().and_then(|at| self.branches.get(at));
            first.is_some_and(|branch| branch.redirections > 0 && !branch.is_alone)
        });
        let room = self.room_for_branches();
        if self.is_active() && (!joins || room == 0) {
            return None;
        }
        let mut group = self.waiting.pop_front()?;
        if (1..group.len()).contains(&room) {
            // RFC 5393 §5.3.3: what may not be tried at once is tried afterwards.
            let untried = group.start + room..group.end;
            group.end = untried.start;
            self.waiting.push_front(untried);
        }
        Some(group)
    }
}
