//! The engine on its thread, with its sockets and applications: what the network and applications
//! see of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Arc;
use std::time::Duration;

use crate::common::PATIENCE;
use drachtio::apps::{Outlet, Profile, BACKLOG_LIMIT};
use drachtio::driver::{Census, Handle, Request, Settings, StartError, Submission};
use drachtio::engine::{
    Action, AppId, CommandId, Config, Forks, Legacy, Listener, News, Refusal, Reply, Timers,
    TransactionId,
};
use drachtio::message::Message;

/// What an application is told.
#[derive(Debug)]
enum Told {
    News(News),
    End(Option<String>),
}

struct Channel {
    sender: Sender<Told>,
    backlog: Arc<AtomicUsize>,
    fails: bool,
}

impl Outlet for Channel {
    fn deliver(&mut self, news: News) {
        assert!(!self.fails, "this outlet is broken");
        let _ = self.sender.send(Told::News(news));
    }

    fn flush(&mut self) {}

    fn backlog(&self) -> usize {
        self.backlog.load(Ordering::Relaxed)
    }

    fn end(&mut self, failure: Option<&str>) {
        let _ = self.sender.send(Told::End(failure.map(str::to_owned)));
    }
}

/// One application.
struct App {
    id: AppId,
    told: Receiver<Told>,
    backlog: Arc<AtomicUsize>,
}

impl App {
    fn attach(handle: &Handle, verbs: &[&str]) -> App {
        App::attach_with(handle, verbs, false)
    }

    fn attach_with(handle: &Handle, verbs: &[&str], fails: bool) -> App {
        let (sender, told) = channel();
        let backlog = Arc::new(AtomicUsize::new(0));
        let outlet = Channel {
            sender,
            backlog: backlog.clone(),
            fails,
        };
        let profile = Profile {
            verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
            ..Profile::default()
        };
        let id = handle.entrance().attach(Box::new(outlet), profile);
        App { id, told, backlog }
    }

    fn news(&self) -> News {
        match self.told.recv_timeout(PATIENCE).expect("no news") {
            Told::News(news) => news,
            Told::End(failure) => panic!("the engine has ended: {failure:?}"),
        }
    }

    fn message(&self) -> (Option<TransactionId>, Message) {
        match self.news() {
            News::Message {
                transaction,
                message,
                ..
            } => (transaction, message),
            other => panic!("a message was expected, not {other:?}"),
        }
    }

    fn reply(&self) -> (CommandId, Reply) {
        match self.news() {
            News::Reply { command, reply } => (command, reply),
            other => panic!("a reply was expected, not {other:?}"),
        }
    }

    /// The end, after whatever else it is told.
    fn end(&self) -> Option<String> {
        loop {
            match self.told.recv_timeout(PATIENCE).expect("no end") {
                Told::News(_) => {}
                Told::End(failure) => return failure,
            }
        }
    }
}

fn start(
    handle: &mut Handle,
    contacts: &[&str],
    timers: Timers,
) -> Result<Vec<Listener>, StartError> {
    let settings = Settings {
        contacts: contacts.iter().map(|text| text.parse().unwrap()).collect(),
        engine: Config {
            timers,
            ..Config::default()
        },
        ..Settings::default()
    };
    let (sender, started) = channel();
    handle.start(settings, move |outcome| sender.send(outcome).unwrap())?;
    started.recv_timeout(PATIENCE).expect("no start")
}

/// An engine on a port of UDP and TCP.
fn engine(handle: &mut Handle) -> SocketAddr {
    start(handle, &["sip:127.0.0.1:0"], Timers::default()).unwrap()[0].local
}

