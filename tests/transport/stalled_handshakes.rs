//! Handshakes that never end hurt nobody but those who began them.

use std::time::Duration;

use crate::common::pki::{Authority, Client};
use crate::common::ws::{frame, raw};
use crate::common::{expect_end, request, Sockets};
use drachtio::engine::Transport;
use drachtio::transport::{Limits, TlsSettings};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const ALL: &str = "sip:127.0.0.1:0;transport=tls,ws,wss";
const KINDS: [Transport; 3] = [Transport::Tls, Transport::Ws, Transport::Wss];

fn open(limits: Limits, authority: &Authority) -> Sockets {
    let tls: TlsSettings = authority.issue("127.0.0.1").shown();
    Sockets::open_tls(ALL, limits, &tls)
}

/// Connects so often to each listener, and begins a handshake.
async fn stall(sockets: &mut Sockets, count: usize) -> Vec<TcpStream> {
    let mut stalled = Vec::new();
    for transport in KINDS {
        let beginning: &[u8] = match transport {
            Transport::Ws => b"GET / HTTP/1.1\r\nHost:",
            _ => b"\x16\x03\x01\x02\x00\x01",
        };
        for n in 0..count {
            let connecting = TcpStream::connect(sockets.address(transport));
            let mut stream = sockets.attend(connecting).await.unwrap();
            // Every other one says nothing at all.
            if n % 2 == 0 {
                stream.write_all(beginning).await.unwrap();
            }
            stalled.push(stream);
        }
    }
    stalled
}

async fn serves(sockets: &mut Sockets, authority: &Authority) {
    let client = Client::new(authority);
    let connecting = client.connect(sockets.address(Transport::Tls), "127.0.0.1");
    let mut stream = sockets.attend(connecting).await.unwrap();
    let message = request("tls", 0);
    stream.write_all(&message).await.unwrap();
    assert_eq!(next_message(sockets).await, message);
    let mut stream = raw(sockets).await;
    let message = request("ws", 0);
    stream.write_all(&frame(0x81, &message)).await.unwrap();
    assert_eq!(next_message(sockets).await, message);
}

async fn next_message(sockets: &mut Sockets) -> bytes::Bytes {
    loop {
        if let drachtio::transport::Arrival::Message { payload, .. } = sockets.next().await {
            return payload;
        }
    }
}

#[tokio::test]
async fn others_are_served_meanwhile_however_many_there_are() {
    let authority = Authority::new("CA");
    let mut sockets = open(Limits::default(), &authority);
    let _stalled = stall(&mut sockets, 100).await;
    serves(&mut sockets, &authority).await;
    assert_eq!(sockets.transports.connections(), 302);
}

#[tokio::test]
async fn they_are_closed_after_their_time() {
    let authority = Authority::new("CA");
    let limits = Limits {
        tls_handshake: Duration::from_millis(200),
        websocket_handshake: Duration::from_millis(200),
        ..Limits::default()
    };
    let mut sockets = open(limits, &authority);
    for mut stream in stall(&mut sockets, 8).await {
        let ended = async {
            let mut last = Vec::new();
            // What is said at last depends on the protocol.
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut last).await;
        };
        sockets.attend(ended).await;
    }
    while sockets.transports.connections() > 0 {
        sockets.next().await;
    }
}

#[tokio::test]
async fn when_there_are_too_many_the_oldest_makes_room() {
    let authority = Authority::new("CA");
    let limits = Limits {
        handshakes: 6,
        ..Limits::default()
    };
    let mut sockets = open(limits, &authority);
    let mut stalled = stall(&mut sockets, 4).await;
    sockets.attend(expect_end(&mut stalled[0])).await;
    assert!(sockets.transports.connections() <= 7);
    serves(&mut sockets, &authority).await;
}
