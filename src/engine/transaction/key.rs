//! How a message finds its transaction (RFC 3261 §17.1.3 and §17.2.3).

use crate::engine::random::MAGIC_COOKIE;
use crate::engine::target::DEFAULT_PORT;
use crate::message::{CSeq, Message, Via};

/// The text that equal requests have in common: the topmost branch, the sender's address and
/// the method. An ACK takes the INVITE's, since it acknowledges within its transaction.
pub(crate) fn server_match(request: &Message, via: &Via<'_>, method: &str) -> String {
    let method = if method == "ACK" { "INVITE" } else { method };
    let host = via.host.to_ascii_lowercase();
    let port = via.port.unwrap_or(DEFAULT_PORT);
    match via.branch() {
        Some(branch) if is_unique(branch) => format!("{branch}\n{host}:{port}\n{method}"),
        branch => {
            let branch = branch.unwrap_or_default();
            let rest = rfc2543_match(request);
            format!("2543\n{branch}\n{host}:{port}\n{method}\n{rest}")
        }
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
fn rfc2543_match(request: &Message) -> String {
    let cseq = request.cseq().map_or(0, |CSeq { number, .. }| number);
    let from_tag = request.from().ok().and_then(|from| from.tag());
    format!(
        "{}\n{cseq}\n{}\n{}",
        request.call_id().unwrap_or_default(),
        from_tag.unwrap_or_default(),
        request.request_uri().unwrap_or_default(),
    )
}
