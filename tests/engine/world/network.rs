//! What lies between the elements: datagrams that get lost, doubled, delayed and overtaken, and
//! connections that keep the order but break.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use drachtio::engine::{ConnectionId, Path, SendToken, Transport};
use drachtio::message::{Frame, StreamFramer};
use rand::RngExt;

use super::nat::{inward, outward, Translator};
use super::{What, World};

/// How long a connection attempt takes that nobody answers.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The quality of the network.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// What every message takes.
    pub delay: Duration,
    /// What a message may take more, so that messages overtake each other.
    pub jitter: Duration,
    /// The share of datagrams that is lost, 0 to 1.
    pub loss: f64,
    /// The share of datagrams that arrives twice, 0 to 1.
    pub duplication: f64,
    /// Streams arrive in pieces of any size rather than message by message.
    pub splits: bool,
}

impl Link {
    /// Every message arrives once, after 5 ms.
    pub fn good() -> Link {
        Link {
            delay: Duration::from_millis(5),
            jitter: Duration::ZERO,
            loss: 0.0,
            duplication: 0.0,
            splits: false,
        }
    }

    /// A fifth gets lost, a fifth is doubled, and everything is overtaken.
    pub fn bad() -> Link {
        Link {
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(400),
            loss: 0.2,
            duplication: 0.2,
            splits: true,
        }
    }
}

/// Who has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Node(usize),
    Phone(usize),
}

pub(super) struct Network {
    pub(super) link: Link,
    pub(super) swallowed: Vec<IpAddr>,
    pub(super) unreachable: Vec<IpAddr>,
    pub(super) translators: Vec<Translator>,
    places: HashMap<(Transport, SocketAddr), Place>,
    connections: Vec<Connection>,
    by_id: HashMap<ConnectionId, (usize, usize)>,
    by_peer: HashMap<(Place, Transport, SocketAddr), (usize, usize)>,
    next_port: u16,
}

/// A connection: side 0 has opened it, side 1 has accepted it.
struct Connection {
    sides: [Side; 2],
    is_open: bool,
}

struct Side {
    place: Place,
    path: Path,
    framer: StreamFramer,
    /// Nothing arrives before what was sent before.
    not_before: Instant,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            link: Link::good(),
            swallowed: Vec::new(),
            unreachable: Vec::new(),
            translators: Vec::new(),
            places: HashMap::new(),
            connections: Vec::new(),
            by_id: HashMap::new(),
            by_peer: HashMap::new(),
            next_port: 40_000,
        }
    }
}

impl Network {
    pub(super) fn settle_in(&mut self, transport: Transport, address: SocketAddr, place: Place) {
        let before = self.places.insert((transport, address), place);
        assert!(before.is_none(), "{address} is taken");
    }

    pub(super) fn at(&self, transport: Transport, address: SocketAddr) -> Option<Place> {
        self.places.get(&(transport, address)).copied()
    }
}

impl World {
    /// Carries a message of a node's or phone's.
    pub(super) fn carry(
        &mut self,
        from: Place,
        path: Path,
        payload: Bytes,
        token: Option<SendToken>,
    ) {
        self.show(path.local, path.peer, path.transport, &payload);
        if self.network.unreachable.contains(&path.peer.ip()) {
            self.report_unsent(from, token, Duration::ZERO);
        } else if path.transport == Transport::Udp {
            self.carry_datagram(path, &payload);
        } else {
            self.carry_stream(from, path, &payload, token);
        }
    }

    fn carry_datagram(&mut self, path: Path, payload: &Bytes) {
        let Link {
            loss, duplication, ..
        } = self.network.link;
        let lost = self.rng.random_bool(loss);
        let doubled = self.rng.random_bool(duplication);
        if lost || self.is_swallowed(path.local, path.peer) {
            return;
        }
        let source = outward(&mut self.network.translators, path.local, path.peer);
        let Some(goal) = inward(&self.network.translators, source, path.peer) else {
            return;
        };
        for _ in 0..1 + usize::from(doubled) {
            let at = self.now + self.travel_time();
            let arriving = Path {
                local: goal,
                peer: source,
                ..path
            };
            let payload = payload.clone();
            let path = arriving;
            self.plan(at, What::Datagram { path, payload });
        }
    }

