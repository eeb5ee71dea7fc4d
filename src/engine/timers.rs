//! The engine's one queue of deadlines.
//!
//! Every transaction, dialog and proxied request has timers of its own and puts only the
//! earliest of them here, so that an entry stands for exactly one live thing.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use slotmap::{new_key_type, SlotMap};

use super::{ClientKey, DialogKey, ProxyKey, ServerKey, SubscribingKey};

/// Whose deadline it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerOwner {
    Server(ServerKey),
    Client(ClientKey),
    Dialog(DialogKey),
    Proxy(ProxyKey),
    Registrations,
    Subscribing(SubscribingKey),
    FailedTargets,
    Challenges,
}

/// What the owner keeps to find its entry again.
#[derive(Debug, Default)]
pub(crate) struct TimerSlot(Option<TimerKey>);

new_key_type! {
    struct TimerKey;
}

/// Deadlines in the order of time.
///
/// A busy engine has hundreds of thousands: each transaction that has ended waits for half a minute.
/// To keep them all in order would mean to walk through memory that is in no cache for each of them.
/// So only the deadlines of the present slice of time are in order; the others wait in the slice
/// that they belong to.
///
/// Nearly every deadline is moved to a later time before it comes, most of them several times: such a
/// move is only noted, and the entry takes its new place when its old one comes up.
#[derive(Debug, Default)]
pub(crate) struct TimerQueue {
    entries: SlotMap<TimerKey, Entry>,
    /// The entries of the slices that have begun, the latest first. The last one is at its
    /// deadline.
    near: Vec<Queued>,
    /// The slices that have not begun, by number.
    far: BTreeMap<u64, Slice>,
    /// The number of the first slice that has not begun.
    ahead: u64,
    /// When the slice with the number [`MIDDLE`] begins: a time that this has seen.
    epoch: Option<Instant>,
}

/// So many that the deadlines of one, some thousand in a busy engine, fit into a processor's cache.
const SLICES_PER_SECOND: u64 = 8;

const SLICE_NANOS: u32 = 125_000_000;

/// Slices are before that number, and after it.
const MIDDLE: u64 = 1 << 48;

/// Entries that may have left a slice before it is cleared of them.
const MAX_LEFT: usize = 64;

#[derive(Debug)]
struct Entry {
    owner: TimerOwner,
    deadline: Instant,
    /// Where it is queued: at its deadline, or at an earlier time.
    at: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Queued {
    at: Instant,
    owner: TimerOwner,
    key: TimerKey,
}

#[derive(Debug)]
struct Slice {
    keys: Vec<TimerKey>,
    /// How many of them are queued elsewhere by now, or have ended.
    left: usize,
    /// No entry is earlier.
    earliest: Instant,
}

impl TimerQueue {
    /// Moves the owner's entry to `deadline`, or removes it.
    pub(crate) fn schedule(
        &mut self,
        owner: TimerOwner,
        slot: &mut TimerSlot,
        deadline: Option<Instant>,
    ) {
        match (slot.0, deadline) {
            (None, None) => return,
            (None, Some(deadline)) => slot.0 = Some(self.insert(owner, deadline)),
            (Some(key), Some(deadline)) => self.move_to(key, deadline),
            (Some(key), None) => {
                slot.0 = None;
                self.remove(key);
            }
        }
        self.settle();
    }

    /// When to ask for what is due: at the earliest deadline, or before it.
    pub(crate) fn next(&self) -> Option<Instant> {
        let near = self.near.last().map(|first| first.at);
        let far = self.far.first_key_value().map(|(_, slice)| slice.earliest);
        earliest(near, far)
    }

    /// The owner of the earliest deadline if that has come. Its entry stays until the owner
    /// schedules its next deadline or is removed.
    pub(crate) fn due(&mut self, now: Instant) -> Option<TimerOwner> {
        self.begin_slices(now);
        let first = self.near.last().filter(|first| first.at <= now)?;
        Some(first.owner)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn insert(&mut self, owner: TimerOwner, deadline: Instant) -> TimerKey {
        self.epoch.get_or_insert(deadline);
        let at = deadline;
        let key = self.entries.insert(Entry {
            owner,
            deadline,
            at,
        });
        self.enqueue(Queued { at, owner, key });
        key
    }

    fn move_to(&mut self, key: TimerKey, deadline: Instant) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.deadline = deadline;
        if deadline < entry.at {
            let before = std::mem::replace(&mut entry.at, deadline);
            let owner = entry.owner;
            self.leave(before);
            let at = deadline;
            self.enqueue(Queued { at, owner, key });
        }
    }

