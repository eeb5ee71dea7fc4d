//! What an engine is told once, when it is made.

use std::time::Duration;

use super::acceptance::Understanding;
use super::limits::TableLimits;
use super::path::Listener;

/// What an engine is told once, when it is made.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The addresses it listens on, in the order of preference.
    pub listeners: Vec<Listener>,
    /// The timer values of RFC 3261.
    pub timers: Timers,
    /// How large its tables may grow.
    pub limits: TableLimits,
    /// How destinations are chosen and left.
    pub next_hop: NextHop,
    /// What its applications understand.
    pub understanding: Understanding,
}

impl Config {
    /// The defaults, on these listeners.
    pub fn new(listeners: Vec<Listener>) -> Config {
        Config {
            listeners,
            ..Config::default()
        }
    }
}

/// The timer values from which all others follow (RFC 3261 §17.1.1.1, appendix A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// An estimate of the round-trip time. Default 500 ms.
    pub t1: Duration,
    /// The longest interval between retransmissions, except of an INVITE. Default 4 s.
    pub t2: Duration,
    /// How long a message may stay in the network. Default 5 s.
    pub t4: Duration,
    /// How long an INVITE that was sent or forwarded may ring after its last provisional
    /// response (timer C, more than 3 minutes by §16.6 item 11). Default 185 s.
    pub c: Duration,
    /// How long an application may take to its first response. Default 64 s.
    pub application: Duration,
    /// How long an application may take to its next response once it has answered an INVITE
    /// provisionally. Default 1 h: people may let it ring, but not for ever.
    pub ringing: Duration,
}

/// A request of more bytes than this is too large for UDP when the path's MTU is not known
/// (RFC 3261 §18.1.1).
pub const UDP_REQUEST_LIMIT: usize = 1300;

/// How destinations are chosen and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextHop {
    /// How long a destination that has failed is tried after all others; when it fails again,
    /// twice as long, up to 8 minutes. Default 30 s; zero: never.
    pub avoid_for: Duration,
    /// The largest request in bytes that goes by UDP when the URI leaves the choice to us and
    /// there is TCP. `None`: every request does. Default [`UDP_REQUEST_LIMIT`].
    pub udp_request_limit: Option<usize>,
}

impl Default for NextHop {
    fn default() -> NextHop {
        NextHop {
            avoid_for: Duration::from_secs(30),
            udp_request_limit: Some(UDP_REQUEST_LIMIT),
        }
    }
}

impl Default for Timers {
    fn default() -> Timers {
        Timers {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            c: Duration::from_secs(185),
            application: Duration::from_secs(64),
            ringing: Duration::from_secs(3600),
        }
    }
}

impl Timers {
    /// 64 × T1: how long a transaction tries (timers B, F, H, J, L, M). 32 s by default.
    pub fn transaction_timeout(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// How long a finished client INVITE absorbs repeated failure responses over UDP (timer D,
    /// at least 32 s).
    pub fn d(&self) -> Duration {
        self.transaction_timeout().max(Duration::from_secs(32))
    }
}