    fn carry_stream(&mut self, from: Place, path: Path, payload: &Bytes, token: Option<SendToken>) {
        let (connection, side) = match self.connection_for(from, &path) {
            Some(known) => known,
            None if self.is_swallowed(path.local, path.peer)
                || inward(&self.network.translators, path.local, path.peer).is_none() =>
            {
                return self.report_unsent(from, token, CONNECT_TIMEOUT);
            }
            None => match self.network.at(path.transport, path.peer) {
                Some(to) => (self.connect(from, to, path), 0),
                None => return self.report_unsent(from, token, self.network.link.delay),
            },
        };
        let id = self.network.connections[connection].sides[side]
            .path
            .connection;
        if let (Place::Node(node), Some(token), Some(id)) = (from, token, id) {
            self.nodes[node].engine.handle_connection_used(token, id);
        }
        let mut rest = payload.clone();
        while !rest.is_empty() {
            let piece = if self.network.link.splits {
                self.rng.random_range(1..=rest.len())
            } else {
                rest.len()
            };
            let payload = rest.split_to(piece);
            let soonest = self.now + self.travel_time();
            let side = 1 - side;
            let arrives = &mut self.network.connections[connection].sides[side].not_before;
            *arrives = soonest.max(*arrives);
            let at = *arrives;
            let what = What::Segment {
                connection,
                side,
                payload,
            };
            self.plan(at, what);
        }
    }

    fn connection_for(&self, from: Place, path: &Path) -> Option<(usize, usize)> {
        let network = &self.network;
        let named = path.connection.and_then(|id| network.by_id.get(&id));
        let peer = (from, path.transport, path.peer);
        let known = named.or_else(|| network.by_peer.get(&peer));
        known
            .copied()
            .filter(|(connection, _)| network.connections[*connection].is_open)
            .or_else(|| {
                let known = network.by_peer.get(&peer).copied()?;
                network.connections[known.0].is_open.then_some(known)
            })
    }

    fn connect(&mut self, from: Place, to: Place, path: Path) -> usize {
        let network = &mut self.network;
        network.next_port += 1;
        let source = SocketAddr::new(path.local.ip(), network.next_port);
        let source = outward(&mut network.translators, source, path.peer);
        let at = network.connections.len();
        let mut side = |place, local, peer, number| {
            let id = ConnectionId(2 * at as u64 + number);
            network.by_id.insert(id, (at, number as usize));
            let end = (place, path.transport, peer);
            network.by_peer.insert(end, (at, number as usize));
            Side {
                place,
                path: Path {
                    transport: path.transport,
                    local,
                    peer,
                    connection: Some(id),
                    server: None,
                },
                framer: StreamFramer::new(),
                not_before: self.now,
            }
        };
        let sides = [
            side(from, path.local, path.peer, 0),
            side(to, path.peer, source, 1),
        ];
        network.connections.push(Connection {
            sides,
            is_open: true,
        });
        at
    }

    pub(super) fn segment_arrives(&mut self, connection: usize, side: usize, payload: &[u8]) {
        let Connection { sides, is_open } = &mut self.network.connections[connection];
        if !*is_open {
            return;
        }
        let side = &mut sides[side];
        let (place, path) = (side.place, side.path);
        side.framer.push(payload);
        let mut messages = Vec::new();
        let broken = loop {
            match side.framer.next() {
                Ok(Some(Frame::Message(message))) => messages.push(message),
                Ok(Some(_)) => {}
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        for payload in messages {
            match place {
                Place::Node(node) => {
                    let engine = &mut self.nodes[node].engine;
                    engine.handle_message(self.now, path, payload);
                    self.drain(node);
                }
                Place::Phone(phone) => self.phone_hears(phone, path, payload),
            }
        }
        if broken {
            self.close_where(|at, _| at == connection);
        }
    }

    /// Closes every connection that ends here.
    pub(super) fn hang_up(&mut self, place: Place) {
        self.close_where(|_, connection| connection.sides.iter().any(|side| side.place == place));
    }

    /// Closes every connection.
    pub(super) fn hang_up_all(&mut self) {
        self.close_where(|_, _| true);
    }

    fn close_where(&mut self, is_meant: impl Fn(usize, &Connection) -> bool) {
        let mut closed = Vec::new();
        for (at, connection) in self.network.connections.iter_mut().enumerate() {
            if connection.is_open && is_meant(at, connection) {
                connection.is_open = false;
                let ends = connection.sides.iter();
                closed.extend(ends.map(|side| (side.place, side.path.connection)));
            }
        }
        for (place, id) in closed {
            if let (Place::Node(node), Some(id)) = (place, id) {
                let at = self.now + self.network.link.delay;
                self.plan(at, What::Closed { node, id });
            }
        }
    }

    /// How many connections have been opened so far.
    pub fn connections_made(&self) -> usize {
        self.network.connections.len()
    }

    fn report_unsent(&mut self, from: Place, token: Option<SendToken>, after: Duration) {
        if let (Place::Node(node), Some(token)) = (from, token) {
            self.plan(self.now + after, What::Unsent { node, token });
        }
    }

    fn is_swallowed(&self, from: SocketAddr, to: SocketAddr) -> bool {
        let swallowed = &self.network.swallowed;
        swallowed.contains(&from.ip()) || swallowed.contains(&to.ip())
    }

    fn travel_time(&mut self) -> Duration {
        let Link { delay, jitter, .. } = self.network.link;
        delay + jitter.mul_f64(self.rng.random::<f64>())
    }
}
