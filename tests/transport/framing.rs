//! A stream is cut into messages, keep-alives are answered, and what is no SIP ends the connection
//! (RFC 3261 §18.3, RFC 5626 §3.5.1).

use std::time::Duration;

use crate::common::{connect_and_send, expect_bytes, expect_end, request, Sockets};
use drachtio::engine::Transport;
use drachtio::transport::{Arrival, Limits};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_message_may_be_split_anywhere() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let (mut stream, _) = connect_and_send(&mut sockets, "before").await;
    stream.set_nodelay(true).unwrap();
    let message = request("split", 5);
    for cut in 1..message.len() {
        let (head, tail) = message.split_at(cut);
        stream.write_all(head).await.unwrap();
        sockets.attend(tokio::task::yield_now()).await;
        stream.write_all(tail).await.unwrap();
        assert_eq!(sockets.next_message().await.1, message);
    }
}

#[tokio::test]
async fn several_messages_may_come_at_once() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let (mut stream, _) = connect_and_send(&mut sockets, "before").await;
    let messages: Vec<_> = (0..200).map(|n| request(&n.to_string(), n)).collect();
    let writing = async {
        stream.write_all(&messages.concat()).await.unwrap();
    };
    sockets.attend(writing).await;
    for message in messages {
        assert_eq!(sockets.next_message().await.1, message);
    }
}

#[tokio::test]
async fn a_ping_is_answered_with_a_pong() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let (mut stream, _) = connect_and_send(&mut sockets, "before").await;
    stream.write_all(b"\r\n\r\n").await.unwrap();
    sockets.attend(expect_bytes(&mut stream, b"\r\n")).await;
}

#[tokio::test]
async fn what_is_not_sip_ends_the_connection() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"OPTIONS sip:a SIP/2.0\r\nNo-Length: here\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n",
    ] {
        let (mut stream, path) = connect_and_send(&mut sockets, "before").await;
        stream.write_all(garbage).await.unwrap();
        sockets.attend(expect_end(&mut stream)).await;
        match sockets.next().await {
            Arrival::Closed(id) => assert_eq!(Some(id), path.connection),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_message_that_is_not_completed_in_time_ends_the_connection() {
    let limits = Limits {
        assembly: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=tcp", limits);
    let (mut idle, _) = connect_and_send(&mut sockets, "idle").await;
    let address = sockets.address(Transport::Tcp);
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"OPTIONS sip:there SIP/2.0\r\nVia:")
        .await
        .unwrap();
    sockets.attend(expect_end(&mut slow)).await;
    assert!(matches!(sockets.next().await, Arrival::Closed(_)));

    // One that has nothing begun stays.
    let message = request("later", 0);
    idle.write_all(&message).await.unwrap();
    assert_eq!(sockets.next_message().await.1, message);
}
