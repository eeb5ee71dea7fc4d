//! Nodes: an engine and its application, which the test plays by hand unless it is scripted.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use drachtio::engine::limits::TableLimits;
use drachtio::engine::{
    Action, Advertised, AppId, Cdr, Census, ClosedConnection, Command, CommandId, Config, Counters,
    DialogId, Engine, Event, Forks, Latencies, Legacy, Listener, Meta, News, ProxyPlan, Refusal,
    Reply, Screening, TransactionId, Transport,
};
use drachtio::message::Message;

use super::network::Place;
use super::sip::draft;
use super::{App, What, World};

/// The application that gets the requests of a node.
pub(super) const APP: AppId = AppId(1);

/// An engine in the world.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    pub(super) at: usize,
    /// Its first listener.
    pub address: SocketAddr,
}

pub(super) struct NodeState {
    pub(super) engine: Engine,
    pub(super) app: Option<Box<dyn App>>,
    pub(super) next_command: u32,
    assignee: AppId,
    rejects_with: Option<u16>,
    decides_on_passing: bool,
    told: VecDeque<Told>,
    spoken_for: Vec<(TransactionId, u16, Refusal)>,
    replies: HashMap<CommandId, VecDeque<Reply>>,
    closed: Vec<(AppId, ClosedConnection)>,
    records: Vec<Cdr>,
}

/// A message that an application was told of.
#[derive(Debug, Clone)]
pub struct Told {
    /// Which application.
    pub app: AppId,
    /// The transaction, as the application may name it.
    pub transaction: Option<TransactionId>,
    /// The dialog.
    pub dialog: Option<DialogId>,
    /// How it came.
    pub meta: Meta,
    /// The message.
    pub message: Message,
}

/// A message that was sent for an application.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The transaction of the request, or of the request that was answered.
    pub transaction: TransactionId,
    /// The dialog.
    pub dialog: Option<DialogId>,
    /// How it went.
    pub meta: Meta,
    /// The message.
    pub message: Message,
}

impl Told {
    /// The transaction's id.
    pub fn id(&self) -> TransactionId {
        self.transaction.expect("a transaction")
    }

    /// The dialog's id.
    pub fn dialog_id(&self) -> DialogId {
        self.dialog.clone().expect("a dialog")
    }

    /// The method of a request, or the status of a response.
    pub fn what(&self) -> String {
        match self.message.status() {
            Some(status) => status.to_string(),
            None => self.message.method().unwrap().as_str().to_string(),
        }
    }
}

impl Sent {
    /// The dialog's id.
    pub fn dialog_id(&self) -> DialogId {
        self.dialog.clone().expect("a dialog")
    }
}

impl World {
    /// An engine that listens on this address by UDP and TCP.
    pub fn node(&mut self, address: &str) -> Node {
        self.node_on(&[(Transport::Udp, address), (Transport::Tcp, address)])
    }

    /// An engine that listens on these addresses.
    pub fn node_on(&mut self, listeners: &[(Transport, &str)]) -> Node {
        let listeners = listeners
            .iter()
            .map(|(transport, address)| listener(*transport, address));
        self.node_with(Config::new(listeners.collect()))
    }

    /// An engine on this address, by UDP and TCP, that is told more.
    pub fn node_told(&mut self, address: &str, tell: impl FnOnce(&mut Config)) -> Node {
        let transports = [Transport::Udp, Transport::Tcp];
        let listeners = transports.map(|transport| listener(transport, address));
        let mut config = Config::new(listeners.to_vec());
        tell(&mut config);
        self.node_with(config)
    }

