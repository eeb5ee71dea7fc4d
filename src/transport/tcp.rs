//! TCP: the listening sockets, and the opening of connections. TLS and WebSockets begin here too.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use std::future::Future;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, Sleep};

use super::limits::{ACCEPT_BATCH, ACCEPT_PAUSE, TCP_KEEP_ALIVE};
use crate::engine::Transport;

/// One listening TCP socket, whatever is spoken above.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    transport: Transport,
    local: SocketAddr,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Acceptor {
    /// Must be called inside a tokio runtime.
    pub(super) fn new(
        listener: std::net::TcpListener,
        transport: Transport,
        local: SocketAddr,
    ) -> io::Result<Acceptor> {
        Ok(Acceptor {
            listener: TcpListener::from_std(listener)?,
            transport,
            local,
            pause: None,
        })
    }

    pub(super) fn transport(&self) -> Transport {
        self.transport
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// The next connections, up to [`ACCEPT_BATCH`]. Wakes the task when there are more.
    pub(super) fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
        accepted: &mut Vec<(TcpStream, SocketAddr)>,
    ) {
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(cx).is_pending() {
                return;
            }
            self.pause = None;
        }
        for _ in 0..ACCEPT_BATCH {
            match self.listener.poll_accept(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok((stream, peer))) => {
                    set_options(&stream);
                    accepted.push((stream, peer));
                }
                Poll::Ready(Err(error)) if is_of_the_connection(&error) => {}
                Poll::Ready(Err(error)) => {
                    tracing::warn!(local = %self.local, %error, "cannot accept connections");
                    self.pause = Some(Box::pin(sleep(ACCEPT_PAUSE)));
                    break;
                }
            }
        }
        cx.waker().wake_by_ref();
    }
}

/// Opens a connection to `peer` from the listener's address, so that the peer sees where its own
/// requests would go; the port is the system's choice.
pub(super) async fn connect(local: SocketAddr, peer: SocketAddr) -> io::Result<TcpStream> {
    let socket = match peer {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(local.ip(), 0))?;
    let stream = socket.connect(peer).await?;
    set_options(&stream);
    Ok(stream)
}

/// A message is written whole, so there is nothing to wait for. Of a peer that has vanished
/// without a word the system finds out, whether there is something to send to it or not.
fn set_options(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let (idle, interval, count) = TCP_KEEP_ALIVE;
    let keep_alive = TcpKeepalive::new().with_time(idle);
    #[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
    let keep_alive = keep_alive.with_interval(interval).with_retries(count);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keep_alive));
    #[cfg(target_os = "linux")]
    let set = set.and_then(|()| socket.set_tcp_user_timeout(Some(super::limits::STALL_TIMEOUT)));
    if let Err(error) = set {
        tracing::debug!(%error, "an option of a TCP socket was refused");
    }
}

/// True for the failure of one connection that was over before it was accepted.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
