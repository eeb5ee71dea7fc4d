//! TLS handshakes go on while the thread of the sockets has other work, and so cost it nothing.

use std::sync::mpsc;
use std::thread;

use crate::common::pki::{Authority, Client};
use crate::common::{Sockets, PATIENCE};
use drachtio::engine::Transport;
use drachtio::transport::Limits;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;

#[tokio::test]
async fn a_handshake_is_completed_while_the_thread_of_the_sockets_stands_still() {
    let authority = Authority::new("CA");
    let tls = authority.issue("127.0.0.1").shown();
    let contact = "sip:127.0.0.1:0;transport=tls";
    let mut sockets = Sockets::open_tls(contact, Limits::default(), &tls);
    let address = sockets.address(Transport::Tls);
    let config = Client::new(&authority).config;
    let (connected, is_connected) = oneshot::channel();
    let (go, may_go) = oneshot::channel();
    let (done, is_done) = mpsc::channel();
    let client = thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            connected.send(()).unwrap();
            may_go.await.unwrap();
            let name = ServerName::IpAddress(address.ip().into());
            let connector = TlsConnector::from(std::sync::Arc::new(config));
            done.send(connector.connect(name, stream).await.map(drop))
                .unwrap();
        });
    });
    sockets.attend(is_connected).await.unwrap();
    while sockets.transports.connections() == 0 {
        sockets.attend(tokio::task::yield_now()).await;
    }
    // The connection's task begins the handshake when it is first run.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    let outcome = is_done.recv_timeout(PATIENCE);
    outcome
        .expect("the handshake waits for the thread of the sockets")
        .unwrap();
    client.join().unwrap();
}
