//! How a contact is known to peers on other networks, and which peers those are when nobody has
//! said it.

use std::net::IpAddr;

use crate::engine::{is_private, Advertised, External, ExternalHost, Subnet};

/// The networks that private addresses come from (RFC 1918, RFC 6598, RFC 3927, RFC 4193), and
/// the loopback.
const PRIVATE_NETS: [(&str, u8); 9] = [
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("100.64.0.0", 10),
    ("169.254.0.0", 16),
    ("127.0.0.0", 8),
    ("fc00::", 7),
    ("fe80::", 10),
    ("::1", 128),
];

/// How a contact is known beside the addresses it is bound to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdvertisedAs {
    /// What peers outside `local_net` are shown.
    pub external: Option<External>,
    /// The peers that are shown the bound address. `None` means: those with a private address;
    /// but if the external address is a private one itself, those on the same link.
    pub local_net: Option<Vec<Subnet>>,
    /// Further names of the contact.
    pub names: Vec<String>,
}

impl AdvertisedAs {
    /// How the socket that is bound to `local` is known.
    pub(super) fn at(&self, local: IpAddr) -> Advertised {
        // An address of the other family is of no use to this socket's peers.
        let external = self
            .external
            .clone()
            .filter(|external| match external.host {
                ExternalHost::Address(address) => address.is_ipv4() == local.is_ipv4(),
                ExternalHost::Name(_) => true,
            });
        let local_net = match (&self.local_net, &external) {
            (Some(nets), _) => nets.clone(),
            (None, Some(external)) => default_net(external, local),
            (None, None) => Vec::new(),
        };
        Advertised {
            external,
            local_net,
            names: self
                .names
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
        }
    }
}

fn default_net(external: &External, local: IpAddr) -> Vec<Subnet> {
    match external.host {
        ExternalHost::Address(address) if is_private(address) => link_of(local),
        _ => PRIVATE_NETS
            .iter()
            .filter_map(|(net, prefix)| Some(Subnet::new(net.parse().ok()?, *prefix)))
            .collect(),
    }
}

/// The network of the interface that has the address.
fn link_of(local: IpAddr) -> Vec<Subnet> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let prefix = interfaces
        .iter()
        .filter(|interface| interface.ip() == local)
        .find_map(|interface| match &interface.addr {
            if_addrs::IfAddr::V4(v4) => u8::try_from(v4.netmask.to_bits().leading_ones()).ok(),
            if_addrs::IfAddr::V6(v6) => u8::try_from(v6.netmask.to_bits().leading_ones()).ok(),
        });
    vec![Subnet::new(local, prefix.unwrap_or(u8::MAX))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(external: &str, local_net: Option<&[&str]>, local: &str) -> Advertised {
        let nets = |nets: &[&str]| nets.iter().map(|net| net.parse().unwrap()).collect();
        let contact = AdvertisedAs {
            external: Some(external.parse().unwrap()),
            local_net: local_net.map(nets),
            names: vec!["SIP.Example.com".to_owned()],
        };
        contact.at(local.parse().unwrap())
    }

    fn shows_inside(advertised: &Advertised, peer: &str) -> bool {
        let peer = peer.parse().unwrap();
        advertised.local_net.iter().any(|net| net.contains(peer))
    }

    #[test]
    fn private_peers_are_inside_unless_it_is_said_otherwise() {
        let default = at("203.0.113.7", None, "10.0.0.5");
        for peer in [
            "10.9.9.9",
            "172.31.0.1",
            "192.168.77.1",
            "127.0.0.1",
            "100.64.3.3",
        ] {
            assert!(shows_inside(&default, peer), "{peer}");
        }
        assert!(!shows_inside(&default, "198.51.100.9"));
        let said = at("203.0.113.7", Some(&["10.0.0.0/24"]), "10.0.0.5");
        assert!(shows_inside(&said, "10.0.0.9") && !shows_inside(&said, "10.0.1.9"));
        let none = at("203.0.113.7", Some(&[]), "10.0.0.5");
        assert!(!shows_inside(&none, "10.0.0.9"));
    }

    #[test]
    fn behind_a_private_external_address_only_the_own_link_is_inside() {
        // No interface has that address: the link is the address alone.
        let docker = at("192.168.1.5", None, "172.17.0.2");
        assert!(shows_inside(&docker, "172.17.0.2"));
        assert!(!shows_inside(&docker, "192.168.1.77"));
        let loopback = link_of("127.0.0.1".parse().unwrap());
        assert!(loopback[0].contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn an_external_address_of_the_other_family_is_not_shown() {
        assert_eq!(at("2001:db8::7", None, "10.0.0.5").external, None);
        assert_eq!(at("203.0.113.7", None, "2001:db8::5").external, None);
        assert!(at("sip.example.com", None, "2001:db8::5")
            .external
            .is_some());
    }

    #[test]
    fn names_are_compared_in_lower_case() {
        assert_eq!(
            at("203.0.113.7", None, "10.0.0.5").names,
            ["sip.example.com"]
        );
    }
}
