//! What the engine tells an application: the other half of the drachtio protocol's vocabulary.

use std::net::SocketAddr;
use std::time::Instant;

use thiserror::Error;

use super::cdr::Cdr;
use super::command::{AppId, CommandId, DialogId, TransactionId};
use super::path::{Path, Transport};
use crate::message::Message;

/// One thing an application is told.
#[derive(Debug, Clone)]
pub struct Event {
    /// Who is told. `None` for a request outside every dialog that no application owns yet:
    /// the `apps` layer answers with `Engine::assign` or `Engine::reject`; and for a
    /// [`News::Record`].
    pub app: Option<AppId>,
    /// What is told.
    pub news: News,
}

/// What an [`Event`] tells.
#[derive(Debug, Clone)]
pub enum News {
    /// A request or response arrived, or the engine made one by itself (a BYE when an ACK
    /// never came, a 408 when nobody answered).
    Message {
        /// The request, or the request that the response belongs to. `None` for a request that
        /// the engine sent by itself (`unsolicited` in the protocol).
        transaction: Option<TransactionId>,
        /// The dialog, if there is one. For an INVITE outside a dialog: the one that it is to
        /// replace (RFC 3891).
        dialog: Option<DialogId>,
        /// How it arrived.
        meta: Meta,
        /// The message, as received but for `received` and `rport` in the topmost Via.
        message: Message,
    },
    /// A request inside a dialog whose route this proxy has recorded is about to pass. The
    /// `apps` layer gives it to an application that has asked for such requests, by
    /// `Engine::assign`, or lets it go on by `Engine::pass`. The application may answer it
    /// instead, or have it forwarded by a proxy command without targets.
    Passing {
        /// The request.
        transaction: TransactionId,
        /// How it arrived.
        meta: Meta,
        /// The message.
        message: Message,
    },
    /// The engine has answered a request of the application's in its place.
    Refused {
        /// The request.
        transaction: TransactionId,
        /// The status code that it was answered with.
        status: u16,
        /// Why.
        why: Refusal,
    },
    /// A call detail record. The `apps` layer gives it to an application that has asked for such.
    Record(Box<Cdr>),
    /// A connection has ended on which the application has registrations, dialogs or requests.
    ConnectionClosed(Box<ClosedConnection>),
    /// The answer to a command.
    Reply {
        /// The command answered.
        command: CommandId,
        /// The answer.
        reply: Reply,
    },
}

/// What an application had on a connection that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedConnection {
    /// The protocol spoken.
    pub transport: Transport,
    /// The other end.
    pub peer: SocketAddr,
    /// The Contacts that were registered over it and are reached no longer.
    pub registrations: Vec<Box<str>>,
    /// The dialogs whose peer was last heard on it.
    pub dialogs: Vec<DialogId>,
    /// The requests that came over it and have no final response yet.
    pub requests: Vec<TransactionId>,
}

impl ClosedConnection {
    pub(super) fn of(path: Path) -> ClosedConnection {
        ClosedConnection {
            transport: path.transport,
            peer: path.peer,
            registrations: Vec::new(),
            dialogs: Vec::new(),
            requests: Vec::new(),
        }
    }
}

/// The answer to a command.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Done: this message was sent.
    Sent {
        /// The transaction of the request or response sent.
        transaction: TransactionId,
        /// The dialog, if the message belongs to one or can make one.
        dialog: Option<DialogId>,
        /// How it was sent.
        meta: Meta,
        /// The message as sent.
        message: Message,
    },
    /// Not done, and why.
    Refused(Refusal),
    /// A response on a branch of a proxied request; more replies follow. Final responses are
    /// reported if the plan asked for full responses, provisional ones if it asked for progress.
    Branch {
        /// Which branch; `None` for a response that the engine made, because no branch gave any.
        branch: Option<BranchId>,
        /// Whence the response came.
        meta: Meta,
        /// The response.
        message: Message,
    },
    /// What has become of a branch, if the plan asked for progress; more replies follow.
    Progress {
        /// Which branch.
        branch: BranchId,
        /// When, on the engine's clock.
        at: Instant,
        /// What has happened.
        step: BranchStep,
    },
    /// Done, and there is no message to show for it: a proxied request has ended, or its search
    /// has been stopped.
    Done,
}

