//! What is different for requests that have to be answered in a fixed time (RFC 4320): their
//! callers wait 64 * T1, and a 408 tells them nothing that they would not know by themselves.

use std::time::{Duration, Instant};

use crate::engine::config::Timers;
use crate::engine::timers::fired;
use crate::engine::{Engine, ProxyKey, ServerKey, TransactionKey};

/// The clocks of a request that is no INVITE.
#[derive(Debug)]
pub(super) struct Patience {
    /// When a 100 has to be sent, so that the caller repeats itself no longer (RFC 4320 §4.1).
    trying_at: Option<Instant>,
    /// When the caller has given up by itself.
    given_up_at: Instant,
}

impl Patience {
    pub(super) fn of_caller(now: Instant, timers: &Timers) -> Patience {
        Patience {
            trying_at: Some(now + time_to_slowest_repetition(timers)),
            given_up_at: now + timers.transaction_timeout(),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.trying_at
    }

    /// True while a final response still reaches somebody.
    pub(super) fn is_waiting(&self, now: Instant) -> bool {
        now < self.given_up_at
    }
}

impl Engine {
    /// Sends the 100 that is due.
    pub(super) fn say_trying(&mut self, now: Instant, key: ProxyKey) {
        let Some(proxy) = self.proxies.get_mut(key) else {
            return;
        };
        let server = proxy.server;
        let search = proxy.search.as_deref_mut();
        let due = search
            .and_then(|search| search.patience.as_mut())
            .is_some_and(|patience| fired(&mut patience.trying_at, now));
        if due {
            self.respond_plainly(now, server, 100);
        }
    }

    /// Ends a transaction without a final response: it would come too late (RFC 4320 §4.2).
    pub(super) fn leave_unanswered(&mut self, now: Instant, server: ServerKey) {
        let timers = self.timers_config;
        let Some(transaction) = self.servers.get_mut(server) else {
            return;
        };
        let reliable = transaction.reply_path.transport.is_reliable();
        transaction.machine.on_response(now, 408, reliable, &timers);
        transaction.last_response = None;
        transaction.open = None;
        let id = transaction.id;
        self.forget_transaction(id, TransactionKey::Server(server));
        self.reschedule_server(server);
    }
}

/// The time until a caller repeats its request at the longest interval (timer E has become T2).
fn time_to_slowest_repetition(timers: &Timers) -> Duration {
    let intervals = std::iter::successors(Some(timers.t1), |interval| interval.checked_mul(2));
    intervals
        .take(16)
        .take_while(|interval| *interval < timers.t2)
        .sum()
}
