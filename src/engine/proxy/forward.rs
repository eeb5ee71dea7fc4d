//! The text of a forwarded request (RFC 3261 §16.6).

use bytes::Bytes;

use super::{ProxyPlan, ProxyTarget};
use crate::engine::flows::flow_of;
use crate::engine::path::Path;
use crate::engine::random::Branch;
use crate::engine::sips::{is_sips, secured};
use crate::engine::Engine;
use crate::message::{HeaderId, Message, Method, Scheme, Uri};

/// The Max-Forwards of a request that came without (§16.6 step 3).
const DEFAULT_MAX_FORWARDS: u8 = 70;

/// Headers of an application's draft that do not go into a forwarded request.
const PROTECTED: &[HeaderId] = &[
    HeaderId::Via,
    HeaderId::Route,
    HeaderId::RecordRoute,
    HeaderId::RSeq,
    HeaderId::From,
    HeaderId::To,
    HeaderId::CallId,
    HeaderId::CSeq,
    HeaderId::MaxForwards,
    HeaderId::ContentLength,
    HeaderId::ContentType,
];

impl Engine {
    /// A new request, sent where the application wants it.
    pub(super) fn forward_as_asked(
        &self,
        request: &Message,
        target: &ProxyTarget,
        plan: &ProxyPlan,
        incoming: &Path,
        path: &Path,
        branch: Branch,
    ) -> Option<Bytes> {
        let destination = target.uri.as_str();
        let mut edit = request.edit();
        let uri = Uri::parse(request.request_uri()?).ok()?;
        if self.listeners.owns(&uri) {
            edit.set_request_uri(destination);
        }
        // A Route that brought the request here has done its work; another one is not for a
        // caller to choose.
        edit.remove(HeaderId::Route);
        edit.set(HeaderId::MaxForwards, fewer_hops(request).to_string());
        let wants_sips = match self.listeners.owns(&uri) {
            true => is_sips(destination),
            false => uri.scheme == Scheme::Sips,
        };
        if plan.remain_in_dialog {
            let is_register = request.method() == Some(Method::Register);
            let (id, routes) = if is_register {
                edit.append(HeaderId::Require, "path");
                let route = self.path_route(request, incoming, path);
                (HeaderId::Path, vec![secured(&route, path, wants_sips)])
            } else {
                let callee_by_flow =
                    path.connection.is_some() || self.flow_to(destination).is_some();
                let callee = callee_by_flow.then(|| self.flow_tokens.write(flow_of(path)));
                let [callee, caller] = self.recorded_routes(request, incoming, path, callee);
                let routes = [
                    secured(&callee, path, wants_sips),
                    secured(&caller, incoming, wants_sips),
                ];
                (HeaderId::RecordRoute, distinct(routes))
            };
            // The topmost is the one that the callee reaches first.
            for route in routes.iter().rev() {
                edit.prepend(id, route);
            }
        }
        let drafts = plan.headers.iter().chain(&target.headers);
        for header in drafts.flat_map(Message::headers) {
            if PROTECTED.contains(&header.id) {
                continue;
            }
            if header.id == HeaderId::Other {
                edit.append(header.name, header.value);
            } else {
                edit.append(header.id, header.value);
            }
        }
        edit.prepend(HeaderId::Via, self.listeners.via(path, branch));
        edit.finish().ok()
    }

    /// A request of a dialog, sent along its route.
    pub(super) fn forward_in_dialog(
        &self,
        request: &Message,
        path: &Path,
        branch: Branch,
    ) -> Option<Bytes> {
        let mut edit = request.edit();
        self.follow_routes(&mut edit, request);
        edit.set(HeaderId::MaxForwards, fewer_hops(request).to_string());
        edit.prepend(HeaderId::Via, self.listeners.via(path, branch));
        edit.finish().ok()
    }

    /// Our Path: it names the way to the client if nothing else leads there (RFC 5626 §5.1).
    fn path_route(&self, request: &Message, incoming: &Path, outgoing: &Path) -> String {
        let token = self.token_for(request, &self.heard_path(*incoming));
        let mut route = self.listeners.route(outgoing, token.as_deref());
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
        incoming: &Path,
        outgoing: &Path,
        callee: Option<String>,
    ) -> [String; 2] {
        let caller = self.token_for(request, &self.heard_path(*incoming));
        [
            self.listeners.route(outgoing, callee.as_deref()),
            self.listeners.route(incoming, caller.as_deref()),
        ]
    }
}

/// One of two that are the same is enough.
fn distinct([first, second]: [String; 2]) -> Vec<String> {
    if first == second {
        vec![first]
    } else {
        vec![first, second]
    }
}

fn fewer_hops(request: &Message) -> u8 {
    match request.max_forwards() {
        Ok(Some(hops)) => hops.saturating_sub(1),
        _ => DEFAULT_MAX_FORWARDS,
    }
}
