//! Two applications that call each other in every way, and a proxy between them.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use drachtio::engine::{Action, CommandId, DialogId, News, Reply, TransactionId};
use drachtio::message::{HeaderId, Message, Method};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::sip::{ACK, BUSY, BYE, OK, RINGING};
use super::{cancel, plan, request, request_in, respond, App, Desk, Node, World};

/// The calls of one application to another.
pub struct Play {
    pub world: World,
    pub caller: Rc<RefCell<Caller>>,
    pub callee: Rc<RefCell<Callee>>,
    /// The caller's node at 10.0.0.1, the callee's at 10.0.0.2, the proxy's at 10.0.0.3.
    pub nodes: Vec<Node>,
}

impl Play {
    /// Calls of these numbers, 50 ms apart; `transport` is a parameter of the callee's URI.
    pub fn new(mut world: World, calls: Range<usize>, via_proxy: bool, transport: &str) -> Play {
        let a = world.node("10.0.0.1:5060");
        let b = world.node("10.0.0.2:5060");
        let mut nodes = vec![a, b];
        let mut uri = format!("sip:bob@10.0.0.2{transport}");
        if via_proxy {
            let proxy = world.node("10.0.0.3:5060");
            world.set_app(proxy, Proxy { callee: uri });
            uri = "sip:bob@10.0.0.3".to_string();
            nodes.push(proxy);
        }
        let caller = Rc::new(RefCell::new(Caller {
            rng: StdRng::seed_from_u64(world.seed),
            callee: uri,
            calls,
            given: HashMap::new(),
            invites: HashMap::new(),
            finals: HashMap::new(),
        }));
        let callee = Rc::new(RefCell::new(Callee {
            rng: StdRng::seed_from_u64(world.seed + 1),
            seen: HashMap::new(),
            calls: HashMap::new(),
            up: HashSet::new(),
        }));
        world.set_app(a, caller.clone());
        world.set_app(b, callee.clone());
        world.wake(a, 0);
        Play {
            world,
            caller,
            callee,
            nodes,
        }
    }
}

/// What becomes of a call, by its number: every kind is played in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    CallerHangsUp,
    CalleeHangsUp,
    Busy,
    /// The CANCEL and the 200 may cross.
    Cancelled,
    /// With reliable provisional responses (RFC 3262).
    Reliable,
    /// Answered and ended as fast as can be.
    Short,
    /// With a re-INVITE in the middle.
    Changed,
    /// Both sides hang up at the same time.
    BothHangUp,
}

impl Kind {
    /// All of them, in the order of the numbers.
    pub const ALL: [Kind; 8] = [
        Kind::CallerHangsUp,
        Kind::CalleeHangsUp,
        Kind::Busy,
        Kind::Cancelled,
        Kind::Reliable,
        Kind::Short,
        Kind::Changed,
        Kind::BothHangUp,
    ];

    /// The kind of the call of that number.
    pub fn of(number: usize) -> Kind {
        Kind::ALL[number % Kind::ALL.len()]
    }
}

/// The calling application.
pub struct Caller {
    rng: StdRng,
    callee: String,
    calls: Range<usize>,
    /// The INVITEs that have been given and not yet sent.
    given: HashMap<CommandId, usize>,
    invites: HashMap<TransactionId, usize>,
    /// The final responses to the INVITE of each call.
    pub finals: HashMap<usize, Vec<u16>>,
}

/// The called application.
pub struct Callee {
    rng: StdRng,
    /// How often each call has been told.
    pub seen: HashMap<usize, usize>,
    calls: HashMap<DialogId, Kind>,
    /// Dialogs whose first ACK has come.
    up: HashSet<DialogId>,
}

const SDP: &str = "\r\nv=0\r\n";

impl Caller {
    fn start_call(&mut self, desk: &mut Desk) {
        let Some(number) = self.calls.next() else {
            return;
        };
        let reliable = match Kind::of(number) {
            Kind::Reliable => "Supported: 100rel\r\n",
            _ => "",
        };
        let text = format!(
            "INVITE {} SIP/2.0\r\nX-Call: {number}\r\n{reliable}{SDP}",
            self.callee
        );
        let id = desk.give(request(&text));
        self.given.insert(id, number);
        desk.wake_after(Duration::from_millis(50), 0);
    }

