//! A simulated network of SIP elements on virtual time.
//!
//! Nodes are engines with an application each; phones are raw peers that a test plays by hand,
//! byte by byte. What happens follows from the seed alone, and hours pass in milliseconds: time
//! jumps from one event to the next.
//!
//! Most tests begin with a scene:
//!
//! | what there is | where |
//! |---|---|
//! | a request that the application, or a phone, is to answer | `inbound.rs`, `outbound.rs` |
//! | a call that is up, either way; what the two sides do in it | `calls.rs`, `in_call.rs` |
//! | a call that is not up yet, with reliable responses; one that forks | `early.rs`, `forks.rs` |
//! | a request to be proxied; a search for its callee that has begun | `proxying.rs`, `search.rs` |
//! | a call whose route the proxy has recorded | `recorded.rs` |
//! | applications that play every kind of call | `parties.rs` |
//!
//! Every test also checks what must hold in each of them, see [`contract`].

mod app;
mod calls;
mod contract;
mod early;
mod forks;
mod in_call;
mod inbound;
mod nat;
mod network;
mod node;
mod outbound;
mod parties;
mod phone;
mod proxying;
mod recorded;
mod script;
mod search;
mod sip;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use drachtio::engine::{
    Command, ConnectionId, Destination, Name, Path, QueryId, SendFailure, SendToken, Transport,
};
use rand::rngs::StdRng;
use rand::SeedableRng;

pub use app::{App, Desk};
pub use early::EarlyCall;
pub use forks::tags;
pub use network::Link;
pub use node::{
    at_once, cancel, plan, request, request_all_forks, request_in, request_via, respond, sent,
    Node, Sent, Told,
};
pub use parties::{Kind, Play};
pub use phone::{Heard, Phone};
pub use proxying::Proxying;
pub use recorded::{Party, RecordedCall};
pub use script::{Lips, Script};

pub use sip::{
    answer, companion, cseq, draft, routes, rseq, to_tag, uri_of, value, with_branch, without_line,
    Ua, ACK, BUSY, BYE, INFO, OK, REINVITE, RINGING, UPDATE,
};

use contract::Contract;
use network::{Network, Place};
use node::NodeState;
use phone::PhoneState;

/// More steps than this without an end are a loop.
const MAX_STEPS: u64 = 50_000_000;

/// How many lines of what went over the wire are shown when a test fails.
const SHOWN_LINES: usize = 60;

/// Nodes, phones, and the network between them.
pub struct World {
    seed: u64,
    start: Instant,
    now: Instant,
    rng: StdRng,
    agenda: BinaryHeap<Reverse<Entry>>,
    /// Numbers the entries, so that equal times keep their order.
    order: u64,
    /// Entries that stand for something on its way, not for a plan.
    in_flight: usize,
    nodes: Vec<NodeState>,
    phones: Vec<PhoneState>,
    network: Network,
    names: HashMap<String, Vec<IpAddr>>,
    services: HashMap<String, Vec<Destination>>,
    look_up_time: Duration,
    contract: Contract,
    shown: VecDeque<String>,
    /// Messages that contain this are printed: the environment variable WATCH.
    watched: Option<String>,
}

struct Entry {
    at: Instant,
    order: u64,
    what: What,
}

enum What {
    /// A datagram arrives.
    Datagram { path: Path, payload: Bytes },
    /// Bytes arrive over a connection, at the end `side` of it.
    Segment {
        connection: usize,
        side: usize,
        payload: Bytes,
    },
    /// A node learns that a message could not be sent.
    Unsent { node: usize, token: SendToken },
    /// A node learns that a connection has ended.
    Closed { node: usize, id: ConnectionId },
    /// A name has been looked up.
    Resolved {
        node: usize,
        id: QueryId,
        destinations: Vec<Destination>,
    },
    /// An application gives a command that it has planned.
    Command { node: usize, command: Command },
    /// An application wanted to be woken.
    Alarm { node: usize, alarm: u64 },
    /// A scripted phone wanted to be woken.
    PhoneAlarm { phone: usize, alarm: u64 },
}

