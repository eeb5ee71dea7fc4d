//! Requests that are forwarded without anything being kept of them (RFC 3261 §16.11): a request
//! that is repeated is forwarded again, to the same place and with the same branch, and responses
//! find their way by the Via below ours.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use ring::hmac;

use super::forward::Onward;
use super::loops::max_breadth;
use super::response::without_our_via;
use super::{ProxyPlan, ProxyTarget};
use crate::engine::event::{Meta, Refusal};
use crate::engine::path::Path;
use crate::engine::random::Branch;
use crate::engine::receive::reply_path;
use crate::engine::sips::is_sips;
use crate::engine::target::{Destination, Hop};
use crate::engine::{Engine, Parked, ServerKey};
use crate::message::{HeaderId, Host, Message, Method, Via};

/// Makes the branches of such requests. They are no secret, but nobody else can make one, so that
/// only responses to what was sent from here are sent on.
#[derive(Debug)]
pub(crate) struct StatelessBranches(hmac::Key);

/// A request that goes on without a trace.
#[derive(Debug)]
pub(crate) struct Stateless {
    request: Message,
    incoming: Path,
    /// Where it goes.
    hop: String,
    /// How the application wants it; `None` inside a dialog, where it goes along its route.
    wish: Option<(ProxyTarget, Box<ProxyPlan>)>,
}

impl StatelessBranches {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> StatelessBranches {
        let seed = hmac::Key::new(hmac::HMAC_SHA256, seed);
        let derived = hmac::sign(&seed, b"stateless branches");
        StatelessBranches(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The branch of a message with this Via on top, that of the request or, in a response, that
    /// below ours. It is the same for a request, its repetitions, its CANCEL and the ACK to its
    /// failure, and names the listener that the request has come to.
    fn branch(&self, via: &Via<'_>, message: &Message, listener: u8) -> Option<Branch> {
        let cseq = message.cseq().ok()?.number.to_be_bytes();
        let port = via.port.unwrap_or_default().to_be_bytes();
        let host = via.host.to_ascii_lowercase();
        let parts: [&[u8]; 6] = [
            via.branch().unwrap_or_default().as_bytes(),
            host.as_bytes(),
            &port,
            message.call_id().ok()?.as_bytes(),
            message.from_tag().unwrap_or_default().as_bytes(),
            &cseq,
        ];
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        context.update(&[listener]);
        let tag = context.sign();
        let digits = tag.as_ref().iter().take(Branch::MARK_BYTES);
        let mark = digits.fold(0, |mark, byte| (mark << 8) | u128::from(*byte));
        Some(Branch::marked(mark, listener))
    }
}

impl Engine {
    /// An application has a request forwarded without state. False if it has to be with state,
    /// because the caller has been told by a 100 that it need not repeat the request.
    pub(super) fn forward_statelessly(
        &mut self,
        now: Instant,
        server: ServerKey,
        plan: &ProxyPlan,
    ) -> Result<bool, Refusal> {
        let Some(transaction) = self.servers.get(server) else {
            return Ok(true);
        };
        let (incoming, is_promised) = (
            transaction.reply_path,
            transaction.last_response.is_some() && !transaction.reply_path.transport.is_reliable(),
        );
        let Some(request) = transaction.open.as_deref().map(|open| open.request.clone()) else {
            return Ok(true);
        };
        if request.method() == Some(Method::Invite) && !self.stateless {
            return Err(Refusal::NotStateless);
        }
        let mut targets = plan.groups.iter().flatten();
        let (Some(target), None) = (targets.next(), targets.next()) else {
            return Err(Refusal::LimitReached("destinations without state", 1));
        };
        if is_promised {
            return Ok(false);
        }
        let hop = self.hop_for(&request, &incoming, plan, target);
        let wish = (target.clone(), Box::new(plan.clone()));
        let stateless = Stateless {
            request,
            incoming,
            hop,
            wish: Some(wish),
        };
        if self.send_stateless(stateless, None) {
            self.remove_server(server);
            Ok(true)
        } else {
            self.respond_plainly(now, server, 500);
            Err(Refusal::NoBranch)
        }
    }

