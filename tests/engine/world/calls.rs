//! Calls between a phone and a node that tests begin with.

use drachtio::engine::DialogId;

use super::sip::{answer, ACK, OK};
use super::{Node, Phone, Ua, World};

impl World {
    /// The phone calls the node, whose application answers: the caller's side and the dialog.
    pub fn call_in(&mut self, phone: Phone, node: Node) -> (Ua, DialogId) {
        let mut caller = self.ua(phone, &format!("sip:bob@{}", node.address));
        let invite = caller.request("INVITE");
        self.say(phone, node, invite);
        self.settle();
        let id = self.next_told(node).id();
        let dialog = self.respond(node, id, OK).dialog_id();
        self.settle();
        self.hear_what(phone, "100");
        let ok = self.hear_what(phone, "200");
        caller.answered(&ok);
        let ack = caller.ack();
        self.say(phone, node, ack);
        self.settle();
        assert_eq!(self.told_what(node), ["ACK"]);
        (caller, dialog)
    }

    /// The node's application calls the phone, which answers: the callee's side and the dialog.
    pub fn call_out(&mut self, node: Node, phone: Phone) -> (Ua, DialogId) {
        let transport = phone.transport;
        let uri = format!("sip:phone@{};transport={transport}", phone.address);
        let dialog = self
            .request(node, &format!("INVITE {uri} SIP/2.0\r\n"))
            .dialog_id();
        self.settle();
        let invite = self.hear_what(phone, "INVITE");
        let callee = Ua::called(phone, &invite, "callee");
        let contact = callee.contact_line();
        self.say_back(
            phone,
            &invite,
            answer(&invite, 200, "callee", &[&contact], ""),
        );
        self.settle();
        assert_eq!(self.told_what(node), ["200"]);
        self.request_in(node, &dialog, ACK);
        self.settle();
        self.hear_what(phone, "ACK");
        (callee, dialog)
    }

    /// The phone hangs up, and the application agrees.
    pub fn phone_hangs_up(&mut self, phone: Phone, node: Node, ua: &mut Ua) {
        let bye = ua.request("BYE");
        self.say(phone, node, bye);
        self.settle();
        let bye = self.next_told(node);
        assert_eq!(bye.what(), "BYE");
        self.respond(node, bye.id(), OK);
        self.settle();
        self.hear_what(phone, "200");
    }
}
