//! The certificate shown to a client is the one for the name it asks for (RFC 6066 §3).

use crate::common::pki::{shown_to, Authority, Client};
use crate::common::Sockets;
use drachtio::engine::Transport;
use drachtio::transport::{Certificate, Limits, TlsSettings};

#[tokio::test]
async fn each_name_gets_its_certificate_and_others_the_first() {
    let authority = Authority::new("CA");
    let first = authority.issue("first.example.com");
    let second = authority.issue("second.example.com");
    let every = authority.issue("*.example.org");
    let third = authority.issue("127.0.0.1");
    let tls = TlsSettings {
        certificates: vec![
            first.configured(),
            second.configured(),
            every.configured(),
            Certificate {
                names: vec!["Third.Example.com".to_owned()],
                ..third.configured()
            },
        ],
        ..TlsSettings::default()
    };
    let contact = "sip:127.0.0.1:0;transport=tls";
    let mut sockets = Sockets::open_tls(contact, Limits::default(), &tls);
    let address = sockets.address(Transport::Tls);
    let mut client = Client::new(&authority);
    // Only what is shown counts here.
    let name_is_ignored = crate::common::pki::credulous();
    client
        .config
        .dangerous()
        .set_certificate_verifier(name_is_ignored);
    for (asked, shown) in [
        ("first.example.com", &first),
        ("second.example.com", &second),
        ("SECOND.example.com", &second),
        ("any.example.org", &every),
        ("a.b.example.org", &first),
        ("third.example.com", &third),
        ("unknown.example.com", &first),
        ("127.0.0.1", &first),
    ] {
        let connecting = client.connect(address, asked);
        let stream = sockets.attend(connecting).await.unwrap();
        assert_eq!(shown_to(&stream), shown.der(), "{asked}");
    }
}
