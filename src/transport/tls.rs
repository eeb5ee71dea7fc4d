//! TLS by rustls: what is configured, and the handshakes.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::crypto::{ring, CryptoProvider};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CipherSuite, ClientConfig, OtherError, RootCertStore, ServerConfig, SupportedCipherSuite,
    SupportedProtocolVersion,
};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::certificates::{ByName, Certificate, CertificateError, Pem};
use super::limits::TLS_BUFFER;
use super::verifier::{Credulous, SelfSigned, Verifier};
use crate::engine::SendFailure;

/// How TLS is done, for connections in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// What is shown to clients: the first one whose name they ask for, or else the first one.
    /// A contact with TLS or WSS needs one at least.
    pub certificates: Vec<Certificate>,
    /// The authorities that are trusted; `None` means those of the system. May contain
    /// certificates of servers.
    pub authorities: Option<Vec<Pem>>,
    /// Whether servers must prove who they are. Default true.
    pub verify_server: bool,
    /// What is shown to servers that ask for it.
    pub client_certificate: Option<Certificate>,
    /// What is asked of clients. Default nothing.
    pub client_certificates: ClientCertificates,
    /// The oldest version that is spoken. Default 1.2.
    pub min_version: TlsVersion,
    /// The cipher suites that may be chosen, the best first, by the names of IANA or OpenSSL.
    /// Default `None`: all that there are.
    pub ciphers: Option<Vec<String>>,
}

/// Whether clients are asked for a certificate, which must then be of a trusted authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    /// No.
    #[default]
    Ignore,
    /// They are, and may do without.
    Request,
    /// Without one they are refused.
    Require,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersion {
    /// RFC 5246.
    #[default]
    V1_2,
    /// RFC 8446.
    V1_3,
}

/// TLS can't be done as it was asked for.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A certificate or key can't be used.
    #[error("tls: {0}")]
    Certificate(#[from] CertificateError),
    /// A contact asks for TLS, and there is no certificate to show.
    #[error(
        "contact {0} needs a certificate: give one with its private key as engine.tls.certificates"
    )]
    NoCertificate(String),
    /// Clients are to be asked for certificates, and nobody is trusted to give them out.
    #[error("tls: no authority is trusted, so no client can show a certificate: give some as ca")]
    NoAuthority,
    /// None of the cipher suites that were asked for is here.
    #[error("tls: none of these cipher suites is known: {0}")]
    NoCipher(String),
    /// Anything else.
    #[error("tls: {0}")]
    Other(#[from] rustls::Error),
}

impl TlsError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            TlsError::Certificate(CertificateError::Unreadable(..)) => "DRT_ERR_TLS_FILE",
            TlsError::Certificate(CertificateError::WrongKey { .. }) => "DRT_ERR_TLS_WRONG_KEY",
            TlsError::Certificate(CertificateError::EncryptedKey(_)) => "DRT_ERR_TLS_ENCRYPTED_KEY",
            TlsError::Certificate(_) => "DRT_ERR_TLS_CERTIFICATE",
            TlsError::NoCertificate(_) => "DRT_ERR_TLS_NO_CERTIFICATE",
            TlsError::NoAuthority => "DRT_ERR_TLS_NO_AUTHORITY",
            TlsError::NoCipher(_) => "DRT_ERR_TLS_CIPHERS",
            TlsError::Other(_) => "DRT_ERR_TLS",
        }
    }
}

impl Default for TlsSettings {
    fn default() -> TlsSettings {
        TlsSettings {
            certificates: Vec::new(),
            authorities: None,
            verify_server: true,
            client_certificate: None,
            client_certificates: ClientCertificates::default(),
            min_version: TlsVersion::default(),
            ciphers: None,
        }
    }
}

/// The settings with everything read and checked. Connections go on with those they began with.
pub struct TlsContext {
    server: Option<TlsAcceptor>,
    client: TlsConnector,
    verifies: bool,
}

impl std::fmt::Debug for TlsContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsContext").finish_non_exhaustive()
    }
}

impl TlsContext {
    /// Reads files, and may take some 10 ms.
    ///
    /// # Errors
    /// What can't be used.
    pub fn new(settings: &TlsSettings) -> Result<TlsContext, TlsError> {
        let provider = Arc::new(provider(settings)?);
        let trusted = trusted(settings)?;
        let roots = Arc::new(roots(settings, &trusted));
        Ok(TlsContext {
            server: server(settings, &roots, &provider)?.map(|config| Arc::new(config).into()),
            client: Arc::new(client(settings, roots, trusted, &provider)?).into(),
            verifies: settings.verify_server,
        })
    }

    /// Whether there is a certificate to show to clients.
    pub(crate) fn can_accept(&self) -> bool {
        self.server.is_some()
    }

    /// Whether the name of a server means anything.
    pub(super) fn verifies(&self) -> bool {
        self.verifies
    }

    /// The handshake with a client.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, TlsFailure> {
        let acceptor = self.server.as_ref().ok_or(TlsFailure::NotConfigured)?;
        let accepting = acceptor.accept_with(stream, |connection| {
            connection.set_buffer_limit(Some(TLS_BUFFER));
        });
        Ok(TlsStream::Server(accepting.await?))
    }

    /// The handshake with the server of this name, which is a host name or an address.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
        name: &str,
    ) -> Result<TlsStream<TcpStream>, TlsFailure> {
        let name = match name.parse::<IpAddr>() {
            Ok(address) => ServerName::IpAddress(address.into()),
            Err(_) => ServerName::try_from(name.to_owned()).map_err(|_| TlsFailure::BadName)?,
        };
        let connecting = self.client.connect_with(name, stream, |connection| {
            connection.set_buffer_limit(Some(TLS_BUFFER));
        });
        Ok(TlsStream::Client(connecting.await?))
    }
}

