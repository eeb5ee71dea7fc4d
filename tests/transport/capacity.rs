//! When the connection table is full, the connection that is missed least makes room.

use crate::common::{connect_and_send, expect_bytes, expect_end, request, transmit, Sockets};
use drachtio::engine::Transport;
use drachtio::transport::{Arrival, Limits};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

fn sockets(connections: usize) -> Sockets {
    let limits = Limits {
        connections,
        ..Limits::default()
    };
    Sockets::open_with("sip:127.0.0.1:0;transport=tcp", limits)
}

#[tokio::test]
async fn one_that_never_carried_a_message_goes_first() {
    let mut sockets = sockets(2);
    let (mut useful, useful_path) = connect_and_send(&mut sockets, "useful").await;
    let mut idle = TcpStream::connect(sockets.address(Transport::Tcp))
        .await
        .unwrap();
    while sockets.transports.connections() < 2 {
        sockets.attend(tokio::task::yield_now()).await;
    }
    let _newcomer = TcpStream::connect(sockets.address(Transport::Tcp))
        .await
        .unwrap();
    sockets.attend(expect_end(&mut idle)).await;
    match sockets.next().await {
        Arrival::Closed(id) => assert_ne!(Some(id), useful_path.connection),
        other => panic!("{other:?}"),
    }
    let answer = request("answer", 0);
    sockets
        .transports
        .send(transmit(useful_path, answer.clone()));
    sockets.attend(expect_bytes(&mut useful, &answer)).await;
    assert_eq!(sockets.transports.connections(), 2);
}

#[tokio::test]
async fn a_flood_of_connections_leaves_the_useful_ones_and_the_limit() {
    let mut sockets = sockets(8);
    let (mut useful, useful_path) = connect_and_send(&mut sockets, "useful").await;
    let mut flood = Vec::new();
    for _ in 0..50 {
        flood.push(
            TcpStream::connect(sockets.address(Transport::Tcp))
                .await
                .unwrap(),
        );
        sockets.attend(tokio::task::yield_now()).await;
        assert!(sockets.transports.connections() <= 8);
    }
    let answer = request("answer", 0);
    sockets
        .transports
        .send(transmit(useful_path, answer.clone()));
    sockets.attend(expect_bytes(&mut useful, &answer)).await;
}

/// Who sends the most of a message and not the rest of it, on many connections, does not get all the memory there is.
#[tokio::test]
async fn large_messages_that_are_not_completed_end_when_there_are_too_many_and_small_ones_do_not() {
    let limits = Limits {
        partial_bytes_in_all: 500_000,
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=tcp", limits);
    let whole = request("large", 200_000);
    let address = sockets.address(Transport::Tcp);
    let mut small = TcpStream::connect(address).await.unwrap();
    small.write_all(&whole[..20_000]).await.unwrap();
    let mut flood = Vec::new();
    // Each holds 150,000 bytes at most.
    for _ in 0..5 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // It may be closed before it has taken everything.
        let _ = sockets.attend(stream.write_all(&whole[..150_000])).await;
        flood.push(stream);
    }
    assert!(matches!(sockets.next().await, Arrival::Closed(_)));
    drop(flood);
    for _ in 1..5 {
        assert!(matches!(sockets.next().await, Arrival::Closed(_)));
    }
    // The room is there again.
    let mut large = TcpStream::connect(address).await.unwrap();
    for (stream, begun) in [(&mut small, 20_000), (&mut large, 0)] {
        sockets
            .attend(stream.write_all(&whole[begun..]))
            .await
            .unwrap();
        let Arrival::Message { payload, .. } = sockets.next().await else {
            panic!("no message");
        };
        assert_eq!(payload, whole);
    }
}

#[tokio::test]
async fn an_outgoing_connection_finds_room_as_well() {
    let mut sockets = sockets(1);
    let (mut old, _) = connect_and_send(&mut sockets, "old").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = sockets.path_to(Transport::Tcp, listener.local_addr().unwrap());
    let message = request("out", 0);
    sockets.transports.send(transmit(path, message.clone()));
    let (mut stream, _) = sockets.attend(listener.accept()).await.unwrap();
    sockets.attend(expect_bytes(&mut stream, &message)).await;
    sockets.attend(expect_end(&mut old)).await;
}
