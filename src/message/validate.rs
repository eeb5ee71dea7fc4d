//! What RFC 3261 asks of a received message before anything is done with it (§8.2.2, §16.3,
//! §18). Only what a stack itself acts on is checked: a malformed Date, say, is the
//! application's affair.

use thiserror::Error;

use super::class::Class;
use super::grammar::Elements;
use super::header::HeaderId;
use super::limits::{MAX_CONTACTS, MAX_ROUTES, MAX_VIAS};
use super::message::Message;
use super::name_addr::NameAddr;
use super::parse_error::ParseError;
use super::start_line::StartSpan;
use super::typed::HeaderError;
use super::uri::{Scheme, Uri};
use super::via::Via;

/// Why a message must not be processed: how a request is to be answered. A response with a
/// fault is dropped, and so is an ACK.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{status} {reason}")]
pub struct Fault {
    /// 400, 414, 505 or 513.
    pub status: u16,
    /// The reason phrase, which names what is wrong.
    pub reason: String,
}

impl Fault {
    fn new(status: u16, reason: impl Into<String>) -> Fault {
        Fault {
            status,
            reason: reason.into(),
        }
    }

    fn bad(id: HeaderId) -> Fault {
        Fault::new(400, format!("Bad {id} Header"))
    }
}

impl From<ParseError> for Fault {
    fn from(flaw: ParseError) -> Fault {
        match flaw {
            ParseError::StartLineTooLong => Fault::new(414, "Request-URI Too Long"),
            ParseError::HeaderLineTooLong => Fault::new(513, "Header Line Too Long"),
            ParseError::HeaderSectionTooLong => Fault::new(513, "Header Section Too Long"),
            ParseError::TooManyHeaders => Fault::new(513, "Too Many Headers"),
            ParseError::MessageTooLong => Fault::new(513, "Message Too Large"),
            ParseError::BadHeaderLine => Fault::new(400, "Bad Header Line"),
            ParseError::BareLineBreak => Fault::new(400, "Bare CR or LF in Header"),
            ParseError::NoBlankLine => Fault::new(400, "Missing Blank Line after Headers"),
            ParseError::BadContentLength => Fault::bad(HeaderId::ContentLength),
            ParseError::ConflictingContentLength => {
                Fault::new(400, "Conflicting Content-Length Headers")
            }
            ParseError::Truncated => Fault::new(400, "Body Shorter than Content-Length"),
            ParseError::NotSip | ParseError::BadStatusCode => Fault::new(400, "Bad Request"),
        }
    }
}

impl From<HeaderError> for Fault {
    fn from(error: HeaderError) -> Fault {
        match error {
            HeaderError::Missing(id) => Fault::new(400, format!("Missing {id} Header")),
            HeaderError::Malformed(id, _) => Fault::bad(id),
        }
    }
}

