//! The INVITE server transaction (RFC 3261 §17.2.1 as amended by RFC 6026 §8.5).

use std::time::Instant;

use super::{linger, Backoff, ServerExpiry};
use crate::engine::config::Timers;
use crate::engine::timers::{earliest, fired};

#[derive(Debug)]
enum State {
    /// No final response has been sent.
    Proceeding,
    /// A failure has been sent and awaits its ACK.
    Completed,
    /// The ACK to the failure has come; its repetitions are absorbed.
    Confirmed,
    /// A 2xx has been sent: the user repeats it and gets the ACKs (RFC 6026).
    Accepted,
}

#[derive(Debug)]
pub(crate) struct InviteServer {
    state: State,
    reliable: bool,
    /// Timer G.
    retransmit: Option<Backoff>,
    /// Timer H when completed, I when confirmed, L when accepted.
    end: Option<Instant>,
}

/// What becomes of an ACK that matches the transaction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AckVerdict {
    /// It acknowledges a failure and ends here.
    Absorb,
    /// It belongs to the user.
    Deliver,
}

impl InviteServer {
    pub(crate) fn new() -> InviteServer {
        InviteServer {
            state: State::Proceeding,
            reliable: false,
            retransmit: None,
            end: None,
        }
    }

    pub(crate) fn awaits_final(&self) -> bool {
        matches!(self.state, State::Proceeding)
    }

    /// True if a repeated INVITE is answered with the last response. After a 2xx it is not:
    /// the user repeats that by itself.
    pub(crate) fn answers_repetition(&self) -> bool {
        matches!(self.state, State::Proceeding | State::Completed)
    }

    pub(crate) fn on_response(&mut self, now: Instant, status: u16, reliable: bool, t: &Timers) {
        if !self.awaits_final() || status < 200 {
            return;
        }
        self.reliable = reliable;
        self.end = Some(now + t.transaction_timeout());
        if status < 300 {
            self.state = State::Accepted;
        } else {
            self.state = State::Completed;
            self.retransmit = (!reliable).then(|| Backoff::start(now, t.t1));
        }
    }

    pub(crate) fn on_ack(&mut self, now: Instant, t: &Timers) -> AckVerdict {
        match self.state {
            State::Completed => {
                self.state = State::Confirmed;
                self.retransmit = None;
                self.end = Some(now + linger(self.reliable, t.t4));
                AckVerdict::Absorb
            }
            State::Confirmed => AckVerdict::Absorb,
            State::Proceeding | State::Accepted => AckVerdict::Deliver,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.retransmit.map(|timer| timer.next), self.end)
    }

    pub(crate) fn on_timeout(&mut self, now: Instant, t: &Timers) -> ServerExpiry {
        if fired(&mut self.end, now) {
            return match self.state {
                State::Completed => ServerExpiry::AckMissing,
                _ => ServerExpiry::Terminated,
            };
        }
        let timer = self.retransmit.as_mut();
        if timer.is_some_and(|timer| timer.due(now, Some(t.t2))) {
            ServerExpiry::Retransmit
        } else {
            ServerExpiry::Nothing
        }
    }
}
