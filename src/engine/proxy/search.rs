//! Which target is tried when, and how a search ends (RFC 3261 §16.5, §16.8).

use std::time::Instant;

use super::best_response::Best;
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
        let reports = plan.reports_finals();
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
        mut plan: ProxyPlan,
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
        if plan.target_count() > limits::MAX_BRANCHES {
            return Err(Refusal::LimitReached("destinations", limits::MAX_BRANCHES));
        }
        let most = Claim::New.share_of(self.limits.proxies);
        if self.proxies.len() >= most {
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
        plan.changes.check(&open.request)?;
        if open.is_passing {
            if plan.target_count() > 0 {
                return Err(Refusal::RouteIsRecorded);
            }
            let next_hop = self.recorded_next_hop(server).ok_or_else(unknown)?;
            plan.groups.push(vec![ProxyTarget::to(&next_hop)]);
        }
        let groups = std::mem::take(&mut plan.groups);
        let plan = Box::new(plan);
        let kind = Kind::Asked { plan, app, command };
        let key = self.open_proxy(server, kind, groups).ok_or_else(unknown)?;
        self.start_next(now, key);
        if self.search(key).is_some_and(Search::is_active) {
            self.reschedule_proxy(key);
            Ok(())
        } else {
            self.close_search(key, Outcome::Refused);
            self.respond_plainly(now, server, 500);
            Err(Refusal::NoBranch)
        }
    }

    pub(super) fn open_proxy(
        &mut self,
        server: ServerKey,
        kind: Kind,
        groups: Vec<Vec<ProxyTarget>>,
    ) -> Option<ProxyKey> {
        let transaction = self.servers.get_mut(server)?;
        let open = transaction.open.as_deref_mut()?;
        open.answer_by = None;
        let is_invite = open.request.method() == Some(Method::Invite);
        let mut search = Search::new(kind);
        for group in groups {
            search.add_group(group);
        }
        let key = self.proxies.insert(Proxy {
            server,
            reply_path: transaction.reply_path,
            is_invite,
            live: 0,
            search: Some(Box::new(search)),
            slot: TimerSlot::default(),
        });
        transaction.user = ServerUser::Proxy(key);
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
        match search.best() {
            Best::Forwarded(status, text) => self.send_response(now, server, status, text),
            Best::Made(status) => self.conclude_locally(now, key, server, status),
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
            let meta = Meta::sent(path, &response, now);
            self.report_response(key, None, meta, &response);
        }
        self.send_response(now, server, status, text);
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
    fn next_group(&mut self) -> Option<Vec<usize>> {
        if self.stopped.is_some() {
            return None;
        }
        let joins = self.waiting.front().is_some_and(|group| {
            // Contacts that a member of a group was redirected to take its place in it.
            let first = group.first().and_then(|at| self.branches.get(*at));
            first.is_some_and(|branch| branch.redirections > 0 && !branch.is_alone)
        });
        if self.is_active() && !joins {
            return None;
        }
        self.waiting.pop_front()
    }
}