impl Message {
    /// Checks a received message: its outer form, the version, the Request-URI, the mandatory
    /// headers, each once, and the syntax of every header that the stack acts on. RFC 2543
    /// messages pass: no branch, no From tag, no Max-Forwards, no Content-Length.
    pub fn validate(&self) -> Result<(), Fault> {
        self.check_version()?;
        if let Some(flaw) = self.flaw() {
            return Err(flaw.into());
        }
        self.check_request_line()?;
        self.check_single()?;
        self.check_vias()?;
        check_tagged(HeaderId::From, self.from()?)?;
        check_tagged(HeaderId::To, self.to()?)?;
        self.call_id()?;
        self.check_cseq()?;
        self.max_forwards()?;
        self.rseq()?;
        self.rack()?;
        self.check_contacts()?;
        for id in [
            HeaderId::Route,
            HeaderId::RecordRoute,
            HeaderId::Path,
            HeaderId::ServiceRoute,
        ] {
            self.check_routes(id)?;
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), Fault> {
        let version = match self.start {
            StartSpan::Request {
                version,
                version_end,
                ..
            } => self.slice(version, version_end),
            StartSpan::Status { version_end, .. } => self.slice(0, version_end),
        };
        if version.eq_ignore_ascii_case(b"SIP/2.0") {
            Ok(())
        } else {
            Err(Fault::new(505, "Version Not Supported"))
        }
    }

    /// One space between the elements, none behind them, and a URI without headers
    /// (RFC 3261 §7.1, §19.1.1).
    fn check_request_line(&self) -> Result<(), Fault> {
        let StartSpan::Request {
            method_end,
            uri,
            uri_end,
            version,
            version_end,
        } = self.start
        else {
            return Ok(());
        };
        if uri != method_end + 1 || version != uri_end + 1 || version_end != self.start_length {
            return Err(Fault::new(400, "Bad Request Line"));
        }
        match Uri::parse(self.request_uri().unwrap_or_default()) {
            Ok(uri) if uri.headers.is_none() => Ok(()),
            _ => Err(Fault::new(400, "Bad Request-URI")),
        }
    }

    /// Headers whose second occurrence would leave open which one counts.
    fn check_single(&self) -> Result<(), Fault> {
        const SINGLE: u128 = bits(&[
            HeaderId::From,
            HeaderId::To,
            HeaderId::CallId,
            HeaderId::CSeq,
            HeaderId::MaxForwards,
            HeaderId::RSeq,
            HeaderId::RAck,
        ]);
        let mut seen = 0;
        for span in &self.spans {
            let bit = span.id.bit() & SINGLE;
            if seen & bit != 0 {
                return Err(Fault::new(400, format!("Multiple {} Headers", span.id)));
            }
            seen |= bit;
        }
        Ok(())
    }

    fn check_vias(&self) -> Result<(), Fault> {
        if !self.has(HeaderId::Via) {
            return Err(HeaderError::Missing(HeaderId::Via).into());
        }
        let values = self.all(HeaderId::Via).flat_map(Elements::new);
        for (count, value) in values.enumerate() {
            if count >= MAX_VIAS {
                return Err(Fault::new(513, "Too Many Via Values"));
            }
            Via::parse(value).map_err(|_| Fault::bad(HeaderId::Via))?;
        }
        Ok(())
    }

    fn check_cseq(&self) -> Result<(), Fault> {
        let cseq = self.cseq()?;
        match self.method() {
            Some(method) if method != cseq.method => {
                Err(Fault::new(400, "CSeq Method Does Not Match Request"))
            }
            _ => Ok(()),
        }
    }

    fn check_contacts(&self) -> Result<(), Fault> {
        let values = self.all(HeaderId::Contact).flat_map(Elements::new);
        let mut wildcard = false;
        for (count, value) in values.enumerate() {
            if count >= MAX_CONTACTS {
                return Err(Fault::new(513, "Too Many Contact Values"));
            }
            let contact = parse_address(HeaderId::Contact, value)?;
            wildcard |= contact.is_wildcard();
            if wildcard && count > 0 || !is_uri(HeaderId::Contact, &contact) {
                return Err(Fault::bad(HeaderId::Contact));
            }
        }
        Ok(())
    }

    fn check_routes(&self, id: HeaderId) -> Result<(), Fault> {
        let values = self.all(id).flat_map(Elements::new);
        for (count, value) in values.enumerate() {
            if count >= MAX_ROUTES {
                return Err(Fault::new(513, format!("Too Many {id} Values")));
            }
            let route = parse_address(id, value)?;
            if !is_uri(id, &route) {
                return Err(Fault::bad(id));
            }
        }
        Ok(())
    }
}

/// A From or To: at most one tag, and that a token, since it becomes part of a dialog's id.
fn check_tagged(id: HeaderId, address: NameAddr<'_>) -> Result<(), Fault> {
    let mut tags = address
        .params
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("tag"));
    let tagged = match tags.next() {
        Some((_, tag)) => Class::TOKEN.is_all(tag.unwrap_or_default().as_bytes()),
        None => true,
    };
    if !tagged || tags.next().is_some() || !is_uri(id, &address) {
        return Err(Fault::bad(id));
    }
    Ok(())
}

const fn bits(ids: &[HeaderId]) -> u128 {
    let mut rest = ids;
    let mut set = 0;
    while let Some((first, tail)) = rest.split_first() {
        set |= 1 << first.number();
        rest = tail;
    }
    set
}

fn parse_address(id: HeaderId, value: &[u8]) -> Result<NameAddr<'_>, Fault> {
    NameAddr::parse(value).map_err(|_| Fault::bad(id))
}

/// Any URI will do in From, To and Contact (RFC 4475 §3.3.4); a route must be one that can be
/// followed.
fn is_uri(id: HeaderId, address: &NameAddr<'_>) -> bool {
    if id == HeaderId::Contact && address.is_wildcard() {
        return true;
    }
    match (id, address.parse_uri()) {
        (HeaderId::From | HeaderId::To | HeaderId::Contact, Ok(_)) => true,
        (_, Ok(uri)) => matches!(uri.scheme, Scheme::Sip | Scheme::Sips),
        (_, Err(_)) => false,
    }
}