/// The number of a branch of a proxied request: targets are numbered from 0 in the order of the
/// plan, and those found by redirection go on counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BranchId(pub u16);

/// A step of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchStep {
    /// Its turn has come.
    Started {
        /// The URI of its target.
        target: String,
    },
    /// It counts no longer, with its final status if it has one. A branch that was cancelled or
    /// has taken too long may still give a response; if that is a 2xx which goes to the caller, it
    /// ends once more, as [`BranchEnd::Answered`].
    Ended {
        /// Why.
        why: BranchEnd,
        /// The status that it counts as in the choice of the best response.
        status: Option<u16>,
    },
}

/// Why a branch has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BranchEnd {
    /// It answered with a 2xx.
    Answered,
    /// It gave another final response.
    Failed,
    /// It gave a 3xx whose Contacts are tried.
    Redirected,
    /// It said nothing at all in the time that the transaction has (timers B and F).
    Silent,
    /// No response came within the provisional timeout.
    ProvisionalTimeout,
    /// No final response came within the final timeout.
    FinalTimeout,
    /// It rang too long (timer C).
    RangOut,
    /// It was cancelled, or was not tried any more: another branch has decided the search, the
    /// caller has given up, or the application has stopped it.
    Cancelled,
    /// It could not be sent: no transport fits, or the transport has failed.
    Unreachable,
    /// The name of its target leads nowhere.
    Unresolved,
    /// The request may not be forked any further (RFC 5393 §5).
    TooBroad,
}

impl BranchEnd {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            BranchEnd::Answered => "answered",
            BranchEnd::Failed => "failed",
            BranchEnd::Redirected => "redirected",
            BranchEnd::Silent => "timeout",
            BranchEnd::ProvisionalTimeout => "provisional-timeout",
            BranchEnd::FinalTimeout => "final-timeout",
            BranchEnd::RangOut => "ringing-timeout",
            BranchEnd::Cancelled => "cancelled",
            BranchEnd::Unreachable => "unreachable",
            BranchEnd::Unresolved => "unresolved",
            BranchEnd::TooBroad => "max-breadth",
        }
    }
}

/// Who made a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It came from a socket.
    Network,
    /// The application, or the engine for it.
    Application,
}

/// How a message travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// Who made it.
    pub source: Source,
    /// Over which transport.
    pub transport: Transport,
    /// The other end.
    pub peer: SocketAddr,
    /// The listener's address.
    pub local: SocketAddr,
    /// Its size in bytes.
    pub size: usize,
    /// When, on the engine's clock.
    pub at: Instant,
}