fn request(method: &str, transport: &str, call_id: &str, from: SocketAddr) -> String {
    format!(
        "{method} sip:there@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/{transport} {from};branch=z9hG4bK{call_id}\r\n\
         From: <sip:here@127.0.0.1>;tag=1\r\n\
         To: <sip:there@127.0.0.1>\r\n\
         Call-ID: {call_id}\r\n\
         CSeq: 1 {method}\r\n\
         Contact: <sip:here@{from}>\r\n\
         Max-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// A UDP peer.
struct Peer {
    socket: UdpSocket,
    engine: SocketAddr,
}

impl Peer {
    fn new(engine: SocketAddr) -> Peer {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Peer { socket, engine }
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    fn send(&self, method: &str, call_id: &str) {
        let text = request(method, "UDP", call_id, self.address());
        self.socket.send_to(text.as_bytes(), self.engine).unwrap();
    }

    fn receive(&self) -> Message {
        let mut buffer = vec![0; 65_535];
        let length = self.socket.recv(&mut buffer).expect("nothing is received");
        buffer.truncate(length);
        Message::parse(buffer.into()).unwrap()
    }

    /// The next response that is not provisional.
    fn final_response(&self) -> Message {
        loop {
            let message = self.receive();
            if message.status().is_some_and(|status| status >= 200) {
                return message;
            }
        }
    }
}

fn draft(text: &str) -> Message {
    Message::parse_draft(text.to_owned().into()).unwrap()
}

fn submit(handle: &Handle, app: &App, id: u32, request: Request) {
    let id = CommandId(id);
    handle
        .entrance()
        .submit(app.id, vec![Submission { id, request }]);
}

fn respond(handle: &Handle, app: &App, id: u32, transaction: TransactionId, text: &str) {
    let action = Action::Respond {
        transaction,
        message: draft(text),
    };
    submit(handle, app, id, Request::Act(action));
}

fn send_request(handle: &Handle, app: &App, id: u32, text: &str) {
    let action = Action::Request {
        dialog: None,
        next_hop: None,
        forks: Forks::First,
        message: draft(text),
    };
    submit(handle, app, id, Request::Act(action));
}

#[test]
fn a_request_over_udp_is_answered_by_the_application() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &["options"]);
    let peer = Peer::new(engine(&mut handle));
    peer.send("OPTIONS", "one");
    let (transaction, message) = app.message();
    assert_eq!(message.get_named("Call-ID"), Some(&b"one"[..]));
    respond(
        &handle,
        &app,
        7,
        transaction.unwrap(),
        "SIP/2.0 200 OK\r\n\r\n",
    );
    assert_eq!(peer.final_response().status(), Some(200));
    let (command, reply) = app.reply();
    assert_eq!(command, CommandId(7));
    assert!(matches!(reply, Reply::Sent { .. }), "{reply:?}");
}

#[test]
fn a_request_over_tcp_is_answered_on_its_connection() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &["options"]);
    let engine = engine(&mut handle);
    let mut stream = TcpStream::connect(engine).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let text = request("OPTIONS", "TCP", "one", stream.local_addr().unwrap());
    stream.write_all(text.as_bytes()).unwrap();
    let (transaction, _) = app.message();
    respond(
        &handle,
        &app,
        7,
        transaction.unwrap(),
        "SIP/2.0 200 OK\r\n\r\n",
    );
    let mut answer = [0; 11];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"SIP/2.0 200");
    assert_eq!(handle.census().connections, 1);
}

#[test]
fn applications_take_turns() {
    let mut handle = Handle::default();
    let apps = [
        App::attach(&handle, &["options"]),
        App::attach(&handle, &["OPTIONS"]),
    ];
    let peer = Peer::new(engine(&mut handle));
    for turn in 0..4 {
        peer.send("OPTIONS", &turn.to_string());
        let (_, message) = apps[turn % 2].message();
        assert_eq!(
            message.get_named("Call-ID"),
            Some(turn.to_string().as_bytes())
        );
    }
}

#[test]
fn without_an_application_for_it_a_request_is_rejected() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &["invite"]);
    let peer = Peer::new(engine(&mut handle));
    peer.send("OPTIONS", "before");
    assert_eq!(peer.final_response().status(), Some(405));

    submit(&handle, &app, 1, Request::Route("Options".to_owned()));
    assert!(matches!(app.reply(), (CommandId(1), Reply::Done)));
    peer.send("OPTIONS", "while");
    let (transaction, _) = app.message();
    respond(
        &handle,
        &app,
        2,
        transaction.unwrap(),
        "SIP/2.0 200 OK\r\n\r\n",
    );
    assert_eq!(peer.final_response().status(), Some(200));
    app.reply();

    submit(&handle, &app, 3, Request::RemoveRoute("options".to_owned()));
    assert!(matches!(app.reply(), (CommandId(3), Reply::Done)));
    peer.send("OPTIONS", "after");
    assert_eq!(peer.final_response().status(), Some(405));
}

#[test]
fn an_application_that_is_behind_gets_no_new_requests() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &["options"]);
    let peer = Peer::new(engine(&mut handle));
    app.backlog.store(BACKLOG_LIMIT, Ordering::Relaxed);
    peer.send("OPTIONS", "behind");
    let response = peer.final_response();
    assert_eq!(response.status(), Some(503));
    assert!(response.get_named("Retry-After").is_some());

    app.backlog.store(0, Ordering::Relaxed);
    peer.send("OPTIONS", "again");
    assert_eq!(app.message().1.get_named("Call-ID"), Some(&b"again"[..]));
}

#[test]
fn a_name_is_looked_up() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &[]);
    let peer = Peer::new(engine(&mut handle));
    let port = peer.address().port();
    let text = format!("OPTIONS sip:there@localhost:{port} SIP/2.0\r\n\r\n");
    send_request(&handle, &app, 1, &text);
    let request = peer.receive();
    assert_eq!(
        request.request_uri(),
        Some(format!("sip:there@localhost:{port}").as_str())
    );
}

#[test]
fn a_name_without_addresses_ends_the_request() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &[]);
    engine(&mut handle);
    send_request(
        &handle,
        &app,
        1,
        "OPTIONS sip:there@name.invalid SIP/2.0\r\n\r\n",
    );
    let news = app.news();
    let status = match &news {
        News::Message { message, .. } => message.status(),
        News::Reply {
            reply: Reply::Refused(_),
            ..
        } => return,
        _ => app.message().1.status(),
    };
    assert_eq!(status, Some(503), "{news:?}");
}

