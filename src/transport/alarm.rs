//! A deadline that is moved much more often than it is reached.

use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::{sleep_until, Sleep};

/// Rings at a deadline or a little earlier: a deadline that moves away leaves the alarm where it
/// is, since most deadlines are moved long before they are reached and setting a timer costs.
#[derive(Debug)]
pub(crate) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    /// `None` when the sleep is over or was never set.
    set_for: Option<Instant>,
}

impl Alarm {
    /// Must be called inside a tokio runtime.
    pub(crate) fn new() -> Alarm {
        Alarm {
            sleep: Box::pin(sleep_until(Instant::now().into())),
            set_for: None,
        }
    }

    /// Makes sure that the alarm rings at the deadline at the latest.
    pub(crate) fn set(&mut self, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return };
        if self.set_for.is_none_or(|set_for| deadline < set_for) {
            self.sleep.as_mut().reset(deadline.into());
            self.set_for = Some(deadline);
        }
    }

    /// Ready when it rings, once.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.set_for.is_none() || self.sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.set_for = None;
        Poll::Ready(())
    }

    /// Waits until it rings.
    pub(crate) async fn rings(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }
}
