//! What a request demands that nobody here can do: extensions (RFC 3261 §8.2.2.3, §16.3 item 5)
//! and bodies (§8.2.3).
//!
//! Whether an application answers a request or proxies it is known when it does so. Only who
//! answers must understand Require and the body, and only who proxies must understand
//! Proxy-Require; so that is the moment to look.

use std::time::Instant;

use super::event::{News, Refusal};
use super::{Engine, ServerKey};
use crate::message::{HeaderId, Message, Method};

/// Extensions that the engine sees to, or that leave nothing for it to do.
const OWN_EXTENSIONS: &[&str] = &[
    "100rel",
    "norefersub",
    "outbound",
    "path",
    "replaces",
    "timer",
];

/// The other option tags of the IANA registry. They are the application's affair: it has read
/// the request, so it is taken to mean what it answers, unless it has said what it supports.
const REGISTERED_EXTENSIONS: &[&str] = &[
    "199",
    "answermode",
    "early-session",
    "eventlist",
    "explicitsub",
    "from-change",
    "geolocation-http",
    "geolocation-sip",
    "gin",
    "gruu",
    "histinfo",
    "ice",
    "join",
    "multiple-refer",
    "nosub",
    "policy",
    "precondition",
    "pref",
    "privacy",
    "recipient-list-invite",
    "recipient-list-message",
    "recipient-list-subscribe",
    "record-aware",
    "resource-priority",
    "sdp-anat",
    "sec-agree",
    "siprec",
    "tdialog",
    "trickle-ice",
    "uui",
];

/// Bodies that calls are made with, and those that go along with them.
const CALL_BODIES: &[&str] = &[
    "application/sdp",
    "multipart/*",
    "message/*",
    "text/*",
    "image/*",
    "application/dtmf-relay",
    "application/isup",
    "application/json",
    "application/pidf+xml",
    "application/qsig",
    "application/resource-lists+xml",
    "application/rs-metadata",
    "application/rs-metadata+xml",
    "application/xml",
];

/// What the applications of an engine understand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Understanding {
    /// Option tags beside the engine's own. `None`: every registered one in an answer, and none
    /// when a request is proxied.
    pub extensions: Option<Vec<String>>,
    /// The types of bodies, as in `application/sdp` or `text/*`, that an INVITE may have. `None`:
    /// those that calls are usually made with.
    pub bodies: Option<Vec<String>>,
}

impl Understanding {
    fn answers(&self, tag: &str) -> bool {
        contains(OWN_EXTENSIONS, tag)
            || match &self.extensions {
                Some(declared) => contains(declared, tag),
                None => contains(REGISTERED_EXTENSIONS, tag),
            }
    }

    fn proxies(&self, tag: &str) -> bool {
        let declared = self.extensions.as_ref();
        declared.is_some_and(|declared| contains(declared, tag))
    }

    fn reads(&self, media_type: &str) -> bool {
        match &self.bodies {
            Some(declared) => matches_any(declared, media_type),
            None => matches_any(CALL_BODIES, media_type),
        }
    }

    /// The value of a Supported header (§20.37).
    pub(crate) fn supported(&self) -> String {
        let declared = self.extensions.iter().flatten().map(String::as_str);
        let tags: Vec<&str> = OWN_EXTENSIONS.iter().copied().chain(declared).collect();
        tags.join(", ")
    }

    /// The value of an Accept header (§20.1).
    pub(crate) fn accept(&self) -> String {
        match &self.bodies {
            Some(declared) => declared.join(", "),
            None => CALL_BODIES.join(", "),
        }
    }
}

impl Engine {
    /// Answers a request that the application was about to accept if it demands what was not
    /// declared: not by the engine's configuration, and not by the draft of the answer.
    pub(super) fn refuse_misunderstood(
        &mut self,
        now: Instant,
        key: ServerKey,
        request: &Message,
        draft: &Message,
    ) -> Result<(), Refusal> {
        let unsupported = self.unsupported_extensions(request, draft);
        if !unsupported.is_empty() {
            let extra = (HeaderId::Unsupported, unsupported.clone());
            return Err(self.overrule(now, key, extra, Refusal::BadExtension(unsupported)));
        }
        if request.method() != Some(Method::Invite) || request.body().is_empty() {
            return Ok(());
        }
        if let Some(encoding) = foreign_encoding(request) {
            let extra = (HeaderId::AcceptEncoding, "identity".to_owned());
            return Err(self.overrule(now, key, extra, Refusal::UnsupportedMediaType(encoding)));
        }
        let Some(media_type) = media_type(request).filter(|it| !self.is_readable(it, draft)) else {
            return Ok(());
        };
        if is_optional(request) {
            return Ok(());
        }
        let extra = (HeaderId::Accept, self.understanding.accept());
        Err(self.overrule(now, key, extra, Refusal::UnsupportedMediaType(media_type)))
    }

