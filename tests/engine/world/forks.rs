//! A phone that stands for a proxy which forks: its responses are those of several callees.

use super::sip::{answer, to_tag, ACK, BYE};
use super::{Heard, Node, Phone, Sent, World};

impl World {
    /// The fork with this tag answers an INVITE.
    pub fn fork_answers(&mut self, phone: Phone, invite: &Heard, code: u16, tag: &str) {
        let contact = format!("Contact: <sip:phone@{}>", phone.address);
        let text = answer(invite, code, tag, &[&contact], "");
        self.say_back(phone, invite, text);
        self.settle();
    }

    /// The fork with the tag `one` has accepted the application's INVITE, and the application has
    /// ended that call.
    pub fn first_fork_is_over(&mut self, node: Node, phone: Phone, sent: &Sent, invite: &Heard) {
        self.fork_answers(phone, invite, 200, "one");
        self.request_in(node, &sent.dialog_id(), ACK);
        self.request_in(node, &sent.dialog_id(), BYE);
        self.settle();
        self.hear_what(phone, "ACK");
        self.phone_answers(phone, "BYE", 200);
    }
}

/// The To tags of those requests that have this method, in their order.
pub fn tags(heard: &[Heard], method: &str) -> Vec<String> {
    let those = heard.iter().filter(|one| one.what() == method);
    those.map(|one| to_tag(one).to_string()).collect()
}
