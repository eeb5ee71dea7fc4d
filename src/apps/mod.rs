//! The connected applications: who is told what, and who gets a new request.
//!
//! Sans-IO, like the engine: an [`Outlet`] per application takes what it is told, and what the
//! engine must do is returned as a [`Ruling`].
//!
//! | file | what it is |
//! |---|---|
//! | `routes.rs` | which applications want which requests, and whose turn it is |
//! | `exchange.rs` | what passes between the applications and the engine |

mod exchange;
mod routes;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::engine::{Action, AppId, CommandId, Event, Hint, News, Refusal, Reply, TransactionId};
use crate::message::{HeaderId, Message, Method};
pub use exchange::Exchange;
use routes::Routes;
pub use routes::MAX_ROUTES;

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

/// The Retry-After, in seconds, of requests rejected because applications are behind.
pub const RETRY_AFTER: u32 = 2;

/// The Retry-After, in seconds, of requests rejected because this server is about to end.
pub const DRAIN_RETRY_AFTER: u32 = 10;

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

struct App {
    outlet: Box<dyn Outlet>,
    tags: Vec<String>,
    /// Something was delivered since the last flush.
    unflushed: bool,
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
        let unflushed = false;
        let tags = profile.tags;
        self.apps.insert(
            app,
            App {
                outlet,
                tags,
                unflushed,
            },
        );
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

