//! What a server says. Its own messages have an id that nobody answers.
//!
//! | message | tokens after the id |
//! |---|---|
//! | response | `response\|id of the message answered\|OK…`, or `NOK\|why` or `NO\|why` in place of `OK` |
//! | a request outside every dialog | `sip\|envelope\|transaction\|\|address\|port\|` and the message |
//! | any other message | `sip\|envelope\|transaction\|dialog\|` and the message |
//! | a request inside a dialog that is about to pass | `sip:passing\|envelope\|transaction` and the message |
//! | call detail record | `cdr:attempt\|source\|time`, `cdr:start\|…\|role`, `cdr:stop\|…\|reason` and the message |
//!
//! Some things are said beyond the original, so that an application can be told what it is told when
//! the engine is in its own process. A new INVITE that is to replace a call (RFC 3891) names its dialog
//! in a last token, and a response on a branch of a proxied request has the number of the branch where
//! the transaction stands elsewhere: applications of old look at neither. `OK|progress|…` goes to who
//! asked for progress in its plan, `request:answered` and `connection:closed` to who named them in
//! `route`, as the records do.

use std::time::Instant;

use bytes::Bytes;

use super::app_message::Fault;
use super::envelope::{
    source_name, write_address, write_envelope, write_number, write_transaction, Envelope,
};
use super::frame::write_frame;
use super::token_line::{escape_name, write_text, Malformed, TokenLine};
use super::wall_clock::WallClock;
use crate::engine::{
    BranchId, BranchStep, Cdr, ClosedConnection, DialogId, Meta, News, Refusal, Reply,
    TransactionId,
};
use crate::message::{HeaderId, Message, Method};

/// What stands for the transaction of a request that the server sent by itself.
const UNSOLICITED: &[u8] = b"unsolicited";

/// The type of the message that tells that the engine has answered a request in its application's place.
pub const ANSWERED: &str = "request:answered";

/// The type of the message that asks whether a request inside a dialog may pass along its recorded
/// route; it goes to who named the route `in-dialog`.
const PASSING: &str = "sip:passing";

/// What an answer begins with that tells how a search goes.
const PROGRESS: &str = "progress";

/// The type of the message that tells of the end of a connection.
pub const CONNECTION_CLOSED: &str = "connection:closed";

/// What a command was, since the last reply to `proxy` differs from that to `route`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `route` or `remove_route`.
    Route,
    /// `sip`.
    Sip,
    /// `proxy`.
    Proxy,
}

/// What an application is told that knows the secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Greeting {
    /// Where the server is reached, as in `udp/203.0.113.7:5060`.
    pub hostports: Vec<String>,
    /// The version of drachtio-server that it stands for, as in `v0.9.10`.
    pub version: String,
    /// Where it listens.
    pub local_hostports: Vec<String>,
}

/// Appends `OK` with where the server is.
pub fn write_authenticated(out: &mut Vec<u8>, id: TransactionId, re: &str, greeting: &Greeting) {
    write_response(out, id, re, |payload| {
        payload.extend_from_slice(b"OK|");
        payload.extend_from_slice(greeting.hostports.join(",").as_bytes());
        payload.push(b'|');
        payload.extend_from_slice(greeting.version.as_bytes());
        payload.push(b'|');
        payload.extend_from_slice(greeting.local_hostports.join(",").as_bytes());
    });
}

/// Appends `OK`.
pub fn write_ok(out: &mut Vec<u8>, id: TransactionId, re: &str) {
    write_response(out, id, re, |payload| payload.extend_from_slice(b"OK"));
}

/// Appends the reply to a ping.
pub fn write_pong(out: &mut Vec<u8>, id: TransactionId, re: &str) {
    write_response(out, id, re, |payload| payload.extend_from_slice(b"OK|pong"));
}

/// Appends `NOK` and why.
pub fn write_refusal(out: &mut Vec<u8>, id: TransactionId, re: &str, why: &Refusal) {
    write_failure(out, id, re, "NOK|", &why.to_string());
}

