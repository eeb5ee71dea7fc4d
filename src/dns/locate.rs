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

#[cfg(test)]
mod tests {
    use super::super::records::{Naptr, Srv};
    use super::*;
    use rand::rngs::StdRng;
    use rand::SeedableRng;

    /// A zone, and what an engine on some listeners makes of it.
    struct Zone {
        answers: Answers,
        listeners: Vec<Listener>,
    }

    impl Zone {
        fn new() -> Zone {
            let mut zone = Zone {
                answers: Answers::new(),
                listeners: Vec::new(),
            };
            for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
                zone.listen(transport, "10.0.0.1");
            }
            zone
        }

        fn listen(&mut self, transport: Transport, address: &str) {
            self.listeners.push(Listener {
                transport,
                local: SocketAddr::new(address.parse().unwrap(), 5060),
                user: None,
                advertised: Default::default(),
            });
        }

        fn naptr(&mut self, name: &str, order: u16, preference: u16, to: (Transport, &str)) {
            let records = self.records(Question::Naptr(name.to_string()));
            records.naptr.push(Naptr {
                order,
                preference,
                transport: to.0,
                replacement: to.1.to_string(),
            });
            let trimmed = std::mem::take(records).trimmed();
            *records = trimmed;
        }

        fn srv(&mut self, name: &str, priority: u16, target: &str, port: u16) {
            let records = self.records(Question::Srv(name.to_string()));
            records.srv.push(Srv {
                priority,
                weight: 0,
                port,
                target: target.to_string(),
            });
        }

        fn address(&mut self, host: &str, address: &str) {
            let records = self.records(Question::Addresses(host.to_string()));
            records.addresses.push(address.parse().unwrap());
        }

        fn records(&mut self, question: Question) -> &mut Records {
            self.answers.entry(question).or_default()
        }

