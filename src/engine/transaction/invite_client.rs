//! The INVITE client transaction (RFC 3261 §17.1.1 as amended by RFC 6026 §8.4).

use std::time::Instant;

use super::{linger, Backoff, ClientExpiry, Verdict};
use crate::engine::config::Timers;
use crate::engine::timers::{earliest, fired};

#[derive(Debug)]
enum State {
    /// Nothing has come back.
    Calling,
    /// A provisional response has come.
    Proceeding,
    /// Nothing has come in time, and nothing is awaited; but a callee may have taken it all the same.
    Silent,
    /// A failure has come and was acknowledged; repetitions are acknowledged again.
    Completed,
    /// A 2xx has come; its repetitions and those of other forks go to the user (RFC 6026).
    Accepted,
}

#[derive(Debug)]
pub(crate) struct InviteClient {
    state: State,
    reliable: bool,
    /// Timer A.
    retransmit: Option<Backoff>,
    /// Timer B while calling, as long again when silent, D when completed, M when accepted. While proceeding it is timer C
    /// if that limits it, else none.
    end: Option<Instant>,
    /// Timer C limits how long it may ring after each provisional response (§16.6 item 11): a
    /// callee that has gone must not keep it open for ever. A living one repeats its provisional
    /// response every minute (§13.3.1.1).
    has_timer_c: bool,
    /// It has been silent: whatever comes is late.
    is_late: bool,
}

impl InviteClient {
    pub(crate) fn new(now: Instant, reliable: bool, t: &Timers) -> InviteClient {
        InviteClient {
            state: State::Calling,
            reliable,
            retransmit: (!reliable).then(|| Backoff::start(now, t.t1)),
            end: Some(now + t.transaction_timeout()),
            has_timer_c: false,
            is_late: false,
        }
    }

    /// From the next response on, timer C counts.
    pub(crate) fn limit_ringing(&mut self) {
        self.has_timer_c = true;
    }

    pub(crate) fn awaits_final(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding)
    }

    /// True once a response of any kind has come, which is when a CANCEL may be sent (§9.1).
    pub(crate) fn has_response(&self) -> bool {
        !matches!(self.state, State::Calling | State::Silent)
    }

    /// When timer B has run: goes on listening for as long as a callee repeats a 2xx (§13.3.1.4).
    pub(crate) fn listen_on(&mut self, now: Instant, t: &Timers) {
        self.state = State::Silent;
        self.is_late = true;
        self.retransmit = None;
        self.end = Some(now + t.transaction_timeout());
    }

    /// Starts the clock for the final response, when a CANCEL has been sent (§9.1).
    pub(crate) fn expect_final_by(&mut self, deadline: Instant) {
        if self.awaits_final() {
            self.end = Some(deadline);
            self.has_timer_c = false;
        }
    }

    /// True if its user has been told that nothing came.
    pub(crate) fn is_late(&self) -> bool {
        self.is_late
    }

    pub(crate) fn on_response(&mut self, now: Instant, status: u16, t: &Timers) -> Verdict {
        match self.state {
            State::Calling | State::Silent | State::Proceeding => {
                self.retransmit = None;
                if status < 200 {
                    if matches!(self.state, State::Silent) {
                        self.state = State::Proceeding;
                        self.end = Some(now + t.transaction_timeout());
                    } else if matches!(self.state, State::Calling) {
                        self.state = State::Proceeding;
                        self.end = self.has_timer_c.then(|| now + t.c);
                    } else if self.has_timer_c && status > 100 {
                        self.end = Some(now + t.c);
                    }
                } else if status < 300 {
                    self.state = State::Accepted;
                    self.end = Some(now + t.transaction_timeout());
                } else {
                    self.state = State::Completed;
                    self.end = Some(now + linger(self.reliable, t.d()));
                }
                Verdict::Deliver
            }
            State::Accepted if (200..300).contains(&status) => Verdict::Deliver,
            State::Completed if status >= 300 => Verdict::Reacknowledge,
            State::Accepted | State::Completed => Verdict::Absorb,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.retransmit.map(|timer| timer.next), self.end)
    }

    pub(crate) fn on_timeout(&mut self, now: Instant) -> ClientExpiry {
        if fired(&mut self.end, now) {
            return match self.state {
                State::Proceeding if self.has_timer_c => ClientExpiry::RangOut,
                State::Calling | State::Proceeding => ClientExpiry::TimedOut,
                State::Silent | State::Completed | State::Accepted => ClientExpiry::Terminated,
            };
        }
        let timer = self.retransmit.as_mut();
        if timer.is_some_and(|timer| timer.due(now, None)) {
            ClientExpiry::Retransmit
        } else {
            ClientExpiry::Nothing
        }
    }
}
