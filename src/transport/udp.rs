//! One UDP socket: datagrams in, in batches, and out, with a short queue for the moments in which
//! the kernel has no room.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{ready, Context, Poll};

use bytes::Bytes;
use tokio::net::UdpSocket;

use super::icmp::{self, MIN_QUOTE};
use super::limits::{MAX_QUEUED_DATAGRAMS, UDP_BATCH};
use super::receive_batch::Receiver;
use super::send_batch::{Sender, SEND_BATCH};
use super::{unsent, Arrival};
use crate::engine::{Path, SendFailure, SendToken, Transmit, Transport};

/// Datagrams that are remembered for the case that ICMP reports one of them undelivered.
const MAX_REMEMBERED: usize = 256;

/// What one datagram can carry: 16 bits of length, without the headers of UDP and IPv4.
const MAX_PAYLOAD: usize = 65_507;

/// One bound UDP socket.
pub(super) struct Port {
    socket: Arc<UdpSocket>,
    local: SocketAddr,
    receiver: Receiver,
    sender: Sender,
    waiting: VecDeque<Transmit>,
    /// The last ones sent whose senders want to know of failures.
    remembered: VecDeque<Remembered>,
    /// Done when ICMP reports wait.
    reports: Pin<Box<dyn Future<Output = ()> + Send>>,
}

struct Remembered {
    peer: SocketAddr,
    payload: Bytes,
    token: SendToken,
}

impl Port {
    /// Must be called inside a tokio runtime.
    pub(super) fn new(socket: std::net::UdpSocket, local: SocketAddr) -> io::Result<Port> {
        icmp::enable(&socket, local);
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        Ok(Port {
            reports: Box::pin(icmp::wait(socket.clone())),
            socket,
            local,
            receiver: Receiver::new(),
            sender: Sender::new(),
            waiting: VecDeque::new(),
            remembered: VecDeque::new(),
        })
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Queues a datagram. It goes out with the others of this turn at the next
    /// [`poll`](Self::poll), or when there are enough of them. What can't be sent at all (too
    /// long, no route) is reported to its sender.
    pub(super) fn send(&mut self, transmit: Transmit, arrivals: &mut Vec<Arrival>) {
        if self.waiting.len() >= MAX_QUEUED_DATAGRAMS {
            tracing::warn!(local = %self.local, "a datagram is lost: the send queue is full");
            return;
        }
        self.waiting.push_back(transmit);
        if self.waiting.len().is_multiple_of(SEND_BATCH) {
            self.send_waiting(arrivals);
        }
    }

    /// Sends what waited, then reads [`UDP_BATCH`] datagrams or a few more, which need
    /// [`ROOM`](super::receive_batch::ROOM). Wakes the task when there is more to do.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
        arrivals: &mut Vec<Arrival>,
    ) {
        let _ = self.poll_flush(cx, arrivals);
        if self.poll_receive(cx, room, arrivals).is_ready() {
            cx.waker().wake_by_ref();
        }
        if self.reports.as_mut().poll(cx).is_ready() {
            self.read_reports(arrivals);
            self.reports = Box::pin(icmp::wait(self.socket.clone()));
            cx.waker().wake_by_ref();
        }
    }

