//! A node that is to forward a request of one phone's to others.

use drachtio::engine::{BranchStep, CommandId, ProxyPlan, Reply, TransactionId};

use super::sip::answer;
use super::{companion, Heard, Node, Phone, Ua, World};

/// A request that has arrived at a proxy, and the phones it may go to.
pub struct Proxying {
    /// The proxy.
    pub node: Node,
    /// Who has sent the request.
    pub caller: Phone,
    /// The caller's side of it.
    pub ua: Ua,
    /// The request as sent.
    pub request: String,
    /// What the proxy's application names it by.
    pub id: TransactionId,
    /// Three phones at 10.0.0.21 and the following addresses.
    pub callees: [Phone; 3],
}

impl World {
    /// The caller sends a request of this method to the proxy, which has told its application.
    pub fn proxying(&mut self, method: &str) -> Proxying {
        self.proxying_with(method, &[])
    }

    /// The same with more header lines in the request.
    pub fn proxying_with(&mut self, method: &str, headers: &[&str]) -> Proxying {
        let node = self.node("10.0.0.1:5060");
        let caller = self.phone("10.0.0.8:5060");
        let callees = [21, 22, 23].map(|host| self.phone(&format!("10.0.0.{host}:5060")));
        let mut ua = self.ua(caller, "sip:bob@10.0.0.1");
        let request = ua.request_with(method, headers, "");
        self.say(caller, node, &request);
        self.settle();
        let id = self.next_told(node).id();
        self.heard(caller);
        Proxying {
            node,
            caller,
            ua,
            request,
            id,
            callees,
        }
    }

    /// A phone answers what it has received, with a Contact.
    pub fn answer(&mut self, phone: Phone, request: &Heard, code: u16) {
        let tag = format!("tag-{}", phone.address.ip());
        let contact = format!("Contact: <sip:phone@{}>", phone.address);
        let text = answer(request, code, &tag, &[&contact], "");
        self.say_back(phone, request, text);
        self.settle();
    }

    /// The caller acknowledges a failure.
    pub fn acknowledge_failure(&mut self, proxying: &Proxying, failure: &Heard) {
        let ack = companion(&proxying.request, "ACK", Some(failure));
        self.say(proxying.caller, proxying.node, ack);
        self.settle();
    }

    /// What the application has been told of a proxied request: the statuses and steps of the
    /// branches, and `done` or the refusal.
    pub fn proxy_replies(&mut self, node: Node, command: CommandId) -> Vec<String> {
        let replies = self.replies(node, command);
        replies
            .into_iter()
            .map(|reply| match reply {
                Reply::Branch { message, .. } => message.status().unwrap().to_string(),
                Reply::Done => "done".to_string(),
                Reply::Refused(refusal) => refusal.to_string(),
                Reply::Sent { .. } => panic!("{reply:?}"),
                Reply::Progress { branch, step, .. } => match step {
                    BranchStep::Started { target } => format!("{} started {target}", branch.0),
                    BranchStep::Ended { why, .. } => format!("{} {}", branch.0, why.name()),
                },
            })
            .collect()
    }
}

impl Proxying {
    /// To these of the callees, by number.
    pub fn plan(&self, callees: &[usize]) -> ProxyPlan {
        let uris: Vec<String> = callees
            .iter()
            .map(|at| format!("sip:phone@{}", self.callees[*at].address))
            .collect();
        let uris: Vec<&str> = uris.iter().map(String::as_str).collect();
        super::plan(&uris)
    }
}
