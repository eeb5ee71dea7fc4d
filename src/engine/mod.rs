//! The SIP engine, sans-IO: it has no sockets, no clock and no randomness of its own.
//!
//! What happens is passed in (`handle_…`), with the time; what must be done is drained out
//! (`poll_…`). After every `handle_…` call, drain [`Engine::poll_transmit`],
//! [`Engine::poll_event`], [`Engine::poll_query`] and [`Engine::poll_hang_up`] until each is empty, then wait until
//! [`Engine::poll_timeout`] at the latest. So a test plays hours of a lossy network in
//! milliseconds.
//!
//! | file | what it is |
//! |---|---|
//! | `receive.rs` | which transaction, dialog or proxied request a message belongs to |
//! | `screening.rs` | which requests are turned away before anybody is asked |
//! | `transaction/` | the four state machines of RFC 3261 §17 and the tables of transactions |
//! | `acceptance.rs` | what a request demands that nobody here can do |
//! | `uas.rs`, `uas_dialog.rs` | requests that applications answer, and the dialogs these make |
//! | `uac.rs`, `uac_response.rs` | requests that applications send, and what comes back |
//! | `dialog.rs`, `in_dialog.rs` | dialogs and what happens in them |
//! | `forks.rs` | the dialogs that one request of ours makes |
//! | `glare.rs`, `offers.rs`, `held.rs` | what may cross in a dialog, and what must wait |
//! | `replaces.rs` | INVITEs that take the place of a call (RFC 3891) |
//! | `session_timer.rs`, `session_refresh.rs` | session timers (RFC 4028) |
//! | `subscription.rs`, `subscribing.rs` | subscriptions, and notifiers that are not known yet |
//! | `ack.rs`, `cancel.rs`, `reliable.rs` | 2xx and ACK, CANCEL, reliable provisional responses |
//! | `app_gone.rs`, `succession.rs`, `untold.rs` | what ends with an application, and what another one takes over |
//! | `proxy/` | RFC 3261 §16 |
//! | `target.rs`, `ways.rs`, `listeners.rs` | where a request goes, and from which listener |
//! | `failover.rs`, `failed_targets.rs` | what happens when a destination fails (RFC 3263 §4.3) |
//! | `sips.rs` | what `sips:` asks of our addresses |
//! | `timers.rs`, `deadlines.rs` | the queue of deadlines, and what comes of each |
//! | `compose.rs` | the text of messages |
//! | `census.rs`, `latency.rs` | what can be counted, and how long things take |
//! | `cdr.rs` | call detail records |

mod acceptance;
mod ack;
mod advertised;
mod app_gone;
mod cancel;
mod cdr;
mod census;
mod command;
mod compose;
mod config;
mod connection_death;
mod connections;
mod deadlines;
mod dialog;
mod event;
mod failed_targets;
mod failover;
mod flow_token;
mod flows;
mod forks;
mod glare;
mod held;
mod in_dialog;
mod latency;
pub mod limits;
mod listeners;
mod nat;
mod offers;
mod path;
mod proxy;
mod random;
mod receive;
mod registrations;
mod reliable;
mod replaces;
mod screening;
mod send_failure;
mod server_names;
mod session_refresh;
mod session_timer;
mod sips;
mod subnet;
mod subscribing;
mod subscription;
mod succession;
mod target;
mod text;
mod timers;
mod transaction;
mod uac;
mod uac_response;
mod uas;
mod uas_dialog;
mod untold;
mod ways;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use ahash::HashMap;
use bytes::Bytes;
use slotmap::new_key_type;

