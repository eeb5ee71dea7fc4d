//! When to ask a peer whether it still lives, and when to believe that it does not
//! (RFC 5626 §4.4.1; RFC 6455 §5.5.2).

use std::time::{Duration, Instant};

/// The state of one connection. Whatever is heard of a peer shows that it lives.
#[derive(Debug)]
pub(super) struct KeepAlive {
    interval: Option<Duration>,
    patience: Duration,
    heard: Instant,
    asked: Option<Instant>,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vigil {
    /// Nothing.
    Wait,
    /// The peer must be sent a ping.
    Ask,
    /// The peer has not answered the last ping.
    Dead,
}

impl KeepAlive {
    /// Without an interval, nobody is ever asked. `patience` is the time for an answer.
    pub(super) fn new(interval: Option<Duration>, patience: Duration, now: Instant) -> KeepAlive {
        KeepAlive {
            interval,
            patience,
            heard: now,
            asked: None,
        }
    }

    /// Something has come from the peer.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.asked = None;
    }

    /// When [`KeepAlive::check`] must be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let interval = self.interval?;
        Some(match self.asked {
            Some(asked) => asked + self.patience,
            None => self.heard + interval,
        })
    }

    /// To be called at the deadline; earlier it does no harm.
    pub(super) fn check(&mut self, now: Instant) -> Vigil {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Vigil::Wait;
        }
        if self.asked.is_some() {
            return Vigil::Dead;
        }
        self.asked = Some(now);
        Vigil::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::PONG_TIMEOUT;
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    #[test]
    fn a_silent_peer_is_asked_after_the_interval_and_given_up_after_ten_seconds_more() {
        let start = Instant::now();
        let mut vigil = KeepAlive::new(Some(INTERVAL), PONG_TIMEOUT, start);
        assert_eq!(vigil.deadline(), Some(start + INTERVAL));
        assert_eq!(vigil.check(start + INTERVAL / 2), Vigil::Wait);
        let asked = start + INTERVAL;
        assert_eq!(vigil.check(asked), Vigil::Ask);
        assert_eq!(vigil.check(asked + PONG_TIMEOUT / 2), Vigil::Wait);
        assert_eq!(vigil.deadline(), Some(asked + Duration::from_secs(10)));
        assert_eq!(vigil.check(asked + PONG_TIMEOUT), Vigil::Dead);
    }

    #[test]
    fn whatever_is_heard_counts_as_an_answer() {
        let start = Instant::now();
        let mut vigil = KeepAlive::new(Some(INTERVAL), PONG_TIMEOUT, start);
        assert_eq!(vigil.check(start + INTERVAL), Vigil::Ask);
        let heard = start + INTERVAL + PONG_TIMEOUT / 2;
        vigil.heard(heard);
        assert_eq!(vigil.check(heard + PONG_TIMEOUT), Vigil::Wait);
        assert_eq!(vigil.check(heard + INTERVAL), Vigil::Ask);
    }

    #[test]
    fn without_an_interval_nobody_is_asked() {
        let start = Instant::now();
        let mut vigil = KeepAlive::new(None, PONG_TIMEOUT, start);
        assert_eq!(vigil.deadline(), None);
        assert_eq!(vigil.check(start + INTERVAL * 1_000), Vigil::Wait);
    }
}