/// Appends `NO`, or `NOK` for what does no harm to the connection, and what is wrong.
pub fn write_fault(out: &mut Vec<u8>, id: TransactionId, re: &str, fault: &Fault) {
    let word = if fault.is_fatal() { "NO|" } else { "NOK|" };
    write_failure(out, id, re, word, &fault.to_string());
}

fn write_failure(out: &mut Vec<u8>, id: TransactionId, re: &str, word: &str, why: &str) {
    write_response(out, id, re, |payload| {
        payload.extend_from_slice(word.as_bytes());
        write_text(payload, why);
    });
}

/// Appends the reply to a command.
pub fn write_reply(
    out: &mut Vec<u8>,
    id: TransactionId,
    re: &str,
    asked: Asked,
    reply: &Reply,
    clock: &mut WallClock,
) {
    match reply {
        Reply::Refused(why) => write_refusal(out, id, re, why),
        Reply::Done if asked == Asked::Proxy => {
            write_response(out, id, re, |payload| payload.extend_from_slice(b"OK|done"));
        }
        Reply::Done => write_ok(out, id, re),
        Reply::Branch {
            branch,
            meta,
            message,
        } => write_response(out, id, re, |payload| {
            payload.extend_from_slice(b"OK|");
            write_envelope(payload, meta, clock);
            payload.push(b'|');
            if let Some(BranchId(number)) = branch {
                write_number(payload, usize::from(*number));
            }
            payload.extend_from_slice(b"||continue");
            write_message(payload, message);
        }),
        Reply::Progress { branch, at, step } => write_response(out, id, re, |payload| {
            payload.extend_from_slice(format!("OK|{PROGRESS}|").as_bytes());
            write_progress(payload, *branch, *at, step, clock);
        }),
        Reply::Sent {
            transaction,
            dialog,
            meta,
            message,
        } => write_response(out, id, re, |payload| {
            payload.extend_from_slice(b"OK|");
            write_envelope(payload, meta, clock);
            payload.push(b'|');
            write_transaction(payload, *transaction);
            if message.status().is_some() {
                payload.push(b'|');
                write_dialog(payload, dialog.as_ref());
                payload.push(b'|');
            }
            payload.extend_from_slice(b"|Msg sent:|");
            write_message(payload, message);
        }),
    }
}

/// Appends what has become of a branch of a proxied request: `time|branch|started|uri`, or
/// `time|branch|ended|reason|status` with nothing for a status that there is not.
pub fn write_progress(
    text: &mut Vec<u8>,
    branch: BranchId,
    at: Instant,
    step: &BranchStep,
    clock: &mut WallClock,
) {
    clock.write(at, text);
    text.push(b'|');
    write_number(text, usize::from(branch.0));
    match step {
        BranchStep::Started { target } => {
            text.extend_from_slice(b"|started|");
            write_text(text, target);
        }
        BranchStep::Ended { why, status } => {
            text.extend_from_slice(b"|ended|");
            text.extend_from_slice(why.name().as_bytes());
            text.push(b'|');
            if let Some(status) = status {
                write_number(text, usize::from(*status));
            }
        }
    }
}