        /// Where the URI's host leads to; what is not in the zone is answered with nothing.
        fn locate(&self, name: &Name) -> Vec<String> {
            let reach = Reach::of(&self.listeners, true);
            let mut known = Answers::new();
            let mut random = StdRng::seed_from_u64(1);
            for _ in 0..10 {
                match locate(name, &reach, &known, &mut random) {
                    Located::At(destinations) => {
                        return destinations
                            .iter()
                            .map(|to| format!("{} {}", to.transport, to.address))
                            .collect()
                    }
                    Located::Ask(questions) => {
                        for question in questions {
                            let found = self.answers.get(&question).cloned();
                            let before = known.insert(question, found.unwrap_or_default());
                            assert!(before.is_none(), "nothing is asked twice");
                        }
                    }
                }
            }
            panic!("there is no end of questions")
        }
    }

    fn name(host: &str) -> Name {
        Name {
            host: host.to_string(),
            port: None,
            transport: None,
            secure: false,
        }
    }

    /// The example of RFC 3263 §4.1.
    fn example() -> Zone {
        let mut zone = Zone::new();
        let tls = (Transport::Tls, "_sips._tcp.example.com");
        zone.naptr("example.com", 50, 50, tls);
        let tcp = (Transport::Tcp, "_sip._tcp.example.com");
        zone.naptr("example.com", 90, 50, tcp);
        let udp = (Transport::Udp, "_sip._udp.example.com");
        zone.naptr("example.com", 100, 50, udp);
        zone.srv("_sips._tcp.example.com", 0, "server1.example.com", 5061);
        zone.srv("_sip._tcp.example.com", 0, "server1.example.com", 5060);
        zone.srv("_sip._tcp.example.com", 1, "server2.example.com", 5060);
        zone.srv("_sip._udp.example.com", 0, "server2.example.com", 5070);
        zone.address("server1.example.com", "10.0.0.21");
        zone.address("server2.example.com", "10.0.0.22");
        zone.address("example.com", "10.0.0.20");
        zone
    }

    #[test]
    fn naptr_records_choose_the_transport() {
        assert_eq!(
            example().locate(&name("example.com")),
            [
                "tls 10.0.0.21:5061",
                "tcp 10.0.0.21:5060",
                "tcp 10.0.0.22:5060",
                "udp 10.0.0.22:5070"
            ]
        );
    }

    #[test]
    fn transports_that_we_have_not_got_are_left_out() {
        let mut zone = example();
        zone.listeners.remove(2);
        zone.listeners.remove(1);
        assert_eq!(zone.locate(&name("example.com")), ["udp 10.0.0.22:5070"]);
    }

    #[test]
    fn a_sips_uri_is_sent_by_secure_transports_only() {
        let wanted = Name {
            secure: true,
            ..name("example.com")
        };
        let mut zone = example();
        assert_eq!(zone.locate(&wanted), ["tls 10.0.0.21:5061"]);
        zone.listeners.pop();
        assert!(zone.locate(&wanted).is_empty());
    }

    #[test]
    fn a_transport_of_the_uri_skips_naptr() {
        let wanted = Name {
            transport: Some(Transport::Tcp),
            ..name("example.com")
        };
        let found = example().locate(&wanted);
        assert_eq!(found, ["tcp 10.0.0.21:5060", "tcp 10.0.0.22:5060"]);
    }

    #[test]
    fn a_port_of_the_uri_leaves_only_the_addresses_of_the_host() {
        let wanted = Name {
            port: Some(5099),
            ..name("example.com")
        };
        assert_eq!(example().locate(&wanted), ["udp 10.0.0.20:5099"]);
        let wanted = Name {
            secure: true,
            ..wanted
        };
        assert_eq!(example().locate(&wanted), ["tls 10.0.0.20:5099"]);
    }

    #[test]
    fn without_naptr_each_transport_has_its_srv_records() {
        let mut zone = example();
        zone.answers.remove(&Question::Naptr("example.com".into()));
        assert_eq!(
            zone.locate(&name("example.com")),
            [
                "udp 10.0.0.22:5070",
                "tcp 10.0.0.21:5060",
                "tcp 10.0.0.22:5060"
            ]
        );
    }

    #[test]
    fn a_host_without_services_is_asked_itself() {
        let mut zone = Zone::new();
        zone.address("phone.example.com", "10.0.0.9");
        let found = zone.locate(&name("phone.example.com"));
        assert_eq!(found, ["udp 10.0.0.9:5060"]);
        let wanted = Name {
            secure: true,
            ..name("phone.example.com")
        };
        assert_eq!(zone.locate(&wanted), ["tls 10.0.0.9:5061"]);
    }

    #[test]
    fn naptr_records_that_lead_to_nothing_we_can_use_do_not_count() {
        let mut zone = Zone::new();
        zone.naptr(
            "example.com",
            1,
            1,
            (Transport::Wss, "_sips._ws.example.com"),
        );
        zone.srv("_sip._udp.example.com", 0, "server.example.com", 5070);
        zone.address("server.example.com", "10.0.0.21");
        assert_eq!(zone.locate(&name("example.com")), ["udp 10.0.0.21:5070"]);
    }

    #[test]
    fn a_service_that_is_decidedly_not_there_is_not_looked_for_at_the_host() {
        let mut zone = Zone::new();
        zone.srv("_sip._udp.example.com", 0, "", 0);
        zone.address("example.com", "10.0.0.20");
        assert!(zone.locate(&name("example.com")).is_empty());
    }

    #[test]
    fn a_name_of_one_label_is_a_host() {
        let mut zone = Zone::new();
        zone.srv("_sip._udp.gateway", 0, "elsewhere.example.com", 5070);
        zone.address("gateway", "10.0.0.9");
        assert_eq!(zone.locate(&name("gateway")), ["udp 10.0.0.9:5060"]);
    }

    #[test]
    fn families_without_a_listener_are_left_out_and_ipv6_goes_first() {
        let mut zone = Zone::new();
        zone.address("example.com", "10.0.0.9");
        zone.address("example.com", "2001:db8::9");
        assert_eq!(zone.locate(&name("example.com")), ["udp 10.0.0.9:5060"]);
        zone.listen(Transport::Udp, "2001:db8::1");
        assert_eq!(
            zone.locate(&name("example.com")),
            ["udp [2001:db8::9]:5060", "udp 10.0.0.9:5060"]
        );
        // The loopback does not lead to the world.
        zone.listeners.pop();
        zone.listen(Transport::Udp, "::1");
        assert_eq!(
            zone.locate(&name("example.com")),
            ["udp 10.0.0.9:5060", "udp [2001:db8::9]:5060"]
        );
    }

    #[test]
    fn a_zone_of_thousands_of_records_leads_to_a_few_destinations() {
        let mut zone = Zone::new();
        for number in 0..3_000 {
            let service = format!("_sip._udp.s{number}.example.com");
            zone.naptr("example.com", number, 0, (Transport::Udp, &service));
            for server in 0..20 {
                let host = format!("h{number}-{server}.example.com");
                zone.srv(&service, 0, &host, 5060);
                let address = format!("10.{}.{}.{server}", number / 250, number % 250);
                zone.address(&host, &address);
            }
        }
        let found = zone.locate(&name("example.com"));
        assert_eq!(found.len(), MAX_DESTINATIONS);
    }
}
