//! The ways to a next hop: several where DNS names several, or where a large request leaves UDP
//! (RFC 3263 §4.3, RFC 3261 §18.1.1).

use std::collections::VecDeque;
use std::time::Instant;

use super::event::Refusal;
use super::path::{Path, Transport};
use super::random::Branch;
use super::target::{server_host, Destination, Hop, Target};
use super::{limits, Engine};
use crate::message::{Message, Uri};

/// The ways to a next hop, best first.
#[derive(Debug, Clone)]
pub(crate) struct Ways {
    /// The best of them.
    pub(crate) first: Path,
    /// Those to take when it fails.
    others: VecDeque<Way>,
    /// DNS has chosen them, so that there may be better ones another time.
    named: bool,
    /// The URI leaves the transport to us.
    free: bool,
}

#[derive(Debug, Clone, Copy)]
struct Way {
    path: Path,
    /// Only if nothing could be sent by the way before: RFC 3261 §18.1.1 falls back to UDP when
    /// TCP is refused, not when it is silent.
    after_refusal: bool,
}

/// Why a destination is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No response at all came in time (timers B and F).
    Silent,
    /// The transport has failed.
    Unsent,
    /// It has answered 503, perhaps with a Retry-After in seconds.
    Unavailable(Option<u32>),
}

/// What a client transaction keeps of the ways that it has not tried.
#[derive(Debug)]
pub(crate) struct Fallback {
    others: VecDeque<Way>,
    named: bool,
    /// When the present destination was first tried.
    pub(super) since: Instant,
}

impl Engine {
    /// The ways to the next hop of a request, which must be secure for one to a `sips:` URI.
    /// `resolved` holds the destinations of its host name once they are known.
    pub(super) fn ways_to(
        &mut self,
        next_hop: &str,
        secure: bool,
        resolved: Option<&[Destination]>,
    ) -> Result<Hop, Refusal> {
        let uri = Uri::parse(next_hop);
        let uri = uri.map_err(|_| Refusal::InvalidRequestUri(next_hop.to_string()))?;
        if let Some(flow) = self.flow_named_by(&uri) {
            return flow.map(|path| Hop::Ready(Ways::only(path)));
        }
        let target = Target::of(&uri, secure)?;
        let free = target.leaves_transport_open();
        let path_to = |destination| self.listeners.path_to(destination);
        let ways = match (target, resolved) {
            (Target::Address(numeric), _) => {
                numeric.destinations().find_map(path_to).map(Ways::only)
            }
            (Target::Name(name), Some([])) => return Err(Refusal::NameNotResolved(name.host)),
            (Target::Name(_), Some(destinations)) => {
                let paths = destinations.iter().copied().filter_map(path_to);
                Ways::named(paths.take(limits::MAX_DESTINATIONS))
            }
            (Target::Name(name), None) => return Ok(Hop::Named(name)),
        };
        let mut ways = ways.ok_or(Refusal::TransportNotAvailable)?;
        ways.free = free;
        for path in ways.paths_mut().filter(|path| path.transport.is_secure()) {
            path.server = server_host(next_hop).map(|host| self.server_names.id(&host));
        }
        Ok(Hop::Ready(ways))
    }

    /// The configured next hop of a new request to this URI: a client that is reached only the
    /// way it came is not beyond any proxy.
    pub(super) fn outbound_proxy_for(&self, uri: &str) -> Option<String> {
        let proxy = self.next_hop.outbound_proxy.as_ref()?;
        self.flow_to(uri).is_none().then(|| proxy.clone())
    }

