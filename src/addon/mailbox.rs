//! Between the engine's thread and the JavaScript thread: events that wait to be taken, and the
//! beginning and end of the engine.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::frame::{Batch, MAX_BATCH};
use crate::apps::Outlet;
use crate::driver::{clocks, StartError};
use crate::engine::{Listener, News, Refusal};
use crate::protocol::{Clocks, WallClock};
use crate::transport::TlsError;

/// Emptied batches that are kept for their memory.
const SPARE_BATCHES: usize = 4;

/// Memory of a batch, in bytes of text, above which it is not kept.
pub(super) const SPARE_BATCH_SIZE: usize = 1024 * 1024;

/// How the JavaScript thread is woken; may be called on any thread, and does not wait.
pub(super) type Ring = Arc<dyn Fn() + Send + Sync>;

/// What both threads share.
#[derive(Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    /// Events in the state's batches; read often, so that no lock is needed for it.
    waiting: AtomicUsize,
}

#[derive(Default)]
struct State {
    ring: Option<Ring>,
    /// With the time from which on they have waited.
    batches: VecDeque<(Instant, Batch)>,
    spare: Vec<Batch>,
    /// The bell has been rung and [`Mailbox::answer_bell`] has not been called.
    rung: bool,
    /// JavaScript has been told to take events, and has not found that there are no more.
    told: bool,
    started: Option<Result<Vec<Listener>, StartError>>,
    reports: Vec<Report>,
    ended: Option<Ended>,
}

