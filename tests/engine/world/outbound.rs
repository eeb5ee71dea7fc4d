//! A request that a node's application has sent to a phone, which has heard it and is to answer.

use super::{Heard, Node, Phone, Sent, World};

impl World {
    /// A node at 10.0.0.1 has sent a request of this method to a phone at 10.0.0.9: as the
    /// application knows it, and as the phone has heard it.
    pub fn outbound(&mut self, method: &str) -> (Node, Phone, Sent, Heard) {
        self.outbound_with(method, "")
    }

    /// The same with more in the draft: whole header lines, and a body behind an empty one.
    pub fn outbound_with(&mut self, method: &str, rest: &str) -> (Node, Phone, Sent, Heard) {
        let (node, phone) = self.node_and_phone();
        let draft = format!("{method} sip:phone@10.0.0.9 SIP/2.0\r\n{rest}");
        let sent = self.request(node, &draft);
        self.settle();
        let heard = self.hear_what(phone, method);
        (node, phone, sent, heard)
    }
}
