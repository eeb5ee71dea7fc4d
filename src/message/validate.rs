//! What RFC 3261 asks of a received message before anything is done with it (§8.2.2, §16.3,
//! §18). Only what a stack itself acts on is checked: a malformed Date, say, is the
//! application's affair.

use thiserror::Error;

use super::class::Class;
use super::cseq::CSeq;
use super::cursor::Cursor;
use super::grammar::GrammarError;
use super::header::HeaderId;
use super::limits::{MAX_CONTACTS, MAX_ROUTES, MAX_VIAS};
use super::message::Message;
use super::name_addr::NameAddr;
use super::parse_error::ParseError;
use super::start_line::StartSpan;
use super::typed::HeaderError;
use super::uri::Uri;
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

    fn too_many(id: HeaderId) -> Fault {
        Fault::new(513, format!("Too Many {id} Values"))
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

/// What transactions go by, of a message that is well-formed; found while it was checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checked<'m> {
    /// The topmost Via.
    pub(crate) via: Via<'m>,
    /// Its branch.
    pub(crate) branch: Option<&'m str>,
    /// CSeq.
    pub(crate) cseq: CSeq<'m>,
}

impl Message {
    /// Checks a received message: its outer form, the version, the Request-URI, the mandatory
    /// headers, each once, and the syntax of every header that the stack acts on. RFC 2543
    /// messages pass: no branch, no From tag, no Max-Forwards, no Content-Length.
    pub fn validate(&self) -> Result<(), Fault> {
        self.checked().map(drop)
    }

    /// Checks the same, and returns what has been read on the way.
    pub(crate) fn checked(&self) -> Result<Checked<'_>, Fault> {
        self.check_version()?;
        if let Some(flaw) = self.flaw() {
            return Err(flaw.into());
        }
        self.check_request_line()?;
        self.check_single()?;
        let (via, branch) = self.check_vias()?;
        let from_tag = check_tagged(HeaderId::From, self.from()?)?;
        let to_tag = check_tagged(HeaderId::To, self.to()?)?;
        self.keep_tags(from_tag, to_tag);
        check_call_id(self.call_id()?)?;
        let cseq = self.check_cseq()?;
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
        Ok(Checked { via, branch, cseq })
    }

    /// Checks a message that was valid before this engine wrote lines into it: only its size and
    /// the numbers of its values can have become too large.
    pub fn validate_sizes(&self) -> Result<(), Fault> {
        if let Some(flaw) = self.flaw() {
            return Err(flaw.into());
        }
        for (id, limit) in [
            (HeaderId::Via, MAX_VIAS),
            (HeaderId::Route, MAX_ROUTES),
            (HeaderId::RecordRoute, MAX_ROUTES),
            (HeaderId::Path, MAX_ROUTES),
        ] {
            if self.values(id).nth(limit).is_some() {
                return Err(Fault::too_many(id));
            }
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), Fault> {
        let version = match self.index().start {
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
        } = self.index().start
        else {
            return Ok(());
        };
        if uri != method_end + 1
            || version != uri_end + 1
            || version_end != self.index().start_length
        {
            return Err(Fault::new(400, "Bad Request Line"));
        }
        match Uri::parse(self.request_uri().unwrap_or_default()) {
            Ok(uri) if uri.headers.is_none() => Ok(()),
            _ => Err(Fault::new(400, "Bad Request-URI")),
        }
    }

    /// Headers whose second occurrence would leave open which one counts.
    fn check_single(&self) -> Result<(), Fault> {
        const SINGLE: u64 = HeaderId::From.bit()
            | HeaderId::To.bit()
            | HeaderId::CallId.bit()
            | HeaderId::CSeq.bit()
            | HeaderId::MaxForwards.bit()
            | HeaderId::RSeq.bit()
            | HeaderId::RAck.bit();
        let mut seen = 0;
        for span in &self.index().spans {
            let bit = span.id.bit() & SINGLE;
            if seen & bit != 0 {
                return Err(Fault::new(400, format!("Multiple {} Headers", span.id)));
            }
            seen |= bit;
        }
        Ok(())
    }

    /// Returns the topmost one and its branch.
    fn check_vias(&self) -> Result<(Via<'_>, Option<&str>), Fault> {
        let mut topmost = None;
        self.check_list(HeaderId::Via, MAX_VIAS, |cursor| {
            let via = Via::read(cursor)?;
            let branch = via.check_for_branch()?;
            topmost.get_or_insert((via, branch));
            Ok(())
        })?;
        topmost.ok_or_else(|| HeaderError::Missing(HeaderId::Via).into())
    }

    fn check_cseq(&self) -> Result<CSeq<'_>, Fault> {
        let cseq = self.cseq()?;
        match self.method() {
            Some(method) if method != cseq.method => {
                Err(Fault::new(400, "CSeq Method Does Not Match Request"))
            }
            _ => Ok(cseq),
        }
    }

    /// A wildcard must be the only Contact (RFC 3261 §10.2.2).
    fn check_contacts(&self) -> Result<(), Fault> {
        let mut count = 0;
        let mut has_wildcard = false;
        self.check_list(HeaderId::Contact, MAX_CONTACTS, |cursor| {
            let contact = NameAddr::read(cursor)?;
            count += 1;
            has_wildcard |= contact.is_wildcard();
            contact.check()
        })?;
        if has_wildcard && count > 1 {
            return Err(Fault::bad(HeaderId::Contact));
        }
        Ok(())
    }

    /// A route must be a URI that a request can be sent to.
    fn check_routes(&self, id: HeaderId) -> Result<(), Fault> {
        self.check_list(id, MAX_ROUTES, |cursor| {
            let route = NameAddr::read(cursor)?;
            route.params.check()?;
            match route.parse_uri() {
                Ok(uri) if uri.is_sip() => Ok(()),
                _ => Err(GrammarError::Uri),
            }
        })
    }

    /// Reads every value of a comma list.
    fn check_list<'m>(
        &'m self,
        id: HeaderId,
        limit: usize,
        mut read: impl FnMut(&mut Cursor<'m>) -> Result<(), GrammarError>,
    ) -> Result<(), Fault> {
        let mut count = 0;
        for span in self.spans_of(id) {
            let line = self.str(span.value, span.value_end);
            let mut cursor = line.map(Cursor::of).ok_or_else(|| Fault::bad(id))?;
            loop {
                count += 1;
                if count > limit {
                    return Err(Fault::too_many(id));
                }
                read(&mut cursor).map_err(|_| Fault::bad(id))?;
                if cursor.is_empty() {
                    break;
                }
                if !cursor.eat(b',') {
                    return Err(Fault::bad(id));
                }
            }
        }
        Ok(())
    }
}

/// A From or To: any URI will do (RFC 4475 §3.3.4), and a tag must be a token, since it becomes
/// part of a dialog's id. Returns the tag.
fn check_tagged(id: HeaderId, address: NameAddr<'_>) -> Result<Option<&str>, Fault> {
    let is_token = |tag: &str| Class::TOKEN.is_all(tag.as_bytes());
    match address.check_for_tag() {
        Ok(tag) if !address.is_wildcard() && tag.is_none_or(is_token) => Ok(tag),
        _ => Err(Fault::bad(id)),
    }
}

/// Any visible ASCII characters will do: a Call-ID is only ever compared.
fn check_call_id(call_id: &str) -> Result<(), Fault> {
    if Class::WORD.is_all(call_id.as_bytes()) {
        Ok(())
    } else {
        Err(Fault::bad(HeaderId::CallId))
    }
}
