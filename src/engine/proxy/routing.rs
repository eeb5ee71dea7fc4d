//! Route headers: which of them name us, where the next one leads, and the routers of the time
//! before `lr` (RFC 3261 §16.4, §16.6 items 6 and 7, §16.12).

use super::ProxyTarget;
use crate::engine::flow_token::Forged;
use crate::engine::flows::flow_of;
use crate::engine::path::Path;
use crate::engine::{Engine, ServerKey};
use crate::message::{Edit, HeaderId, Message, NameAddr, Uri};

impl Engine {
    /// The request as it was meant, if a strict router has put a route of ours into its request
    /// line and the request-URI at the end of the Route headers (§16.4): the route of ours is at
    /// the top again. `None` if there is nothing to mend.
    pub(in crate::engine) fn mended_of_strict_router(&self, request: &Message) -> Option<Message> {
        let last = request.values(HeaderId::Route).last()?;
        // What we record has an `lr`, and nearly no request-URI has.
        let request_uri = request.request_uri().filter(|uri| uri.contains(";lr"))?;
        let is_recorded = |uri: &Uri<'_>| uri.lr() && self.listeners.owns(uri);
        Uri::parse(request_uri).ok().filter(is_recorded)?;
        let mut routes: Vec<&[u8]> = request.values(HeaderId::Route).collect();
        routes.pop();
        let mut edit = request.edit();
        edit.set_request_uri(uri_of(last)?);
        edit.remove(HeaderId::Route);
        for route in routes.iter().rev() {
            edit.prepend(HeaderId::Route, route);
        }
        edit.prepend(HeaderId::Route, format!("<{request_uri}>"));
        Message::parse(edit.finish().ok()?).ok()
    }

    /// A request-URI whose `maddr` means this engine, at the port and by the transport that its request
    /// has come by, is taken as if it had neither of the three (§16.4): in the request, and where it is
    /// a target.
    pub(super) fn drop_own_maddr(&mut self, server: ServerKey, groups: &mut [Vec<ProxyTarget>]) {
        let Some(transaction) = self.servers.get_mut(server) else {
            return;
        };
        let incoming = transaction.reply_path;
        let Some(open) = transaction.open.as_deref_mut() else {
            return;
        };
        let meant = |uri: &Uri<'_>| self.listeners.is_meant_by_maddr(uri, &incoming);
        let request_uri = open.request.request_uri().unwrap_or_default();
        let Some(uri) = Uri::parse(request_uri).ok().filter(meant) else {
            return;
        };
        let plain = without_maddr(&uri);
        for target in groups.iter_mut().flatten() {
            if target.uri == request_uri {
                target.uri.clone_from(&plain);
            }
        }
        let mut edit = open.request.edit();
        edit.set_request_uri(&plain);
        if let Some(request) = edit.finish_message() {
            open.request = request;
        }
    }

    /// True if the topmost Route names this engine, as it does after we recorded a route.
    pub(in crate::engine) fn top_route_is_ours(&self, request: &Message) -> bool {
        let top = request.values(HeaderId::Route).next();
        top.is_some_and(|route| self.is_own_route(route))
    }

    /// True if the topmost Route is one that was recorded when its call was proxied without state.
    pub(in crate::engine) fn is_stateless_route(&self, request: &Message) -> bool {
        let top = request.values(HeaderId::Route).next();
        // As we write it, it has no such parameter.
        let top = top.filter(|route| !self.listeners.has_written(route));
        let uri = top.and_then(uri_of);
        uri.and_then(|uri| Uri::parse(uri).ok())
            .is_some_and(|uri| uri.param(STATELESS).is_some() && self.listeners.owns(&uri))
    }

    /// Takes the routes that name us off a request that goes on along the others. If the next
    /// one is a strict router, its URI goes into the request line and the request-URI goes to
    /// the end (§16.6 item 6).
    pub(super) fn follow_routes(&self, edit: &mut Edit<'_>, request: &Message, request_uri: &str) {
        for _ in self.own_routes(request) {
            edit.remove_first_value(HeaderId::Route);
        }
        let next = self.next_route(request).and_then(uri_of);
        let strict = next.filter(|next| !Uri::parse(next).is_ok_and(|uri| uri.lr()));
        if let Some(strict) = strict {
            edit.remove_first_value(HeaderId::Route);
            edit.set_request_uri(strict);
            edit.append(HeaderId::Route, format!("<{request_uri}>"));
        }
    }

    /// The URI that a target's request is sent to, if the application has named hops: the first
    /// that is not this engine itself, or leads over a flow.
    pub(super) fn first_hop(&self, target: &ProxyTarget) -> Option<String> {
        let mut hops = hops_of(target).into_iter();
        hops.find(|hop| self.flow_to(hop).is_some() || !self.is_own(hop))
    }

    /// The routes that a target's request is given: the hops that are loose routers, but us. One
    /// without `lr` is where the request goes, and need not know it.
    pub(super) fn routes_through(&self, target: &ProxyTarget) -> Vec<String> {
        let hops = hops_of(target).into_iter();
        hops.filter(|hop| Uri::parse(hop).is_ok_and(|uri| uri.lr()) && !self.is_own(hop))
            .map(|hop| format!("<{hop}>"))
            .collect()
    }