/// What does the cryptography, with the cipher suites that were asked for.
fn provider(settings: &TlsSettings) -> Result<CryptoProvider, TlsError> {
    let all = ring::default_provider();
    let Some(names) = &settings.ciphers else {
        return Ok(all);
    };
    let mut cipher_suites = Vec::new();
    for name in names {
        let suites = all.cipher_suites.iter().copied();
        cipher_suites.extend(suites.filter(|suite| is_cipher(suite.suite(), name)));
    }
    if cipher_suites.is_empty() {
        return Err(TlsError::NoCipher(names.join(":")));
    }
    // A list of OpenSSL's says nothing of TLS 1.3, whose suites are chosen apart from it.
    let is_modern = |suite: &SupportedCipherSuite| suite.tls13().is_some();
    if !cipher_suites.iter().any(is_modern) {
        cipher_suites.extend(all.cipher_suites.iter().copied().filter(is_modern));
    }
    Ok(CryptoProvider {
        cipher_suites,
        ..all
    })
}

/// True if a suite has this name at IANA (`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`) or OpenSSL
/// (`ECDHE-RSA-AES128-GCM-SHA256`).
fn is_cipher(suite: CipherSuite, name: &str) -> bool {
    let iana = format!("{suite:?}").replace("TLS13_", "TLS_");
    let openssl = iana
        .trim_start_matches("TLS_")
        .replace("WITH_", "")
        .replace("AES_", "AES")
        .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
        .replace('_', "-");
    name.eq_ignore_ascii_case(&iana) || name.eq_ignore_ascii_case(&openssl)
}

fn versions(settings: &TlsSettings) -> &'static [&'static SupportedProtocolVersion] {
    static ALL: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
    static NEWEST: &[&SupportedProtocolVersion] = &[&TLS13];
    match settings.min_version {
        TlsVersion::V1_2 => ALL,
        TlsVersion::V1_3 => NEWEST,
    }
}

fn trusted(settings: &TlsSettings) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let mut trusted = Vec::new();
    for pem in settings.authorities.iter().flatten() {
        trusted.extend(pem.certificates()?);
    }
    Ok(trusted)
}

fn roots(settings: &TlsSettings, trusted: &[CertificateDer<'static>]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    if settings.authorities.is_some() {
        roots.add_parsable_certificates(trusted.iter().cloned());
        return roots;
    }
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some of the system's certificate authorities are unreadable");
    }
    roots.add_parsable_certificates(found.certs);
    roots
}

fn server(
    settings: &TlsSettings,
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<ServerConfig>, TlsError> {
    let Some(by_name) = ByName::load(&settings.certificates, provider)? else {
        return Ok(None);
    };
    let builder = || WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
    let verifier: Arc<dyn ClientCertVerifier> = match settings.client_certificates {
        ClientCertificates::Ignore => Arc::new(NoClientAuth),
        ClientCertificates::Request => builder()
            .allow_unauthenticated()
            .build()
            .map_err(|_| TlsError::NoAuthority)?,
        ClientCertificates::Require => builder().build().map_err(|_| TlsError::NoAuthority)?,
    };
    Ok(Some(
        ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions(settings))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(by_name)),
    ))
}

fn client(
    settings: &TlsSettings,
    roots: Arc<RootCertStore>,
    trusted: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions(settings))?
        .dangerous();
    let builder = if settings.verify_server {
        let verifier = Verifier::new(roots, trusted, provider.clone());
        builder.with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        builder.with_custom_certificate_verifier(Arc::new(Credulous(provider.clone())))
    };
    Ok(match &settings.client_certificate {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            let certified = certificate.load(provider)?;
            let shown = rustls::sign::SingleCertAndKey::from(certified);
            builder.with_client_cert_resolver(Arc::new(shown))
        }
    })
}

/// A handshake that failed.
#[derive(Debug, Error)]
pub(crate) enum TlsFailure {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("no certificate can be for such a name")]
    BadName,
    #[error("TLS is not configured")]
    NotConfigured,
}

impl From<&TlsFailure> for SendFailure {
    fn from(failure: &TlsFailure) -> SendFailure {
        use rustls::CertificateError as Bad;
        let error = match failure {
            TlsFailure::BadName => return SendFailure::CertificateName,
            TlsFailure::NotConfigured => return SendFailure::NoSocket,
            TlsFailure::Io(error) => error,
        };
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            Some(rustls::Error::InvalidCertificate(bad)) => match bad {
                Bad::Expired | Bad::ExpiredContext { .. } => SendFailure::CertificateExpired,
                Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                    SendFailure::CertificateNotYetValid
                }
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                    SendFailure::CertificateName
                }
                Bad::UnknownIssuer => SendFailure::CertificateUnknownAuthority,
                Bad::Other(OtherError(other)) if other.is::<SelfSigned>() => {
                    SendFailure::CertificateSelfSigned
                }
                _ => SendFailure::CertificateInvalid,
            },
            Some(rustls::Error::AlertReceived(_)) => SendFailure::TlsRefused,
            Some(_) => SendFailure::TlsFailed,
            // The peer hung up.
            None => SendFailure::TlsRefused,
        }
    }
}
