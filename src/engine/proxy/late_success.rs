//! A 2xx that comes when the caller has been refused (RFC 3261 §16.7 step 5, §17.1.1.2): its
//! transaction takes none any more, so the call is acknowledged and ended here. Else the callee
//! would wait for an ACK that nobody sends, and its user would talk to nobody.

use std::time::Instant;

use bytes::Bytes;

use crate::engine::compose::Writer;
use crate::engine::limits::Claim;
use crate::engine::path::Path;
use crate::engine::random::Branch as ViaBranch;
use crate::engine::{limits, ClientKey, Engine, ProxyKey};
use crate::message::{HeaderId, Message, NameAddr};

/// What a callee is told whose answer came too late.
const TOO_LATE: &str = "SIP ;cause=487 ;text=\"Answered too late\"";

/// A call that was ended as soon as it was answered.
#[derive(Debug)]
pub(super) struct EndedCall {
    client: ClientKey,
    /// One branch may be forked again by a proxy behind this one.
    to_tag: Box<str>,
    /// Sent again whenever the 2xx is repeated.
    ack: (Bytes, Path),
}

impl Engine {
    /// Acknowledges a 2xx that the caller can't be given, and hangs up.
    pub(super) fn end_late_success(
        &mut self,
        now: Instant,
        key: ProxyKey,
        client: ClientKey,
        response: &Message,
    ) {
        let to_tag = response.to_tag().unwrap_or_default();
        let Some(proxy) = self.proxies.get(key) else {
            return;
        };
        let is_known = |call: &&EndedCall| call.client == client && *call.to_tag == *to_tag;
        if let Some(known) = proxy.ended_calls.iter().find(is_known) {
            let (ack, path) = known.ack.clone();
            self.counters.retransmissions += 1;
            self.transmit(path, ack, None);
            return;
        }
        if proxy.ended_calls.len() >= limits::MAX_FORKS {
            return;
        }
        let bye_branch = self.random.branch();
        let Some((ack, bye)) = self.acknowledge_and_hang_up(client, response, bye_branch) else {
            return;
        };
        let Some(path) = self.clients.get(client).map(|transaction| transaction.path) else {
            return;
        };
        self.record_late_answer(now, response, &bye);
        self.transmit(path, ack.clone(), None);
        if self.check_client_room(Claim::Established).is_ok() {
            self.open_engine_transaction(now, path, bye_branch, &bye);
        }
        if let Some(proxy) = self.proxies.get_mut(key) {
            proxy.ended_calls.push(EndedCall {
                client,
                to_tag: to_tag.into(),
                ack: (ack, path),
            });
        }
    }

    /// The ACK and the BYE in the caller's name. They go where the INVITE went: whoever is there
    /// is the callee, or a proxy that knows the way to it.
    fn acknowledge_and_hang_up(
        &mut self,
        client: ClientKey,
        response: &Message,
        bye_branch: ViaBranch,
    ) -> Option<(Bytes, Message)> {
        let ack_branch = self.random.branch();
        let transaction = self.clients.get(client)?;
        let invite = transaction.request.as_ref()?;
        let cseq = invite.cseq().ok()?.number;
        let target = response.target().or(invite.request_uri())?;
        let routes = routes_behind_us(invite, response);
        let write = |method: &str, number: u32, branch| {
            let mut writer = Writer::request(method, target);
            writer.header(HeaderId::Via, self.listeners.via(&transaction.path, branch));
            for route in &routes {
                writer.header(HeaderId::Route, route);
            }
            writer.header(HeaderId::MaxForwards, "70");
            writer.copy(HeaderId::From, response);
            writer.copy(HeaderId::To, response);
            writer.copy(HeaderId::CallId, response);
            writer.header(HeaderId::CSeq, format!("{number} {method}"));
            // §13.2.2.4 asks for the credentials of the INVITE.
            writer.copy(HeaderId::Authorization, invite);
            writer.copy(HeaderId::ProxyAuthorization, invite);
            writer
        };
        let ack = write("ACK", cseq, ack_branch).finish(&[]);
        let mut bye = write("BYE", cseq.wrapping_add(1), bye_branch);
        bye.header(HeaderId::Reason, TOO_LATE);
        Some((ack, Message::parse(bye.finish(&[])).ok()?))
    }
}

/// The routes that proxies behind this one have recorded, in the order of the way there.
fn routes_behind_us<'a>(invite: &Message, response: &'a Message) -> Vec<&'a [u8]> {
    let before = invite.values(HeaderId::RecordRoute).count();
    let recorded: Vec<&[u8]> = response.values(HeaderId::RecordRoute).collect();
    let behind = recorded.len().saturating_sub(before);
    let routes = recorded.into_iter().take(behind).rev();
    routes
        .filter(|route| NameAddr::parse(route).is_ok())
        .take(limits::MAX_ROUTES)
        .collect()
}
