//! The class `SimulatedEngine` for tests of applications: an engine that lives on the JavaScript
//! thread, whose time and network are made by `lib/testing/`. Commands and events are those of
//! `Engine`. Times are milliseconds since the beginning of the simulation.

#![allow(unsafe_code)]

use std::cell::{RefCell, RefMut};
use std::collections::HashMap;
use std::net::IpAddr;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use napi::bindgen_prelude::{Buffer, JsValue, Object, Unknown};
use napi::Env;
use napi_derive::napi;

use super::engine::{
    coded, internal, read_commands, unknown, write_census, write_counters, write_events, Result,
};
use super::frame::Batch;
use super::mailbox::{Mailbox, Postbox};
use super::settings::{read_screening_settings, read_start};
use super::values::Js;
use crate::apps::Profile;
use crate::driver::{Census, Simulated};
use crate::engine::{
    ConnectionId, Destination, Listener, Path, QueryId, SendFailure, SendToken, Transport,
};
use crate::observe::render;
use crate::protocol::Fault;
use crate::transport::listeners_on;

/// The time of day when a simulation begins: 1 January 2000, 0:00 UTC, in seconds since 1970.
const FIRST_DAY: u64 = 946_684_800;

/// A message that an engine sends.
#[napi(object)]
pub struct SimulatedTransmit {
    /// As in `udp`.
    pub transport: String,
    /// The address of the listener that it leaves from.
    pub local: String,
    /// Where it goes.
    pub peer: String,
    /// The connection that it goes over if that is still open.
    pub connection: Option<f64>,
    /// By which its sender is told what became of it, if he wants to know.
    pub token: Option<u32>,
    /// The message.
    pub payload: Buffer,
}

/// A name that an engine wants to have looked up.
#[napi(object)]
pub struct SimulatedQuery {
    /// Goes back with the answer.
    pub id: f64,
    /// The name.
    pub host: String,
    /// With a port only the addresses of the host count.
    pub port: Option<u16>,
    /// The only transport that will do, if there is but one.
    pub transport: Option<String>,
    /// Only secure transports will do.
    pub secure: bool,
}

/// A place that a name leads to.
#[napi(object)]
pub struct SimulatedDestination {
    /// As in `udp`.
    pub transport: String,
    /// An address with a port.
    pub address: String,
}

/// An engine with one application, for simulations.
#[napi]
pub struct SimulatedEngine {
    state: RefCell<State>,
    mailbox: Arc<Mailbox>,
    listeners: Vec<Listener>,
    connect_timeout: Duration,
}

struct State {
    engine: Simulated,
    /// Who wants to know what becomes of a message.
    senders: HashMap<u32, SendToken>,
    next_sender: u32,
    /// Kept for its memory.
    text: Vec<u8>,
}

// Everything is used on the JavaScript thread only, and nothing of it after a panic.
impl UnwindSafe for SimulatedEngine {}
impl RefUnwindSafe for SimulatedEngine {}

#[napi]
impl SimulatedEngine {
    /// An engine with the options of `Engine.start`, on a machine with these addresses. Whatever
    /// it draws follows from the seed.
    #[napi(constructor, catch_unwind)]
    pub fn new(options: Unknown<'_>, machine: Vec<String>, seed: u32) -> Result<SimulatedEngine> {
        let start = read_start(options).map_err(|error| coded(error.code(), error.to_string()))?;
        let machine: Vec<IpAddr> = machine
            .iter()
            .map(|address| parsed(address))
            .collect::<Result<_>>()?;
        let listeners = listeners_on(&machine, &start.settings.contacts)
            .map_err(|error| coded(error.code(), error.to_string()))?;
        let mut seeds = [0; 32];
        for (place, byte) in seeds.iter_mut().zip(seed.to_le_bytes()) {
            *place = byte;
        }
        let connect_timeout = start.settings.limits.connect;
        let mailbox = Arc::new(Mailbox::default());
        let mut engine = Simulated::new(start.settings, listeners.clone(), seeds, first_day());
        let outlet = Box::new(Postbox::with_clocks(mailbox.clone(), clocks));
        let profile = Profile {
            verbs: start.routes,
            ..Profile::default()
        };
        engine.attach(outlet, profile);
        Ok(SimulatedEngine {
            state: RefCell::new(State {
                engine,
                senders: HashMap::new(),
                next_sender: 0,
                text: Vec::new(),
            }),
            mailbox,
            listeners,
            connect_timeout,
        })
    }

