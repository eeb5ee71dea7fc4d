//! SIP over WebSockets (RFC 7118, RFC 6455).

use crate::common::pki::{Authority, Client};
use crate::common::ws::{client, frame, raw, receive, send};
use crate::common::{expect_bytes, expect_end, request, transmit, Sockets};
use drachtio::engine::Transport;
use drachtio::transport::{Arrival, Limits, TlsSettings};
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{accept_hdr_async, WebSocketStream};

const WS: &str = "sip:127.0.0.1:0;transport=ws";

/// The text of a SIP message, and as it travels.
fn text(call_id: &str, body: usize) -> (bytes::Bytes, Message) {
    let message = request(call_id, body);
    let text = String::from_utf8(message.to_vec()).unwrap();
    (message, Message::text(text))
}

async fn talks<S>(sockets: &mut Sockets, socket: &mut WebSocketStream<S>, transport: Transport)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for body in [0, 100, 70_000] {
        let (question, frame) = text("question", body);
        sockets.attend(send(socket, frame)).await;
        let (path, payload) = sockets.next_message().await;
        assert_eq!(payload, question);
        assert_eq!(path.transport, transport);
        assert_eq!(path.local, sockets.address(transport));
        let (answer, frame) = text("answer", body);
        sockets.transports.send(transmit(path, answer));
        assert_eq!(sockets.attend(receive(socket)).await, frame);
    }
}

#[tokio::test]
async fn messages_go_both_ways_over_ipv4_and_ipv6() {
    for contact in [WS, "sip:[::1]:0;transport=ws"] {
        let mut sockets = Sockets::open(contact);
        let address = sockets.address(Transport::Ws);
        let stream = TcpStream::connect(address).await.unwrap();
        let mut socket = sockets.attend(client(stream)).await.unwrap();
        talks(&mut sockets, &mut socket, Transport::Ws).await;
    }
}

#[tokio::test]
async fn messages_go_both_ways_over_tls() {
    let authority = Authority::new("CA");
    let tls = authority.issue("127.0.0.1").shown();
    let contact = "sips:127.0.0.1:0;transport=ws";
    let mut sockets = Sockets::open_tls(contact, Limits::default(), &tls);
    let address = sockets.address(Transport::Wss);
    let secured = Client::new(&authority);
    let connecting = secured.connect(address, "127.0.0.1");
    let stream = sockets.attend(connecting).await.unwrap();
    let mut socket = sockets.attend(client(stream)).await.unwrap();
    talks(&mut sockets, &mut socket, Transport::Wss).await;
}

#[tokio::test]
async fn bytes_are_taken_like_text_and_what_is_no_text_is_sent_as_bytes() {
    let mut sockets = Sockets::open(WS);
    let stream = TcpStream::connect(sockets.address(Transport::Ws)).await;
    let mut socket = sockets.attend(client(stream.unwrap())).await.unwrap();
    let mut binary = request("binary", 4).to_vec();
    binary.splice(binary.len() - 4.., [0xff, 0xfe, 0x00, 0x80]);
    let binary = Bytes::from(binary);
    let frame = Message::binary(binary.clone());
    sockets.attend(send(&mut socket, frame.clone())).await;
    let (path, payload) = sockets.next_message().await;
    assert_eq!(payload, binary);
    sockets.transports.send(transmit(path, binary));
    assert_eq!(sockets.attend(receive(&mut socket)).await, frame);
}

#[tokio::test]
async fn a_message_may_come_in_fragments_with_pings_between_them_and_cut_anywhere() {
    let mut sockets = Sockets::open(WS);
    let mut stream = raw(&mut sockets).await;
    let message = request("cut", 30);
    let (first, rest) = message.split_at(20);
    let (second, third) = rest.split_at(200);
    let frames = [
        frame(0x01, first),
        frame(0x89, b"you?"),
        frame(0x00, second),
        frame(0x00, b""),
        frame(0x80, third),
    ]
    .concat();
    for byte in &frames {
        stream.write_all(&[*byte]).await.unwrap();
        sockets.attend(tokio::task::yield_now()).await;
    }
    assert_eq!(sockets.next_message().await.1, message);
    let pong = expect_bytes(&mut stream, b"\x8a\x04you?");
    sockets.attend(pong).await;
}

