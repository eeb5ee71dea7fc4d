//! RFC 3261 §16.6 item 4, RFC 5658 §4.2, RFC 7118 §5: a call between any two transports and
//! address families goes through the proxy in both directions, to its end.

use crate::world::{answer, plan, routes, Heard, Node, Phone, Ua, World};
use drachtio::engine::Transport;
use drachtio::message::{HeaderId, NameAddr, Uri};

const TRANSPORTS: [Transport; 5] = [
    Transport::Udp,
    Transport::Tcp,
    Transport::Tls,
    Transport::Ws,
    Transport::Wss,
];

/// How one party of a call speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    transport: Transport,
    is_v6: bool,
}

impl Kind {
    fn all() -> Vec<Kind> {
        let kind = |is_v6| move |transport| Kind { transport, is_v6 };
        let v4 = TRANSPORTS.into_iter().map(kind(false));
        v4.chain(TRANSPORTS.into_iter().map(kind(true))).collect()
    }

    fn host(self, number: u8) -> String {
        if self.is_v6 {
            format!("[2001:db8::{number}]")
        } else {
            format!("10.0.0.{number}")
        }
    }

    /// The proxy, as this party reaches it.
    fn proxy(self) -> String {
        let port = self.transport.default_port();
        format!("{}:{port}", self.host(1))
    }
}

/// A party of a call. One in a browser has no address that anybody could connect to.
struct Party {
    kind: Kind,
    phone: Phone,
    /// What its Contact says.
    uri: String,
    ua: Ua,
}

impl Party {
    fn new(world: &mut World, kind: Kind, number: u8, calls: &str) -> Party {
        let address = format!("{}:7000", kind.host(number));
        let transports: &[Transport] = match kind.transport {
            Transport::Ws | Transport::Wss => &[],
            _ => &[kind.transport],
        };
        let phone = world.phone_by(&address, transports).by(kind.transport);
        let ua = world.ua(phone, calls);
        let uri = match kind.transport {
            Transport::Ws | Transport::Wss => format!("sip:phone@c{number}.invalid;transport=ws"),
            _ => ua.contact(),
        };
        Party {
            kind,
            phone,
            uri,
            ua,
        }
    }

    /// The text as this party would write it.
    fn spoken(&self, text: &str) -> String {
        if !self.kind.transport.is_websocket() {
            return text.to_string();
        }
        let (_, host) = self.uri.split_once('@').unwrap();
        let (host, _) = host.split_once(';').unwrap();
        text.replace(&self.ua.contact(), &self.uri)
            .replace(&self.phone.address.to_string(), host)
    }

    fn says(&self, world: &mut World, text: &str) {
        let proxy = self.kind.proxy().parse().unwrap();
        world.say_to(self.phone, proxy, self.spoken(text));
        world.settle();
    }

    fn asks(&mut self, world: &mut World, method: &str) {
        let text = self.ua.request(method);
        self.says(world, &text);
    }

    fn answers(&self, world: &mut World, request: &Heard, code: u16, tag: &str) {
        let contact = format!("Contact: <{}>", self.uri);
        let text = answer(request, code, tag, &[&contact], "");
        world.say_back(self.phone, request, text);
        world.settle();
    }

    fn hears(&self, world: &mut World, what: &str) -> Heard {
        let heard = world.hear_what(self.phone, what);
        assert_eq!(heard.path.transport, self.kind.transport, "{what}");
        heard
    }
}

/// A proxy that listens on everything there is.
fn proxy(world: &mut World) -> Node {
    let all: Vec<_> = Kind::all()
        .into_iter()
        .map(|kind| (kind.transport, kind.proxy()))
        .collect();
    let listeners: Vec<_> = all.iter().map(|(t, at)| (*t, at.as_str())).collect();
    world.node_on(&listeners)
}

/// A browser must have registered to be found.
fn register(world: &mut World, node: Node, party: &mut Party) {
    let contact = format!("Contact: <{}>;expires=600", party.uri);
    let register = party.ua.request_with("REGISTER", &[&contact], "");
    party.says(world, &register);
    let id = world.next_told(node).id();
    world.respond(node, id, &format!("SIP/2.0 200 OK\r\n{contact}\r\n"));
    world.settle();
    party.hears(world, "200");
}

