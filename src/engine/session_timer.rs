//! Session timers (RFC 4028): who refreshes a call, how often, and when it has expired.

use std::fmt;
use std::time::{Duration, Instant};

use super::config::SessionTimers;
use super::offers::has_session;
use super::subscription::{param, split_params};
use super::timers::earliest;
use super::ClientKey;
use crate::message::{HeaderId, Message};

/// The option tag of RFC 4028.
const OPTION: &str = "timer";

/// No interval is shorter, in seconds (§5): peers may not ask for more signalling than that.
pub(crate) const LEAST_INTERVAL: u32 = 90;

/// A call that has not been refreshed ends this long before its session expires, or a third of
/// the interval if that is less (§10).
const MARGIN: Duration = Duration::from_secs(32);

/// Which side of a request refreshes the session: the one that sent it, or the one that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresher {
    /// The sender of the INVITE or UPDATE.
    Uac,
    /// Its receiver.
    Uas,
}

/// A Session-Expires (§4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionExpires {
    pub(crate) seconds: u32,
    pub(crate) refresher: Option<Refresher>,
}

/// What both sides of a call have agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreement {
    pub(crate) seconds: u32,
    pub(crate) we_refresh: bool,
}

/// The session timer of a call.
#[derive(Debug)]
pub(crate) struct SessionTimer {
    pub(crate) agreement: Agreement,
    pub(crate) refresh_at: Option<Instant>,
    /// When the call is ended unless it is refreshed.
    pub(crate) ends_at: Instant,
    /// Our refresh that has no final response yet.
    pub(crate) refreshing: Option<ClientKey>,
    /// What the peer has said of UPDATE, which refreshes without touching the session (§7.4).
    pub(crate) takes_update: bool,
    /// What a refresh by INVITE must offer again.
    pub(crate) description: Option<Description>,
    /// The least interval that the peer takes (§5).
    pub(crate) min_se: u32,
}

/// A session description of ours.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) content_type: Box<str>,
    pub(crate) body: Box<[u8]>,
}

impl SessionExpires {
    /// That of a message, if it has a usable one.
    pub(crate) fn of(message: &Message) -> Option<SessionExpires> {
        let (seconds, params) = split_params(message.get_str(HeaderId::SessionExpires)?);
        let refresher = match param(params, "refresher") {
            Some(side) if side.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(side) if side.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        };
        Some(SessionExpires {
            seconds: seconds.parse().ok()?,
            refresher,
        })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refresher {
            None => write!(f, "{}", self.seconds),
            Some(Refresher::Uac) => write!(f, "{};refresher=uac", self.seconds),
            Some(Refresher::Uas) => write!(f, "{};refresher=uas", self.seconds),
        }
    }
}