    fn remove(&mut self, key: TimerKey) {
        let Some(entry) = self.entries.remove(key) else {
            return;
        };
        match self.entries.is_empty() {
            true => {
                self.near.clear();
                self.far.clear();
            }
            false => self.leave(entry.at),
        }
    }

    fn enqueue(&mut self, queued: Queued) {
        if self.has_begun(queued.at) {
            let is_later = |other: &Queued| other.latest_first(&queued).is_lt();
            let place = self.near.partition_point(is_later);
            self.near.insert(place, queued);
        } else {
            self.postpone(queued);
        }
    }

    fn postpone(&mut self, Queued { at, key, .. }: Queued) {
        let slice = self.far.entry(self.slice_at(at)).or_insert_with(|| Slice {
            keys: Vec::new(),
            left: 0,
            earliest: at,
        });
        slice.keys.push(key);
        slice.earliest = slice.earliest.min(at);
    }

    /// An entry that was queued at that time is so no longer. In a slice that has begun, that is
    /// seen when it comes up.
    fn leave(&mut self, at: Instant) {
        let number = self.slice_at(at);
        let Some(slice) = self.far.get_mut(&number) else {
            return;
        };
        slice.left += 1;
        if slice.left > MAX_LEFT.max(slice.keys.len() / 2) {
            let mut keys = std::mem::take(&mut slice.keys);
            slice.left = 0;
            keys.retain(|key| self.is_in(*key, number));
            if let Some(slice) = self.far.get_mut(&number) {
                slice.keys = keys;
            }
        }
    }

    /// Queues the entries of the slices that have begun, each at its deadline.
    fn begin_slices(&mut self, now: Instant) {
        self.epoch.get_or_insert(now);
        let begun = self.slice_at(now);
        if begun < self.ahead {
            return;
        }
        self.ahead = begun + 1;
        while let Some(first) = self.far.first_entry().filter(|it| *it.key() <= begun) {
            let (number, slice) = first.remove_entry();
            for key in slice.keys {
                if !self.is_in(key, number) {
                    continue;
                }
                match self.at_deadline(key) {
                    Some(queued) if self.has_begun(queued.at) => self.near.push(queued),
                    Some(queued) => self.postpone(queued),
                    None => {}
                }
            }
        }
        self.near.sort_unstable_by(Queued::latest_first);
        self.settle();
    }

    /// Brings an entry to the end that is there by right.
    fn settle(&mut self) {
        while let Some(Queued { at, key, .. }) = self.near.last().copied() {
            let entry = self.entries.get(key).filter(|entry| entry.at == at);
            match entry.map(|entry| entry.deadline > at) {
                Some(false) => return,
                Some(true) => {
                    self.near.pop();
                    if let Some(queued) = self.at_deadline(key) {
                        self.enqueue(queued);
                    }
                }
                None => {
                    self.near.pop();
                }
            }
        }
    }

    /// What is to be queued for an entry, at its deadline.
    fn at_deadline(&mut self, key: TimerKey) -> Option<Queued> {
        let entry = self.entries.get_mut(key)?;
        entry.at = entry.deadline;
        Some(Queued {
            at: entry.at,
            owner: entry.owner,
            key,
        })
    }

    /// True if that entry is queued in that slice.
    fn is_in(&self, key: TimerKey, number: u64) -> bool {
        let entry = self.entries.get(key);
        entry.is_some_and(|entry| self.slice_at(entry.at) == number)
    }

    fn has_begun(&self, at: Instant) -> bool {
        self.slice_at(at) < self.ahead
    }

