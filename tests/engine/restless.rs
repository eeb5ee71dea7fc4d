//! Applications that do anything at any time, phones that answer anything, and a bad network between them. Whatever they do, each
//! command is answered once, each request has one final response, nothing stays in a table when all is over, and the
//! same seed gives the same course of events.
//!
//! The number of plays is that of the environment variable `RESTLESS_PLAYS`; `SEED` plays one of them again.

use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use drachtio::engine::limits::TableLimits;
use drachtio::engine::{
    Action, AppId, Config, DialogId, Forks, InDialog, Legacy, News, ProxyTarget, Reply,
    TransactionId, Transport,
};
use drachtio::message::{Message, Method};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::hostile_input::mutated;
use crate::world::{
    answer, at_once, cancel, draft, plan, respond, rseq, App, Desk, Heard, Link, Lips, Node, Phone,
    Script, Ua, World,
};

/// Plays unless the environment says otherwise: so many that they take a few seconds.
const PLAYS: u64 = if cfg!(debug_assertions) { 60 } else { 1_000 };

/// What each application does before it rests.
const ACTIONS: usize = 60;

/// What each phone says before it rests.
const WORDS: usize = 40;

const METHODS: &[&str] = &[
    "INVITE",
    "INVITE",
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "SUBSCRIBE",
    "NOTIFY",
    "REFER",
    "INFO",
    "UPDATE",
    "PRACK",
    "MESSAGE",
    "PUBLISH",
    "FROB",
];

const STATUSES: &[u16] = &[
    100, 180, 183, 183, 199, 200, 200, 200, 202, 299, 300, 302, 400, 401, 404, 407, 408, 420, 422,
    480, 481, 486, 487, 491, 500, 503, 600, 603, 699,
];

const HEADERS: &[&str] = &[
    "Require: 100rel",
    "Require: 100rel",
    "Supported: 100rel, timer, replaces",
    "Session-Expires: 90",
    "Session-Expires: 90;refresher=uac",
    "Session-Expires: 90;refresher=uas",
    "Min-SE: 100",
    "Expires: 0",
    "Expires: 2",
    "Expires: 600",
    "Event: presence",
    "Event: refer",
    "Subscription-State: active",
    "Subscription-State: terminated",
    "Refer-To: <sip:x@10.0.0.2>",
    "Retry-After: 1",
    "Contact: <sip:x@10.0.0.21>",
    "Contact: <sip:x@10.0.0.2>, <sip:y@10.0.0.77>;q=0.3",
    "Contact: *",
    "Contact: sip:nobody.invalid",
    "Route: <sip:10.0.0.3;lr>",
    "Route: <sip:10.0.0.22>",
    "Record-Route: <sip:10.0.0.3;lr>",
    "Path: <sip:10.0.0.2;lr>",
    "Max-Forwards: 0",
    "Max-Forwards: 1",
    "Content-Type: application/sdp",
    "Replaces: call-1;from-tag=tag-1;to-tag=b",
    "RAck: 1 1 INVITE",
    "RSeq: 1",
    "CSeq: 7 BYE",
    "To: <sip:x@y>;tag=z",
    "From: <sip:me@10.0.0.1>;tag=me",
    "Call-ID: mine",
    "Unsupported: x",
    "X-A: 1",
    "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"",
    "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"",
];

const URIS: &[&str] = &[
    "sip:a@10.0.0.1",
    "sip:b@10.0.0.2",
    "sip:b@10.0.0.2;transport=tcp",
    "sip:p@10.0.0.3",
    "sip:x@10.0.0.21",
    "sip:x@10.0.0.21;transport=tcp",
    "sip:x@10.0.0.22",
    "sip:x@somewhere.example.com",
    "sip:x@nowhere.invalid",
    "sip:x@10.0.0.66",
    "sip:x@10.0.0.77",
    "sips:x@10.0.0.2",
    "tel:+1234",
    "sip:x@10.0.0.21;maddr=10.0.0.22",
    "sip:x@10.0.0.2;lr",
    "sip:x@10.0.0.2:0",
    "sip:placeholder",
];

