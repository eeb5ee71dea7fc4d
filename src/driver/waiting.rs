//! What has come and was not worked on yet: whether the engine keeps up shows in how long it waits.
//!
//! A kernel loses datagrams of every kind when its buffer is full, those of calls that are up too,
//! and by default that holds a few milliseconds of a busy server's traffic. So messages are read
//! as they come, which is little work, and wait here. Once they have waited too long for a while,
//! new requests are refused (503) when their turn comes, before anything is built for them: that
//! costs a tenth of what the rest of a call does, so that what goes on keeps its place. A burst, or
//! a moment in which the machine did something else, is worked off and nobody is refused.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::transport::{Arrival, Transports};

/// How long a message may wait. A request inside a call and its answer wait once each, and must not
/// take the half second after which UDP requests are repeated (T1, RFC 3261 §17.1.2.2).
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// For how long messages must have waited longer than that before new requests are refused.
const PATIENCE: Duration = Duration::from_millis(200);

/// For how long there is no such patience again after requests had to be refused.
const WARY: Duration = Duration::from_secs(5);

/// As long as fewer wait, the engine keeps up, and it is the machine that has stood still.
const FEW: usize = 256;

/// Messages that wait; further ones stay in the kernel's buffers. It is more than what can be
/// worked on in [`LONGEST_WAIT`]. When half as many wait there is no patience.
pub(super) const MAX_WAITING: usize = 16_384;

/// Batches read before there is work again.
const READS: usize = 16;

/// Messages worked on before there is reading again.
pub(super) const WORK_BATCH: usize = 64;

/// Messages in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    arrivals: VecDeque<(Instant, Arrival)>,
    fresh: Vec<Arrival>,
    /// Since when each message has waited too long.
    behind_since: Option<Instant>,
    wary_until: Option<Instant>,
}

impl Waiting {
    /// Reads from the sockets. Ready when anything waits.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, transports: &mut Transports) -> Poll<()> {
        for _ in 0..READS {
            // Always once: this is also how what is to be sent goes out.
            let read = transports.poll_arrivals(cx, &mut self.fresh);
            if read.is_pending() {
                break;
            }
            self.admit(Instant::now());
            if self.arrivals.len() >= MAX_WAITING {
                break;
            }
        }
        match self.arrivals.is_empty() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    fn admit(&mut self, now: Instant) {
        let fresh = self.fresh.drain(..).map(|arrival| (now, arrival));
        self.arrivals.extend(fresh);
    }

    /// The next one, and whether it is refused if it is a new request.
    pub(super) fn next(&mut self, now: Instant) -> Option<(Arrival, bool)> {
        let (since, arrival) = self.arrivals.pop_front()?;
        let waited = now.saturating_duration_since(since);
        Some((arrival, self.is_behind(now, waited)))
    }

    /// Whether this is overload, when the oldest message has waited for so long.
    fn is_behind(&mut self, now: Instant, waited: Duration) -> bool {
        if waited <= LONGEST_WAIT || self.arrivals.len() < FEW {
            self.behind_since = None;
            return false;
        }
        let behind_since = *self.behind_since.get_or_insert(now);
        let is_lasting = now.saturating_duration_since(behind_since) >= PATIENCE;
        let is_wary = self.wary_until.is_some_and(|until| now < until);
        let is_behind = is_lasting || is_wary || self.arrivals.len() >= MAX_WAITING / 2;
        if is_behind {
            self.wary_until = Some(now + WARY);
        }
        is_behind
    }

    pub(super) fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ConnectionId;

    /// So many that came at once, at that time.
    fn arrived(count: usize, at: Instant) -> Waiting {
        let mut waiting = Waiting::default();
        let arrival = |_| Arrival::Closed(ConnectionId(1));
        waiting.fresh.extend((0..count).map(arrival));
        waiting.admit(at);
        waiting
    }

    /// How many are late at that time, of all that wait.
    fn late(waiting: &mut Waiting, now: Instant) -> usize {
        std::iter::from_fn(|| waiting.next(now))
            .filter(|(_, is_late)| *is_late)
            .count()
    }

    /// The same, when some have waited too long for as long as there is patience.
    fn late_for_long(waiting: &mut Waiting, now: Instant) -> usize {
        assert!(!waiting.next(now).unwrap().1, "it may be a burst");
        late(waiting, now + PATIENCE)
    }

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn what_waits_too_long_for_a_while_is_late() {
        let start = Instant::now();
        let in_time = start + LONGEST_WAIT;
        assert_eq!(late(&mut arrived(1_000, start), in_time), 0);
        let waiting = &mut arrived(1_000, start);
        assert_eq!(late_for_long(waiting, in_time + MOMENT), 999 - FEW);
    }

    #[test]
    fn a_burst_that_is_worked_off_soon_is_no_overload() {
        let start = Instant::now();
        let mut waiting = arrived(5_000, start);
        for n in 0..5_000_u32 {
            let at = start + LONGEST_WAIT + PATIENCE * n / 5_000;
            assert!(!waiting.next(at).unwrap().1);
        }
    }

    #[test]
    fn more_than_can_wait_is_overload_at_once() {
        let start = Instant::now();
        let mut waiting = arrived(MAX_WAITING, start);
        assert!(waiting.next(start + LONGEST_WAIT + MOMENT).unwrap().1);
    }

    #[test]
    fn after_an_overload_there_is_no_patience_for_some_seconds() {
        let start = Instant::now();
        let mut waiting = arrived(1_000, start);
        late_for_long(&mut waiting, start + LONGEST_WAIT + MOMENT);
        let over = start + LONGEST_WAIT + MOMENT + PATIENCE;
        let mut is_late_at = |now: Instant| {
            let fresh = (0..=FEW).map(|_| Arrival::Closed(ConnectionId(3)));
            waiting.fresh.extend(fresh);
            waiting.admit(now - LONGEST_WAIT - MOMENT);
            late(&mut waiting, now) > 0
        };
        assert!(is_late_at(over + WARY - MOMENT));
        assert!(!is_late_at(over + WARY * 3));
    }

    #[test]
    fn a_machine_that_stood_still_is_not_overload() {
        let start = Instant::now();
        let waiting = &mut arrived(FEW, start);
        assert_eq!(late(waiting, start + Duration::from_secs(60)), 0);
    }
}
