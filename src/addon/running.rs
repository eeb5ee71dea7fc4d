//! An engine that was started, as the JavaScript thread holds it.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Result;

use super::bell::{Bell, Resident};
use super::frame::Batch;
use super::mailbox::{Ended, Mailbox, Postbox, Report};
use super::settings::Start;
use super::values::{Deferred, Js, Value};
use crate::apps::Profile;
use crate::driver::{Census, Entrance, Handle, Settings, StartError, Submission};
use crate::engine::{AppId, CommandId, Listener, Screening, TransactionId};
use crate::observe::{render, LogLevel};
use crate::server::{AppServer, Bound, Errand, Failure, Place, Proof};
use crate::transport::TlsSettings;

/// A started engine: its thread until it has ended, and who waits for what.
pub(super) struct Running {
    handle: RefCell<Option<Handle>>,
    app: AppId,
    mailbox: Arc<Mailbox>,
    bell: OnceCell<Bell<Running>>,
    /// Settled when the sockets are bound.
    starting: RefCell<Option<Deferred>>,
    /// Settled when the engine has answered.
    awaited: RefCell<HashMap<u32, Deferred>>,
    /// The server of other applications, if there is to be one, from when the sockets are bound.
    server: Arc<Mutex<Option<AppServer>>>,
    next_awaited: Cell<u32>,
    /// Settled when the thread has ended.
    closing: RefCell<Vec<Deferred>>,
    ended: RefCell<Option<Ended>>,
}

impl Running {
    /// Starts the engine. `wake` is called when events wait, `starting` is settled when the
    /// sockets are bound or can't be.
    pub(super) fn start(
        js: Js,
        wake: Value,
        start: Start,
        bound: Option<Bound>,
        starting: Deferred,
    ) -> Result<Rc<Running>> {
        let mailbox = Arc::new(Mailbox::default());
        let handle = Handle::default();
        let profile = Profile {
            verbs: start.routes,
            directs: bound.is_some(),
            ..Profile::default()
        };
        let outlet = Box::new(Postbox::new(mailbox.clone()));
        let app = handle.entrance().attach(outlet, profile);
        let running = Rc::new(Running {
            handle: RefCell::new(Some(handle)),
            app,
            mailbox: mailbox.clone(),
            bell: OnceCell::new(),
            starting: RefCell::new(Some(starting)),
            awaited: RefCell::default(),
            server: Arc::default(),
            next_awaited: Cell::new(0),
            closing: RefCell::default(),
            ended: RefCell::default(),
        });
        let bell = Bell::hang(js, wake, &running)?;
        let ringer = bell.ringer();
        mailbox.set_bell(Some(Arc::new(move || ringer.ring())));
        // Empty until now, so this can't fail.
        let _ = running.bell.set(bell);
        running.start_thread(start.settings, bound);
        Ok(running)
    }

    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    pub(super) fn submit(&self, batch: Vec<Submission>) {
        if let Some(handle) = &*self.handle.borrow() {
            handle.entrance().submit(self.app, batch);
        }
    }

    /// Gives the engine new settings of TLS, and settles the promise when they are in force.
    pub(super) fn reload_tls(&self, settings: TlsSettings, reloading: Deferred) {
        let number = self.await_report(reloading);
        let mailbox = self.mailbox.clone();
        if let Some(handle) = &*self.handle.borrow() {
            handle.reload_tls(settings, move |outcome| {
                mailbox.add_report(number, outcome.map(|()| String::new()));
            });
        }
    }

    /// Has the promise settled by the report of this number.
    fn await_report(&self, awaited: Deferred) -> u32 {
        let number = self.next_awaited.get();
        self.next_awaited.set(number.wrapping_add(1));
        self.awaited.borrow_mut().insert(number, awaited);
        number
    }

