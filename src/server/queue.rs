//! What an application has not read yet, and the commands of its that have no answer.

use std::collections::hash_map::Entry;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::apps::Outlet;
use crate::engine::{CommandId, News, Reply};
use crate::protocol::{Asked, Fault, ANSWERED, CONNECTION_CLOSED};

/// Bytes that a piece of news is taken for beside its message.
const NEWS_SIZE: usize = 256;

/// One thing to write.
#[derive(Debug)]
pub(super) enum Item {
    /// What the engine tells.
    News(News),
    /// The application is known now: the reply to the message of this id.
    Greeting(String),
    /// The reply to a ping.
    Pong(String),
    /// The message of this id makes no sense, or may not be said.
    Fault(String, Fault),
}

/// What was asked under a number that the engine knows it by.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    /// The application's name for it.
    pub(super) id: String,
    pub(super) asked: Asked,
}

/// Shared by the engine, which fills it, and the two halves of a connection.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Pieces of news that have not been written.
    waiting: AtomicUsize,
    is_told: AtomicBool,
    wants: Wants,
    limit: usize,
    /// The application in the log.
    peer: String,
    filled: Notify,
    answered: Notify,
    closed: Notify,
}

/// What is said beyond the original's protocol, to those that have asked for it as for a method.
#[derive(Debug, Default)]
struct Wants {
    answered: AtomicBool,
    connection_closed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    items: Vec<Item>,
    /// Since when the first of them has waited.
    since: Option<Instant>,
    /// The same of the items that are being written.
    writing_since: Option<Instant>,
    /// Of the items, and of those being written.
    bytes: usize,
    pending: HashMap<u32, Pending>,
    last_command: u32,
    is_closed: bool,
}

/// What was taken out of a queue to be written.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) items: Vec<Item>,
    news: usize,
    bytes: usize,
}

impl Queue {
    /// A queue for so many bytes of messages. One that holds more is closed, and forgets all. The
    /// application is called `peer` in the log.
    pub(super) fn new(limit: usize, peer: String) -> Arc<Queue> {
        Arc::new(Queue {
            state: Mutex::default(),
            waiting: AtomicUsize::new(0),
            is_told: AtomicBool::new(false),
            wants: Wants::default(),
            limit,
            peer,
            filled: Notify::new(),
            answered: Notify::new(),
            closed: Notify::new(),
        })
    }

    /// What the application is called in the log.
    pub(super) fn peer(&self) -> &str {
        &self.peer
    }

