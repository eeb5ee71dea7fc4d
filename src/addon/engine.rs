//! The class `Engine` that JavaScript sees.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use bytes::Bytes;
use napi::bindgen_prelude::{Function, FunctionRef, JsValue, Object, Unknown};
use napi::Env;
use napi_derive::napi;

use super::frame::{header_names as names, Batch};
use super::mailbox::Ended;
use super::request::{read_connect, read_request, CONNECT};
use super::running::Running;
use super::settings::{
    read_new_secrets, read_screening_settings, read_start, read_tls_settings, Start,
};
use super::values::{Js, Value};
use crate::driver::{Census, StartError, Submission};
use crate::engine::{CommandId, Counters, TransactionId};
use crate::observe::{LogLevel, NotALevel};
use crate::server::{self, AppServer, Bound, Place, Proof, ServeError};
use crate::transport::check_tls;

/// Errors whose `code` is a text of ours.
pub(super) type Result<T> = std::result::Result<T, napi::Error<String>>;

/// Entries of a batch per command and per event.
pub(super) const STRIDE: u32 = 4;

/// The canonical name of every header; the position is the number used in frames.
#[napi(catch_unwind)]
pub fn header_names() -> Vec<&'static str> {
    names().collect()
}

/// Checks the options of `Engine.start` without starting anything: URIs, addresses, certificates.
#[napi(catch_unwind)]
pub fn check_options(options: Unknown<'_>) -> Result<()> {
    let start = read_start(options).map_err(|error| coded(error.code(), error.to_string()))?;
    check_tls(&start.settings.contacts, &start.settings.tls)
        .map_err(|error| coded(error.code(), error.to_string()))
}

/// A SIP engine on a thread of its own, with one application: the JavaScript that made it.
#[napi]
pub struct Engine {
    wake: FunctionRef<(), ()>,
    phase: RefCell<Phase>,
    /// Kept for its memory.
    text: RefCell<Vec<u8>>,
}

enum Phase {
    New,
    /// Started, and perhaps ended since.
    Started(Rc<Running>),
    /// Closed before it was started.
    Unused,
}

// Everything is used on the JavaScript thread only, and a panic leaves at most a batch half done.
impl UnwindSafe for Engine {}
impl RefUnwindSafe for Engine {}

#[napi]
impl Engine {
    /// `wake` is called when events are waiting: once, and not again until `take` has given none.
    #[napi(constructor, catch_unwind)]
    pub fn new(wake: Function<'_, (), ()>) -> napi::Result<Engine> {
        Ok(Engine {
            wake: wake.create_ref()?,
            phase: RefCell::new(Phase::New),
            text: RefCell::default(),
        })
    }

    /// Binds the contacts. The options are `{contacts, routes, engine}`: where to listen, the
    /// methods whose new requests are wanted from the beginning, and the options that
    /// `lib/engine_options.js` describes. With `server` there is a server of other applications, and
    /// this one directs the requests of its methods. The promise has
    /// `{hostports: ['udp/127.0.0.1:5060', ...], adminHostports: ['tcp/127.0.0.1:9022', ...]}`, or an
    /// error with a code: `DRT_ERR_INVALID_CONTACT`, `EADDRINUSE` and so on. The event loop goes on until
    /// the engine has ended.
    #[napi(catch_unwind)]
    pub fn start<'env>(&self, env: &'env Env, options: Unknown<'_>) -> Result<Unknown<'env>> {
        let js = Js(env.raw());
        let (deferred, promise) = js.promise().map_err(internal)?;
        match self.read_start(options).and_then(bind_server) {
            Ok((start, bound)) => {
                let wake = self.wake.borrow_back(env).map_err(internal)?;
                let running = Running::start(js, wake.raw(), start, bound, deferred);
                *self.phase.borrow_mut() = Phase::Started(running.map_err(internal)?);
            }
            Err(error) => {
                let error = js.error(&error.status, &error.reason).map_err(internal)?;
                js.reject(deferred, error).map_err(internal)?;
            }
        }
        Ok(unknown(env, promise))
    }