#[test]
fn whatever_applications_and_phones_do_everything_ends() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    if let Some(seed) = number("SEED") {
        assert_eq!(play(seed), play(seed));
        return;
    }
    let mut told = 0;
    for seed in 0..number("RESTLESS_PLAYS").unwrap_or(PLAYS) {
        let played = std::panic::catch_unwind(|| {
            let (journal, count) = play(seed);
            if seed % 10 == 0 {
                assert_eq!((journal, count), play(seed), "another course of events");
            }
            count
        });
        told += played.unwrap_or_else(|_| panic!("SEED={seed}"));
    }
    // A test that has seen nothing says nothing.
    assert!(told > 1_000, "{told}");
}

/// A hash of all that the applications were told, and how much that was.
fn play(seed: u64) -> (u64, usize) {
    let mut world = World::new(seed);
    let mut rng = StdRng::seed_from_u64(seed);
    world.set_link(match seed % 3 {
        0 => Link::good(),
        1 => Link {
            loss: 0.0,
            duplication: 0.0,
            ..Link::bad()
        },
        _ => Link::bad(),
    });
    world.swallow("10.0.0.66");
    world.cut_off("10.0.0.77");
    world.name("somewhere.example.com", &["10.0.0.2", "10.0.0.21"]);
    let nodes: Vec<Node> = ["10.0.0.1:5060", "10.0.0.2:5060", "10.0.0.3:5060"]
        .map(|address| world.node_told(address, |config| configure(&mut rng, config)))
        .into();
    let apps: Vec<_> = nodes
        .iter()
        .map(|node| {
            let app = Rc::new(RefCell::new(Restless::new(rng.random())));
            world.set_app(*node, app.clone());
            if rng.random_bool(0.5) {
                world.decide_on_passing(*node);
            }
            world.wake(*node, 0);
            app
        })
        .collect();
    let mut phones = Vec::new();
    for host in [21, 22] {
        let phone = world.phone(&format!("10.0.0.{host}:5060"));
        let uas = nodes
            .iter()
            .map(|node| world.ua(phone, &format!("sip:any@{}", node.address)))
            .collect();
        let talker = Talker {
            rng: StdRng::seed_from_u64(rng.random()),
            local: phone.address,
            nodes: nodes.clone(),
            uas,
            words: WORDS,
        };
        world.set_script(phone, talker);
        world.wake_phone(phone, 0);
        phones.push(phone);
    }
    let has_mishaps = rng.random();
    for _ in 0..60 {
        world.run_secs(2);
        if has_mishaps {
            mishap(&mut world, &mut rng, &nodes, &phones);
        }
    }
    for node in &nodes {
        world.fall_behind(*node, false);
    }
    for app in &apps {
        app.borrow_mut().actions = 0;
    }
    // What a call needs to end by itself it has not got: its applications hang up, or go away.
    if rng.random() {
        for (node, app) in nodes.iter().zip(&apps) {
            let dialogs = app.borrow().dialogs.clone();
            for dialog in dialogs {
                world.give(*node, in_dialog(&dialog, "BYE sip:placeholder SIP/2.0\r\n"));
            }
        }
        world.run_secs(200);
    }
    world.run_secs(4_000);
    world.everybody_is_answered();
    for node in &nodes {
        world.app_goes(*node, AppId(1));
    }
    world.finish();
    let mut journal = DefaultHasher::new();
    let mut count = 0;
    for app in &apps {
        app.borrow().journal.hash(&mut journal);
        count += app.borrow().journal.len();
    }
    (journal.finish(), count)
}

