//! How often a thread is woken under load: the engine's, and that of a server's applications.
//!
//! To wake a sleeping thread costs more than all that a message needs, and a message has several
//! threads woken: this one by its arrival, JavaScript's by the news, this one again by the answer.
//! So a thread that has something to do again and again sleeps a little between its turns, and finds
//! the work of several messages, as a network card spaces its interrupts. Nobody waits when little
//! happens.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The time from one turn to the next under load: of no account beside the times of SIP, which
/// begin with half a second (RFC 3261 §17.1.1.1).
const INTERVAL: Duration = Duration::from_millis(1);

/// The same after a turn that had [`MUCH`] to do, when the processor's time is what is short.
const LONG_INTERVAL: Duration = Duration::from_millis(2);

/// Messages of one turn: those of some thousand calls a second.
const MUCH: usize = 16;

/// Turns that may follow each other at once after a quiet time take this time.
const CREDIT: Duration = Duration::from_millis(16);

/// Spaces the turns of one thread.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When all turns so far would be over if each took its interval.
    paid_until: Mutex<Option<Instant>>,
}

impl Pace {
    /// For a thread whose turns end when it goes to sleep until something happens: sleeps before
    /// that, whatever happens, for [`INTERVAL`] at most.
    pub(crate) fn rest(&self) {
        let pause = self.pause(Instant::now(), 0);
        if !pause.is_zero() {
            thread::sleep(pause);
        }
    }

    /// How long to sleep now, at the end of a turn that had so many messages.
    pub(super) fn pause(&self, now: Instant, messages: usize) -> Duration {
        let mut paid_until = self
            .paid_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let from = paid_until.map_or(now, |until| until.max(now));
        let interval = match messages < MUCH {
            true => INTERVAL,
            false => LONG_INTERVAL,
        };
        let until = from + interval;
        *paid_until = Some(until);
        (until - now).saturating_sub(CREDIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROSECOND: Duration = Duration::from_micros(1);

    /// Turns that follow each other at once after a quiet time.
    const BURST: u32 = 16;

    #[test]
    fn nobody_waits_when_little_happens() {
        let pace = Pace::default();
        let mut now = Instant::now();
        for _ in 0..1_000 {
            now += INTERVAL;
            assert_eq!(pace.pause(now, 1), Duration::ZERO);
        }
    }

    /// How long it takes until that many turns are over, each of which has so many messages and takes
    /// next to no time.
    fn time_of(count: u32, messages: usize) -> Duration {
        let pace = Pace::default();
        let start = Instant::now();
        let mut now = start;
        for _ in 0..count {
            let pause = pace.pause(now, messages);
            assert!(pause <= LONG_INTERVAL);
            now += pause + MICROSECOND;
        }
        now - start
    }

    #[test]
    fn a_thread_that_is_woken_at_once_sleeps_once_an_interval() {
        let took = time_of(1_000, MUCH - 1);
        assert!(took > INTERVAL * (1_000 - BURST - 1));
        assert!(took <= INTERVAL * 1_000);
    }

    #[test]
    fn the_interval_is_longer_when_turns_have_much_to_do() {
        let took = time_of(1_000, MUCH);
        assert!(took > LONG_INTERVAL * (1_000 - BURST - 1));
        assert!(took <= LONG_INTERVAL * 1_000);
    }

    #[test]
    fn a_turn_that_takes_an_interval_is_followed_by_no_pause() {
        let pace = Pace::default();
        let mut now = Instant::now();
        for _ in 0..BURST {
            assert_eq!(pace.pause(now, 1), Duration::ZERO);
        }
        for _ in 0..100 {
            let pause = pace.pause(now, 1);
            now += pause;
            assert!(pause <= INTERVAL);
            now += INTERVAL;
        }
        assert_eq!(pace.pause(now, 1), Duration::ZERO);
    }

    #[test]
    fn after_a_quiet_time_there_is_a_burst_again() {
        let pace = Pace::default();
        let mut now = Instant::now();
        for _ in 0..10 * BURST {
            now += pace.pause(now, 1);
        }
        now += CREDIT;
        for _ in 0..BURST {
            assert_eq!(pace.pause(now, 1), Duration::ZERO);
        }
        assert!(pace.pause(now, 1) > Duration::ZERO);
    }
}
