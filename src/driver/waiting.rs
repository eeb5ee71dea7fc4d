//! What has come and was not worked on yet: whether the engine keeps up shows in how long it waits.
//!
//! A kernel loses datagrams of every kind when its buffer is full, those of calls that are up too,
//! and by default that holds a few milliseconds of a busy server's traffic. So messages are read
//! as they come, which is little work, and wait here. Once they wait too long, new requests are
//! refused (503) when their turn comes, before anything is built for them: that costs a tenth of
//! what the rest of a call does, so that what goes on keeps its place.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::transport::{Arrival, Transports};

/// How long a message may have waited before new requests are refused. A request inside a call
/// and its answer wait once each, and must not take the half second after which UDP requests are
/// repeated (T1, RFC 3261 §17.1.2.2).
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// As long as fewer wait, the engine keeps up, and it is the machine that has stood still.
const FEW: usize = 256;

/// Messages that wait; further ones stay in the kernel's buffers. It is more than what can be
/// worked on in [`LONGEST_WAIT`].
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

    /// The next one, and whether it has waited too long.
    pub(super) fn next(&mut self, now: Instant) -> Option<(Arrival, bool)> {
        let (since, arrival) = self.arrivals.pop_front()?;
        let is_late = now.saturating_duration_since(since) > LONGEST_WAIT;
        Some((arrival, is_late && self.arrivals.len() >= FEW))
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

    fn late(waiting: &mut Waiting, now: Instant) -> usize {
        std::iter::from_fn(|| waiting.next(now))
            .filter(|(_, is_late)| *is_late)
            .count()
    }

    #[test]
    fn what_waits_too_long_is_late() {
        let start = Instant::now();
        let later = start + LONGEST_WAIT + Duration::from_millis(1);
        assert_eq!(late(&mut arrived(1_000, start), start + LONGEST_WAIT), 0);
        assert_eq!(late(&mut arrived(1_000, start), later), 1_000 - FEW);
    }

    #[test]
    fn what_came_later_is_late_later() {
        let start = Instant::now();
        let mut waiting = arrived(1_000, start);
        waiting.fresh.push(Arrival::Closed(ConnectionId(2)));
        let later = start + LONGEST_WAIT * 2;
        waiting.admit(later);
        for _ in 0..1_000 - FEW {
            assert!(waiting.next(later).unwrap().1);
        }
        assert_eq!(late(&mut waiting, later), 1, "there were {FEW} behind it");
        assert!(waiting.is_empty());
    }

    #[test]
    fn a_machine_that_stood_still_is_not_overload() {
        let start = Instant::now();
        let waiting = &mut arrived(FEW, start);
        assert_eq!(late(waiting, start + Duration::from_secs(60)), 0);
    }
}
