//! Who has asked for a password: a request with credentials goes to the target that challenged,
//! since nobody else can tell whether they are right (RFC 3261 §22.3).

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use ahash::HashMap;

use super::best_response::{is_challenge, CHALLENGES};
use super::{BranchState, Kind, ProxyTarget};
use crate::engine::command::AppId;
use crate::engine::timers::{TimerOwner, TimerSlot};
use crate::engine::{Engine, ProxyKey};
use crate::message::{Auth, HeaderId, Message};

/// Challenges of one response, or credentials of one request, that are looked at.
const MAX_REALMS: usize = 8;

/// The challenges that have gone back to callers, until the answer can't be expected any more.
#[derive(Debug, Default)]
pub(crate) struct Challenges {
    entries: HashMap<u64, Entry>,
    /// When each is forgotten, the oldest first.
    ends: VecDeque<(Instant, u64)>,
    pub(crate) slot: TimerSlot,
}

#[derive(Debug)]
struct Entry {
    target: ProxyTarget,
    app: AppId,
    until: Instant,
}

impl Challenges {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.ends.front().map(|(until, _)| *until)
    }

    fn note(&mut self, name: u64, entry: Entry, limit: usize) {
        while self.ends.len() >= limit {
            self.forget_oldest();
        }
        self.ends.push_back((entry.until, name));
        self.entries.insert(name, entry);
    }

    fn expire(&mut self, now: Instant) {
        while self.deadline().is_some_and(|until| until <= now) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((until, name)) = self.ends.pop_front() else {
            return;
        };
        // It may have been noted again since.
        if self.entries.get(&name).is_some_and(|it| it.until == until) {
            self.entries.remove(&name);
        }
    }
}

impl Engine {
    /// A challenge goes back: remembers which target has given each part of it.
    pub(super) fn note_challenges(&mut self, now: Instant, key: ProxyKey) {
        let until = now + self.timers_config.transaction_timeout();
        let limit = self.limits.challenges;
        let mut found = Vec::new();
        let Some(search) = self.search(key) else {
            return;
        };
        let Kind::Asked { app, .. } = &search.kind else {
            return;
        };
        for branch in &search.branches {
            let BranchState::Failed(status, Some(response)) = &branch.state else {
                continue;
            };
            if is_challenge(*status) {
                for name in self.names(response, CHALLENGES) {
                    let (target, app) = (branch.target.clone(), *app);
                    found.push((name, Entry { target, app, until }));
                }
            }
        }
        for (name, entry) in found {
            self.challenges.note(name, entry, limit);
        }
        self.reschedule_challenges();
    }

    /// The targets that have asked for the credentials in this request.
    pub(super) fn challengers(&self, app: AppId, request: &Message) -> Vec<ProxyTarget> {
        let mut targets: Vec<ProxyTarget> = Vec::new();
        if self.challenges.len() == 0 {
            return targets;
        }
        let credentials = [HeaderId::Authorization, HeaderId::ProxyAuthorization];
        for name in self.names(request, credentials) {
            let entry = self.challenges.entries.get(&name);
            if let Some(entry) = entry.filter(|entry| entry.app == app) {
                let is_known = |other: &ProxyTarget| {
                    (&other.uri, &other.next_hop) == (&entry.target.uri, &entry.target.next_hop)
                };
                if !targets.iter().any(is_known) {
                    targets.push(entry.target.clone());
                }
            }
        }
        targets
    }

    /// What challenges, and the credentials that answer them, are known by: a caller repeats its
    /// request with the same Call-ID (§22.2), and the realm and nonce that it was given.
    fn names(&self, message: &Message, headers: [HeaderId; 2]) -> Vec<u64> {
        let call_id = message.call_id().unwrap_or_default();
        let values = headers.into_iter().flat_map(|id| message.all(id));
        let values = values.filter_map(|value| Auth::parse(value).ok());
        values
            .take(MAX_REALMS)
            .filter_map(|auth| {
                let mut hasher = DefaultHasher::new();
                self.salt.hash(&mut hasher);
                call_id.hash(&mut hasher);
                auth.get("realm")?.hash(&mut hasher);
                auth.get("nonce")?.hash(&mut hasher);
                Some(hasher.finish())
            })
            .collect()
    }

    pub(in crate::engine) fn challenges_timeout(&mut self, now: Instant) {
        self.challenges.expire(now);
        self.reschedule_challenges();
    }

    fn reschedule_challenges(&mut self) {
        let deadline = self.challenges.deadline();
        let slot = &mut self.challenges.slot;
        self.timers.schedule(TimerOwner::Challenges, slot, deadline);
    }
}
