//! One thread per engine, which joins the engine, the sockets and the applications.
//!
//! A [`Handle`] starts the thread and gives it orders; every application has an
//! [`Outlet`](crate::apps::Outlet) on which it is told what happens. Nothing here knows N-API, so
//! tests, benchmarks and other front ends drive an engine in the same way as the addon.
//!
//! | file | what it is |
//! |---|---|
//! | `turn.rs` | the loop: wait, let the engine work, hand out what it made |
//! | `waiting.rs` | what has come and waits to be worked on, and when that takes too long |
//! | `pace.rs` | how often the thread is woken under load |
//! | `simulated.rs` | an engine without a thread, sockets and a clock, for tests of applications |

mod pace;
mod simulated;
mod turn;
mod waiting;

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use thiserror::Error;
use tokio::runtime;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};

use crate::apps::{Apps, OptionsAnswer, Outlet, Profile};
pub use crate::apps::{Request, Submission};
use crate::dns::{DnsSettings, Resolver, LOOKUPS_AT_ONCE};
use crate::engine::{self, AppId, Legacy, Listener, Screening};
use crate::observe::{LogLevel, Observe, ObserveError, Observer, Snapshot};
use crate::transport::{Contact, Limits, OpenError, TlsContext, TlsError, TlsSettings, Transports};
pub(crate) use pace::Pace;
pub use simulated::Simulated;
use turn::Driver;

/// How long the closing of an engine waits for what is queued on its connections.
pub const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// What an engine is made of.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where to listen. At least one is needed.
    pub contacts: Vec<Contact>,
    /// What connections may hold and how long they may wait.
    pub limits: Limits,
    /// Certificates, and whom to trust.
    pub tls: TlsSettings,
    /// The web sites whose pages may open a WebSocket. `None`: any.
    pub web_origins: Option<Vec<String>>,
    /// What the engine is told, but for its listeners: they are known when the contacts are bound.
    pub engine: engine::Config,
    /// Whom to ask for the addresses of names.
    pub dns: DnsSettings,
    /// Which OPTIONS are answered without asking an application.
    pub options_answer: OptionsAnswer,
    /// What is shown of the engine at work.
    pub observe: Observe,
}

/// How many entries the tables of an engine hold. All zero when nothing is going on, but for
/// `connections`: idle ones stay open. What is counted up stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// The tables of the SIP engine.
    pub engine: engine::Census,
    /// Stream connections, open and opening.
    pub connections: usize,
    /// Pieces of news that applications have not taken.
    pub backlog: usize,
    /// What has happened since the engine was started.
    pub counters: engine::Counters,
}

/// Reads both clocks of the system, for those who may not look at one.
pub fn clocks() -> (Instant, SystemTime) {
    (Instant::now(), SystemTime::now())
}

/// An engine could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// It can't listen where it should.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What is to be shown of it can't be written.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// The system has no thread or no event queue for it.
    #[error("cannot start the engine's thread: {0}")]
    Thread(#[source] io::Error),
    /// An engine starts once.
    #[error("the engine was started before")]
    StartedBefore,
}

impl StartError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            StartError::Open(error) => error.code(),
            StartError::Observe(_) => "DRT_ERR_OBSERVE",
            StartError::Thread(_) => "DRT_ERR_THREAD",
            StartError::StartedBefore => "DRT_ERR_STARTED_BEFORE",
        }
    }
}

