//! The transaction layer (RFC 3261 §17, RFC 6026): four state machines that know neither what
//! uses them nor the sockets.
//!
//! Each machine is told of a message or of the time and answers with what to do.

pub(crate) mod client;
pub(crate) mod invite_client;
pub(crate) mod invite_server;
pub(crate) mod key;
pub(crate) mod non_invite_client;
pub(crate) mod non_invite_server;
pub(crate) mod server;

use std::time::{Duration, Instant};

use super::config::Timers;

/// What a client machine says of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The transaction's user must see it.
    Deliver,
    /// A repetition.
    Absorb,
    /// A repeated failure of an INVITE: send the ACK again (§17.1.1.2).
    Reacknowledge,
}

/// What is due in a client transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientExpiry {
    /// Nothing.
    Nothing,
    /// Send the request again.
    Retransmit,
    /// It has rung too long (timer C): cancel it.
    RangOut,
    /// No response came in time (timer B or F): tell the user, the transaction is over.
    TimedOut,
    /// The transaction is over.
    Terminated,
}

/// What is due in a server transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerExpiry {
    /// Nothing.
    Nothing,
    /// Send the last response again.
    Retransmit,
    /// The ACK to a failure never came (timer H): the transaction is over.
    AckMissing,
    /// The transaction is over.
    Terminated,
}

/// A retransmission timer whose interval doubles up to a cap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    pub(crate) next: Instant,
    interval: Duration,
}

impl Backoff {
    pub(crate) fn start(now: Instant, interval: Duration) -> Backoff {
        Backoff {
            next: now + interval,
            interval,
        }
    }

    /// True if a retransmission is due; then the next one is scheduled.
    pub(crate) fn due(&mut self, now: Instant, cap: Option<Duration>) -> bool {
        if self.next > now {
            return false;
        }
        let doubled = self.interval.saturating_mul(2);
        self.interval = cap.map_or(doubled, |cap| doubled.min(cap));
        self.next = now + self.interval;
        true
    }

    /// From now on at the longest interval.
    pub(crate) fn slow_down(&mut self, now: Instant, interval: Duration) {
        self.interval = interval;
        self.next = now + interval;
    }
}

/// Zero over a reliable transport, where nothing repeated can arrive.
pub(crate) fn linger(reliable: bool, unreliable: Duration) -> Duration {
    if reliable {
        Duration::ZERO
    } else {
        unreliable
    }
}

/// The server machine for a request's method.
#[derive(Debug)]
pub(crate) enum ServerMachine {
    Invite(invite_server::InviteServer),
    NonInvite(non_invite_server::NonInviteServer),
}

impl ServerMachine {
    pub(crate) fn new(is_invite: bool) -> ServerMachine {
        if is_invite {
            ServerMachine::Invite(invite_server::InviteServer::new())
        } else {
            ServerMachine::NonInvite(non_invite_server::NonInviteServer::new())
        }
    }

    pub(crate) fn is_invite(&self) -> bool {
        matches!(self, ServerMachine::Invite(_))
    }

    /// Notes that a response of this status is being sent.
    pub(crate) fn on_response(&mut self, now: Instant, status: u16, reliable: bool, t: &Timers) {
        match self {
            ServerMachine::Invite(machine) => machine.on_response(now, status, reliable, t),
            ServerMachine::NonInvite(machine) => machine.on_response(now, status, reliable, t),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            ServerMachine::Invite(machine) => machine.deadline(),
            ServerMachine::NonInvite(machine) => machine.deadline(),
        }
    }

    pub(crate) fn on_timeout(&mut self, now: Instant, t: &Timers) -> ServerExpiry {
        match self {
            ServerMachine::Invite(machine) => machine.on_timeout(now, t),
            ServerMachine::NonInvite(machine) => machine.on_timeout(now),
        }
    }
}

/// The client machine for a request's method.
#[derive(Debug)]
pub(crate) enum ClientMachine {
    Invite(invite_client::InviteClient),
    NonInvite(non_invite_client::NonInviteClient),
}

impl ClientMachine {
    pub(crate) fn new(is_invite: bool, now: Instant, reliable: bool, t: &Timers) -> ClientMachine {
        if is_invite {
            ClientMachine::Invite(invite_client::InviteClient::new(now, reliable, t))
        } else {
            ClientMachine::NonInvite(non_invite_client::NonInviteClient::new(now, reliable, t))
        }
    }

    pub(crate) fn is_invite(&self) -> bool {
        matches!(self, ClientMachine::Invite(_))
    }

    /// True if its user has been told that nothing came.
    pub(crate) fn is_late(&self) -> bool {
        match self {
            ClientMachine::Invite(machine) => machine.is_late(),
            ClientMachine::NonInvite(_) => false,
        }
    }

    /// True until a final response came.
    pub(crate) fn awaits_final(&self) -> bool {
        match self {
            ClientMachine::Invite(machine) => machine.awaits_final(),
            ClientMachine::NonInvite(machine) => machine.awaits_final(),
        }
    }

    pub(crate) fn on_response(&mut self, now: Instant, status: u16, t: &Timers) -> Verdict {
        match self {
            ClientMachine::Invite(machine) => machine.on_response(now, status, t),
            ClientMachine::NonInvite(machine) => machine.on_response(now, status, t),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            ClientMachine::Invite(machine) => machine.deadline(),
            ClientMachine::NonInvite(machine) => machine.deadline(),
        }
    }

    pub(crate) fn on_timeout(&mut self, now: Instant, t: &Timers) -> ClientExpiry {
        match self {
            ClientMachine::Invite(machine) => machine.on_timeout(now),
            ClientMachine::NonInvite(machine) => machine.on_timeout(now, t),
        }
    }
}