    /// Gives commands to the engine, in this order: four entries each, kind, id, head and text.
    /// Each is answered by an event with its id.
    #[napi(catch_unwind)]
    pub fn submit(&self, env: &Env, batch: Object<'_>) -> Result<()> {
        let running = self.running()?;
        check_alive(&running)?;
        let mut refusals = Batch::default();
        let mut text = self.text.borrow_mut();
        let commands = read_commands(Js(env.raw()), batch.raw(), &mut text, &mut refusals)
            .map_err(internal)?;
        if !commands.submissions.is_empty() {
            running.submit(commands.submissions);
        }
        for (id, transaction, place, proof) in commands.errands {
            running.bring(id, transaction, place, proof);
        }
        running.mailbox().post(&mut refusals);
        Ok(())
    }

    /// The events that wait, up to 256 at a time: what `collect` makes of its arguments, which are four for
    /// each event, kind, id, frame and index. When an engine that has failed has none left, this throws the failure.
    #[napi(catch_unwind)]
    pub fn take<'env>(&self, env: &'env Env, collect: Unknown<'_>) -> Result<Unknown<'env>> {
        let js = Js(env.raw());
        let Ok(running) = self.running() else {
            let nothing = js.array(0).map_err(internal)?;
            return Ok(unknown(env, nothing));
        };
        let batches = running.mailbox().take();
        if batches.is_empty() && running.end().is_some_and(|end| end.failure.is_some()) {
            check_alive(&running)?;
        }
        let entries = event_entries(js, &batches).map_err(internal)?;
        let events = js.apply(collect.raw(), &entries).map_err(internal)?;
        running.mailbox().recycle(batches);
        Ok(unknown(env, events))
    }

    /// Gives the engine new settings of TLS, as in the options of `start`; files are read again.
    /// The promise is resolved when connections that begin from then on use them, or rejected
    /// with a code, and then nothing has changed.
    #[napi(catch_unwind)]
    pub fn reload_tls<'env>(&self, env: &'env Env, options: Unknown<'_>) -> Result<Unknown<'env>> {
        let running = self.running()?;
        check_alive(&running)?;
        let js = Js(env.raw());
        let (deferred, promise) = js.promise().map_err(internal)?;
        match read_tls_settings(options) {
            Ok(settings) => running.reload_tls(settings, deferred),
            Err(error) => {
                let error = js.error(error.code(), &error.to_string());
                js.reject(deferred, error.map_err(internal)?)
                    .map_err(internal)?;
            }
        }
        Ok(unknown(env, promise))
    }

    /// Rejects new requests from the network with 503 from now on; calls go on.
    #[napi(catch_unwind)]
    pub fn drain(&self) -> Result<()> {
        let running = self.running()?;
        check_alive(&running)?;
        running.drain();
        Ok(())
    }

    /// Applications that connect from now on must know one of these secrets.
    #[napi(catch_unwind)]
    pub fn set_secrets(&self, secrets: Unknown<'_>) -> Result<()> {
        let running = self.running()?;
        check_alive(&running)?;
        let secrets =
            read_new_secrets(secrets).map_err(|error| coded(error.code(), error.to_string()))?;
        let outcome = running.with_server(|server| server.set_secrets(&secrets));
        outcome
            .unwrap_or(Ok(()))
            .map_err(|error| serve_error(&error))
    }

    /// Connections of applications that begin from now on do TLS so: the options of `server.tls`.
    /// Files are read again.
    #[napi(catch_unwind)]
    pub fn set_server_tls(&self, options: Unknown<'_>) -> Result<()> {
        let running = self.running()?;
        check_alive(&running)?;
        let settings =
            read_tls_settings(options).map_err(|error| coded(error.code(), error.to_string()))?;
        let outcome = running.with_server(|server| server.set_tls(&settings));
        let outcome = outcome.unwrap_or(Ok(()));
        outcome.map_err(|error| coded(error.code(), error.to_string()))
    }

