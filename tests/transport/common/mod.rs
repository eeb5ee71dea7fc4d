//! What the tests of the sockets share: open sockets, a next arrival, messages to send.

pub mod pki;
pub mod ws;

use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use drachtio::engine::{
    Action, Advertised, AppId, Command, CommandId, Config, Engine, Forks, Listener, Path,
    SendFailure, SendToken, ServerId, Transmit, Transport,
};
use drachtio::message::Message;
use drachtio::transport::{Arrival, Contact, Limits, TlsSettings, Transports};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Far more than anything here takes; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Sockets on one contact, and their UDP and TCP addresses.
pub struct Sockets {
    pub transports: Transports,
    arrivals: Vec<Arrival>,
}

impl Sockets {
    pub fn open(contact: &str) -> Sockets {
        Sockets::open_with(contact, Limits::default())
    }

    pub fn open_with(contact: &str, limits: Limits) -> Sockets {
        Sockets::open_tls(contact, limits, &TlsSettings::default())
    }

    pub fn open_tls(contact: &str, limits: Limits, tls: &TlsSettings) -> Sockets {
        let contacts: Vec<Contact> = vec![contact.parse().unwrap()];
        Sockets {
            transports: Transports::open(&contacts, limits, tls).unwrap(),
            arrivals: Vec::new(),
        }
    }

    pub fn address(&self, transport: Transport) -> SocketAddr {
        let listeners = self.transports.listeners();
        let found = listeners.iter().find(|l| l.transport == transport);
        found.unwrap().local
    }

    /// The next thing the sockets tell.
    pub async fn next(&mut self) -> Arrival {
        if self.arrivals.is_empty() {
            let (transports, arrivals) = (&mut self.transports, &mut self.arrivals);
            let poll = poll_fn(|cx| transports.poll_arrivals(cx, arrivals));
            timeout(PATIENCE, poll).await.expect("nothing arrived");
        }
        self.arrivals.remove(0)
    }

    /// The next thing, which must be a message.
    pub async fn next_message(&mut self) -> (Path, Bytes) {
        match self.next().await {
            Arrival::Message { path, payload } => (path, payload),
            other => panic!("a message was expected, not {other:?}"),
        }
    }

    /// Sends a message to a peer that must be of this name.
    pub fn send_to_server(
        &mut self,
        transport: Transport,
        peer: SocketAddr,
        name: &str,
        payload: Bytes,
    ) -> SendToken {
        let token = token();
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        self.transports.send(Transmit {
            path: Path {
                server: Some(ServerId(hasher.finish())),
                ..self.path_to(transport, peer)
            },
            payload,
            token: Some(token),
            server_name: Some(name.into()),
        });
        token
    }

    /// Why the next message can't be sent.
    pub async fn next_failure(&mut self) -> SendFailure {
        loop {
            match self.next().await {
                Arrival::Unsent(_, failure) => return failure,
                Arrival::Closed(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Sees to the sockets until the future is done.
    pub async fn attend<T>(&mut self, future: impl std::future::Future<Output = T>) -> T {
        let (transports, arrivals) = (&mut self.transports, &mut self.arrivals);
        tokio::select! {
            output = timeout(PATIENCE, future) => output.expect("it takes too long"),
            () = async {
                loop {
                    poll_fn(|cx| transports.poll_arrivals(cx, arrivals)).await;
                    tokio::task::yield_now().await;
                }
            } => unreachable!(),
        }
    }

    pub fn path_to(&self, transport: Transport, peer: SocketAddr) -> Path {
        Path {
            transport,
            local: self.address(transport),
            peer,
            connection: None,
            server: None,
        }
    }
}

/// A complete request with this Call-ID and a body of this length.
pub fn request(call_id: &str, body: usize) -> Bytes {
    let head = format!(
        "OPTIONS sip:there@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{call_id}\r\n\
         From: <sip:here@127.0.0.1>;tag=1\r\n\
         To: <sip:there@127.0.0.1>\r\n\
         Call-ID: {call_id}\r\n\
         CSeq: 1 OPTIONS\r\n\
         Max-Forwards: 70\r\n\
         Content-Length: {body}\r\n\r\n"
    );
    let mut text = head.into_bytes();
    text.resize(text.len() + body, b'x');
    text.into()
}

/// A message that nobody is told about if it can't be sent.
pub fn transmit(path: Path, payload: Bytes) -> Transmit {
    Transmit {
        path,
        payload,
        token: None,
        server_name: None,
    }
}

/// A name for the sender of a message, as the engine makes them.
pub fn token() -> SendToken {
    let local = "127.0.0.1:5060".parse().unwrap();
    let listener = Listener {
        transport: Transport::Udp,
        local,
        user: None,
        advertised: Advertised::default(),
    };
    let mut engine = Engine::new(Config::new(vec![listener]), rand::random());
    let draft = "OPTIONS sip:127.0.0.1:5062 SIP/2.0\r\n\r\n";
    let action = Action::Request {
        dialog: None,
        next_hop: None,
        forks: Forks::First,
        message: Message::parse_draft(draft.into()).unwrap(),
    };
    let command = Command {
        app: AppId(1),
        id: CommandId(1),
        action,
    };
    engine.handle_command(Instant::now(), command);
    engine.poll_transmit().unwrap().token.unwrap()
}

/// Reads exactly as many bytes as expected, and they must be those.
pub async fn expect_bytes(stream: &mut (impl AsyncRead + Unpin), expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    let read = timeout(PATIENCE, stream.read_exact(&mut bytes)).await;
    read.expect("the peer is sent nothing").unwrap();
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        String::from_utf8_lossy(expected)
    );
}

/// The connection has been closed by the other end: nothing more comes.
pub async fn expect_end(stream: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    match read.expect("the connection stays open") {
        Ok(_) => assert_eq!(String::from_utf8_lossy(&bytes), ""),
        Err(error) => assert!(
            matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
            ),
            "{error}"
        ),
    }
}

/// Connects and sends one request, so that the other end knows the connection.
pub async fn connect_and_send(sockets: &mut Sockets, call_id: &str) -> (TcpStream, Path) {
    let address = sockets.address(Transport::Tcp);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let message = request(call_id, 0);
    stream.write_all(&message).await.unwrap();
    let (path, payload) = sockets.next_message().await;
    assert_eq!(payload, message);
    (stream, path)
}

/// Makes the connection end with a reset instead of an orderly end.
pub fn reset(stream: TcpStream) {
    let stream = stream.into_std().unwrap();
    socket2::SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
}
