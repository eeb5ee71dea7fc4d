//! A call that the application has not answered yet, and provisional responses that its caller
//! acknowledges (RFC 3262).

use drachtio::engine::TransactionId;

use super::{rseq, Heard, Node, Phone, Ua, World};

/// An INVITE that is the application's to answer; its caller has heard the 100.
pub struct EarlyCall {
    /// Whose application is the callee.
    pub node: Node,
    /// The caller's phone.
    pub phone: Phone,
    /// The caller's side of it.
    pub alice: Ua,
    /// What the application names the INVITE by.
    pub id: TransactionId,
}

impl World {
    /// A phone at 10.0.0.9 calls a node at 10.0.0.1, with these header lines and a body.
    pub fn early_call(&mut self, headers: &[&str], body: &str) -> EarlyCall {
        let (node, phone, alice, id) = self.inbound_with("INVITE", headers, body);
        self.hear_what(phone, "100");
        EarlyCall {
            node,
            phone,
            alice,
            id,
        }
    }
}

impl EarlyCall {
    /// The application answers with this 183, which the phone hears next.
    pub fn progresses(&self, world: &mut World, text: &str) -> Heard {
        world.respond(self.node, self.id, text);
        world.settle();
        world.hear_what(self.phone, "183")
    }

    /// The phone acknowledges a provisional response.
    pub fn prack(&mut self, world: &mut World, response: &Heard) {
        self.prack_with(world, response, &[], "");
    }

    /// The same with more header lines and a body.
    pub fn prack_with(
        &mut self,
        world: &mut World,
        response: &Heard,
        headers: &[&str],
        body: &str,
    ) {
        let rack = format!("RAck: {} 1 INVITE", rseq(response));
        let headers = [headers, &[&rack]].concat();
        self.alice.answered(response);
        let (phone, node) = (self.phone, self.node);
        world.phone_asks_with(phone, node, &mut self.alice, "PRACK", &headers, body);
    }

    /// The call is up: it is acknowledged, and ended.
    pub fn end(mut self, world: &mut World, ok: &Heard) {
        self.alice.answered(ok);
        // The ACK has the number of its INVITE, the BYE the next one (§13.2.2.4).
        let next = std::mem::replace(&mut self.alice.cseq, 1);
        world.phone_acknowledges(self.phone, self.node, &mut self.alice);
        self.alice.cseq = next;
        world.told(self.node);
        world.phone_hangs_up(self.phone, self.node, &mut self.alice);
    }
}
