//! Several datagrams out of the kernel in one call of the system, where there is such a call.

pub(super) use system::{Receiver, ROOM};

#[cfg(target_os = "linux")]
mod system {
    use std::array;
    use std::io::{self, IoSliceMut};
    use std::net::SocketAddr;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{recvmmsg, MsgFlags, MultiHeaders, SockaddrStorage};
    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use crate::message::limits::MAX_DATAGRAM;

    /// The most that are taken at once.
    const BATCH: usize = 16;

    /// Bytes from one datagram to the next: any datagram has room, and no two of them begin in the
    /// same lines of the processor's cache, as they would if all lay a power of two apart. Memory is
    /// had for as much of it as datagrams have filled, which is the first page of each mostly.
    const STRIDE: usize = MAX_DATAGRAM + 1 + 1_024;

    /// Bytes that a batch needs.
    pub(in super::super) const ROOM: usize = BATCH * STRIDE;

    /// What is kept from one call to the next. One socket's peers have addresses of one length,
    /// which the system notes here.
    pub(in super::super) struct Receiver(MultiHeaders<SockaddrStorage>);

    impl Receiver {
        pub(in super::super) fn new() -> Receiver {
            Receiver(MultiHeaders::preallocate(BATCH, None))
        }

        /// Reads datagrams into the room, and has them taken. `WouldBlock` when the socket has been
        /// read empty, which is known without another call when there were fewer than could be.
        pub(in super::super) fn receive(
            &mut self,
            socket: &UdpSocket,
            room: &mut [u8],
            mut take: impl FnMut(&[u8], SocketAddr),
        ) -> io::Result<()> {
            let mut places = room.chunks_exact_mut(STRIDE);
            let mut places: [_; BATCH] =
                array::from_fn(|_| [IoSliceMut::new(places.next().unwrap_or_default())]);
            socket.try_io(Interest::READABLE, || {
                let (descriptor, flags) = (socket.as_raw_fd(), MsgFlags::empty());
                let datagrams = recvmmsg(descriptor, &mut self.0, &mut places, flags, None)?;
                let mut count = 0;
                for datagram in datagrams {
                    count += 1;
                    let bytes = datagram.iovs().next().unwrap_or_default();
                    if let Some(peer) = datagram.address.as_ref().and_then(socket_address) {
                        take(bytes, peer);
                    }
                }
                match count {
                    BATCH => Ok(()),
                    _ => Err(io::ErrorKind::WouldBlock.into()),
                }
            })
        }
    }

    fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
        let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::from(*v4));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::from(*v6)))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::net::SocketAddr;

    use tokio::net::UdpSocket;

    use crate::message::limits::MAX_DATAGRAM;

    pub(in super::super) const ROOM: usize = MAX_DATAGRAM;

    pub(in super::super) struct Receiver;

    impl Receiver {
        pub(in super::super) fn new() -> Receiver {
            Receiver
        }

        /// There is no such call: they come one by one.
        pub(in super::super) fn receive(
            &mut self,
            socket: &UdpSocket,
            room: &mut [u8],
            mut take: impl FnMut(&[u8], SocketAddr),
        ) -> io::Result<()> {
            let (length, peer) = socket.try_recv_from(room)?;
            take(room.get(..length).unwrap_or_default(), peer);
            Ok(())
        }
    }
}