/// Why a command was not carried out. The texts are those of drachtio-server, since
/// applications match them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request-URI or start line of a new request is malformed.
    #[error("invalid request-uri: {0}")]
    InvalidRequestUri(String),
    /// No listener fits the wanted transport and address family.
    #[error("requested protocol/transport not available")]
    TransportNotAvailable,
    /// A host name has no address.
    #[error("no address found for {0}")]
    NameNotResolved(String),
    /// The connection that the URI stands for has ended, or was never there.
    #[error("no connection leads to {0}")]
    FlowFailed(String),
    /// Users at different places have registered the same Contact.
    #[error("several clients have registered {0}")]
    AmbiguousContact(String),
    /// `localhost` in a From could not be replaced.
    #[error("invalid from value provided by client: {0}")]
    InvalidFrom(String),
    /// A body needs a Content-Type unless it is SDP.
    #[error("missing content-type")]
    MissingContentType,
    /// The target is one of our own listeners.
    #[error("can not send request to myself")]
    SendToMyself,
    /// A header of the draft is malformed; the text says which.
    #[error("Error creating sip transaction for uac request: {0}")]
    MalformedHeader(String),
    /// No dialog has that id.
    #[error("Server error: unable to find dialog for dialog id provided")]
    UnknownDialog,
    /// ACK for a dialog that is not known: failures are acknowledged by the engine.
    #[error(
        "Server error: ACK for non-success final response is automatically generated by server"
    )]
    AckForFailure,
    /// ACK for a dialog that has no 2xx to acknowledge.
    #[error("ACK for non-success responses is automatically generated by the stack")]
    AckWithoutSuccess,
    /// The dialog's next hop can't be used.
    #[error(
        "Server error: unable to find route when sending request inside dialog for dialog id {0}"
    )]
    NoRouteInDialog(DialogId),
    /// An INVITE in a dialog where another one is open, of either side (RFC 3261 §14.1).
    #[error("another INVITE is in progress in this dialog")]
    InviteInProgress,
    /// An INVITE with a Replaces was accepted that names no call which may be replaced; this status
    /// went to the caller instead (RFC 3891 §3).
    #[error("the call to be replaced is not here or may not be replaced: {0} was sent")]
    CannotReplace(u16),
    /// The start line of an in-dialog request is malformed.
    #[error("Server error: invalid or missing method supplied on start line: {0}")]
    InvalidMethod(String),
    /// A body of an in-dialog request needs a Content-Type unless it is SDP.
    #[error("Server error: missing content-type")]
    MissingContentTypeInDialog,
    /// PRACK without an INVITE that awaits it.
    #[error("Server error: unable to find IIP when sending PRACK")]
    PrackWithoutInvite,
    /// PRACK without a usable RAck.
    #[error("Server error: Error creating sip transaction for request")]
    PrackWithoutRAck,
    /// CANCEL of an INVITE that is not known.
    #[error("unable to cancel unknown transaction id: {0}")]
    CancelUnknown(String),
    /// CANCEL of an INVITE that has ended or is cancelled already.
    #[error("internal server error canceling transaction id: {0}")]
    CancelTooLate(String),
    /// The draft of a response is malformed.
    #[error("Unknown server error sending response: {0}")]
    MalformedResponse(String),
    /// Another copy of this INVITE has been answered.
    #[error("dialog already exists, rejecting this request")]
    DialogExists,
    /// A reliable provisional response needs a caller that supports 100rel.
    #[error("Remote endpoint does not support 100rel")]
    PeerLacks100rel,
    /// The transaction is unknown, answered, or cancelled.
    #[error("Response not sent due to unknown transaction")]
    UnknownTransaction,
    /// An INVITE was to be forwarded without state, but the engine keeps state for all.
    #[error("an INVITE can not be proxied without state: the engine was not started for that")]
    NotStateless,
    /// A plan changes a header that is the proxy's or the transaction's.
    #[error("the header {0} of a forwarded request can not be changed")]
    ProtectedHeader(String),
    /// An application chose where a request inside a dialog goes.
    #[error(
        "a request inside a dialog goes along its recorded route: no destination can be given"
    )]
    RouteIsRecorded,
    /// An application accepted an INVITE or the like of a dialog that is not its own.
    #[error("a request of somebody else's dialog can be refused or forwarded, but not accepted")]
    NotOurDialog,
    /// Proxy of an unknown or answered request.
    #[error("Unknown transaction id: {0}")]
    ProxyUnknown(String),
    /// Max-Forwards had run out; a 483 went upstream.
    #[error("Rejected with 483 Too Many Hops due to Max-Forwards value of 0")]
    TooManyHops,
    /// Max-Breadth was 0; a 440 went upstream (RFC 5393 §5.3.3).
    #[error("Rejected with 440 Max-Breadth Exceeded due to Max-Breadth value of 0")]
    TooBroad,
    /// No branch could be sent; a 500 went upstream.
    #[error("error proxying request to ")]
    NoBranch,
    /// The request demands extensions that nobody has declared; it was answered 420.
    #[error("the request requires extensions that are not supported ({0}): it was answered 420")]
    BadExtension(String),
    /// The request has a body that nobody has declared to understand; it was answered 415.
    #[error("the request has a body that is not supported ({0}): it was answered 415")]
    UnsupportedMediaType(String),
    /// The application did not answer in time.
    #[error("the application did not answer in time: the request was answered {0}")]
    NotAnswered(u16),
    /// A table of the engine is full.
    #[error("too many {0}: the limit is {1}")]
    LimitReached(&'static str, usize),
    /// The engine is shutting down.
    #[error("the engine has been stopped")]
    Stopped,
}

