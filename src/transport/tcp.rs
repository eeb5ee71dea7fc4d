//! TCP: the listening sockets, and the opening of connections.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use std::future::Future;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, Sleep};

use super::limits::{ACCEPT_BATCH, ACCEPT_PAUSE};

/// One listening TCP socket.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    local: SocketAddr,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Acceptor {
    /// Must be called inside a tokio runtime.
    pub(super) fn new(listener: std::net::TcpListener, local: SocketAddr) -> io::Result<Acceptor> {
        Ok(Acceptor {
            listener: TcpListener::from_std(listener)?,
            local,
            pause: None,
        })
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
                    set_no_delay(&stream);
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
    set_no_delay(&stream);
    Ok(stream)
}

/// A message is written whole, so there is nothing to wait for.
fn set_no_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
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
