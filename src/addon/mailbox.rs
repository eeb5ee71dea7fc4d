//! Between the engine's thread and the JavaScript thread: events that wait to be taken, and the
//! beginning and end of the engine.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock::WallClock;
use super::frame::{Batch, MAX_BATCH};
use crate::apps::Outlet;
use crate::driver::StartError;
use crate::engine::{Listener, News, Refusal};

/// Emptied batches that are kept for their memory.
const SPARE_BATCHES: usize = 4;

/// Memory of a batch, in bytes of text, above which it is not kept.
const SPARE_BATCH_SIZE: usize = 1024 * 1024;

/// How the JavaScript thread is woken; may be called on any thread, and does not wait.
pub(super) type Ring = Box<dyn Fn() + Send>;

/// What both threads share.
#[derive(Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ring: Option<Ring>,
    batches: VecDeque<Batch>,
    spare: Vec<Batch>,
    /// Events in `batches`.
    waiting: usize,
    /// The bell has been rung and [`Mailbox::answer_bell`] has not been called.
    rung: bool,
    /// JavaScript has been told to take events and has not done so.
    told: bool,
    started: Option<Result<Vec<Listener>, StartError>>,
    ended: Option<Ended>,
}

/// The engine has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// Why, unless it was closed.
    pub(super) failure: Option<String>,
}

/// What the JavaScript thread finds when the bell has rung.
#[derive(Default)]
pub(super) struct Notices {
    pub(super) started: Option<Result<Vec<Listener>, StartError>>,
    pub(super) ended: Option<Ended>,
    /// JavaScript is to be told that events wait.
    pub(super) has_events: bool,
}

impl Ended {
    /// A stable name for programs.
    pub(super) fn code(&self) -> &'static str {
        match self.failure {
            Some(_) => "DRT_ERR_ENGINE_FAILED",
            None => Refusal::Stopped.code(),
        }
    }

    /// What has happened.
    pub(super) fn text(&self) -> String {
        match &self.failure {
            Some(failure) => failure.clone(),
            None => Refusal::Stopped.to_string(),
        }
    }
}

impl State {
    /// Rings, unless that has been done and not been answered.
    fn ring(&mut self) {
        if let (false, Some(ring)) = (self.rung, &self.ring) {
            ring();
            self.rung = true;
        }
    }
}

impl Mailbox {
    /// From now on, the bell is rung in this way, or not at all.
    pub(super) fn set_bell(&self, ring: Option<Ring>) {
        self.lock().ring = ring;
    }

    /// Keeps the outcome of the start for the JavaScript thread.
    pub(super) fn set_started(&self, outcome: Result<Vec<Listener>, StartError>) {
        let mut state = self.lock();
        state.started = Some(outcome);
        state.ring();
    }

    /// Keeps the end of the engine for the JavaScript thread, which hears of it when it has taken
    /// all events.
    pub(super) fn set_ended(&self, failure: Option<&str>) {
        let failure = failure.map(str::to_owned);
        let mut state = self.lock();
        state.ended = Some(Ended { failure });
        state.ring();
    }

    /// Adds events, and takes an emptied batch in exchange.
    pub(super) fn post(&self, batch: &mut Batch) {
        if batch.is_empty() {
            return;
        }
        let mut state = self.lock();
        let empty = state.spare.pop().unwrap_or_default();
        let full = std::mem::replace(batch, empty);
        state.waiting += full.len();
        state.batches.push_back(full);
        if !state.told {
            state.ring();
        }
    }

    /// Events that JavaScript has not taken.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// The bell has rung: what is there to do on the JavaScript thread?
    pub(super) fn answer_bell(&self) -> Notices {
        let mut state = self.lock();
        state.rung = false;
        let is_empty = state.batches.is_empty();
        let has_events = !is_empty && !state.told;
        state.told |= has_events;
        Notices {
            started: state.started.take(),
            ended: if is_empty { state.ended.take() } else { None },
            has_events,
        }
    }

    /// Up to [`MAX_BATCH`] events, in batches. The bell rings again if there is more to do.
    pub(super) fn take(&self) -> Vec<Batch> {
        let mut state = self.lock();
        let mut taken = Vec::new();
        let mut events = 0;
        while let Some(batch) = state.batches.front() {
            if events > 0 && events + batch.len() > MAX_BATCH {
                break;
            }
            events += batch.len();
            taken.extend(state.batches.pop_front());
        }
        state.waiting -= events;
        state.told = false;
        if !state.batches.is_empty() || state.ended.is_some() {
            state.ring();
        }
        taken
    }

    /// Gives batches back for their memory.
    pub(super) fn recycle(&self, batches: Vec<Batch>) {
        let mut state = self.lock();
        for mut batch in batches {
            if state.spare.len() < SPARE_BATCHES && batch.text_capacity() <= SPARE_BATCH_SIZE {
                batch.clear();
                state.spare.push(batch);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent whenever the lock is free; a panic elsewhere changes nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine's end of a [`Mailbox`].
pub(super) struct Postbox {
    mailbox: Arc<Mailbox>,
    batch: Batch,
    clock: WallClock,
}

impl Postbox {
    pub(super) fn new(mailbox: Arc<Mailbox>) -> Postbox {
        Postbox {
            mailbox,
            batch: Batch::default(),
            clock: WallClock::new(),
        }
    }
}

impl Outlet for Postbox {
    fn deliver(&mut self, news: News) {
        self.batch.push(&news, &mut self.clock);
        if self.batch.len() >= MAX_BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.mailbox.post(&mut self.batch);
    }

    fn backlog(&self) -> usize {
        self.mailbox.waiting() + self.batch.len()
    }

    fn end(&mut self, failure: Option<&str>) {
        self.flush();
        self.mailbox.set_ended(failure);
    }
}
