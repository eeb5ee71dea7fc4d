//! What `sip` and `proxy` ask of the engine. The addon's commands have the same tokens.

use bytes::Bytes;

use super::app_message::Fault;
use super::proxy::{read_plan, NotAPlan};
use crate::engine::{Action, DialogId, Forks, Refusal, TransactionId};
use crate::message::{Message, ParseError};

/// Tokens of `proxy` between the transaction and the destinations.
const PLAN_TOKENS: usize = 6;

/// No URI has a blank in it.
const ALL_FORKS: &str = " forks=all";

/// What is asked by a draft and the names beside it, each of which may be empty. The first rule that
/// fits decides: a status line answers `transaction`; a request with `dialog` goes into it; one with
/// `transaction` cancels that; any other is new, and goes to `next_hop` if there is one.
///
/// A blank and `forks=all` after the next hop, or in its place, ask for [`Forks::All`]. That is this package's own:
/// drachtio-server does not know it.
///
/// # Errors
/// As the engine would have refused it.
pub fn sip_action(
    transaction: &str,
    dialog: &str,
    next_hop: &str,
    draft: Bytes,
) -> Result<Action, Refusal> {
    if draft.starts_with(b"SIP/") {
        let transaction = parse_transaction(transaction, |_| Refusal::UnknownTransaction)?;
        let message = Message::parse_draft(draft)
            .map_err(|error| Refusal::MalformedResponse(error.to_string()))?;
        return Ok(Action::Respond {
            transaction,
            message,
        });
    }
    if dialog.is_empty() && !transaction.is_empty() {
        if !draft.starts_with(b"CANCEL ") {
            return Err(Refusal::InvalidMethod(start_line(&draft)));
        }
        let transaction = parse_transaction(transaction, Refusal::CancelUnknown)?;
        let message = parse_request(draft, Refusal::InvalidMethod)?;
        return Ok(Action::Cancel {
            transaction,
            message,
        });
    }
    let (dialog, message) = if dialog.is_empty() {
        (None, parse_request(draft, Refusal::InvalidRequestUri)?)
    } else {
        let dialog = DialogId(dialog.into());
        (Some(dialog), parse_request(draft, Refusal::InvalidMethod)?)
    };
    let (next_hop, forks) = match next_hop.strip_suffix(ALL_FORKS) {
        Some(next_hop) => (next_hop, Forks::All),
        None => (next_hop, Forks::First),
    };
    Ok(Action::Request {
        dialog,
        next_hop: Some(next_hop)
            .filter(|uri| !uri.is_empty())
            .map(str::to_owned),
        forks,
        message,
    })
}

/// What is asked by the tokens of `proxy`, the transaction first, and a draft: see `proxy.rs`.
///
/// # Errors
/// There are too few tokens, what they say is no plan, or the engine would have refused it.
pub fn proxy_action(tokens: &str, draft: Bytes) -> Result<Action, Fault> {
    let (transaction, plan) = tokens.split_once('|').ok_or(Fault::ProxyTokensMissing)?;
    if plan.split('|').count() < PLAN_TOKENS {
        return Err(Fault::ProxyTokensMissing);
    }
    let transaction = parse_transaction(transaction, Refusal::ProxyUnknown)?;
    let plan = read_plan(plan, draft.clone()).map_err(|error| match error {
        NotAPlan::Malformed(what) => Fault::InvalidPlan(what),
        NotAPlan::Draft(error) => bad_draft(error, &draft, Refusal::InvalidRequestUri).into(),
    })?;
    Ok(Action::Proxy { transaction, plan })
}

fn parse_transaction(
    text: &str,
    unknown: impl Fn(String) -> Refusal,
) -> Result<TransactionId, Refusal> {
    text.parse().map_err(|_| unknown(text.to_owned()))
}

/// Says of a bad start line what the command's own refusal for it says.
fn parse_request(
    text: Bytes,
    bad_start_line: impl Fn(String) -> Refusal,
) -> Result<Message, Refusal> {
    Message::parse_draft(text.clone()).map_err(|error| bad_draft(error, &text, bad_start_line))
}

fn bad_draft(
    error: ParseError,
    text: &Bytes,
    bad_start_line: impl Fn(String) -> Refusal,
) -> Refusal {
    match error {
        ParseError::NotSip | ParseError::StartLineTooLong => bad_start_line(start_line(text)),
        error => Refusal::MalformedHeader(error.to_string()),
    }
}

fn start_line(text: &Bytes) -> String {
    let line = text
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}