    /// Where it listens, as in `udp/192.0.2.1:5060`.
    #[napi(getter)]
    pub fn hostports(&self) -> Vec<String> {
        let listeners = self.listeners.iter();
        listeners
            .map(|listener| format!("{}/{}", listener.transport, listener.local))
            .collect()
    }

    /// How long it waits for a connection to be opened.
    #[napi(getter)]
    pub fn connect_timeout(&self) -> f64 {
        self.connect_timeout.as_secs_f64() * 1_000.0
    }

    /// Carries out commands: see `Engine.submit`.
    #[napi(catch_unwind)]
    pub fn submit(&self, env: &Env, now: f64, batch: Object<'_>) -> Result<()> {
        let mut refusals = Batch::default();
        let State { engine, text, .. } = &mut *self.state();
        let commands =
            read_commands(Js(env.raw()), batch.raw(), text, &mut refusals).map_err(internal)?;
        engine.submit(instant(now), commands.submissions);
        for (id, ..) in commands.errands {
            // There are no other applications that a request could be brought to.
            let fault = Fault::UnknownType;
            refusals.push_refusal(id.0, fault.code(), &fault.to_string());
        }
        self.mailbox.post(&mut refusals);
        Ok(())
    }

    /// The events that wait, up to 256 at a time: see `Engine.take`.
    #[napi(catch_unwind)]
    pub fn take<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let batches = self.mailbox.take();
        let events = write_events(Js(env.raw()), &batches).map_err(internal)?;
        self.mailbox.recycle(batches);
        Ok(unknown(env, events))
    }

    /// How many events wait.
    #[napi(getter)]
    pub fn waiting(&self) -> u32 {
        u32::try_from(self.mailbox.waiting()).unwrap_or(u32::MAX)
    }

    /// A message has come.
    #[napi(catch_unwind)]
    pub fn receive(
        &self,
        now: f64,
        transport: String,
        local: String,
        peer: String,
        connection: Option<f64>,
        payload: &[u8],
    ) -> Result<()> {
        let path = Path {
            transport: read_transport(&transport)?,
            local: parsed(&local)?,
            peer: parsed(&peer)?,
            connection: connection.map(|id| ConnectionId(id as u64)),
            server: None,
        };
        let payload = Bytes::copy_from_slice(payload);
        let now = instant(now);
        self.state()
            .engine
            .happen(now, |engine| engine.handle_message(now, path, payload));
        Ok(())
    }

    /// When `timeout` must be called, unless something happens before.
    #[napi(getter)]
    pub fn next_timeout(&self) -> Option<f64> {
        let deadline = self.state().engine.next_timeout()?;
        let after = deadline.saturating_duration_since(beginning());
        Some((after.as_secs_f64() * 1_000.0).ceil())
    }

    /// Time has passed.
    #[napi(catch_unwind)]
    pub fn timeout(&self, now: f64) {
        let now = instant(now);
        self.state()
            .engine
            .happen(now, |engine| engine.handle_timeout(now));
    }

    /// What is to be sent. Of each message with a token, either `sent` or `unsent` is told.
    #[napi(catch_unwind)]
    pub fn transmits(&self) -> Vec<SimulatedTransmit> {
        let State {
            engine,
            senders,
            next_sender,
            ..
        } = &mut *self.state();
        let transmits = std::iter::from_fn(|| engine.engine().poll_transmit());
        transmits
            .map(|transmit| {
                let token = transmit.token.map(|token| {
                    *next_sender = next_sender.wrapping_add(1);
                    senders.insert(*next_sender, token);
                    *next_sender
                });
                SimulatedTransmit {
                    transport: transmit.path.transport.to_string(),
                    local: transmit.path.local.to_string(),
                    peer: transmit.path.peer.to_string(),
                    connection: transmit.path.connection.map(|id| id.0 as f64),
                    token,
                    payload: transmit.payload.to_vec().into(),
                }
            })
            .collect()
    }

    /// A message is on its way, over this connection if over one.
    #[napi(catch_unwind)]
    pub fn sent(&self, token: u32, connection: Option<f64>) {
        let State {
            engine, senders, ..
        } = &mut *self.state();
        if let (Some(token), Some(id)) = (senders.remove(&token), connection) {
            let id = ConnectionId(id as u64);
            engine.engine().handle_connection_used(token, id);
        }
    }

    /// A message could not be sent: `unreachable`, or `timeout` of the opening of a connection.
    #[napi(catch_unwind)]
    pub fn unsent(&self, now: f64, token: u32, failure: String) {
        let failure = match failure.as_str() {
            "timeout" => SendFailure::ConnectTimeout,
            _ => SendFailure::Unreachable,
        };
        let now = instant(now);
        let State {
            engine, senders, ..
        } = &mut *self.state();
        if let Some(token) = senders.remove(&token) {
            engine.happen(now, |engine| {
                engine.handle_send_failure(now, token, failure);
            });
        }
    }

    /// The connections that are to be closed.
    #[napi(catch_unwind)]
    pub fn hang_ups(&self) -> Vec<f64> {
        let mut state = self.state();
        let ids = std::iter::from_fn(|| state.engine.engine().poll_hang_up());
        ids.map(|id| id.0 as f64).collect()
    }

    /// A connection has ended.
    #[napi(catch_unwind)]
    pub fn connection_closed(&self, now: f64, connection: f64) {
        let now = instant(now);
        let id = ConnectionId(connection as u64);
        self.state()
            .engine
            .happen(now, |engine| engine.handle_connection_closed(now, id));
    }

    /// The names that are to be looked up.
    #[napi(catch_unwind)]
    pub fn queries(&self) -> Vec<SimulatedQuery> {
        let mut state = self.state();
        let queries = std::iter::from_fn(|| state.engine.engine().poll_query());
        queries
            .map(|query| SimulatedQuery {
                id: query.id.0 as f64,
                host: query.name.host,
                port: query.name.port,
                transport: query.name.transport.map(|transport| transport.to_string()),
                secure: query.name.secure,
            })
            .collect()
    }

    /// Where a name leads to, best first.
    #[napi(catch_unwind)]
    pub fn resolved(
        &self,
        now: f64,
        id: f64,
        destinations: Vec<SimulatedDestination>,
    ) -> Result<()> {
        let destinations: Vec<Destination> = destinations
            .iter()
            .map(|destination| {
                Ok(Destination {
                    transport: read_transport(&destination.transport)?,
                    address: parsed(&destination.address)?,
                })
            })
            .collect::<Result<_>>()?;
        let now = instant(now);
        let id = QueryId(id as u64);
        self.state()
            .engine
            .happen(now, |engine| engine.handle_resolved(now, id, &destinations));
        Ok(())
    }

    /// Turns away other requests from now on: see `Engine.setScreening`.
    #[napi(catch_unwind)]
    pub fn set_screening(&self, options: Unknown<'_>) -> Result<()> {
        let screening = read_screening_settings(options)
            .map_err(|error| coded(error.code(), error.to_string()))?;
        self.state().engine.engine().set_screening(screening);
        Ok(())
    }

    /// Rejects new requests from now on: see `Engine.drain`.
    #[napi]
    pub fn drain(&self) {
        self.state().engine.drain();
    }

    /// The numbers of the engine in the text format of Prometheus, with this many connections.
    #[napi(catch_unwind)]
    pub fn metrics(&self, connections: u32) -> String {
        render(&self.state().engine.snapshot(connections as usize))
    }

    /// How many entries each table holds, with this many connections.
    #[napi(catch_unwind)]
    pub fn census<'env>(&self, env: &'env Env, connections: u32) -> Result<Unknown<'env>> {
        let census = self.state().engine.census(connections as usize);
        let object = write_census(Js(env.raw()), census).map_err(internal)?;
        Ok(unknown(env, object))
    }

    /// What has happened since the start.
    #[napi(catch_unwind)]
    pub fn counters<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let Census { counters, .. } = self.state().engine.census(0);
        let object = write_counters(Js(env.raw()), counters).map_err(internal)?;
        Ok(unknown(env, object))
    }

    /// Gives every pending request its final response and ends the calls.
    #[napi(catch_unwind)]
    pub fn close(&self, now: f64) {
        self.state().engine.close(instant(now));
    }

    fn state(&self) -> RefMut<'_, State> {
        // Nothing that is called in here calls JavaScript, so nobody comes in twice.
        self.state.borrow_mut()
    }
}

/// The instant that all simulations of the process begin at.
fn beginning() -> Instant {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    *BEGINNING.get_or_init(Instant::now)
}

fn first_day() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(FIRST_DAY)
}

fn clocks() -> (Instant, SystemTime) {
    (beginning(), first_day())
}

fn instant(milliseconds: f64) -> Instant {
    beginning() + Duration::from_millis(milliseconds as u64)
}

fn read_transport(name: &str) -> Result<Transport> {
    Transport::from_name(name).ok_or_else(|| not_an_address(name))
}

fn parsed<T: FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| not_an_address(text))
}

fn not_an_address(text: &str) -> napi::Error<String> {
    coded("DRT_ERR_INVALID_ARGUMENT", format!("no such place: {text}"))
}
