//! What an application asks of the engine: the SIP half of the drachtio protocol's vocabulary.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use super::proxy::ProxyPlan;
use crate::message::Message;

/// An application, as numbered by the `apps` layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId(pub u32);

/// An application's own number for a command; the reply carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandId(pub u32);

impl CommandId {
    /// The number of commands whose outcome nobody waits for. They get no reply, which spares
    /// the making of it.
    pub const NOBODY: CommandId = CommandId(0);
}

/// Names one request, whoever sent it (`stackTxnId` in the JavaScript API). A random number,
/// shown in the form of an RFC 4122 UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransactionId(pub u128);

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            n >> 96,
            (n >> 80) & 0xffff,
            (n >> 64) & 0xffff,
            (n >> 48) & 0xffff,
            n & 0xffff_ffff_ffff
        )
    }
}

/// The text is not a transaction id.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a transaction id")]
pub struct NotATransactionId;

impl FromStr for TransactionId {
    type Err = NotATransactionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 36 {
            return Err(NotATransactionId);
        }
        let mut number: u128 = 0;
        for (at, byte) in text.bytes().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(NotATransactionId);
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or(NotATransactionId)?;
            number = (number << 4) | u128::from(digit);
        }
        Ok(TransactionId(number))
    }
}

/// Names a dialog for applications: `<Call-ID>;from-tag=<tag of the From of the request that
/// made it>`, in both roles (`stackDialogId` in the JavaScript API).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DialogId(pub Arc<str>);

impl DialogId {
    /// The id of the dialog that a request with this Call-ID and From tag makes.
    pub fn new(call_id: &str, from_tag: &str) -> DialogId {
        let mut id = String::with_capacity(call_id.len() + from_tag.len() + 10);
        for part in [call_id, ";from-tag=", from_tag] {
            id.push_str(part);
        }
        DialogId(id.into())
    }

    /// The id of a further dialog of the same request, with the fork of this To tag:
    /// `<dialog id>;to-tag=<tag>`.
    pub fn of_fork(&self, to_tag: &str) -> DialogId {
        DialogId(format!("{self};to-tag={to_tag}").into())
    }

    /// The id as applications see it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DialogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One command of an application. Every command is answered by [`super::Reply`] events that
/// carry its id: one, or for a proxy command any number of `Branch` and `Progress` and then one
/// last. Only those numbered [`CommandId::NOBODY`] are not.
#[derive(Debug, Clone)]
pub struct Command {
    /// Who asks.
    pub app: AppId,
    /// The application's number for this command.
    pub id: CommandId,
    /// What is asked.
    pub action: Action,
}

/// What a [`Command`] asks. The messages are drafts: start line, the headers the application
/// chose, and a body. The engine fills in and protects the rest.
#[derive(Debug, Clone)]
pub enum Action {
    /// Send a request: inside `dialog` when given, else a new one. `next_hop` is a URI that
    /// overrides where the request is sent, not what its request line says.
    Request {
        /// The dialog the request belongs to.
        dialog: Option<DialogId>,
        /// A SIP URI to send to instead of the request-URI.
        next_hop: Option<String>,
        /// Whose answers to a new INVITE are the application's.
        forks: Forks,
        /// The draft.
        message: Message,
    },
    /// Answer a request.
    Respond {
        /// The request to answer.
        transaction: TransactionId,
        /// The draft.
        message: Message,
    },
    /// Cancel an INVITE that this application sent, or stop the search for who answers a
    /// request that it has had forwarded: its branches are cancelled, and the caller gets the
    /// best of what they have said, or 480. The answer is `Sent` for the former and `Done` for
    /// the latter.
    Cancel {
        /// The transaction of the INVITE, or of the request that is being forwarded.
        transaction: TransactionId,
        /// The draft; its headers (a Reason, say) go into the CANCEL of an INVITE, and its
        /// Reason into those of the branches.
        message: Message,
    },
    /// Forward a request that no response has been given to.
    Proxy {
        /// The request to forward.
        transaction: TransactionId,
        /// Where and how.
        plan: ProxyPlan,
    },
}

/// Which of the forks that accept an INVITE have a call with the application (RFC 3261 §13.2.2.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Forks {
    /// The first one. The engine acknowledges each other one and hangs up.
    #[default]
    First,
    /// All of them. The application is told of each 2xx and acknowledges it; the dialog of each but the first is
    /// named [`DialogId::of_fork`].
    All,
}