/// Appends a piece of news, but for replies, which need the id of what they answer.
pub fn write_news(out: &mut Vec<u8>, id: TransactionId, news: &News, clock: &mut WallClock) {
    match news {
        News::Reply { .. } => {}
        News::Message {
            transaction,
            dialog,
            meta,
            message,
        } => write_frame(out, |payload| {
            write_transaction(payload, id);
            payload.extend_from_slice(b"|sip|");
            write_envelope(payload, meta, clock);
            payload.push(b'|');
            match transaction {
                Some(transaction) => write_transaction(payload, *transaction),
                None => payload.extend_from_slice(UNSOLICITED),
            }
            payload.push(b'|');
            write_place(payload, dialog.as_ref(), meta, message);
            write_message(payload, message);
        }),
        News::Passing {
            transaction,
            meta,
            message,
        } => write_frame(out, |payload| {
            write_transaction(payload, id);
            payload.extend_from_slice(format!("|{PASSING}|").as_bytes());
            write_envelope(payload, meta, clock);
            payload.push(b'|');
            write_transaction(payload, *transaction);
            write_message(payload, message);
        }),
        News::Refused {
            transaction,
            status,
            why,
        } => write_frame(out, |payload| {
            write_transaction(payload, id);
            payload.extend_from_slice(format!("|{ANSWERED}|").as_bytes());
            write_transaction(payload, *transaction);
            payload.extend_from_slice(format!("|{status}|{}|", why.code()).as_bytes());
            write_text(payload, &why.to_string());
        }),
        News::Record(record) => write_frame(out, |payload| {
            write_transaction(payload, id);
            payload.push(b'|');
            write_record(payload, record, clock);
            write_message(payload, &record.message);
        }),
        News::ConnectionClosed(closed) => write_frame(out, |payload| {
            write_transaction(payload, id);
            payload.extend_from_slice(format!("|{CONNECTION_CLOSED}|").as_bytes());
            write_closed(payload, closed);
        }),
    }
}

/// Appends the tokens after the transaction: where a request outside every dialog has come, or else
/// the dialog.
fn write_place(payload: &mut Vec<u8>, dialog: Option<&DialogId>, meta: &Meta, message: &Message) {
    let is_replacing = dialog.is_some() && is_replacing(message);
    if message.is_request() && (dialog.is_none() || is_replacing) {
        payload.push(b'|');
        write_address(payload, meta.local.ip());
        payload.push(b'|');
        write_number(payload, meta.local.port().into());
        payload.push(b'|');
        if is_replacing {
            // The token between is a session's, which this server has none of.
            payload.push(b'|');
            write_dialog(payload, dialog);
        }
        return;
    }
    write_dialog(payload, dialog);
    payload.push(b'|');
}

/// Whether the dialog of a message is the one to be replaced.
fn is_replacing(message: &Message) -> bool {
    message.method() == Some(Method::Invite)
        && message.has(HeaderId::Replaces)
        && message.to().is_ok_and(|to| to.tag().is_none())
}

fn write_closed(payload: &mut Vec<u8>, closed: &ClosedConnection) {
    payload.extend_from_slice(closed.transport.name().as_bytes());
    payload.push(b'|');
    write_address(payload, closed.peer.ip());
    payload.push(b'|');
    write_number(payload, closed.peer.port().into());
    let contacts = closed.registrations.iter();
    for contact in contacts {
        payload.extend_from_slice(format!("\r\ncontact {contact}").as_bytes());
    }
    for dialog in &closed.dialogs {
        payload.extend_from_slice(b"\r\ndialog ");
        write_dialog(payload, Some(dialog));
    }
    for request in &closed.requests {
        payload.extend_from_slice(format!("\r\nrequest {request}").as_bytes());
    }
}

/// Appends what a call detail record says beside its message: `event|source|time`, and the role or
/// the reason of one that has it.
pub fn write_record(out: &mut Vec<u8>, record: &Cdr, clock: &mut WallClock) {
    let names = [record.event.name(), source_name(record.source)];
    out.extend_from_slice(names.join("|").as_bytes());
    out.push(b'|');
    clock.write(record.at, out);
    if let Some(detail) = record.event.detail() {
        out.push(b'|');
        out.extend_from_slice(detail.as_bytes());
    }
}

fn write_response(
    out: &mut Vec<u8>,
    id: TransactionId,
    re: &str,
    write: impl FnOnce(&mut Vec<u8>),
) {
    write_frame(out, |payload| {
        write_transaction(payload, id);
        payload.extend_from_slice(b"|response|");
        payload.extend_from_slice(re.as_bytes());
        payload.push(b'|');
        write(payload);
    });
}