/// An engine: at first without a thread, so that applications can be connected before the first
/// message arrives. Dropping it closes the engine and waits for its thread.
#[derive(Debug)]
pub struct Handle {
    entrance: Entrance,
    /// The other end, until the thread has it.
    inbox: Option<UnboundedReceiver<Order>>,
    census: Arc<Mutex<Census>>,
    reloads: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

/// Where applications come in. May be cloned and used on any thread; does not keep the engine
/// running. After the end of the engine, nothing happens.
#[derive(Debug, Clone)]
pub struct Entrance {
    orders: UnboundedSender<Order>,
    next_app: Arc<AtomicU32>,
}

/// What the thread is asked to do.
enum Order {
    Attach(AppId, Box<dyn Outlet>, Profile),
    Detach(AppId, Legacy),
    Adopt(AppId, AppId),
    Submit(AppId, Vec<Submission>),
    Drain,
    SetTls(
        u64,
        Box<TlsContext>,
        Box<dyn FnOnce(Result<(), TlsError>) + Send>,
    ),
    Screen(Screening),
    Snapshot(Box<dyn FnOnce(Snapshot) + Send>),
    Log(LogLevel, String),
    SetLogLevel(LogLevel),
    Close,
}

impl Default for Handle {
    fn default() -> Handle {
        let (orders, inbox) = unbounded_channel();
        Handle {
            entrance: Entrance {
                orders,
                next_app: Arc::new(AtomicU32::new(1)),
            },
            inbox: Some(inbox),
            census: Arc::default(),
            reloads: AtomicU64::new(0),
            thread: None,
        }
    }
}

impl Handle {
    /// Starts the engine's thread. `started` is called on it, once, with the bound addresses or
    /// why they could not be bound; in the latter case the thread ends.
    ///
    /// # Errors
    /// The engine was started before, or the system refuses a thread.
    pub fn start(
        &mut self,
        settings: Settings,
        started: impl FnOnce(Result<Vec<Listener>, StartError>) + Send + 'static,
    ) -> Result<(), StartError> {
        let inbox = self.inbox.take().ok_or(StartError::StartedBefore)?;
        let census = self.census.clone();
        let thread = std::thread::Builder::new()
            .name("drachtio".to_owned())
            .spawn(move || thread_main(settings, started, inbox, &census))
            .map_err(StartError::Thread)?;
        self.thread = Some(thread);
        Ok(())
    }

    /// Where applications come in.
    pub fn entrance(&self) -> &Entrance {
        &self.entrance
    }

    /// From now on new requests outside every dialog are rejected with 503; calls go on.
    pub fn drain(&self) {
        self.entrance.order(Order::Drain);
    }

    /// Reads the settings, on a thread of its own, and has connections that begin later do TLS in
    /// this way; those that there are go on as they are. Settings that can't be used change
    /// nothing. `done` is called once, with the outcome, unless the engine ends before; of several
    /// reloads under way the one that was asked for last counts.
    pub fn reload_tls(
        &self,
        settings: TlsSettings,
        done: impl FnOnce(Result<(), TlsError>) + Send + 'static,
    ) {
        let entrance = self.entrance.clone();
        let number = self.reloads.fetch_add(1, Ordering::Relaxed) + 1;
        std::thread::spawn(move || match TlsContext::new(&settings) {
            Err(error) => done(Err(error)),
            Ok(context) => {
                entrance.order(Order::SetTls(number, Box::new(context), Box::new(done)));
            }
        });
    }

    /// Turns away other requests from now on, in the place of those that were turned away before.
    pub fn set_screening(&self, screening: Screening) {
        self.entrance.order(Order::Screen(screening));
    }

    /// Takes the numbers of the engine. `done` is called on its thread, unless it ends before.
    pub fn snapshot(&self, done: impl FnOnce(Snapshot) + Send + 'static) {
        self.entrance.order(Order::Snapshot(Box::new(done)));
    }

    /// Puts a line into the log of the engine, if it has one.
    pub fn log(&self, level: LogLevel, text: String) {
        self.entrance.order(Order::Log(level, text));
    }

    /// What is logged from now on.
    pub fn set_log_level(&self, level: LogLevel) {
        self.entrance.order(Order::SetLogLevel(level));
    }

