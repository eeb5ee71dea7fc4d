//! What the two sides of a call do in it, each step until everybody has heard of it.

use drachtio::engine::DialogId;

use super::sip::{draft, BYE, OK};
use super::{Heard, Node, Phone, Told, Ua, World};

impl World {
    /// The phone sends its next request, which is returned as sent.
    pub fn phone_asks(&mut self, phone: Phone, node: Node, ua: &mut Ua, method: &str) -> String {
        self.phone_asks_with(phone, node, ua, method, &[], "")
    }

    /// The same with more header lines and a body.
    pub fn phone_asks_with(
        &mut self,
        phone: Phone,
        node: Node,
        ua: &mut Ua,
        method: &str,
        headers: &[&str],
        body: &str,
    ) -> String {
        let request = ua.request_with(method, headers, body);
        self.say(phone, node, &request);
        self.settle();
        request
    }

    /// The next thing that the phone hears must be this request, which it answers.
    pub fn phone_answers(&mut self, phone: Phone, method: &str, code: u16) -> Heard {
        let request = self.hear_what(phone, method);
        self.answer(phone, &request, code);
        request
    }

    /// The phone hears that its INVITE is being tried and then that it is answered.
    pub fn phone_is_answered(&mut self, phone: Phone, ua: &mut Ua) -> Heard {
        self.settle();
        self.hear_what(phone, "100");
        let ok = self.hear_what(phone, "200");
        ua.answered(&ok);
        ok
    }

    /// The phone acknowledges the 2xx to its last INVITE.
    pub fn phone_acknowledges(&mut self, phone: Phone, node: Node, ua: &mut Ua) {
        let ack = ua.ack();
        self.say(phone, node, ack);
        self.settle();
    }

    /// The phone hangs up, and the application agrees.
    pub fn phone_hangs_up(&mut self, phone: Phone, node: Node, ua: &mut Ua) {
        self.phone_asks(phone, node, ua, "BYE");
        assert_eq!(self.app_accepts(node).what(), "BYE");
        self.hear_what(phone, "200");
    }

    /// The application sends a request in the dialog, which the phone hears next.
    pub fn app_asks(&mut self, node: Node, phone: Phone, dialog: &DialogId, text: &str) -> Heard {
        self.request_in(node, dialog, text);
        self.settle();
        let method = draft(text).method().unwrap().as_str().to_string();
        self.hear_what(phone, &method)
    }

    /// The application answers the next request that it was told of with 200.
    pub fn app_accepts(&mut self, node: Node) -> Told {
        let told = self.next_told(node);
        self.respond(node, told.id(), OK);
        self.settle();
        told
    }

    /// The application hangs up, and the phone agrees.
    pub fn app_hangs_up(&mut self, node: Node, phone: Phone, dialog: &DialogId) {
        let bye = self.app_asks(node, phone, dialog, BYE);
        self.answer(phone, &bye, 200);
    }
}
