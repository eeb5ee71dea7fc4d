//! Datagrams go out from the listener's address and come in with it (RFC 3261 §18).

use crate::common::{request, token, transmit, Sockets};
use bytes::Bytes;
use drachtio::engine::{SendFailure, Transmit, Transport};
use drachtio::transport::Arrival;
use tokio::net::UdpSocket;

async fn exchange(contact: &str, peer_address: &str) {
    let mut sockets = Sockets::open(contact);
    let local = sockets.address(Transport::Udp);
    let peer = UdpSocket::bind(peer_address).await.unwrap();
    let message = request("one", 10);
    peer.send_to(&message, local).await.unwrap();

    let (path, payload) = sockets.next_message().await;
    assert_eq!(payload, message);
    assert_eq!(path.transport, Transport::Udp);
    assert_eq!(path.local, local);
    assert_eq!(path.peer, peer.local_addr().unwrap());
    assert_eq!(path.connection, None);

    let answer = request("answer", 0);
    sockets.transports.send(transmit(path, answer.clone()));
    let mut buffer = [0; 2048];
    let received = sockets.attend(peer.recv_from(&mut buffer)).await;
    let (length, from) = received.unwrap();
    assert_eq!(&buffer[..length], &answer[..]);
    assert_eq!(from, local);
}

#[tokio::test]
async fn ipv4() {
    exchange("sip:127.0.0.1:0;transport=udp", "127.0.0.1:0").await;
}

#[tokio::test]
async fn ipv6() {
    exchange("sip:[::1]:0;transport=udp", "[::1]:0").await;
}

#[tokio::test]
async fn a_burst_arrives_whole_and_in_order() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=udp");
    let local = sockets.address(Transport::Udp);
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for n in 0..300 {
        let message = request(&n.to_string(), 0);
        peer.send_to(&message, local).await.unwrap();
    }
    for n in 0..300 {
        let (_, payload) = sockets.next_message().await;
        assert_eq!(payload, request(&n.to_string(), 0));
    }
}

#[tokio::test]
async fn long_and_short_datagrams_that_wait_together_arrive_whole() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=udp");
    let local = sockets.address(Transport::Udp);
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let messages: Vec<Bytes> = (0..40)
        .map(|n| request(&n.to_string(), if n % 8 == 0 { 12_000 } else { n }))
        .collect();
    for message in &messages {
        peer.send_to(message, local).await.unwrap();
    }
    for message in &messages {
        assert_eq!(sockets.next_message().await.1, message);
    }
}

#[tokio::test]
async fn a_report_about_a_datagram_that_was_sent_holds_up_none_that_wait() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=udp");
    let local = sockets.address(Transport::Udp);
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for n in 0..40 {
        let message = request(&n.to_string(), 0);
        peer.send_to(&message, local).await.unwrap();
    }
    let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr();
    let path = sockets.path_to(Transport::Udp, gone.unwrap());
    sockets.transports.send(transmit(path, request("lost", 0)));
    for n in 0..40 {
        let (_, payload) = sockets.next_message().await;
        assert_eq!(payload, request(&n.to_string(), 0));
    }
}

#[tokio::test]
async fn keep_alives_are_not_messages() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=udp");
    let local = sockets.address(Transport::Udp);
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for idle in [&b""[..], b"\r\n\r\n", b"\0\0\0\0", b"\r\n"] {
        peer.send_to(idle, local).await.unwrap();
    }
    let message = request("real", 0);
    peer.send_to(&message, local).await.unwrap();
    assert_eq!(sockets.next_message().await.1, message);
}

#[tokio::test]
async fn the_largest_datagram_arrives_whole() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=udp");
    let local = sockets.address(Transport::Udp);
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let head = request("big", 0).len();
    let message = request("big", 65_507 - head - 4);
    assert_eq!(message.len(), 65_507);
    peer.send_to(&message, local).await.unwrap();
    assert_eq!(sockets.next_message().await.1, message);
}

#[tokio::test]
async fn a_datagram_that_no_network_takes_is_told_to_its_sender() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=udp");
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let token = token();
    sockets.transports.send(Transmit {
        path: sockets.path_to(Transport::Udp, peer.local_addr().unwrap()),
        payload: Bytes::from(vec![b'x'; 65_508]),
        token: Some(token),
        server_name: None,
    });
    match sockets.next().await {
        Arrival::Unsent(unsent, why) => {
            assert_eq!((unsent, why), (token, SendFailure::TooLong));
        }
        other => panic!("{other:?}"),
    }
}
