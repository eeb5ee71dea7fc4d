//! An engine without a thread, sockets and a clock: whoever has it passes in the time and what
//! comes, and takes out what is to be sent. So the tests of an application play hours in
//! milliseconds, on a network of their own.

use std::time::{Instant, SystemTime};

use super::{Census, Settings, Submission};
use crate::apps::{Apps, Exchange, Outlet, Profile};
use crate::engine::limits::TableLimits;
use crate::engine::{self, AppId, Engine, Legacy, Listener};
use crate::observe::{Snapshot, Traffic};

/// The application.
const APP: AppId = AppId(1);

/// An engine with one application.
pub struct Simulated {
    engine: Engine,
    apps: Apps,
    started: SystemTime,
    limits: TableLimits,
}

impl Simulated {
    /// An engine on these listeners, whatever the contacts of the settings. The same seed makes
    /// the same tags, branches and ids.
    pub fn new(
        settings: Settings,
        listeners: Vec<Listener>,
        seed: [u8; 32],
        started: SystemTime,
    ) -> Simulated {
        let config = engine::Config {
            listeners,
            ..settings.engine
        };
        Simulated {
            started,
            limits: config.limits,
            engine: Engine::new(config, seed),
            apps: Apps::new(settings.options_answer),
        }
    }

    /// Connects the application.
    pub fn attach(&mut self, outlet: Box<dyn Outlet>, profile: Profile) {
        self.apps.add(APP, outlet, profile);
        self.heed_record_routes();
    }

    /// Lets something happen to the engine, and tells the application what comes of it.
    pub fn happen<T>(&mut self, now: Instant, happening: impl FnOnce(&mut Engine) -> T) -> T {
        let outcome = happening(&mut self.engine);
        self.exchange().tell(now, |_| {});
        self.apps.flush();
        outcome
    }

    /// Rejects new requests from now on.
    pub fn drain(&mut self) {
        self.apps.drain();
    }

    /// Does what the application asks for, in this order.
    pub fn submit(&mut self, now: Instant, batch: Vec<Submission>) {
        for submission in batch {
            if self.exchange().carry_out(now, APP, submission) {
                self.heed_record_routes();
            }
            self.exchange().tell(now, |_| {});
        }
        self.apps.flush();
    }

    /// The engine, for what the application is not told of: what is to be sent, looked up and closed.
    pub fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// When [`Engine::handle_timeout`] must happen, unless something else does before.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.engine.poll_timeout()
    }

    /// Gives every pending request its final response and ends the calls.
    pub fn close(&mut self, now: Instant) {
        self.happen(now, |engine| {
            engine.handle_app_gone(now, APP, Legacy::default());
        });
    }

    /// The sizes of the tables, with as many connections as whoever makes them counts.
    pub fn census(&self, connections: usize) -> Census {
        Census {
            engine: self.engine.census(),
            connections,
            backlog: self.apps.backlog(),
            counters: self.engine.counters(),
        }
    }

    /// The numbers of the engine. Messages are not counted.
    pub fn snapshot(&self, connections: usize) -> Snapshot {
        Snapshot {
            started: self.started,
            census: self.engine.census(),
            limits: self.limits,
            counters: self.engine.counters(),
            latencies: self.engine.latencies().clone(),
            traffic: Traffic::default(),
            stable_dialogs: self.engine.confirmed_dialogs(),
            connections,
            applications: self.apps.ids().count(),
            backlog: self.apps.backlog(),
            unsent: 0,
            closed: 0,
            unwritten: 0,
        }
    }

    fn exchange(&mut self) -> Exchange<'_> {
        Exchange {
            engine: &mut self.engine,
            apps: &mut self.apps,
        }
    }

    fn heed_record_routes(&mut self) {
        let wanted = self.apps.wants_records();
        self.engine.make_records(wanted);
    }
}
