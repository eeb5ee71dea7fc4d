//! The proxy core (RFC 3261 §16): one received request, the branches it is forwarded on, and
//! the one final response that goes back.
//!
//! | file | what it is |
//! |---|---|
//! | `search.rs` | which destination is tried when, and how a search ends |
//! | `forward.rs` | the text of a forwarded request (§16.6) |
//! | `response.rs` | responses of branches and the choice of the best (§16.7) |
//! | `ack.rs` | ACKs that pass through, without a transaction |

mod ack;
mod forward;
mod response;
mod search;

use std::time::Instant;

use slotmap::SlotMap;

pub(crate) use ack::ForwardedAck;

use super::command::{AppId, CommandId, ProxyPlan};
use super::path::Path;
use super::timers::{earliest, TimerSlot};
use super::{ClientKey, ProxyKey, ServerKey};
use crate::message::Message;

pub(crate) type ProxyTable = SlotMap<ProxyKey, Proxy>;

/// A request being proxied: the response context of §16.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(super) server: ServerKey,
    /// Where the request came from, for a 2xx that is late.
    reply_path: Path,
    is_invite: bool,
    /// Client transactions that are not over; the context is kept for them.
    live: usize,
    /// What is needed only until the final response has gone back.
    search: Option<Box<Search>>,
    slot: TimerSlot,
}

/// The destinations of a request and what became of them.
#[derive(Debug)]
struct Search {
    kind: Kind,
    branches: Vec<Branch>,
    /// The caller has cancelled: nothing new is tried.
    cancelled: bool,
}

#[derive(Debug)]
enum Kind {
    /// As an application asked.
    Asked {
        plan: ProxyPlan,
        app: AppId,
        command: CommandId,
    },
    /// A request of a dialog that this proxy recorded its route in.
    InDialog,
}

/// One destination.
#[derive(Debug)]
struct Branch {
    uri: Box<str>,
    state: BranchState,
    /// Send a CANCEL as soon as a provisional response allows it (§9.1).
    cancel_wanted: bool,
    /// Timer C (§16.6 item 11).
    ring_until: Option<Instant>,
    provisional_by: Option<Instant>,
    final_by: Option<Instant>,
}

#[derive(Debug)]
enum BranchState {
    /// Its turn has not come.
    Waiting,
    /// Its name is being looked up.
    Resolving,
    /// The request has been sent.
    Calling(ClientKey),
    /// It took too long: the search has gone on without it.
    Abandoned,
    /// It failed with this response, or with this status if none was received.
    Failed(u16, Option<Message>),
    /// It answered with a 2xx.
    Succeeded,
}

impl Proxy {
    fn deadline(&self) -> Option<Instant> {
        let search = self.search.as_deref()?;
        search
            .branches
            .iter()
            .map(|branch| {
                earliest(
                    branch.ring_until,
                    earliest(branch.provisional_by, branch.final_by),
                )
            })
            .fold(None, earliest)
    }

    fn branch_mut(&mut self, at: usize) -> Option<&mut Branch> {
        self.search.as_deref_mut()?.branches.get_mut(at)
    }
}

impl Search {
    fn is_simultaneous(&self) -> bool {
        matches!(&self.kind, Kind::Asked { plan, .. } if plan.simultaneous)
    }

    /// True while a branch may still bring a final response.
    fn is_active(&self) -> bool {
        self.branches.iter().any(|branch| {
            matches!(
                branch.state,
                BranchState::Resolving | BranchState::Calling(_)
            )
        })
    }

    fn next_waiting(&self) -> Option<usize> {
        self.branches
            .iter()
            .position(|branch| matches!(branch.state, BranchState::Waiting))
    }
}

impl Branch {
    fn to(uri: &str) -> Branch {
        Branch {
            uri: uri.into(),
            state: BranchState::Waiting,
            cancel_wanted: false,
            ring_until: None,
            provisional_by: None,
            final_by: None,
        }
    }

    /// Nothing more is expected of it.
    fn end(&mut self, state: BranchState) {
        self.state = state;
        self.ring_until = None;
        self.provisional_by = None;
        self.final_by = None;
    }
}
