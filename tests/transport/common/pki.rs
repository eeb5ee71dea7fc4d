//! Certificates made for a test, and TLS peers that use them.

use std::net::SocketAddr;
use std::sync::Arc;

use drachtio::transport::{Certificate, Pem, TlsSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{client, TlsAcceptor, TlsConnector};

pub const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];

/// Somebody who gives out certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// From when to when a certificate is valid.
#[derive(Clone, Copy)]
pub enum Dates {
    Now,
    Past,
    Future,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub fn pem(&self) -> Pem {
        Pem::from(self.0.pem())
    }

    /// A certificate for a host name or an address.
    pub fn issue(&self, name: &str) -> Identity {
        self.issue_dated(name, Dates::Now)
    }

    pub fn issue_dated(&self, name: &str, dates: Dates) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, dates).signed_by(&key, &self.0).unwrap();
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// What a client of this authority's servers says.
    pub fn trusted(&self) -> TlsSettings {
        TlsSettings {
            authorities: Some(vec![self.pem()]),
            ..TlsSettings::default()
        }
    }
}

impl Identity {
    /// One that nobody but itself vouches for; `is_ca` as OpenSSL makes them.
    pub fn self_signed(name: &str, is_ca: bool) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = params(name, Dates::Now);
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        Identity {
            certificate: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    pub fn configured(&self) -> Certificate {
        Certificate {
            chain: Pem::from(self.certificate.clone()),
            key: Pem::from(self.key.clone()),
            names: Vec::new(),
        }
    }

    /// What a server with this certificate says.
    pub fn shown(&self) -> TlsSettings {
        TlsSettings {
            certificates: vec![self.configured()],
            ..TlsSettings::default()
        }
    }

    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }

    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }

    /// A server with this certificate, on a port of its own.
    pub async fn serve(&self) -> Server {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = builder
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.der()], self.key_der())
            .unwrap();
        Server::new(config).await
    }

    /// A server that takes only clients with a certificate of this authority.
    pub async fn serve_members(&self, authority: &Authority) -> Server {
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(roots(authority));
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS12])
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![self.der()], self.key_der())
            .unwrap();
        Server::new(config).await
    }
}

fn params(name: &str, dates: Dates) -> CertificateParams {
    let mut params = match name.strip_prefix("sip:") {
        None => CertificateParams::new(vec![name.to_owned()]).unwrap(),
        Some(_) => {
            let mut params = CertificateParams::default();
            let uri = SanType::URI(name.try_into().unwrap());
            params.subject_alt_names.push(uri);
            params
        }
    };
    params.distinguished_name.push(DnType::CommonName, name);
    let (from, to) = match dates {
        Dates::Now => (2020, 2090),
        Dates::Past => (2020, 2021),
        Dates::Future => (2089, 2090),
    };
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(to, 1, 1);
    params
}

fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    roots
}

/// A TLS server that is no part of what is tested.
pub struct Server {
    acceptor: TlsAcceptor,
    listener: TcpListener,
}

impl Server {
    async fn new(config: ServerConfig) -> Server {
        Server {
            acceptor: Arc::new(config).into(),
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The next connection, or why its handshake failed.
    pub async fn accept(&self) -> std::io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
        let (stream, _) = self.listener.accept().await?;
        self.acceptor.accept(stream).await
    }
}

/// A TLS client that trusts this authority, and perhaps shows a certificate.
pub struct Client {
    pub config: ClientConfig,
}

impl Client {
    pub fn new(authority: &Authority) -> Client {
        Client::with(authority, None, BOTH)
    }

    pub fn with(
        authority: &Authority,
        identity: Option<&Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Client {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots(authority));
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(vec![identity.der()], identity.key_der())
                .unwrap(),
        };
        Client { config }
    }

    pub async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
    ) -> std::io::Result<client::TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        let connector = TlsConnector::from(Arc::new(self.config.clone()));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        connector.connect(name, stream).await
    }
}

/// The certificate that the server has shown.
pub fn shown_to(stream: &client::TlsStream<TcpStream>) -> CertificateDer<'static> {
    let (_, session) = stream.get_ref();
    session.peer_certificates().unwrap()[0].clone()
}

/// Takes every certificate.
pub fn credulous() -> Arc<dyn ServerCertVerifier> {
    Arc::new(Credulous)
}

#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