/// What somebody has waited for, by the number of the request: a text, or why there is none.
pub(super) type Report = (u32, Result<String, TlsError>);

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
    pub(super) reports: Vec<Report>,
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
    /// What is to be called when the lock has been released, so that the thread that is woken
    /// finds it free. `None` when the bell has been rung and not been answered.
    fn ring(&mut self) -> Option<Ring> {
        let ring = self.ring.clone().filter(|_| !self.rung);
        self.rung |= ring.is_some();
        ring
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
        let ring = state.ring();
        drop(state);
        call(ring);
    }

    /// Keeps what somebody waits for, for the JavaScript thread.
    pub(super) fn add_report(&self, number: u32, outcome: Result<String, TlsError>) {
        let mut state = self.lock();
        state.reports.push((number, outcome));
        let ring = state.ring();
        drop(state);
        call(ring);
    }

    /// Keeps the end of the engine for the JavaScript thread, which hears of it when it has taken
    /// all events.
    pub(super) fn set_ended(&self, failure: Option<&str>) {
        let failure = failure.map(str::to_owned);
        let mut state = self.lock();
        state.ended = Some(Ended { failure });
        let ring = state.ring();
        drop(state);
        call(ring);
    }

    /// Adds events, and takes an emptied batch in exchange.
    pub(super) fn post(&self, batch: &mut Batch) {
        if batch.is_empty() {
            return;
        }
        let mut state = self.lock();
        let empty = state.spare.pop().unwrap_or_default();
        let full = std::mem::replace(batch, empty);
        self.waiting.fetch_add(full.len(), Ordering::Relaxed);
        state.batches.push_back((Instant::now(), full));
        let ring = if state.told { None } else { state.ring() };
        drop(state);
        call(ring);
    }

    /// Events that JavaScript has not taken.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How long the oldest of them has waited.
    pub(super) fn waits(&self) -> Duration {
        let state = self.lock();
        let oldest = state.batches.front();
        oldest.map_or(Duration::ZERO, |(since, _)| since.elapsed())
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
            reports: std::mem::take(&mut state.reports),
            ended: if is_empty { state.ended.take() } else { None },
            has_events,
        }
    }

    /// Up to [`MAX_BATCH`] events, in batches. The bell does not ring for events before this has
    /// been asked in vain: whoever takes comes again, when other things have had their turn. A bell
    /// that rings again and again gives nothing else a turn, since Node answers a thousand rings in
    /// a row.
    pub(super) fn take(&self) -> Vec<Batch> {
        let mut state = self.lock();
        let mut taken = Vec::new();
        let mut events = 0;
        while let Some((_, batch)) = state.batches.front() {
            if events > 0 && events + batch.len() > MAX_BATCH {
                break;
            }
            events += batch.len();
            taken.extend(state.batches.pop_front().map(|(_, batch)| batch));
        }
        self.waiting.fetch_sub(events, Ordering::Relaxed);
        state.told = !taken.is_empty();
        let has_ended = state.batches.is_empty() && state.ended.is_some();
        let ring = if has_ended { state.ring() } else { None };
        drop(state);
        call(ring);
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

fn call(ring: Option<Ring>) {
    if let Some(ring) = ring {
        ring();
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
        Postbox::with_clocks(mailbox, clocks)
    }

    /// One that tells another time of day than the system's.
    pub(super) fn with_clocks(mailbox: Arc<Mailbox>, clocks: Clocks) -> Postbox {
        Postbox {
            mailbox,
            batch: Batch::default(),
            clock: WallClock::new(clocks),
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

    fn waits(&self) -> Duration {
        self.mailbox.waits()
    }

    fn end(&mut self, failure: Option<&str>) {
        self.flush();
        self.mailbox.set_ended(failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{CommandId, Reply};

    /// A mailbox whose rings are counted.
    fn mailbox() -> (Arc<Mailbox>, Arc<AtomicUsize>) {
        let rings = Arc::new(AtomicUsize::new(0));
        let counter = rings.clone();
        let mailbox = Arc::new(Mailbox::default());
        mailbox.set_bell(Some(Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        })));
        (mailbox, rings)
    }

    fn deliver(postbox: &mut Postbox, count: u32) {
        for id in 0..count {
            postbox.deliver(News::Reply {
                command: CommandId(id),
                reply: Reply::Done,
            });
        }
        postbox.flush();
    }

    fn events(batches: &[Batch]) -> usize {
        batches.iter().map(Batch::len).sum()
    }

    #[test]
    fn the_bell_rings_once_until_no_events_are_left() {
        let (mailbox, rings) = mailbox();
        let mut postbox = Postbox::new(mailbox.clone());
        for _ in 0..10 {
            deliver(&mut postbox, 3);
        }
        assert_eq!(rings.load(Ordering::Relaxed), 1);
        assert!(mailbox.answer_bell().has_events);
        deliver(&mut postbox, 3);
        assert_eq!(rings.load(Ordering::Relaxed), 1);
        assert_eq!(events(&mailbox.take()), 33);
        deliver(&mut postbox, 3);
        assert_eq!(events(&mailbox.take()), 3);
        assert_eq!(events(&mailbox.take()), 0);
        assert_eq!(rings.load(Ordering::Relaxed), 1);
        deliver(&mut postbox, 3);
        assert_eq!(rings.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_flush_without_news_rings_nothing() {
        let (mailbox, rings) = mailbox();
        deliver(&mut Postbox::new(mailbox), 0);
        assert_eq!(rings.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_is_more_than_a_batch_is_taken_in_several() {
        let (mailbox, rings) = mailbox();
        let mut postbox = Postbox::new(mailbox.clone());
        deliver(&mut postbox, 600);
        assert_eq!(postbox.backlog(), 600);
        let mut taken = 0;
        assert!(mailbox.answer_bell().has_events);
        for _ in 0..3 {
            let batches = mailbox.take();
            assert!(events(&batches) <= MAX_BATCH);
            taken += events(&batches);
            mailbox.recycle(batches);
        }
        assert_eq!((taken, postbox.backlog()), (600, 0));
        assert_eq!(rings.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_oldest_event_tells_how_long_events_wait() {
        let (mailbox, _) = mailbox();
        let mut postbox = Postbox::new(mailbox.clone());
        assert_eq!(postbox.waits(), Duration::ZERO);
        let before = Instant::now();
        deliver(&mut postbox, 1);
        let after = Instant::now();
        std::thread::sleep(Duration::from_millis(2));
        deliver(&mut postbox, 1);
        let least = after.elapsed();
        let waits = postbox.waits();
        assert!(least <= waits && waits <= before.elapsed());
        mailbox.take();
        assert_eq!(postbox.waits(), Duration::ZERO);
    }

    #[test]
    fn small_batches_are_taken_together() {
        let (mailbox, _) = mailbox();
        let mut postbox = Postbox::new(mailbox.clone());
        for _ in 0..MAX_BATCH {
            deliver(&mut postbox, 1);
        }
        assert_eq!(events(&mailbox.take()), MAX_BATCH);
    }

    #[test]
    fn the_end_is_told_when_all_events_have_been_taken() {
        let (mailbox, rings) = mailbox();
        let mut postbox = Postbox::new(mailbox.clone());
        deliver(&mut postbox, 1);
        postbox.end(Some("broken"));
        let notices = mailbox.answer_bell();
        assert!(notices.has_events && notices.ended.is_none());
        assert_eq!(events(&mailbox.take()), 1);
        assert_eq!(rings.load(Ordering::Relaxed), 2);
        let ended = mailbox.answer_bell().ended.unwrap();
        assert_eq!(ended.code(), "DRT_ERR_ENGINE_FAILED");
        assert_eq!(ended.text(), "broken");
    }

    #[test]
    fn the_end_comes_after_the_news_of_the_last_batch() {
        let (mailbox, _) = mailbox();
        let mut postbox = Postbox::new(mailbox.clone());
        postbox.deliver(News::Reply {
            command: CommandId(1),
            reply: Reply::Done,
        });
        postbox.end(None);
        assert!(mailbox.answer_bell().has_events);
        assert_eq!(events(&mailbox.take()), 1);
        let ended = mailbox.answer_bell().ended.unwrap();
        assert_eq!(ended.code(), "DRT_ERR_STOPPED");
    }
}
