//! Peers behind address translators (RFC 3581, RFC 5626 §1, RFC 6314): when the address that a
//! peer gives of itself is not believed, and the one that it was heard from is used instead.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

use super::path::{Path, Transport};
use super::subnet::is_private;
use crate::message::{HeaderId, Host, Message, Scheme, Uri};

/// What is done about peers behind address translators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nat {
    /// Where requests inside dialogs go.
    pub in_dialog: InDialog,
    /// Whether requests to the Contact of a registration go where the registration came from.
    /// Default true.
    pub registrations: bool,
    /// Whether a proxy is believed that marks its recorded route, or a peer that marks its
    /// Contact, with `nat=yes`: requests inside the dialog go to where the peer was last heard
    /// from. Default false.
    pub marked_routes: bool,
}

/// Where a request inside a dialog goes when no proxy has recorded a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InDialog {
    /// To the peer's Contact; but to where the peer was last heard from if the Contact can't be
    /// reached: it names a private address while the peer has a public one, or the address that
    /// a translator was seen to replace.
    #[default]
    Auto,
    /// To where the peer was last heard from, unless the Contact holds a name.
    Source,
    /// To the Contact, as RFC 3261 §12.2.1.1 has it.
    Contact,
}

/// The text is not one of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not \"auto\", \"source\" or \"contact\"")]
pub struct NotARule(pub String);

impl FromStr for InDialog {
    type Err = NotARule;

    fn from_str(text: &str) -> Result<InDialog, NotARule> {
        match text {
            "auto" => Ok(InDialog::Auto),
            "source" => Ok(InDialog::Source),
            "contact" => Ok(InDialog::Contact),
            _ => Err(NotARule(text.to_owned())),
        }
    }
}

impl Default for Nat {
    fn default() -> Nat {
        Nat {
            in_dialog: InDialog::Auto,
            registrations: true,
            marked_routes: false,
        }
    }
}

impl InDialog {
    /// The same of a URI that a proxy has recorded: it may well be heard from elsewhere than where
    /// it listens, but not listen at a private address while it has a public one.
    pub(crate) fn distrusts_proxy(self, uri: &Uri<'_>, heard: &Path) -> bool {
        let is_hidden = uri.host.ip().is_some_and(is_private) && !is_private(heard.peer.ip());
        has_invalid_host(uri) || (self != InDialog::Contact && is_hidden)
    }

    /// True if a URI that a peer gave of itself is not to be used, but the way it was heard.
    /// `replaced` tells what [`replaced_address`] says of that.
    pub(crate) fn distrusts(
        self,
        uri: &Uri<'_>,
        heard: &Path,
        replaced: impl FnOnce() -> Option<IpAddr>,
    ) -> bool {
        if is_beyond_reach(uri) {
            return true;
        }
        let Some(host) = uri.host.ip() else {
            return false; // A name is what somebody has chosen to be reached by.
        };
        let source = heard.peer.ip();
        match self {
            InDialog::Contact => false,
            InDialog::Source => {
                let port = uri.port.unwrap_or(heard.transport.default_port());
                SocketAddr::new(host, port) != heard.peer
            }
            InDialog::Auto => {
                host != source
                    && ((is_private(host) && !is_private(source)) || replaced() == Some(host))
            }
        }
    }
}

/// True for a URI that leads nowhere but over the connection of who gave it: a WebSocket client
/// can't be connected to and says so with the top-level domain `invalid` (RFC 7118 §5).
pub(crate) fn is_beyond_reach(uri: &Uri<'_>) -> bool {
    let named = uri.transport().and_then(Transport::from_name);
    matches!(named, Some(Transport::Ws | Transport::Wss)) || has_invalid_host(uri)
}

/// True for a host that no name server will ever know (RFC 6761 §6.4).
pub(crate) fn has_invalid_host(uri: &Uri<'_>) -> bool {
    match uri.host {
        Host::Name(name) => name
            .rsplit('.')
            .next()
            .is_some_and(|label| label.eq_ignore_ascii_case("invalid")),
        _ => false,
    }
}

/// True if whoever wrote the URI says that it does not lead anywhere (drachtio-server §2.10).
pub(crate) fn is_marked(uri: &Uri<'_>) -> bool {
    matches!(uri.param("nat"), Some(Some(value)) if value.eq_ignore_ascii_case("yes"))
}

/// True if no proxy lies between us and who sent the request.
pub(crate) fn is_direct(request: &Message) -> bool {
    request.values(HeaderId::Via).nth(1).is_none()
}

/// The address that the sender of a request believes to have, if it is not the one that the
/// request came from although no proxy lies between: a translator has replaced it.
pub(crate) fn replaced_address(request: &Message, path: &Path) -> Option<IpAddr> {
    let via = request.top_via().ok().filter(|_| is_direct(request))?;
    let own: IpAddr = via.host.parse().ok()?;
    (own != path.peer.ip()).then_some(own)
}

/// `user@host:port` of a URI that one of several clients behind an address can be told by.
pub(crate) fn name_of(uri: &Uri<'_>) -> Option<String> {
    if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
        return None;
    }
    let mut name = format!("{}@", uri.user?);
    match uri.host {
        Host::Name(host) => name.extend(host.chars().map(|char| char.to_ascii_lowercase())),
        host => drop(write!(name, "{}", host.ip()?)),
    }
    if let Some(port) = uri.port {
        let _ = write!(name, ":{port}");
    }
    Some(name)
}