    /// The number of the slice in which that time is.
    fn slice_at(&self, at: Instant) -> u64 {
        let epoch = self.epoch.unwrap_or(at);
        let slices = |time: Duration| {
            let within = u64::from(time.subsec_nanos() / SLICE_NANOS);
            time.as_secs().saturating_mul(SLICES_PER_SECOND) + within
        };
        match at.checked_duration_since(epoch) {
            Some(since) => MIDDLE.saturating_add(slices(since)),
            None => MIDDLE.saturating_sub(slices(epoch - at) + 1),
        }
    }
}

impl Queued {
    /// The owners decide between two at the same time, so that their order does not depend on what was
    /// here before.
    fn latest_first(&self, other: &Queued) -> Ordering {
        let by_time = other.at.cmp(&self.at);
        by_time.then_with(|| other.owner.cmp(&self.owner))
    }
}

/// The earlier of two deadlines.
pub(crate) fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Clears a deadline that has come; true if it had.
pub(crate) fn fired(deadline: &mut Option<Instant>, now: Instant) -> bool {
    match *deadline {
        Some(at) if at <= now => {
            *deadline = None;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Numbers that look random, the same in each run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % limit
        }
    }

    fn server_keys(count: usize) -> Vec<ServerKey> {
        let mut keys = SlotMap::<ServerKey, ()>::with_key();
        (0..count).map(|_| keys.insert(())).collect()
    }

    /// At random, by steps of a length of its own: within a slice of time, and over many.
    fn deadlines_come_in_order(step: Duration) {
        let mut numbers = Numbers(42);
        let start = Instant::now();
        let at = |steps: u64| start + step * u32::try_from(steps).unwrap();
        let mut owners: Vec<(TimerOwner, TimerSlot, Option<Instant>)> = server_keys(200)
            .into_iter()
            .map(|key| (TimerOwner::Server(key), TimerSlot::default(), None))
            .collect();
        let mut queue = TimerQueue::default();
        let mut expected = BTreeSet::new();
        let mut now = 0;
        for _ in 0..20_000 {
            let (owner, slot, deadline) = &mut owners[numbers.below(200) as usize];
            expected.remove(&(*deadline, *owner));
            *deadline = match numbers.below(4) {
                0 => None,
                _ => Some(at(now + numbers.below(60))),
            };
            queue.schedule(*owner, slot, *deadline);
            if deadline.is_some() {
                expected.insert((*deadline, *owner));
            }
            let first = expected.first().copied();
            let next = first.and_then(|(at, _)| at);
            assert_eq!(queue.len(), expected.len());
            assert_eq!(queue.next().is_some(), next.is_some());
            assert!(queue.next() <= next);
            now += numbers.below(2);
            let due = first.filter(|(first, _)| *first <= Some(at(now)));
            assert_eq!(queue.due(at(now)), due.map(|(_, owner)| owner));
            assert!(due.is_some() || queue.next().is_none_or(|next| next > at(now)));
        }
    }

    #[test]
    fn deadlines_come_in_order_however_they_have_been_moved() {
        for step in [1, 20, 125, 1_000, 100_000] {
            deadlines_come_in_order(Duration::from_millis(step));
        }
    }

    #[test]
    fn what_comes_later_is_not_kept_in_order() {
        let start = Instant::now();
        let mut queue = TimerQueue::default();
        assert_eq!(queue.due(start), None);
        for (number, key) in server_keys(100).into_iter().enumerate() {
            let after = Duration::from_secs(100 - number as u64);
            let mut slot = TimerSlot::default();
            queue.schedule(TimerOwner::Server(key), &mut slot, Some(start + after));
        }
        assert_eq!(queue.due(start + Duration::from_millis(500)), None);
        assert!(queue.near.is_empty());
        assert!(queue.due(start + Duration::from_secs(2)).is_some());
        assert_eq!(queue.near.len(), 2);
    }

    #[test]
    fn what_has_left_does_not_pile_up() {
        let start = Instant::now();
        let far = start + Duration::from_secs(180);
        let owners: Vec<_> = server_keys(10_000)
            .into_iter()
            .map(TimerOwner::Server)
            .collect();
        let mut queue = TimerQueue::default();
        let mut first = TimerSlot::default();
        queue.schedule(TimerOwner::Registrations, &mut first, Some(far));
        for owner in owners {
            let mut slot = TimerSlot::default();
            queue.schedule(owner, &mut slot, Some(far));
            queue.schedule(owner, &mut slot, None);
        }
        let queued: usize = queue.far.values().map(|slice| slice.keys.len()).sum();
        assert!(queued <= 2 * MAX_LEFT + 1, "{queued}");
        queue.schedule(TimerOwner::Registrations, &mut first, None);
        assert_eq!(queue.next(), None);
        assert!(queue.far.is_empty() && queue.near.is_empty());
    }
}