    /// Ready when nothing waits to be sent.
    pub(super) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        arrivals: &mut Vec<Arrival>,
    ) -> Poll<()> {
        if self.send_waiting(arrivals) {
            return Poll::Ready(());
        }
        // The attempt has told the runtime to look again.
        if self.socket.poll_send_ready(cx).is_ready() {
            if self.send_waiting(arrivals) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Sends what waits while the kernel has room. True when nothing is left.
    pub(super) fn send_waiting(&mut self, arrivals: &mut Vec<Arrival>) -> bool {
        while !self.waiting.is_empty() {
            let sent = self.sender.send(&self.socket, &self.waiting);
            for transmit in self.waiting.drain(..sent) {
                remember(&mut self.remembered, &transmit);
            }
            if sent > 0 {
                continue;
            }
            // By itself, so that what goes wrong is known to be wrong with this one.
            let Some(first) = self.waiting.pop_front() else {
                break;
            };
            if !self.try_send(&first, arrivals) {
                self.waiting.push_front(first);
                return false;
            }
        }
        true
    }

    /// Pending when the socket has been read empty, ready when the batch is full.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
        arrivals: &mut Vec<Arrival>,
    ) -> Poll<io::Result<()>> {
        let local = self.local;
        let mut received = 0;
        while received < UDP_BATCH {
            ready!(self.socket.poll_recv_ready(cx))?;
            let outcome = self.receiver.receive(&self.socket, room, |datagram, peer| {
                received += 1;
                arrivals.extend(arrival(local, peer, datagram));
            });
            match outcome {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    // The trouble of an earlier send, reported late; the socket goes on.
                    received += 1;
                    tracing::debug!(%local, %error, "reading a datagram failed");
                }
                // There may be more, or the runtime is asked again.
                _ => {}
            }
        }
        Poll::Ready(Ok(()))
    }

    /// False when the kernel has no room.
    fn try_send(&mut self, transmit: &Transmit, arrivals: &mut Vec<Arrival>) -> bool {
        let peer = transmit.path.peer;
        let mut outcome = self.socket.try_send_to(&transmit.payload, peer);
        if outcome.as_ref().is_err_and(icmp::is_pending_report) {
            outcome = self.socket.try_send_to(&transmit.payload, peer);
        }
        match outcome {
            Ok(_) => remember(&mut self.remembered, transmit),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) if icmp::is_silent_loss(&error) => {}
            Err(error) => {
                tracing::debug!(local = %self.local, %error, "sending a datagram failed");
                let failure = if transmit.payload.len() > MAX_PAYLOAD {
                    SendFailure::TooLong
                } else {
                    SendFailure::Unreachable
                };
                arrivals.extend(unsent(transmit.token, failure));
            }
        }
        true
    }

    fn read_reports(&mut self, arrivals: &mut Vec<Arrival>) {
        for _ in 0..UDP_BATCH {
            let Some((peer, quote)) = icmp::next_report(&self.socket) else {
                icmp::all_read(&self.socket);
                return;
            };
            let lost = self.remembered.iter().rposition(|sent| {
                sent.peer == peer && quote.len() >= MIN_QUOTE && sent.payload.starts_with(&quote)
            });
            if let Some(lost) = lost.and_then(|at| self.remembered.remove(at)) {
                tracing::debug!(%peer, "ICMP reports a datagram undelivered");
                arrivals.push(Arrival::Unsent(lost.token, SendFailure::Unreachable));
            }
        }
    }
}

fn arrival(local: SocketAddr, peer: SocketAddr, datagram: &[u8]) -> Option<Arrival> {
    // Blanks and zeros keep a NAT binding open and say nothing. Port 0 can't be answered.
    let idle = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    if peer.port() == 0 || datagram.iter().all(idle) {
        return None;
    }
    Some(Arrival::Message {
        path: Path {
            transport: Transport::Udp,
            local,
            peer,
            connection: None,
            server: None,
        },
        payload: Bytes::copy_from_slice(datagram),
    })
}

/// Keeps a datagram whose sender wants to know of failures.
fn remember(remembered: &mut VecDeque<Remembered>, transmit: &Transmit) {
    let Some(token) = transmit.token else { return };
    if remembered.len() >= MAX_REMEMBERED {
        remembered.pop_front();
    }
    remembered.push_back(Remembered {
        peer: transmit.path.peer,
        payload: transmit.payload.clone(),
        token,
    });
}

impl std::fmt::Debug for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Port")
            .field("local", &self.local)
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// A new socket is not known to be writable before the runtime has looked, so what is sent
    /// at once must wait.
    #[tokio::test]
    async fn what_must_wait_is_sent_later_and_in_order() {
        const COUNT: u8 = 50;
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let local = socket.local_addr().unwrap();
        let mut port = Port::new(socket, local).unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let path = Path {
            transport: Transport::Udp,
            local,
            peer: peer.local_addr().unwrap(),
            connection: None,
            server: None,
        };
        let mut arrivals = Vec::new();
        for n in 0..COUNT {
            let transmit = Transmit {
                path,
                payload: Bytes::from(vec![n]),
                token: None,
                server_name: None,
            };
            port.send(transmit, &mut arrivals);
        }
        assert_eq!(port.waiting.len(), usize::from(COUNT));
        poll_fn(|cx| port.poll_flush(cx, &mut arrivals)).await;
        for n in 0..COUNT {
            let mut buffer = [0; 8];
            assert_eq!(peer.recv(&mut buffer).await.unwrap(), 1);
            assert_eq!(buffer[0], n);
        }
        assert!(arrivals.is_empty());
    }

    #[tokio::test]
    async fn the_queue_is_limited() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let local = socket.local_addr().unwrap();
        let mut port = Port::new(socket, local).unwrap();
        let transmit = Transmit {
            path: Path {
                transport: Transport::Udp,
                local,
                peer: local,
                connection: None,
                server: None,
            },
            payload: Bytes::from_static(b"x"),
            token: None,
            server_name: None,
        };
        let mut arrivals = Vec::new();
        for _ in 0..MAX_QUEUED_DATAGRAMS + 10 {
            port.send(transmit.clone(), &mut arrivals);
        }
        assert_eq!(port.waiting.len(), MAX_QUEUED_DATAGRAMS);
    }
}
