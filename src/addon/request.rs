//! What JavaScript asks for, from text to [`Request`].

use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use crate::driver::Request;
use crate::engine::{Action, DialogId, ProxyPlan, Refusal, TransactionId};
use crate::message::{Message, ParseError};

/// A command that does not reach the engine.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum Rejection {
    /// As the engine would have refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is not one of this boundary's commands.
    #[error("malformed command: {0}")]
    Malformed(&'static str),
}

impl Rejection {
    /// A stable name for programs.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Rejection::Refused(refusal) => refusal.code(),
            Rejection::Malformed(_) => "DRT_ERR_MALFORMED_COMMAND",
        }
    }
}

/// Reads one command. The kinds are those of `lib/`: 1 `ROUTE` and 2 `REMOVE_ROUTE` with the
/// method as head; 3 `SIP` with `transaction|nextHop|dialog` and a draft; 4 `PROXY` with the
/// tokens of the drachtio protocol's `proxy` and a draft.
pub(super) fn read_request(kind: u32, head: &str, text: Bytes) -> Result<Request, Rejection> {
    match kind {
        1 => Ok(Request::Route(head.to_owned())),
        2 => Ok(Request::RemoveRoute(head.to_owned())),
        3 => read_sip(head, text).map(Request::Act),
        4 => read_proxy(head, text).map(Request::Act),
        _ => Err(Rejection::Malformed("unknown kind")),
    }
}

/// The first rule that fits decides what is asked, as in the drachtio protocol's `sip`.
fn read_sip(head: &str, text: Bytes) -> Result<Action, Rejection> {
    let mut tokens = head.splitn(3, '|');
    let (Some(transaction), Some(next_hop), Some(dialog)) =
        (tokens.next(), tokens.next(), tokens.next())
    else {
        return Err(Rejection::Malformed("a SIP command has three tokens"));
    };
    if text.starts_with(b"SIP/") {
        let transaction = parse_transaction(transaction, |_| Refusal::UnknownTransaction)?;
        let message = Message::parse_draft(text)
            .map_err(|error| Refusal::MalformedResponse(error.to_string()))?;
        return Ok(Action::Respond {
            transaction,
            message,
        });
    }
    if dialog.is_empty() && !transaction.is_empty() {
        if !text.starts_with(b"CANCEL ") {
            return Err(Refusal::InvalidMethod(start_line(&text)).into());
        }
        let transaction = parse_transaction(transaction, Refusal::CancelUnknown)?;
        let message = parse_request(text, Refusal::InvalidMethod)?;
        return Ok(Action::Cancel {
            transaction,
            message,
        });
    }
    let (dialog, message) = if dialog.is_empty() {
        (None, parse_request(text, Refusal::InvalidRequestUri)?)
    } else {
        let dialog = DialogId(dialog.into());
        (Some(dialog), parse_request(text, Refusal::InvalidMethod)?)
    };
    Ok(Action::Request {
        dialog,
        next_hop: Some(next_hop)
            .filter(|uri| !uri.is_empty())
            .map(str::to_owned),
        message,
    })
}

fn read_proxy(head: &str, text: Bytes) -> Result<Action, Rejection> {
    let mut tokens = head.split('|');
    let mut token = || tokens.next().ok_or(Rejection::Malformed("too few tokens"));
    let transaction = parse_transaction(token()?, Refusal::ProxyUnknown)?;
    let remain_in_dialog = token()? == "remainInDialog";
    let full_response = token()? == "fullResponse";
    let follow_redirects = token()? == "followRedirects";
    let simultaneous = token()? == "simultaneous";
    let provisional_timeout = parse_timeout(token()?)?;
    let final_timeout = parse_timeout(token()?)?;
    let plan = ProxyPlan {
        destinations: tokens.map(str::to_owned).collect(),
        remain_in_dialog,
        full_response,
        follow_redirects,
        simultaneous,
        provisional_timeout,
        final_timeout,
        headers: parse_request(text, Refusal::InvalidRequestUri)?,
    };
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
    Message::parse_draft(text.clone()).map_err(|error| match error {
        ParseError::NotSip | ParseError::StartLineTooLong => bad_start_line(start_line(&text)),
        error => Refusal::MalformedHeader(error.to_string()),
    })
}

fn start_line(text: &Bytes) -> String {
    let line = text
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

/// `\d+(ms|s)`, or nothing.
fn parse_timeout(text: &str) -> Result<Option<Duration>, Rejection> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = Rejection::Malformed("a time is a number with ms or s");
    let (number, to_duration): (&str, fn(u64) -> Duration) = match text.strip_suffix("ms") {
        Some(number) => (number, Duration::from_millis),
        None => match text.strip_suffix('s') {
            Some(number) => (number, Duration::from_secs),
            None => return Err(bad),
        },
    };
    match number.parse() {
        Ok(count) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Some(to_duration(count)))
        }
        _ => Err(bad),
    }
}