/// An engine may be told much.
fn configure(rng: &mut StdRng, config: &mut Config) {
    let mut maybe = || rng.random_bool(0.15);
    config.stateless = maybe();
    config.always_ring = maybe();
    config.foreign_replaces = maybe();
    config.dead_after = maybe().then_some(1);
    config.nat.in_dialog = if maybe() {
        InDialog::Source
    } else {
        InDialog::Auto
    };
    config.session_timers.expires = maybe().then_some(90);
    config.timers.c = Duration::from_secs(if maybe() { 5 } else { 180 });
    config.timers.application = Duration::from_secs(if maybe() { 2 } else { 64 });
    config.next_hop.udp_request_limit = maybe().then_some(300);
    config.next_hop.outbound_proxy = maybe().then(|| "sip:10.0.0.3;lr".to_owned());
    if maybe() {
        config.limits = TableLimits {
            server_transactions: 12,
            client_transactions: 12,
            dialogs: 3,
            proxies: 3,
            queries: 1,
            challenges: 1,
            ..TableLimits::default()
        };
    }
}

/// What happens in the world, whatever anybody wants.
fn mishap(world: &mut World, rng: &mut StdRng, nodes: &[Node], phones: &[Phone]) {
    let node = nodes[rng.random_range(0..nodes.len())];
    match rng.random_range(0..60) {
        0..8 => world.close_connections(phones[rng.random_range(0..phones.len())]),
        8..12 => world.fall_behind(node, true),
        12..18 => world.fall_behind(node, false),
        18 => world.app_leaves(
            node,
            AppId(1),
            Legacy {
                requests: rng.random(),
                dialogs: rng.random(),
            },
        ),
        _ => {}
    }
}

fn in_dialog(dialog: &DialogId, text: &str) -> Action {
    Action::Request {
        dialog: Some(dialog.clone()),
        next_hop: None,
        forks: Forks::First,
        message: draft(text),
    }
}

/// An application that does anything.
struct Restless {
    rng: StdRng,
    actions: usize,
    received: Vec<TransactionId>,
    sent: Vec<TransactionId>,
    dialogs: Vec<DialogId>,
    journal: Vec<String>,
}