    /// The URI of the next hop of a new request by the routes that it has come with, those that
    /// name us taken off.
    pub(super) fn preloaded_hop(&self, request: &Message) -> Option<String> {
        uri_of(self.next_route(request)?).map(str::to_string)
    }

    /// Where a request goes once the routes that name us are taken off (§16.6 step 6).
    pub(super) fn next_hop_after_us(&self, request: &Message, incoming: &Path) -> Option<String> {
        if let Some(Ok(flow)) = self.own_flow(request, incoming) {
            return Some(flow);
        }
        match self.next_route(request) {
            Some(route) => uri_of(route).map(str::to_string),
            None => request.request_uri().map(str::to_string),
        }
    }

    /// The route of ours that names the way to a client, if the request is for that client: the
    /// last one, which is that of the side it goes to. The status to refuse the request with if
    /// the way has gone (RFC 5626 §5.3.1), or nobody of ours has written the route.
    pub(in crate::engine) fn own_flow(
        &self,
        request: &Message,
        incoming: &Path,
    ) -> Option<Result<String, u16>> {
        let last = self.own_routes(request).last()?;
        if self.listeners.has_written(last) {
            return None; // There is no token in it.
        }
        let last = NameAddr::parse(last).ok()?;
        let flow = match self.flow_of_token(&last.parse_uri().ok()?)? {
            Ok(flow) => flow,
            Err(Forged) => return Some(Err(403)),
        };
        if flow == flow_of(&self.heard_path(*incoming)) {
            return None; // It comes from there (§5.3).
        }
        match self.path_of(flow) {
            Some(_) => Some(Ok(last.uri.to_string())),
            None if self.has_registered_again(request) => None,
            None => Some(Err(430)),
        }
    }

    /// True when the client behind a connection that has ended is the next hop and has another
    /// one: what it registered leads there, and its calls live on.
    fn has_registered_again(&self, request: &Message) -> bool {
        let is_next_hop = self.next_route(request).is_none();
        let way = request.request_uri().and_then(|uri| self.flow_to(uri));
        is_next_hop && matches!(way, Some(Ok(_)))
    }

    /// Those of the topmost routes that name us: two where we bridge transports (RFC 5658 §4.2).
    fn own_routes<'m>(&self, request: &'m Message) -> impl Iterator<Item = &'m [u8]> + use<'_, 'm> {
        let routes = request.values(HeaderId::Route);
        routes.take_while(|route| self.is_own_route(route))
    }

    /// The route behind those.
    fn next_route<'m>(&self, request: &'m Message) -> Option<&'m [u8]> {
        let mut routes = request.values(HeaderId::Route);
        routes.find(|route| !self.is_own_route(route))
    }

    fn is_own_route(&self, route: &[u8]) -> bool {
        self.listeners.has_written(route) || uri_of(route).is_some_and(|uri| self.is_own(uri))
    }

    fn is_own(&self, uri: &str) -> bool {
        Uri::parse(uri).is_ok_and(|uri| self.listeners.owns(&uri))
    }
}

/// A SIP URI without `maddr`, port, `transport` and headers.
fn without_maddr(uri: &Uri<'_>) -> String {
    let text = uri.without_headers();
    let mut plain = text.strip_suffix(uri.params.text()).unwrap_or(text);
    if uri.port.is_some() {
        plain = plain.rsplit_once(':').map_or(plain, |(host, _)| host);
    }
    let mut plain = plain.to_string();
    for (name, value) in uri.params.iter() {
        if ["maddr", "transport"]
            .iter()
            .any(|it| name.eq_ignore_ascii_case(it))
        {
            continue;
        }
        plain.push(';');
        plain.push_str(name);
        if let Some(value) = value {
            plain.push('=');
            plain.push_str(value);
        }
    }
    plain
}

/// The parameter of a route of ours by which requests of its dialog are known as those that
/// nothing is kept of either.
const STATELESS: &str = "stateless";

/// A Route value of ours with that parameter.
pub(super) fn stateless_route(route: &str) -> String {
    route.replacen(";lr", &format!(";lr;{STATELESS}"), 1)
}

/// The URIs of the hops that an application has named: a URI, or a list as it stands in a Path.
fn hops_of(target: &ProxyTarget) -> Vec<String> {
    let Some(next_hop) = target.next_hop.as_deref() else {
        return Vec::new();
    };
    if !next_hop.contains('<') {
        return vec![next_hop.to_string()];
    }
    let list = format!("INVITE sip:target SIP/2.0\r\nRoute: {next_hop}\r\n\r\n");
    let Ok(list) = Message::parse_draft(list.into()) else {
        return Vec::new();
    };
    let values = list.values(HeaderId::Route);
    values.filter_map(uri_of).map(str::to_string).collect()
}

/// The URI of a Route value.
fn uri_of(route: &[u8]) -> Option<&str> {
    Some(NameAddr::parse(route).ok()?.uri)
}