    /// Gives an event of the engine to its application, or chooses one for a new request.
    #[must_use]
    pub fn dispatch(&mut self, event: Event) -> Option<Ruling> {
        if let Some(app) = event.app {
            self.deliver(app, event.news);
            return None;
        }
        if let News::Passing { transaction, .. } = event.news {
            return Some(self.dispatch_passing(transaction, event.news));
        }
        if let News::Record(record) = &event.news {
            let verb = record.event.name();
            self.dispatch_record(verb, event.news);
            return None;
        }
        let (transaction, verb, is_extension, is_answered) = match &event.news {
            News::Message {
                transaction: Some(transaction),
                message,
                ..
            } => {
                let method = message.method()?;
                let verb = method.as_str().to_ascii_lowercase();
                let is_extension = matches!(method, Method::Other(_));
                let is_answered = method == Method::Options && self.options_answer.is_for(message);
                (*transaction, verb, is_extension, is_answered)
            }
            _ => return None,
        };
        if self.is_draining {
            let hint = Some(Hint::RetryAfter(DRAIN_RETRY_AFTER));
            return Some(Ruling::Answer {
                transaction,
                status: 503,
                hint,
            });
        }
        if is_answered && !self.routes.is_empty() {
            let hint = Some(Hint::Capabilities(self.routes.allow()));
            return Some(Ruling::Answer {
                transaction,
                status: 200,
                hint,
            });
        }
        let director = self.director.as_ref().filter(|one| one.takes(&verb));
        let director = director.map(|one| one.app);
        let apps = &self.apps;
        let keeps_up = |app: &AppId| apps.get(app).is_some_and(App::keeps_up);
        let chosen = match director {
            Some(director) => Some(director).filter(keeps_up),
            None => self.routes.choose(&verb, keeps_up),
        };
        if let Some(app) = chosen {
            self.deliver(app, event.news);
            return Some(Ruling::Assign(transaction, app));
        }
        let (status, hint) = if director.is_some() || self.routes.contains(&verb) {
            (503, Some(Hint::RetryAfter(RETRY_AFTER)))
        } else if self.routes.is_empty() {
            (503, None) // The application may be about to start.
        } else {
            // RFC 3261 §8.2.1: known but not wanted here, or not known.
            let status = if is_extension { 501 } else { 405 };
            (status, Some(Hint::Allow(self.routes.allow())))
        };
        tracing::debug!(verb, status, "no application takes the request");
        Some(Ruling::Answer {
            transaction,
            status,
            hint,
        })
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
        let transaction = *transaction;
        let apps = &self.apps;
        let chosen = match recipient {
            Recipient::App(app) => Some(*app).filter(|app| apps.contains_key(app)),
            Recipient::Tag(tag) => {
                let verb = message.method()?.as_str().to_ascii_lowercase();
                self.routes.choose(&verb, |app| {
                    apps.get(app)
                        .is_some_and(|app| app.keeps_up() && app.tags.contains(tag))
                })
            }
        };
        Some(match chosen {
            Some(app) => {
                self.deliver(app, news);
                Ruling::Assign(transaction, app)
            }
            None => Ruling::Answer {
                transaction,
                status: 480,
                hint: None,
            },
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

    /// True while an application wants call detail records.
    pub fn wants_records(&self) -> bool {
        RECORD_ROUTES.iter().any(|verb| self.routes.contains(verb))
    }

    /// A batch is complete: wakes the applications that were told something.
    pub fn flush(&mut self) {
        for app in self.apps.values_mut().filter(|app| app.unflushed) {
            app.unflushed = false;
            app.outlet.flush();
        }
    }

    /// How many pieces of news all applications together have not taken.
    pub fn backlog(&self) -> usize {
        self.apps.values().map(|app| app.outlet.backlog()).sum()
    }

    /// The applications, in the order of their ids.
    pub fn ids(&self) -> impl Iterator<Item = AppId> + '_ {
        self.apps.keys().copied()
    }

    /// Tells every application that there will be no more news.
    pub fn end(&mut self, failure: Option<&str>) {
        for app in self.apps.values_mut() {
            app.outlet.end(failure);
        }
        self.apps.clear();
    }

    fn deliver(&mut self, app: AppId, news: News) {
        let Some(app) = self.apps.get_mut(&app) else {
            return;
        };
        if is_provisional(&news) && app.outlet.backlog() >= PROVISIONAL_LIMIT {
            tracing::debug!("a provisional response is dropped: the application is behind");
            return;
        }
        app.outlet.deliver(news);
        app.unflushed = true;
    }
}

impl Director {
    fn takes(&self, verb: &str) -> bool {
        self.verbs.contains(verb) || self.verbs.contains(ANY_VERB)
    }
}

impl App {
    /// It is not behind so far that what is there must go without it.
    fn is_able(&self) -> bool {
        self.outlet.backlog() < BACKLOG_LIMIT
    }

    /// It keeps up with what it is told, so it may get something new.
    fn keeps_up(&self) -> bool {
        self.is_able() && (self.outlet.backlog() < FEW || self.outlet.waits() <= LONGEST_WAIT)
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use super::*;
    use crate::engine::{Cdr, CdrEvent, CdrRole, Meta, Source, StopReason, Transport};

    const REQUEST: TransactionId = TransactionId(1);

    /// What an application was told and how far it is behind.
    #[derive(Default)]
    struct Record {
        news: Vec<News>,
        flushes: usize,
        backlog: usize,
        waits: Duration,
        end: Option<Option<String>>,
    }

    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<Record>>);

    impl Recorder {
        fn told(&self) -> usize {
            self.0.lock().unwrap().news.len()
        }

        fn set_backlog(&self, backlog: usize) {
            self.0.lock().unwrap().backlog = backlog;
        }

        fn set_waits(&self, waits: Duration) {
            self.0.lock().unwrap().waits = waits;
        }
    }

    impl Outlet for Recorder {
        fn deliver(&mut self, news: News) {
            self.0.lock().unwrap().news.push(news);
        }

        fn flush(&mut self) {
            self.0.lock().unwrap().flushes += 1;
        }

        fn backlog(&self) -> usize {
            self.0.lock().unwrap().backlog
        }

        fn waits(&self) -> Duration {
            self.0.lock().unwrap().waits
        }

        fn end(&mut self, failure: Option<&str>) {
            self.0.lock().unwrap().end = Some(failure.map(str::to_owned));
        }
    }

    fn apps(routes: &[&[&str]]) -> (Apps, Vec<Recorder>) {
        let mut apps = Apps::default();
        let mut recorders = Vec::new();
        for (id, verbs) in (1..).zip(routes) {
            let recorder = Recorder::default();
            let verbs = verbs.iter().map(|verb| (*verb).to_owned()).collect();
            let profile = Profile {
                verbs,
                ..Profile::default()
            };
            apps.add(AppId(id), Box::new(recorder.clone()), profile);
            recorders.push(recorder);
        }
        (apps, recorders)
    }

    fn event(app: Option<AppId>, start_line: &str) -> Event {
        let address = "127.0.0.1:5060".parse().unwrap();
        let message = Message::parse_draft(format!("{start_line}\r\n\r\n").into()).unwrap();
        let meta = Meta {
            source: Source::Network,
            transport: Transport::Udp,
            peer: address,
            local: address,
            size: message.text().len(),
            at: Instant::now(),
        };
        let news = News::Message {
            transaction: Some(REQUEST),
            dialog: None,
            meta,
            message,
        };
        Event { app, news }
    }

    fn new_request(method: &str) -> Event {
        event(None, &format!("{method} sip:a@b SIP/2.0"))
    }

    fn passing(method: &str) -> Event {
        match new_request(method).news {
            News::Message { meta, message, .. } => Event {
                app: None,
                news: News::Passing {
                    transaction: REQUEST,
                    meta,
                    message,
                },
            },
            other => panic!("{other:?}"),
        }
    }

    fn rejection(status: u16, hint: Option<Hint>) -> Option<Ruling> {
        Some(Ruling::Answer {
            transaction: REQUEST,
            status,
            hint,
        })
    }

    #[test]
    fn a_new_request_goes_to_one_application_that_wants_it() {
        let (mut apps, recorders) = apps(&[&["invite"], &["invite", "options"]]);
        let ruling = apps.dispatch(new_request("OPTIONS"));
        assert_eq!(ruling, Some(Ruling::Assign(REQUEST, AppId(2))));
        assert_eq!((recorders[0].told(), recorders[1].told()), (0, 1));
    }

    #[test]
    fn a_request_that_passes_goes_to_who_has_asked_and_else_on() {
        let (mut apps, recorders) = apps(&[&["bye"], &["in-dialog"]]);
        let ruling = apps.dispatch(passing("BYE"));
        assert_eq!(ruling, Some(Ruling::Assign(REQUEST, AppId(2))));
        assert_eq!((recorders[0].told(), recorders[1].told()), (0, 1));
        recorders[1].set_backlog(BACKLOG_LIMIT);
        assert_eq!(apps.dispatch(passing("BYE")), Some(Ruling::Pass(REQUEST)));
        assert_eq!(recorders[1].told(), 1);
    }

    fn record(event: CdrEvent) -> Event {
        let invite = &b"INVITE sip:a@b SIP/2.0\r\n\r\n"[..];
        let record = Cdr {
            event,
            source: Source::Network,
            at: Instant::now(),
            message: Message::parse_draft(invite.into()).unwrap(),
        };
        Event {
            app: None,
            news: News::Record(Box::new(record)),
        }
    }

    #[test]
    fn records_go_in_turns_to_those_that_have_asked_for_their_kind() {
        let routes: &[&[&str]] = &[&["invite"], &["cdr:attempt"], &["cdr:attempt", "cdr:stop"]];
        let (mut apps, recorders) = apps(routes);
        let attempt = || record(CdrEvent::Attempt);
        let told = || [0, 1, 2].map(|at: usize| recorders[at].told());
        for _ in 0..4 {
            assert_eq!(apps.dispatch(attempt()), None);
        }
        assert_eq!(told(), [0, 2, 2]);
        assert_eq!(apps.dispatch(record(CdrEvent::Start(CdrRole::Uas))), None);
        assert_eq!(told(), [0, 2, 2]);
        recorders[2].set_backlog(BACKLOG_LIMIT);
        let stop = record(CdrEvent::Stop(StopReason::NormalRelease));
        let _ = (apps.dispatch(attempt()), apps.dispatch(attempt()));
        assert_eq!(apps.dispatch(stop), None);
        assert_eq!(told(), [0, 4, 2], "one that is behind misses records");
    }

    #[test]
    fn records_are_wanted_while_somebody_has_asked_for_any() {
        let (mut apps, _) = apps(&[&["invite"]]);
        assert!(!apps.wants_records());
        add(&mut apps, 2, &["CDR:Stop"], &[], false);
        assert!(apps.wants_records());
        apps.remove(AppId(2));
        assert!(!apps.wants_records());
    }

    #[test]
    fn who_only_asks_for_records_does_not_make_a_method_unwanted() {
        let (mut apps, _) = apps(&[&["cdr:stop"]]);
        assert_eq!(apps.dispatch(new_request("INVITE")), rejection(503, None));
    }

    #[test]
    fn a_method_that_nobody_wants_is_rejected_with_those_that_somebody_does() {
        let (mut apps, recorders) = apps(&[&["invite"], &["register", "cdr:start"]]);
        let allow = || Some(Hint::Allow("ACK, BYE, CANCEL, INVITE, REGISTER".to_owned()));
        let ruling = apps.dispatch(new_request("OPTIONS"));
        assert_eq!(ruling, rejection(405, allow()));
        let ruling = apps.dispatch(new_request("FROBNICATE"));
        assert_eq!(ruling, rejection(501, allow()));
        assert_eq!(recorders[0].told(), 0);
    }

    #[test]
    fn one_that_is_behind_is_passed_over_and_all_behind_is_a_rejection() {
        let (mut apps, recorders) = apps(&[&["invite"], &["invite"]]);
        recorders[0].set_backlog(BACKLOG_LIMIT);
        let ruling = apps.dispatch(new_request("INVITE"));
        assert_eq!(ruling, Some(Ruling::Assign(REQUEST, AppId(2))));
        recorders[1].set_backlog(BACKLOG_LIMIT);
        let ruling = apps.dispatch(new_request("INVITE"));
        assert_eq!(ruling, rejection(503, Some(Hint::RetryAfter(RETRY_AFTER))));
        recorders[0].set_backlog(BACKLOG_LIMIT - 1);
        let ruling = apps.dispatch(new_request("INVITE"));
        assert_eq!(ruling, Some(Ruling::Assign(REQUEST, AppId(1))));
    }

    #[test]
    fn one_whose_news_wait_too_long_is_behind_unless_they_are_few() {
        let (mut apps, recorders) = apps(&[&["invite", PASSING_ROUTE]]);
        let taken = Some(Ruling::Assign(REQUEST, AppId(1)));
        recorders[0].set_backlog(FEW);
        recorders[0].set_waits(LONGEST_WAIT);
        assert_eq!(apps.dispatch(new_request("INVITE")), taken);
        recorders[0].set_waits(LONGEST_WAIT + Duration::from_millis(1));
        let ruling = apps.dispatch(new_request("INVITE"));
        assert_eq!(ruling, rejection(503, Some(Hint::RetryAfter(RETRY_AFTER))));
        assert_eq!(
            apps.dispatch(passing("INFO")),
            taken,
            "it is asked about calls that are there"
        );
        recorders[0].set_backlog(FEW - 1);
        recorders[0].set_waits(Duration::from_secs(60));
        assert_eq!(apps.dispatch(new_request("INVITE")), taken);
    }

    #[test]
    fn one_that_is_behind_still_hears_of_what_it_owns() {
        let (mut apps, recorders) = apps(&[&[]]);
        let app = Some(AppId(1));
        recorders[0].set_backlog(BACKLOG_LIMIT);
        for start_line in [
            "BYE sip:a@b SIP/2.0",
            "SIP/2.0 180 Ringing",
            "SIP/2.0 200 OK",
        ] {
            assert_eq!(apps.dispatch(event(app, start_line)), None);
        }
        apps.route(AppId(1), CommandId(1), "invite");
        assert_eq!(recorders[0].told(), 4);
    }

    #[test]
    fn only_provisional_responses_are_dropped_when_it_is_far_behind() {
        let (mut apps, recorders) = apps(&[&[]]);
        let app = Some(AppId(1));
        recorders[0].set_backlog(PROVISIONAL_LIMIT);
        assert_eq!(apps.dispatch(event(app, "SIP/2.0 180 Ringing")), None);
        assert_eq!(recorders[0].told(), 0);
        assert_eq!(apps.dispatch(event(app, "SIP/2.0 200 OK")), None);
        assert_eq!(apps.dispatch(event(app, "INFO sip:a@b SIP/2.0")), None);
        assert_eq!(recorders[0].told(), 2);
    }

    #[test]
    fn only_those_that_were_told_something_are_woken_once() {
        let (mut apps, recorders) = apps(&[&["invite"], &["options"]]);
        let _ = apps.dispatch(new_request("INVITE"));
        let _ = apps.dispatch(new_request("INVITE"));
        apps.flush();
        apps.flush();
        assert_eq!(recorders[0].0.lock().unwrap().flushes, 1);
        assert_eq!(recorders[1].0.lock().unwrap().flushes, 0);
    }

    fn add(apps: &mut Apps, id: u32, verbs: &[&str], tags: &[&str], directs: bool) -> Recorder {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let profile = Profile {
            verbs: owned(verbs),
            tags: owned(tags),
            directs,
        };
        let recorder = Recorder::default();
        apps.add(AppId(id), Box::new(recorder.clone()), profile);
        recorder
    }

    fn give(apps: &mut Apps, method: &str, tag: &str) -> Option<Ruling> {
        let recipient = Recipient::Tag(tag.to_owned());
        apps.give(new_request(method).news, &recipient)
    }

    #[test]
    fn a_director_is_asked_about_its_methods_only() {
        let (mut apps, _) = apps(&[&["invite", "options"]]);
        add(&mut apps, 9, &["Invite"], &[], true);
        let invite = apps.dispatch(new_request("INVITE"));
        assert_eq!(invite, Some(Ruling::Assign(REQUEST, AppId(9))));
        let options = apps.dispatch(new_request("OPTIONS"));
        assert_eq!(options, Some(Ruling::Assign(REQUEST, AppId(1))));
        apps.remove(AppId(9));
        let invite = apps.dispatch(new_request("INVITE"));
        assert_eq!(invite, Some(Ruling::Assign(REQUEST, AppId(1))));
    }

    #[test]
    fn a_director_of_everything_that_is_behind_is_not_passed_over() {
        let (mut apps, _) = apps(&[&["invite"]]);
        let director = add(&mut apps, 9, &[ANY_VERB], &[], true);
        let message = apps.dispatch(new_request("MESSAGE"));
        assert_eq!(message, Some(Ruling::Assign(REQUEST, AppId(9))));
        director.set_backlog(BACKLOG_LIMIT);
        let busy = rejection(503, Some(Hint::RetryAfter(RETRY_AFTER)));
        assert_eq!(apps.dispatch(new_request("INVITE")), busy);
    }

    #[test]
    fn a_tag_names_those_that_take_turns() {
        let mut apps = Apps::default();
        add(&mut apps, 1, &["invite"], &["blue"], false);
        add(&mut apps, 2, &["invite"], &["green", "blue"], false);
        add(&mut apps, 3, &["options"], &["blue", "red"], false);
        let to = |app| Some(Ruling::Assign(REQUEST, AppId(app)));
        let chosen: Vec<_> = (0..3).map(|_| give(&mut apps, "INVITE", "blue")).collect();
        assert_eq!(chosen, [to(1), to(2), to(1)]);
        assert_eq!(give(&mut apps, "INVITE", "green"), to(2));
        assert_eq!(give(&mut apps, "INVITE", "red"), rejection(480, None));
        assert_eq!(give(&mut apps, "INVITE", "Blue"), rejection(480, None));
    }

    #[test]
    fn a_request_is_given_to_an_application_without_a_route() {
        let mut apps = Apps::default();
        let recorder = add(&mut apps, 1, &[], &[], false);
        let news = new_request("INVITE").news;
        let ruling = apps.give(news.clone(), &Recipient::App(AppId(1)));
        assert_eq!(ruling, Some(Ruling::Assign(REQUEST, AppId(1))));
        assert_eq!(recorder.told(), 1);
        let ruling = apps.give(news, &Recipient::App(AppId(2)));
        assert_eq!(ruling, rejection(480, None));
    }

    #[test]
    fn nobody_gets_new_requests_any_more_when_it_drains() {
        let (mut apps, recorders) = apps(&[&["invite"]]);
        apps.drain();
        let busy = rejection(503, Some(Hint::RetryAfter(DRAIN_RETRY_AFTER)));
        assert_eq!(apps.dispatch(new_request("INVITE")), busy);
        let bye = event(Some(AppId(1)), "BYE sip:a@b SIP/2.0");
        assert_eq!(apps.dispatch(bye), None);
        assert_eq!(recorders[0].told(), 1);
    }

    #[test]
    fn one_that_left_gets_nothing() {
        let (mut apps, recorders) = apps(&[&["invite"]]);
        apps.remove(AppId(1));
        assert_eq!(apps.dispatch(new_request("INVITE")), rejection(503, None));
        let app = Some(AppId(1));
        assert_eq!(apps.dispatch(event(app, "BYE sip:a@b SIP/2.0")), None);
        assert_eq!(recorders[0].told(), 0);
    }

    #[test]
    fn a_route_too_many_is_refused() {
        let verbs: Vec<String> = (0..MAX_ROUTES).map(|n| format!("verb{n}")).collect();
        let verbs: Vec<&str> = verbs.iter().map(String::as_str).collect();
        let (mut apps, recorders) = apps(&[&verbs]);
        apps.route(AppId(1), CommandId(9), "one-more");
        let record = recorders[0].0.lock().unwrap();
        assert!(matches!(
            record.news.as_slice(),
            [News::Reply {
                command: CommandId(9),
                reply: Reply::Refused(Refusal::LimitReached("routes", MAX_ROUTES)),
            }]
        ));
    }

    #[test]
    fn all_are_told_of_the_end() {
        let (mut apps, recorders) = apps(&[&[], &[]]);
        apps.end(Some("broken"));
        for recorder in recorders {
            let end = recorder.0.lock().unwrap().end.clone();
            assert_eq!(end, Some(Some("broken".to_owned())));
        }
    }
}
