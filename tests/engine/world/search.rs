//! A search for the callee of a proxied request (RFC 3261 §16): some of it has been forwarded.

use std::ops::Deref;

use drachtio::engine::{CommandId, ProxyPlan};

use super::{at_once, companion, Heard, Phone, Proxying, World};

/// What is searched for whom.
pub struct Search {
    /// The request, its caller, the proxy and the callees.
    pub proxying: Proxying,
    /// The application's command.
    pub command: CommandId,
}

impl Deref for Search {
    type Target = Proxying;

    fn deref(&self) -> &Proxying {
        &self.proxying
    }
}

impl World {
    /// A request of this method for these of the callees, one after the other: the first of them
    /// has heard it.
    pub fn search(&mut self, method: &str, callees: &[usize]) -> (Search, Heard) {
        self.search_told(method, callees, |_| ())
    }

    /// The same with more in the plan.
    pub fn search_told(
        &mut self,
        method: &str,
        callees: &[usize],
        tell: impl FnOnce(&mut ProxyPlan),
    ) -> (Search, Heard) {
        let proxying = self.proxying(method);
        let mut plan = proxying.plan(callees);
        tell(&mut plan);
        let search = self.search_by(proxying, plan);
        let heard = self.hear_what(search.callees[callees[0]], method);
        (search, heard)
    }

    /// A request of this method for these of the callees at once, who have all heard it.
    pub fn parallel_search(&mut self, method: &str, callees: &[usize]) -> (Search, Vec<Heard>) {
        let proxying = self.proxying(method);
        let plan = at_once(proxying.plan(callees));
        let search = self.search_by(proxying, plan);
        let callees = callees.iter().map(|at| search.callees[*at]);
        let heard = callees.map(|callee| self.hear_what(callee, method));
        let heard = heard.collect();
        (search, heard)
    }

    /// A request that is forwarded by this plan.
    pub fn search_by(&mut self, proxying: Proxying, plan: ProxyPlan) -> Search {
        let command = self.proxy(proxying.node, proxying.id, plan);
        self.settle();
        Search { proxying, command }
    }

    /// What the application has been told of it, as by [`World::proxy_replies`].
    pub fn search_replies(&mut self, search: &Search) -> Vec<String> {
        self.proxy_replies(search.node, search.command)
    }

    /// The callee rings, and the caller hears it.
    pub fn rings(&mut self, call: &Proxying, callee: Phone, request: &Heard) {
        self.answer(callee, request, 180);
        self.hear_what(call.caller, "180");
    }

    /// The caller of an INVITE is refused with this status, and acknowledges that.
    pub fn caller_is_refused(&mut self, call: &Proxying, status: u16) -> Heard {
        let failure = self.hear_what(call.caller, &status.to_string());
        self.acknowledge_failure(call, &failure);
        failure
    }

    /// The caller cancels its request.
    pub fn caller_cancels(&mut self, call: &Proxying) {
        let cancel = companion(&call.request, "CANCEL", None);
        self.say(call.caller, call.node, cancel);
        self.settle();
    }
}