    /// An engine with a configuration of its own.
    pub fn node_with(&mut self, config: Config) -> Node {
        let at = self.nodes.len();
        for listener in &config.listeners {
            let place = Place::Node(at);
            self.network
                .settle_in(listener.transport, listener.local, place);
        }
        let address = config.listeners[0].local;
        let mut seed = [at as u8; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        self.nodes.push(NodeState {
            engine: Engine::new(config, seed),
            app: None,
            next_command: 1,
            assignee: APP,
            rejects_with: None,
            decides_on_passing: false,
            told: VecDeque::new(),
            spoken_for: Vec::new(),
            replies: HashMap::new(),
            closed: Vec::new(),
            records: Vec::new(),
        });
        Node { at, address }
    }

    /// Gives the node tables of other sizes.
    pub fn limit_tables(&mut self, node: Node, limits: TableLimits) {
        let state = &mut self.nodes[node.at];
        let idle = Engine::new(Config::new(Vec::new()), [0; 32]);
        let engine = std::mem::replace(&mut state.engine, idle);
        state.engine = engine.with_limits(limits);
    }

    /// Puts a scripted application on a node.
    pub fn set_app(&mut self, node: Node, app: impl App + 'static) {
        self.nodes[node.at].app = Some(Box::new(app));
    }

    /// From now on no application of the node's takes new requests.
    pub fn reject_requests(&mut self, node: Node, status: u16) {
        self.nodes[node.at].rejects_with = Some(status);
    }

    /// From now on the application decides on requests inside dialogs that pass.
    pub fn decide_on_passing(&mut self, node: Node) {
        self.nodes[node.at].decides_on_passing = true;
    }

    /// The requests that the engine has answered in place of the application, with what and why.
    pub fn spoken_for(&mut self, node: Node) -> Vec<(TransactionId, u16, Refusal)> {
        std::mem::take(&mut self.nodes[node.at].spoken_for)
    }

    /// From now on another application gets the new requests.
    pub fn assign_requests(&mut self, node: Node, app: AppId) {
        self.nodes[node.at].assignee = app;
    }

    /// An application goes away; its node takes new requests no longer if they were for it.
    pub fn app_goes(&mut self, node: Node, app: AppId) {
        self.app_leaves(node, app, Legacy::default());
    }

    /// An application goes away and leaves something behind.
    pub fn app_leaves(&mut self, node: Node, app: AppId, legacy: Legacy) {
        self.contract.note_gone(node.at, app);
        let state = &mut self.nodes[node.at];
        if state.assignee == app {
            state.rejects_with = Some(503);
        }
        let engine = &mut self.nodes[node.at].engine;
        engine.handle_app_gone(self.now, app, legacy);
        self.drain(node.at);
    }

    /// Another application takes over what one that has gone has left, and gets the new requests.
    pub fn app_adopts(&mut self, node: Node, from: AppId, heir: AppId) {
        let state = &mut self.nodes[node.at];
        (state.assignee, state.rejects_with) = (heir, None);
        state.engine.handle_adoption(self.now, from, heir);
        self.drain(node.at);
    }

    /// An application gives a new request away, to the one that gets new requests now.
    pub fn app_gives_away(
        &mut self,
        node: Node,
        app: AppId,
        transaction: TransactionId,
    ) -> Result<(), Refusal> {
        let state = &mut self.nodes[node.at];
        let heir = state.assignee;
        let news = state.engine.take_back(self.now, app, transaction)?;
        state.engine.assign(transaction, heir);
        let app = Some(heir);
        self.hand_out(node.at, Event { app, news });
        self.drain(node.at);
        Ok(())
    }

    /// Wakes the scripted application, to begin with.
    pub fn wake(&mut self, node: Node, alarm: u64) {
        self.plan(
            self.now,
            What::Alarm {
                node: node.at,
                alarm,
            },
        );
    }

    /// The application gives a command.
    pub fn give(&mut self, node: Node, action: Action) -> CommandId {
        self.give_as(node, APP, action)
    }

    /// One of several applications gives a command.
    pub fn give_as(&mut self, node: Node, app: AppId, action: Action) -> CommandId {
        let state = &mut self.nodes[node.at];
        let id = CommandId(state.next_command);
        state.next_command += 1;
        self.command(node.at, Command { app, id, action });
        id
    }

    /// The application gives a command and does not care what becomes of it.
    pub fn give_silently(&mut self, node: Node, action: Action) {
        let (app, id) = (APP, CommandId::NOBODY);
        self.command(node.at, Command { app, id, action });
    }

    /// What has been replied to a command since the last call.
    pub fn replies(&mut self, node: Node, command: CommandId) -> Vec<Reply> {
        let replies = self.nodes[node.at].replies.remove(&command);
        replies.unwrap_or_default().into()
    }

    /// The one reply to a command.
    pub fn reply(&mut self, node: Node, command: CommandId) -> Reply {
        let replies = self.replies(node, command);
        let [reply] = <[Reply; 1]>::try_from(replies).expect("one reply");
        reply
    }

    /// Gives a command that must be carried out at once.
    pub fn perform_action(&mut self, node: Node, action: Action) -> Sent {
        let id = self.give(node, action);
        sent(self.reply(node, id))
    }

    /// Gives a command that must be refused.
    pub fn refused(&mut self, node: Node, action: Action) -> Refusal {
        let id = self.give(node, action);
        self.refusal(node, id)
    }

    /// The one reply to a command, which must be a refusal.
    pub fn refusal(&mut self, node: Node, command: CommandId) -> Refusal {
        match self.reply(node, command) {
            Reply::Refused(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// The application sends a request outside any dialog.
    pub fn request(&mut self, node: Node, text: &str) -> Sent {
        self.perform_action(node, request(text))
    }

    /// The application sends a request in a dialog.
    pub fn request_in(&mut self, node: Node, dialog: &DialogId, text: &str) -> Sent {
        self.perform_action(node, request_in(dialog, text))
    }

    /// The application answers a request.
    pub fn respond(&mut self, node: Node, transaction: TransactionId, text: &str) -> Sent {
        self.perform_action(node, respond(transaction, text))
    }

    /// The application cancels an INVITE.
    pub fn cancel(&mut self, node: Node, transaction: TransactionId) -> Sent {
        self.perform_action(node, cancel(transaction))
    }

    /// The application has a request forwarded.
    pub fn proxy(&mut self, node: Node, transaction: TransactionId, plan: ProxyPlan) -> CommandId {
        self.give(node, Action::Proxy { transaction, plan })
    }

    /// What the applications were told since the last call.
    pub fn told(&mut self, node: Node) -> Vec<Told> {
        self.nodes[node.at].told.drain(..).collect()
    }

    /// The same, methods and statuses only.
    pub fn told_what(&mut self, node: Node) -> Vec<String> {
        self.told(node).iter().map(Told::what).collect()
    }

    /// The next thing the applications were told.
    pub fn next_told(&mut self, node: Node) -> Told {
        let told = self.nodes[node.at].told.pop_front();
        told.expect("the application was told something")
    }

    /// The ends of connections that the applications were told since the last call.
    pub fn told_closed(&mut self, node: Node) -> Vec<(AppId, ClosedConnection)> {
        std::mem::take(&mut self.nodes[node.at].closed)
    }

    /// From now on the node makes call detail records.
    pub fn make_records(&mut self, node: Node) {
        self.nodes[node.at].engine.make_records(true);
    }

    /// The call detail records made since the last call.
    pub fn records(&mut self, node: Node) -> Vec<Cdr> {
        std::mem::take(&mut self.nodes[node.at].records)
    }

    /// How full the node's tables are.
    pub fn census(&self, node: Node) -> Census {
        self.nodes[node.at].engine.census()
    }

    /// How long things took in the engine.
    pub fn latencies(&self, node: Node) -> Latencies {
        self.nodes[node.at].engine.latencies().clone()
    }

    /// From now on the engine turns away other requests.
    pub fn screen(&mut self, node: Node, screening: Screening) {
        self.nodes[node.at].engine.set_screening(screening);
    }

    /// From now on messages reach the engine late, or in time again.
    pub fn fall_behind(&mut self, node: Node, is_behind: bool) {
        self.nodes[node.at].engine.set_behind(is_behind);
    }

    /// How many connections the engine wants to be closed since the last call.
    pub fn hang_ups(&mut self, node: Node) -> usize {
        let engine = &mut self.nodes[node.at].engine;
        std::iter::from_fn(|| engine.poll_hang_up()).count()
    }

    /// What has happened at the node.
    pub fn counters(&self, node: Node) -> Counters {
        self.nodes[node.at].engine.counters()
    }

    pub(super) fn command(&mut self, node: usize, command: Command) {
        self.contract.note_command(node, &command);
        let engine = &mut self.nodes[node].engine;
        engine.handle_command(self.now, command);
        self.drain(node);
    }

    /// Hands out what the engine has made, as its user must after each call.
    pub(super) fn drain(&mut self, node: usize) {
        while let Some(event) = self.nodes[node].engine.poll_event() {
            self.hand_out(node, event);
        }
        while let Some(transmit) = self.nodes[node].engine.poll_transmit() {
            let message = Message::parse(transmit.payload.clone()).expect("SIP is sent");
            if let Err(fault) = message.validate() {
                // A request that is malformed is refused in its own words.
                let refuses = transmit.token.is_none() && message.status() >= Some(400);
                assert!(refuses, "{fault:?} in {message:?}");
            }
            if transmit.token.is_some() {
                self.contract.note_sent(node, transmit.path.peer, &message);
            }
            self.carry(
                Place::Node(node),
                transmit.path,
                transmit.payload,
                transmit.token,
            );
        }
        while let Some(query) = self.nodes[node].engine.poll_query() {
            let destinations = self.look_up(&query.name);
            let id = query.id;
            let at = self.now + self.look_up_time;
            self.plan(
                at,
                What::Resolved {
                    node,
                    id,
                    destinations,
                },
            );
        }
    }

    fn hand_out(&mut self, node: usize, event: Event) {
        let state = &mut self.nodes[node];
        let Event { app, news } = event;
        let app = match (app, &news) {
            (Some(app), _) => app,
            (None, News::Message { transaction, .. }) => {
                let id = transaction.expect("a new request has a transaction");
                if let Some(status) = state.rejects_with {
                    state.engine.reject(self.now, id, status, None);
                    return;
                }
                state.engine.assign(id, state.assignee);
                state.assignee
            }
            (None, News::Passing { transaction, .. }) => {
                if !state.decides_on_passing {
                    state.engine.pass(self.now, *transaction);
                    return;
                }
                state.engine.assign(*transaction, state.assignee);
                state.assignee
            }
            (None, News::Record(record)) => {
                state.records.push((**record).clone());
                return;
            }
            (None, _) => panic!("news to nobody: {news:?}"),
        };
        self.contract.note_news(node, app, &news);
        if !self.with_app(node, |scripted, desk| scripted.hear(&news, desk)) {
            self.nodes[node].keep(app, news);
        }
    }

    fn run_node_timers(&mut self, node: usize) {
        let engine = &mut self.nodes[node].engine;
        if engine.poll_timeout().is_some_and(|at| at <= self.now) {
            engine.handle_timeout(self.now);
            let next = engine.poll_timeout();
            assert!(next.is_none_or(|at| at > self.now), "a timer is stuck");
            self.drain(node);
        }
    }

    pub(super) fn run_timers(&mut self) {
        for node in 0..self.nodes.len() {
            self.run_node_timers(node);
        }
    }
}

impl NodeState {
    fn keep(&mut self, app: AppId, news: News) {
        match news {
            News::Message {
                transaction,
                dialog,
                meta,
                message,
            } => self.told.push_back(Told {
                app,
                transaction,
                dialog,
                meta,
                message,
            }),
            News::Passing {
                transaction,
                meta,
                message,
            } => self.told.push_back(Told {
                app,
                transaction: Some(transaction),
                dialog: None,
                meta,
                message,
            }),
            News::Refused {
                transaction,
                status,
                why,
            } => self.spoken_for.push((transaction, status, why)),
            News::ConnectionClosed(closed) => self.closed.push((app, *closed)),
            News::Record(_) => unreachable!("records have no owner"),
            News::Reply { command, reply } => {
                self.replies.entry(command).or_default().push_back(reply);
            }
        }
    }
}

fn listener(transport: Transport, address: &str) -> Listener {
    Listener {
        transport,
        local: address.parse().unwrap(),
        user: None,
        advertised: Advertised::default(),
    }
}

/// What was sent, if it was.
pub fn sent(reply: Reply) -> Sent {
    match reply {
        Reply::Sent {
            transaction,
            dialog,
            meta,
            message,
        } => Sent {
            transaction,
            dialog,
            meta,
            message,
        },
        other => panic!("not sent: {other:?}"),
    }
}

/// A request outside any dialog.
pub fn request(text: &str) -> Action {
    Action::Request {
        dialog: None,
        next_hop: None,
        forks: Forks::First,
        message: draft(text),
    }
}

/// An INVITE of which the application wants every fork that accepts.
pub fn request_all_forks(text: &str) -> Action {
    Action::Request {
        dialog: None,
        next_hop: None,
        forks: Forks::All,
        message: draft(text),
    }
}

/// A request outside any dialog, sent elsewhere than its request-URI says.
pub fn request_via(next_hop: &str, text: &str) -> Action {
    Action::Request {
        dialog: None,
        next_hop: Some(next_hop.to_string()),
        forks: Forks::First,
        message: draft(text),
    }
}

/// A request in a dialog.
pub fn request_in(dialog: &DialogId, text: &str) -> Action {
    Action::Request {
        dialog: Some(dialog.clone()),
        next_hop: None,
        forks: Forks::First,
        message: draft(text),
    }
}

/// A response.
pub fn respond(transaction: TransactionId, text: &str) -> Action {
    Action::Respond {
        transaction,
        message: draft(text),
    }
}

/// The CANCEL of an INVITE.
pub fn cancel(transaction: TransactionId) -> Action {
    Action::Cancel {
        transaction,
        message: draft("CANCEL sip:placeholder SIP/2.0\r\n"),
    }
}

/// To these destinations one after the other, without anything else.
pub fn plan(destinations: &[&str]) -> ProxyPlan {
    ProxyPlan {
        full_response: true,
        ..ProxyPlan::serial(destinations.iter().copied())
    }
}

/// The same plan with all targets at once.
pub fn at_once(plan: ProxyPlan) -> ProxyPlan {
    let groups = vec![plan.groups.into_iter().flatten().collect()];
    ProxyPlan { groups, ..plan }
}
