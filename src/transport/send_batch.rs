//! Several datagrams in one call of the system, where there is such a call: entering the kernel
//! is a fifth of what a datagram costs.

/// The most that are handed over at once.
pub(super) const SEND_BATCH: usize = 32;

pub(super) use system::send_batch;

#[cfg(target_os = "linux")]
mod system {
    use std::collections::VecDeque;
    use std::io::IoSlice;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{sendmmsg, MsgFlags, MultiHeaders, SockaddrStorage};
    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use super::SEND_BATCH;
    use crate::engine::Transmit;

    /// Sends the first of these, if there are several. Returns how many have been sent; none when
    /// the first one can't be, for whatever reason.
    pub(in super::super) fn send_batch(socket: &UdpSocket, waiting: &VecDeque<Transmit>) -> usize {
        if waiting.len() < 2 {
            return 0;
        }
        let batch = || waiting.iter().take(SEND_BATCH);
        let texts: Vec<_> = batch().map(|one| [IoSlice::new(&one.payload)]).collect();
        let peers: Vec<_> = batch()
            .map(|one| Some(SockaddrStorage::from(one.path.peer)))
            .collect();
        let mut headers = MultiHeaders::preallocate(texts.len(), None);
        let sent = socket.try_io(Interest::WRITABLE, || {
            let descriptor = socket.as_raw_fd();
            let flags = MsgFlags::empty();
            let sent = sendmmsg(descriptor, &mut headers, &texts, &peers, [], flags)?;
            Ok(sent.count())
        });
        sent.unwrap_or(0)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::collections::VecDeque;

    use tokio::net::UdpSocket;

    use crate::engine::Transmit;

    /// There is no such call: they go one by one.
    pub(in super::super) fn send_batch(
        _socket: &UdpSocket,
        _waiting: &VecDeque<Transmit>,
    ) -> usize {
        0
    }
}
