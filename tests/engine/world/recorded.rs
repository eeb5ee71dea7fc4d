//! A call between two phones through a node that has recorded its route.

use super::sip::answer;
use super::{plan, Heard, Node, Phone, Ua, World};

/// A call that is up; the caller has acknowledged the 200.
pub struct RecordedCall {
    /// The proxy.
    pub node: Node,
    /// The caller's side, at 10.0.0.8.
    pub alice: Party,
    /// The callee's side, at 10.0.0.9.
    pub bob: Party,
}

/// One side of it.
pub struct Party {
    /// Where it is.
    pub phone: Phone,
    /// What it knows of the dialog.
    pub ua: Ua,
}

impl Party {
    /// Sends its next request to the proxy.
    pub fn asks(&mut self, world: &mut World, node: Node, method: &str) -> String {
        let request = self.ua.request(method);
        world.say(self.phone, node, &request);
        world.settle();
        request
    }

    /// Answers what it has heard.
    pub fn answers(&self, world: &mut World, request: &Heard, code: u16) {
        let contact = self.ua.contact_line();
        let text = answer(request, code, "b", &[&contact], "");
        world.say_back(self.phone, request, text);
        world.settle();
    }

    /// What it hears next must be this request or status.
    pub fn hears(&self, world: &mut World, what: &str) -> Heard {
        world.hear_what(self.phone, what)
    }
}

impl RecordedCall {
    /// A request of the caller's reaches the callee, who accepts it, and so the caller hears.
    pub fn passes(&self, world: &mut World, method: &str) {
        let request = self.bob.hears(world, method);
        self.bob.answers(world, &request, 200);
        self.alice.hears(world, "200");
    }
}

impl World {
    /// A call by UDP through a proxy at 10.0.0.1.
    pub fn recorded_call(&mut self) -> RecordedCall {
        let node = self.node("10.0.0.1:5060");
        self.recorded_call_through(node)
    }

    /// The same through this proxy.
    pub fn recorded_call_through(&mut self, node: Node) -> RecordedCall {
        let mut call = self.recorded_invite(node);
        let invite = call.bob.hears(self, "INVITE");
        call.bob.ua = Ua::called(call.bob.phone, &invite, "b");
        call.bob.answers(self, &invite, 200);
        call.alice.hears(self, "100");
        let ok = call.alice.hears(self, "200");
        call.alice.ua.answered(&ok);
        let ack = call.alice.ua.ack();
        self.say(call.alice.phone, node, ack);
        self.settle();
        call.bob.hears(self, "ACK");
        call
    }

    /// A call whose INVITE has reached the callee, who has not answered yet.
    pub fn recorded_invite(&mut self, node: Node) -> RecordedCall {
        let [alice, bob] = [8, 9].map(|host| self.phone(&format!("10.0.0.{host}:5060")));
        let mut ua = self.ua(alice, "sip:bob@10.0.0.1");
        let invite = ua.request_with("INVITE", &["Supported: 100rel"], "");
        self.say(alice, node, invite);
        self.settle();
        let id = self.next_told(node).id();
        let mut plan = plan(&["sip:bob@10.0.0.9"]);
        plan.remain_in_dialog = true;
        self.proxy(node, id, plan);
        self.settle();
        let called = self.ua(bob, "");
        RecordedCall {
            node,
            alice: Party { phone: alice, ua },
            bob: Party {
                phone: bob,
                ua: called,
            },
        }
    }
}