fn write_dialog(payload: &mut Vec<u8>, dialog: Option<&DialogId>) {
    if let Some(dialog) = dialog {
        payload.extend_from_slice(escape_name(dialog.as_str()).as_bytes());
    }
}

fn write_message(payload: &mut Vec<u8>, message: &Message) {
    payload.extend_from_slice(b"\r\n");
    payload.extend_from_slice(message.text());
}

/// A message of a server, as a client reads it. Names are as the server wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// The answer to a message of the client.
    Response {
        /// The id of that message.
        re: &'a str,
        /// The answer.
        answer: Answer<'a>,
    },
    /// A SIP message.
    Sip {
        /// How it travelled.
        envelope: Envelope<'a>,
        /// The request, or the request that it is a response to; `unsolicited` for one that the server
        /// sent by itself.
        transaction: &'a str,
        /// Names its dialog, or the dialog that it is to replace; empty if there is none.
        dialog: String,
        /// The address and port that a new request came to, if the server tells.
        received_on: Option<(&'a str, &'a str)>,
        /// The message.
        message: Bytes,
    },
    /// A request inside a dialog that is about to pass along its recorded route.
    Passing {
        /// How it came.
        envelope: Envelope<'a>,
        /// The request, which may be answered or proxied.
        transaction: &'a str,
        /// The message.
        message: Bytes,
    },
    /// A call detail record.
    Cdr {
        /// `cdr:attempt`, `cdr:start` or `cdr:stop`.
        event: &'a str,
        /// `network` or `application`.
        source: &'a str,
        /// As in an [`Envelope`].
        time: &'a str,
        /// The role or the reason; empty for an attempt.
        detail: &'a str,
        /// The message.
        message: Bytes,
    },
    /// A request was answered in the application's place: `transaction|status|code|text`.
    Answered(Vec<&'a str>),
    /// A connection has ended: `protocol|address|port`, and lines.
    ConnectionClosed(Vec<&'a str>, Bytes),
}

/// What a client is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<'a> {
    /// It is done.
    Done,
    /// The server is there.
    Pong,
    /// The server knows the client now.
    Authenticated {
        /// Where it is reached, commas between.
        hostports: &'a str,
        /// Its version; empty before 0.8.
        version: &'a str,
        /// Where it listens; empty before the end of 2024.
        local_hostports: &'a str,
    },
    /// A message was sent.
    Sent {
        /// How.
        envelope: Envelope<'a>,
        /// The request, or the request answered.
        transaction: &'a str,
        /// The dialog; empty outside of one, and if the server does not tell.
        dialog: String,
        /// The message as sent.
        message: Bytes,
    },
    /// A response on a branch of a proxied request; more answers follow.
    Branch {
        /// Whence its response came.
        envelope: Envelope<'a>,
        /// The number of the branch; empty for a response that the server made, and if it does not tell.
        branch: &'a str,
        /// The response.
        message: Bytes,
    },
    /// What has become of a branch, as [`write_progress`] says it; more answers follow.
    Progress(Vec<&'a str>),
    /// Why it was not done; empty if the server does not tell.
    Refused(String),
}

impl<'a> ServerMessage<'a> {
    /// Reads the payload of a frame, split.
    ///
    /// # Errors
    /// It is of no known type, or has too few tokens.
    pub fn read(line: &'a TokenLine<'_>) -> Result<ServerMessage<'a>, Malformed> {
        let tokens = line.tokens();
        let kind = tokens.get(1).copied().unwrap_or_default();
        let rest = tokens.get(2..).unwrap_or_default();
        let message = line.message.clone();
        let read = match kind {
            "response" => read_response(rest, message),
            "sip" => read_sip(rest, message),
            PASSING => read_passing(rest, message),
            "cdr:attempt" | "cdr:start" | "cdr:stop" => read_cdr(kind, rest, message),
            ANSWERED => (rest.len() >= 4).then(|| ServerMessage::Answered(rest.to_vec())),
            CONNECTION_CLOSED => {
                (rest.len() >= 3).then(|| ServerMessage::ConnectionClosed(rest.to_vec(), message))
            }
            "" => return Err(Malformed::NoType),
            _ => return Err(Malformed::UnknownType(kind.chars().take(64).collect())),
        };
        read.ok_or_else(|| Malformed::TooFewTokens(kind.to_owned()))
    }
}

