//! The connected applications: who is told what, and who gets a new request.
//!
//! Sans-IO, like the engine: an [`Outlet`] per application takes what it is told, and what the
//! engine must do is returned as a [`Ruling`].
//!
//! | file | what it is |
//! |---|---|
//! | `app.rs` | one application: its outlet, and whether it keeps up |
//! | `routes.rs` | which applications want which requests, and whose turn it is |
//! | `dispatch.rs` | who gets an event of the engine |
//! | `exchange.rs` | what passes between the applications and the engine |

mod app;
mod dispatch;
mod exchange;
mod routes;

use std::collections::{BTreeMap, HashSet};

use crate::engine::{Action, AppId, CommandId, News, Refusal, Reply, TransactionId};
use app::App;
pub use app::{Outlet, BACKLOG_LIMIT, FEW, LONGEST_WAIT, PROVISIONAL_LIMIT};
pub use dispatch::{OptionsAnswer, Ruling, DRAIN_RETRY_AFTER, RETRY_AFTER};
pub use exchange::Exchange;
use routes::Routes;
pub use routes::MAX_ROUTES;

/// Stands for every method among those that a director is asked about.
pub const ANY_VERB: &str = "*";

/// What an application is connected with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The methods whose new requests it wants, in any case; of [`MAX_ROUTES`] at most.
    pub verbs: Vec<String>,
    /// What it may be chosen by, see [`Recipient::Tag`].
    pub tags: Vec<String>,
    /// It is the one that says who gets new requests: it gets those of its verbs itself, and gives
    /// them to others with [`Apps::give`]. [`ANY_VERB`] is every method. There is one director at
    /// most; a later one takes the place of the first.
    pub directs: bool,
}

/// Who is to get a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// This application, whatever its routes are.
    App(AppId),
    /// One of those with this tag that want requests of the method, in turns.
    Tag(String),
}

/// The route that an application asks for to decide on requests inside dialogs that pass along a
/// recorded route. It is no method, so nobody can send one.
pub const PASSING_ROUTE: &str = "in-dialog";

/// The routes by which an application asks for call detail records, each kind for itself.
pub const RECORD_ROUTES: [&str; 3] = ["cdr:attempt", "cdr:start", "cdr:stop"];

/// What an application may ask for.
#[derive(Debug, Clone)]
pub enum Request {
    /// New requests of this method, in any case.
    Route(String),
    /// No more of them.
    RemoveRoute(String),
    /// Something of the engine.
    Act(Action),
    /// Another application is to have a new request of this one's, which has not answered it.
    Give(TransactionId, Recipient),
}

/// One thing an application asks for. It is answered on its outlet under the same id.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The application's number for it.
    pub id: CommandId,
    /// What is asked for.
    pub request: Request,
}

/// The applications of one engine.
#[derive(Default)]
pub struct Apps {
    options_answer: OptionsAnswer,
    apps: BTreeMap<AppId, App>,
    routes: Routes,
    director: Option<Director>,
    is_draining: bool,
}

/// See [`Profile::directs`].
struct Director {
    app: AppId,
    /// In lower case.
    verbs: HashSet<String>,
}

impl Apps {
    /// No applications yet.
    pub fn new(options_answer: OptionsAnswer) -> Apps {
        Apps {
            options_answer,
            ..Apps::default()
        }
    }

    /// Takes in an application.
    pub fn add(&mut self, app: AppId, outlet: Box<dyn Outlet>, profile: Profile) {
        self.apps.insert(app, App::new(outlet, profile.tags));
        if profile.directs {
            let verbs = profile.verbs.iter().map(|verb| verb.to_ascii_lowercase());
            let verbs = verbs.collect();
            self.director = Some(Director { app, verbs });
            return;
        }
        for verb in &profile.verbs {
            if self.routes.add(app, verb).is_err() {
                tracing::warn!("an application has more than {MAX_ROUTES} routes");
                break;
            }
        }
    }

    /// Forgets an application and its routes.
    pub fn remove(&mut self, app: AppId) {
        self.apps.remove(&app);
        self.routes.remove_all(app);
        if self.director.as_ref().is_some_and(|one| one.app == app) {
            self.director = None;
        }
    }

    /// From now on no application is asked about new requests; they are rejected with 503.
    pub fn drain(&mut self) {
        self.is_draining = true;
    }

    /// The application wants new requests of this method (in any case). Asking twice is asking
    /// once. It is told that it is done, or refused.
    pub fn route(&mut self, app: AppId, command: CommandId, verb: &str) {
        let reply = match self.routes.add(app, verb) {
            Ok(()) => Reply::Done,
            Err(limit) => Reply::Refused(Refusal::LimitReached("routes", limit)),
        };
        self.reply(app, command, reply);
    }

    /// The application wants new requests of this method no longer.
    pub fn remove_route(&mut self, app: AppId, command: CommandId, verb: &str) {
        self.routes.remove(app, verb);
        self.reply(app, command, Reply::Done);
    }

    /// Answers a command that the engine is not asked about.
    pub fn reply(&mut self, app: AppId, command: CommandId, reply: Reply) {
        self.deliver(app, News::Reply { command, reply });
    }

    /// True while an application wants call detail records.
    pub fn wants_records(&self) -> bool {
        RECORD_ROUTES.iter().any(|verb| self.routes.contains(verb))
    }

    /// A batch is complete: wakes the applications that were told something.
    pub fn flush(&mut self) {
        for app in self.apps.values_mut() {
            app.flush();
        }
    }

    /// How many pieces of news all applications together have not taken.
    pub fn backlog(&self) -> usize {
        self.apps.values().map(|app| app.backlog()).sum()
    }

    /// The applications, in the order of their ids.
    pub fn ids(&self) -> impl Iterator<Item = AppId> + '_ {
        self.apps.keys().copied()
    }

    /// Tells every application that there will be no more news.
    pub fn end(&mut self, failure: Option<&str>) {
        for app in self.apps.values_mut() {
            app.end(failure);
        }
        self.apps.clear();
    }

    fn deliver(&mut self, app: AppId, news: News) {
        if let Some(app) = self.apps.get_mut(&app) {
            app.deliver(news);
        }
    }
}

impl Director {
    fn takes(&self, verb: &str) -> bool {
        self.verbs.contains(verb) || self.verbs.contains(ANY_VERB)
    }
}
