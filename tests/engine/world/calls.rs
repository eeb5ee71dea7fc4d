//! Calls between a phone and a node that tests begin with.

use drachtio::engine::DialogId;

use super::sip::{answer, ACK, OK};
use super::{Node, Phone, Ua, World};

impl World {
    /// A node at 10.0.0.1 and a phone at 10.0.0.9, which have nothing to do with each other yet.
    pub fn node_and_phone(&mut self) -> (Node, Phone) {
        let node = self.node("10.0.0.1:5060");
        (node, self.phone("10.0.0.9:5060"))
    }

    /// A phone at 10.0.0.9 has called a node at 10.0.0.1, whose application has answered: the
    /// caller's side and the dialog.
    pub fn inbound_call(&mut self) -> (Node, Phone, Ua, DialogId) {
        let (node, phone) = self.node_and_phone();
        let (caller, dialog) = self.call_in(phone, node);
        (node, phone, caller, dialog)
    }

    /// The application of a node at 10.0.0.1 has called a phone at 10.0.0.9, which has answered:
    /// the callee's side and the dialog.
    pub fn outbound_call(&mut self) -> (Node, Phone, Ua, DialogId) {
        let (node, phone) = self.node_and_phone();
        let (callee, dialog) = self.call_out(node, phone);
        (node, phone, callee, dialog)
    }

    /// The phone calls the node, whose application answers: the caller's side and the dialog.
    pub fn call_in(&mut self, phone: Phone, node: Node) -> (Ua, DialogId) {
        self.call_in_with(phone, node, |caller| caller.request("INVITE"))
    }

    /// The same with an INVITE of another kind.
    pub fn call_in_with(
        &mut self,
        phone: Phone,
        node: Node,
        invite: impl FnOnce(&mut Ua) -> String,
    ) -> (Ua, DialogId) {
        let mut caller = self.ua(phone, &format!("sip:bob@{}", node.address));
        let invite = invite(&mut caller);
        self.say(phone, node, invite);
        self.settle();
        let id = self.next_told(node).id();
        let dialog = self.respond(node, id, OK).dialog_id();
        self.phone_is_answered(phone, &mut caller);
        self.phone_acknowledges(phone, node, &mut caller);
        assert_eq!(self.told_what(node), ["ACK"]);
        (caller, dialog)
    }

    /// The node's application calls the phone, which answers: the callee's side and the dialog.
    pub fn call_out(&mut self, node: Node, phone: Phone) -> (Ua, DialogId) {
        let transport = phone.transport;
        let uri = format!("sip:phone@{};transport={transport}", phone.address);
        let contact = self.ua(phone, "").contact();
        self.call_out_with(node, phone, &uri, &contact)
    }

    /// The same with another URI for the phone, and a Contact of its own.
    pub fn call_out_with(
        &mut self,
        node: Node,
        phone: Phone,
        uri: &str,
        contact: &str,
    ) -> (Ua, DialogId) {
        let sent = self.request(node, &format!("INVITE {uri} SIP/2.0\r\n"));
        self.settle();
        let invite = self.hear_what(phone, "INVITE");
        let callee = Ua::called(phone, &invite, "callee");
        let contact = format!("Contact: <{contact}>");
        let ok = answer(&invite, 200, "callee", &[&contact], "");
        self.say_back(phone, &invite, ok);
        self.settle();
        assert_eq!(self.told_what(node), ["200"]);
        let dialog = sent.dialog_id();
        self.app_asks(node, phone, &dialog, ACK);
        (callee, dialog)
    }
}
