//! The engine's one queue of deadlines.
//!
//! Every transaction, dialog and proxied request has timers of its own and puts only the
//! earliest of them here, so that an entry stands for exactly one live thing.

use std::cmp::Ordering;
use std::time::Instant;

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

/// A heap of deadlines. Nearly every deadline is moved to a later time before it comes, most of
/// them several times: a move to a later time is only noted, and the entry takes its new place
/// when it has come to the top.
#[derive(Debug, Default)]
pub(crate) struct TimerQueue {
    entries: SlotMap<TimerKey, Entry>,
    /// Each is before its [`ARITY`] children, which begin at `ARITY * place + 1`. The first is
    /// at its deadline.
    heap: Vec<Queued>,
}

/// Children of an entry in the heap: four of them share two cache lines.
const ARITY: usize = 4;

#[derive(Debug)]
struct Entry {
    owner: TimerOwner,
    deadline: Instant,
    /// Where it stands in the heap.
    place: usize,
}

#[derive(Debug, Clone, Copy)]
struct Queued {
    /// The deadline, or an earlier time.
    at: Instant,
    key: TimerKey,
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
            (None, None) => {}
            (None, Some(deadline)) => slot.0 = Some(self.insert(owner, deadline)),
            (Some(key), Some(deadline)) => self.move_to(key, deadline),
            (Some(key), None) => {
                slot.0 = None;
                self.remove(key);
            }
        }
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.first().map(|first| first.at)
    }

    /// The owner of the earliest deadline if that has come. Its entry stays until the owner
    /// schedules its next deadline or is removed.
    pub(crate) fn due(&self, now: Instant) -> Option<TimerOwner> {
        let first = self.heap.first().filter(|first| first.at <= now)?;
        self.entries.get(first.key).map(|entry| entry.owner)
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    fn insert(&mut self, owner: TimerOwner, deadline: Instant) -> TimerKey {
        let place = self.heap.len();
        let key = self.entries.insert(Entry {
            owner,
            deadline,
            place,
        });
        self.heap.push(Queued { at: deadline, key });
        self.rise(place);
        key
    }

    fn move_to(&mut self, key: TimerKey, deadline: Instant) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.deadline = deadline;
        let place = entry.place;
        match self.heap.get_mut(place) {
            Some(queued) if deadline < queued.at => {
                queued.at = deadline;
                self.rise(place);
            }
            _ if place == 0 => self.settle(),
            _ => {}
        }
    }

    fn remove(&mut self, key: TimerKey) {
        let Some(Entry { place, .. }) = self.entries.remove(key) else {
            return;
        };
        if place < self.heap.len() {
            self.heap.swap_remove(place);
        }
        if place < self.heap.len() {
            self.keep_place(place);
            self.sink(place);
            self.rise(place);
        }
        if place == 0 {
            self.settle();
        }
    }

    /// Brings an entry to the top that is there by right.
    fn settle(&mut self) {
        while let Some(first) = self.heap.first_mut() {
            match self.entries.get(first.key) {
                Some(entry) if entry.deadline != first.at => first.at = entry.deadline,
                _ => return,
            }
            self.sink(0);
        }
    }

    /// Moves an entry up to where nothing above it is later.
    fn rise(&mut self, mut place: usize) {
        while let Some(above) = place.checked_sub(1).map(|before| before / ARITY) {
            if !self.is_before(place, above) {
                break;
            }
            self.heap.swap(place, above);
            self.keep_place(place);
            place = above;
        }
        self.keep_place(place);
    }

    /// Moves an entry down to where nothing below it is earlier.
    fn sink(&mut self, mut place: usize) {
        loop {
            let below = ARITY * place + 1;
            let children = self.heap.iter().enumerate().skip(below).take(ARITY);
            let earliest = children.min_by(|(_, a), (_, b)| self.order(a, b));
            let Some(child) = earliest.map(|(child, _)| child) else {
                break;
            };
            if !self.is_before(child, place) {
                break;
            }
            self.heap.swap(place, child);
            self.keep_place(place);
            place = child;
        }
        self.keep_place(place);
    }

    fn keep_place(&mut self, place: usize) {
        let key = self.heap.get(place).map(|queued| queued.key);
        if let Some(entry) = key.and_then(|key| self.entries.get_mut(key)) {
            entry.place = place;
        }
    }

    fn is_before(&self, a: usize, b: usize) -> bool {
        match (self.heap.get(a), self.heap.get(b)) {
            (Some(a), Some(b)) => self.order(a, b).is_lt(),
            _ => false,
        }
    }

    /// Of two at the same time the owners decide, so that the order does not depend on what was
    /// here before.
    fn order(&self, a: &Queued, b: &Queued) -> Ordering {
        let owner = |queued: &Queued| self.entries.get(queued.key).map(|entry| entry.owner);
        a.at.cmp(&b.at).then_with(|| owner(a).cmp(&owner(b)))
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
    use std::time::Duration;

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

    #[test]
    fn deadlines_come_in_order_however_they_have_been_moved() {
        let mut numbers = Numbers(42);
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut keys = SlotMap::<ServerKey, ()>::with_key();
        let mut owners: Vec<(TimerOwner, TimerSlot, Option<Instant>)> = (0..200)
            .map(|_| {
                let owner = TimerOwner::Server(keys.insert(()));
                (owner, TimerSlot::default(), None)
            })
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
            assert_eq!(queue.len(), expected.len());
            assert_eq!(queue.next(), first.and_then(|(at, _)| at));
            now += numbers.below(2);
            let due = first.filter(|(first, _)| *first <= Some(at(now)));
            assert_eq!(queue.due(at(now)), due.map(|(_, owner)| owner));
        }
    }
}
