//! How many connections there may be.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// Counts the connections of applications.
#[derive(Debug)]
pub(super) struct Seats {
    all: AtomicUsize,
    unauthenticated: AtomicUsize,
    most: usize,
    most_unauthenticated: usize,
}

/// The place of one connection, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    is_authenticated: bool,
}

impl Seats {
    pub(super) fn new(most: usize, most_unauthenticated: usize) -> Arc<Seats> {
        Arc::new(Seats {
            all: AtomicUsize::new(0),
            unauthenticated: AtomicUsize::new(0),
            most,
            most_unauthenticated,
        })
    }

    /// A place for a connection that has not shown the secret; `None` if there are too many.
    pub(super) fn take(self: &Arc<Seats>) -> Option<Seat> {
        if !raise(&self.all, self.most) {
            return None;
        }
        if !raise(&self.unauthenticated, self.most_unauthenticated) {
            self.all.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Seat {
            seats: self.clone(),
            is_authenticated: false,
        })
    }

    /// A place for a connection that is opened from here, to an application that is no stranger.
    pub(super) fn take_invited(self: &Arc<Seats>) -> Option<Seat> {
        raise(&self.all, self.most).then(|| Seat {
            seats: self.clone(),
            is_authenticated: true,
        })
    }

    /// How many have shown the secret.
    pub(super) fn applications(&self) -> usize {
        let all = self.all.load(Ordering::Relaxed);
        all.saturating_sub(self.unauthenticated())
    }

    /// How many have not.
    pub(super) fn unauthenticated(&self) -> usize {
        self.unauthenticated.load(Ordering::Relaxed)
    }
}

impl Seat {
    /// It has shown the secret.
    pub(super) fn authenticated(&mut self) {
        if !std::mem::replace(&mut self.is_authenticated, true) {
            self.seats.unauthenticated.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.authenticated();
        self.seats.all.fetch_sub(1, Ordering::Relaxed);
    }
}

fn raise(count: &AtomicUsize, most: usize) -> bool {
    let one_more = |count| (count < most).then_some(count + 1);
    count
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_and_so_many_unauthenticated() {
        let seats = Seats::new(3, 2);
        let mut first = seats.take().unwrap();
        let second = seats.take().unwrap();
        assert!(seats.take().is_none());
        first.authenticated();
        first.authenticated();
        assert_eq!((seats.applications(), seats.unauthenticated()), (1, 1));
        let third = seats.take().unwrap();
        drop(second);
        let fourth = seats.take().unwrap();
        assert!(seats.take().is_none(), "no more than three in all");
        drop((first, third, fourth));
        let invited: Vec<_> = (0..4).map(|_| seats.take_invited()).collect();
        assert_eq!(invited.iter().flatten().count(), 3);
        drop(invited);
        assert_eq!((seats.applications(), seats.unauthenticated()), (0, 0));
    }
}
