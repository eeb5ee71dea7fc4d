//! How a message finds its transaction (RFC 3261 §17.1.3 and §17.2.3).

use crate::engine::random::MAGIC_COOKIE;
use crate::engine::target::DEFAULT_PORT;
use crate::engine::text::push_number;
use crate::message::{CSeq, Message, Via};

/// The text that equal requests have in common: the topmost Via's branch, the sender's address and
/// the method. An ACK takes the INVITE's, since it acknowledges within its transaction.
pub(crate) fn server_match(
    request: &Message,
    via: &Via<'_>,
    branch: Option<&str>,
    method: &str,
) -> String {
    let method = if method == "ACK" { "INVITE" } else { method };
    let port = via.port.unwrap_or(DEFAULT_PORT);
    let branch = branch.unwrap_or_default();
    let is_unique = is_unique(branch);
    let mut key = String::with_capacity(branch.len() + via.host.len() + method.len() + 8);
    if !is_unique {
        key.push_str("2543\n");
    }
    key.push_str(branch);
    key.push('\n');
    let host = key.len();
    key.push_str(via.host);
    if let Some(host) = key.get_mut(host..) {
        host.make_ascii_lowercase();
    }
    key.push(':');
    push_number(&mut key, port.into());
    key.push('\n');
    key.push_str(method);
    if !is_unique {
        key.push('\n');
        key.push_str(&rfc2543_match(request));
    }
    key
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
    let from_tag = request.from_tag();
    format!(
        "{}\n{cseq}\n{}\n{}",
        request.call_id().unwrap_or_default(),
        from_tag.unwrap_or_default(),
        request.request_uri().unwrap_or_default(),
    )
}
