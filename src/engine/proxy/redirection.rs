//! The targets that a 3xx names (RFC 3261 §16.5, §16.7 step 4).

use super::{Branch, BranchState, Kind, ProxyTarget, Search};
use crate::engine::limits;
use crate::engine::sips::is_sips;
use crate::message::{HeaderId, Message, NameAddr, Uri};

/// The preference of a Contact that names none (§20.10).
const MOST_WANTED: u16 = 1000;

impl Search {
    /// Makes targets of the Contacts of a 3xx that a branch has given: at once and together if
    /// the branch was one of a group, else one after the other, before all that wait. Nothing is
    /// tried twice. True if there is something new to try.
    pub(super) fn follow_redirection(&mut self, at: usize, status: u16) -> bool {
        let most = match &self.kind {
            Kind::Asked { plan, .. } => plan.redirects,
            Kind::InDialog => 0,
        };
        if self.stopped.is_some() || !(300..400).contains(&status) {
            return false;
        }
        let Some(Branch {
            state: BranchState::Failed(_, Some(response)),
            is_alone,
            redirections,
            target,
            ..
        }) = self.branches.get(at)
        else {
            return false;
        };
        if *redirections >= most {
            return false;
        }
        let (is_alone, redirections) = (*is_alone, redirections + 1);
        let secure = is_sips(&target.uri);
        let mut found = self.new_targets(response, secure);
        found.truncate(limits::MAX_BRANCHES.saturating_sub(self.branches.len()));
        if found.is_empty() {
            return false;
        }
        let first = self.branches.len();
        self.branches.extend(found.into_iter().map(|uri| Branch {
            is_alone,
            redirections,
            ..Branch::to(ProxyTarget {
                uri,
                ..ProxyTarget::default()
            })
        }));
        let places = first..self.branches.len();
        if is_alone {
            for place in places.rev() {
                self.waiting.push_front(place..place + 1);
            }
        } else {
            self.waiting.push_front(places);
        }
        if let Some(branch) = self.branches.get_mut(at) {
            branch.state = BranchState::Abandoned; // Its answer was a direction, not a result.
        }
        true
    }

    /// The Contacts of a redirection that have not been tried, the most wanted first. Only SIP
    /// URIs lead somewhere, and of what was to be secure only those that are it too (§16.5).
    fn new_targets(&self, response: &Message, secure: bool) -> Vec<String> {
        let mut found: Vec<(u16, Uri<'_>)> = Vec::new();
        for value in response.values(HeaderId::Contact) {
            let Ok(contact) = NameAddr::parse(value) else {
                continue;
            };
            let Ok(uri) = contact.parse_uri() else {
                continue;
            };
            if !uri.is_sip() || (secure && !is_sips(uri.text)) {
                continue;
            }
            let known = self
                .branches
                .iter()
                .filter_map(|branch| Uri::parse(&branch.target.uri).ok());
            let mut known = known.chain(found.iter().map(|(_, uri)| *uri));
            if !known.any(|other| other.equivalent(&uri)) && found.len() < limits::MAX_BRANCHES {
                found.push((preference(&contact), uri));
            }
        }
        found.sort_by_key(|(preference, _)| std::cmp::Reverse(*preference));
        found
            .into_iter()
            .map(|(_, uri)| uri.without_headers().to_string())
            .collect()
    }
}

/// The `q` of a Contact in thousandths (§25.1: `0.` or `1.` and up to three digits).
fn preference(contact: &NameAddr<'_>) -> u16 {
    let Some(text) = contact.param("q").flatten() else {
        return MOST_WANTED;
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let thousandths = fraction.bytes().chain(*b"000").take(3);
    let number = thousandths.fold(0, |sum, digit| {
        sum * 10 + u16::from(digit.saturating_sub(b'0').min(9))
    });
    match whole.parse::<u16>() {
        Ok(0) | Err(_) => number,
        Ok(_) => MOST_WANTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::command::{AppId, CommandId};
    use crate::engine::ProxyPlan;

    #[test]
    fn what_was_to_be_secure_is_redirected_to_secure_uris_alone() {
        for (target, found) in [
            ("sip:bob@x", &["sip:a@y", "sips:b@y"][..]),
            ("sips:bob@x", &["sips:b@y"]),
        ] {
            let plan = Box::new(ProxyPlan {
                redirects: 1,
                ..ProxyPlan::default()
            });
            let (app, command) = (AppId(1), CommandId(1));
            let mut search = Search::new(Kind::Asked { plan, app, command }, 60);
            search.add_group([ProxyTarget::to(target)]);
            let text = "SIP/2.0 302 Moved\r\nContact: <sip:a@y>, <sips:b@y>\r\n\r\n";
            let response = Message::parse_draft(text.into()).unwrap();
            search.branches[0].state = BranchState::Failed(302, Some(response));
            assert!(search.follow_redirection(0, 302));
            let uris: Vec<&str> = search.branches[1..]
                .iter()
                .map(|branch| &*branch.target.uri)
                .collect();
            assert_eq!(uris, found);
        }
    }

    #[test]
    fn a_preference_is_read_in_thousandths() {
        for (q, thousandths) in [
            (";q=1", 1000),
            (";q=1.000", 1000),
            (";q=0.5", 500),
            (";q=0.25", 250),
            (";q=0.123", 123),
            (";q=0", 0),
            (";q=0.", 0),
            (";q=.7", 700),
            (";q=7", 1000),
            (";q=x", 0),
            ("", 1000),
        ] {
            let text = format!("<sip:a@b>{q}");
            let contact = NameAddr::parse(text.as_bytes()).unwrap();
            assert_eq!(preference(&contact), thousandths, "{q}");
        }
    }
}