#[test]
fn a_refused_connection_ends_the_request_at_once() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &[]);
    engine(&mut handle);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let text = format!("OPTIONS sip:{nobody};transport=tcp SIP/2.0\r\n\r\n");
    send_request(&handle, &app, 1, &text);
    assert!(matches!(app.reply(), (CommandId(1), Reply::Sent { .. })));
    assert_eq!(app.message().1.status(), Some(503));
}

/// On Linux, where ICMP tells; elsewhere a timer does, later.
#[cfg(target_os = "linux")]
#[test]
fn a_port_on_which_nobody_listens_ends_the_request_at_once() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &[]);
    engine(&mut handle);
    let nobody = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let text = format!("INVITE sip:{nobody} SIP/2.0\r\n\r\n");
    send_request(&handle, &app, 1, &text);
    assert!(matches!(app.reply(), (CommandId(1), Reply::Sent { .. })));
    assert_eq!(app.message().1.status(), Some(503));
}

#[test]
fn a_request_that_nobody_answers_times_out() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &[]);
    let timers = Timers {
        t1: Duration::from_millis(2),
        ..Timers::default()
    };
    start(&mut handle, &["sip:127.0.0.1:0"], timers).unwrap();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    send_request(
        &handle,
        &app,
        1,
        &format!("OPTIONS sip:{address} SIP/2.0\r\n\r\n"),
    );
    app.reply();
    assert_eq!(app.message().1.status(), Some(408));
}

#[test]
fn a_taken_port_is_told_by_name_and_ends_the_thread() {
    let mut first = Handle::default();
    let taken = engine(&mut first);
    let mut second = Handle::default();
    let app = App::attach(&second, &["options"]);
    let contact = format!("sip:{taken}");
    let error = start(&mut second, &[&contact], Timers::default()).unwrap_err();
    assert_eq!(error.code(), "EADDRINUSE");
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
    assert_eq!(app.end(), None);
}

#[test]
fn an_engine_starts_once() {
    let mut handle = Handle::default();
    engine(&mut handle);
    let again = start(&mut handle, &["sip:127.0.0.1:0"], Timers::default());
    assert!(matches!(again, Err(StartError::StartedBefore)));
}

#[test]
fn closing_answers_what_is_pending_and_leaves_nothing() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &["invite", "options"]);
    let peer = Peer::new(engine(&mut handle));
    peer.send("INVITE", "pending");
    app.message();
    peer.send("OPTIONS", "answered");
    let (transaction, _) = app.message();
    respond(
        &handle,
        &app,
        1,
        transaction.unwrap(),
        "SIP/2.0 200 OK\r\n\r\n",
    );
    handle.close();

    let mut statuses = [
        peer.final_response().status().unwrap(),
        peer.final_response().status().unwrap(),
    ];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1] >= 400, "{statuses:?}");
    assert_eq!(app.end(), None);
    handle.join();
    assert_eq!(handle.census(), Census::default());
    UdpSocket::bind(peer.engine).expect("the port is still taken");
}

#[test]
fn an_application_that_leaves_leaves_no_request_without_an_answer() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &["options"]);
    let peer = Peer::new(engine(&mut handle));
    peer.send("OPTIONS", "orphan");
    app.message();
    handle.entrance().detach(app.id, Legacy::default());
    assert!(peer
        .final_response()
        .status()
        .is_some_and(|status| status >= 400));
    peer.send("OPTIONS", "later");
    assert_eq!(peer.final_response().status(), Some(503));
}

#[test]
fn a_panic_on_the_thread_is_told_to_the_applications() {
    let mut handle = Handle::default();
    let broken = App::attach_with(&handle, &["options"], true);
    let other = App::attach(&handle, &["invite"]);
    let peer = Peer::new(engine(&mut handle));
    peer.send("OPTIONS", "trigger");
    for app in [&broken, &other] {
        let failure = app.end().expect("the end has no reason");
        assert!(failure.contains("this outlet is broken"), "{failure}");
    }
    handle.join();
    let late = App::attach(&handle, &["options"]);
    assert_eq!(late.end(), None);
}

#[test]
fn commands_are_carried_out_in_order_and_all_of_them() {
    let mut handle = Handle::default();
    let app = App::attach(&handle, &[]);
    engine(&mut handle);
    let batch: Vec<Submission> = (1..=2_000)
        .map(|id| Submission {
            id: CommandId(id),
            request: Request::Act(Action::Respond {
                transaction: TransactionId(u128::from(id)),
                message: draft("SIP/2.0 200 OK\r\n\r\n"),
            }),
        })
        .collect();
    handle.entrance().submit(app.id, batch);
    handle.close();
    for id in 1..=2_000 {
        let (command, reply) = app.reply();
        assert_eq!(command, CommandId(id));
        assert!(matches!(reply, Reply::Refused(Refusal::UnknownTransaction)));
    }
    assert_eq!(app.end(), None);
}
