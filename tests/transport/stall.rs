//! A peer that does not read fills its own queue only, and loses its connection.

use std::time::Duration;

use crate::common::{connect_and_send, expect_bytes, request, token, transmit, Sockets, PATIENCE};
use drachtio::engine::{Path, Transmit, Transport};
use drachtio::transport::{Arrival, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What the sockets tell until the connection of this path has been closed.
async fn until_closed(sockets: &mut Sockets, path: Path) -> usize {
    let mut unsent = 0;
    loop {
        match sockets.next().await {
            Arrival::Unsent(..) => unsent += 1,
            Arrival::Closed(id) if Some(id) == path.connection => return unsent,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_queue_over_its_limit_closes_the_connection_and_tells_every_sender() {
    let limits = Limits {
        queued_bytes: 1024 * 1024,
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=tcp", limits);
    let (stalled, path) = connect_and_send(&mut sockets, "stalled").await;
    let token = token();
    // The task of the connection has no chance to write in between, so this fills the queue.
    let message = request("much", 60_000);
    let fit = limits.queued_bytes / message.len();
    for _ in 0..=fit {
        sockets.transports.send(Transmit {
            token: Some(token),
            ..transmit(path, message.clone())
        });
    }
    assert_eq!(until_closed(&mut sockets, path).await, fit + 1);
    assert_eq!(sockets.transports.connections(), 0);
    drop(stalled);
}

#[tokio::test]
async fn the_number_of_queued_messages_is_limited_too() {
    let limits = Limits {
        queued_messages: 10,
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=tcp", limits);
    let (_stalled, path) = connect_and_send(&mut sockets, "stalled").await;
    for _ in 0..11 {
        sockets.transports.send(Transmit {
            token: Some(token()),
            ..transmit(path, request("one", 0))
        });
    }
    assert_eq!(until_closed(&mut sockets, path).await, 11);
}

#[tokio::test]
async fn others_are_served_while_one_does_not_read() {
    let mut sockets = Sockets::open("sip:127.0.0.1:0;transport=tcp");
    let (_stalled, stalled_path) = connect_and_send(&mut sockets, "stalled").await;
    let (mut other, other_path) = connect_and_send(&mut sockets, "other").await;
    let message = request("much", 60_000);
    for n in 0..50 {
        sockets
            .transports
            .send(transmit(stalled_path, message.clone()));
        let answer = request(&n.to_string(), 0);
        sockets
            .transports
            .send(transmit(other_path, answer.clone()));
        sockets.attend(expect_bytes(&mut other, &answer)).await;
    }
    assert_eq!(sockets.transports.connections(), 2);
}

#[tokio::test]
async fn what_stays_unread_for_too_long_closes_the_connection() {
    let limits = Limits {
        stall: Duration::from_millis(100),
        queued_bytes: usize::MAX,
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=tcp", limits);
    let (_stalled, path) = connect_and_send(&mut sockets, "stalled").await;
    let (mut reading, reading_path) = connect_and_send(&mut sockets, "reading").await;
    // More than the kernel takes over for a peer that does not read.
    let message = request("much", 200_000);
    for _ in 0..200 {
        sockets.transports.send(Transmit {
            token: Some(token()),
            ..transmit(path, message.clone())
        });
    }
    assert!(until_closed(&mut sockets, path).await > 0);

    let answer = request("answer", 0);
    sockets
        .transports
        .send(transmit(reading_path, answer.clone()));
    sockets.attend(expect_bytes(&mut reading, &answer)).await;
}

#[tokio::test]
async fn who_does_not_read_answers_is_not_read_from() {
    let limits = Limits {
        queued_bytes: usize::MAX,
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with("sip:127.0.0.1:0;transport=tcp", limits);
    let (mut stream, path) = connect_and_send(&mut sockets, "greedy").await;
    let answer = request("answer", 200_000);
    for _ in 0..100 {
        sockets.transports.send(transmit(path, answer.clone()));
    }
    sockets
        .attend(tokio::time::sleep(Duration::from_millis(50)))
        .await;
    stream.write_all(&request("question", 0)).await.unwrap();
    let quiet = timeout(Duration::from_millis(200), sockets.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");

    let mut answers = vec![0; 100 * answer.len()];
    let reading = sockets.attend(stream.read_exact(&mut answers));
    timeout(PATIENCE, reading).await.unwrap().unwrap();
    assert_eq!(sockets.next_message().await.1, request("question", 0));
    assert_eq!(sockets.address(Transport::Tcp), path.local);
    drop::<TcpStream>(stream);
}
