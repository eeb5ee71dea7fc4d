//! The proxy core (RFC 3261 §16): one received request, the branches it is forwarded on, and
//! the one final response that goes back.
//!
//! | file | what it is |
//! |---|---|
//! | `plan.rs` | what an application asks: where and how |
//! | `search.rs` | which target is tried when, and how a search ends (§16.5, §16.8) |
//! | `branch.rs` | one target: its start, its timers, its end (§16.6, §16.9) |
//! | `alteration.rs` | what the application changes in what is forwarded (§16.6) |
//! | `forward.rs` | the text of a forwarded request (§16.6) |
//! | `routing.rs` | Route headers: ours, the next, and strict routers (§16.4, §16.12) |
//! | `passing.rs` | requests of recorded dialogs, and who may decide on them (§16.12) |
//! | `response.rs` | responses of branches (§16.7) |
//! | `best_response.rs` | which of the failures goes back (§16.7 step 6) |
//! | `redirection.rs` | the targets that a 3xx names (§16.5, §16.7 step 4) |
//! | `late_success.rs` | a 2xx that the caller can't be given any more |
//! | `challenges.rs` | who has asked for a password (§22.3) |
//! | `loops.rs` | requests that come back, and how far they may fork (RFC 5393) |
//! | `non_invite.rs` | requests that are no INVITE (RFC 4320) |
//! | `cancel.rs` | CANCEL, from the caller and to the branches (§16.10) |
//! | `report.rs` | what the application is told |
//! | `stateless.rs` | requests that nothing is kept of (§16.11) |
//! | `ack.rs` | ACKs that pass through, without a transaction |

mod ack;
mod alteration;
mod best_response;
mod branch;
mod cancel;
mod challenges;
mod forward;
mod late_success;
mod loops;
mod non_invite;
mod passing;
mod plan;
mod redirection;
mod report;
mod response;
mod routing;
mod search;
mod stateless;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;

use slotmap::SlotMap;

pub(crate) use ack::ForwardedAck;
pub use alteration::{HeaderChanges, PreloadedRoutes, RequestUri};
pub(crate) use challenges::Challenges;
pub use plan::{ProxyPlan, ProxyTarget, DEFAULT_REDIRECTS};
pub(crate) use stateless::{Stateless, StatelessBranches};

use late_success::EndedCall;
use non_invite::Patience;

use super::command::{AppId, CommandId};
use super::path::Path;
use super::timers::{earliest, TimerSlot};
use super::{ClientKey, ProxyKey, ServerKey};
use crate::message::Message;

/// In boxes, as transactions are.
pub(crate) type ProxyTable = SlotMap<ProxyKey, Box<Proxy>>;

/// A request being proxied: the response context of §16.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(super) server: ServerKey,
    /// Where the request came from, for a 2xx that is late.
    reply_path: Path,
    is_invite: bool,
    /// The caller has got a final response that is no 2xx, and takes none any more.
    is_refused: bool,
    /// What the losers are told in their CANCEL (RFC 3326).
    cancel_reason: Option<Cow<'static, [u8]>>,
    /// Calls that were answered too late.
    ended_calls: Vec<EndedCall>,
    /// Client transactions that are not over; the context is kept for them.
    live: usize,
    /// What is needed only until the final response has gone back.
    search: Option<Box<Search>>,
    slot: TimerSlot,
}

/// The targets of a request and what became of them.
#[derive(Debug)]
struct Search {
    kind: Kind,
    /// Every target there is; clients name their branch by its place here.
    branches: Vec<Branch>,
    /// The places of those whose turn has not come: groups that are tried at once.
    waiting: VecDeque<Range<usize>>,
    /// The caller has cancelled or the application has stopped it: nothing new is tried.
    stopped: Option<Stopped>,
    /// By how many the request may be forwarded at the same time (RFC 5393 §5).
    max_breadth: u32,
    /// Of the caller, unless it is an INVITE.
    patience: Option<Patience>,
    /// What the branches it is forwarded with have in common, see `loops.rs`.
    loop_hash: u32,
}

/// Who has stopped a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    /// The caller, by a CANCEL.
    ByCaller,
    /// The application, or its end.
    ByApplication,
}

#[derive(Debug)]
enum Kind {
    /// As an application asked. The plan's groups have become branches.
    Asked {
        plan: Box<ProxyPlan>,
        app: AppId,
        command: CommandId,
    },
    /// A request of a dialog that this proxy recorded its route in.
    InDialog,
}

impl Kind {
    /// True if no application adds or changes headers.
    fn leaves_headers(&self) -> bool {
        match self {
            Kind::Asked { plan, .. } => plan.leaves_headers(),
            Kind::InDialog => true,
        }
    }
}

/// One target.
#[derive(Debug)]
struct Branch {
    target: ProxyTarget,
    /// Nobody else is in its group.
    is_alone: bool,
    /// How many redirections have led here.
    redirections: u8,
    /// Its share of the search's breadth, until it has a final response.
    breadth: u32,
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
    /// The search has gone on without it.
    Abandoned,
    /// It failed with this response, or with this status if none was received.
    Failed(u16, Option<Message>),
    /// It answered with a 2xx.
    Succeeded,
}

impl Proxy {
    fn deadline(&self) -> Option<Instant> {
        let search = self.search.as_deref()?;
        let patience = search.patience.as_ref().and_then(Patience::deadline);
        search
            .branches
            .iter()
            .map(|branch| {
                earliest(
                    branch.ring_until,
                    earliest(branch.provisional_by, branch.final_by),
                )
            })
            .fold(patience, earliest)
    }

    fn branch_mut(&mut self, at: usize) -> Option<&mut Branch> {
        self.search.as_deref_mut()?.branches.get_mut(at)
    }
}

impl Search {
    fn new(kind: Kind, max_breadth: u32) -> Search {
        Search {
            kind,
            branches: Vec::new(),
            waiting: VecDeque::new(),
            stopped: None,
            max_breadth,
            patience: None,
            loop_hash: 0,
        }
    }

    /// Adds targets that are tried at once, after all that wait.
    fn add_group(&mut self, group: impl IntoIterator<Item = ProxyTarget>) {
        let first = self.branches.len();
        self.branches.extend(group.into_iter().map(Branch::to));
        let places = first..self.branches.len();
        for branch in self.branches.iter_mut().skip(first) {
            branch.is_alone = places.len() == 1;
        }
        self.waiting.push_back(places);
    }

    /// True while a branch may still bring a final response.
    fn is_active(&self) -> bool {
        self.branches.iter().any(Branch::is_active)
    }

    /// True while a target may still be tried.
    fn has_more(&self) -> bool {
        self.stopped.is_none() && !self.waiting.is_empty()
    }
}

impl Branch {
    fn to(target: ProxyTarget) -> Branch {
        Branch {
            target,
            is_alone: true,
            redirections: 0,
            breadth: 0,
            state: BranchState::Waiting,
            cancel_wanted: false,
            ring_until: None,
            provisional_by: None,
            final_by: None,
        }
    }

    fn is_active(&self) -> bool {
        matches!(self.state, BranchState::Resolving | BranchState::Calling(_))
    }

    /// Nothing more is expected of it.
    fn end(&mut self, state: BranchState) {
        self.state = state;
        self.ring_until = None;
        self.provisional_by = None;
        self.final_by = None;
    }
}
