//! What can't be sent is told to its sender; a connection may break at any moment.

use std::net::SocketAddr;
use std::time::Duration;

use crate::common::{connect_and_send, expect_bytes, request, reset, token, transmit, Sockets};
use drachtio::engine::{Transmit, Transport};
use drachtio::transport::{Arrival, Limits};
use socket2::{Domain, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// Sends to an address where it can't arrive; the sender must be told, then the end.
async fn expect_failure(sockets: &mut Sockets, peer: SocketAddr) {
    let token = token();
    let path = sockets.path_to(Transport::Tcp, peer);
    sockets.transports.send(Transmit {
        token: Some(token),
        ..transmit(path, request("lost", 0))
    });
    match sockets.next().await {
        Arrival::Unsent(unsent, _) => assert_eq!(unsent, token),
        other => panic!("{other:?}"),
    }
    assert!(matches!(sockets.next().await, Arrival::Closed(_)));
    assert_eq!(sockets.transports.connections(), 0);
}

#[tokio::test]
async fn connection_refused() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    expect_failure(&mut sockets, nobody).await;
}

#[tokio::test]
async fn a_peer_that_does_not_accept_in_time() {
    let limits = Limits {
        connect: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=tcp", limits);
    // A listener whose queue is full leaves further connections waiting.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let peer = listener.local_addr().unwrap().as_socket().unwrap();
    let mut held = Vec::new();
    for _ in 0..4 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        let _ = socket.connect(&peer.into());
        held.push(socket);
    }
    expect_failure(&mut sockets, peer).await;
}

#[tokio::test]
async fn messages_without_a_sender_that_cares_are_lost_silently() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = sockets.path_to(Transport::Tcp, listener.local_addr().unwrap());
    drop(listener);
    sockets.transports.send(transmit(path, request("lost", 0)));
    assert!(matches!(sockets.next().await, Arrival::Closed(_)));
}

#[tokio::test]
async fn a_reset_at_any_step_ends_that_connection_only() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let (mut other, other_path) = connect_and_send(&mut sockets, "other").await;
    let message = request("victim", 20);
    let steps: [&[u8]; 6] = [
        b"",
        b"\r\n",
        b"OPTI",
        message.get(..60).unwrap(),
        message.get(..message.len() - 5).unwrap(),
        &message,
    ];
    for step in steps {
        let address = sockets.address(Transport::Tcp);
        let mut victim = TcpStream::connect(address).await.unwrap();
        victim.write_all(step).await.unwrap();
        if step == message {
            let (path, _) = sockets.next_message().await;
            sockets
                .transports
                .send(transmit(path, request("answer", 0)));
        }
        // The connection must be known before it breaks, to see it end.
        while sockets.transports.connections() < 2 {
            sockets.attend(tokio::task::yield_now()).await;
        }
        reset(victim);
        assert!(matches!(sockets.next().await, Arrival::Closed(_)));
        assert_eq!(sockets.transports.connections(), 1);
    }
    let answer = request("answer", 0);
    sockets
        .transports
        .send(transmit(other_path, answer.clone()));
    sockets.attend(expect_bytes(&mut other, &answer)).await;
}

/// What ICMP reports reaches the sender on Linux; elsewhere a timer tells.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_datagram_for_a_port_on_which_nobody_listens() {
    for (contact, peer) in [
        ("sip:127.0.0.1:0;transport=udp", "127.0.0.1:0"),
        ("sip:[::1]:0;transport=udp", "[::1]:0"),
    ] {
        let mut sockets = Sockets::open(contact);
        let socket = UdpSocket::bind(peer).await.unwrap();
        let nobody = socket.local_addr().unwrap();
        drop(socket);
        let somebody = UdpSocket::bind(peer).await.unwrap();
        let lost = Transmit {
            token: Some(token()),
            ..transmit(sockets.path_to(Transport::Udp, nobody), request("a", 9))
        };
        let delivered = Transmit {
            token: Some(token()),
            ..transmit(
                sockets.path_to(Transport::Udp, somebody.local_addr().unwrap()),
                request("b", 9),
            )
        };
        // Whatever the order, only the one that was lost is reported.
        sockets.transports.send(delivered.clone());
        sockets.transports.send(lost.clone());
        sockets.transports.send(delivered.clone());
        match sockets.next().await {
            Arrival::Unsent(unsent, _) => assert_eq!(Some(unsent), lost.token),
            other => panic!("{other:?}"),
        }
        let mut buffer = [0; 2_048];
        for _ in 0..2 {
            let (length, _) = somebody.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], &delivered.payload[..]);
        }
        // The socket goes on, also right after a report.
        sockets.transports.send(delivered.clone());
        let (length, _) = sockets
            .attend(somebody.recv_from(&mut buffer))
            .await
            .unwrap();
        assert_eq!(length, delivered.payload.len());
        let local = sockets.address(Transport::Udp);
        somebody.send_to(&request("c", 0), local).await.unwrap();
        assert_eq!(sockets.next_message().await.1, request("c", 0));
    }
}
