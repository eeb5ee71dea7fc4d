//! Which requests are turned away before anybody is asked: those of senders that are unwelcome
//! and of programs that try whether they can call for somebody else's money. Requests inside
//! dialogs are not looked at.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Instant;

use super::event::Source;
use super::path::Path;
use super::Engine;
use crate::message::{HeaderId, Host, Message, Method, NameAddr, Uri};

/// Which requests are turned away.
#[derive(Debug, Clone, Default)]
pub struct Screening {
    /// Senders whose requests are dropped without an answer.
    pub blocked: HashSet<IpAddr>,
    /// What unwelcome programs are known by.
    pub spammers: Vec<SpammerSign>,
    /// What is done with the requests of such a program. Default: they are answered 603.
    pub action: ScreeningAction,
    /// The same on everything but UDP, where a source address can't be forged.
    pub stream_action: ScreeningAction,
    /// Whether a REGISTER is answered 403 whose request-URI has an address in the place of a
    /// domain. Default false.
    pub register_needs_realm: bool,
}

/// What a request of an unwelcome program has in it.
#[derive(Debug, Clone)]
pub struct SpammerSign {
    /// Where.
    pub header: SpammerHeader,
    /// One of these, as it is written.
    pub contains: Vec<String>,
}

/// Where the sign of an unwelcome program is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpammerHeader {
    /// The whole User-Agent.
    UserAgent,
    /// The user part of the From.
    From,
    /// The user part of the To.
    To,
}

/// What is done with a request that is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScreeningAction {
    /// It is answered.
    #[default]
    Reject,
    /// It is dropped, so that its sender can't know that there is anybody.
    Discard,
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Blocked,
    Discard,
    Reject(u16),
}

impl Engine {
    /// Why a request that starts something new is not taken in, if it is not.
    pub(super) fn screen(&self, request: &Message, path: &Path) -> Option<Verdict> {
        let screening = &self.screening;
        if screening.is_idle() || self.may_belong_to_call(request) {
            return None;
        }
        if screening.blocked.contains(&path.peer.ip()) {
            return Some(Verdict::Blocked);
        }
        let mut signs = screening.spammers.iter();
        if let Some(value) = signs.find_map(|sign| sign.shown_by(request)) {
            // The words are those that filters for fail2ban look for.
            tracing::error!(
                target: "notice",
                "detected potential spammer from {}:{} due to header value: {value}",
                path.peer.ip(),
                path.peer.port(),
            );
            return Some(match screening.action_for(path) {
                ScreeningAction::Reject => Verdict::Reject(603),
                ScreeningAction::Discard => Verdict::Discard,
            });
        }
        (screening.register_needs_realm && is_register_without_realm(request))
            .then_some(Verdict::Reject(403))
    }

    /// Whether a request is inside a dialog, or follows the recorded route of a call that may be
    /// up behind this proxy. A tag alone says nothing: anybody can write one.
    pub(super) fn may_belong_to_call(&self, request: &Message) -> bool {
        request.to_tag().is_some()
            && (self.dialog_of(request).is_some()
                || self.top_route_is_ours(request)
                || self.expects(request))
    }

    pub(super) fn turn_away(
        &mut self,
        now: Instant,
        reply_path: Path,
        request: &Message,
        verdict: Verdict,
    ) {
        self.counters.screened += 1;
        if let Verdict::Reject(status) = verdict {
            self.record_attempt(now, Source::Network, request);
            self.refuse_statelessly(now, reply_path, request, status, &[], &[]);
        }
    }
}

impl Screening {
    /// True if nobody is turned away.
    fn is_idle(&self) -> bool {
        self.blocked.is_empty() && self.spammers.is_empty() && !self.register_needs_realm
    }

    fn action_for(&self, path: &Path) -> ScreeningAction {
        match path.transport.is_reliable() {
            true => self.stream_action,
            false => self.action,
        }
    }
}

impl SpammerSign {
    /// The value that shows the sign.
    fn shown_by<'a>(&self, request: &'a Message) -> Option<&'a str> {
        let value = match self.header {
            SpammerHeader::UserAgent => request.get_str(HeaderId::UserAgent),
            SpammerHeader::From => user_of(request, HeaderId::From),
            SpammerHeader::To => user_of(request, HeaderId::To),
        }?;
        let mut signs = self.contains.iter();
        signs
            .any(|sign| value.contains(sign.as_str()))
            .then_some(value)
    }
}

fn user_of(request: &Message, id: HeaderId) -> Option<&str> {
    let name_addr = NameAddr::parse(request.values(id).next()?).ok()?;
    Uri::parse(name_addr.uri).ok()?.user
}

fn is_register_without_realm(request: &Message) -> bool {
    request.method() == Some(Method::Register)
        && request
            .request_uri()
            .and_then(|uri| Uri::parse(uri).ok())
            .is_some_and(|uri| !matches!(uri.host, Host::Name(_)))
}