/// One request of the dialog and its answer.
fn passes(world: &mut World, from: &mut Party, to: &Party, method: &str) {
    from.asks(world, method);
    let heard = to.hears(world, method);
    assert_eq!(heard.request_uri(), Some(to.uri.as_str()));
    assert!(routes(&heard).is_empty(), "our routes have done their work");
    to.answers(world, &heard, 200, "");
    if method == "INVITE" {
        from.hears(world, "100");
    }
    let ok = from.hears(world, "200");
    assert_eq!(ok.values(HeaderId::Via).count(), 1);
    if method == "INVITE" {
        let ack = from.ua.ack();
        from.says(world, &ack);
        to.hears(world, "ACK");
    }
}

/// The host and the transport of a recorded route.
fn side_of(route: &str) -> (String, Option<String>) {
    let route = NameAddr::parse(route.as_bytes()).unwrap();
    let uri = Uri::parse(route.uri).unwrap();
    assert!(uri.lr(), "{route:?}");
    let host = uri.host.ip().unwrap().to_string();
    (host, uri.transport().map(str::to_string))
}

fn side_of_kind(kind: Kind) -> (String, Option<String>) {
    let host = kind.host(1).replace(['[', ']'], "");
    let named = (kind.transport != Transport::Udp).then(|| kind.transport.to_string());
    (host, named)
}

fn call(from: Kind, to: Kind) {
    let mut world = World::new(1);
    let node = proxy(&mut world);
    let target = format!("sip:bob@{}", from.proxy());
    let mut alice = Party::new(&mut world, from, 8, &target);
    let mut bob = Party::new(&mut world, to, 9, &target);
    let is_in_browser = to.transport.is_websocket();
    if is_in_browser {
        register(&mut world, node, &mut bob);
    }
    alice.asks(&mut world, "INVITE");
    let id = world.next_told(node).id();
    let mut plan = plan(&[&bob.uri]);
    plan.remain_in_dialog = true;
    world.proxy(node, id, plan);
    world.settle();
    let invite = bob.hears(&mut world, "INVITE");
    bob.ua = Ua::called(bob.phone, &invite, "b");
    bob.answers(&mut world, &invite, 180, "b");
    bob.answers(&mut world, &invite, 200, "b");
    alice.hears(&mut world, "100");
    alice.hears(&mut world, "180");
    let ok = alice.hears(&mut world, "200");
    alice.ua.answered(&ok);

    // Each has the side of the proxy that it reaches first, whichever way the route set is read.
    for (party, far) in [(&alice, to), (&bob, from)] {
        let sides: Vec<_> = party.ua.routes.iter().map(|route| side_of(route)).collect();
        let own = side_of_kind(party.kind);
        if sides.len() == 1 {
            assert_eq!((from, &sides[0]), (to, &own), "one is enough");
        } else {
            assert_eq!(sides, [own, side_of_kind(far)]);
        }
        if from == to && from.transport == Transport::Udp {
            assert_eq!(sides.len(), 1, "{:?}", party.ua.routes);
        }
    }

    let ack = alice.ua.ack();
    alice.says(&mut world, &ack);
    let ack = bob.hears(&mut world, "ACK");
    assert_eq!(ack.request_uri(), Some(bob.uri.as_str()));
    passes(&mut world, &mut bob, &alice, "INFO");
    passes(&mut world, &mut alice, &bob, "INFO");
    passes(&mut world, &mut bob, &alice, "INVITE");
    passes(&mut world, &mut alice, &bob, "INVITE");
    passes(&mut world, &mut alice, &bob, "UPDATE");
    passes(&mut world, &mut bob, &alice, "BYE");
    if from.transport.is_websocket() && is_in_browser {
        assert_eq!(world.connections_made(), 2, "nobody was connected to");
    }
    assert!(world.told(node).is_empty(), "no application is asked");
    world.finish();
}

#[test]
fn every_transport_and_family_reaches_every_other() {
    for from in Kind::all() {
        for to in Kind::all() {
            let case = format!("{from:?} to {to:?}");
            let outcome = std::panic::catch_unwind(|| call(from, to));
            assert!(outcome.is_ok(), "{case}");
        }
    }
}
