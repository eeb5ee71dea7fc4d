//! From records to destinations (RFC 3263 §4.1, §4.2), without a socket: says what must be asked
//! until everything is known.

use std::net::{IpAddr, SocketAddr};

use rand::Rng;

use super::order::ordered;
use super::records::{srv_name, Answers, Question, Records};
use crate::engine::limits::MAX_DESTINATIONS;
use crate::engine::{transports, Destination, Listener, Name, Transport};

/// What this engine can send by.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    listeners: Vec<(Transport, IpAddr)>,
    /// Ask for NAPTR records.
    pub(super) naptr: bool,
}

/// How far a look-up has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Located {
    /// These must be asked, at the same time.
    Ask(Vec<Question>),
    /// Where the name leads to, best first. Nowhere, perhaps.
    At(Vec<Destination>),
}

impl Reach {
    pub(super) fn of(listeners: &[Listener], naptr: bool) -> Reach {
        let listeners = listeners
            .iter()
            .map(|listener| (listener.transport, listener.local.ip()));
        Reach {
            listeners: listeners.collect(),
            naptr,
        }
    }

    fn has(&self, transport: Transport) -> bool {
        self.listeners.iter().any(|(known, _)| *known == transport)
    }

    pub(super) fn has_ipv4(&self) -> bool {
        self.listeners.iter().any(|(_, local)| local.is_ipv4())
    }

    pub(super) fn has_ipv6(&self) -> bool {
        self.listeners.iter().any(|(_, local)| local.is_ipv6())
    }

    /// The addresses that this transport can be spoken to: IPv6 before IPv4, and last those that
    /// only a listener of another scope could reach.
    fn sort(&self, transport: Transport, addresses: &[IpAddr]) -> Vec<IpAddr> {
        let mut sorted: Vec<(bool, bool, IpAddr)> = addresses
            .iter()
            .filter_map(|address| {
                let mut scopes = self
                    .listeners
                    .iter()
                    .filter(|(known, local)| {
                        *known == transport && local.is_ipv4() == address.is_ipv4()
                    })
                    .map(|(_, local)| local.is_loopback() == address.is_loopback())
                    .peekable();
                scopes.peek()?;
                Some((!scopes.any(|fits| fits), address.is_ipv4(), *address))
            })
            .collect();
        sorted.sort_by_key(|(misfit, is_ipv4, _)| (*misfit, *is_ipv4));
        sorted.into_iter().map(|(_, _, address)| address).collect()
    }
}

/// A server that may be tried.
struct Server {
    transport: Transport,
    host: String,
    port: u16,
}

/// Where a name leads to, from what is known.
pub(super) fn locate(
    name: &Name,
    reach: &Reach,
    answers: &Answers,
    random: &mut impl Rng,
) -> Located {
    let mut servers = Vec::new();
    let mut missing = Vec::new();
    if name.port.is_some() || is_relative(&name.host) {
        servers.extend(host_itself(name, reach));
    } else {
        match services(name, reach, answers) {
            Err(questions) => missing = questions,
            Ok(services) => servers = servers_of(name, reach, &services, answers, random),
        }
    }
    let mut destinations = Vec::new();
    for server in servers {
        let question = Question::Addresses(server.host);
        let Some(found) = answers.get(&question) else {
            if !missing.contains(&question) {
                missing.push(question);
            }
            continue;
        };
        for address in reach.sort(server.transport, &found.addresses) {
            let destination = Destination {
                transport: server.transport,
                address: SocketAddr::new(address, server.port),
            };
            if destinations.len() < MAX_DESTINATIONS && !destinations.contains(&destination) {
                destinations.push(destination);
            }
        }
    }
    if missing.is_empty() {
        Located::At(destinations)
    } else {
        Located::Ask(missing)
    }
}

/// A name of one label is a host of the neighbourhood: there are no services in its domain.
fn is_relative(host: &str) -> bool {
    !host.trim_end_matches('.').contains('.')
}

/// The names of the SRV records to use, best first, with their transports; or what must be asked
/// to know. NAPTR records decide; if there are none, each transport that will do has its name.
/// All is asked at once, which takes one round trip in most cases.
fn services(
    name: &Name,
    reach: &Reach,
    answers: &Answers,
) -> Result<Vec<(Transport, String)>, Vec<Question>> {
    let usual: Vec<(Transport, String)> = usual_transports(name)
        .into_iter()
        .filter(|transport| reach.has(*transport))
        .map(|transport| (transport, srv_name(transport, &name.host)))
        .collect();
    let asks_naptr = name.transport.is_none() && reach.naptr;
    let naptr = asks_naptr.then(|| Question::Naptr(name.host.clone()));
    if let Some(naptr) = &naptr {
        let Some(found) = answers.get(naptr) else {
            let srv = usual.into_iter().map(|(_, name)| Question::Srv(name));
            let first = [naptr.clone(), Question::Addresses(name.host.clone())];
            return Err(first.into_iter().chain(srv).collect());
        };
        let pointed = pointed_services(name, reach, found);
        if !pointed.is_empty() {
            return check(pointed, answers);
        }
    }
    check(usual, answers)
}

/// The services that NAPTR records point to, by order and preference.
fn pointed_services(name: &Name, reach: &Reach, found: &Records) -> Vec<(Transport, String)> {
    let usable = found
        .naptr
        .iter()
        .filter(|naptr| reach.has(naptr.transport))
        .filter(|naptr| naptr.transport.is_secure() || !name.secure);
    usable
        .map(|naptr| (naptr.transport, naptr.replacement.clone()))
        .collect()
}

fn check(
    services: Vec<(Transport, String)>,
    answers: &Answers,
) -> Result<Vec<(Transport, String)>, Vec<Question>> {
    let missing: Vec<Question> = services
        .iter()
        .map(|(_, name)| Question::Srv(name.clone()))
        .filter(|question| !answers.contains_key(question))
        .collect();
    if missing.is_empty() {
        Ok(services)
    } else {
        Err(missing)
    }
}

/// The transports whose SRV records are looked for without a NAPTR record.
fn usual_transports(name: &Name) -> Vec<Transport> {
    transports(name.transport, name.secure).to_vec()
}

/// The servers of these services. If no service has a record the host itself is one (§4.2); one
/// whose target is the root is decidedly not there (RFC 2782).
fn servers_of(
    name: &Name,
    reach: &Reach,
    services: &[(Transport, String)],
    answers: &Answers,
    random: &mut impl Rng,
) -> Vec<Server> {
    let mut servers = Vec::new();
    let mut exists = false;
    for (transport, service) in services {
        let Some(found) = answers.get(&Question::Srv(service.clone())) else {
            continue;
        };
        exists |= !found.srv.is_empty();
        for srv in ordered(&found.srv, random) {
            if !srv.target.is_empty() && srv.port != 0 {
                servers.push(Server {
                    transport: *transport,
                    host: srv.target.clone(),
                    port: srv.port,
                });
            }
        }
    }
    if !exists {
        servers.extend(host_itself(name, reach));
    }
    servers
}

/// The host by the first transport that will do, at the port of the URI or the usual one.
fn host_itself(name: &Name, reach: &Reach) -> Option<Server> {
    let transport = usual_transports(name)
        .into_iter()
        .find(|transport| reach.has(*transport))?;
    Some(Server {
        transport,
        host: name.host.clone(),
        port: name.port.unwrap_or(transport.default_port()),
    })
}
