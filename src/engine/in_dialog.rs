//! Requests inside dialogs, both ways (RFC 3261 §12.2).

use std::time::Instant;

use super::command::{AppId, CommandId, DialogId, Forks};
use super::compose;
use super::dialog::{CallUsage, Dialog};
use super::event::{Meta, Refusal, Reply, Source};
use super::limits::Claim;
use super::listeners::Face;
use super::nat::{is_marked, replaced_address};
use super::offers::{has_session, Carrier, Side};
use super::path::Path;
use super::reliable::PrackVerdict;
use super::sips::is_sips;
use super::subscription::Role;
use super::target::{Destination, Hop};
use super::timers::earliest;
use super::uac::{parse_request, Call};
use super::ways::Ways;
use super::{Action, Command, DialogKey, Engine, Parked, ServerKey};
use crate::message::{HeaderId, Message, Method, NameAddr, Uri};

impl Engine {
    /// A request arrived in a dialog of an application's.
    pub(super) fn receive_in_dialog(
        &mut self,
        now: Instant,
        path: Path,
        key: ServerKey,
        dialog_key: DialogKey,
        request: &Message,
    ) {
        let (Ok(cseq), Some(method)) = (request.cseq().map(|c| c.number), request.method()) else {
            return;
        };
        let Some(dialog) = self.dialogs.get_mut(dialog_key) else {
            return;
        };
        if dialog.call != CallUsage::Live && is_of_call(method) {
            // RFC 5057 §5.1: subscriptions keep the dialog, but there is no call in it.
            self.respond_plainly(now, key, 481);
            return;
        }
        if dialog.remote_cseq.is_some_and(|highest| cseq < highest) {
            self.respond_plainly(now, key, 500); // §12.2.2: out of order
            return;
        }
        dialog.remote_cseq = Some(cseq);
        let (owner, id) = (dialog.owner, dialog.id.clone());
        let open_invite = dialog.open_server_invite;
        let replaced = replaced_address(request, &path);
        self.dialogs.heard(dialog_key, path, replaced);
        if let Some(least) = self.session_too_brief(request) {
            self.respond_with(now, key, 422, &[least]);
            return;
        }
        match method {
            Method::Invite | Method::Update if !self.admit(now, dialog_key, key, request) => {
                return;
            }
            Method::Prack => {
                let verdict = open_invite.map(|invite| self.receive_prack(now, invite, request));
                let answer = match verdict {
                    Some(PrackVerdict::Unknown) => Some(481), // RFC 3262 §3
                    Some(PrackVerdict::Answer) => Some(200),
                    Some(PrackVerdict::Deliver) | None => None,
                };
                if let Some(code) = answer {
                    self.respond_plainly(now, key, code);
                    return;
                }
                if let Some(dialog) = self.dialogs.get_mut(dialog_key) {
                    let offers = &mut dialog.offers;
                    offers.carried(Side::Theirs, Carrier::Prack, has_session(request));
                }
            }
            Method::Bye => {
                if let Some(invite) = open_invite {
                    self.respond_plainly(now, invite, 487); // §15.1.2
                }
            }
            _ => {}
        }
        let answer_by = now + self.timers_config.application;
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let transaction_id = transaction.id;
        if let Some(open) = transaction.open.as_deref_mut() {
            open.owner = Some(owner);
            open.dialog = Some(dialog_key);
            open.told_dialog = Some(id.clone());
            open.answer_by = Some(answer_by);
        }
        self.reschedule_server(key);
        match method {
            Method::Bye => {
                self.record_bye(now, dialog_key, Source::Network, request);
                self.end_call_usage(dialog_key);
                if self.answer_bye_for_heir(now, key) {
                    return;
                }
            }
            Method::Notify => self.note_notify(now, dialog_key, Role::Subscriber, request),
            _ => {}
        }
        let meta = Meta::received(path, request, now);
        self.deliver(
            Some(owner),
            Some(transaction_id),
            Some(id),
            meta,
            request.clone(),
        );
    }