impl SessionTimer {
    pub(crate) fn start(now: Instant, agreement: Agreement) -> SessionTimer {
        let interval = Duration::from_secs(agreement.seconds.into());
        SessionTimer {
            agreement,
            refresh_at: agreement.we_refresh.then(|| now + interval / 2),
            ends_at: now + interval - MARGIN.min(interval / 3),
            refreshing: None,
            takes_update: false,
            description: None,
            min_se: LEAST_INTERVAL,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let refresh_at = self.refresh_at.filter(|_| self.refreshing.is_none());
        earliest(refresh_at, Some(self.ends_at))
    }

    /// The Session-Expires of a request of ours that goes on with the timer (§7.4).
    pub(crate) fn to_go_on(&self) -> SessionExpires {
        SessionExpires {
            seconds: self.agreement.seconds,
            refresher: Some(match self.agreement.we_refresh {
                true => Refresher::Uac,
                false => Refresher::Uas,
            }),
        }
    }
}

impl Description {
    pub(crate) fn of(message: &Message) -> Option<Description> {
        has_session(message).then(|| Description {
            content_type: message
                .get_str(HeaderId::ContentType)
                .unwrap_or("application/sdp")
                .into(),
            body: message.body().as_ref().into(),
        })
    }
}

/// The Min-SE that a request needs to be told, if the interval it asks for is too small for us. A
/// sender that knows nothing of session timers can't be told (§9).
pub(crate) fn too_brief(config: &SessionTimers, request: &Message) -> Option<u32> {
    let asked = SessionExpires::of(request)?;
    (asked.seconds < config.min_se && knows_timers(request)).then_some(config.min_se)
}

/// What a 2xx of ours to `request` says of the timer (§9), table 2. `chosen` is what the
/// application has put there, `running` the timer that the call has already.
pub(crate) fn grant(
    config: &SessionTimers,
    request: &Message,
    chosen: Option<SessionExpires>,
    running: Option<&SessionTimer>,
) -> Option<SessionExpires> {
    let asked = SessionExpires::of(request);
    let knows_timers = knows_timers(request);
    if asked.is_some_and(|asked| asked.seconds < LEAST_INTERVAL) {
        return None; // It was not refused only because its sender would not understand.
    }
    let min_se = min_se(request).max(LEAST_INTERVAL);
    let wanted = match (chosen, asked, running) {
        (Some(chosen), ..) => chosen,
        (None, Some(asked), _) => SessionExpires {
            seconds: config
                .expires
                .map_or(asked.seconds, |own| own.min(asked.seconds)),
            refresher: None,
        },
        (None, None, Some(running)) => SessionExpires {
            seconds: running.agreement.seconds,
            refresher: Some(match running.agreement.we_refresh {
                true => Refresher::Uas,
                false if knows_timers => Refresher::Uac,
                false => return None, // It refreshes no more.
            }),
        },
        (None, None, None) => SessionExpires {
            seconds: config.expires?,
            refresher: None,
        },
    };
    // The interval may be lowered and not raised; who refreshes is the sender's choice if it has
    // made one, and can only be us if it knows nothing of it.
    let most = asked.map_or(u32::MAX, |asked| asked.seconds).max(min_se);
    let refresher = match asked.and_then(|asked| asked.refresher) {
        _ if !knows_timers => Refresher::Uas,
        Some(refresher) => refresher,
        None => wanted.refresher.or(config.refresher)?,
    };
    Some(SessionExpires {
        seconds: wanted.seconds.clamp(min_se, most),
        refresher: Some(refresher),
    })
}

/// What the peer's 2xx to a request of ours means (§7.2).
pub(crate) fn agreed(response: &Message) -> Option<Agreement> {
    SessionExpires::of(response).map(|granted| Agreement {
        seconds: granted.seconds.max(LEAST_INTERVAL),
        we_refresh: granted.refresher != Some(Refresher::Uas),
    })
}

/// A draft with this Session-Expires, and what must stand beside it (§7.1, §9).
pub(crate) fn with_expires(
    draft: &Message,
    expires: SessionExpires,
    min_se: u32,
    requires: bool,
) -> Option<Message> {
    let mut edit = draft.edit();
    edit.set(HeaderId::SessionExpires, expires.to_string());
    if requires && !draft.has_option(HeaderId::Require, OPTION) {
        edit.append(HeaderId::Require, OPTION);
    }
    if !draft.has_option(HeaderId::Supported, OPTION) {
        edit.append(HeaderId::Supported, OPTION);
    }
    if min_se > LEAST_INTERVAL && !draft.has(HeaderId::MinSe) {
        edit.append(HeaderId::MinSe, min_se.to_string());
    }
    Message::parse_draft(edit.finish().ok()?).ok()
}

/// True if the sender knows of session timers.
pub(crate) fn knows_timers(message: &Message) -> bool {
    message.has_option(HeaderId::Supported, OPTION) || message.has_option(HeaderId::Require, OPTION)
}

/// True if the sender says that it takes UPDATEs; `None` if it says nothing.
pub(crate) fn takes_update(message: &Message) -> Option<bool> {
    let mut methods = message.values(HeaderId::Allow);
    message
        .has(HeaderId::Allow)
        .then(|| methods.any(|method| method == b"UPDATE"))
}

/// The Min-SE of a message, 0 if it has none.
pub(crate) fn min_se(message: &Message) -> u32 {
    message
        .get_str(HeaderId::MinSe)
        .and_then(|value| split_params(value).0.parse().ok())
        .unwrap_or_default()
}
