//! An engine that was started, as the JavaScript thread holds it.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use napi::Result;

use super::bell::{Bell, Resident};
use super::mailbox::{Ended, Mailbox, Postbox, Reload};
use super::settings::Start;
use super::values::{Deferred, Js, Value};
use crate::apps::Profile;
use crate::driver::{Census, Handle, Settings, StartError, Submission};
use crate::engine::{AppId, Listener};
use crate::transport::TlsSettings;

/// A started engine: its thread until it has ended, and who waits for what.
pub(super) struct Running {
    handle: RefCell<Option<Handle>>,
    app: AppId,
    mailbox: Arc<Mailbox>,
    bell: OnceCell<Bell<Running>>,
    /// Settled when the sockets are bound.
    starting: RefCell<Option<Deferred>>,
    /// Settled when new settings of TLS are in force, or refused.
    reloading: RefCell<HashMap<u32, Deferred>>,
    next_reload: Cell<u32>,
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
        starting: Deferred,
    ) -> Result<Rc<Running>> {
        let mailbox = Arc::new(Mailbox::default());
        let handle = Handle::default();
        let profile = Profile {
            verbs: start.routes,
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
            reloading: RefCell::default(),
            next_reload: Cell::new(0),
            closing: RefCell::default(),
            ended: RefCell::default(),
        });
        let bell = Bell::hang(js, wake, &running)?;
        let ringer = bell.ringer();
        mailbox.set_bell(Some(Arc::new(move || ringer.ring())));
        // Empty until now, so this can't fail.
        let _ = running.bell.set(bell);
        running.start_thread(start.settings);
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
        let number = self.next_reload.get();
        self.next_reload.set(number.wrapping_add(1));
        self.reloading.borrow_mut().insert(number, reloading);
        let mailbox = self.mailbox.clone();
        if let Some(handle) = &*self.handle.borrow() {
            handle.reload_tls(settings, move |outcome| mailbox.add_reload(number, outcome));
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

    fn start_thread(&self, settings: Settings) {
        let mailbox = self.mailbox.clone();
        let started = move |outcome| mailbox.set_started(outcome);
        let outcome = match &mut *self.handle.borrow_mut() {
            Some(handle) => handle.start(settings, started),
            None => return,
        };
        if let Err(error) = outcome {
            self.mailbox.set_started(Err(error));
            self.mailbox.set_ended(None);
        }
    }

    fn settle_start(&self, js: Js, outcome: std::result::Result<Vec<Listener>, StartError>) {
        let Some(starting) = self.starting.take() else {
            return;
        };
        let settled = match outcome {
            Ok(listeners) => write_hostports(js, &listeners)
                .and_then(|hostports| js.resolve(starting, hostports)),
            Err(error) => js
                .error(error.code(), &error.to_string())
                .and_then(|error| js.reject(starting, error)),
        };
        report(settled);
    }

    fn settle_reload(&self, js: Js, (number, outcome): Reload) {
        let Some(reloading) = self.reloading.borrow_mut().remove(&number) else {
            return;
        };
        report(match outcome {
            Ok(()) => js
                .undefined()
                .and_then(|value| js.resolve(reloading, value)),
            Err(error) => js
                .error(error.code(), &error.to_string())
                .and_then(|error| js.reject(reloading, error)),
        });
    }

    fn finish(&self, js: Js, ended: &Ended) {
        // Its last act was to ring.
        self.handle.take();
        self.ended.replace(Some(ended.clone()));
        let reloading = self.reloading.take().into_values();
        for waiting in self.starting.take().into_iter().chain(reloading) {
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
        for reload in notices.reloads {
            self.settle_reload(js, reload);
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
        self.mailbox.set_bell(None);
        if let Some(bell) = self.bell.get() {
            bell.remove_in_cleanup();
        }
    }
}

fn write_hostports(js: Js, listeners: &[Listener]) -> Result<Value> {
    let array = js.array(listeners.len())?;
    for (index, listener) in (0..).zip(listeners) {
        let hostport = format!("{}/{}", listener.transport, listener.local);
        js.set(array, index, js.utf8(&hostport)?)?;
    }
    let object = js.object()?;
    js.set_named(object, c"hostports", array)?;
    Ok(object)
}

/// A call into JavaScript fails when the environment is closing, which is nobody's trouble.
fn report(outcome: Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "a call into JavaScript failed");
    }
}
