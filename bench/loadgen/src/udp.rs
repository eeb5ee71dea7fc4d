//! A UDP socket on loopback.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};

/// As much as the kernel gives an ordinary user by default on the machines this runs on; what comes in bursts waits here.
const RECEIVE_BUFFER: usize = 4 << 20;

pub fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_nonblocking(true)?;
    rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER)?;
    Ok(socket)
}

pub fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
    match socket.recv_from(buffer) {
        Ok(received) => Ok(Some(received)),
        // The ICMP error of an earlier datagram: the target is not there, which its silence will show.
        Err(err)
            if matches!(
                err.kind(),
                ErrorKind::WouldBlock | ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(err) => Err(err),
    }
}

pub fn send(socket: &UdpSocket, text: &[u8], to: SocketAddr) -> io::Result<()> {
    match socket.send_to(text, to) {
        // A datagram that finds no room is lost, as it may be on any network; the retransmission is counted.
        Ok(_) => Ok(()),
        Err(err)
            if matches!(
                err.kind(),
                ErrorKind::WouldBlock | ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(())
        }
        Err(err) => Err(err),
    }
}