fn read_response<'a>(tokens: &[&'a str], message: Bytes) -> Option<ServerMessage<'a>> {
    let ([re, word], rest) = tokens.split_first_chunk::<2>()?;
    let answer = match *word {
        "OK" => read_success(rest, message)?,
        _ => Answer::Refused(rest.join("|")),
    };
    Some(ServerMessage::Response { re, answer })
}

/// What was asked is not looked at: every form of success can be told from the others.
fn read_success<'a>(tokens: &[&'a str], message: Bytes) -> Option<Answer<'a>> {
    Some(match tokens {
        [] | ["" | "done"] => Answer::Done,
        ["pong"] => Answer::Pong,
        [PROGRESS, step @ ..] if step.len() >= 4 => Answer::Progress(step.to_vec()),
        ["network" | "application", ..] => {
            let (envelope, rest) = Envelope::read(tokens)?;
            match rest {
                [branch, _, "continue", ..] => Answer::Branch {
                    envelope,
                    branch,
                    message,
                },
                [transaction, rest @ ..] => Answer::Sent {
                    envelope,
                    transaction,
                    dialog: read_sent_dialog(rest),
                    message,
                },
                [] => return None,
            }
        }
        [hostports, rest @ ..] => Answer::Authenticated {
            hostports,
            version: rest.first().unwrap_or(&""),
            local_hostports: rest.get(1).unwrap_or(&""),
        },
    })
}

/// The dialog of a response that was sent: what stands before the empty token before `Msg sent:`. A
/// server that does not escape may have bars in it. Requests and servers before 2020 have none.
fn read_sent_dialog(tokens: &[&str]) -> String {
    let end = tokens.iter().rposition(|token| *token == "Msg sent:");
    let before = tokens
        .get(..end.unwrap_or(tokens.len()))
        .unwrap_or_default();
    match before {
        [dialog @ .., ""] => dialog.join("|"),
        dialog => dialog.join("|"),
    }
}

fn read_sip<'a>(tokens: &[&'a str], message: Bytes) -> Option<ServerMessage<'a>> {
    let (envelope, rest) = Envelope::read(tokens)?;
    let (transaction, rest) = rest.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let (received_on, dialog) = match rest {
        ["", address, port, more @ ..] if is_port(port) => {
            let replaced = more.get(1).copied().unwrap_or_default();
            (Some((*address, *port)), replaced.to_owned())
        }
        // A server that does not escape may have bars in a dialog id.
        [dialog @ .., ""] if dialog.len() > 1 => (None, dialog.join("|")),
        [dialog, ..] => (None, (*dialog).to_owned()),
        [] => (None, String::new()),
    };
    Some(ServerMessage::Sip {
        envelope,
        transaction,
        dialog,
        received_on,
        message,
    })
}

fn read_passing<'a>(tokens: &[&'a str], message: Bytes) -> Option<ServerMessage<'a>> {
    let (envelope, rest) = Envelope::read(tokens)?;
    let transaction = rest.first()?;
    Some(ServerMessage::Passing {
        envelope,
        transaction,
        message,
    })
}

fn is_port(token: &str) -> bool {
    token.parse::<u16>().is_ok()
}

fn read_cdr<'a>(event: &'a str, tokens: &[&'a str], message: Bytes) -> Option<ServerMessage<'a>> {
    let ([source, time], rest) = tokens.split_first_chunk::<2>()?;
    Some(ServerMessage::Cdr {
        event,
        source,
        time,
        detail: rest.first().unwrap_or(&""),
        message,
    })
}
