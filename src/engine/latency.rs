//! How long things take: the times that operators of a SIP server ask for.

use std::time::{Duration, Instant};

use super::{ClientKey, Engine, ServerKey};
use crate::message::Message;

/// How long calls take to ring, and applications to answer; since the engine was made.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// From an INVITE that was received to the first response but 100.
    pub ringing_in: Histogram,
    /// From an INVITE that was sent to the first response but 100.
    pub ringing_out: Histogram,
    /// From an INVITE that was received to its 2xx.
    pub answer_in: Histogram,
    /// From an INVITE that was sent to its 2xx.
    pub answer_out: Histogram,
    /// From the delivery of a request outside every dialog to the first thing that its application
    /// does about it.
    pub application: Histogram,
}

/// How many times something took no longer than each of some bounds.
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds: &'static [Duration],
    /// One for each bound, and one for what took longer.
    counts: Vec<u64>,
    sum: Duration,
}

const fn seconds<const N: usize>(bounds: [u64; N]) -> [Duration; N] {
    scaled(bounds, 1_000)
}

const fn scaled<const N: usize>(bounds: [u64; N], milliseconds: u64) -> [Duration; N] {
    let mut durations = [Duration::ZERO; N];
    let mut at = 0;
    while at < N {
        #[allow(clippy::indexing_slicing)] // Worked out when this is compiled.
        {
            durations[at] = Duration::from_millis(bounds[at] * milliseconds);
        }
        at += 1;
    }
    durations
}

static RINGING: [Duration; 8] = seconds([1, 2, 3, 5, 7, 10, 15, 20]);
static ANSWER: [Duration; 8] = seconds([1, 3, 6, 10, 15, 20, 30, 60]);
static APPLICATION: [Duration; 12] = scaled(
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 30_000],
    1,
);

impl Histogram {
    fn new(bounds: &'static [Duration]) -> Histogram {
        Histogram {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: Duration::ZERO,
        }
    }

    fn note(&mut self, time: Duration) {
        let at = self.bounds.partition_point(|bound| *bound < time);
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(time);
    }

    /// Each bound, with how many took no longer.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let counts = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        self.bounds.iter().copied().zip(counts)
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long they took together.
    pub fn sum(&self) -> Duration {
        self.sum
    }
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies {
            ringing_in: Histogram::new(&RINGING),
            ringing_out: Histogram::new(&RINGING),
            answer_in: Histogram::new(&ANSWER),
            answer_out: Histogram::new(&ANSWER),
            application: Histogram::new(&APPLICATION),
        }
    }
}

/// What a transaction keeps to be measured by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopwatch {
    since: Instant,
    has_rung: bool,
    is_answered: bool,
    is_taken: bool,
}

impl Stopwatch {
    pub(super) fn start(now: Instant) -> Stopwatch {
        Stopwatch {
            since: now,
            has_rung: false,
            is_answered: false,
            is_taken: false,
        }
    }

    fn note(&mut self, now: Instant, status: u16, ringing: &mut Histogram, answer: &mut Histogram) {
        let time = now.saturating_duration_since(self.since);
        let is_success = (200..300).contains(&status);
        if (101..300).contains(&status) && !std::mem::replace(&mut self.has_rung, true) {
            ringing.note(time);
        }
        if is_success && !std::mem::replace(&mut self.is_answered, true) {
            answer.note(time);
        }
    }
}

impl Engine {
    /// How long things have taken since the engine was made.
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// An INVITE that was received gets this response.
    pub(super) fn time_response_sent(&mut self, now: Instant, key: ServerKey, status: u16) {
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let is_invite = transaction.machine.is_invite();
        let watch = transaction
            .open
            .as_deref_mut()
            .and_then(|open| open.watch.as_mut());
        if let (true, Some(watch)) = (is_invite, watch) {
            let Latencies {
                ringing_in,
                answer_in,
                ..
            } = &mut self.latencies;
            watch.note(now, status, ringing_in, answer_in);
        }
    }

    /// An INVITE that was sent has got this response.
    pub(super) fn time_response_received(&mut self, now: Instant, key: ClientKey, status: u16) {
        let Some(transaction) = self.clients.get_mut(key) else {
            return;
        };
        if let Some(watch) = &mut transaction.watch {
            let Latencies {
                ringing_out,
                answer_out,
                ..
            } = &mut self.latencies;
            watch.note(now, status, ringing_out, answer_out);
        }
    }

    /// An application has done something about a request.
    pub(super) fn time_application(&mut self, now: Instant, key: ServerKey) {
        let transaction = self.servers.get_mut(key);
        let open = transaction.and_then(|transaction| transaction.open.as_deref_mut());
        let Some(watch) = open.and_then(|open| open.watch.as_mut()) else {
            return;
        };
        if !std::mem::replace(&mut watch.is_taken, true) {
            let time = now.saturating_duration_since(watch.since);
            self.latencies.application.note(time);
        }
    }
}

/// What times an INVITE that is about to be sent, if it may make a call.
pub(super) fn watch_of(now: Instant, request: &Message, is_invite: bool) -> Option<Stopwatch> {
    (is_invite && request.to_tag().is_none()).then(|| Stopwatch::start(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_as_long_as_a_bound_counts_below_it() {
        let mut histogram = Histogram::new(&RINGING);
        for time in [0, 1_000, 1_001, 21_000] {
            histogram.note(Duration::from_millis(time));
        }
        let counts: Vec<u64> = histogram.cumulative().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 3, 3, 3, 3, 3, 3, 3]);
        assert_eq!(
            (histogram.count(), histogram.sum()),
            (4, Duration::from_millis(23_001))
        );
    }
}
