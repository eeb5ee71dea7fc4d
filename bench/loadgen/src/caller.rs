//! The caller's end: a UDP socket, or connections to the target among which the calls are dealt out in turn.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};

use rustix::event::{poll, PollFd, PollFlags, Timespec};

use crate::args::{Plan, Transport};
use crate::connection::Connection;
use crate::udp;

/// Connections of a load over a transport that has them.
const CONNECTIONS: usize = 8;
const NO_TIME: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Where the requests leave from and the responses arrive.
pub enum Caller {
    Udp(UdpSocket),
    Connections(Vec<Connection>),
}

impl Caller {
    /// Binds or connects, handshakes included.
    pub fn open(plan: &Plan) -> io::Result<Self> {
        if plan.transport == Transport::Udp {
            return Ok(Caller::Udp(udp::socket()?));
        }
        let connections = (0..CONNECTIONS).map(|_| Connection::open(plan));
        Ok(Caller::Connections(connections.collect::<io::Result<_>>()?))
    }

    /// The address that the requests of a call name as theirs.
    pub fn address(&self, number: usize) -> io::Result<SocketAddr> {
        match self {
            Caller::Udp(socket) => socket.local_addr(),
            Caller::Connections(all) => all[number % all.len()].address(),
        }
    }

    /// Sends a request of a call: over UDP to `to`, else over the connection of the call.
    pub fn send(&mut self, number: usize, text: &[u8], to: SocketAddr) -> io::Result<()> {
        match self {
            Caller::Udp(socket) => udp::send(socket, text, to),
            Caller::Connections(all) => {
                let index = number % all.len();
                all[index].send(text)
            }
        }
    }

    /// Puts the next message that has come into `buffer` and returns its length.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let all = match self {
            Caller::Udp(socket) => {
                return Ok(udp::receive(socket, buffer)?.map(|(length, _)| length))
            }
            Caller::Connections(all) => all,
        };
        if !all.iter().any(|connection| connection.readable) {
            look(all)?;
        }
        for connection in all.iter_mut().filter(|connection| connection.readable) {
            if let Some(length) = connection.receive(buffer)? {
                return Ok(Some(length));
            }
        }
        Ok(None)
    }

    /// What to wait for: something to read, or room for what is still to be written.
    pub fn interests(&self) -> Vec<PollFd<'_>> {
        match self {
            Caller::Udp(socket) => vec![PollFd::new(socket, PollFlags::IN)],
            Caller::Connections(all) => all.iter().map(Connection::interest).collect(),
        }
    }
}

/// Asks the system which connections can be read, and writes what found no room before.
fn look(all: &mut [Connection]) -> io::Result<()> {
    let mut interests: Vec<_> = all.iter().map(Connection::interest).collect();
    match poll(&mut interests, Some(&NO_TIME)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(err) => return Err(err.into()),
    }
    let events: Vec<_> = interests.iter().map(PollFd::revents).collect();
    for (connection, events) in all.iter_mut().zip(events) {
        connection.readable = events.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR);
        if events.contains(PollFlags::OUT) {
            connection.flush()?;
        }
    }
    Ok(())
}

/// What the socket cannot do now, it will do later.
pub fn unless_blocked<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(err) if err.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(err) => Err(err),
    }
}