impl What {
    fn is_in_flight(&self) -> bool {
        !matches!(
            self,
            What::Command { .. } | What::Alarm { .. } | What::PhoneAlarm { .. }
        )
    }
}

impl World {
    /// An empty world. The same seed gives the same course of events.
    pub fn new(seed: u64) -> World {
        let start = Instant::now();
        World {
            seed,
            start,
            now: start,
            rng: StdRng::seed_from_u64(seed),
            agenda: BinaryHeap::new(),
            order: 0,
            in_flight: 0,
            nodes: Vec::new(),
            phones: Vec::new(),
            network: Network::default(),
            names: HashMap::new(),
            services: HashMap::new(),
            look_up_time: Duration::from_millis(5),
            contract: Contract::default(),
            shown: VecDeque::new(),
            watched: std::env::var("WATCH").ok(),
        }
    }

    /// The virtual time that has passed since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// What the network does from now on.
    pub fn set_link(&mut self, link: Link) {
        self.network.link = link;
    }

    /// Nothing that is sent to this address arrives, and nobody is told.
    pub fn swallow(&mut self, address: &str) {
        self.network.swallowed.push(address.parse().unwrap());
    }

    /// Sending to this address fails at once, on every transport.
    pub fn cut_off(&mut self, address: &str) {
        self.network.unreachable.push(address.parse().unwrap());
    }

    /// What a name resolves to; every other name has no address.
    pub fn name(&mut self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        self.names.insert(name.to_string(), addresses);
    }

    /// Where the SRV records of a domain lead to, in the order they are to be tried.
    pub fn service(&mut self, domain: &str, destinations: &[(Transport, &str)]) {
        let destinations = destinations.iter().map(|(transport, text)| Destination {
            transport: *transport,
            address: text.parse().unwrap(),
        });
        self.services
            .insert(domain.to_string(), destinations.collect());
    }

    /// What a look-up finds.
    fn look_up(&self, name: &Name) -> Vec<Destination> {
        if let (Some(found), None) = (self.services.get(&name.host), name.port) {
            return found.clone();
        }
        let transport = match (name.transport, name.secure) {
            (Some(transport), _) => transport,
            (None, true) => Transport::Tls,
            (None, false) => Transport::Udp,
        };
        let port = name.port.unwrap_or(transport.default_port());
        let found = self.names.get(&name.host).into_iter().flatten();
        found
            .map(|address| Destination {
                transport,
                address: SocketAddr::new(*address, port),
            })
            .collect()
    }

    /// How long a look-up takes from now on.
    pub fn set_look_up_time(&mut self, time: Duration) {
        self.look_up_time = time;
    }

    /// Runs until nothing is on its way any more, without waiting for any timer.
    pub fn settle(&mut self) {
        let mut steps = 0;
        while self.in_flight > 0 {
            self.step();
            self.count_step(&mut steps);
        }
    }

