//! SIP over TLS in both directions (RFC 3261 §18, §26.2.1; RFC 5922, RFC 5923).

use std::net::SocketAddr;

use crate::common::pki::{Authority, Client, BOTH};
use crate::common::{expect_bytes, request, transmit, Sockets};
use drachtio::engine::Transport;
use drachtio::transport::{ClientCertificates, Limits, TlsSettings, TlsVersion};
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt;

const TLS: &str = "sip:127.0.0.1:0;transport=tls";

fn open(contact: &str, tls: &TlsSettings) -> Sockets {
    Sockets::open_tls(contact, Limits::default(), tls)
}

async fn is_answered(contact: &str, name: &str, client: &Client, tls: &TlsSettings) {
    let mut sockets = open(contact, tls);
    let address = sockets.address(Transport::Tls);
    let connecting = client.connect(address, name);
    let mut stream = sockets.attend(connecting).await.unwrap();
    let question = request("question", 300);
    stream.write_all(&question).await.unwrap();
    let (path, payload) = sockets.next_message().await;
    assert_eq!(payload, question);
    assert_eq!((path.transport, path.local), (Transport::Tls, address));
    let local = stream.get_ref().0.local_addr().unwrap();
    assert_eq!(path.peer, local);

    let answer = request("answer", 60_000);
    sockets.transports.send(transmit(path, answer.clone()));
    sockets.attend(expect_bytes(&mut stream, &answer)).await;
    stream.write_all(b"\r\n\r\n").await.unwrap();
    sockets.attend(expect_bytes(&mut stream, b"\r\n")).await;
}

#[tokio::test]
async fn a_client_is_heard_and_answered_over_every_version() {
    let authority = Authority::new("CA");
    let server = authority.issue("sip.example.com").shown();
    for version in [&TLS12, &TLS13] {
        let client = Client::with(&authority, None, &[version]);
        is_answered(TLS, "sip.example.com", &client, &server).await;
    }
}

#[tokio::test]
async fn the_same_over_ipv6() {
    let authority = Authority::new("CA");
    let server = authority.issue("::1").shown();
    let client = Client::new(&authority);
    is_answered("sips:[::1]:0", "::1", &client, &server).await;
}

#[tokio::test]
async fn an_old_version_is_refused_when_the_minimum_says_so() {
    let authority = Authority::new("CA");
    let server = TlsSettings {
        min_version: TlsVersion::V1_3,
        ..authority.issue("127.0.0.1").shown()
    };
    let old = Client::with(&authority, None, &[&TLS12]);
    let mut sockets = open(TLS, &server);
    let address = sockets.address(Transport::Tls);
    let refused = sockets.attend(old.connect(address, "127.0.0.1")).await;
    assert!(refused.is_err());
    let new = Client::with(&authority, None, &[&TLS13]);
    is_answered(TLS, "127.0.0.1", &new, &server).await;
}

#[tokio::test]
async fn clients_must_show_a_certificate_when_that_is_required() {
    let authority = Authority::new("CA");
    let strangers = Authority::new("another CA");
    let (member, stranger) = (authority.issue("phone"), strangers.issue("phone"));
    for (asked, nobody_may) in [
        (ClientCertificates::Require, false),
        (ClientCertificates::Request, true),
    ] {
        let server = TlsSettings {
            client_certificates: asked,
            authorities: Some(vec![authority.pem()]),
            ..authority.issue("127.0.0.1").shown()
        };
        let client = Client::with(&authority, Some(&member), BOTH);
        is_answered(TLS, "127.0.0.1", &client, &server).await;
        if nobody_may {
            is_answered(TLS, "127.0.0.1", &Client::new(&authority), &server).await;
        }
        // In TLS 1.2 the client learns of it in the handshake.
        let mut refused = vec![Client::with(&authority, Some(&stranger), &[&TLS12])];
        if !nobody_may {
            refused.push(Client::with(&authority, None, &[&TLS12]));
        }
        for client in refused {
            let mut sockets = open(TLS, &server);
            let address = sockets.address(Transport::Tls);
            let connecting = client.connect(address, "127.0.0.1");
            assert!(sockets.attend(connecting).await.is_err());
        }
    }
}