    /// Settles the promise with the numbers of the engine, as Prometheus reads them.
    pub(super) fn metrics(&self, awaited: Deferred) {
        let number = self.await_report(awaited);
        let mailbox = self.mailbox.clone();
        if let Some(handle) = &*self.handle.borrow() {
            // To the engine the JavaScript beside a server is one of them, to an operator it is not.
            let connected = self.with_server(|server| server.census().applications);
            handle.snapshot(move |mut snapshot| {
                snapshot.applications = connected.unwrap_or(snapshot.applications);
                mailbox.add_report(number, Ok(render(&snapshot)));
            });
        }
    }

    /// Logs a line.
    pub(super) fn log(&self, level: LogLevel, text: String) {
        if let Some(handle) = &*self.handle.borrow() {
            handle.log(level, text);
        }
    }

    /// What is logged from now on.
    pub(super) fn set_log_level(&self, level: LogLevel) {
        if let Some(handle) = &*self.handle.borrow() {
            handle.set_log_level(level);
        }
    }

    /// Turns away other requests from now on.
    pub(super) fn set_screening(&self, screening: Screening) {
        if let Some(handle) = &*self.handle.borrow() {
            handle.set_screening(screening);
        }
    }

    /// Why nothing can be asked of the engine any more; `None` while it runs.
    pub(super) fn end(&self) -> Option<Ended> {
        self.ended.borrow().clone()
    }

    /// Asks the engine to end, and settles the promise when it has.
    pub(super) fn close(&self, closing: Deferred) {
        self.closing.borrow_mut().push(closing);
        if let Some(handle) = &*self.handle.borrow() {
            handle.close();
        }
    }

    /// The sizes of the engine's tables after its last turn.
    pub(super) fn census(&self) -> Census {
        let census = self.handle.borrow().as_ref().map(Handle::census);
        Census {
            // Those that have left the engine as well.
            backlog: self.mailbox.waiting(),
            ..census.unwrap_or_default()
        }
    }

    fn start_thread(&self, settings: Settings, bound: Option<Bound>) {
        let outcome = match &mut *self.handle.borrow_mut() {
            Some(handle) => {
                let mailbox = self.mailbox.clone();
                let serving = bound.map(|bound| self.serving(handle.entrance().clone(), bound));
                handle.start(settings, move |outcome| {
                    let outcome = outcome.and_then(|listeners| {
                        serving.map_or(Ok(()), |serve| serve(&listeners))?;
                        Ok(listeners)
                    });
                    mailbox.set_started(outcome);
                })
            }
            None => return,
        };
        if let Err(error) = outcome {
            self.mailbox.set_started(Err(error));
            self.mailbox.set_ended(None);
        }
    }

    /// What begins to accept other applications once the engine has its listeners.
    fn serving(
        &self,
        entrance: Entrance,
        bound: Bound,
    ) -> impl FnOnce(&[Listener]) -> std::result::Result<(), StartError> {
        let (server, mailbox) = (self.server.clone(), self.mailbox.clone());
        move |listeners| {
            let report = Box::new(move |command: CommandId, failure: &Failure| {
                let mut batch = Batch::default();
                batch.push_refusal(command.0, failure.code(), &failure.to_string());
                mailbox.post(&mut batch);
            });
            let started = AppServer::start(bound, entrance, listeners, report);
            *lock(&server) = Some(started.map_err(StartError::Thread)?);
            Ok(())
        }
    }

    fn admin_hostports(&self) -> Vec<String> {
        let addresses = self.with_server(|server| server.addresses().to_vec());
        addresses.unwrap_or_default()
    }

    fn settle_start(&self, js: Js, outcome: std::result::Result<Vec<Listener>, StartError>) {
        let Some(starting) = self.starting.take() else {
            return;
        };
        let settled = match outcome {
            Ok(listeners) => write_started(js, &listeners, &self.admin_hostports())
                .and_then(|hostports| js.resolve(starting, hostports)),
            Err(error) => js
                .error(error.code(), &error.to_string())
                .and_then(|error| js.reject(starting, error)),
        };
        report(settled);
    }