pub use acceptance::Understanding;
pub use advertised::{Advertised, External, ExternalHost, NotAnExternal};
pub use app_gone::Legacy;
pub use cdr::{Cdr, CdrEvent, CdrRole, StopReason};
pub use census::{Census, Counters};
pub use command::{
    Action, AppId, Command, CommandId, DialogId, Forks, NotATransactionId, TransactionId,
};
pub use config::{Config, NextHop, SessionTimers, Timers};
pub use event::{
    BranchEnd, BranchId, BranchStep, ClosedConnection, Event, Meta, News, Refusal, Reply, Source,
};
pub use latency::{Histogram, Latencies};
pub use nat::{InDialog, Nat, NotARule};
pub use path::{ConnectionId, Listener, Path, SendToken, Transmit, Transport};
pub use proxy::{
    HeaderChanges, PreloadedRoutes, ProxyPlan, ProxyTarget, RequestUri, DEFAULT_REDIRECTS,
};
pub use screening::{Screening, ScreeningAction, SpammerHeader, SpammerSign};
pub use send_failure::SendFailure;
pub use server_names::ServerId;
pub use session_timer::Refresher;
pub use subnet::{is_private, NotASubnet, Subnet};
pub(crate) use target::transports;
pub use target::{Destination, Name, Query, QueryId};

use connections::Connections;
use dialog::DialogTable;
use failed_targets::FailedTargets;
use flow_token::FlowTokens;
use limits::TableLimits;
use listeners::Listeners;
use path::Sender;
use proxy::{Challenges, ProxyTable};
use random::Random;
use registrations::Registrations;
use server_names::ServerNames;
use subscribing::SubscribingTable;
use timers::TimerQueue;
use transaction::client::ClientTable;
use transaction::server::ServerTable;
use untold::Untold;

use crate::message::Message;

new_key_type! {
    pub(crate) struct ServerKey;
    pub(crate) struct ClientKey;
    pub(crate) struct DialogKey;
    pub(crate) struct ProxyKey;
    pub(crate) struct SubscribingKey;
}

/// One SIP element: all its transactions, dialogs and proxied requests. See the module's page.
#[derive(Debug)]
pub struct Engine {
    timers_config: Timers,
    next_hop: NextHop,
    session_timers: SessionTimers,
    foreign_replaces: bool,
    always_ring: bool,
    best_effort_tls: bool,
    screening: Screening,
    stateless: bool,
    /// See `cdr.rs`.
    makes_records: bool,
    limits: TableLimits,
    understanding: Understanding,
    listeners: Listeners,
    random: Random,
    /// A secret that goes into every hash that something is known by, so that no peer can make two
    /// things look alike.
    salt: u64,
    servers: ServerTable,
    clients: ClientTable,
    /// The transactions that commands may name: those without a final response.
    transactions: HashMap<TransactionId, TransactionKey>,
    dialogs: DialogTable,
    proxies: ProxyTable,
    subscribing: SubscribingTable,
    queries: BTreeMap<QueryId, Parked>,
    failed_targets: FailedTargets,
    challenges: Challenges,
    next_query: u64,
    timers: TimerQueue,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
    questions: VecDeque<Query>,
    hang_ups: VecDeque<ConnectionId>,
    /// See [`Engine::set_behind`].
    is_behind: bool,
    dead_after: Option<u32>,
    server_names: ServerNames,
    nat: Nat,
    connections: Connections,
    registrations: Registrations,
    flow_tokens: FlowTokens,
    stateless_branches: proxy::StatelessBranches,
    untold: Untold,
    counters: Counters,
    latencies: Latencies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TransactionKey {
    Server(ServerKey),
    Client(ClientKey),
}

/// What waits for a name to be looked up.
#[derive(Debug)]
enum Parked {
    /// A command, carried out again once the address is known.
    Command(Command),
    /// A branch of a proxied request.
    Branch(ProxyKey, usize),
    /// An ACK that is passed on without a transaction.
    Ack(Box<proxy::ForwardedAck>),
    /// A request that is forwarded without state.
    Stateless(Box<proxy::Stateless>),
}

/// What a rejected caller is told beside the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Seconds after which to try again (RFC 3261 §20.33).
    RetryAfter(u32),
    /// The methods that would be taken, joined by commas (§20.5).
    Allow(String),
    /// The same, with all that the engine can say of itself (§11.2).
    Capabilities(String),
}

