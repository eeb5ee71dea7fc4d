//! Destinations that have failed of late and are tried last (RFC 3263 §4.3, RFC 3261 §21.5.4).

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::target::Destination;
use super::timers::TimerSlot;

/// The longest time a destination is avoided, whatever its Retry-After says.
pub const MAX_AVOIDANCE: Duration = Duration::from_secs(480);

/// The destinations to avoid. One that fails again soon after its time is over is avoided for
/// twice as long.
#[derive(Debug, Default)]
pub(crate) struct FailedTargets {
    entries: HashMap<Destination, Entry>,
    /// When each entry is forgotten, the next first.
    ends: BTreeSet<(Instant, Destination)>,
    pub(crate) slot: TimerSlot,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    avoided_until: Instant,
    forgotten_at: Instant,
    penalty: Duration,
}

impl FailedTargets {
    /// True if other destinations should be tried before this one.
    pub(crate) fn is_avoided(&self, now: Instant, destination: &Destination) -> bool {
        let entry = self.entries.get(destination);
        entry.is_some_and(|entry| entry.avoided_until > now)
    }

    /// The destinations with those at the end that should be avoided.
    pub(crate) fn last(&self, now: Instant, destinations: &[Destination]) -> Vec<Destination> {
        let mut sorted = destinations.to_vec();
        sorted.sort_by_key(|destination| self.is_avoided(now, destination));
        sorted
    }

    /// Notes a failure. Where `limit` destinations are known, the one nearest to its end is
    /// forgotten.
    pub(crate) fn note(
        &mut self,
        now: Instant,
        destination: Destination,
        first_penalty: Duration,
        retry_after: Option<u32>,
        limit: usize,
    ) {
        if first_penalty.is_zero() {
            return;
        }
        let known = self.entries.get(&destination).copied();
        let penalty = match known {
            // Several requests that fail together are one failure.
            Some(entry) if entry.avoided_until > now => entry.penalty,
            Some(entry) => entry.penalty.saturating_mul(2),
            None => first_penalty,
        };
        let asked = retry_after.map_or(Duration::ZERO, |seconds| {
            Duration::from_secs(seconds.into())
        });
        let penalty = penalty.min(MAX_AVOIDANCE);
        let avoided = penalty.max(asked).min(MAX_AVOIDANCE);
        let avoided_until = now + avoided;
        let entry = Entry {
            avoided_until: known.map_or(avoided_until, |e| e.avoided_until.max(avoided_until)),
            forgotten_at: avoided_until + penalty,
            penalty,
        };
        self.forget(&destination);
        while self.entries.len() >= limit.max(1) {
            let Some((_, oldest)) = self.ends.pop_first() else {
                break;
            };
            self.entries.remove(&oldest);
        }
        self.ends.insert((entry.forgotten_at, destination));
        self.entries.insert(destination, entry);
    }

    /// It has answered.
    pub(crate) fn forget(&mut self, destination: &Destination) {
        if let Some(entry) = self.entries.remove(destination) {
            self.ends.remove(&(entry.forgotten_at, *destination));
        }
    }

    /// Drops what is over.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some((at, destination)) = self.ends.first().copied() {
            if at > now {
                return;
            }
            self.ends.pop_first();
            self.entries.remove(&destination);
        }
    }

    /// When the next entry is forgotten.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.ends.first().map(|(at, _)| *at)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
