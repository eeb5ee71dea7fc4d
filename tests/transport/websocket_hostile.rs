//! WebSocket peers that break the rules lose their connection, and are told why
//! (RFC 6455 §5, §7.4.1; RFC 7118 §4).

use std::time::Duration;

use crate::common::ws::{frame, raw, read_head, UPGRADE};
use crate::common::{expect_bytes, expect_end, request, token, transmit, Sockets};
use drachtio::engine::{SendFailure, Transmit, Transport};
use drachtio::transport::limits::{MAX_FRAGMENTS, MAX_UPGRADE};
use drachtio::transport::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

const WS: &str = "sip:127.0.0.1:0;transport=ws";

/// One that behaves is served afterwards.
async fn serves(sockets: &mut Sockets) {
    let mut good = raw(sockets).await;
    let message = request("good", 0);
    good.write_all(&frame(0x81, &message)).await.unwrap();
    loop {
        if let drachtio::transport::Arrival::Message { payload, .. } = sockets.next().await {
            assert_eq!(payload, message);
            return;
        }
    }
}

async fn is_closed_with(bytes: &[u8], status: u16) {
    let mut sockets = Sockets::open(WS);
    let mut stream = raw(&mut sockets).await;
    // It may be closed before it has taken everything.
    let _ = sockets.attend(stream.write_all(bytes)).await;
    let close = [&[0x88, 0x02][..], &status.to_be_bytes()].concat();
    sockets.attend(expect_bytes(&mut stream, &close)).await;
    sockets.attend(expect_end(&mut stream)).await;
    serves(&mut sockets).await;
}

#[tokio::test]
async fn bad_frames_are_refused() {
    let unmasked = [0x81, 0x02, b'h', b'i'];
    is_closed_with(&unmasked, 1002).await;
    for (what, first) in [
        ("reserved bits", 0xc1),
        ("an unknown opcode of data", 0x83),
        ("an unknown opcode of control", 0x8b),
        ("a ping in fragments", 0x09),
        ("a continuation of nothing", 0x80),
    ] {
        eprintln!("{what}");
        is_closed_with(&frame(first, b"hello"), 1002).await;
    }
    let long_ping = frame(0x89, &[b'x'; 126]);
    is_closed_with(&long_ping, 1002).await;
    let interrupted = [frame(0x01, b"one"), frame(0x81, b"two")].concat();
    is_closed_with(&interrupted, 1002).await;
}

#[tokio::test]
async fn text_that_is_none_is_refused() {
    is_closed_with(&frame(0x81, b"SIP\xff\xfe"), 1007).await;
}

#[tokio::test]
async fn what_is_too_long_is_refused_before_it_has_come() {
    let mut announced = vec![0x82, 0x80 | 127];
    announced.extend((256 * 1024 + 1_u64).to_be_bytes());
    announced.extend([1, 2, 3, 4]);
    is_closed_with(&announced, 1009).await;
    let mut impossible = vec![0x82, 0x80 | 127];
    impossible.extend(u64::MAX.to_be_bytes());
    impossible.extend([1, 2, 3, 4]);
    is_closed_with(&impossible, 1009).await;
    let half = vec![b'x'; 200_000];
    let together = [frame(0x02, &half), frame(0x80, &half)].concat();
    is_closed_with(&together, 1009).await;
}

#[tokio::test]
async fn too_many_fragments_are_refused() {
    let mut fragments = frame(0x01, b"x");
    for _ in 0..MAX_FRAGMENTS {
        fragments.extend(frame(0x00, b""));
    }
    is_closed_with(&fragments, 1008).await;
}