impl Engine {
    /// An engine on these listeners. The seed decides every generated tag, branch and id: take
    /// it from the operating system, or from a test's own number.
    pub fn new(config: Config, seed: [u8; 32]) -> Engine {
        let mut random = Random::from_seed(seed);
        Engine {
            salt: random.salt(),
            timers_config: config.timers,
            session_timers: config.session_timers,
            foreign_replaces: config.foreign_replaces,
            always_ring: config.always_ring,
            best_effort_tls: config.best_effort_tls,
            screening: config.screening,
            stateless: config.stateless,
            makes_records: false,
            limits: config.limits,
            next_hop: config.next_hop,
            understanding: config.understanding,
            listeners: Listeners::new(config.listeners),
            random,
            servers: ServerTable::default(),
            clients: ClientTable::default(),
            transactions: HashMap::default(),
            dialogs: DialogTable::default(),
            proxies: ProxyTable::default(),
            subscribing: SubscribingTable::default(),
            queries: BTreeMap::new(),
            failed_targets: FailedTargets::default(),
            challenges: Challenges::default(),
            next_query: 0,
            timers: TimerQueue::default(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            questions: VecDeque::new(),
            hang_ups: VecDeque::new(),
            is_behind: false,
            dead_after: config.dead_after,
            server_names: ServerNames::default(),
            nat: config.nat,
            connections: Connections::default(),
            registrations: Registrations::default(),
            flow_tokens: FlowTokens::from_seed(&seed),
            stateless_branches: proxy::StatelessBranches::from_seed(&seed),
            untold: Untold::default(),
            counters: Counters::default(),
            latencies: Latencies::default(),
        }
    }

    /// The same engine with tables of other sizes.
    #[must_use]
    pub fn with_limits(self, limits: TableLimits) -> Engine {
        Engine { limits, ..self }
    }

    /// A message arrived: a whole datagram, or one message cut out of a stream.
    pub fn handle_message(&mut self, now: Instant, path: Path, payload: Bytes) {
        self.connections.heard(path);
        self.receive(now, path, payload);
    }

    /// An application asks for something. The answer is a [`News::Reply`].
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        self.carry_out(now, command, None);
    }

    /// Where a name leads to, best first; nowhere if it could not be resolved. Destinations that
    /// no listener fits are left out, those that have failed of late come last.
    pub fn handle_resolved(&mut self, now: Instant, id: QueryId, destinations: &[Destination]) {
        let Some(parked) = self.queries.remove(&id) else {
            return;
        };
        let destinations = &self.failed_targets.last(now, destinations);
        match parked {
            Parked::Command(command) => self.carry_out(now, command, Some(destinations)),
            Parked::Branch(proxy, branch) => {
                self.branch_resolved(now, proxy, branch, destinations);
            }
            Parked::Ack(ack) => self.forward_ack(*ack, Some(destinations)),
            Parked::Stateless(request) => self.stateless_resolved(now, *request, destinations),
        }
    }

    /// A message could not be sent.
    pub fn handle_send_failure(&mut self, now: Instant, token: SendToken, failure: SendFailure) {
        match token.0 {
            Sender::Client(key, attempt) => self.client_send_failure(now, key, attempt, failure),
            // A response that can't be sent has no other way to go (§18.2.2): the caller's
            // timers end the transaction at its side, ours at this side.
            Sender::Server(_) => {}
        }
    }

    /// A message goes over this connection, so its sender waits for what comes over it.
    pub fn handle_connection_used(&mut self, token: SendToken, connection: ConnectionId) {
        if let Sender::Client(key, attempt) = token.0 {
            self.clients.use_connection(key, attempt, connection);
        }
    }

    /// A connection has ended. What it had not written has been reported as unsent before.
    pub fn handle_connection_closed(&mut self, now: Instant, connection: ConnectionId) {
        self.connection_closed(now, connection);
    }

    /// Turns away other requests from now on.
    pub fn set_screening(&mut self, screening: Screening) {
        self.screening = screening;
    }

    /// Whether messages come faster than they are handled, so that those which are handed in from
    /// now on are late. New requests are refused while it is so; what is there goes on.
    pub fn set_behind(&mut self, is_behind: bool) {
        self.is_behind = is_behind;
    }