    pub(super) fn push(&self, item: Item) {
        let mut state = self.lock();
        if !state.is_closed && self.has_room(&mut state, NEWS_SIZE) {
            state.put([item]);
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Notes a command, and numbers it.
    pub(super) fn note(&self, pending: Pending) -> CommandId {
        let mut state = self.lock();
        loop {
            // Never that of nobody, and none that is in use.
            state.last_command = state.last_command.wrapping_add(1).max(1);
            let number = state.last_command;
            if let Entry::Vacant(place) = state.pending.entry(number) {
                place.insert(pending);
                return CommandId(number);
            }
        }
    }

    /// The command that a reply is for.
    pub(super) fn settle(&self, command: CommandId, reply: &Reply) -> Option<Pending> {
        let mut state = self.lock();
        if matches!(reply, Reply::Branch { .. } | Reply::Progress { .. }) {
            return state.pending.get(&command.0).cloned();
        }
        let pending = state.pending.remove(&command.0);
        drop(state);
        self.answered.notify_one();
        pending
    }

    /// Waits until fewer commands than this have no answer.
    pub(super) async fn room(&self, limit: usize) {
        while self.lock().pending.len() >= limit {
            self.answered.notified().await;
        }
    }

    /// Waits for something to write; `None` when everything has been written and nothing more comes.
    pub(super) async fn take(&self) -> Option<Taken> {
        loop {
            match self.take_now() {
                Some(taken) if !taken.items.is_empty() => return Some(taken),
                Some(_) => self.filled.notified().await,
                None => return None,
            }
        }
    }

    /// What there is; `None` if there is nothing and never will be.
    fn take_now(&self) -> Option<Taken> {
        let mut state = self.lock();
        if state.items.is_empty() && state.is_closed {
            return None;
        }
        let items = std::mem::take(&mut state.items);
        state.writing_since = state.since.take();
        let is_news = |item: &&Item| matches!(item, Item::News(_));
        Some(Taken {
            news: items.iter().filter(is_news).count(),
            items,
            bytes: state.bytes,
        })
    }

    /// What was taken has been written.
    pub(super) fn written(&self, taken: &Taken) {
        self.waiting.fetch_sub(taken.news, Ordering::Relaxed);
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(taken.bytes);
        state.writing_since = None;
    }

    /// How long the oldest of what has not been written has waited.
    fn waits(&self) -> Duration {
        let state = self.lock();
        let oldest = state.writing_since.or(state.since);
        oldest.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Nothing more is taken in; what is in it may still be written.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_one();
        self.closed.notify_one();
    }

    /// Waits until it is closed.
    pub(super) async fn closed(&self) {
        while !self.lock().is_closed {
            self.closed.notified().await;
        }
    }

    /// The application has asked for new requests of this method, or for them no longer.
    pub(super) fn want(&self, verb: &str, wanted: bool) {
        match verb {
            ANSWERED => self.wants.answered.store(wanted, Ordering::Relaxed),
            CONNECTION_CLOSED => self
                .wants
                .connection_closed
                .store(wanted, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Whether the application understands this.
    fn is_wanted(&self, news: &News) -> bool {
        match news {
            News::Refused { .. } => self.wants.answered.load(Ordering::Relaxed),
            News::ConnectionClosed(_) => self.wants.connection_closed.load(Ordering::Relaxed),
            // A request that passes is given to those only that have asked for such.
            // So are records.
            News::Message { .. } | News::Passing { .. } | News::Record(_) | News::Reply { .. } => {
                true
            }
        }
    }

    /// Whether a message has ever been put in.
    pub(super) fn is_told(&self) -> bool {
        self.is_told.load(Ordering::Relaxed)
    }

    fn fill(&self, news: &mut Vec<News>) {
        let mut state = self.lock();
        if state.is_closed {
            news.clear();
            return;
        }
        self.waiting.fetch_add(news.len(), Ordering::Relaxed);
        if news.iter().any(|one| matches!(one, News::Message { .. })) {
            self.is_told.store(true, Ordering::Relaxed);
        }
        if self.has_room(&mut state, news.iter().map(size).sum()) {
            state.put(news.drain(..).map(Item::News));
        }
        news.clear();
        drop(state);
        self.filled.notify_one();
    }

    /// Counts what is about to be put in. If that is too much the queue is closed.
    fn has_room(&self, state: &mut State, bytes: usize) -> bool {
        state.bytes += bytes;
        let has_room = state.bytes <= self.limit;
        if !has_room {
            tracing::warn!(peer = %self.peer, "an application that does not read is dropped");
            state.items = Vec::new();
            state.is_closed = true;
            self.closed.notify_one();
        }
        has_room
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, items: impl IntoIterator<Item = Item>) {
        self.items.extend(items);
        self.since.get_or_insert_with(Instant::now);
    }
}

fn size(news: &News) -> usize {
    let message = match news {
        News::Message { message, .. } | News::Passing { message, .. } => message,
        News::Reply {
            reply: Reply::Sent { message, .. } | Reply::Branch { message, .. },
            ..
        } => message,
        News::Record(record) => &record.message,
        _ => return NEWS_SIZE,
    };
    message.text().len() + NEWS_SIZE
}

/// The engine's end of a queue.
#[derive(Debug)]
pub(super) struct Inlet {
    queue: Arc<Queue>,
    /// Of this turn of the engine's.
    news: Vec<News>,
}

impl Inlet {
    pub(super) fn new(queue: Arc<Queue>) -> Inlet {
        Inlet {
            queue,
            news: Vec::new(),
        }
    }
}

impl Outlet for Inlet {
    fn deliver(&mut self, news: News) {
        if self.queue.is_wanted(&news) {
            self.news.push(news);
        }
    }

    fn flush(&mut self) {
        self.queue.fill(&mut self.news);
    }

    fn backlog(&self) -> usize {
        self.queue.waiting.load(Ordering::Relaxed) + self.news.len()
    }

    fn waits(&self) -> Duration {
        self.queue.waits()
    }

    fn end(&mut self, _failure: Option<&str>) {
        self.flush();
        self.queue.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Refusal, TransactionId};

    fn pending(id: &str) -> Pending {
        Pending {
            id: id.to_owned(),
            asked: Asked::Sip,
        }
    }

    fn news(count: u32) -> impl Iterator<Item = News> {
        (0..count).map(|id| News::Reply {
            command: CommandId(id),
            reply: Reply::Done,
        })
    }

    fn queue(limit: usize) -> Arc<Queue> {
        Queue::new(limit, "127.0.0.1:40000".to_owned())
    }

    fn block_on<T>(future: impl std::future::Future<Output = T>) -> T {
        let builder = &mut tokio::runtime::Builder::new_current_thread();
        builder.build().unwrap().block_on(future)
    }

    #[test]
    fn news_counts_as_waiting_until_it_is_written() {
        let queue = queue(1_000_000);
        let mut inlet = Inlet::new(queue.clone());
        news(3).for_each(|one| inlet.deliver(one));
        assert_eq!(inlet.backlog(), 3);
        inlet.flush();
        queue.push(Item::Pong("p".to_owned()));
        let taken = block_on(queue.take()).unwrap();
        assert_eq!((taken.items.len(), inlet.backlog()), (4, 3));
        queue.written(&taken);
        assert_eq!(inlet.backlog(), 0);
        assert_eq!(queue.lock().bytes, 0);
    }

    #[test]
    fn the_oldest_of_what_is_not_written_tells_how_long_news_waits() {
        let queue = queue(1_000_000);
        let mut inlet = Inlet::new(queue.clone());
        let mut tell = || {
            news(1).for_each(|one| inlet.deliver(one));
            inlet.flush();
        };
        assert_eq!(queue.waits(), Duration::ZERO);
        tell();
        let told = Instant::now();
        let taken = block_on(queue.take()).unwrap();
        tell();
        std::thread::sleep(Duration::from_millis(2));
        let least = told.elapsed();
        assert!(queue.waits() >= least);
        let told_again = Instant::now();
        queue.written(&taken);
        let taken = block_on(queue.take()).unwrap();
        queue.written(&taken);
        assert_eq!(queue.waits(), Duration::ZERO);
        tell();
        assert!(queue.waits() <= told_again.elapsed());
    }

    #[test]
    fn a_queue_that_is_closed_is_emptied_and_then_over() {
        let queue = queue(1_000_000);
        let mut inlet = Inlet::new(queue.clone());
        news(1).for_each(|one| inlet.deliver(one));
        inlet.end(None);
        queue.push(Item::Pong("p".to_owned()));
        assert_eq!(block_on(queue.take()).unwrap().items.len(), 1);
        assert!(block_on(queue.take()).is_none());
        block_on(queue.closed());
    }

    #[test]
    fn a_queue_of_too_many_bytes_is_closed_and_forgets_all() {
        let queue = queue(10 * NEWS_SIZE);
        let mut inlet = Inlet::new(queue.clone());
        news(10).for_each(|one| inlet.deliver(one));
        inlet.flush();
        news(1).for_each(|one| inlet.deliver(one));
        inlet.flush();
        block_on(queue.closed());
        assert!(block_on(queue.take()).is_none());
    }

    #[test]
    fn what_is_not_news_counts_as_well() {
        let queue = queue(10 * NEWS_SIZE);
        for _ in 0..11 {
            queue.push(Item::Pong("p".to_owned()));
        }
        assert!(block_on(queue.take()).is_none());
    }

    #[test]
    fn a_command_is_settled_by_its_last_reply() {
        let queue = queue(1_000);
        let first = queue.note(pending("a"));
        let second = queue.note(pending("b"));
        assert_ne!(first, second);
        assert_ne!(first, CommandId::NOBODY);
        assert_eq!(queue.settle(first, &Reply::Done).unwrap().id, "a");
        assert!(queue.settle(first, &Reply::Done).is_none());
        block_on(queue.room(2));
        assert_eq!(queue.settle(second, &Reply::Done).unwrap().id, "b");
    }

    #[test]
    fn what_the_original_does_not_say_is_told_to_those_that_want_it() {
        let queue = queue(1_000_000);
        let mut inlet = Inlet::new(queue.clone());
        let refused = || News::Refused {
            transaction: TransactionId(1),
            status: 503,
            why: Refusal::NotAnswered(503),
        };
        inlet.deliver(refused());
        assert_eq!(inlet.backlog(), 0);
        queue.want(ANSWERED, true);
        inlet.deliver(refused());
        assert_eq!(inlet.backlog(), 1);
        queue.want(ANSWERED, false);
        inlet.deliver(refused());
        assert_eq!(inlet.backlog(), 1);
    }

    #[test]
    fn numbers_of_commands_begin_again_and_pass_over_those_in_use() {
        let queue = queue(1_000);
        let first = queue.note(pending("a"));
        queue.lock().last_command = u32::MAX;
        assert_eq!(queue.note(pending("b")).0, first.0 + 1);
    }
}