    /// The sizes of all tables after the engine's last turn.
    pub fn census(&self) -> Census {
        *self.census.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the engine to carry out what was submitted, give every pending request its final
    /// response, close its sockets and end. Does not wait.
    pub fn close(&self) {
        self.entrance.order(Order::Close);
    }

    /// Closes the engine and waits for its thread, which takes [`FLUSH_TIMEOUT`] and a little
    /// more at worst.
    pub fn join(&mut self) {
        self.close();
        if let Some(thread) = self.thread.take() {
            // Its panics are caught inside.
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.join();
    }
}

impl Entrance {
    /// Connects an application. Its outlet is told when the engine ends, whatever happens.
    pub fn attach(&self, outlet: Box<dyn Outlet>, profile: Profile) -> AppId {
        let app = AppId(self.next_app.fetch_add(1, Ordering::Relaxed));
        if let Err(unsent) = self.orders.send(Order::Attach(app, outlet, profile)) {
            if let Order::Attach(_, mut outlet, _) = unsent.0 {
                outlet.end(None);
            }
        }
        app
    }

    /// Disconnects an application: what it owns is ended but for its legacy, and its outlet is
    /// dropped. What is left is ended by calling this again.
    pub fn detach(&self, app: AppId, legacy: Legacy) {
        self.order(Order::Detach(app, legacy));
    }

    /// Gives to an application what one that was detached has left.
    pub fn adopt(&self, from: AppId, heir: AppId) {
        self.order(Order::Adopt(from, heir));
    }

    /// Asks for things, in this order. Never waits.
    pub fn submit(&self, app: AppId, batch: Vec<Submission>) {
        self.order(Order::Submit(app, batch));
    }

    fn order(&self, order: Order) {
        // Fails when the engine has ended.
        let _ = self.orders.send(order);
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Order::Attach(..) => "Attach",
            Order::Detach(..) => "Detach",
            Order::Adopt(..) => "Adopt",
            Order::Submit(..) => "Submit",
            Order::Drain => "Drain",
            Order::SetTls(..) => "SetTls",
            Order::Screen(_) => "Screen",
            Order::Snapshot(_) => "Snapshot",
            Order::Log(..) => "Log",
            Order::SetLogLevel(_) => "SetLogLevel",
            Order::Close => "Close",
        })
    }
}

fn thread_main(
    settings: Settings,
    started: impl FnOnce(Result<Vec<Listener>, StartError>),
    mut inbox: UnboundedReceiver<Order>,
    census: &Mutex<Census>,
) {
    let mut apps = Apps::new(settings.options_answer.clone());
    let prepared = runtime()
        .map_err(StartError::Thread)
        .and_then(|runtime| Ok((runtime, Observer::start(&settings.observe)?)));
    let failure = match prepared {
        Ok((runtime, mut observer)) => {
            let _listening = observer.listen();
            let operation = operate(
                settings,
                started,
                &mut inbox,
                &mut apps,
                census,
                &mut observer,
            );
            let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(operation)));
            // A look-up may hang in the system for long; nobody waits for it.
            runtime.shutdown_background();
            outcome.err().map(|panic| describe(panic.as_ref()))
        }
        Err(error) => {
            started(Err(error));
            None
        }
    };
    let failure = failure.as_deref();
    inbox.close();
    while let Ok(order) = inbox.try_recv() {
        if let Order::Attach(_, mut outlet, _) = order {
            outlet.end(failure);
        }
    }
    *census.lock().unwrap_or_else(PoisonError::into_inner) = Census::default();
    apps.end(failure);
}

async fn operate(
    settings: Settings,
    started: impl FnOnce(Result<Vec<Listener>, StartError>),
    inbox: &mut UnboundedReceiver<Order>,
    apps: &mut Apps,
    census: &Mutex<Census>,
    observer: &mut Observer,
) {
    let mut transports = match Transports::open(&settings.contacts, settings.limits, &settings.tls)
    {
        Ok(transports) => transports,
        Err(error) => return started(Err(error.into())),
    };
    if let Some(origins) = settings.web_origins {
        transports.admit_origins(origins);
    }
    let listeners = transports.listeners().to_vec();
    let config = engine::Config {
        listeners: listeners.clone(),
        ..settings.engine
    };
    for Listener {
        transport, local, ..
    } in &listeners
    {
        tracing::info!("listening on {transport}/{local}");
    }
    let resolver = Resolver::new(&settings.dns, &listeners);
    started(Ok(listeners));
    Driver::new(config, transports, resolver, inbox, apps, census, observer)
        .run()
        .await;
}

fn runtime() -> io::Result<runtime::Runtime> {
    runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(LOOKUPS_AT_ONCE)
        .build()
}

fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("the engine has failed: {text}")
}