#[tokio::test]
async fn a_request_to_a_server_opens_a_verified_connection_and_the_answer_comes_on_it() {
    let authority = Authority::new("CA");
    let own = authority.issue("127.0.0.1");
    let mut sockets = open(
        TLS,
        &TlsSettings {
            certificates: vec![own.configured()],
            ..authority.trusted()
        },
    );
    let mut open_streams = Vec::new();
    // Verified are names, those in a SIP URI too, wildcards and addresses.
    for (certified, asked) in [
        ("proxy.example.com", "proxy.example.com"),
        ("sip:example.com", "example.com"),
        ("*.example.com", "other.example.com"),
        ("127.0.0.1", "127.0.0.1"),
    ] {
        let server = authority.issue(certified).serve().await;
        let message = request("out", 1_000);
        sockets.send_to_server(Transport::Tls, server.address(), asked, message.clone());
        let mut stream = sockets.attend(server.accept()).await.unwrap();
        sockets.attend(expect_bytes(&mut stream, &message)).await;
        let answer = request("answer", 0);
        stream.write_all(&answer).await.unwrap();
        stream.flush().await.unwrap();
        let (path, payload) = sockets.next_message().await;
        assert_eq!(payload, answer);
        assert_eq!(path.peer, server.address());
        assert_eq!(path.local, sockets.address(Transport::Tls));
        open_streams.push(stream);
    }
}

#[tokio::test]
async fn a_server_that_asks_is_shown_the_client_certificate() {
    let authority = Authority::new("CA");
    let own = authority.issue("127.0.0.1");
    let server = authority.issue("127.0.0.1").serve_members(&authority).await;
    let mut sockets = open(
        TLS,
        &TlsSettings {
            certificates: vec![own.configured()],
            client_certificate: Some(own.configured()),
            ..authority.trusted()
        },
    );
    let message = request("out", 0);
    sockets.send_to_server(
        Transport::Tls,
        server.address(),
        "127.0.0.1",
        message.clone(),
    );
    let mut stream = sockets.attend(server.accept()).await.unwrap();
    sockets.attend(expect_bytes(&mut stream, &message)).await;
    let (_, session) = stream.get_ref();
    assert_eq!(session.peer_certificates().unwrap()[0], own.der());
}

#[tokio::test]
async fn a_connection_is_used_again_for_the_name_that_was_verified_and_no_other() {
    let authority = Authority::new("CA");
    let server = authority.issue("*.example.com").serve().await;
    let mut sockets = open(
        TLS,
        &TlsSettings {
            certificates: vec![authority.issue("127.0.0.1").configured()],
            ..authority.trusted()
        },
    );
    let to = |sockets: &mut Sockets, name: &str, message| {
        sockets.send_to_server(Transport::Tls, server.address(), name, message);
    };
    let (first, second) = (request("first", 0), request("second", 0));
    to(&mut sockets, "a.example.com", first.clone());
    to(&mut sockets, "a.example.com", second.clone());
    let mut stream = sockets.attend(server.accept()).await.unwrap();
    let both = [first, second].concat();
    sockets.attend(expect_bytes(&mut stream, &both)).await;
    assert_eq!(sockets.transports.connections(), 1);

    let third = request("third", 0);
    to(&mut sockets, "b.example.com", third.clone());
    let mut other = sockets.attend(server.accept()).await.unwrap();
    sockets.attend(expect_bytes(&mut other, &third)).await;
    assert_eq!(sockets.transports.connections(), 2);
}

#[tokio::test]
async fn a_client_that_has_connected_is_reached_by_its_address_and_not_taken_for_a_named_server() {
    let authority = Authority::new("CA");
    let mut sockets = open(
        TLS,
        &TlsSettings {
            certificates: vec![authority.issue("127.0.0.1").configured()],
            ..authority.trusted()
        },
    );
    let client = Client::new(&authority);
    let address = sockets.address(Transport::Tls);
    let connecting = client.connect(address, "127.0.0.1");
    let mut stream = sockets.attend(connecting).await.unwrap();
    stream.write_all(&request("hello", 0)).await.unwrap();
    let peer: SocketAddr = sockets.next_message().await.0.peer;

    let message = request("call", 0);
    sockets.send_to_server(Transport::Tls, peer, "127.0.0.1", message.clone());
    sockets.attend(expect_bytes(&mut stream, &message)).await;
    sockets.send_to_server(Transport::Tls, peer, "bank.example.com", message);
    sockets.next_failure().await;
}

#[tokio::test]
async fn an_answer_to_a_client_that_has_gone_is_given_to_nobody_else() {
    let authority = Authority::new("CA");
    let mut sockets = open(TLS, &authority.issue("127.0.0.1").shown());
    let elsewhere = "127.0.0.1:9".parse().unwrap();
    let path = sockets.path_to(Transport::Tls, elsewhere);
    sockets.transports.send(drachtio::engine::Transmit {
        token: Some(crate::common::token()),
        ..transmit(path, request("answer", 0))
    });
    let failure = sockets.next_failure().await;
    assert_eq!(failure, drachtio::engine::SendFailure::Closed);
}
