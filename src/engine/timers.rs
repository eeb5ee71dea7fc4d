//! The engine's one queue of deadlines.
//!
//! Every transaction, dialog and proxied request has timers of its own and puts only the
//! earliest of them here, so that an entry stands for exactly one live thing.

use std::collections::BTreeSet;
use std::time::Instant;

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
pub(crate) struct TimerSlot(Option<Instant>);

#[derive(Debug, Default)]
pub(crate) struct TimerQueue {
    deadlines: BTreeSet<(Instant, TimerOwner)>,
}

impl TimerQueue {
    /// Moves the owner's entry to `deadline`, or removes it.
    pub(crate) fn schedule(
        &mut self,
        owner: TimerOwner,
        slot: &mut TimerSlot,
        deadline: Option<Instant>,
    ) {
        if slot.0 == deadline {
            return;
        }
        if let Some(old) = slot.0 {
            self.deadlines.remove(&(old, owner));
        }
        if let Some(new) = deadline {
            self.deadlines.insert((new, owner));
        }
        slot.0 = deadline;
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The owner of the earliest deadline if that has come. Its entry stays until the owner
    /// schedules its next deadline or is removed.
    pub(crate) fn due(&self, now: Instant) -> Option<TimerOwner> {
        match self.deadlines.first() {
            Some((at, owner)) if *at <= now => Some(*owner),
            _ => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.deadlines.len()
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
