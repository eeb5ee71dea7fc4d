//! The caller's side of one request or call: what it waits for, and what it says next.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// RFC 3261 §17.1.1.1: the first retransmission comes after T1.
pub const T1: Duration = Duration::from_millis(500);

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The final response to its first request.
    First,
    /// Nothing: it is up, and its BYE has not been sent.
    Up,
    /// The final response to its BYE.
    Bye,
    /// Nothing any more.
    Over,
}

/// One request or call.
#[derive(Debug)]
pub struct Call {
    pub step: Step,
    /// When its first request was due.
    pub due: Instant,
    /// When the request it waits for was first sent.
    pub sent: Instant,
    /// When to look at that request again.
    pub alarm: Instant,
    /// How often that request was sent again.
    pub resends: u8,
    /// Whether a provisional response has stopped the retransmission of its INVITE.
    pub quiet: bool,
    /// Whether the callee has seen its INVITE, its BYE.
    pub seen: [bool; 2],
    /// What the 200 said about the rest of the call.
    pub dialog: Option<Box<Dialog>>,
}

impl Call {
    /// A call whose first request is sent now.
    pub fn new(due: Instant, now: Instant) -> Self {
        Call {
            step: Step::First,
            due,
            sent: now,
            alarm: now + T1,
            resends: 0,
            quiet: false,
            seen: [false; 2],
            dialog: None,
        }
    }

    /// Moves on to a step whose request is sent now.
    pub fn enter(&mut self, step: Step, now: Instant) {
        self.step = step;
        self.sent = now;
        self.resends = 0;
        self.quiet = false;
    }
}

/// Where the requests after the first one go.
#[derive(Debug)]
pub struct Dialog {
    pub to: Vec<u8>,
    pub target: Vec<u8>,
    pub routes: Vec<Vec<u8>>,
    pub next_hop: SocketAddr,
}