impl Restless {
    fn new(seed: u64) -> Restless {
        let rng = StdRng::seed_from_u64(seed);
        Restless {
            rng,
            actions: ACTIONS,
            received: Vec::new(),
            sent: Vec::new(),
            dialogs: Vec::new(),
            journal: Vec::new(),
        }
    }

    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among.choose(&mut self.rng).unwrap()
    }

    /// The newest more often than the others.
    fn recent<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        match self.rng.random_bool(0.6) {
            true => all.last().cloned(),
            false => all.choose(&mut self.rng).cloned(),
        }
    }

    fn lines(&mut self) -> String {
        let count = [0, 0, 0, 1, 1, 2, 3]
            .choose(&mut self.rng)
            .copied()
            .unwrap();
        let mut lines: String = (0..count)
            .map(|_| format!("{}\r\n", self.pick(HEADERS)))
            .collect();
        if self.rng.random_bool(0.3) {
            lines.push_str("\r\nv=0\r\n");
        }
        lines
    }

    fn request_text(&mut self) -> String {
        let (method, uri) = (self.pick(METHODS), self.pick(URIS));
        // For a CANCEL there is an action of its own.
        let method = if method == "CANCEL" { "INVITE" } else { method };
        format!("{method} {uri} SIP/2.0\r\n{}", self.lines())
    }

    fn response_text(&mut self) -> String {
        let status = STATUSES.choose(&mut self.rng).unwrap();
        format!("SIP/2.0 {status} Any\r\n{}", self.lines())
    }

    fn forks(&mut self) -> Forks {
        if self.rng.random_bool(0.3) {
            Forks::All
        } else {
            Forks::First
        }
    }

    fn proxy(&mut self, transaction: TransactionId) -> Action {
        let targets: Vec<&str> = (0..self.rng.random_range(0..5))
            .map(|_| self.pick(URIS))
            .collect();
        let mut plan = plan(&targets);
        if self.rng.random() {
            plan = at_once(plan);
        }
        if self.rng.random_bool(0.2) {
            plan.groups.push(vec![ProxyTarget {
                next_hop: Some(self.pick(URIS).to_owned()),
                ..ProxyTarget::to(self.pick(URIS))
            }]);
        }
        plan.remain_in_dialog = self.rng.random();
        plan.progress = self.rng.random();
        plan.redirects = self.rng.random_range(0..3);
        plan.stateless = self.rng.random_bool(0.15);
        plan.provisional_timeout = self.rng.random_bool(0.2).then_some(Duration::from_secs(1));
        plan.final_timeout = self.rng.random_bool(0.2).then_some(Duration::from_secs(3));
        if self.rng.random_bool(0.3) {
            let lines = self.lines();
            plan.headers = Some(draft(&format!("INVITE sip:x SIP/2.0\r\n{lines}")));
        }
        Action::Proxy { transaction, plan }
    }

    fn act(&mut self, desk: &mut Desk) {
        if self.actions == 0 {
            return;
        }
        self.actions -= 1;
        let (received, sent, dialogs) = (
            self.received.clone(),
            self.sent.clone(),
            self.dialogs.clone(),
        );
        let action = match self.rng.random_range(0..20) {
            0..3 => {
                let next_hop = self
                    .rng
                    .random_bool(0.1)
                    .then(|| self.pick(URIS).to_owned());
                let (text, forks) = (self.request_text(), self.forks());
                Some(Action::Request {
                    dialog: None,
                    next_hop,
                    forks,
                    message: draft(&text),
                })
            }
            3..9 => self
                .recent(&received)
                .map(|id| respond(id, &self.response_text())),
            9..14 => self
                .recent(&dialogs)
                .map(|dialog| in_dialog(&dialog, &self.request_text())),
            14..16 => self
                .recent(&dialogs)
                .map(|dialog| in_dialog(&dialog, crate::world::ACK)),
            16 => self.recent(&sent).map(cancel),
            17 => self.recent(&received).map(cancel),
            _ => self.recent(&received).map(|id| self.proxy(id)),
        };
        let delay = [0, 0, 0, 5, 200, 3_000]
            .choose(&mut self.rng)
            .copied()
            .unwrap();
        if let Some(action) = action {
            desk.give_after(Duration::from_millis(delay), action);
        }
    }

    fn note(
        &mut self,
        transaction: Option<TransactionId>,
        dialog: Option<&DialogId>,
        message: &Message,
        is_sent: bool,
    ) {
        if let Some(id) = transaction {
            let is_ours = is_sent == message.is_request();
            let list = if is_ours {
                &mut self.sent
            } else {
                &mut self.received
            };
            if list.last() != Some(&id) {
                list.push(id);
            }
        }
        if let Some(dialog) = dialog.filter(|dialog| !self.dialogs.contains(dialog)) {
            self.dialogs.push(dialog.clone());
        }
    }

    /// What a usual application does about a response, most of the time.
    fn respond_to(&mut self, dialog: Option<&DialogId>, message: &Message, desk: &mut Desk) {
        let (Some(status), Some(dialog)) = (message.status(), dialog) else {
            return;
        };
        let is_invite = message
            .cseq()
            .is_ok_and(|cseq| cseq.method == Method::Invite);
        if !is_invite || self.rng.random_bool(0.2) {
            return;
        }
        if (200..300).contains(&status) {
            desk.give(in_dialog(dialog, crate::world::ACK));
        } else if message.rseq().is_ok_and(|rseq| rseq.is_some()) {
            let cseq = message.cseq().unwrap();
            let text = format!(
                "PRACK sip:placeholder SIP/2.0\r\nRAck: {} {} INVITE\r\n",
                rseq(message),
                cseq.number
            );
            desk.give(in_dialog(dialog, &text));
        }
    }
}

