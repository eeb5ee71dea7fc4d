//! Typed views of the headers that the engine works with, read on demand.

use thiserror::Error;

use super::cseq::{CSeq, RAck};
use super::cursor::Cursor;
use super::grammar::{number, GrammarError};
use super::header::HeaderId;
use super::index::Tags;
use super::message::Message;
use super::name_addr::NameAddr;
use super::via::Via;

/// A header that can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// It is mandatory and not there.
    #[error("no {0} header")]
    Missing(HeaderId),
    /// Its value breaks the grammar.
    #[error("bad {0} header: {1}")]
    Malformed(HeaderId, GrammarError),
}

impl HeaderError {
    /// The header.
    pub fn header(&self) -> HeaderId {
        match self {
            HeaderError::Missing(id) | HeaderError::Malformed(id, _) => *id,
        }
    }
}

impl Message {
    /// The topmost Via value.
    pub fn top_via(&self) -> Result<Via<'_>, HeaderError> {
        let value = self.require_str(HeaderId::Via)?;
        typed(HeaderId::Via, read_first(value, Via::read))
    }

    /// From.
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        self.address(HeaderId::From)
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        self.address(HeaderId::To)
    }

    /// The tag of From; `None` without one, or when From is malformed.
    pub fn from_tag(&self) -> Option<&str> {
        self.tag(self.tags().from)
    }

    /// The tag of To; `None` without one, or when To is malformed.
    pub fn to_tag(&self) -> Option<&str> {
        self.tag(self.tags().to)
    }

    /// Call-ID.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        self.require_str(HeaderId::CallId)
    }

    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        typed(HeaderId::CSeq, CSeq::parse(self.require(HeaderId::CSeq)?))
    }

    /// Max-Forwards; `None` when it is absent or above 255, which counts as absent
    /// (RFC 4475 §3.1.2.4).
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        let Some(value) = self.get(HeaderId::MaxForwards) else {
            return Ok(None);
        };
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(HeaderError::Malformed(
                HeaderId::MaxForwards,
                GrammarError::Number,
            ));
        }
        Ok(number(value).and_then(|hops| u8::try_from(hops).ok()))
    }

    /// The first Contact value.
    pub fn contact(&self) -> Result<Option<NameAddr<'_>>, HeaderError> {
        if !self.has(HeaderId::Contact) {
            return Ok(None);
        }
        let value = self.require_str(HeaderId::Contact)?;
        typed(HeaderId::Contact, read_first(value, NameAddr::read)).map(Some)
    }

    /// Where the sender wants requests inside the dialog: the URI of the first Contact, as it
    /// can stand in a request line. `None` for the wildcard, which leads nowhere.
    pub fn target(&self) -> Option<&str> {
        let contact = self.contact().ok()??;
        let uri = contact.parse_uri().ok()?;
        Some(uri.without_headers())
    }

    /// RSeq (RFC 3262 §7.1).
    pub fn rseq(&self) -> Result<Option<u32>, HeaderError> {
        self.get(HeaderId::RSeq)
            .map(|value| typed(HeaderId::RSeq, number(value).ok_or(GrammarError::Number)))
            .transpose()
    }

    /// RAck (RFC 3262 §7.2).
    pub fn rack(&self) -> Result<Option<RAck<'_>>, HeaderError> {
        self.get(HeaderId::RAck)
            .map(|value| typed(HeaderId::RAck, RAck::parse(value)))
            .transpose()
    }

    /// Expires in seconds; `None` when it is absent or malformed, which means the default
    /// (RFC 3261 §10.2).
    pub fn expires(&self) -> Option<u32> {
        self.get(HeaderId::Expires).and_then(number)
    }

    /// True when a header of option tags (Require, Supported, Proxy-Require, ...) has `tag`, in
    /// any case.
    pub fn has_option(&self, id: HeaderId, tag: &str) -> bool {
        self.values(id)
            .any(|value| value.eq_ignore_ascii_case(tag.as_bytes()))
    }

    fn tags(&self) -> Tags {
        *self.index().tags.get_or_init(|| {
            let from = self.from().ok().and_then(|from| from.tag());
            let to = self.to().ok().and_then(|to| to.tag());
            self.places(from, to)
        })
    }

    /// Keeps the tags that have been found on another occasion.
    pub(super) fn keep_tags(&self, from: Option<&str>, to: Option<&str>) {
        let _ = self.index().tags.set(self.places(from, to));
    }

    fn places(&self, from: Option<&str>, to: Option<&str>) -> Tags {
        Tags {
            from: self.place_of(from),
            to: self.place_of(to),
        }
    }

    /// Where a part of the text lies in it.
    fn place_of(&self, part: Option<&str>) -> Option<(u16, u16)> {
        let part = part?.as_bytes();
        let start = (part.as_ptr() as usize).checked_sub(self.text().as_ptr() as usize)?;
        let end = start + part.len();
        Some((u16::try_from(start).ok()?, u16::try_from(end).ok()?))
    }

    fn tag(&self, place: Option<(u16, u16)>) -> Option<&str> {
        let (start, end) = place?;
        self.str(start, end)
    }

    fn address(&self, id: HeaderId) -> Result<NameAddr<'_>, HeaderError> {
        typed(id, NameAddr::read_all(Cursor::of(self.require_str(id)?)))
    }

    fn require(&self, id: HeaderId) -> Result<&[u8], HeaderError> {
        self.get(id).ok_or(HeaderError::Missing(id))
    }

    fn require_str(&self, id: HeaderId) -> Result<&str, HeaderError> {
        let first = self.spans_of(id).next().ok_or(HeaderError::Missing(id))?;
        let text = self.str(first.value, first.value_end);
        typed(id, text.ok_or(GrammarError::NotUtf8))
    }
}

#[inline(always)]
fn typed<T>(id: HeaderId, parsed: Result<T, GrammarError>) -> Result<T, HeaderError> {
    parsed.map_err(|error| HeaderError::Malformed(id, error))
}

/// Reads the first element of a comma list.
#[inline(always)]
fn read_first<'a, T>(
    list: &'a str,
    read: impl Fn(&mut Cursor<'a>) -> Result<T, GrammarError>,
) -> Result<T, GrammarError> {
    let mut cursor = Cursor::of(list);
    let first = read(&mut cursor)?;
    if cursor.is_empty() || cursor.peek() == Some(b',') {
        Ok(first)
    } else {
        Err(GrammarError::Trailing)
    }
}