impl Refusal {
    /// A stable name for programs (`err.code` in JavaScript).
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::InvalidRequestUri(_) => "DRT_ERR_INVALID_REQUEST_URI",
            Refusal::TransportNotAvailable => "DRT_ERR_TRANSPORT_NOT_AVAILABLE",
            Refusal::NameNotResolved(_) => "DRT_ERR_NAME_NOT_RESOLVED",
            Refusal::FlowFailed(_) => "DRT_ERR_FLOW_FAILED",
            Refusal::AmbiguousContact(_) => "DRT_ERR_AMBIGUOUS_CONTACT",
            Refusal::InvalidFrom(_) => "DRT_ERR_INVALID_FROM",
            Refusal::MissingContentType | Refusal::MissingContentTypeInDialog => {
                "DRT_ERR_MISSING_CONTENT_TYPE"
            }
            Refusal::SendToMyself => "DRT_ERR_SEND_TO_MYSELF",
            Refusal::MalformedHeader(_) => "DRT_ERR_MALFORMED_HEADER",
            Refusal::UnknownDialog => "DRT_ERR_UNKNOWN_DIALOG",
            Refusal::AckForFailure | Refusal::AckWithoutSuccess => "DRT_ERR_ACK_NOT_NEEDED",
            Refusal::NoRouteInDialog(_) => "DRT_ERR_NO_ROUTE",
            Refusal::InviteInProgress => "DRT_ERR_INVITE_IN_PROGRESS",
            Refusal::CannotReplace(_) => "DRT_ERR_REPLACES",
            Refusal::InvalidMethod(_) => "DRT_ERR_INVALID_METHOD",
            Refusal::PrackWithoutInvite | Refusal::PrackWithoutRAck => "DRT_ERR_INVALID_PRACK",
            Refusal::CancelUnknown(_) | Refusal::CancelTooLate(_) => "DRT_ERR_CANCEL",
            Refusal::MalformedResponse(_) => "DRT_ERR_MALFORMED_RESPONSE",
            Refusal::DialogExists => "DRT_ERR_DIALOG_EXISTS",
            Refusal::PeerLacks100rel => "DRT_ERR_100REL_NOT_SUPPORTED",
            Refusal::UnknownTransaction | Refusal::ProxyUnknown(_) => "DRT_ERR_UNKNOWN_TRANSACTION",
            Refusal::NotStateless => "DRT_ERR_NOT_STATELESS",
            Refusal::ProtectedHeader(_) => "DRT_ERR_PROTECTED_HEADER",
            Refusal::RouteIsRecorded => "DRT_ERR_ROUTE_IS_RECORDED",
            Refusal::NotOurDialog => "DRT_ERR_NOT_OUR_DIALOG",
            Refusal::TooManyHops => "DRT_ERR_TOO_MANY_HOPS",
            Refusal::TooBroad => "DRT_ERR_MAX_BREADTH",
            Refusal::NoBranch => "DRT_ERR_NO_BRANCH",
            Refusal::BadExtension(_) => "DRT_ERR_BAD_EXTENSION",
            Refusal::UnsupportedMediaType(_) => "DRT_ERR_UNSUPPORTED_MEDIA_TYPE",
            Refusal::NotAnswered(_) => "DRT_ERR_NOT_ANSWERED",
            Refusal::LimitReached(..) => "DRT_ERR_LIMIT_REACHED",
            Refusal::Stopped => "DRT_ERR_STOPPED",
        }
    }
}