    /// How many applications are connected, `{applications, unauthenticated, departed}`.
    #[napi(catch_unwind)]
    pub fn applications<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let running = self.running()?;
        let census = running.with_server(AppServer::census).unwrap_or_default();
        let js = Js(env.raw());
        let object = write_applications(js, census).map_err(internal)?;
        Ok(unknown(env, object))
    }

    /// Turns away other requests from now on: the options of `engine.screening`, which stand in the
    /// place of those before.
    #[napi(catch_unwind)]
    pub fn set_screening(&self, options: Unknown<'_>) -> Result<()> {
        let running = self.running()?;
        check_alive(&running)?;
        let screening = read_screening_settings(options)
            .map_err(|error| coded(error.code(), error.to_string()))?;
        running.set_screening(screening);
        Ok(())
    }

    /// Logs a line: `notice`, `error`, `warning`, `info` or `debug`, and the text.
    #[napi(catch_unwind)]
    pub fn log(&self, level: String, text: String) -> Result<()> {
        self.running()?.log(log_level(&level)?, text);
        Ok(())
    }

    /// What is logged from now on, by the name of the least important level.
    #[napi(catch_unwind)]
    pub fn set_log_level(&self, level: String) -> Result<()> {
        self.running()?.set_log_level(log_level(&level)?);
        Ok(())
    }

    /// The numbers of the engine in the text format of Prometheus, as a promise.
    #[napi(catch_unwind)]
    pub fn metrics<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let running = self.running()?;
        check_alive(&running)?;
        let (deferred, promise) = Js(env.raw()).promise().map_err(internal)?;
        running.metrics(deferred);
        Ok(unknown(env, promise))
    }

    /// How many entries each table holds, after the engine's last turn.
    #[napi(catch_unwind)]
    pub fn census<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let js = Js(env.raw());
        let census = self.running().map(|running| running.census());
        let object = write_census(js, census.unwrap_or_default()).map_err(internal)?;
        Ok(unknown(env, object))
    }

    /// What has happened since the start.
    #[napi(catch_unwind)]
    pub fn counters<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let js = Js(env.raw());
        let census = self.running().map(|running| running.census());
        let object = write_counters(js, census.unwrap_or_default().counters).map_err(internal)?;
        Ok(unknown(env, object))
    }

    /// Carries out what was submitted, gives every pending request its final response, closes the
    /// sockets and ends the thread; then the promise is resolved. Events must be taken meanwhile.
    #[napi(catch_unwind)]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let js = Js(env.raw());
        let (deferred, promise) = js.promise().map_err(internal)?;
        let mut phase = self.phase.borrow_mut();
        match &*phase {
            Phase::Started(running) if running.end().is_none() => running.close(deferred),
            ended => {
                if matches!(ended, Phase::New) {
                    *phase = Phase::Unused;
                }
                let nothing = js.undefined().map_err(internal)?;
                js.resolve(deferred, nothing).map_err(internal)?;
            }
        }
        Ok(unknown(env, promise))
    }

    fn read_start(&self, options: Unknown<'_>) -> Result<Start> {
        if !matches!(*self.phase.borrow(), Phase::New) {
            return Err(start_error(&StartError::StartedBefore));
        }
        read_start(options).map_err(|error| coded(error.code(), error.to_string()))
    }

    fn running(&self) -> Result<Rc<Running>> {
        match &*self.phase.borrow() {
            Phase::Started(running) => Ok(running.clone()),
            Phase::New => Err(coded(
                "DRT_ERR_NOT_STARTED",
                "the engine has not been started".to_owned(),
            )),
            Phase::Unused => Err(stopped(&Ended { failure: None })),
        }
    }
}

/// Binds the sockets for other applications, if there may be any.
fn bind_server(mut start: Start) -> Result<(Start, Option<Bound>)> {
    let bound = start.server.take().map(Bound::bind).transpose();
    Ok((start, bound.map_err(|error| serve_error(&error))?))
}

/// What JavaScript asks for, of the engine and of the server of applications.
#[derive(Default)]
pub(super) struct Commands {
    pub(super) submissions: Vec<Submission>,
    pub(super) errands: Vec<(CommandId, TransactionId, Place, Proof)>,
}

/// Commands that can't be read are refused, and do no harm to the others.
pub(super) fn read_commands(
    js: Js,
    batch: Value,
    text: &mut Vec<u8>,
    refusals: &mut Batch,
) -> napi::Result<Commands> {
    let count = js.array_length(batch)? / STRIDE;
    let mut commands = Commands::default();
    for first in (0..count).map(|command| command * STRIDE) {
        let kind = js.to_number(js.get(batch, first)?)?;
        let id = js.to_number(js.get(batch, first + 1)?)?;
        js.read_text(js.get(batch, first + 3)?, text)?;
        let (command, body) = (CommandId(id), Bytes::copy_from_slice(text));
        js.read_text(js.get(batch, first + 2)?, text)?;
        // Node-API writes nothing else than UTF-8.
        let head = std::str::from_utf8(text).unwrap_or_default();
        let read = match kind {
            CONNECT => read_connect(head).map(|(transaction, place, proof)| {
                commands.errands.push((command, transaction, place, proof));
            }),
            _ => read_request(kind, head, body).map(|request| {
                let id = command;
                commands.submissions.push(Submission { id, request });
            }),
        };
        if let Err(fault) = read {
            refusals.push_refusal(id, fault.code(), &fault.to_string());
        }
    }
    Ok(commands)
}

