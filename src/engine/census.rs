//! What can be counted: the entries of the tables, and what has happened so far.

use std::time::Duration;

use super::Engine;

/// How many entries each table holds. All zero when nothing is going on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Requests received, until their last timer has run.
    pub server_transactions: usize,
    /// Requests sent, until their last timer has run.
    pub client_transactions: usize,
    /// Dialogs, early and confirmed.
    pub dialogs: usize,
    /// Requests being proxied.
    pub proxies: usize,
    /// Registrations of clients that are reached only the way they came.
    pub registrations: usize,
    /// Stream connections that something was heard on.
    pub connections: usize,
    /// SUBSCRIBEs and REFERs that notifiers not yet known may still answer.
    pub subscribing: usize,
    /// Names being looked up.
    pub queries: usize,
    /// Destinations that are avoided because they have failed.
    pub failed_targets: usize,
    /// Challenges of branches that a caller may still answer.
    pub challenges: usize,
    /// Ends of calls that nobody has been told of.
    pub untold: usize,
    /// Deadlines.
    pub timers: usize,
    /// Transactions that have no final response.
    pub open_transactions: usize,
}

impl Census {
    /// True when every table is empty. Connections may stay open.
    pub fn is_empty(&self) -> bool {
        let idle = Census {
            connections: self.connections,
            ..Census::default()
        };
        *self == idle
    }
}

/// What has happened since the engine was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that were dropped or answered 400 for being malformed.
    pub malformed: u64,
    /// Repeated requests that were received.
    pub repeated_requests: u64,
    /// Messages sent again because no answer came.
    pub retransmissions: u64,
    /// Requests refused because a table was full or the engine behind.
    pub overloads: u64,
    /// Requests that were turned away before an application was asked, by what [`Screening`] says.
    pub screened: u64,
    /// Requests that went to another destination because one had failed (RFC 3263 §4.3).
    pub failovers: u64,
    /// The time that these requests had spent on the destinations that failed.
    pub time_lost: Duration,
}

impl Engine {
    /// How many entries each table holds.
    pub fn census(&self) -> Census {
        Census {
            server_transactions: self.servers.len(),
            client_transactions: self.clients.len(),
            dialogs: self.dialogs.len(),
            proxies: self.proxies.len(),
            registrations: self.registrations.len(),
            connections: self.connections.len(),
            subscribing: self.subscribing.len(),
            queries: self.queries.len(),
            failed_targets: self.failed_targets.len(),
            challenges: self.challenges.len(),
            untold: self.untold.len(),
            timers: self.timers.len(),
            open_transactions: self.transactions.len(),
        }
    }

    /// How many confirmed dialogs were made by requests that came in, and how many by requests that
    /// were sent. Looks at every dialog.
    pub fn confirmed_dialogs(&self) -> (usize, usize) {
        self.dialogs.count_confirmed()
    }

    /// What has happened since the engine was made.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}
