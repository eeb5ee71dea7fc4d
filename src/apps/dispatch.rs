//! Who gets an event of the engine: its owner, the application whose turn it is, or nobody.

use super::app::App;
use super::{Apps, Recipient, PASSING_ROUTE};
use crate::engine::{AppId, Event, Hint, News, TransactionId};
use crate::message::{HeaderId, Message, Method};

/// The Retry-After, in seconds, of requests rejected because applications are behind.
pub const RETRY_AFTER: u32 = 2;

/// The Retry-After, in seconds, of requests rejected because this server is about to end.
pub const DRAIN_RETRY_AFTER: u32 = 10;

/// What the engine must do with a request that belongs to no application yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It has been delivered to this application, which owns it now.
    Assign(TransactionId, AppId),
    /// It is inside a dialog, and no application decides on it.
    Pass(TransactionId),
    /// No application is asked.
    Answer {
        /// The request.
        transaction: TransactionId,
        /// The status code to answer with.
        status: u16,
        /// What the caller is told beside.
        hint: Option<Hint>,
    },
}

/// Which OPTIONS outside every dialog are answered without asking an application (RFC 3261 §11).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OptionsAnswer {
    /// None.
    #[default]
    Nobody,
    /// All.
    Everybody,
    /// Those with exactly this User-Agent.
    UserAgent(String),
}

impl OptionsAnswer {
    fn is_for(&self, request: &Message) -> bool {
        match self {
            OptionsAnswer::Nobody => false,
            OptionsAnswer::Everybody => true,
            OptionsAnswer::UserAgent(name) => {
                request.get(HeaderId::UserAgent) == Some(name.as_bytes())
            }
        }
    }
}

/// A request that belongs to no application yet.
struct Newcomer {
    transaction: TransactionId,
    /// Its method in lower case.
    verb: String,
    /// Its method is none that this package knows.
    is_extension: bool,
    is_options: bool,
}

impl Newcomer {
    fn of(transaction: TransactionId, message: &Message) -> Option<Newcomer> {
        let method = message.method()?;
        Some(Newcomer {
            transaction,
            verb: method.as_str().to_ascii_lowercase(),
            is_extension: matches!(method, Method::Other(_)),
            is_options: method == Method::Options,
        })
    }

    fn answer(&self, status: u16, hint: Option<Hint>) -> Ruling {
        Ruling::Answer {
            transaction: self.transaction,
            status,
            hint,
        }
    }
}

impl Apps {
    /// Gives an event of the engine to its application, or chooses one for a new request.
    #[must_use]
    pub fn dispatch(&mut self, event: Event) -> Option<Ruling> {
        let Event { app, news } = event;
        if let Some(app) = app {
            self.deliver(app, news);
            return None;
        }
        match &news {
            News::Passing { transaction, .. } => Some(self.dispatch_passing(*transaction, news)),
            News::Record(record) => {
                let verb = record.event.name();
                self.dispatch_record(verb, news);
                None
            }
            News::Message {
                transaction: Some(transaction),
                message,
                ..
            } => {
                let newcomer = Newcomer::of(*transaction, message)?;
                let is_capability_query =
                    newcomer.is_options && self.options_answer.is_for(message);
                Some(self.dispatch_new(&newcomer, is_capability_query, news))
            }
            _ => None,
        }
    }

    /// A request that belongs to nobody yet.
    fn dispatch_new(
        &mut self,
        newcomer: &Newcomer,
        is_capability_query: bool,
        news: News,
    ) -> Ruling {
        if self.is_draining {
            return newcomer.answer(503, Some(Hint::RetryAfter(DRAIN_RETRY_AFTER)));
        }
        if is_capability_query && !self.routes.is_empty() {
            return newcomer.answer(200, Some(Hint::Capabilities(self.routes.allow())));
        }
        let verb = newcomer.verb.as_str();
        let director = self.director.as_ref().filter(|one| one.takes(verb));
        let director = director.map(|one| one.app);
        let apps = &self.apps;
        let keeps_up = |app: &AppId| apps.get(app).is_some_and(App::keeps_up);
        let chosen = match director {
            Some(director) => Some(director).filter(keeps_up),
            None => self.routes.choose(verb, keeps_up),
        };
        if let Some(app) = chosen {
            self.deliver(app, news);
            return Ruling::Assign(newcomer.transaction, app);
        }
        let (status, hint) = if director.is_some() || self.routes.contains(verb) {
            (503, Some(Hint::RetryAfter(RETRY_AFTER)))
        } else if self.routes.is_empty() {
            (503, None) // The application may be about to start.
        } else {
            // RFC 3261 §8.2.1: known but not wanted here, or not known.
            let status = if newcomer.is_extension { 501 } else { 405 };
            (status, Some(Hint::Allow(self.routes.allow())))
        };
        tracing::debug!(verb, status, "no application takes the request");
        newcomer.answer(status, hint)
    }

    /// Gives a new request to somebody; 480 when there is nobody, or nobody who can keep up.
    #[must_use]
    pub fn give(&mut self, news: News, recipient: &Recipient) -> Option<Ruling> {
        let News::Message {
            transaction: Some(transaction),
            message,
            ..
        } = &news
        else {
            return None;
        };
        let newcomer = Newcomer::of(*transaction, message)?;
        let apps = &self.apps;
        let chosen = match recipient {
            Recipient::App(app) => Some(*app).filter(|app| apps.contains_key(app)),
            Recipient::Tag(tag) => self.routes.choose(&newcomer.verb, |app| {
                apps.get(app)
                    .is_some_and(|app| app.keeps_up() && app.has_tag(tag))
            }),
        };
        Some(match chosen {
            Some(app) => {
                self.deliver(app, news);
                Ruling::Assign(newcomer.transaction, app)
            }
            None => newcomer.answer(480, None),
        })
    }

    /// Gives a request that passes to an application that wants to decide on it. Applications that
    /// are behind must not hold up calls that are there.
    fn dispatch_passing(&mut self, transaction: TransactionId, news: News) -> Ruling {
        let apps = &self.apps;
        let is_able = |app: &AppId| apps.get(app).is_some_and(App::is_able);
        match self.routes.choose(PASSING_ROUTE, is_able) {
            Some(app) => {
                self.deliver(app, news);
                Ruling::Assign(transaction, app)
            }
            None => Ruling::Pass(transaction),
        }
    }

    /// Gives a call detail record to one of those that have asked for such, in turns. Those that are
    /// behind miss it.
    fn dispatch_record(&mut self, verb: &str, news: News) {
        let apps = &self.apps;
        let is_able = |app: &AppId| apps.get(app).is_some_and(App::is_able);
        if let Some(app) = self.routes.choose(verb, is_able) {
            self.deliver(app, news);
        }
    }
}
