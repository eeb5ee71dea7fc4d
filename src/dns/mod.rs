//! Where a name leads to (RFC 3263): NAPTR, SRV and address records, by the name servers of the
//! system or by others.
//!
//! | file | what it is |
//! |---|---|
//! | `locate.rs` | from records to destinations, without a socket: what to ask, what it comes to |
//! | `order.rs` | the order of SRV records by priority and weight (RFC 2782) |
//! | `records.rs` | questions, answers, and how much of an answer is used |
//! | `lookup.rs` | one question to the name servers, the hosts file or the system |
//! | `resolver.rs` | the look-ups of one engine: merged, counted and limited in time |

mod locate;
mod lookup;
mod order;
mod records;
mod resolver;

use std::net::SocketAddr;
use std::time::Duration;

pub use resolver::{Answer, Resolver, LOOKUPS_AT_ONCE};

/// The port of name servers.
pub const DNS_PORT: u16 = 53;

/// Whom to ask, and how long to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsSettings {
    /// The name servers, in the order they are asked in. Empty: those of the system
    /// (`/etc/resolv.conf`), and at last the system's own resolver, which may know names that are
    /// not in the DNS.
    pub servers: Vec<SocketAddr>,
    /// How long a name server may take to answer. Default 2 s.
    pub timeout: Duration,
    /// How often a name server is asked before it is given up, at least once. Default 2.
    pub attempts: usize,
    /// How long the look-up of a host may take in all. Default 10 s.
    pub deadline: Duration,
    /// Ask for NAPTR records. Default true; without them SRV and address records decide.
    pub naptr: bool,
}

impl Default for DnsSettings {
    fn default() -> DnsSettings {
        DnsSettings {
            servers: Vec::new(),
            timeout: Duration::from_secs(2),
            attempts: 2,
            deadline: Duration::from_secs(10),
            naptr: true,
        }
    }
}
