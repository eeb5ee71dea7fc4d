//! The text of the messages the engine sends: what the application drafted, and what the engine
//! fills in and protects (drachtio-server §2.3, §2.4).

use bytes::Bytes;

use super::listeners::Face;
use crate::message::{status, HeaderId, Message};

/// The Max-Forwards of a new request (RFC 3261 §8.1.1.6).
const MAX_FORWARDS: &[u8] = b"70";

/// A message being written, line by line.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn request(method: &str, uri: &str) -> Writer {
        let mut writer = Writer(Vec::with_capacity(1024));
        writer.line(&[method.as_bytes(), b" ", uri.as_bytes(), b" SIP/2.0"]);
        writer
    }

    pub(crate) fn response(code: u16, reason: &[u8]) -> Writer {
        let mut writer = Writer(Vec::with_capacity(768));
        let reason = if reason.is_empty() {
            status::reason_phrase(code).as_bytes()
        } else {
            reason
        };
        writer.0.extend_from_slice(b"SIP/2.0 ");
        writer.digits(code.into());
        writer.line(&[b" ", reason]);
        writer
    }

    fn line(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.0.extend_from_slice(part);
        }
        self.0.extend_from_slice(b"\r\n");
    }

    pub(crate) fn header(&mut self, id: HeaderId, value: impl AsRef<[u8]>) {
        self.named(id.name().as_bytes(), value.as_ref());
    }

    pub(crate) fn named(&mut self, name: &[u8], value: &[u8]) {
        self.0.extend_from_slice(name);
        self.0.extend_from_slice(b": ");
        self.0.extend_from_slice(value);
        self.0.extend_from_slice(b"\r\n");
    }

    pub(crate) fn number(&mut self, id: HeaderId, value: usize) {
        self.0.extend_from_slice(id.name().as_bytes());
        self.0.extend_from_slice(b": ");
        self.digits(value);
        self.0.extend_from_slice(b"\r\n");
    }

    fn digits(&mut self, number: usize) {
        if number >= 10 {
            self.digits(number / 10);
        }
        self.0.push(b'0' + (number % 10) as u8);
    }

    /// Every line of that name, as it stands in `message`.
    pub(crate) fn copy(&mut self, id: HeaderId, message: &Message) {
        for value in message.all(id) {
            self.header(id, value);
        }
    }

    /// The headers of a draft but for those the engine answers for.
    pub(crate) fn draft(&mut self, draft: &Message, protected: &[HeaderId]) {
        for header in draft.headers() {
            let id = header.id;
            if ALWAYS_PROTECTED.contains(&id) || protected.contains(&id) {
                continue;
            }
            if id == HeaderId::Other {
                self.named(header.name.as_bytes(), header.value);
            } else {
                self.header(id, header.value);
            }
        }
    }

    pub(crate) fn finish(mut self, body: &[u8]) -> Bytes {
        self.number(HeaderId::ContentLength, body.len());
        self.0.extend_from_slice(b"\r\n");
        self.0.extend_from_slice(body);
        self.0.into()
    }
}

/// Headers that only the engine writes.
const ALWAYS_PROTECTED: &[HeaderId] = &[
    HeaderId::Via,
    HeaderId::Route,
    HeaderId::RecordRoute,
    HeaderId::RSeq,
    HeaderId::ContentLength,
];

/// Headers of a new request that are written first, the application's value or ours.
const REQUEST_CORE: &[HeaderId] = &[
    HeaderId::MaxForwards,
    HeaderId::From,
    HeaderId::To,
    HeaderId::CallId,
    HeaderId::CSeq,
    HeaderId::Contact,
    HeaderId::PAssertedIdentity,
    HeaderId::ContentType,
];

/// Headers of a response that come from the request.
const RESPONSE_CORE: &[HeaderId] = &[
    HeaderId::From,
    HeaderId::To,
    HeaderId::CallId,
    HeaderId::CSeq,
    HeaderId::Contact,
    HeaderId::ContentType,
    HeaderId::Timestamp,
];

/// The identity of a request: what the dialog or the application has fixed.
pub(crate) struct Identity<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) call_id: &'a str,
    pub(crate) cseq: u32,
}

/// A request of the application's, completed.
pub(crate) struct RequestParts<'a> {
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    /// The Via, without its name.
    pub(crate) via: String,
    /// How the peer is shown this engine.
    pub(crate) face: &'a Face,
    pub(crate) routes: &'a [Box<str>],
    pub(crate) identity: Identity<'a>,
    pub(crate) contact: Option<&'a str>,
    pub(crate) draft: Option<&'a Message>,
}

