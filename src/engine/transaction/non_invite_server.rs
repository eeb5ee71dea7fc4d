//! The non-INVITE server transaction (RFC 3261 §17.2.2).

use std::time::Instant;

use super::{linger, ServerExpiry};
use crate::engine::config::Timers;
use crate::engine::timers::fired;

#[derive(Debug)]
enum State {
    /// No final response has been sent.
    Open,
    Completed,
}

#[derive(Debug)]
pub(crate) struct NonInviteServer {
    state: State,
    /// Timer J.
    end: Option<Instant>,
}

impl NonInviteServer {
    pub(crate) fn new() -> NonInviteServer {
        NonInviteServer {
            state: State::Open,
            end: None,
        }
    }

    pub(crate) fn awaits_final(&self) -> bool {
        matches!(self.state, State::Open)
    }

    pub(crate) fn on_response(&mut self, now: Instant, status: u16, reliable: bool, t: &Timers) {
        if self.awaits_final() && status >= 200 {
            self.state = State::Completed;
            self.end = Some(now + linger(reliable, t.transaction_timeout()));
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.end
    }

    pub(crate) fn on_timeout(&mut self, now: Instant) -> ServerExpiry {
        if fired(&mut self.end, now) {
            ServerExpiry::Terminated
        } else {
            ServerExpiry::Nothing
        }
    }
}
