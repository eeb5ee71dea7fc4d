//! What an application changes in the requests that it has forwarded (RFC 3261 §16.6 items 2
//! and 5): headers, the request-URI, and what becomes of preloaded routes.

use crate::engine::event::Refusal;
use crate::message::{Edit, Header, HeaderId, Message, NameAddr};

/// What goes into the request line of a new request that is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequestUri {
    /// The target's URI if the request was addressed to this host; else what the caller wrote.
    #[default]
    IfOurs,
    /// What the caller wrote.
    Kept,
    /// The target's URI.
    Replaced,
}

/// What becomes of the routes behind ours that a new request comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PreloadedRoutes {
    /// They are taken off: it is the application that says where the request goes, not the
    /// caller (drachtio-server §3.1).
    #[default]
    Dropped,
    /// The request goes along them, as §16.6 item 6 has it; the target's URI says only what may
    /// go into the request line.
    Followed,
}

/// Headers by which the proxy, or the transaction, works.
const PROTECTED: &[HeaderId] = &[
    HeaderId::Via,
    HeaderId::Route,
    HeaderId::RecordRoute,
    HeaderId::MaxForwards,
    HeaderId::CallId,
    HeaderId::CSeq,
    HeaderId::RSeq,
    HeaderId::RAck,
    HeaderId::ContentLength,
    HeaderId::ContentType,
];

/// True for a header of an application's draft that does not go into a forwarded request.
pub(super) fn is_protected(id: HeaderId) -> bool {
    PROTECTED.contains(&id) || is_party(id)
}

/// From and To: their tags name the dialog.
fn is_party(id: HeaderId) -> bool {
    matches!(id, HeaderId::From | HeaderId::To)
}

/// The headers that take the place of those in the request, and those that are taken off.
#[derive(Debug, Clone, Default)]
pub struct HeaderChanges {
    /// A draft whose headers take the place of all of the same name.
    pub set: Option<Message>,
    /// Names of headers that are taken off, in any case or compact.
    pub remove: Vec<String>,
}

impl HeaderChanges {
    /// Says which header may not be changed so.
    pub(super) fn check(&self, request: &Message) -> Result<(), Refusal> {
        let protected =
            |name: &[u8]| Refusal::ProtectedHeader(String::from_utf8_lossy(name).into_owned());
        for name in &self.remove {
            if is_protected(HeaderId::from_name(name.as_bytes())) {
                return Err(protected(name.as_bytes()));
            }
        }
        for header in self.set.iter().flat_map(Message::headers) {
            let is_kept = is_party(header.id) && keeps_tag(&header, request);
            if is_protected(header.id) && !is_kept {
                return Err(protected(header.name.as_bytes()));
            }
        }
        Ok(())
    }

    /// Makes the changes that [`check`](Self::check) has allowed.
    pub(super) fn apply(&self, edit: &mut Edit<'_>, request: &Message) {
        for name in &self.remove {
            edit.remove_named(name);
        }
        let Some(draft) = &self.set else {
            return;
        };
        for header in draft.headers().filter(|header| !is_party(header.id)) {
            edit.remove_named(header.name);
        }
        for header in draft.headers() {
            if is_party(header.id) {
                edit.set(header.id, with_tag(&header, request));
            } else {
                edit.append(header.name, header.value);
            }
        }
    }
}

fn tag_of(id: HeaderId, request: &Message) -> Option<&str> {
    match id {
        HeaderId::From => request.from_tag(),
        _ => request.to_tag(),
    }
}

/// True if a From or To has the tag of the request's, or leaves it to us.
fn keeps_tag(header: &Header<'_>, request: &Message) -> bool {
    NameAddr::parse(header.value).is_ok_and(|party| {
        let tag = party.tag();
        tag.is_none() || tag == tag_of(header.id, request)
    })
}

/// A From or To with the tag of the request's.
fn with_tag(header: &Header<'_>, request: &Message) -> Vec<u8> {
    let mut value = header.value.to_vec();
    let is_tagged = NameAddr::parse(header.value).is_ok_and(|party| party.tag().is_some());
    if let (Some(tag), false) = (tag_of(header.id, request), is_tagged) {
        value.extend_from_slice(b";tag=");
        value.extend_from_slice(tag.as_bytes());
    }
    value
}
