//! Several datagrams in one call of the system, where there is such a call: entering the kernel
//! is a fifth of what a datagram costs.

/// The most that are handed over at once.
pub(super) const SEND_BATCH: usize = 32;

pub(super) use system::Sender;

#[cfg(target_os = "linux")]
mod system {
    use std::array;
    use std::collections::VecDeque;
    use std::io::IoSlice;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{sendmmsg, MsgFlags, MultiHeaders, SockaddrStorage};
    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use super::SEND_BATCH;
    use crate::engine::Transmit;

    /// What is kept from one call to the next, for its memory.
    pub(in super::super) struct Sender(MultiHeaders<SockaddrStorage>);

    impl Sender {
        pub(in super::super) fn new() -> Sender {
            Sender(MultiHeaders::preallocate(SEND_BATCH, None))
        }

        /// Sends the first of these, if there are several. Returns how many have been sent; none
        /// when the first one can't be, for whatever reason.
        pub(in super::super) fn send(
            &mut self,
            socket: &UdpSocket,
            waiting: &VecDeque<Transmit>,
        ) -> usize {
            if waiting.len() < 2 {
                return 0;
            }
            let payload = |at| waiting.get(at).map_or(&[][..], |one| &one.payload);
            let texts: [_; SEND_BATCH] = array::from_fn(|at| [IoSlice::new(payload(at))]);
            let texts = texts.iter().take(waiting.len());
            let peer = |one: &Transmit| SockaddrStorage::from(one.path.peer);
            let peers: [_; SEND_BATCH] = array::from_fn(|at| waiting.get(at).map(peer));
            let sent = socket.try_io(Interest::WRITABLE, || {
                let (descriptor, flags) = (socket.as_raw_fd(), MsgFlags::empty());
                let sent = sendmmsg(descriptor, &mut self.0, texts, peers, [], flags)?;
                Ok(sent.count())
            });
            sent.unwrap_or(0)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::collections::VecDeque;

    use tokio::net::UdpSocket;

    use crate::engine::Transmit;

    pub(in super::super) struct Sender;

    impl Sender {
        pub(in super::super) fn new() -> Sender {
            Sender
        }

        /// There is no such call: they go one by one.
        pub(in super::super) fn send(
            &mut self,
            _socket: &UdpSocket,
            _waiting: &VecDeque<Transmit>,
        ) -> usize {
            0
        }
    }
}
