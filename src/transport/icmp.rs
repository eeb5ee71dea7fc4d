//! Datagrams that ICMP says were not delivered (RFC 3261 §18.4): the system tells of them on
//! Linux, where the sender learns at once that nobody listens. Elsewhere its timers find out.

/// Bytes of a quoted datagram that must be there for it to be recognized: less is not even a start
/// line. Routers quote 8 bytes at least, and most of them up to 548.
pub(super) const MIN_QUOTE: usize = 32;

pub(super) use system::{all_read, enable, is_pending_report, is_silent_loss, next_report, wait};

#[cfg(target_os = "linux")]
mod system {
    use std::io::{self, IoSliceMut};
    use std::net::SocketAddr;
    use std::os::fd::{AsFd, AsRawFd};
    use std::sync::Arc;

    use nix::cmsg_space;
    use nix::errno::Errno;
    use nix::libc::{sock_extended_err, sockaddr_in6};
    use nix::sys::socket::{
        recvmsg, setsockopt, sockopt, ControlMessageOwned, MsgFlags, SockaddrStorage,
    };
    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    /// Bytes of a quoted datagram that are looked at.
    const MAX_QUOTE: usize = 1_024;

    /// Has the system keep what ICMP reports about this socket's datagrams.
    pub(in super::super) fn enable(socket: &impl AsFd, local: SocketAddr) {
        let outcome = match local {
            SocketAddr::V4(_) => setsockopt(socket, sockopt::Ipv4RecvErr, &true),
            SocketAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvErr, &true),
        };
        if let Err(error) = outcome {
            tracing::debug!(%local, %error, "ICMP errors are not reported");
        }
    }

    /// Waits for reports.
    pub(in super::super) async fn wait(socket: Arc<UdpSocket>) {
        // Fails when the runtime goes.
        let _ = socket.ready(Interest::ERROR).await;
    }

    /// Nothing is left of what was waited for.
    pub(in super::super) fn all_read(socket: &UdpSocket) {
        // An attempt that would block is what makes the runtime look again.
        let _ = socket.try_io(Interest::ERROR, || -> io::Result<()> {
            Err(io::ErrorKind::WouldBlock.into())
        });
    }

    /// The next datagram that could not be delivered: whom it was for, and how it began.
    pub(in super::super) fn next_report(socket: &UdpSocket) -> Option<(SocketAddr, Vec<u8>)> {
        loop {
            let mut quote = [0; MAX_QUOTE];
            let mut control = cmsg_space!(sock_extended_err, sockaddr_in6);
            let (peer, length, is_unreachable) = {
                let mut buffers = [IoSliceMut::new(&mut quote)];
                let report = recvmsg::<SockaddrStorage>(
                    socket.as_fd().as_raw_fd(),
                    &mut buffers,
                    Some(&mut control),
                    MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT,
                )
                .ok()?;
                let mut controls = report.cmsgs().ok()?;
                (
                    report.address.as_ref().and_then(to_socket_address),
                    report.bytes,
                    controls.any(|control| tells_unreachable(&control)),
                )
            };
            if let (Some(peer), true) = (peer, is_unreachable) {
                return Some((peer, quote.get(..length).unwrap_or_default().to_vec()));
            }
        }
    }

    /// True for the echo of an earlier report in the result of a call that has nothing to do
    /// with it. The system gives it once.
    pub(in super::super) fn is_pending_report(error: &io::Error) -> bool {
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
        )
    }

    /// True when the datagram was lost on the way out of this host, which only a socket with
    /// reports is told. A retransmission may do better.
    pub(in super::super) fn is_silent_loss(error: &io::Error) -> bool {
        error.raw_os_error() == Some(Errno::ENOBUFS as i32)
    }

    fn tells_unreachable(control: &ControlMessageOwned) -> bool {
        let report = match control {
            ControlMessageOwned::Ipv4RecvErr(report, _)
            | ControlMessageOwned::Ipv6RecvErr(report, _) => report,
            _ => return false,
        };
        let errno = i32::try_from(report.ee_errno).map(Errno::from_raw);
        matches!(
            errno,
            Ok(Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH | Errno::ENOPROTOOPT)
        )
    }

    fn to_socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
        if let Some(v4) = address.as_sockaddr_in() {
            return Some(SocketAddr::V4((*v4).into()));
        }
        let v6 = address.as_sockaddr_in6()?;
        // Without flow and scope, as addresses are compared.
        Some(SocketAddr::new(v6.ip().into(), v6.port()))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::net::SocketAddr;
    use std::sync::Arc;

    use tokio::net::UdpSocket;

    pub(in super::super) async fn wait(_socket: Arc<UdpSocket>) {
        std::future::pending().await
    }

    pub(in super::super) fn all_read(_socket: &UdpSocket) {}

    pub(in super::super) fn enable<S>(_socket: &S, _local: SocketAddr) {}

    pub(in super::super) fn next_report(_socket: &UdpSocket) -> Option<(SocketAddr, Vec<u8>)> {
        None
    }

    pub(in super::super) fn is_pending_report(_error: &io::Error) -> bool {
        false
    }

    pub(in super::super) fn is_silent_loss(_error: &io::Error) -> bool {
        false
    }
}
