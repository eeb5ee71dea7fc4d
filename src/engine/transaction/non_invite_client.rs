//! The non-INVITE client transaction (RFC 3261 §17.1.2).

use std::time::Instant;

use super::{linger, Backoff, ClientExpiry, Verdict};
use crate::engine::config::Timers;
use crate::engine::timers::{earliest, fired};

#[derive(Debug)]
enum State {
    Trying,
    Proceeding,
    Completed,
}

#[derive(Debug)]
pub(crate) struct NonInviteClient {
    state: State,
    reliable: bool,
    /// Timer E.
    retransmit: Option<Backoff>,
    /// Timer F until the final response, then K.
    end: Option<Instant>,
}

impl NonInviteClient {
    pub(crate) fn new(now: Instant, reliable: bool, t: &Timers) -> NonInviteClient {
        NonInviteClient {
            state: State::Trying,
            reliable,
            retransmit: (!reliable).then(|| Backoff::start(now, t.t1)),
            end: Some(now + t.transaction_timeout()),
        }
    }

    pub(crate) fn awaits_final(&self) -> bool {
        !matches!(self.state, State::Completed)
    }

    /// True once a response of any kind has come.
    pub(crate) fn has_response(&self) -> bool {
        !matches!(self.state, State::Trying)
    }

    pub(crate) fn on_response(&mut self, now: Instant, status: u16, t: &Timers) -> Verdict {
        if matches!(self.state, State::Completed) {
            return Verdict::Absorb;
        }
        if status < 200 {
            if let (State::Trying, Some(timer)) = (&self.state, &mut self.retransmit) {
                timer.slow_down(now, t.t2);
            }
            self.state = State::Proceeding;
        } else {
            self.state = State::Completed;
            self.retransmit = None;
            self.end = Some(now + linger(self.reliable, t.t4));
        }
        Verdict::Deliver
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.retransmit.map(|timer| timer.next), self.end)
    }

    pub(crate) fn on_timeout(&mut self, now: Instant, t: &Timers) -> ClientExpiry {
        if fired(&mut self.end, now) {
            return if self.awaits_final() {
                ClientExpiry::TimedOut
            } else {
                ClientExpiry::Terminated
            };
        }
        let timer = self.retransmit.as_mut();
        if timer.is_some_and(|timer| timer.due(now, Some(t.t2))) {
            ClientExpiry::Retransmit
        } else {
            ClientExpiry::Nothing
        }
    }
}
