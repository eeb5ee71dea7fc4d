//! How a message finds its transaction (RFC 3261 §17.1.3 and §17.2.3).

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::engine::random::MAGIC_COOKIE;
use crate::engine::target::DEFAULT_PORT;
use crate::message::{Message, Method, Via};

/// What equal requests have in common: a hash of the topmost Via's branch, the sender's address and
/// the method. It is all that is kept of them, so there are enough bits that no two requests meet
/// by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ServerMatch([u64; 2]);

impl ServerMatch {
    /// The salt must be a secret, so that nobody can make two requests look alike.
    pub(crate) fn of(
        request: &Message,
        via: &Via<'_>,
        branch: Option<&str>,
        method: Method<'_>,
        salt: u64,
    ) -> ServerMatch {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        let branch = branch.unwrap_or_default();
        branch.hash(&mut hasher);
        lower_case(via.host).hash(&mut hasher);
        via.port.unwrap_or(DEFAULT_PORT).hash(&mut hasher);
        method.hash(&mut hasher);
        if !is_unique(branch) {
            hash_rfc2543(request, &mut hasher);
        }
        let first = hasher.finish();
        salt.hash(&mut hasher);
        ServerMatch([first, hasher.finish()])
    }
}

/// Most hosts are numbers, and are not copied.
fn lower_case(host: &str) -> Cow<'_, str> {
    match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => host.to_ascii_lowercase().into(),
        false => host.into(),
    }
}

/// True for a branch that is unique by itself. A bare cookie is none (RFC 4475 §3.2.1).
fn is_unique(branch: &str) -> bool {
    branch.len() > MAGIC_COOKIE.len()
        && branch
            .get(..MAGIC_COOKIE.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
}

/// Senders of the time before branches: what else stays the same in a repetition, in the ACK to
/// a failure and in a CANCEL. Of the Via only what the sender wrote counts, see above.
fn hash_rfc2543(request: &Message, hasher: &mut impl Hasher) {
    request.call_id().unwrap_or_default().hash(hasher);
    request.cseq().map_or(0, |cseq| cseq.number).hash(hasher);
    request.from_tag().hash(hasher);
    request.request_uri().hash(hasher);
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str =
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP Host:5080;branch=z9hG4bK1\r\n\
                           From: <sip:c@d>;tag=1\r\nCall-ID: call\r\nCSeq: 1 OPTIONS\r\n\r\n";

    fn matching(text: &str, method: Method<'_>, salt: u64) -> ServerMatch {
        let request = Message::parse_draft(text.to_owned().into()).unwrap();
        let via = request.top_via().unwrap();
        ServerMatch::of(&request, &via, via.branch(), method, salt)
    }

    #[test]
    fn what_names_a_transaction_is_in_its_hash_and_nothing_else() {
        let first = matching(REQUEST, Method::Options, 1);
        for (from, to) in [
            ("Host", "hOST"),
            ("sip:a@b", "sip:other"),
            ("Call-ID: call", "Call-ID: other"),
            (";branch", ";rport;branch"),
        ] {
            let same = matching(&REQUEST.replacen(from, to, 1), Method::Options, 1);
            assert_eq!(same, first, "{to}");
        }
        for (from, to) in [
            ("Host", "Hosts"),
            ("5080", "5081"),
            ("z9hG4bK1", "z9hG4bK2"),
        ] {
            let other = matching(&REQUEST.replacen(from, to, 1), Method::Options, 1);
            assert_ne!(other, first, "{to}");
        }
        assert_ne!(matching(REQUEST, Method::Invite, 1), first);
        assert_ne!(matching(REQUEST, Method::Options, 2), first);
    }

    #[test]
    fn a_branch_that_is_not_unique_is_not_enough() {
        let old = REQUEST.replacen("z9hG4bK1", "1", 1);
        let first = matching(&old, Method::Options, 1);
        for (from, to) in [
            ("sip:a@b", "sip:other"),
            ("Call-ID: call", "Call-ID: other"),
            ("tag=1", "tag=2"),
            ("CSeq: 1", "CSeq: 2"),
        ] {
            let other = matching(&old.replacen(from, to, 1), Method::Options, 1);
            assert_ne!(other, first, "{to}");
        }
    }
}
