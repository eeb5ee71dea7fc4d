//! Certificates are replaced while calls go on.

use crate::common::pki::{shown_to, Authority, Client};
use crate::common::{expect_bytes, request, transmit, Sockets};
use drachtio::engine::Transport;
use drachtio::transport::{Limits, TlsContext, TlsError, TlsSettings};
use tokio::io::AsyncWriteExt;

const TLS: &str = "sip:127.0.0.1:0;transport=tls";

#[tokio::test]
async fn later_connections_see_the_new_certificate_and_the_old_ones_go_on() {
    let authority = Authority::new("CA");
    let (old, new) = (authority.issue("127.0.0.1"), authority.issue("127.0.0.1"));
    let mut sockets = Sockets::open_tls(TLS, Limits::default(), &old.shown());
    let address = sockets.address(Transport::Tls);
    let client = Client::new(&authority);
    let connecting = client.connect(address, "127.0.0.1");
    let mut before = sockets.attend(connecting).await.unwrap();
    assert_eq!(shown_to(&before), old.der());

    let context = TlsContext::new(&new.shown()).unwrap();
    sockets.transports.set_tls(context).unwrap();
    let connecting = Client::new(&authority);
    let connecting = connecting.connect(address, "127.0.0.1");
    let mut after = sockets.attend(connecting).await.unwrap();
    assert_eq!(shown_to(&after), new.der());

    for stream in [&mut before, &mut after] {
        stream.write_all(&request("question", 0)).await.unwrap();
        let (path, _) = sockets.next_message().await;
        let answer = request("answer", 0);
        sockets.transports.send(transmit(path, answer.clone()));
        sockets.attend(expect_bytes(stream, &answer)).await;
    }
}

#[tokio::test]
async fn settings_that_leave_a_listener_without_a_certificate_are_refused() {
    let authority = Authority::new("CA");
    let old = authority.issue("127.0.0.1");
    let mut sockets = Sockets::open_tls(TLS, Limits::default(), &old.shown());
    let nothing = TlsContext::new(&TlsSettings::default()).unwrap();
    let refused = sockets.transports.set_tls(nothing).unwrap_err();
    assert!(matches!(refused, TlsError::NoCertificate(_)), "{refused}");

    let client = Client::new(&authority);
    let connecting = client.connect(sockets.address(Transport::Tls), "127.0.0.1");
    let stream = sockets.attend(connecting).await.unwrap();
    assert_eq!(shown_to(&stream), old.der());
}