    fn overrule(
        &mut self,
        now: Instant,
        key: ServerKey,
        extra: (HeaderId, String),
        why: Refusal,
    ) -> Refusal {
        let status = match why {
            Refusal::BadExtension(_) => 420,
            _ => 415,
        };
        self.tell_refused(key, status, why.clone());
        self.respond_with(now, key, status, &[extra]);
        why
    }

    /// The option tags of Proxy-Require that a proxy here must not ignore.
    pub(super) fn unsupported_by_proxy(&self, request: &Message) -> Option<String> {
        let tags = tags(request, HeaderId::ProxyRequire);
        let unsupported: Vec<String> = tags
            .filter(|tag| !self.understanding.proxies(tag))
            .collect();
        (!unsupported.is_empty()).then(|| unsupported.join(", "))
    }

    /// Tells the owner of a request that it was answered in its place.
    pub(super) fn tell_refused(&mut self, key: ServerKey, status: u16, why: Refusal) {
        let Some(transaction) = self.servers.get(key) else {
            return;
        };
        let owner = transaction.open.as_deref().and_then(|open| open.owner);
        let news = News::Refused {
            transaction: transaction.id,
            status,
            why,
        };
        if let Some(owner) = owner {
            self.emit(Some(owner), news);
        }
    }

    fn unsupported_extensions(&self, request: &Message, draft: &Message) -> String {
        if !request.has(HeaderId::Require) {
            return String::new();
        }
        let is_declared = |tag: &str| {
            self.understanding.answers(tag)
                || draft.has_option(HeaderId::Require, tag)
                || draft.has_option(HeaderId::Supported, tag)
        };
        let tags = tags(request, HeaderId::Require);
        let unsupported: Vec<String> = tags.filter(|tag| !is_declared(tag)).collect();
        unsupported.join(", ")
    }

    fn is_readable(&self, media_type: &str, draft: &Message) -> bool {
        let declared = || draft.values(HeaderId::Accept).filter_map(type_of);
        self.understanding.reads(media_type) || declared().any(|it| matches(&it, media_type))
    }
}

fn tags(message: &Message, id: HeaderId) -> impl Iterator<Item = String> + '_ {
    let values = message.values(id).filter(|value| !value.is_empty());
    values.map(|tag| String::from_utf8_lossy(tag).into_owned())
}

fn media_type(request: &Message) -> Option<String> {
    request.get(HeaderId::ContentType).and_then(type_of)
}

/// A media type without its parameters.
fn type_of(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let essence = text.split(';').next()?;
    Some(essence.split_whitespace().collect())
}

/// The encoding of a body that is not as it seems (§20.12).
fn foreign_encoding(request: &Message) -> Option<String> {
    tags(request, HeaderId::ContentEncoding).find(|one| !one.eq_ignore_ascii_case("identity"))
}

/// A body that may be ignored by who does not understand it (§20.11).
fn is_optional(request: &Message) -> bool {
    let value = request.get_str(HeaderId::ContentDisposition);
    value.is_some_and(|value| {
        let mut params = value.split(';').skip(1);
        params.any(|param| {
            let (name, value) = param.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("handling")
                && value.trim().eq_ignore_ascii_case("optional")
        })
    })
}

fn contains(list: &[impl AsRef<str>], tag: &str) -> bool {
    list.iter()
        .any(|known| known.as_ref().eq_ignore_ascii_case(tag))
}

fn matches_any(list: &[impl AsRef<str>], media_type: &str) -> bool {
    list.iter()
        .any(|pattern| matches(pattern.as_ref(), media_type))
}

/// True if a media range has the type in it (§20.1).
fn matches(pattern: &str, media_type: &str) -> bool {
    let Some(family) = pattern.strip_suffix('*') else {
        return pattern.eq_ignore_ascii_case(media_type);
    };
    let start = media_type.get(..family.len());
    family == "*/" || start.is_some_and(|start| start.eq_ignore_ascii_case(family))
}