#[tokio::test]
async fn pings_between_fragments_do_not_gain_time() {
    let limits = Limits {
        assembly: Duration::from_millis(200),
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with(WS, limits);
    let mut stream = raw(&mut sockets).await;
    stream.write_all(&frame(0x01, b"SIP")).await.unwrap();
    let pinging = async {
        // Ends with an error when the connection is closed.
        while stream.write_all(&frame(0x89, b"")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    sockets.attend(pinging).await;
    serves(&mut sockets).await;
}

#[tokio::test]
async fn what_asks_for_no_websocket_of_sip_is_refused() {
    for bad in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        UPGRADE.replace("xmpp, sip", "xmpp"),
        UPGRADE.replace("Sec-WebSocket-Protocol: xmpp, sip\r\n", ""),
        UPGRADE.replace("Version: 13", "Version: 8"),
        UPGRADE.replace("GET", "POST"),
        UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"),
        "OPTIONS sip:a SIP/2.0\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n".to_owned(),
    ] {
        let mut sockets = Sockets::open(WS);
        let address = sockets.address(Transport::Ws);
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bad.as_bytes()).await.unwrap();
        let head = sockets.attend(read_head(&mut stream)).await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{bad}: {head}");
        sockets.attend(expect_end(&mut stream)).await;
        serves(&mut sockets).await;
    }
}

/// RFC 6455 §10.2.
#[tokio::test]
async fn pages_of_other_web_sites_are_refused_when_some_are_named() {
    let origin = "Origin: https://example.org\r\n";
    for (shown, head) in [
        (origin, "HTTP/1.1 101 "),
        ("origin: HTTPS://Example.org\r\n", "HTTP/1.1 101 "),
        ("", "HTTP/1.1 101 "),
        (
            "Origin: https://example.org.evil.example\r\n",
            "HTTP/1.1 403 ",
        ),
        ("Origin: http://example.org\r\n", "HTTP/1.1 403 "),
        ("Origin: null\r\n", "HTTP/1.1 403 "),
        (
            "Origin: https://example.org\r\nOrigin: https://evil.example\r\n",
            "HTTP/1.1 403 ",
        ),
    ] {
        let mut sockets = Sockets::open(WS);
        sockets.transports.admit_origins(vec![
            "https://sip.example.org".into(),
            "https://example.org".into(),
        ]);
        let mut stream = TcpStream::connect(sockets.address(Transport::Ws))
            .await
            .unwrap();
        let asked = UPGRADE.replace(origin, shown);
        stream.write_all(asked.as_bytes()).await.unwrap();
        let answer = sockets.attend(read_head(&mut stream)).await;
        assert!(answer.starts_with(head), "{shown}: {answer}");
    }
}

#[tokio::test]
async fn an_endless_http_request_is_refused() {
    let mut sockets = Sockets::open(WS);
    let address = sockets.address(Transport::Ws);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut endless = b"GET / HTTP/1.1\r\nX: ".to_vec();
    endless.resize(MAX_UPGRADE + 100, b'x');
    stream.write_all(&endless).await.unwrap();
    let head = sockets.attend(read_head(&mut stream)).await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    serves(&mut sockets).await;
}

#[tokio::test]
async fn a_server_that_opens_no_websocket_for_sip_is_told_from_one_that_is_silent() {
    let limits = Limits {
        websocket_handshake: Duration::from_millis(200),
        ..Limits::default()
    };
    let mut sockets = Sockets::open_with(WS, limits);
    // The answer to another key, no subprotocol, no WebSocket at all, and nothing.
    let other_key = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    for (answer, expected) in [
        (other_key, SendFailure::WebSocketRefused),
        (
            "HTTP/1.1 404 Not Found\r\n\r\n",
            SendFailure::WebSocketRefused,
        ),
        ("nonsense\r\n\r\n", SendFailure::WebSocketRefused),
        ("", SendFailure::WebSocketTimeout),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let path = sockets.path_to(Transport::Ws, listener.local_addr().unwrap());
        sockets.transports.send(Transmit {
            token: Some(token()),
            ..transmit(path, request("out", 0))
        });
        let (mut stream, _) = sockets.attend(listener.accept()).await.unwrap();
        sockets.attend(read_head(&mut stream)).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        assert_eq!(sockets.next_failure().await, expected, "{answer}");
    }
}