#[tokio::test]
async fn many_messages_may_come_at_once() {
    let mut sockets = Sockets::open(WS);
    let mut stream = raw(&mut sockets).await;
    let messages: Vec<_> = (0..200).map(|n| request(&n.to_string(), n)).collect();
    let frames: Vec<_> = messages.iter().map(|m| frame(0x81, m)).collect();
    let writing = async { stream.write_all(&frames.concat()).await.unwrap() };
    sockets.attend(writing).await;
    for message in messages {
        assert_eq!(sockets.next_message().await.1, message);
    }
}

#[tokio::test]
async fn keep_alives_of_sip_in_messages_are_answered_in_messages() {
    let mut sockets = Sockets::open(WS);
    let mut stream = raw(&mut sockets).await;
    for opcode in [0x81, 0x82] {
        stream.write_all(&frame(opcode, b"\r\n\r\n")).await.unwrap();
        let pong = expect_bytes(&mut stream, b"\x81\x02\r\n");
        sockets.attend(pong).await;
        // Answers to nothing.
        stream.write_all(&frame(opcode, b"\r\n")).await.unwrap();
        stream.write_all(&frame(0x8a, b"")).await.unwrap();
    }
    let message = request("after", 0);
    stream.write_all(&frame(0x81, &message)).await.unwrap();
    assert_eq!(sockets.next_message().await.1, message);
}

#[tokio::test]
async fn a_farewell_is_answered_and_the_connection_closed() {
    let mut sockets = Sockets::open(WS);
    let mut stream = raw(&mut sockets).await;
    let close = frame(0x88, &1000_u16.to_be_bytes());
    stream.write_all(&close).await.unwrap();
    let answer = expect_bytes(&mut stream, b"\x88\x02\x03\xe8");
    sockets.attend(answer).await;
    sockets.attend(expect_end(&mut stream)).await;
    assert!(matches!(sockets.next().await, Arrival::Closed(_)));
}

#[tokio::test]
async fn who_is_closed_by_this_side_is_told_so() {
    let mut sockets = Sockets::open(WS);
    let stream = TcpStream::connect(sockets.address(Transport::Ws)).await;
    let mut socket = sockets.attend(client(stream.unwrap())).await.unwrap();
    let last = async { socket.next().await.unwrap().unwrap() };
    let closing = sockets.transports.close(std::time::Duration::from_secs(1));
    let (last, ()) = tokio::join!(last, closing);
    match last {
        Message::Close(Some(close)) => assert_eq!(close.code, CloseCode::Away),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_to_a_server_opens_a_websocket_there() {
    let mut sockets = Sockets::open(WS);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let path = sockets.path_to(Transport::Ws, address);
    let (message, frame) = text("out", 500);
    sockets.transports.send(transmit(path, message));
    #[allow(clippy::result_large_err)]
    let accepting = async {
        let (stream, _) = listener.accept().await.unwrap();
        let agree = |request: &Request, mut response: Response| {
            let sip = request.headers()["Sec-WebSocket-Protocol"].clone();
            assert_eq!(sip, "sip");
            assert_eq!(request.headers()["Host"], address.to_string().as_str());
            let headers = response.headers_mut();
            headers.insert("Sec-WebSocket-Protocol", sip);
            Ok(response)
        };
        accept_hdr_async(stream, agree).await.unwrap()
    };
    let mut socket = sockets.attend(accepting).await;
    // The library refuses frames that are not masked.
    assert_eq!(sockets.attend(receive(&mut socket)).await, frame);
    let (answer, frame) = text("answer", 0);
    sockets.attend(send(&mut socket, frame)).await;
    let (arrival, payload) = sockets.next_message().await;
    assert_eq!(payload, answer);
    assert_eq!((arrival.transport, arrival.peer), (Transport::Ws, address));
    assert_eq!(sockets.transports.connections(), 1);
}

#[tokio::test]
async fn two_engines_talk_over_secure_websockets() {
    let authority = Authority::new("CA");
    let tls = TlsSettings {
        certificates: vec![authority.issue("127.0.0.1").configured()],
        ..authority.trusted()
    };
    let open = || Sockets::open_tls("sip:127.0.0.1:0;transport=wss", Limits::default(), &tls);
    let (mut here, mut there) = (open(), open());
    let peer = there.address(Transport::Wss);
    let message = request("out", 2_000);
    here.send_to_server(Transport::Wss, peer, "127.0.0.1", message.clone());
    let (path, payload) = here.attend(there.next_message()).await;
    assert_eq!(payload, message);
    let answer = request("answer", 0);
    there.transports.send(transmit(path, answer.clone()));
    assert_eq!(here.next_message().await.1, answer);
}