    /// A request of a dialog whose route was recorded without state goes on in the same way. It
    /// has a transaction since it was received, which ends here.
    pub(in crate::engine) fn pass_statelessly(&mut self, now: Instant, server: ServerKey) {
        let Some(transaction) = self.servers.get(server) else {
            return;
        };
        let incoming = transaction.reply_path;
        let Some(request) = transaction.open.as_deref().map(|open| open.request.clone()) else {
            return;
        };
        let hop = self.next_hop_after_us(&request, &incoming);
        let is_sent = hop.is_some_and(|hop| {
            let stateless = Stateless {
                request,
                incoming,
                hop,
                wish: None,
            };
            self.send_stateless(stateless, None)
        });
        match is_sent {
            true => self.remove_server(server),
            false => self.respond_plainly(now, server, 500),
        }
    }

    /// The same of an ACK, which never has a transaction of its own.
    pub(super) fn pass_ack_statelessly(&mut self, incoming: Path, ack: &Message, hop: String) {
        let stateless = Stateless {
            request: ack.clone(),
            incoming,
            hop,
            wish: None,
        };
        self.send_stateless(stateless, None);
    }

    /// The name of the next hop has been looked up. If it leads nowhere the sender is told so,
    /// without a transaction.
    pub(in crate::engine) fn stateless_resolved(
        &mut self,
        now: Instant,
        stateless: Stateless,
        destinations: &[Destination],
    ) {
        let (incoming, request) = (stateless.incoming, stateless.request.clone());
        let is_sent = self.send_stateless(stateless, Some(destinations));
        if !is_sent && request.method() != Some(Method::Ack) {
            self.refuse_statelessly(now, incoming, &request, 500, &[], &[]);
        }
    }

    /// Sends the request, or asks for the addresses of the next hop first; false if it can't be.
    fn send_stateless(&mut self, stateless: Stateless, resolved: Option<&[Destination]>) -> bool {
        let listener = self.listeners.number_of(&stateless.incoming);
        let branch = listener.and_then(|listener| {
            let via = stateless.request.top_via().ok()?;
            self.stateless_branches
                .branch(&via, &stateless.request, listener)
        });
        let Some(branch) = branch else {
            return false;
        };
        let request_uri = match &stateless.wish {
            Some((target, _)) => &target.uri,
            None => stateless.request.request_uri().unwrap_or_default(),
        };
        match self.ways_to(&stateless.hop, is_sips(request_uri), resolved) {
            Ok(Hop::Ready(ways)) => {
                let text = self.stateless_text(&stateless, &ways.first, branch);
                let is_sound = text
                    .as_ref()
                    .is_some_and(|message| message.validate().is_ok());
                if let (Some(message), true) = (text, is_sound) {
                    self.transmit(ways.first, message.text().clone(), None);
                    return true;
                }
                false
            }
            Ok(Hop::Named(name)) => {
                let parked = Parked::Stateless(Box::new(stateless));
                // The same draw among the servers of a name each time (§16.11).
                self.look_up_by(name, parked, branch.mark()).is_ok()
            }
            Err(_) => false,
        }
    }

    fn stateless_text(
        &self,
        stateless: &Stateless,
        path: &Path,
        branch: Branch,
    ) -> Option<Message> {
        let Stateless {
            request, incoming, ..
        } = stateless;
        let onward = |breadth| Onward {
            path,
            branch,
            breadth,
        };
        let edit = match &stateless.wish {
            Some((target, plan)) => {
                let onward = onward(Some(max_breadth(request)));
                self.forward_as_asked(request, target, plan, incoming, onward)
            }
            None => self.forward_in_dialog(request, None, onward(None)),
        };
        edit?.finish_message()
    }