impl RequestParts<'_> {
    pub(crate) fn compose(&self) -> Bytes {
        let mut writer = Writer::request(self.method, self.uri);
        writer.header(HeaderId::Via, &self.via);
        for route in self.routes {
            writer.header(HeaderId::Route, route.as_bytes());
        }
        let drafted = |id| self.draft.and_then(|draft| draft.get(id));
        writer.header(
            HeaderId::MaxForwards,
            drafted(HeaderId::MaxForwards).unwrap_or(MAX_FORWARDS),
        );
        writer.header(HeaderId::From, self.identity.from);
        writer.header(HeaderId::To, self.identity.to);
        writer.header(HeaderId::CallId, self.identity.call_id);
        writer.header(
            HeaderId::CSeq,
            format!("{} {}", self.identity.cseq, self.method),
        );
        if let Some(contact) = self.contact {
            writer.header(HeaderId::Contact, contact);
        }
        let Some(draft) = self.draft else {
            return writer.finish(&[]);
        };
        for value in draft.all(HeaderId::PAssertedIdentity) {
            let value = replace_localhost(&String::from_utf8_lossy(value), self.face);
            writer.header(HeaderId::PAssertedIdentity, value);
        }
        writer.draft(draft, REQUEST_CORE);
        let body = draft.body();
        content_type(&mut writer, draft, &body);
        writer.finish(&body)
    }
}

/// What a response needs beside the request it answers.
pub(crate) struct ResponseParts<'a> {
    pub(crate) code: u16,
    pub(crate) reason: &'a [u8],
    pub(crate) to_tag: &'a str,
    pub(crate) contact: Option<&'a str>,
    pub(crate) rseq: Option<u32>,
    pub(crate) draft: Option<&'a Message>,
    /// Headers of the engine's own: Retry-After, Unsupported.
    pub(crate) extra: &'a [(HeaderId, String)],
}

impl<'a> ResponseParts<'a> {
    /// A response that the engine gives by itself.
    pub(crate) fn plain(code: u16, to_tag: &'a str) -> ResponseParts<'a> {
        ResponseParts {
            code,
            reason: &[],
            to_tag,
            contact: None,
            rseq: None,
            draft: None,
            extra: &[],
        }
    }

    /// The response to `request` (RFC 3261 §8.2.6).
    pub(crate) fn compose(&self, request: &Message) -> Bytes {
        let mut writer = Writer::response(self.code, self.reason);
        writer.copy(HeaderId::Via, request);
        writer.copy(HeaderId::From, request);
        self.write_to(&mut writer, request);
        writer.copy(HeaderId::CallId, request);
        writer.copy(HeaderId::CSeq, request);
        if self.code == 100 {
            writer.copy(HeaderId::Timestamp, request);
        }
        if (101..300).contains(&self.code) {
            writer.copy(HeaderId::RecordRoute, request);
        }
        if let Some(contact) = self.contact {
            writer.header(HeaderId::Contact, contact);
        }
        if let Some(rseq) = self.rseq {
            writer.header(HeaderId::RSeq, rseq.to_string());
        }
        for (id, value) in self.extra {
            writer.header(*id, value);
        }
        let Some(draft) = self.draft else {
            return writer.finish(&[]);
        };
        if self.contact.is_none() {
            writer.copy(HeaderId::Contact, draft);
        }
        writer.draft(draft, RESPONSE_CORE);
        let body = draft.body();
        content_type(&mut writer, draft, &body);
        writer.finish(&body)
    }

    /// The request's To, with our tag unless it has one or this is a 100 (§8.2.6.2).
    fn write_to(&self, writer: &mut Writer, request: &Message) {
        let to = request.get(HeaderId::To).unwrap_or_default();
        let adds_tag = self.code > 100 && request.to_tag().is_none();
        let tag: &[&[u8]] = if adds_tag {
            &[b";tag=", self.to_tag.as_bytes()]
        } else {
            &[]
        };
        writer.0.extend_from_slice(b"To: ");
        writer.0.extend_from_slice(to);
        writer.line(tag);
    }
}

/// A body without a type is SDP if it looks so.
fn content_type(writer: &mut Writer, draft: &Message, body: &[u8]) {
    if draft.get(HeaderId::ContentType).is_some() {
        writer.copy(HeaderId::ContentType, draft);
    } else if is_sdp(body) {
        writer.header(HeaderId::ContentType, "application/sdp");
    }
}

/// RFC 8866 §5.1: a session description begins with its version.
pub(crate) fn is_sdp(body: &[u8]) -> bool {
    body.starts_with(b"v=0")
}

/// `sip:x@localhost` stands for our address, which the application need not know.
pub(crate) fn replace_localhost(value: &str, face: &Face) -> String {
    const NAME: &str = "localhost";
    for before in ["@", "sip:"] {
        let marker = format!("{before}{NAME}");
        let Some((head, tail)) = value.split_once(&marker) else {
            continue;
        };
        let more_name = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        let is_user = tail
            .split(['>', ';', '?', ','])
            .next()
            .is_some_and(|rest| rest.contains('@'));
        if tail.starts_with(more_name) || is_user {
            continue;
        }
        let address = if tail.starts_with(':') {
            &face.host
        } else {
            &face.sent_by
        };
        return format!("{head}{before}{address}{tail}");
    }
    value.to_string()
}