    /// Brings a request to the application at a place; the outcome is an event with this id.
    pub(super) fn bring(
        &self,
        command: CommandId,
        transaction: TransactionId,
        place: Place,
        proof: Proof,
    ) {
        if let Some(server) = &*lock(&self.server) {
            server.run(Errand {
                director: self.app,
                command,
                transaction,
                place,
                proof,
            });
        }
    }

    /// Takes no new requests from the network any more.
    pub(super) fn drain(&self) {
        if let Some(handle) = &*self.handle.borrow() {
            handle.drain();
        }
    }

    /// Does something with the server of applications, if there is one.
    pub(super) fn with_server<T>(&self, act: impl FnOnce(&AppServer) -> T) -> Option<T> {
        lock(&self.server).as_ref().map(act)
    }

    fn settle_report(&self, js: Js, (number, outcome): Report) {
        let Some(awaited) = self.awaited.borrow_mut().remove(&number) else {
            return;
        };
        report(match outcome {
            Ok(text) if text.is_empty() => {
                js.undefined().and_then(|value| js.resolve(awaited, value))
            }
            Ok(text) => js.utf8(&text).and_then(|value| js.resolve(awaited, value)),
            Err(error) => js
                .error(error.code(), &error.to_string())
                .and_then(|error| js.reject(awaited, error)),
        });
    }

    fn finish(&self, js: Js, ended: &Ended) {
        // Its last act was to ring.
        self.handle.take();
        lock(&self.server).take();
        self.ended.replace(Some(ended.clone()));
        let awaited = self.awaited.take().into_values();
        for waiting in self.starting.take().into_iter().chain(awaited) {
            let error = js.error(ended.code(), &ended.text());
            report(error.and_then(|error| js.reject(waiting, error)));
        }
        for closing in self.closing.take() {
            report(js.undefined().and_then(|value| js.resolve(closing, value)));
        }
        self.mailbox.set_bell(None);
        if let Some(bell) = self.bell.get() {
            bell.remove();
        }
    }
}

impl Resident for Running {
    fn answer_bell(&self, js: Js, wake: Value) {
        let notices = self.mailbox.answer_bell();
        if let Some(outcome) = notices.started {
            self.settle_start(js, outcome);
        }
        for report in notices.reports {
            self.settle_report(js, report);
        }
        if let Some(ended) = &notices.ended {
            self.finish(js, ended);
        }
        let has_failed = notices.ended.is_some_and(|ended| ended.failure.is_some());
        if notices.has_events || has_failed {
            report(js.call(wake));
        }
    }

    fn leave(&self) {
        self.handle.take();
        lock(&self.server).take();
        self.mailbox.set_bell(None);
        if let Some(bell) = self.bell.get() {
            bell.remove_in_cleanup();
        }
    }
}

/// `{hostports, adminHostports}`: where SIP is listened for, and where applications connect.
fn write_started(js: Js, listeners: &[Listener], admin: &[String]) -> Result<Value> {
    let hostport = |listener: &Listener| format!("{}/{}", listener.transport, listener.local);
    let hostports: Vec<String> = listeners.iter().map(hostport).collect();
    let object = js.object()?;
    js.set_named(object, c"hostports", write_texts(js, &hostports)?)?;
    js.set_named(object, c"adminHostports", write_texts(js, admin)?)?;
    Ok(object)
}

fn write_texts(js: Js, texts: &[String]) -> Result<Value> {
    let texts: Result<Vec<Value>> = texts.iter().map(|text| js.utf8(text)).collect();
    js.array_of(&texts?)
}

fn lock(server: &Mutex<Option<AppServer>>) -> MutexGuard<'_, Option<AppServer>> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call into JavaScript fails when the environment is closing, which is nobody's trouble.
fn report(outcome: Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "a call into JavaScript failed");
    }
}
