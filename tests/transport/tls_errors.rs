//! A server that is not who it should be gets nothing, and the sender is told why
//! (RFC 5922 §7.4, §7.5; RFC 5280 §6).

use std::time::Duration;

use crate::common::pki::{Authority, Dates, Identity, Server};
use crate::common::{expect_bytes, request, Sockets};
use drachtio::engine::{SendFailure, Transport};
use drachtio::transport::{Limits, TlsSettings};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// Sockets that trust this authority.
fn trusting(authority: &Authority) -> Sockets {
    open(authority.trusted(), Limits::default())
}

fn open(tls: TlsSettings, limits: Limits) -> Sockets {
    let tls = TlsSettings {
        certificates: vec![Identity::self_signed("127.0.0.1", false).configured()],
        ..tls
    };
    Sockets::open_tls("sip:127.0.0.1:0;transport=tls", limits, &tls)
}

/// Why a request to `name` can't be sent to the server.
async fn failure(sockets: &mut Sockets, server: &Server, name: &str) -> SendFailure {
    let address = server.address();
    sockets.send_to_server(Transport::Tls, address, name, request("out", 0));
    let both = async { tokio::join!(server.accept(), sockets.next_failure()) };
    let (accepted, failure) = tokio::time::timeout(crate::common::PATIENCE, both)
        .await
        .unwrap();
    assert!(accepted.is_err(), "the server has been believed");
    failure
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new("CA");
    let mut sockets = trusting(&authority);
    for (certified, asked) in [
        ("a.example.com", "b.example.com"),
        ("*.example.com", "example.com"),
        ("*.example.com", "a.b.example.com"),
        ("sip:example.com", "example.org"),
        ("sip:user@example.com", "example.com"),
        ("127.0.0.2", "127.0.0.1"),
        ("example.com", "127.0.0.1"),
    ] {
        let server = authority.issue(certified).serve().await;
        let why = failure(&mut sockets, &server, asked).await;
        assert_eq!(why, SendFailure::CertificateName, "{certified} {asked}");
    }
}

#[tokio::test]
async fn a_certificate_out_of_date_is_refused() {
    let authority = Authority::new("CA");
    let mut sockets = trusting(&authority);
    for (dates, expected) in [
        (Dates::Past, SendFailure::CertificateExpired),
        (Dates::Future, SendFailure::CertificateNotYetValid),
    ] {
        let server = authority.issue_dated("example.com", dates).serve().await;
        let why = failure(&mut sockets, &server, "example.com").await;
        assert_eq!(why, expected);
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused() {
    let mut sockets = trusting(&Authority::new("CA"));
    for is_ca in [false, true] {
        let server = Identity::self_signed("example.com", is_ca).serve().await;
        let why = failure(&mut sockets, &server, "example.com").await;
        assert_eq!(why, SendFailure::CertificateSelfSigned);
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_whatever_that_calls_itself() {
    let mut sockets = trusting(&Authority::new("CA"));
    for name in ["another CA", "CA"] {
        let server = Authority::new(name).issue("example.com").serve().await;
        let why = failure(&mut sockets, &server, "example.com").await;
        let expected = [
            SendFailure::CertificateUnknownAuthority,
            SendFailure::CertificateInvalid,
        ];
        assert!(expected.contains(&why), "{why}");
    }
}

#[tokio::test]
async fn nobody_is_trusted_when_no_authority_is() {
    let nobody = TlsSettings {
        authorities: Some(Vec::new()),
        ..TlsSettings::default()
    };
    let mut sockets = open(nobody, Limits::default());
    let server = Authority::new("CA").issue("example.com").serve().await;
    let why = failure(&mut sockets, &server, "example.com").await;
    assert_eq!(why, SendFailure::CertificateUnknownAuthority);
}

#[tokio::test]
async fn a_certificate_that_is_trusted_itself_is_taken_for_its_own_names_only() {
    for is_ca in [false, true] {
        let own = Identity::self_signed("example.com", is_ca);
        let tls = TlsSettings {
            authorities: Some(vec![own.configured().chain]),
            ..TlsSettings::default()
        };
        let mut sockets = open(tls, Limits::default());
        let server = own.serve().await;
        let why = failure(&mut sockets, &server, "example.org").await;
        assert_eq!(why, SendFailure::CertificateName);
        is_believed(&mut sockets, &server).await;
    }
}

#[tokio::test]
async fn everybody_is_believed_when_servers_need_not_be_verified() {
    let tls = TlsSettings {
        verify_server: false,
        ..TlsSettings::default()
    };
    let mut sockets = open(tls, Limits::default());
    let authority = Authority::new("CA");
    let expired = authority.issue_dated("example.org", Dates::Past);
    for identity in [Identity::self_signed("example.org", true), expired] {
        is_believed(&mut sockets, &identity.serve().await).await;
    }
}

async fn is_believed(sockets: &mut Sockets, server: &Server) {
    let message = request("out", 0);
    let address = server.address();
    sockets.send_to_server(Transport::Tls, address, "example.com", message.clone());
    let mut stream = sockets.attend(server.accept()).await.unwrap();
    sockets.attend(expect_bytes(&mut stream, &message)).await;
}

#[tokio::test]
async fn a_server_that_refuses_is_told_from_one_that_speaks_something_else() {
    let authority = Authority::new("CA");
    let mut sockets = trusting(&authority);
    // It wants a client certificate, and there is none.
    let members = authority
        .issue("example.com")
        .serve_members(&authority)
        .await;
    let why = failure(&mut sockets, &members, "example.com").await;
    assert_eq!(why, SendFailure::TlsRefused);

    for (words, expected) in [
        (
            &b"SIP/2.0 400 Bad Request\r\n\r\n"[..],
            SendFailure::TlsFailed,
        ),
        (b"", SendFailure::TlsRefused),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        sockets.send_to_server(Transport::Tls, address, "example.com", request("out", 0));
        let (mut stream, _) = sockets.attend(listener.accept()).await.unwrap();
        let mut hello = [0; 64];
        let reading = tokio::io::AsyncReadExt::read(&mut stream, &mut hello);
        sockets.attend(reading).await.unwrap();
        stream.write_all(words).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(sockets.next_failure().await, expected);
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let limits = Limits {
        tls_handshake: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut sockets = open(Authority::new("CA").trusted(), limits);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    sockets.send_to_server(Transport::Tls, address, "example.com", request("out", 0));
    assert_eq!(sockets.next_failure().await, SendFailure::TlsTimeout);
    drop(listener);
    sockets.send_to_server(Transport::Tls, address, "example.com", request("out", 0));
    assert_eq!(sockets.next_failure().await, SendFailure::Unreachable);
}

#[tokio::test]
async fn what_no_certificate_can_be_for_is_refused() {
    let authority = Authority::new("CA");
    let mut sockets = trusting(&authority);
    let server = authority.issue("example.com").serve().await;
    let why = failure(&mut sockets, &server, "no host name").await;
    assert_eq!(why, SendFailure::CertificateName);
}
