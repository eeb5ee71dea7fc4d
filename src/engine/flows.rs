//! The way to clients that can't be connected to: over the connection they opened, or through
//! the translator they sit behind (RFC 5626).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::event::Refusal;
use super::flow_token::{Flow, Forged};
use super::nat::{self, name_of};
use super::path::Path;
use super::registrations::{Found, Registration, RegistrationKey};
use super::timers::TimerOwner;
use super::{limits, Engine, ServerKey};
use crate::message::{HeaderId, Message, Method, NameAddr, Uri};

/// The lifetime of a registration that nobody has said anything about, in seconds (RFC 3261
/// §10.2.1.1 leaves it to the registrar).
const DEFAULT_EXPIRES: u32 = 3600;

impl Engine {
    /// The way over a flow, if the URI names one; an error if the flow is not there any more.
    pub(super) fn flow_to(&self, uri: &str) -> Option<Result<Path, Refusal>> {
        self.flow_named_by(&Uri::parse(uri).ok()?)
    }

    /// The same for one that has been parsed.
    pub(super) fn flow_named_by(&self, uri: &Uri<'_>) -> Option<Result<Path, Refusal>> {
        let failed = || Refusal::FlowFailed(uri.text.to_string());
        if let Some(token) = self.flow_of_token(uri) {
            let path = token.ok().and_then(|flow| self.path_of(flow));
            return Some(path.ok_or_else(failed));
        }
        if let Some(flow) = self.flow_of_address(uri) {
            return Some(flow.ok_or_else(failed));
        }
        let may_be_registered = self.registrations.len() > 0;
        let name = may_be_registered.then(|| name_of(uri)).flatten();
        match name.map_or(Found::Nobody, |name| self.registrations.find(&name)) {
            Found::One(path) => Some(Ok(path)),
            Found::Several => Some(Err(Refusal::AmbiguousContact(uri.text.to_string()))),
            Found::Nobody if nat::has_invalid_host(uri) => Some(Err(failed())),
            Found::Nobody => None,
        }
    }

    /// `sip:address:port;transport=tcp;ob`: the connection with that peer and no new one.
    fn flow_of_address(&self, uri: &Uri<'_>) -> Option<Option<Path>> {
        if uri.user.is_some() || uri.param("ob").is_none() {
            return None;
        }
        let transport = super::Transport::from_name(uri.transport()?)?;
        let peer = SocketAddr::new(uri.host.ip()?, uri.port?);
        if !transport.is_reliable() {
            return None; // A datagram needs nothing that could have gone.
        }
        Some(self.connections.path_to(transport, peer))
    }

    /// The flow that a URI of ours names by its user part.
    pub(super) fn flow_of_token(&self, uri: &Uri<'_>) -> Option<Result<Flow, Forged>> {
        let token = self.flow_tokens.read(uri.user?)?;
        self.listeners.owns(uri).then_some(token)
    }

    /// The way of a flow, unless it has died.
    pub(super) fn path_of(&self, flow: Flow) -> Option<Path> {
        match flow {
            Flow::Connection(id) => self.connections.path(id),
            Flow::Datagram { local, peer } => Some(Path {
                transport: super::Transport::Udp,
                local,
                peer,
                connection: None,
                server: None,
            }),
        }
    }

    /// The token for the way that a request came, if only that way leads back to its sender.
    pub(super) fn token_for(&self, request: &Message, path: &Path) -> Option<String> {
        if !nat::is_direct(request) {
            return None;
        }
        let contact = request.contact().ok()??;
        let uri = contact.parse_uri().ok()?;
        let replaced = || nat::replaced_address(request, path);
        let is_register = request.method() == Some(Method::Register);
        let needs_flow = self.nat.in_dialog.distrusts(&uri, path, replaced)
            || (path.connection.is_some() && (is_register || uri.param("ob").is_some()));
        needs_flow.then(|| self.flow_tokens.write(flow_of(path)))
    }

    /// How something came, with the peer's address as the socket saw it: over a connection the
    /// way of a response names the port that the peer listens on.
    pub(super) fn heard_path(&self, path: Path) -> Path {
        let live = path.connection.and_then(|id| self.connections.path(id));
        live.unwrap_or(path)
    }

