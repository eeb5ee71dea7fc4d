//! One connection to the target: TCP or TLS, with or without WebSocket frames.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use crate::args::{Plan, Transport};
use crate::caller::unless_blocked;
use crate::sip::whole_message;

const READ_SIZE: usize = 65_536;

/// A connection that does not block once it is open.
pub struct Connection {
    stream: Stream,
    /// Whether there may be something to read.
    pub readable: bool,
    /// What has been read, and how much of it has been given away.
    input: Vec<u8>,
    given: usize,
    /// What the layers below have not taken yet.
    output: Vec<u8>,
    /// Whether something waits for room in the socket.
    blocked: bool,
}

enum Stream {
    Bytes(Channel),
    Frames(Box<WebSocket<Channel>>),
}

enum Channel {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Connection {
    /// Connects and shakes hands.
    pub fn open(plan: &Plan) -> io::Result<Self> {
        let socket = TcpStream::connect(plan.target)?;
        socket.set_nodelay(true)?;
        let channel = match plan.transport {
            Transport::Tls | Transport::Wss => Channel::Tls(Box::new(secure(socket, plan)?)),
            Transport::Udp | Transport::Tcp | Transport::Ws => Channel::Plain(socket),
        };
        let stream = match plan.transport {
            Transport::Ws | Transport::Wss => Stream::Frames(Box::new(upgrade(channel, plan)?)),
            Transport::Udp | Transport::Tcp | Transport::Tls => Stream::Bytes(channel),
        };
        stream.socket().set_nonblocking(true)?;
        Ok(Connection {
            stream,
            readable: false,
            input: Vec::new(),
            given: 0,
            output: Vec::new(),
            blocked: false,
        })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.stream.socket().local_addr()
    }

    pub fn interest(&self) -> PollFd<'_> {
        let write = match self.blocked {
            true => PollFlags::OUT,
            false => PollFlags::empty(),
        };
        PollFd::new(self.stream.socket(), PollFlags::IN | write)
    }

    /// Writes a message, or what there is room for; `flush` writes the rest.
    pub fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Bytes(_) => self.output.extend_from_slice(message),
            Stream::Frames(socket) => {
                let text = String::from_utf8_lossy(message).into_owned();
                unless_blocked(socket.write(Message::text(text)).map_err(into_io))?;
            }
        }
        self.flush()
    }

    /// Writes what waits, as far as there is room.
    pub fn flush(&mut self) -> io::Result<()> {
        self.blocked = unless_blocked(self.write_out())?.is_none();
        Ok(())
    }

    fn write_out(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Bytes(channel) => {
                while !self.output.is_empty() {
                    let written = channel.write(&self.output)?;
                    self.output.drain(..written);
                }
                channel.flush()
            }
            Stream::Frames(socket) => socket.flush().map_err(into_io),
        }
    }

    /// Puts the next whole message into `buffer` and returns its length.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            let rest = &self.input[self.given..];
            if let Some(length) = whole_message(rest) {
                buffer[..length].copy_from_slice(&rest[..length]);
                self.given += length;
                return Ok(Some(length));
            }
            self.input.drain(..self.given);
            self.given = 0;
            if !self.read()? {
                self.readable = false;
                return Ok(None);
            }
        }
    }

    /// Reads once; whether there was something.
    fn read(&mut self) -> io::Result<bool> {
        match &mut self.stream {
            Stream::Bytes(channel) => {
                let old = self.input.len();
                self.input.resize(old + READ_SIZE, 0);
                let read = unless_blocked(channel.read(&mut self.input[old..]));
                let length = *read.as_ref().ok().and_then(Option::as_ref).unwrap_or(&0);
                self.input.truncate(old + length);
                match read? {
                    Some(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    read => Ok(read.is_some()),
                }
            }
            Stream::Frames(socket) => {
                let Some(message) = unless_blocked(socket.read().map_err(into_io))? else {
                    return Ok(false);
                };
                if message.is_text() || message.is_binary() {
                    self.input.extend_from_slice(&message.into_data());
                }
                Ok(true)
            }
        }
    }
}

/// TLS on a socket that blocks. The target shows a certificate that names its address.
fn secure(
    mut socket: TcpStream,
    plan: &Plan,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let file = plan
        .ca
        .as_ref()
        .ok_or_else(|| io::Error::other("--ca is missing"))?;
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(file).map_err(io::Error::other)?;
    roots.add(certificate).map_err(io::Error::other)?;
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::IpAddress(plan.target.ip().into());
    let mut tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(tls, socket))
}

/// WebSocket on a channel that blocks (RFC 7118 §4).
fn upgrade(channel: Channel, plan: &Plan) -> io::Result<WebSocket<Channel>> {
    let url = format!("{}://{}/", plan.transport.name(), plan.target);
    let mut request = url.into_client_request().map_err(into_io)?;
    let protocol = HeaderValue::from_static("sip");
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", protocol);
    match tungstenite::client(request, channel) {
        Ok((socket, _)) => Ok(socket),
        Err(err) => Err(io::Error::other(err.to_string())),
    }
}

fn into_io(err: tungstenite::Error) -> io::Error {
    match err {
        tungstenite::Error::Io(err) => err,
        err => io::Error::other(err),
    }
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        let channel = match self {
            Stream::Bytes(channel) => channel,
            Stream::Frames(socket) => socket.get_ref(),
        };
        match channel {
            Channel::Plain(socket) => socket,
            Channel::Tls(tls) => &tls.sock,
        }
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Channel::Plain(socket) => socket.read(buffer),
            Channel::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Channel {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Channel::Plain(socket) => socket.write(data),
            Channel::Tls(tls) => tls.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Channel::Plain(socket) => socket.flush(),
            Channel::Tls(tls) => tls.flush(),
        }
    }
}
