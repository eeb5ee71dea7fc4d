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
