//! How a message finds its transaction (RFC 3261 §17.1.3 and §17.2.3).

use crate::engine::random::MAGIC_COOKIE;
use crate::message::{CSeq, HeaderId, Message, Via};

/// The text that equal requests have in common: the topmost branch, the sender's address and
/// the method. An ACK takes the INVITE's, since it acknowledges within its transaction.
pub(crate) fn server_match(request: &Message, via: &Via<'_>, method: &str) -> String {
    let method = if method == "ACK" { "INVITE" } else { method };
    match via.branch() {
        Some(branch) if is_unique(branch) => {
            let port = via.port.unwrap_or(5060);
            format!(
                "{branch}\n{}:{port}\n{method}",
                via.host.to_ascii_lowercase()
            )
        }
        _ => rfc2543_match(request, method),
    }
}

/// True for a branch that is unique by itself. A bare cookie is none (RFC 4475 §3.2.1).
fn is_unique(branch: &str) -> bool {
    branch.len() > MAGIC_COOKIE.len()
        && branch
            .get(..MAGIC_COOKIE.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
}

/// Senders of the time before branches: everything that stays the same in a repetition and in
/// the ACK to a failure.
fn rfc2543_match(request: &Message, method: &str) -> String {
    let text = |id| String::from_utf8_lossy(request.get(id).unwrap_or_default()).into_owned();
    let cseq = request.cseq().map_or(0, |CSeq { number, .. }| number);
    let from_tag = request.from().ok().and_then(|from| from.tag());
    format!(
        "2543\n{}\n{cseq}\n{}\n{}\n{}\n{method}",
        text(HeaderId::CallId),
        from_tag.unwrap_or_default(),
        request.request_uri().unwrap_or_default(),
        text(HeaderId::Via),
    )
}
