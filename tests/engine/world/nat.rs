//! Address translators: hosts behind one are seen with its address and a port of its own, and
//! are reached there by nobody whom they have not sent something before.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use super::World;

/// A translator between some hosts and the rest of the world.
#[derive(Debug)]
pub(super) struct Translator {
    public: IpAddr,
    inside: Vec<IpAddr>,
    /// The public port of each address inside.
    ports: HashMap<SocketAddr, u16>,
    /// Whom something was sent from a public port.
    contacted: HashSet<(u16, SocketAddr)>,
    next_port: u16,
}

impl World {
    /// Puts these hosts behind a translator with this public address.
    pub fn translate(&mut self, public: &str, inside: &[&str]) {
        self.network.translators.push(Translator {
            public: public.parse().unwrap(),
            inside: inside.iter().map(|host| host.parse().unwrap()).collect(),
            ports: HashMap::new(),
            contacted: HashSet::new(),
            next_port: 20_000,
        });
    }

    /// The translators forget their ports: what is sent next gets others.
    pub fn rebind(&mut self) {
        for translator in &mut self.network.translators {
            translator.ports.clear();
            translator.contacted.clear();
        }
    }
}

impl Translator {
    fn has_inside(&self, address: SocketAddr) -> bool {
        self.inside.contains(&address.ip())
    }
}

/// The address that a message from `from` to `to` is seen to come from.
pub(super) fn outward(
    translators: &mut [Translator],
    from: SocketAddr,
    to: SocketAddr,
) -> SocketAddr {
    let Some(translator) = translators
        .iter_mut()
        .find(|one| one.has_inside(from) && !one.has_inside(to))
    else {
        return from;
    };
    let next_port = &mut translator.next_port;
    let port = *translator.ports.entry(from).or_insert_with(|| {
        *next_port += 1;
        *next_port
    });
    translator.contacted.insert((port, to));
    SocketAddr::new(translator.public, port)
}

/// Where a message from `from` to `to` arrives; nowhere if it is not let in.
pub(super) fn inward(
    translators: &[Translator],
    from: SocketAddr,
    to: SocketAddr,
) -> Option<SocketAddr> {
    for translator in translators {
        if translator.has_inside(to) && !translator.has_inside(from) {
            return None; // No route leads to a private address.
        }
        if translator.public == to.ip() {
            let known = translator.contacted.contains(&(to.port(), from));
            let mut ports = translator.ports.iter();
            let inside = ports.find(|(_, port)| **port == to.port());
            return inside.map(|(inside, _)| *inside).filter(|_| known);
        }
    }
    Some(to)
}
