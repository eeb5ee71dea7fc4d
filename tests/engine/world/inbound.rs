//! A request that a phone has sent to a node, whose application has been told of it and is to answer.

use drachtio::engine::TransactionId;

use super::{Node, Phone, Ua, World};

impl World {
    /// A phone at 10.0.0.9 has sent a request of this method to a node at 10.0.0.1: the caller's
    /// side of it, and what the application names it by.
    pub fn inbound(&mut self, method: &str) -> (Node, Phone, Ua, TransactionId) {
        self.inbound_with(method, &[], "")
    }

    /// The same with more header lines and a body.
    pub fn inbound_with(
        &mut self,
        method: &str,
        headers: &[&str],
        body: &str,
    ) -> (Node, Phone, Ua, TransactionId) {
        let (node, phone) = self.node_and_phone();
        let (ua, id) = self.inbound_from_with(phone, node, method, headers, body);
        (node, phone, ua, id)
    }

    /// This phone has sent a request of this method to this node.
    pub fn inbound_from(&mut self, phone: Phone, node: Node, method: &str) -> (Ua, TransactionId) {
        self.inbound_from_with(phone, node, method, &[], "")
    }

    fn inbound_from_with(
        &mut self,
        phone: Phone,
        node: Node,
        method: &str,
        headers: &[&str],
        body: &str,
    ) -> (Ua, TransactionId) {
        let mut ua = self.ua(phone, &format!("sip:bob@{}", node.address.ip()));
        let request = ua.request_with(method, headers, body);
        self.say(phone, node, request);
        self.settle();
        (ua, self.next_told(node).id())
    }
}