    fn response(
        &mut self,
        id: TransactionId,
        dialog: Option<DialogId>,
        message: &Message,
        desk: &mut Desk,
    ) {
        let status = message.status().unwrap();
        let cseq = message.cseq().unwrap();
        if cseq.method != Method::Invite {
            return;
        }
        if status == 183 && message.has_option(HeaderId::Require, "100rel") {
            let rack = format!(
                "RAck: {} {} INVITE",
                message.rseq().unwrap().unwrap(),
                cseq.number
            );
            let prack = format!("PRACK sip:placeholder SIP/2.0\r\n{rack}\r\n");
            desk.give(request_in(&dialog.unwrap(), &prack));
            return;
        }
        if status < 200 {
            return;
        }
        let kind = match self.invites.get(&id) {
            Some(number) => {
                self.finals.entry(*number).or_default().push(status);
                Some(Kind::of(*number))
            }
            None => None,
        };
        if status < 300 {
            let dialog = dialog.unwrap();
            desk.give(request_in(&dialog, ACK));
            let talk = match kind {
                Some(Kind::CallerHangsUp | Kind::Reliable | Kind::BothHangUp) => 3_000,
                Some(Kind::Short) => 0,
                // If the CANCEL came too late; if it crossed the 200, the engine hangs up.
                Some(Kind::Cancelled) => 5_000,
                Some(Kind::Changed) => {
                    let change = format!("INVITE sip:placeholder SIP/2.0\r\n{SDP}");
                    desk.give_after(Duration::from_secs(2), request_in(&dialog, &change));
                    return;
                }
                None => 1_000, // The change of a Changed call.
                _ => return,
            };
            let bye = request_in(&dialog, BYE);
            desk.give_after(Duration::from_millis(talk), bye);
        } else if kind.is_none() {
            let bye = request_in(&dialog.unwrap(), BYE);
            desk.give(bye);
        }
    }
}

impl App for Caller {
    fn hear(&mut self, news: &News, desk: &mut Desk) {
        match news {
            News::Refused { why, .. } => panic!("{why}"),
            News::Passing { .. } | News::Record(_) | News::ConnectionClosed(_) => {}
            News::Reply { command, reply } => {
                let Some(number) = self.given.remove(command) else {
                    return;
                };
                let Reply::Sent { transaction, .. } = reply else {
                    panic!("{reply:?}");
                };
                self.invites.insert(*transaction, number);
                if Kind::of(number) == Kind::Cancelled {
                    let after = Duration::from_millis(self.rng.random_range(0..3_000));
                    desk.give_after(after, cancel(*transaction));
                }
            }
            News::Message {
                transaction,
                dialog,
                message,
                ..
            } => match (transaction, message.method()) {
                (Some(id), None) => self.response(*id, dialog.clone(), message, desk),
                (Some(id), Some(Method::Bye)) => {
                    desk.give(respond(*id, OK));
                }
                (Some(_), Some(method)) => panic!("{method:?} to the caller"),
                (None, _) => {} // The engine has ended a call.
            },
        }
    }

    fn wake(&mut self, _alarm: u64, desk: &mut Desk) {
        self.start_call(desk);
    }
}

impl Callee {
    fn invite(
        &mut self,
        id: TransactionId,
        dialog: Option<DialogId>,
        invite: &Message,
        desk: &mut Desk,
    ) {
        let ok = format!("{OK}{SDP}");
        if dialog.is_some() {
            desk.give(respond(id, &ok));
            return;
        }
        let number = std::str::from_utf8(invite.get_named("X-Call").unwrap());
        let number = number.unwrap().parse().unwrap();
        *self.seen.entry(number).or_default() += 1;
        let tag = invite.from().unwrap().tag().unwrap();
        let dialog = DialogId::new(invite.call_id().unwrap(), tag);
        let kind = Kind::of(number);
        self.calls.insert(dialog, kind);
        match kind {
            Kind::Busy => {
                desk.give(respond(id, BUSY));
                return;
            }
            Kind::Short => {
                desk.give(respond(id, &ok));
                return;
            }
            Kind::Reliable => {
                let text = format!("SIP/2.0 183 Progress\r\nRequire: 100rel\r\n{SDP}");
                desk.give(respond(id, &text));
                desk.give(respond(id, &text));
            }
            _ => {
                desk.give(respond(id, RINGING));
            }
        }
        let after = Duration::from_millis(self.rng.random_range(500..3_000));
        desk.give_after(after, respond(id, &ok));
    }

    fn acknowledged(&mut self, dialog: &DialogId, desk: &mut Desk) {
        if !self.up.insert(dialog.clone()) {
            return;
        }
        let talk = match self.calls.get(dialog) {
            Some(Kind::CalleeHangsUp) => 1_000,
            Some(Kind::BothHangUp) => 3_000,
            _ => return,
        };
        let bye = request_in(dialog, BYE);
        desk.give_after(Duration::from_millis(talk), bye);
    }
}

impl App for Callee {
    fn hear(&mut self, news: &News, desk: &mut Desk) {
        let News::Message {
            transaction: Some(id),
            dialog,
            message,
            ..
        } = news
        else {
            return;
        };
        match message.method() {
            Some(Method::Invite) => self.invite(*id, dialog.clone(), message, desk),
            Some(Method::Ack) => self.acknowledged(dialog.as_ref().unwrap(), desk),
            Some(Method::Bye | Method::Prack) => {
                desk.give(respond(*id, OK));
            }
            Some(Method::Cancel) | None => {}
            Some(method) => panic!("{method:?} to the callee"),
        }
    }
}

/// Passes every INVITE on to the callee, and stays in the dialog.
struct Proxy {
    callee: String,
}

impl App for Proxy {
    fn hear(&mut self, news: &News, desk: &mut Desk) {
        if let News::Message {
            transaction: Some(transaction),
            message,
            ..
        } = news
        {
            if message.method() == Some(Method::Invite) {
                let mut plan = plan(&[&self.callee]);
                plan.remain_in_dialog = true;
                let transaction = *transaction;
                desk.give(Action::Proxy { transaction, plan });
            }
        }
    }
}
