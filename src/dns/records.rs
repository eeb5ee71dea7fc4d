//! Questions, answers, and how much of an answer is used.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::engine::Transport;

/// NAPTR records of a name that are used, the preferred ones.
pub(super) const MAX_NAPTR: usize = 8;

/// SRV records of a name that are used, those of the best priorities.
pub(super) const MAX_SRV: usize = 16;

/// Addresses of a host that are used, of each family.
pub(super) const MAX_ADDRESSES: usize = 8;

/// Questions that one look-up may take.
pub(super) const MAX_QUESTIONS: usize = 64;

/// Something to ask, of a name without a dot at its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Question {
    Naptr(String),
    Srv(String),
    Addresses(String),
}

/// What has been answered so far. Where a question failed, nothing was found.
pub(super) type Answers = HashMap<Question, Records>;

/// The records of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Records {
    pub(super) naptr: Vec<Naptr>,
    pub(super) srv: Vec<Srv>,
    pub(super) addresses: Vec<IpAddr>,
}

/// The pointer to a service (RFC 3403 §4, RFC 3263 §4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Naptr {
    pub(super) order: u16,
    pub(super) preference: u16,
    pub(super) transport: Transport,
    /// The name of the SRV records.
    pub(super) replacement: String,
}

/// A server (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Srv {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    /// Empty if the service is decidedly not available.
    pub(super) target: String,
}

impl Records {
    /// The records that count, the most important first, and no more of them than the caps.
    pub(super) fn trimmed(mut self) -> Records {
        self.naptr
            .sort_by_key(|naptr| (naptr.order, naptr.preference));
        self.naptr.truncate(MAX_NAPTR);
        self.srv.sort_by_key(|srv| srv.priority);
        self.srv.truncate(MAX_SRV);
        self.addresses = reachable(&self.addresses);
        self
    }
}

/// Addresses that a host can have: a record may say anything, also what would send a request to
/// everybody or to this very host.
fn reachable(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in addresses.iter().map(IpAddr::to_canonical) {
        let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
        let is_host = !address.is_unspecified() && !address.is_multicast() && !is_broadcast;
        let family = found
            .iter()
            .filter(|known| known.is_ipv4() == address.is_ipv4());
        if is_host && family.count() < MAX_ADDRESSES && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// The transport of a NAPTR service (RFC 3263 §4.1, RFC 7118 §8.1), if it is one of SIP.
pub(super) fn naptr_transport(service: &[u8]) -> Option<Transport> {
    const SERVICES: [(&[u8], Transport); 5] = [
        (b"SIP+D2U", Transport::Udp),
        (b"SIP+D2T", Transport::Tcp),
        (b"SIPS+D2T", Transport::Tls),
        (b"SIP+D2W", Transport::Ws),
        (b"SIPS+D2W", Transport::Wss),
    ];
    SERVICES
        .iter()
        .find(|(name, _)| service.eq_ignore_ascii_case(name))
        .map(|(_, transport)| *transport)
}

/// The name of the SRV records of a transport (RFC 3263 §4.1).
pub(super) fn srv_name(transport: Transport, host: &str) -> String {
    let service = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Ws => "_sip._ws",
        Transport::Wss => "_sips._ws",
    };
    format!("{service}.{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_known_in_any_case() {
        assert_eq!(naptr_transport(b"sips+d2t"), Some(Transport::Tls));
        assert_eq!(naptr_transport(b"SIP+D2W"), Some(Transport::Ws));
        assert_eq!(naptr_transport(b"E2U+sip"), None);
        assert_eq!(naptr_transport(b""), None);
    }

    #[test]
    fn what_cannot_be_a_host_is_no_address() {
        let texts = ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"];
        let mut addresses: Vec<IpAddr> = texts.iter().map(|text| text.parse().unwrap()).collect();
        assert!(reachable(&addresses).is_empty());
        addresses.push("::ffff:10.0.0.9".parse().unwrap());
        addresses.push("10.0.0.9".parse().unwrap());
        assert_eq!(
            reachable(&addresses),
            ["10.0.0.9".parse::<IpAddr>().unwrap()]
        );
    }

    #[test]
    fn the_caps_keep_the_best() {
        let srv = |priority| Srv {
            priority,
            weight: 0,
            port: 5060,
            target: "a".to_string(),
        };
        let naptr = |order| Naptr {
            order,
            preference: 0,
            transport: Transport::Udp,
            replacement: "a".to_string(),
        };
        let v4 = (0..1_000).map(|number: u32| IpAddr::from((0x0a00_0000 + number).to_be_bytes()));
        let records = Records {
            naptr: (0..1_000).rev().map(naptr).collect(),
            srv: (0..1_000).rev().map(srv).collect(),
            addresses: v4.collect(),
        }
        .trimmed();
        assert_eq!(records.naptr.len(), MAX_NAPTR);
        assert_eq!(records.naptr[0].order, 0);
        assert_eq!(records.srv.len(), MAX_SRV);
        assert_eq!(records.srv[0].priority, 0);
        assert_eq!(records.addresses.len(), MAX_ADDRESSES);
    }
}