    /// A response that belongs to no transaction: if it answers what was forwarded without state,
    /// it goes to where the Via below ours says (§16.11, §18.2.2).
    pub(in crate::engine) fn return_statelessly(&mut self, response: &Message) {
        let Some((path, text)) = self.stateless_return(response) else {
            return;
        };
        self.transmit(path, text, None);
    }

    fn stateless_return(&self, response: &Message) -> Option<(Path, bytes::Bytes)> {
        let ours = response.top_via().ok()?;
        let branch = Branch::from_text(ours.branch()?)?;
        let via = Via::parse(response.values(HeaderId::Via).nth(1)?).ok()?;
        let listener = branch.listener();
        if self.stateless_branches.branch(&via, response, listener)? != branch {
            return None;
        }
        let (transport, local) = self.listeners.numbered(listener)?;
        let host: Option<IpAddr> = via.received().and_then(|address| address.parse().ok());
        let host = host.or_else(|| Host::parse(via.host).ok()?.ip())?;
        let port = via.rport().flatten().or(via.port);
        let peer = SocketAddr::new(host, port.unwrap_or(transport.default_port()));
        let live = self.connections.path_to(transport, peer);
        let heard = Path {
            transport,
            local,
            peer,
            connection: live.and_then(|live| live.connection),
            server: None,
        };
        Some((reply_path(&via, heard), without_our_via(response)?))
    }

    /// An ACK or CANCEL that belongs to no transaction: where the request that it is about has
    /// gone is for the application to say, as it has said it of that request.
    pub(in crate::engine) fn receive_stray(&mut self, now: Instant, path: Path, key: ServerKey) {
        let answer_by = now + self.timers_config.application;
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let id = transaction.id;
        let Some(open) = transaction.open.as_deref_mut() else {
            return;
        };
        open.answer_by = Some(answer_by);
        let request = open.request.clone();
        self.reschedule_server(key);
        let meta = Meta::received(path, &request, now);
        self.deliver(None, Some(id), None, meta, request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str =
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP Host:5080;branch=z9hG4bK1\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\n\r\n";

    fn branch(seed: u8, text: &str, listener: u8) -> Branch {
        let message = Message::parse(text.as_bytes().to_vec().into()).unwrap();
        let via = message.top_via().unwrap();
        let branches = StatelessBranches::from_seed(&[seed; 32]);
        branches.branch(&via, &message, listener).unwrap()
    }

    #[test]
    fn the_same_transaction_has_the_same_branch_whatever_else_is_said() {
        let first = branch(1, REQUEST, 3);
        assert_eq!(first.listener(), 3);
        let mut text = String::new();
        first.write(&mut text);
        assert_eq!(Branch::from_text(&text), Some(first));
        for (from, to) in [
            ("Host:5080", "hOST:5080"),
            ("7 OPTIONS", "7 CANCEL"),
            (
                ";branch=z9hG4bK1",
                ";branch=z9hG4bK1;received=10.0.0.1;rport=9",
            ),
            ("To: <sip:a@b>", "To: <sip:a@b>;tag=2"),
            ("OPTIONS sip:a@b", "OPTIONS sip:c@d"),
        ] {
            assert_eq!(branch(1, &REQUEST.replacen(from, to, 1), 3), first, "{to}");
        }
    }

    #[test]
    fn another_transaction_listener_or_engine_has_another() {
        let first = branch(1, REQUEST, 3);
        for (from, to) in [
            ("Host:5080", "host:5081"),
            ("7 OPTIONS", "8 OPTIONS"),
            ("z9hG4bK1", "z9hG4bK2"),
            ("tag=1", "tag=2"),
            ("Call-ID: c", "Call-ID: d"),
        ] {
            assert_ne!(branch(1, &REQUEST.replacen(from, to, 1), 3), first, "{to}");
        }
        assert_ne!(branch(1, REQUEST, 4), first);
        assert_ne!(branch(2, REQUEST, 3), first);
    }
}