fn write_applications(js: Js, census: server::Census) -> napi::Result<Value> {
    let object = js.object()?;
    for (name, count) in [
        (c"applications", census.applications),
        (c"unauthenticated", census.unauthenticated),
        (c"departed", census.departed),
    ] {
        let count = js.number(u32::try_from(count).unwrap_or(u32::MAX))?;
        js.set_named(object, name, count)?;
    }
    Ok(object)
}

/// The events as an array: four entries each, kind, id, frame and index.
pub(super) fn write_events(js: Js, batches: &[Batch]) -> napi::Result<Value> {
    js.array_of(&event_entries(js, batches)?)
}

fn event_entries(js: Js, batches: &[Batch]) -> napi::Result<Vec<Value>> {
    let count = batches.iter().map(Batch::len).sum::<usize>();
    let mut entries = Vec::with_capacity(count * STRIDE as usize);
    for frame in batches.iter().flat_map(Batch::frames) {
        entries.push(js.number(u32::from(frame.kind as u8))?);
        entries.push(js.number(frame.id)?);
        entries.push(js.latin1(frame.text)?);
        entries.push(js.utf16(frame.index)?);
    }
    Ok(entries)
}

pub(super) fn write_census(js: Js, census: Census) -> napi::Result<Value> {
    let engine = census.engine;
    let object = js.object()?;
    for (name, count) in [
        (c"serverTransactions", engine.server_transactions),
        (c"clientTransactions", engine.client_transactions),
        (c"openTransactions", engine.open_transactions),
        (c"dialogs", engine.dialogs),
        (c"proxies", engine.proxies),
        (c"queries", engine.queries),
        (c"failedTargets", engine.failed_targets),
        (c"challenges", engine.challenges),
        (c"registrations", engine.registrations),
        (c"timers", engine.timers),
        (c"connections", census.connections),
        (c"pendingEvents", census.backlog),
    ] {
        let count = js.number(u32::try_from(count).unwrap_or(u32::MAX))?;
        js.set_named(object, name, count)?;
    }
    Ok(object)
}

pub(super) fn write_counters(js: Js, counters: Counters) -> napi::Result<Value> {
    let lost = u64::try_from(counters.time_lost.as_millis()).unwrap_or(u64::MAX);
    let object = js.object()?;
    for (name, count) in [
        (c"malformed", counters.malformed),
        (c"repeatedRequests", counters.repeated_requests),
        (c"retransmissions", counters.retransmissions),
        (c"overloads", counters.overloads),
        (c"screened", counters.screened),
        (c"failovers", counters.failovers),
        (c"timeLost", lost),
    ] {
        let count = js.number(u32::try_from(count).unwrap_or(u32::MAX))?;
        js.set_named(object, name, count)?;
    }
    Ok(object)
}

fn log_level(text: &str) -> Result<LogLevel> {
    text.parse()
        .map_err(|error: NotALevel| coded("DRT_ERR_INVALID_OPTION", error.to_string()))
}

fn check_alive(running: &Running) -> Result<()> {
    match running.end() {
        Some(ended) => Err(stopped(&ended)),
        None => Ok(()),
    }
}

fn stopped(ended: &Ended) -> napi::Error<String> {
    coded(ended.code(), ended.text())
}

fn serve_error(error: &ServeError) -> napi::Error<String> {
    coded(error.code(), error.to_string())
}

fn start_error(error: &StartError) -> napi::Error<String> {
    coded(error.code(), error.to_string())
}

pub(super) fn coded(code: &str, text: String) -> napi::Error<String> {
    napi::Error::new(code.to_owned(), text)
}

/// A Node-API call failed.
pub(super) fn internal(error: napi::Error) -> napi::Error<String> {
    napi::Error::new(error.status.as_ref().to_owned(), error.reason.clone())
}

pub(super) fn unknown(env: &Env, value: Value) -> Unknown<'_> {
    // SAFETY: the value was made in this call, in this environment.
    unsafe { Unknown::from_raw_unchecked(env.raw(), value) }
}