impl App for Restless {
    fn hear(&mut self, news: &News, desk: &mut Desk) {
        self.journal.push(line(news));
        match news {
            News::Message {
                transaction,
                dialog,
                message,
                ..
            } => {
                self.note(*transaction, dialog.as_ref(), message, false);
                self.respond_to(dialog.as_ref(), message, desk);
            }
            News::Passing {
                transaction,
                message,
                ..
            } => self.note(Some(*transaction), None, message, false),
            News::Reply {
                reply:
                    Reply::Sent {
                        transaction,
                        dialog,
                        message,
                        ..
                    },
                ..
            } => {
                self.note(Some(*transaction), dialog.as_ref(), message, true);
            }
            _ => {}
        }
        for _ in 0..self.rng.random_range(0..3) {
            self.act(desk);
        }
    }

    fn wake(&mut self, alarm: u64, desk: &mut Desk) {
        self.act(desk);
        if self.actions > 0 {
            desk.wake_after(
                Duration::from_millis(self.rng.random_range(0..4_000)),
                alarm + 1,
            );
        }
    }
}

/// What an application is told, without the time of day.
fn line(news: &News) -> String {
    match news {
        News::Message {
            transaction,
            dialog,
            message,
            ..
        } => format!("{transaction:?} {dialog:?} {:?}", message.text()),
        News::Passing {
            transaction,
            message,
            ..
        } => format!("{transaction} {:?}", message.text()),
        News::Reply {
            command,
            reply:
                Reply::Sent {
                    transaction,
                    message,
                    ..
                },
        } => format!("{command:?} {transaction} {:?}", message.text()),
        News::Reply { command, .. } => format!("{command:?}"),
        news => format!("{news:?}"),
    }
}

/// A phone that answers anything, and sends anything, damaged now and then.
struct Talker {
    rng: StdRng,
    local: SocketAddr,
    nodes: Vec<Node>,
    uas: Vec<Ua>,
    words: usize,
}

impl Talker {
    fn spoilt(&mut self, text: String) -> String {
        if self.rng.random_bool(0.8) {
            return text;
        }
        String::from_utf8_lossy(&mutated(&mut self.rng, &text)).into_owned()
    }
}

impl Script for Talker {
    fn hear(&mut self, heard: &Heard, lips: &mut Lips) {
        let count = self.rng.random_range(0..3);
        let is_ack = heard.method() == Some(Method::Ack);
        for _ in 0..if heard.is_request() && !is_ack {
            count
        } else {
            0
        } {
            let status = *STATUSES.choose(&mut self.rng).unwrap();
            let headers: Vec<&str> = (0..self.rng.random_range(0..3))
                .map(|_| *HEADERS.choose(&mut self.rng).unwrap())
                .collect();
            let tag = ["b", "c", ""].choose(&mut self.rng).unwrap();
            let text = answer(heard, status, tag, &headers, "v=0\r\n");
            lips.say(heard.path, self.spoilt(text));
        }
    }

    fn wake(&mut self, alarm: u64, lips: &mut Lips) {
        if self.words == 0 {
            return;
        }
        self.words -= 1;
        let at = self.rng.random_range(0..self.nodes.len());
        let (method, uri) = (
            *METHODS.choose(&mut self.rng).unwrap(),
            *URIS.choose(&mut self.rng).unwrap(),
        );
        let headers: Vec<&str> = (0..self.rng.random_range(0..3))
            .map(|_| *HEADERS.choose(&mut self.rng).unwrap())
            .collect();
        if self.rng.random_bool(0.3) {
            self.uas[at].target = uri.to_owned();
        }
        let text = self.uas[at].request_with(method, &headers, "v=0\r\n");
        let transport = if self.rng.random() {
            Transport::Udp
        } else {
            Transport::Tcp
        };
        let path = drachtio::engine::Path {
            transport,
            local: self.local,
            peer: self.nodes[at].address,
            connection: None,
            server: None,
        };
        lips.say(path, self.spoilt(text));
        lips.wake_after(
            Duration::from_millis(self.rng.random_range(0..4_000)),
            alarm + 1,
        );
    }
}
