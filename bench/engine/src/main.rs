//! Plays one kind of load with the engine alone, without sockets and JavaScript, so that its instructions can be
//! counted:
//!
//! ```sh
//! valgrind --tool=callgrind --toggle-collect='*counted*' target/bench/release/engine call
//! ```
//!
//! The total that callgrind prints, divided by [`CALLS`], is what one request or call costs the engine: the messages
//! that it takes in, the drafts that the application gives it and the deadlines that come due, but nothing of what
//! the other ends do.

mod peer;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use drachtio::engine::{
    Action, AppId, Command, CommandId, Config, Engine, Event, Listener, News, Path, ProxyPlan,
    Transport,
};
use drachtio::message::{Message, Method};
use peer::Call;

/// Requests or calls that are counted.
const CALLS: usize = 2_000;

/// Requests or calls before them: as many as the time of a finished transaction is long.
const WARM: usize = 4_000;

/// Between two of them, so that the first are forgotten while the last come.
const INTERVAL: Duration = Duration::from_millis(10);

const APP: AppId = AppId(1);

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";

fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let mut bench = Bench::new();
    let play: fn(&mut Bench, usize) = match kind.as_str() {
        "options" => Bench::options,
        "call" => Bench::call,
        "proxied" => Bench::proxied,
        _ => {
            eprintln!("usage: engine options | call | proxied");
            std::process::exit(2);
        }
    };
    for number in 0..WARM + CALLS {
        bench.counting = number >= WARM;
        bench.now += INTERVAL;
        bench.expire();
        play(&mut bench, number);
    }
    println!("{CALLS} × {kind}");
}

/// What is inside of this is counted.
#[inline(never)]
fn counted<T>(task: impl FnOnce() -> T) -> T {
    std::hint::black_box(task())
}

/// What came of one step.
#[derive(Default)]
struct Outcome {
    sent: Vec<(SocketAddr, Bytes)>,
    told: Vec<News>,
}

struct Bench {
    engine: Engine,
    now: Instant,
    local: SocketAddr,
    caller: SocketAddr,
    callee: SocketAddr,
    counting: bool,
}

impl Bench {
    fn new() -> Bench {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let local = address(5060);
        let listener = Listener {
            transport: Transport::Udp,
            local,
            user: None,
            advertised: Default::default(),
        };
        Bench {
            engine: Engine::new(Config::new(vec![listener]), [7; 32]),
            now: Instant::now(),
            local,
            caller: address(40_001),
            callee: address(40_002),
            counting: false,
        }
    }

    fn options(&mut self, number: usize) {
        let call = Call::new(number, self.caller, format!("sip:{}", self.local));
        let outcome = self.receive(self.caller, call.request("OPTIONS", 1));
        let outcome = self.answer(&outcome, "SIP/2.0 200 OK\r\n\r\n");
        assert_eq!(outcome.sent.len(), 1);
    }

    fn call(&mut self, number: usize) {
        let mut call = Call::new(number, self.caller, format!("sip:callee@{}", self.local));
        let outcome = self.receive(self.caller, call.request("INVITE", 1));
        let ok = format!("SIP/2.0 200 OK\r\nContent-Type: application/sdp\r\n\r\n{SDP}");
        let outcome = self.answer(&outcome, &ok);
        call.answered_by(last(&outcome));
        self.receive(self.caller, call.request("ACK", 1));
        let outcome = self.receive(self.caller, call.request("BYE", 2));
        let outcome = self.answer(&outcome, "SIP/2.0 200 OK\r\n\r\n");
        assert_eq!(outcome.sent.len(), 1);
    }

