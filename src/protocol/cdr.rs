//! Call detail records: what a server tells of every attempt of a call, its start and its end.

use std::time::Instant;

use crate::engine::Source;
use crate::message::Message;

/// A call detail record.
#[derive(Debug, Clone)]
pub struct Cdr {
    /// What has happened.
    pub event: CdrEvent,
    /// Whose message brought it about.
    pub source: Source,
    /// When.
    pub at: Instant,
    /// The message.
    pub message: Message,
}

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CdrEvent {
    /// Somebody wants to make a call.
    Attempt,
    /// The call was answered.
    Start(Role),
    /// The attempt has failed, or the call has ended.
    Stop(StopReason),
}

impl CdrEvent {
    /// The type of its message, which is also what an application names in `route`.
    pub fn name(self) -> &'static str {
        match self {
            CdrEvent::Attempt => "cdr:attempt",
            CdrEvent::Start(_) => "cdr:start",
            CdrEvent::Stop(_) => "cdr:stop",
        }
    }

    /// The last token: the role or the reason.
    pub fn detail(self) -> Option<&'static str> {
        match self {
            CdrEvent::Attempt => None,
            CdrEvent::Start(role) => Some(role.name()),
            CdrEvent::Stop(reason) => Some(reason.name()),
        }
    }
}

/// What the server was in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Its caller.
    Uac,
    /// Its callee.
    Uas,
    /// A proxy, towards the callee.
    ProxyUac,
    /// A proxy, towards the caller.
    ProxyUas,
}

impl Role {
    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Role::Uac => "uac",
            Role::Uas => "uas",
            Role::ProxyUac => "proxy-uac",
            Role::ProxyUas => "proxy-uas",
        }
    }
}

/// Why a call has ended, or has not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// It was answered with a failure.
    CallRejected,
    /// The caller gave up.
    CallCanceled,
    /// Somebody hung up.
    NormalRelease,
    /// Nobody refreshed the session.
    SessionExpired,
    /// The server hung up, since an ACK did not come or a CANCEL crossed the answer.
    AckBye,
    /// The server hung up for another reason.
    SystemInitiatedTermination,
    /// The server hung up because something went wrong in it.
    SystemErrorInitiatedTermination,
}

impl StopReason {
    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            StopReason::CallRejected => "call-rejected",
            StopReason::CallCanceled => "call-canceled",
            StopReason::NormalRelease => "normal-release",
            StopReason::SessionExpired => "session-expired",
            StopReason::AckBye => "ackbye",
            StopReason::SystemInitiatedTermination => "system-initiated-termination",
            StopReason::SystemErrorInitiatedTermination => "system-error-initiated-termination",
        }
    }
}
