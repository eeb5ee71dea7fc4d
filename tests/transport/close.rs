//! Closing writes what is queued, and ends every connection and socket.

use std::time::Duration;

use crate::common::{connect_and_send, request, transmit, Sockets, PATIENCE};
use drachtio::engine::Transport;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;

#[tokio::test]
async fn what_is_queued_is_written_first() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let (mut stream, path) = connect_and_send(&mut sockets, "in").await;
    let answers: Vec<_> = (0..100).map(|n| request(&n.to_string(), 100)).collect();
    for answer in &answers {
        sockets.transports.send(transmit(path, answer.clone()));
    }
    sockets.transports.close(Duration::from_secs(10)).await;
    let mut received = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut received)).await;
    read.unwrap().unwrap();
    assert_eq!(received, answers.concat());
}

#[tokio::test]
async fn a_message_to_a_peer_that_is_being_connected_is_written_too() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = sockets.path_to(Transport::Tcp, listener.local_addr().unwrap());
    let message = request("last", 0);
    sockets.transports.send(transmit(path, message.clone()));
    sockets.transports.close(Duration::from_secs(10)).await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, message);
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_not_waited_for() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let (_stalled, path) = connect_and_send(&mut sockets, "in").await;
    for _ in 0..15 {
        sockets
            .transports
            .send(transmit(path, request("much", 250_000)));
    }
    let closing = sockets.transports.close(Duration::from_millis(100));
    timeout(PATIENCE, closing).await.expect("closing hangs");
}

#[tokio::test]
async fn the_ports_are_free_afterwards() {
    let sockets = Sockets::open("sip:127.0.0.1:0");
    let (udp, tcp) = (
        sockets.address(Transport::Udp),
        sockets.address(Transport::Tcp),
    );
    sockets.transports.close(Duration::from_secs(1)).await;
    UdpSocket::bind(udp).await.unwrap();
    TcpListener::bind(tcp).await.unwrap();
}
