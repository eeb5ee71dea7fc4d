//! Requests that come back (RFC 3261 §16.3 step 4, RFC 5393).
//!
//! A request that returns is a loop if everything that decides its way is what it was the last
//! time; else it is a spiral and goes on. So a hash of what decides is part of the branch that
//! the request is forwarded with, and whoever sees that branch in a Via again compares
//! (RFC 5393 §4.2). An application decides by what it likes, by the sender as well: that counts
//! too, so that a loop is found when it comes from the same neighbour for the second time.
//!
//! A fork may not multiply a request without end either: Max-Breadth says by how many it may be
//! forwarded at the same time, and is divided between the branches (RFC 5393 §5).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use super::{BranchState, Search};
use crate::engine::random::Branch as ViaBranch;
use crate::engine::{Engine, ProxyKey};
use crate::message::{HeaderId, Message, Via};

/// The Max-Breadth of a request that names none (RFC 5393 §5.3.3).
const DEFAULT_MAX_BREADTH: u32 = 60;

/// Max-Breadth has no number among the headers, since nobody but a proxy reads it.
pub(super) const MAX_BREADTH: &str = "Max-Breadth";

/// The headers that decide where a request goes (RFC 5393 §4.2.1).
const DECIDING: &[HeaderId] = &[
    HeaderId::Route,
    HeaderId::ProxyRequire,
    HeaderId::ProxyAuthorization,
    HeaderId::Authorization,
];

impl Engine {
    /// True if this engine has forwarded the same request before. `top` is the branch of the topmost
    /// Via, if it can be ours.
    pub(in crate::engine) fn is_looped(
        &self,
        request: &Message,
        top: Option<ViaBranch>,
        from: IpAddr,
    ) -> bool {
        let mut hash = None;
        let others = request
            .values(HeaderId::Via)
            .skip(1)
            .filter_map(|via| ViaBranch::from_text(Via::parse(via).ok()?.branch()?));
        top.into_iter().chain(others).any(|branch| {
            let hash = hash.get_or_insert_with(|| self.loop_hash(request, from));
            branch.loop_hash() == *hash
        })
    }

    /// The branch that a proxied request is forwarded with.
    pub(in crate::engine) fn loop_branch(&self, key: ProxyKey, branch: ViaBranch) -> ViaBranch {
        let search = self.search(key);
        search.map_or(branch, |search| branch.with_loop_hash(search.loop_hash))
    }

    /// What a request is known by if it comes back. Nobody else can make a branch that looks
    /// like ours, since a secret is part of it.
    pub(super) fn loop_hash(&self, request: &Message, from: IpAddr) -> u32 {
        let mut hasher = DefaultHasher::new();
        self.salt.hash(&mut hasher);
        from.hash(&mut hasher);
        for part in [request.request_uri(), request.from_tag(), request.to_tag()] {
            part.unwrap_or_default().hash(&mut hasher);
        }
        for id in [HeaderId::CallId, HeaderId::CSeq] {
            request.get(id).unwrap_or_default().hash(&mut hasher);
        }
        for id in DECIDING {
            for value in request.values(*id) {
                value.hash(&mut hasher);
            }
        }
        (hasher.finish() >> 32) as u32
    }
}

/// By how many a request may be forwarded at the same time.
pub(super) fn max_breadth(request: &Message) -> u32 {
    let value = request.get_named(MAX_BREADTH);
    let text = value.and_then(|value| std::str::from_utf8(value).ok());
    text.and_then(|text| text.trim().parse().ok())
        .unwrap_or(DEFAULT_MAX_BREADTH)
}

impl Search {
    /// What one more branch gets of the breadth that the open ones have left: an equal share with
    /// all that have not been tried, so that something is left for those. `None` if there is
    /// nothing left.
    pub(super) fn share_of_breadth(&self) -> Option<u32> {
        let left = self.breadth_left();
        let untried = self.branches.iter();
        let untried = untried.filter(|branch| matches!(branch.state, BranchState::Waiting));
        let untried = u32::try_from(untried.count()).unwrap_or(u32::MAX).max(1);
        (left > 0).then(|| (left / untried).max(1))
    }

    /// How many more branches there may be at the same time.
    pub(super) fn room_for_branches(&self) -> usize {
        usize::try_from(self.breadth_left()).unwrap_or(usize::MAX)
    }

    fn breadth_left(&self) -> u32 {
        let taken = self.branches.iter().map(|branch| branch.breadth);
        self.max_breadth
            .saturating_sub(taken.fold(0, u32::saturating_add))
    }
}
