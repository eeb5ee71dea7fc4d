//! What a `sips:` URI asks of the addresses that we show (RFC 3261 §8.1.1.8, §12.1.1, §16.6 step 4).

use std::borrow::Cow;

use super::path::Path;
use crate::message::{HeaderId, Message, NameAddr};

/// True if the whole way to a URI must be secure.
pub(super) fn is_sips(uri: &str) -> bool {
    uri.get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"))
}

/// True if the Contact of who answers a request must be a `sips:` URI: the caller or the proxy
/// before us wants to be reached so.
pub(super) fn asks_for_sips(request: &Message) -> bool {
    let shows = |id| {
        let value = request.values(id).next()?;
        Some(is_sips(NameAddr::parse(value).ok()?.uri))
    };
    request.request_uri().is_some_and(is_sips)
        || shows(HeaderId::RecordRoute)
            .or_else(|| shows(HeaderId::Contact))
            .unwrap_or_default()
}

/// True if the sender of a request is content with less than TLS on the way back.
pub(super) fn has_plain_contact(request: &Message) -> bool {
    let contact = request.values(HeaderId::Contact).next();
    contact
        .and_then(|value| NameAddr::parse(value).ok())
        .is_some_and(|contact| !is_sips(contact.uri))
}

/// A Contact or a route of ours, as a `sips:` URI if it is to be one and the path is secure.
pub(super) fn secured<'a>(value: &'a str, path: &Path, wanted: bool) -> Cow<'a, str> {
    if wanted && path.transport.is_secure() {
        value.replacen("<sip:", "<sips:", 1).into()
    } else {
        value.into()
    }
}
