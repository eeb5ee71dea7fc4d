//! Where and how a request is proxied: what an application's `proxy` command says
//! (RFC 3261 §16.5, §16.6).

use std::time::Duration;

use super::super::path::Transport;
use super::{HeaderChanges, PreloadedRoutes, RequestUri};
use crate::message::Message;

/// How many redirections in a row are followed when a plan says no number of its own.
pub const DEFAULT_REDIRECTS: u8 = 5;

/// Where and how a request is proxied.
#[derive(Debug, Clone, Default)]
pub struct ProxyPlan {
    /// The target set. Groups are tried one after the other, the members of a group at once:
    /// groups of one are a serial search, one group is a simultaneous one.
    pub groups: Vec<Vec<ProxyTarget>>,
    /// Record-Route (Path for REGISTER), so that later requests of the dialog pass here.
    pub remain_in_dialog: bool,
    /// Report the final response of every branch to the application.
    pub full_response: bool,
    /// Tell the application what happens while it happens: branches that start and end, and
    /// their provisional responses. Implies `full_response`.
    pub progress: bool,
    /// How many redirections in a row are followed: the Contacts of a 3xx are tried instead of
    /// forwarding it. 0 follows none.
    pub redirects: u8,
    /// How long a branch may take to its first response; then it is cancelled and the search
    /// goes on. For targets that say nothing else.
    pub provisional_timeout: Option<Duration>,
    /// How long a branch may take to its final response; then it is cancelled and the search
    /// goes on. For targets that say nothing else.
    pub final_timeout: Option<Duration>,
    /// A draft whose headers are added to every forwarded request.
    pub headers: Option<Message>,
    /// What is changed in the headers that the request has.
    pub changes: HeaderChanges,
    /// What goes into the request line.
    pub request_uri: RequestUri,
    /// Keep nothing of it (RFC 3261 §16.11): to one target, and nothing is reported.
    pub stateless: bool,
    /// What becomes of the routes that the request has come with.
    pub preloaded_routes: PreloadedRoutes,
}

/// One target of a proxied request.
#[derive(Debug, Clone, Default)]
pub struct ProxyTarget {
    /// Its URI: the request-URI if the received one named this host, and where to send unless
    /// `next_hop` says otherwise.
    pub uri: String,
    /// A URI to send to instead, or a list of hops as it stands in a Path (RFC 3327 §5.3). Those
    /// with `lr` are written into Route headers.
    pub next_hop: Option<String>,
    /// The transport to send by, whatever the URI says.
    pub transport: Option<Transport>,
    /// A draft whose headers are added to the request on this branch, after the plan's.
    pub headers: Option<Message>,
    /// In place of the plan's.
    pub provisional_timeout: Option<Duration>,
    /// In place of the plan's.
    pub final_timeout: Option<Duration>,
}

impl ProxyPlan {
    /// A plan that tries these URIs one after the other.
    #[must_use]
    pub fn serial<'a>(uris: impl IntoIterator<Item = &'a str>) -> ProxyPlan {
        let groups = uris.into_iter().map(|uri| vec![ProxyTarget::to(uri)]);
        ProxyPlan {
            groups: groups.collect(),
            ..ProxyPlan::default()
        }
    }

    /// A plan that tries these URIs at once.
    #[must_use]
    pub fn simultaneous<'a>(uris: impl IntoIterator<Item = &'a str>) -> ProxyPlan {
        let group = uris.into_iter().map(ProxyTarget::to);
        ProxyPlan {
            groups: vec![group.collect()],
            ..ProxyPlan::default()
        }
    }

    /// How many targets it names.
    pub fn target_count(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// True if nothing is added to the headers of the request or changed in them.
    pub(super) fn leaves_headers(&self) -> bool {
        let Self {
            headers, changes, ..
        } = self;
        is_empty(headers) && is_empty(&changes.set) && changes.remove.is_empty()
    }

    pub(super) fn reports_finals(&self) -> bool {
        self.full_response || self.progress
    }
}

/// True for a draft without headers, too.
fn is_empty(draft: &Option<Message>) -> bool {
    draft.as_ref().is_none_or(|draft| draft.header_count() == 0)
}

impl ProxyTarget {
    /// True if nothing is added to the headers of the request.
    pub(super) fn leaves_headers(&self) -> bool {
        is_empty(&self.headers)
    }

    /// A target that is nothing but a URI.
    #[must_use]
    pub fn to(uri: &str) -> ProxyTarget {
        ProxyTarget {
            uri: uri.to_string(),
            ..ProxyTarget::default()
        }
    }
}
