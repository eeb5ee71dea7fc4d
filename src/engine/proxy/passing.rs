//! Requests inside dialogs whose route this proxy has recorded: they pass, unless an application
//! has asked to decide that (RFC 3261 §16.12).

use std::time::Instant;

use super::{Kind, ProxyTarget};
use crate::engine::command::TransactionId;
use crate::engine::event::{Meta, News};
use crate::engine::limits::Claim;
use crate::engine::path::Path;
use crate::engine::{Engine, ServerKey, TransactionKey};
use crate::message::{HeaderId, Message, Method};

impl Engine {
    /// A request has come along a recorded route. Nothing is known of its dialog here, so
    /// whoever has asked for such requests may decide on it.
    pub(in crate::engine) fn ask_to_pass(
        &mut self,
        now: Instant,
        path: Path,
        key: ServerKey,
        request: Message,
    ) {
        if request.max_forwards().ok().flatten() == Some(0) {
            self.respond_plainly(now, key, 483);
            return;
        }
        if let Some(unsupported) = self.unsupported_by_proxy(&request) {
            self.respond_with(now, key, 420, &[(HeaderId::Unsupported, unsupported)]);
            return;
        }
        if self.is_stateless_route(&request) {
            self.pass_statelessly(now, key);
            return;
        }
        if self.proxies.len() >= Claim::Established.share_of(self.limits.proxies) {
            self.respond_overloaded(now, key);
            return;
        }
        if request.method() == Some(Method::Invite) {
            self.respond_plainly(now, key, 100);
        }
        let answer_by = now + self.timers_config.application;
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let id = transaction.id;
        if let Some(open) = transaction.open.as_deref_mut() {
            open.is_passing = true;
            open.answer_by = Some(answer_by);
        }
        self.reschedule_server(key);
        let news = News::Passing {
            transaction: id,
            meta: Meta::received(path, &request, now),
            message: request,
        };
        self.emit(None, news);
    }

    /// Nobody decides on a request: it passes.
    pub fn pass(&mut self, now: Instant, transaction: TransactionId) {
        if let Some(TransactionKey::Server(key)) = self.transactions.get(&transaction).copied() {
            self.let_pass(now, key);
        }
    }

    /// Sends a request on along its recorded route (§16.4, §16.12).
    pub(in crate::engine) fn let_pass(&mut self, now: Instant, key: ServerKey) {
        let Some(next_hop) = self.recorded_next_hop(key) else {
            self.respond_plainly(now, key, 404);
            return;
        };
        let target = ProxyTarget {
            uri: next_hop,
            ..ProxyTarget::default()
        };
        if let Some(key) = self.open_proxy(now, key, Kind::InDialog, [[target]]) {
            self.go_on(now, key);
        }
    }

    /// Where the recorded route of a request leads.
    pub(super) fn recorded_next_hop(&self, key: ServerKey) -> Option<String> {
        let transaction = self.servers.get(key)?;
        let request = &transaction.open.as_deref()?.request;
        self.next_hop_after_us(request, &transaction.reply_path)
    }

    /// True for a request that an application decides on, or has decided on.
    pub(in crate::engine) fn is_passing(&self, key: ServerKey) -> bool {
        let open = self.servers.get(key).and_then(|t| t.open.as_deref());
        open.is_some_and(|open| open.is_passing)
    }
}
