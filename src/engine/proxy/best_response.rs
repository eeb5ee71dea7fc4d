//! Which of the failures goes back to the caller (RFC 3261 §16.7 steps 6 and 7).

use bytes::Bytes;

use super::response::without_our_via;
use super::{BranchState, Search, Stopped};
use crate::message::{HeaderId, Message};

/// Challenges: a caller must answer all of them to get through (§16.7 step 7).
pub(super) const CHALLENGES: [HeaderId; 2] =
    [HeaderId::WwwAuthenticate, HeaderId::ProxyAuthenticate];

/// What goes back when no branch is left.
pub(super) enum Best {
    /// A response that a branch has given.
    Forwarded(u16, Bytes),
    /// One that must be made here.
    Made(u16),
}

impl Search {
    /// A 6xx before all, else the lowest class, and in it what helps the caller to try again.
    pub(super) fn best(&self) -> Best {
        let best = self.failures().min_by_key(|(status, _)| rank(*status));
        match best {
            None => Best::Made(self.nothing_heard()),
            // That server is overloaded, this one is not (§16.7 step 6).
            Some((503, _)) => Best::Made(500),
            Some((status, Some(response))) => match self.complete(status, response) {
                Some(text) => Best::Forwarded(status, text),
                None => Best::Made(status),
            },
            Some((408, None)) => Best::Made(self.nothing_heard()),
            Some((status, None)) => Best::Made(status),
        }
    }

    /// The failures of the branches. That one was cancelled says something only to a caller who
    /// has cancelled; to another one it is a branch from which nothing was heard.
    fn failures(&self) -> impl Iterator<Item = (u16, Option<&Message>)> {
        let is_callers = self.stopped == Some(Stopped::ByCaller);
        self.branches
            .iter()
            .filter_map(move |branch| match &branch.state {
                BranchState::Failed(487, _) if branch.cancel_wanted && !is_callers => {
                    Some((408, None))
                }
                BranchState::Failed(status, response) => Some((*status, response.as_ref())),
                _ => None,
            })
    }

    /// The response as it goes back; a challenge with those of all other branches.
    fn complete(&self, status: u16, response: &Message) -> Option<Bytes> {
        if !is_challenge(status) {
            return without_our_via(response);
        }
        response.values(HeaderId::Via).nth(1)?;
        let mut edit = response.edit();
        edit.remove_first_value(HeaderId::Via);
        let others = self
            .failures()
            .filter(|(status, _)| is_challenge(*status))
            .filter_map(|(_, other)| other)
            .filter(|other| !std::ptr::eq(*other, response));
        for other in others {
            for id in CHALLENGES {
                for challenge in other.all(id) {
                    edit.append(id, challenge);
                }
            }
        }
        edit.finish().ok()
    }

    /// What the caller is told when no branch has said anything.
    fn nothing_heard(&self) -> u16 {
        match self.stopped {
            Some(Stopped::ByCaller) => 487,
            Some(Stopped::ByApplication) => 480,
            None => 408,
        }
    }
}

/// The lower the better.
fn rank(status: u16) -> (u16, u16) {
    let class = match status / 100 {
        6 => 0,
        class => class,
    };
    let within = match status {
        401 | 407 | 415 | 420 | 484 => 0,
        // These say only that nothing was heard.
        408 | 487 | 503 => 2,
        _ => 1,
    };
    (class, within)
}

pub(super) fn is_challenge(status: u16) -> bool {
    matches!(status, 401 | 407)
}