    /// Sends a request that is too large for a datagram by TCP instead (§18.1.1), if the URI
    /// leaves that to us and there is a listener for it. TCP that has failed of late is not
    /// tried again so soon.
    pub(super) fn leave_udp_if_large(
        &mut self,
        now: Instant,
        ways: &mut Ways,
        request: &Message,
    ) -> bool {
        let Some(limit) = self.next_hop.udp_request_limit else {
            return false;
        };
        if request.text().len() <= limit || !ways.may_leave_udp() {
            return false;
        }
        let instead = Destination {
            transport: Transport::Tcp,
            address: ways.first.peer,
        };
        if self.failed_targets.is_avoided(now, &instead) {
            return false;
        }
        match self.listeners.path_to(instead) {
            Some(path) => {
                ways.put_first(path);
                true
            }
            None => false,
        }
    }

    /// The same for a request that was composed for the first of `ways`.
    pub(super) fn fit_to_transport(
        &mut self,
        now: Instant,
        ways: &mut Ways,
        branch: Branch,
        request: Message,
    ) -> Result<Message, Refusal> {
        let composed_for = ways.first;
        if !self.leave_udp_if_large(now, ways, &request) {
            return Ok(request);
        }
        self.readdressed(&request, &composed_for, &ways.first, branch)
            .ok_or(Refusal::TransportNotAvailable)
    }
}

impl Ways {
    /// One way, that nobody has looked up.
    pub(crate) fn only(path: Path) -> Ways {
        Ways {
            first: path,
            others: VecDeque::new(),
            named: false,
            free: false,
        }
    }

    /// The ways that a name has led to; `None` if there is none.
    fn named(mut paths: impl Iterator<Item = Path>) -> Option<Ways> {
        Some(Ways {
            first: paths.next()?,
            others: paths.map(Way::always).collect(),
            named: true,
            free: false,
        })
    }

    fn paths_mut(&mut self) -> impl Iterator<Item = &mut Path> {
        let others = self.others.iter_mut().map(|way| &mut way.path);
        std::iter::once(&mut self.first).chain(others)
    }

    /// Puts the ways to this destination before the others: where a peer was heard last, the
    /// next message of the dialog goes too.
    pub(crate) fn prefer(&mut self, destination: Destination) {
        if Destination::of(&self.first) == destination {
            return;
        }
        let at = self
            .others
            .iter()
            .position(|way| Destination::of(&way.path) == destination);
        if let Some(way) = at.and_then(|at| self.others.remove(at)) {
            let before = std::mem::replace(&mut self.first, way.path);
            self.others.push_front(Way::always(before));
        }
    }

    /// True if the first way is by UDP and may as well be by TCP.
    pub(crate) fn may_leave_udp(&self) -> bool {
        self.free && self.first.transport == Transport::Udp
    }

    /// Takes another way first; the present one is for when that is refused.
    pub(crate) fn put_first(&mut self, path: Path) {
        let before = std::mem::replace(&mut self.first, path);
        self.others.push_front(Way {
            path: before,
            after_refusal: true,
        });
    }

    /// What a transaction must keep when it takes the first way. `None` if there is no other and
    /// nothing to be learnt.
    pub(crate) fn into_fallback(self, now: Instant) -> Option<Box<Fallback>> {
        let keeps = self.named || !self.others.is_empty();
        keeps.then(|| {
            Box::new(Fallback {
                others: self.others,
                named: self.named,
                since: now,
            })
        })
    }
}

impl Way {
    fn always(path: Path) -> Way {
        Way {
            path,
            after_refusal: false,
        }
    }
}

impl Fallback {
    /// The way to take after this failure.
    pub(crate) fn next(&mut self, failure: Failure) -> Option<Path> {
        while let Some(way) = self.others.pop_front() {
            if failure == Failure::Unsent || !way.after_refusal {
                return Some(way.path);
            }
        }
        None
    }

    /// True if what happens to the present destination is worth remembering: another one would
    /// have been there, or may be the next time.
    pub(crate) fn teaches(&self) -> bool {
        self.named || !self.others.is_empty()
    }
}

impl Destination {
    pub(crate) fn of(path: &Path) -> Destination {
        Destination {
            transport: path.transport,
            address: path.peer,
        }
    }
}
