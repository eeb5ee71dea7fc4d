//! One connection serves both directions, and every message to the same peer (RFC 3261 §18.1.1
//! and §18.2.2).

use crate::common::{connect_and_send, expect_bytes, request, token, transmit, Sockets};
use drachtio::engine::{ConnectionId, Path, Transport};
use drachtio::transport::Arrival;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

#[tokio::test]
async fn an_answer_takes_the_connection_that_the_request_came_on() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let (mut stream, path) = connect_and_send(&mut sockets, "in").await;
    assert!(path.connection.is_some());
    assert_eq!(path.local, sockets.address(Transport::Tcp));
    assert_eq!(path.peer, stream.local_addr().unwrap());

    let answer = request("answer", 0);
    sockets.transports.send(transmit(path, answer.clone()));
    sockets.attend(expect_bytes(&mut stream, &answer)).await;
}

#[tokio::test]
async fn a_request_to_a_peer_that_has_connected_takes_its_connection() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let (mut stream, path) = connect_and_send(&mut sockets, "in").await;
    let unconnected = Path {
        connection: None,
        ..path
    };
    let message = request("out", 0);
    sockets
        .transports
        .send(transmit(unconnected, message.clone()));
    sockets.attend(expect_bytes(&mut stream, &message)).await;
    assert_eq!(sockets.transports.connections(), 1);
}

async fn opens_one_connection_for_many_messages(contact: &str, peer: &str) {
    let mut sockets = Sockets::open(contact);
    let listener = TcpListener::bind(peer).await.unwrap();
    let path = sockets.path_to(Transport::Tcp, listener.local_addr().unwrap());
    let (first, second) = (request("first", 0), request("second", 3));
    sockets.transports.send(transmit(path, first.clone()));
    sockets.transports.send(transmit(path, second.clone()));
    let (mut stream, from) = sockets.attend(listener.accept()).await.unwrap();
    assert_eq!(from.ip(), path.local.ip());
    let both = [first, second].concat();
    sockets.attend(expect_bytes(&mut stream, &both)).await;
    assert_eq!(sockets.transports.connections(), 1);

    let answer = request("answer", 0);
    stream.write_all(&answer).await.unwrap();
    let (arrival, payload) = sockets.next_message().await;
    assert_eq!(payload, answer);
    assert_eq!(arrival.peer, path.peer);
    assert_eq!(arrival.local, path.local);
}

#[tokio::test]
async fn messages_to_one_peer_share_the_connection_opened_for_the_first() {
    opens_one_connection_for_many_messages("sip:127.0.0.1:0;transport=tcp", "127.0.0.1:0").await;
}

#[tokio::test]
async fn the_same_over_ipv6() {
    opens_one_connection_for_many_messages("sip:[::1]:0;transport=tcp", "[::1]:0").await;
}

#[tokio::test]
async fn when_the_connection_has_gone_a_new_one_is_opened_to_the_peer() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = Path {
        connection: Some(ConnectionId(4711)),
        ..sockets.path_to(Transport::Tcp, listener.local_addr().unwrap())
    };
    let message = request("late", 0);
    sockets.transports.send(transmit(path, message.clone()));
    let (mut stream, _) = sockets.attend(listener.accept()).await.unwrap();
    sockets.attend(expect_bytes(&mut stream, &message)).await;
}

#[tokio::test]
async fn a_connection_that_the_peer_closed_is_not_used_again() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = sockets.path_to(Transport::Tcp, listener.local_addr().unwrap());
    sockets.transports.send(transmit(path, request("first", 0)));
    let (stream, _) = sockets.attend(listener.accept()).await.unwrap();
    drop(stream);
    assert!(matches!(sockets.next().await, Arrival::Closed(_)));
    assert_eq!(sockets.transports.connections(), 0);

    let message = request("second", 0);
    sockets.transports.send(transmit(path, message.clone()));
    let (mut stream, _) = sockets.attend(listener.accept()).await.unwrap();
    sockets.attend(expect_bytes(&mut stream, &message)).await;
}

#[tokio::test]
async fn the_families_are_never_mixed() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    let path = sockets.path_to(Transport::Tcp, listener.local_addr().unwrap());
    let token = token();
    sockets.transports.send(drachtio::engine::Transmit {
        token: Some(token),
        ..transmit(path, request("no", 0))
    });
    match sockets.next().await {
        Arrival::Unsent(unsent, _) => assert_eq!(unsent, token),
        other => panic!("{other:?}"),
    }
}
