//! The text of a forwarded request (RFC 3261 §16.6).

use std::borrow::Cow;

use super::alteration::is_protected;
use super::loops::MAX_BREADTH;
use super::routing::stateless_route;
use super::{PreloadedRoutes, ProxyPlan, ProxyTarget, RequestUri};
use crate::engine::flows::flow_of;
use crate::engine::path::Path;
use crate::engine::random::Branch;
use crate::engine::sips::{is_sips, secured};
use crate::engine::text::Decimal;
use crate::engine::Engine;
use crate::message::{Edit, HeaderId, Message, Method, Uri};

/// The Max-Forwards of a request that came without (§16.6 step 3).
const DEFAULT_MAX_FORWARDS: u8 = 70;

/// The way that a copy of a request takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Onward<'a> {
    pub(super) path: &'a Path,
    /// What its Via is known by.
    pub(super) branch: Branch,
    /// Its share of the Max-Breadth; an ACK has none.
    pub(super) breadth: Option<u32>,
}

impl Engine {
    /// A new request, sent where the application wants it.
    pub(super) fn forward_as_asked<'m>(
        &self,
        request: &'m Message,
        target: &ProxyTarget,
        plan: &ProxyPlan,
        incoming: &Path,
        onward: Onward<'_>,
    ) -> Option<Edit<'m>> {
        let path = onward.path;
        let mut edit = request.edit();
        let request_uri = self.forwarded_request_uri(request, target, plan)?;
        if request.request_uri() != Some(request_uri) {
            edit.set_request_uri(request_uri);
        }
        plan.changes.apply(&mut edit, request);
        match plan.preloaded_routes {
            PreloadedRoutes::Dropped => {
                edit.remove(HeaderId::Route);
            }
            PreloadedRoutes::Followed => self.follow_routes(&mut edit, request, request_uri),
        }
        for route in self.routes_through(target).iter().rev() {
            edit.prepend(HeaderId::Route, route);
        }
        let wants_sips = is_sips(request_uri);
        let records = plan.remain_in_dialog
            && !matches!(request.method(), Some(Method::Ack | Method::Cancel));
        if records && request.method() == Some(Method::Register) {
            if !request.has_option(HeaderId::Require, "path") {
                edit.append(HeaderId::Require, "path");
            }
            let route = self.path_route(request, incoming, path);
            edit.prepend(HeaderId::Path, secured(&route, path, wants_sips).as_bytes());
        } else if records {
            let [callee, caller] = self.recorded_routes(request, target, incoming, path);
            let callee = secured(&callee, path, wants_sips);
            let caller = secured(&caller, incoming, wants_sips);
            // The topmost is the one that the callee reaches first. One of two that are the same
            // is enough.
            let other = (callee != caller).then_some(callee);
            for route in std::iter::once(caller).chain(other) {
                match plan.stateless {
                    true => edit.prepend(HeaderId::RecordRoute, stateless_route(&route)),
                    false => edit.prepend(HeaderId::RecordRoute, route.as_bytes()),
                };
            }
        }
        add_headers(&mut edit, plan.headers.iter().chain(&target.headers));
        self.send_onward(&mut edit, request, onward);
        Some(edit)
    }

    /// A request of a dialog, sent along its route; with what the application that was asked
    /// about it has changed.
    pub(super) fn forward_in_dialog<'m>(
        &self,
        request: &'m Message,
        plan: Option<&ProxyPlan>,
        onward: Onward<'_>,
    ) -> Option<Edit<'m>> {
        let mut edit = request.edit();
        if let Some(plan) = plan {
            plan.changes.apply(&mut edit, request);
        }
        self.follow_routes(&mut edit, request, request.request_uri()?);
        add_headers(
            &mut edit,
            plan.iter().filter_map(|plan| plan.headers.as_ref()),
        );
        self.send_onward(&mut edit, request, onward);
        Some(edit)
    }

    /// What every hop changes (§16.6 items 3 and 8, RFC 5393 §5.3.3).
    fn send_onward(&self, edit: &mut Edit<'_>, request: &Message, onward: Onward<'_>) {
        edit.set(HeaderId::MaxForwards, Decimal::of(fewer_hops(request)));
        if let Some(breadth) = onward.breadth {
            edit.set(MAX_BREADTH, Decimal::of(breadth));
        }
        let via = self.listeners.via(onward.path, onward.branch);
        edit.prepend(HeaderId::Via, via);
    }

    /// What a new request has in its request line when it is forwarded (§16.6 item 2).
    fn forwarded_request_uri<'a>(
        &self,
        request: &'a Message,
        target: &'a ProxyTarget,
        plan: &ProxyPlan,
    ) -> Option<&'a str> {
        let received = request.request_uri()?;
        let is_replaced = match plan.request_uri {
            RequestUri::Kept => false,
            RequestUri::Replaced => true,
            RequestUri::IfOurs => self.listeners.owns(&Uri::parse(received).ok()?),
        };
        Some(if is_replaced { &target.uri } else { received })
    }

    /// Our Path: it names the way to the client if nothing else leads there (RFC 5626 §5.1).
    fn path_route(&self, request: &Message, incoming: &Path, outgoing: &Path) -> String {
        let token = self.token_for(request, &self.heard_path(*incoming));
        let route = self.listeners.route(outgoing, token.as_deref());
        let mut route = route.into_owned();
        let has_reg_id = request
            .contact()
            .is_ok_and(|contact| contact.is_some_and(|contact| contact.param("reg-id").is_some()));
        if token.is_some() && has_reg_id {
            route.insert_str(route.len() - 1, ";ob");
        }
        route
    }

    /// Our Record-Routes, the callee's side first: one for each side where they differ
    /// (RFC 5658 §4.2), or where one of them names the way to a client (RFC 5626 §5.3).
    fn recorded_routes(
        &self,
        request: &Message,
        target: &ProxyTarget,
        incoming: &Path,
        outgoing: &Path,
    ) -> [Cow<'_, str>; 2] {
        let hop = self.first_hop(target);
        let hop = hop.as_deref().unwrap_or(&target.uri);
        let callee_by_flow = outgoing.connection.is_some() || self.flow_to(hop).is_some();
        let callee = callee_by_flow.then(|| self.flow_tokens.write(flow_of(outgoing)));
        let caller = self.token_for(request, &self.heard_path(*incoming));
        [
            self.listeners.route(outgoing, callee.as_deref()),
            self.listeners.route(incoming, caller.as_deref()),
        ]
    }
}

/// Adds the headers of drafts but those that are not an application's to add.
fn add_headers<'a>(edit: &mut Edit<'_>, drafts: impl Iterator<Item = &'a Message>) {
    for header in drafts.flat_map(Message::headers) {
        if is_protected(header.id) {
            continue;
        }
        if header.id == HeaderId::Other {
            edit.append(header.name, header.value);
        } else {
            edit.append(header.id, header.value);
        }
    }
}

fn fewer_hops(request: &Message) -> u8 {
    match request.max_forwards() {
        Ok(Some(hops)) => hops.saturating_sub(1),
        _ => DEFAULT_MAX_FORWARDS,
    }
}
