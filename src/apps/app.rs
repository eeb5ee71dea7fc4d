//! One application: what takes its news, and whether it keeps up with them.

use std::time::Duration;

use crate::engine::News;

/// Pieces of news that an application has not taken from which on it gets no new requests; they
/// are rejected with 503. Replies, responses and requests inside its dialogs still reach it.
pub const BACKLOG_LIMIT: usize = 8_192;

/// How long news may have waited for an application before it gets no new requests: what it is
/// asked in a call is repeated from then on (T1, RFC 3261 §17.1.2.2).
pub const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// As long as fewer pieces of news wait, an application keeps up, and has only paused.
pub const FEW: usize = 256;

/// Pieces of news that an application has not taken from which on it misses provisional
/// responses, the only news that a peer may repeat without end inside one transaction.
pub const PROVISIONAL_LIMIT: usize = 4 * BACKLOG_LIMIT;

/// Where the news for one application goes. Called on the engine's thread, so it must not wait.
pub trait Outlet: Send {
    /// Takes one piece of news.
    fn deliver(&mut self, news: News);

    /// A batch of news is complete: time to wake the application.
    fn flush(&mut self);

    /// How many pieces of news the application has not taken.
    fn backlog(&self) -> usize;

    /// How long the oldest of them has waited; zero where that is not known.
    fn waits(&self) -> Duration {
        Duration::ZERO
    }

    /// There will be no more news. `failure` tells why, unless the engine was closed.
    fn end(&mut self, failure: Option<&str>);
}

/// A connected application.
pub(super) struct App {
    outlet: Box<dyn Outlet>,
    tags: Vec<String>,
    /// Something was delivered since the last flush.
    unflushed: bool,
}

impl App {
    pub(super) fn new(outlet: Box<dyn Outlet>, tags: Vec<String>) -> App {
        App {
            outlet,
            tags,
            unflushed: false,
        }
    }

    pub(super) fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|one| one == tag)
    }

    /// It is not behind so far that what is there must go without it.
    pub(super) fn is_able(&self) -> bool {
        self.backlog() < BACKLOG_LIMIT
    }

    /// It keeps up with what it is told, so it may get something new.
    pub(super) fn keeps_up(&self) -> bool {
        self.is_able() && (self.backlog() < FEW || self.outlet.waits() <= LONGEST_WAIT)
    }

    pub(super) fn backlog(&self) -> usize {
        self.outlet.backlog()
    }

    pub(super) fn deliver(&mut self, news: News) {
        if is_provisional(&news) && self.backlog() >= PROVISIONAL_LIMIT {
            tracing::debug!("a provisional response is dropped: the application is behind");
            return;
        }
        self.outlet.deliver(news);
        self.unflushed = true;
    }

    /// Wakes the application if it was told something.
    pub(super) fn flush(&mut self) {
        if std::mem::take(&mut self.unflushed) {
            self.outlet.flush();
        }
    }

    pub(super) fn end(&mut self, failure: Option<&str>) {
        self.outlet.end(failure);
    }
}

fn is_provisional(news: &News) -> bool {
    match news {
        News::Message { message, .. } => message.status().is_some_and(|status| status < 200),
        News::Passing { .. }
        | News::Record(_)
        | News::Refused { .. }
        | News::Reply { .. }
        | News::ConnectionClosed(_) => false,
    }
}