    /// An application has gone: what it owned is ended, but for its legacy. May be called again
    /// for what is left.
    pub fn handle_app_gone(&mut self, now: Instant, app: AppId, legacy: Legacy) {
        self.end_all_of(now, app, legacy);
    }

    /// An application takes over what another one that has gone has left.
    pub fn handle_adoption(&mut self, now: Instant, from: AppId, heir: AppId) {
        self.pass_on(now, from, heir);
    }

    /// Takes a new request back from the application it was given to, which has neither answered
    /// nor proxied it. The caller gives it to another one with [`Engine::assign`], or answers it
    /// with [`Engine::reject`].
    ///
    /// # Errors
    /// The request is not that application's to give away.
    pub fn take_back(
        &mut self,
        now: Instant,
        app: AppId,
        transaction: TransactionId,
    ) -> Result<News, Refusal> {
        self.take_back_from(now, app, transaction)
    }

    /// Gives a request that no application owns to one.
    pub fn assign(&mut self, transaction: TransactionId, app: AppId) {
        if let Some(open) = self.open_request(transaction) {
            open.owner = Some(app);
        }
    }

    /// Answers a request that no application takes.
    pub fn reject(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        status: u16,
        hint: Option<Hint>,
    ) {
        self.reject_request(now, transaction, status, hint);
    }

    /// The next message to send.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next thing to tell an application.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next connection to close, since its peer is taken for dead.
    #[must_use]
    pub fn poll_hang_up(&mut self) -> Option<ConnectionId> {
        self.hang_ups.pop_front()
    }

    /// The next name to look up; the answer goes to [`Engine::handle_resolved`].
    #[must_use]
    pub fn poll_query(&mut self) -> Option<Query> {
        self.questions.pop_front()
    }

    /// When [`Engine::handle_timeout`] must be called. Changes with every `handle_…` call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn transmit(&mut self, path: Path, payload: Bytes, sender: Option<Sender>) {
        let server_name = path.server.and_then(|id| self.server_names.name(id));
        self.transmits.push_back(Transmit {
            path,
            payload,
            token: sender.map(SendToken),
            server_name,
        });
    }

    fn emit(&mut self, app: Option<AppId>, news: News) {
        self.events.push_back(Event { app, news });
    }

    fn reply(&mut self, app: AppId, command: CommandId, reply: Reply) {
        if command != CommandId::NOBODY {
            self.emit(Some(app), News::Reply { command, reply });
        }
    }

    /// Tells the owner of a call that it has ended by the engine's doing; if the owner has gone, the one
    /// that adopts the call.
    fn tell_of_call_end(&mut self, owner: AppId, dialog: DialogId, meta: Meta, bye: Message) {
        let end = News::Message {
            transaction: None,
            dialog: Some(dialog),
            meta,
            message: bye,
        };
        if self.untold.awaits_heir_of(owner) {
            self.untold.keep(owner, end);
        } else {
            self.emit(Some(owner), end);
        }
    }

    /// Tells an application of a message.
    fn deliver(
        &mut self,
        app: Option<AppId>,
        transaction: Option<TransactionId>,
        dialog: Option<DialogId>,
        meta: Meta,
        message: Message,
    ) {
        self.emit(
            app,
            News::Message {
                transaction,
                dialog,
                meta,
                message,
            },
        );
    }

    /// Asks for the addresses of a name; `parked` goes on when they are known.
    fn look_up(&mut self, name: Name, parked: Parked) -> Result<(), Refusal> {
        let draw = self.random.salt();
        self.look_up_by(name, parked, draw)
    }

    /// The same, with a draw among the servers that comes out the same each time.
    fn look_up_by(&mut self, name: Name, parked: Parked, draw: u64) -> Result<(), Refusal> {
        let limit = self.limits.queries;
        if self.queries.len() >= limit {
            return Err(Refusal::LimitReached("name look-ups", limit));
        }
        let id = QueryId(self.next_query);
        self.next_query += 1;
        self.queries.insert(id, parked);
        self.questions.push_back(Query { id, name, draw });
        Ok(())
    }
}
