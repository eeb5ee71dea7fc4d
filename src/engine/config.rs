//! What an engine is told once, when it is made.

use std::time::Duration;

use super::acceptance::Understanding;
use super::limits::TableLimits;
use super::nat::Nat;
use super::path::Listener;
use super::screening::Screening;
use super::session_timer::{Refresher, LEAST_INTERVAL};

/// What an engine is told once, when it is made.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The addresses it listens on, in the order of preference.
    pub listeners: Vec<Listener>,
    /// The timer values of RFC 3261.
    pub timers: Timers,
    /// Session timers.
    pub session_timers: SessionTimers,
    /// Whether applications may accept an INVITE whose Replaces names no call of this engine's,
    /// since they keep calls elsewhere. Default false: it becomes the refusal of RFC 3891 §3.
    pub foreign_replaces: bool,
    /// Whether the caller of every new INVITE is told 180 at once, before an application is asked.
    /// Default false.
    pub always_ring: bool,
    /// Whether a caller whose Contact is a `sip:` URI is shown one, although it has called a
    /// `sips:` URI. Default false: RFC 3261 §12.1.1 forbids that.
    pub best_effort_tls: bool,
    /// How many requests in a row may have had no response over a connection before it is taken
    /// for dead and closed. Default `None`: the transport alone decides.
    pub dead_after: Option<u32>,
    /// Which requests are turned away before an application is asked.
    pub screening: Screening,
    /// Whether applications may have INVITEs forwarded without state (RFC 3261 §16.11). The
    /// engine then gives them 200 ms to say so before it answers 100, and gives them ACKs and
    /// CANCELs that belong to no transaction. Default false.
    pub stateless: bool,
    /// What is done about peers behind address translators.
    pub nat: Nat,
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

/// Session timers (RFC 4028), by which calls end whose peer has vanished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimers {
    /// The interval that is offered in calls whose application says nothing of it, in seconds, 90
    /// at least. Default `None`: only what an application or a peer asks for is done.
    pub expires: Option<u32>,
    /// The least interval that is accepted, in seconds, 90 at least (§5): an INVITE or UPDATE that
    /// asks for less is answered 422 without asking an application. Default 90.
    pub min_se: u32,
    /// Who refreshes a call that came to us, if the caller leaves the choice. Default `Uac`: the
    /// caller. `None`: nobody, and then the call has no session timer.
    pub refresher: Option<Refresher>,
}

impl Default for SessionTimers {
    fn default() -> SessionTimers {
        SessionTimers {
            expires: None,
            min_se: LEAST_INTERVAL,
            refresher: Some(Refresher::Uac),
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
    /// How long a transaction tries (timers B, F, H, J, L, M). Default `None`: 64 × T1, as RFC
    /// 3261 has it, which are 32 s.
    pub transaction: Option<Duration>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    /// A SIP URI that every new request is sent to, whatever its request-URI, unless the
    /// application says where to; and every branch of a proxied one. Default none.
    pub outbound_proxy: Option<String>,
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
            outbound_proxy: None,
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
            transaction: None,
            c: Duration::from_secs(185),
            application: Duration::from_secs(64),
            ringing: Duration::from_secs(3600),
        }
    }
}

impl Timers {
    /// How long a transaction tries (timers B, F, H, J, L, M). 32 s by default.
    pub fn transaction_timeout(&self) -> Duration {
        self.transaction
            .unwrap_or_else(|| self.t1.saturating_mul(64))
    }

    /// How long a finished client INVITE absorbs repeated failure responses over UDP (timer D,
    /// at least 32 s).
    pub fn d(&self) -> Duration {
        self.transaction_timeout().max(Duration::from_secs(32))
    }
}
