//! Peers that have vanished are noticed (RFC 5626 §4.4.1, RFC 6455 §5.5.2), and so are
//! connections that nobody uses.

use std::time::Duration;

use crate::common::ws::{frame, raw};
use crate::common::{connect_and_send, expect_bytes, expect_end, request, transmit, Sockets};
use drachtio::engine::Transport;
use drachtio::transport::{Arrival, Limits};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_silent_peer_that_was_connected_to_is_pinged_and_lives_while_it_answers() {
    let limits = Limits {
        keep_alive: Some(SHORT),
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=tcp", limits);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = sockets.path_to(Transport::Tcp, listener.local_addr().unwrap());
    let message = request("out", 0);
    sockets.transports.send(transmit(path, message.clone()));
    let (mut stream, _) = sockets.attend(listener.accept()).await.unwrap();
    sockets.attend(expect_bytes(&mut stream, &message)).await;
    for _ in 0..3 {
        let ping = expect_bytes(&mut stream, b"\r\n\r\n");
        sockets.attend(ping).await;
        stream.write_all(b"\r\n").await.unwrap();
    }
    assert_eq!(sockets.transports.connections(), 1);
}

#[tokio::test]
async fn a_client_is_not_pinged_on_a_byte_stream() {
    let limits = Limits {
        keep_alive: Some(SHORT),
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=tcp", limits);
    let (mut stream, path) = connect_and_send(&mut sockets, "in").await;
    sockets.attend(tokio::time::sleep(3 * SHORT)).await;
    let answer = request("answer", 0);
    sockets.transports.send(transmit(path, answer.clone()));
    sockets.attend(expect_bytes(&mut stream, &answer)).await;
}

#[tokio::test]
async fn a_websocket_that_does_not_answer_a_ping_is_closed() {
    let limits = Limits {
        websocket_ping: Some(SHORT),
        pong: SHORT,
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=ws", limits);
    let mut stream = raw(&mut sockets).await;
    stream
        .write_all(&frame(0x81, &request("in", 0)))
        .await
        .unwrap();
    sockets.next_message().await;
    let ping = expect_bytes(&mut stream, b"\x89\x00");
    sockets.attend(ping).await;
    assert_eq!(sockets.transports.connections(), 1);
    assert!(matches!(sockets.next().await, Arrival::Closed(_)));
    sockets.attend(expect_end(&mut stream)).await;
}

#[tokio::test]
async fn a_websocket_that_answers_pings_stays_open() {
    let limits = Limits {
        websocket_ping: Some(SHORT),
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=ws", limits);
    let mut stream = raw(&mut sockets).await;
    for _ in 0..3 {
        let ping = expect_bytes(&mut stream, b"\x89\x00");
        sockets.attend(ping).await;
        stream.write_all(&frame(0x8a, b"")).await.unwrap();
    }
    assert_eq!(sockets.transports.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_when_that_is_asked_for() {
    let limits = Limits {
        idle: Some(3 * SHORT),
        websocket_ping: Some(SHORT),
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=tcp,ws", limits);
    let mut idle = raw(&mut sockets).await;
    let (mut busy, path) = connect_and_send(&mut sockets, "busy").await;
    // This side's pings, and the answers to them, are no use.
    for _ in 0..2 {
        let ping = expect_bytes(&mut idle, b"\x89\x00");
        sockets.attend(ping).await;
        idle.write_all(&frame(0x8a, b"")).await.unwrap();
        busy.write_all(b"\r\n\r\n").await.unwrap();
        sockets.attend(expect_bytes(&mut busy, b"\r\n")).await;
    }
    let going = expect_bytes(&mut idle, b"\x88\x02\x03\xe9");
    sockets.attend(going).await;
    let answer = request("answer", 0);
    sockets.transports.send(transmit(path, answer.clone()));
    sockets.attend(expect_bytes(&mut busy, &answer)).await;
}