    /// A REGISTER is granted: notes where its Contacts are, if they can't be reached otherwise.
    pub(super) fn note_registrations(&mut self, now: Instant, key: ServerKey, granted: &[u8]) {
        if !self.nat.registrations {
            return;
        }
        let Some(transaction) = self.servers.get(key) else {
            return;
        };
        let path = self.heard_path(transaction.reply_path);
        let Some(open) = transaction.open.as_deref() else {
            return;
        };
        let (Some(app), request) = (open.owner, open.request.clone()) else {
            return;
        };
        let granted = Message::parse(bytes::Bytes::copy_from_slice(granted));
        let (Ok(granted), Some(aor), true) =
            (granted, record_of(&request), nat::is_direct(&request))
        else {
            return;
        };
        if request.get(HeaderId::Contact) == Some(b"*") {
            self.registrations.remove_all_of(&aor);
        }
        for value in request.values(HeaderId::Contact) {
            let Ok(contact) = NameAddr::parse(value) else {
                continue;
            };
            let Ok(uri) = contact.parse_uri() else {
                continue;
            };
            let Some(name) = name_of(&uri).filter(|_| self.is_bound_to(&uri, &path, &request))
            else {
                continue;
            };
            let id: RegistrationKey = (name.into(), aor.as_str().into());
            let seconds = lifetime(&contact, &request, &granted);
            if seconds == 0 {
                self.registrations.remove(&id);
                continue;
            }
            let room = path.connection.is_none_or(|connection| {
                self.registrations.count(connection) < limits::MAX_CONNECTION_REGISTRATIONS
            });
            if room {
                let entry = Registration {
                    app,
                    contact: contact.uri.into(),
                    path,
                    expires: now + Duration::from_secs(seconds.into()),
                };
                let limit = self.limits.registrations;
                self.registrations.insert(id, entry, limit);
            }
        }
        self.reschedule_registrations();
    }

    /// True for a Contact that means the sender of the REGISTER and can't be mistaken for
    /// somebody else: a client that registers the address of a gateway must not get its calls.
    fn is_bound_to(&self, uri: &Uri<'_>, path: &Path, request: &Message) -> bool {
        if nat::has_invalid_host(uri) {
            return path.connection.is_some();
        }
        let Some(host) = uri.host.ip() else {
            return false;
        };
        if host == path.peer.ip() {
            return path.connection.is_some();
        }
        let replaced = || nat::replaced_address(request, path);
        let hides = super::InDialog::Auto.distrusts(uri, path, replaced);
        hides && super::is_private(host) && !self.listeners.is_neighbour(host)
    }

    pub(super) fn registrations_timeout(&mut self, now: Instant) {
        self.registrations.lapse(now);
        self.reschedule_registrations();
    }

    pub(super) fn reschedule_registrations(&mut self) {
        let deadline = self.registrations.deadline();
        let slot = &mut self.registrations.slot;
        self.timers
            .schedule(TimerOwner::Registrations, slot, deadline);
    }
}

/// What a token must name to lead back the way something came.
pub(super) fn flow_of(path: &Path) -> Flow {
    match path.connection {
        Some(connection) => Flow::Connection(connection),
        None => Flow::Datagram {
            local: path.local,
            peer: path.peer,
        },
    }
}

/// The address of record of a REGISTER (RFC 3261 §10.2).
fn record_of(register: &Message) -> Option<String> {
    let to = register.to().ok()?;
    let uri = to.parse_uri().ok()?;
    Some(name_of(&uri).unwrap_or_else(|| to.uri.to_ascii_lowercase()))
}

/// For how many seconds a Contact is registered (RFC 3261 §10.2.1.1, §10.3 step 8): what the
/// registrar says of it, else what the client has asked for.
fn lifetime(contact: &NameAddr<'_>, request: &Message, granted: &Message) -> u32 {
    let seconds = |contact: &NameAddr<'_>| contact.param("expires")??.parse::<u32>().ok();
    let same = granted
        .values(HeaderId::Contact)
        .filter_map(|value| NameAddr::parse(value).ok())
        .find(|other| other.uri == contact.uri);
    let asked = || seconds(contact).or_else(|| request.expires());
    match same {
        Some(same) => seconds(&same).or_else(|| granted.expires()),
        // It is not listed, or nothing is: a Contact that was taken off stays off.
        None => asked()
            .filter(|asked| *asked == 0)
            .or_else(|| granted.expires()),
    }
    .or_else(asked)
    .unwrap_or(DEFAULT_EXPIRES)
}
