//! What an application says.
//!
//! | message | reply |
//! |---|---|
//! | `id\|authenticate\|secret\|tag,tag` | `OK` and the addresses of the server, or `NO` and the end |
//! | `id\|route\|verb`, `id\|remove_route\|verb` | `OK` |
//! | `id\|ping` | `OK\|pong` |
//! | `id\|sip\|transaction\|dialog[\|next hop]` and a draft | the message as sent |
//! | `id\|proxy\|transaction\|…` and a draft | any number of branches, then `OK\|done` |

use std::fmt;

use bytes::Bytes;
use thiserror::Error;

use super::action::{proxy_action, sip_action};
use super::envelope::write_transaction;
use super::frame::write_frame;
use super::token_line::{unescape_name, TokenLine};
use crate::apps::Request;
use crate::engine::{Refusal, TransactionId};

/// Bytes of the id of a message, which is kept until it is answered.
pub const MAX_MESSAGE_ID: usize = 128;

/// One message of an application, as a server reads it.
#[derive(Debug)]
pub struct Said {
    /// The application's name for it: the responses carry it.
    pub id: String,
    /// What it says, or what is wrong with it.
    pub message: Result<AppMessage, Fault>,
}

/// What an application can say.
#[derive(Debug)]
pub enum AppMessage {
    /// Here I am.
    Authenticate {
        /// What both sides know.
        secret: Secret,
        /// By which the application can be chosen.
        tags: Vec<String>,
    },
    /// Are you there?
    Ping,
    /// Do something.
    Ask(Request),
}

/// A shared secret; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a secret.
    pub fn new(secret: String) -> Secret {
        Secret(secret)
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A message of an application is not carried out. The texts are those of drachtio-server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// As the engine would have refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The payload is no message at all.
    #[error("Invalid message format")]
    InvalidFormat,
    /// There is no message of that type.
    #[error("Unknown message type")]
    UnknownType,
    /// A response names no request.
    #[error("transaction id missing")]
    TransactionIdMissing,
    /// The application does not know the secret.
    #[error("incorrect secret")]
    IncorrectSecret,
    /// The application has not shown that it knows the secret.
    #[error("not authenticated")]
    NotAuthenticated,
    /// The application has more or longer tags than the server takes.
    #[error("too many tags")]
    TooManyTags,
    /// `proxy` needs seven tokens, and URIs after them.
    #[error("Invalid proxy request: not enough information provided")]
    ProxyTokensMissing,
    /// What `proxy` says is no plan.
    #[error("Invalid proxy request: {0}")]
    InvalidPlan(&'static str),
}

impl Fault {
    /// Whether the application does not speak the protocol, so that its connection ends. The reply is
    /// `NO` then, and `NOK` otherwise.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Fault::Refused(_) | Fault::InvalidPlan(_))
    }

    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Refused(refusal) => refusal.code(),
            _ => "DRT_ERR_MALFORMED_COMMAND",
        }
    }
}

impl Said {
    /// Reads the payload of a frame.
    pub fn read(payload: &Bytes) -> Said {
        let Ok(line) = TokenLine::split(payload) else {
            return Said {
                id: String::new(),
                message: Err(Fault::InvalidFormat),
            };
        };
        let tokens = line.tokens();
        match tokens.split_first_chunk::<2>() {
            Some(([id, kind], rest)) if id.len() <= MAX_MESSAGE_ID => Said {
                id: (*id).to_owned(),
                message: read_message(kind, rest, line.message.clone()),
            },
            _ => Said {
                id: String::new(),
                message: Err(Fault::InvalidFormat),
            },
        }
    }
}

fn read_message(kind: &str, tokens: &[&str], draft: Bytes) -> Result<AppMessage, Fault> {
    match (kind, tokens) {
        ("authenticate", [secret, rest @ ..]) => Ok(AppMessage::Authenticate {
            secret: Secret((*secret).to_owned()),
            tags: rest.first().copied().map(read_tags).unwrap_or_default(),
        }),
        ("ping", _) => Ok(AppMessage::Ping),
        ("route", [verb, ..]) => Ok(AppMessage::Ask(Request::Route((*verb).to_owned()))),
        ("remove_route", [verb, ..]) => {
            Ok(AppMessage::Ask(Request::RemoveRoute((*verb).to_owned())))
        }
        ("sip", [transaction, dialog, rest @ ..]) => {
            if transaction.is_empty() && draft.starts_with(b"SIP/") {
                return Err(Fault::TransactionIdMissing);
            }
            let next_hop = rest.first().copied().unwrap_or_default();
            let action = sip_action(transaction, &unescape_name(dialog), next_hop, draft)?;
            Ok(AppMessage::Ask(Request::Act(action)))
        }
        ("proxy", tokens) => proxy_action(&tokens.join("|"), draft)
            .map(Request::Act)
            .map(AppMessage::Ask),
        ("authenticate" | "route" | "remove_route" | "sip", _) => Err(Fault::InvalidFormat),
        _ => Err(Fault::UnknownType),
    }
}

fn read_tags(token: &str) -> Vec<String> {
    token
        .split(',')
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What a client sends: the same, from the other side. The texts are the application's, and so are its
/// errors: nothing is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// The secret, and the tags or label with commas between.
    Authenticate {
        /// What both sides know.
        secret: &'a str,
        /// The third token.
        tags: &'a str,
    },
    /// A method, or the name of an event.
    Route(&'a str),
    /// The same, no longer.
    RemoveRoute(&'a str),
    /// Are you there?
    Ping,
    /// A draft, and the names beside it: see [`sip_action`].
    Sip {
        /// Names the request that is answered or cancelled.
        transaction: &'a str,
        /// Names the dialog, as the server did.
        dialog: &'a str,
        /// A URI.
        next_hop: &'a str,
        /// A SIP message.
        draft: &'a [u8],
    },
    /// The tokens of `proxy`, bars between them, and a draft: see [`proxy_action`].
    Proxy {
        /// All of them.
        tokens: &'a str,
        /// A SIP message.
        draft: &'a [u8],
    },
}

impl Command<'_> {
    /// Appends the frame.
    pub fn write(self, out: &mut Vec<u8>, id: TransactionId) {
        write_frame(out, |payload| {
            write_transaction(payload, id);
            match self {
                Command::Authenticate { secret, tags } => {
                    write_tokens(payload, &["authenticate", secret, tags]);
                }
                Command::Route(verb) => write_tokens(payload, &["route", verb]),
                Command::RemoveRoute(verb) => write_tokens(payload, &["remove_route", verb]),
                Command::Ping => write_tokens(payload, &["ping"]),
                Command::Sip {
                    transaction,
                    dialog,
                    next_hop,
                    draft,
                } => {
                    // The names are the server's; only a bar that it has never sent is escaped.
                    let (dialog, next_hop) =
                        (dialog.replace('|', "%7C"), next_hop.replace('|', "%7C"));
                    write_tokens(payload, &["sip", transaction, &dialog]);
                    if !next_hop.is_empty() {
                        write_tokens(payload, &[&next_hop]);
                    }
                    write_draft(payload, draft);
                }
                Command::Proxy { tokens, draft } => {
                    write_tokens(payload, &["proxy", tokens]);
                    write_draft(payload, draft);
                }
            }
        });
    }
}

fn write_tokens(payload: &mut Vec<u8>, tokens: &[&str]) {
    for token in tokens {
        payload.push(b'|');
        payload.extend_from_slice(token.as_bytes());
    }
}

fn write_draft(payload: &mut Vec<u8>, draft: &[u8]) {
    payload.extend_from_slice(b"\r\n");
    payload.extend_from_slice(draft);
}