    /// An application sends a request in a dialog.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn app_request_in_dialog(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        id: DialogId,
        next_hop: Option<String>,
        draft: Message,
        resolved: Option<&[Destination]>,
    ) {
        if draft.method() == Some(Method::Ack) {
            self.app_ack(now, app, command, id, draft, resolved);
            return;
        }
        let goes_to_peer = next_hop.is_none();
        match self.try_request_in_dialog(now, app, command, &id, next_hop, &draft, resolved) {
            Ok(Some(reply)) => self.reply(app, command, reply),
            Ok(None) => {}
            Err(refusal) => {
                if goes_to_peer && draft.method() == Some(Method::Bye) {
                    self.end_unreachable(now, app, &id, &refusal);
                }
                self.reply(app, command, Reply::Refused(refusal));
            }
        }
    }

    /// A BYE that no way leads to the peer for. The application may try it again and the peer may
    /// hang up itself, but an unreachable Contact must not keep the dialog for ever (§15.1.1).
    fn end_unreachable(&mut self, now: Instant, app: AppId, id: &DialogId, refusal: &Refusal) {
        let unreachable = matches!(
            refusal,
            Refusal::NameNotResolved(_) | Refusal::NoRouteInDialog(_) | Refusal::FlowFailed(_)
        );
        let Some(key) = self.dialogs.find_by_id(id, app).filter(|_| unreachable) else {
            return;
        };
        let ends = now + self.timers_config.transaction_timeout();
        if let Some(dialog) = self.dialogs.get_mut(key).filter(|d| d.confirmed) {
            dialog.expires = earliest(dialog.expires, Some(ends));
            self.reschedule_dialog(key);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn try_request_in_dialog(
        &mut self,
        now: Instant,
        app: AppId,
        command: CommandId,
        id: &DialogId,
        next_hop: Option<String>,
        draft: &Message,
        resolved: Option<&[Destination]>,
    ) -> Result<Option<Reply>, Refusal> {
        let method = draft.method().ok_or_else(|| invalid_method(draft))?;
        let key = self
            .dialog_for(id, app, draft, method)
            .ok_or(Refusal::UnknownDialog)?;
        if !draft.body().is_empty()
            && draft.get(HeaderId::ContentType).is_none()
            && !compose::is_sdp(&draft.body())
        {
            return Err(Refusal::MissingContentTypeInDialog);
        }
        if method == Method::Prack {
            self.check_prack(key, draft)?;
        }
        let again = |next_hop: &Option<String>| Command {
            app,
            id: command,
            action: Action::Request {
                dialog: Some(id.clone()),
                next_hop: next_hop.clone(),
                forks: Forks::First,
                message: draft.clone(),
            },
        };
        self.check_turn(key, method)?;
        if self.hold(key, method, || again(&next_hop))? {
            return Ok(None);
        }
        self.check_client_room(Claim::Established)?;
        let hop = match &next_hop {
            Some(uri) => self.ways_to(uri, is_sips(uri), resolved)?,
            None => self.dialog_ways(key, resolved)?,
        };
        let mut ways = match hop {
            Hop::Ready(ways) => ways,
            Hop::Named(name) => {
                self.look_up(name, Parked::Command(again(&next_hop)))?;
                return Ok(None);
            }
        };
        let cseq = self.next_cseq(key).ok_or(Refusal::UnknownDialog)?;
        let branch = self.random.branch();
        let timed = self.with_session_timer(Some(key), draft);
        let draft = timed.as_ref().unwrap_or(draft);
        let text = self
            .compose_with_branch(key, method.as_str(), cseq, &ways.first, Some(draft), branch)
            .ok_or(Refusal::UnknownDialog)?;
        let message = parse_request(text)?;
        let message = self.fit_to_transport(now, &mut ways, branch, message)?;
        let path = ways.first;
        if method == Method::Bye {
            self.abandon_open_invite(now, key);
            self.record_bye(now, key, Source::Application, &message);
        }
        let call = (method == Method::Invite).then(|| Call::new(id.clone(), Forks::First));
        let (client, transaction) =
            self.open_app_transaction(now, app, Some(key), call, path, branch, &message);
        self.keep_ways(now, client, ways);
        if let Some(dialog) = self.dialogs.get_mut(key) {
            let carrier = match method {
                Method::Invite => {
                    dialog.open_client_invite = Some(client);
                    Some(Carrier::Invite)
                }
                Method::Update => Some(Carrier::Update),
                Method::Prack => Some(Carrier::Prack),
                _ => None,
            };
            if let Some(carrier) = carrier {
                let offers = &mut dialog.offers;
                offers.carried(Side::Ours, carrier, has_session(&message));
            }
        }
        Ok(Some(Reply::Sent {
            transaction,
            dialog: Some(id.clone()),
            meta: Meta::sent(path, &message, now),
            message,
        }))
    }

    /// The dialog an application means. Of several forks a PRACK goes to the one whose
    /// response it acknowledges.
    fn dialog_for(
        &self,
        id: &DialogId,
        app: AppId,
        draft: &Message,
        method: Method<'_>,
    ) -> Option<DialogKey> {
        let acknowledged = match method {
            Method::Prack => draft.rack().ok().flatten().map(|rack| rack.rseq),
            _ => None,
        };
        let fork = acknowledged.and_then(|rseq| {
            self.dialogs.newest(id, |dialog| {
                dialog.owner == app && dialog.remote_rseq == Some(rseq)
            })
        });
        fork.or_else(|| self.dialogs.find_by_id(id, app))
    }

    fn check_prack(&self, key: DialogKey, draft: &Message) -> Result<(), Refusal> {
        if !matches!(draft.rack(), Ok(Some(_))) {
            return Err(Refusal::PrackWithoutRAck);
        }
        match self.dialogs.get(key) {
            Some(dialog) if dialog.open_client_invite.is_some() => Ok(()),
            _ => Err(Refusal::PrackWithoutInvite),
        }
    }

    pub(super) fn check_client_room(&self, claim: Claim) -> Result<(), Refusal> {
        let limit = claim.share_of(self.limits.client_transactions);
        if self.clients.len() < limit {
            Ok(())
        } else {
            Err(Refusal::LimitReached("client transactions", limit))
        }
    }

    pub(super) fn next_cseq(&mut self, key: DialogKey) -> Option<u32> {
        let dialog = self.dialogs.get_mut(key)?;
        dialog.local_cseq = dialog.local_cseq.saturating_add(1);
        Some(dialog.local_cseq)
    }

    /// A BYE ends our own re-INVITE too.
    pub(super) fn abandon_open_invite(&mut self, now: Instant, key: DialogKey) {
        let open = self
            .dialogs
            .get(key)
            .filter(|dialog| dialog.confirmed)
            .and_then(|dialog| dialog.open_client_invite);
        if let Some(invite) = open {
            if self.clients.get(invite).is_some_and(|t| t.has_response()) {
                self.cancel_client(now, invite, None);
            }
        }
    }

    /// The ways of the next request in a dialog.
    pub(super) fn dialog_ways(
        &mut self,
        key: DialogKey,
        resolved: Option<&[Destination]>,
    ) -> Result<Hop, Refusal> {
        let dialog = self.dialogs.get(key).ok_or(Refusal::UnknownDialog)?;
        let (next_hop, target, id) = (dialog.next_hop(), dialog.target.clone(), dialog.id.clone());
        let (last, is_direct) = (dialog.path, dialog.routes.is_empty());
        if let Some(way) = self.way_back(dialog, &next_hop) {
            return way.map(|path| Hop::Ready(Ways::only(path)));
        }
        let hop = match self.ways_to(&next_hop, is_sips(&target), resolved) {
            Ok(hop) => hop,
            Err(
                refusal @ (Refusal::NameNotResolved(_)
                | Refusal::FlowFailed(_)
                | Refusal::AmbiguousContact(_)),
            ) => return Err(refusal),
            Err(_) => return Err(Refusal::NoRouteInDialog(id)),
        };
        let Hop::Ready(mut ways) = hop else {
            return Ok(hop);
        };
        ways.prefer(Destination::of(&last));
        // A peer behind a stream connection is reached over that connection, and one that we
        // were heard by on one address goes on hearing us there.
        if ways.first.connection.is_none() && is_alike(&ways.first, &last) {
            ways.first.local = last.local;
            ways.first.connection = last.connection.filter(|_| is_direct);
        }
        Ok(Hop::Ready(ways))
    }

    /// The way that the peer was last heard, if its next hop can't be reached by what it says of
    /// itself (see [`InDialog`](super::InDialog)): also the neighbour's, if that is a proxy.
    fn way_back(&self, dialog: &Dialog, next_hop: &str) -> Option<Result<Path, Refusal>> {
        let uri = Uri::parse(next_hop).ok()?;
        let last = dialog.path;
        let policy = self.nat.in_dialog;
        let goes_by_flow = last.connection.is_some() && uri.param("ob").is_some();
        let is_distrusted = match dialog.routes.is_empty() {
            true => policy.distrusts(&uri, &last, || dialog.replaced),
            false => policy.distrusts_proxy(&uri, &last),
        };
        let is_marked = self.nat.marked_routes && is_marked(&uri);
        if !goes_by_flow && !is_distrusted && !is_marked {
            return None;
        }
        if !last.transport.is_reliable() || last.connection.is_some() {
            return Some(Ok(last));
        }
        // Its connection has ended; the peer may have come back and registered again.
        Some(self.flow_to(next_hop).unwrap_or_else(|| {
            let failed = Refusal::FlowFailed(next_hop.to_string());
            Err(failed)
        }))
    }

    /// The path of a request of the engine's own, which does not wait for a name to be looked
    /// up but goes where the peer was last heard.
    pub(super) fn dialog_path_now(&mut self, key: DialogKey) -> Option<Path> {
        let last = self.dialogs.get(key)?.path;
        match self.dialog_ways(key, None) {
            Ok(Hop::Ready(ways)) => Some(ways.first),
            _ => Some(last),
        }
    }
}

impl Dialog {
    /// The URI that the next request is sent to (§12.2.1.1).
    fn next_hop(&self) -> String {
        self.routes
            .first()
            .and_then(|route| NameAddr::parse(route.as_bytes()).ok())
            .map_or_else(|| self.target.to_string(), |route| route.uri.to_string())
    }

    /// The request-URI and Route headers (§12.2.1.1): a strict router as the first hop takes
    /// the request-URI's place, and the target comes last.
    pub(super) fn request_uri_and_routes(&self) -> (String, Vec<Box<str>>) {
        let target = self.target.to_string();
        let first = self
            .routes
            .first()
            .and_then(|route| NameAddr::parse(route.as_bytes()).ok())
            .map(|route| route.uri);
        match first {
            Some(uri) if !Uri::parse(uri).is_ok_and(|uri| uri.lr()) => {
                let mut routes: Vec<Box<str>> = self.routes.iter().skip(1).cloned().collect();
                routes.push(format!("<{target}>").into());
                (uri.to_string(), routes)
            }
            _ => (target, self.routes.to_vec()),
        }
    }

    /// The Contact of a request: needed by those that refresh the peer's target (§12.2.1.1).
    pub(super) fn contact_for(
        &self,
        method: &str,
        draft: Option<&Message>,
        face: &Face,
    ) -> Option<String> {
        if let Some(value) = draft.and_then(|draft| draft.get_str(HeaderId::Contact)) {
            return Some(compose::replace_localhost(value, face));
        }
        let refreshes = matches!(
            method,
            "INVITE" | "SUBSCRIBE" | "REFER" | "UPDATE" | "NOTIFY"
        );
        (refreshes && !self.contact.is_empty()).then(|| self.contact.to_string())
    }
}

/// Requests that mean nothing in a dialog without a call (RFC 5057 §5.1, RFC 6086 §4.2.2).
pub(super) fn is_of_call(method: Method<'_>) -> bool {
    matches!(
        method,
        Method::Invite | Method::Bye | Method::Update | Method::Prack | Method::Info
    )
}

/// True if both ways can start at the same socket.
fn is_alike(a: &Path, b: &Path) -> bool {
    a.transport == b.transport && a.peer.is_ipv4() == b.peer.is_ipv4()
}

fn invalid_method(draft: &Message) -> Refusal {
    let text = draft.text();
    let line = text.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Refusal::InvalidMethod(String::from_utf8_lossy(line).into_owned())
}