    /// The whole call passes the engine, and the callee is another address.
    fn proxied(&mut self, number: usize) {
        let mut call = Call::new(number, self.caller, format!("sip:callee@{}", self.callee));
        let outcome = self.receive(self.caller, call.request("INVITE", 1));
        let outcome = self.forward(&outcome, call.uri.clone());
        let invite = last(&outcome).clone();
        self.receive(
            self.callee,
            peer::respond(&invite, "180 Ringing", self.callee),
        );
        let outcome = self.receive(self.callee, peer::respond(&invite, "200 OK", self.callee));
        call.answered_by(last(&outcome));
        self.receive(self.caller, call.request("ACK", 1));
        let outcome = self.receive(self.caller, call.request("BYE", 2));
        let bye = last(&outcome).clone();
        let outcome = self.receive(self.callee, peer::respond(&bye, "200 OK", self.callee));
        assert_eq!(outcome.sent.len(), 1);
    }

    fn receive(&mut self, peer: SocketAddr, text: Vec<u8>) -> Outcome {
        let path = Path {
            transport: Transport::Udp,
            local: self.local,
            peer,
            connection: None,
            server: None,
        };
        let payload = Bytes::from(text);
        self.step(|engine, now| engine.handle_message(now, path, payload))
    }

    /// The application answers the request that it has just been told of.
    fn answer(&mut self, outcome: &Outcome, draft: &str) -> Outcome {
        let transaction = told_transaction(outcome);
        let draft = Bytes::copy_from_slice(draft.as_bytes());
        self.step(|engine, now| {
            let message = Message::parse_draft(draft).expect("a draft");
            let action = Action::Respond {
                transaction,
                message,
            };
            engine.handle_command(now, command(CommandId::NOBODY, action));
        })
    }

    /// The application forwards the request that it has just been told of.
    fn forward(&mut self, outcome: &Outcome, destination: String) -> Outcome {
        let transaction = told_transaction(outcome);
        let draft = Bytes::from(format!("INVITE {destination} SIP/2.0\r\n\r\n"));
        self.step(|engine, now| {
            let plan = ProxyPlan {
                remain_in_dialog: true,
                full_response: true,
                progress: true,
                headers: Some(Message::parse_draft(draft).expect("a draft")),
                ..ProxyPlan::serial([destination.as_str()])
            };
            let action = Action::Proxy { transaction, plan };
            engine.handle_command(now, command(CommandId(1), action));
        })
    }

    fn expire(&mut self) {
        while self
            .engine
            .poll_timeout()
            .is_some_and(|due| due <= self.now)
        {
            self.step(|engine, now| engine.handle_timeout(now));
        }
    }

    /// Lets the engine do something, as the driver does, and gives new requests to the application.
    fn step(&mut self, task: impl FnOnce(&mut Engine, Instant)) -> Outcome {
        let (engine, now) = (&mut self.engine, self.now);
        let mut outcome = Outcome::default();
        let play = || {
            task(engine, now);
            while let Some(Event { app, news }) = engine.poll_event() {
                match (app, &news) {
                    (None, News::Message { transaction, .. }) => {
                        engine.assign(transaction.expect("a request"), APP);
                    }
                    // The application does not ask to decide on those.
                    (_, News::Passing { transaction, .. }) => engine.pass(now, *transaction),
                    _ => {}
                }
                outcome.told.push(news);
            }
            while let Some(transmit) = engine.poll_transmit() {
                outcome.sent.push((transmit.path.peer, transmit.payload));
            }
        };
        if self.counting {
            counted(play);
        } else {
            play();
        }
        outcome
    }
}

fn command(id: CommandId, action: Action) -> Command {
    Command {
        app: APP,
        id,
        action,
    }
}

fn last(outcome: &Outcome) -> &Bytes {
    &outcome.sent.last().expect("a message that was sent").1
}

fn told_transaction(outcome: &Outcome) -> drachtio::engine::TransactionId {
    let told = outcome.told.iter().find_map(|news| match news {
        News::Message {
            transaction,
            message,
            ..
        } if message.method().is_some_and(|method| method != Method::Ack) => *transaction,
        _ => None,
    });
    told.expect("a request that the application was told of")
}