    /// Lets this much time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        let mut steps = 0;
        while self.next().is_some_and(|next| next <= end) {
            self.step();
            self.count_step(&mut steps);
        }
        self.now = end;
    }

    /// Lets this many milliseconds pass.
    pub fn run_ms(&mut self, milliseconds: u64) {
        self.run(Duration::from_millis(milliseconds));
    }

    /// Lets this many seconds pass.
    pub fn run_secs(&mut self, seconds: u64) {
        self.run(Duration::from_secs(seconds));
    }

    /// Runs until nobody plans anything any more.
    pub fn run_until_idle(&mut self) {
        let mut steps = 0;
        while self.step() {
            self.count_step(&mut steps);
        }
    }

    /// Runs to the end and checks what must be true there: every table is empty and everybody
    /// has got their answers.
    pub fn finish(mut self) {
        self.run_until_idle();
        self.hang_up_all();
        self.run_until_idle();
        for (at, node) in self.nodes.iter().enumerate() {
            let census = node.engine.census();
            let is_empty = census.is_empty() && census.connections == 0;
            assert!(is_empty, "node {at} still holds {census:?}");
        }
        self.contract.finish();
    }

    /// Checks that every command and every request has got what it waits for.
    pub fn everybody_is_answered(&self) {
        self.contract.finish();
    }

    /// Does what comes next; false if there is nothing.
    fn step(&mut self) -> bool {
        let Some(next) = self.next() else {
            return false;
        };
        self.now = next;
        let due = self
            .agenda
            .peek()
            .is_some_and(|Reverse(entry)| entry.at <= next);
        if due {
            let Reverse(entry) = self.agenda.pop().unwrap();
            self.in_flight -= usize::from(entry.what.is_in_flight());
            self.perform(entry.what);
        } else {
            self.run_timers();
        }
        true
    }

    fn next(&self) -> Option<Instant> {
        let planned = self.agenda.peek().map(|Reverse(entry)| entry.at);
        let timers = self
            .nodes
            .iter()
            .filter_map(|node| node.engine.poll_timeout());
        timers.chain(planned).min().map(|next| next.max(self.now))
    }

    fn perform(&mut self, what: What) {
        match what {
            What::Datagram { path, payload } => self.arrive(path, payload),
            What::Segment {
                connection,
                side,
                payload,
            } => self.segment_arrives(connection, side, &payload),
            What::Unsent { node, token } => {
                self.nodes[node].engine.handle_send_failure(
                    self.now,
                    token,
                    SendFailure::Unreachable,
                );
                self.drain(node);
            }
            What::Closed { node, id } => {
                let engine = &mut self.nodes[node].engine;
                engine.handle_connection_closed(self.now, id);
                self.drain(node);
            }
            What::Resolved {
                node,
                id,
                destinations,
            } => {
                let engine = &mut self.nodes[node].engine;
                engine.handle_resolved(self.now, id, &destinations);
                self.drain(node);
            }
            // An application that has gone can't do what it had planned.
            What::Command { node, command } if self.contract.is_gone(node, command.app) => {}
            What::Command { node, command } => self.command(node, command),
            What::Alarm { node, alarm } => self.ring(node, alarm),
            What::PhoneAlarm { phone, alarm } => self.ring_phone(phone, alarm),
        }
    }

    /// A message reaches whoever has that address.
    fn arrive(&mut self, path: Path, payload: Bytes) {
        match self.network.at(path.transport, path.local) {
            Some(Place::Node(node)) => {
                let engine = &mut self.nodes[node].engine;
                engine.handle_message(self.now, path, payload);
                self.drain(node);
            }
            Some(Place::Phone(phone)) => self.phone_hears(phone, path, payload),
            None => {}
        }
    }

    fn plan(&mut self, at: Instant, what: What) {
        self.in_flight += usize::from(what.is_in_flight());
        self.order += 1;
        let order = self.order;
        self.agenda.push(Reverse(Entry { at, order, what }));
    }

    fn count_step(&self, steps: &mut u64) {
        *steps += 1;
        assert!(*steps < MAX_STEPS, "the world does not come to rest");
    }

    fn show(&mut self, from: SocketAddr, to: SocketAddr, transport: Transport, payload: &[u8]) {
        if let Some(watched) = &self.watched {
            let text = String::from_utf8_lossy(payload);
            if text.contains(watched) {
                eprintln!("{:?} {from} -> {to}\n{text}", self.elapsed());
            }
        }
        if self.shown.len() >= SHOWN_LINES {
            self.shown.pop_front();
        }
        let line = payload.split(|byte| *byte == b'\r').next().unwrap();
        let line = String::from_utf8_lossy(&line[..line.len().min(90)]).into_owned();
        let at = self.elapsed().as_secs_f64();
        self.shown
            .push_back(format!("{at:10.3} {from} -> {to} {transport} {line}"));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in &self.shown {
                eprintln!("{line}");
            }
            eprintln!("seed {} at {:?}", self.seed, self.elapsed());
        }
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
