//! Whether a server is who it should be (RFC 5922 §7).

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature, CryptoProvider};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use thiserror::Error;
use webpki::EndEntityCert;

use crate::message::{Host, Uri};

/// The peer has signed its certificate itself, and nobody has said that it is trusted.
#[derive(Debug, Error)]
#[error("the certificate is self-signed")]
pub(super) struct SelfSigned;

/// Checks certificates of servers against the authorities that are trusted.
///
/// A certificate among these that is for a server itself is trusted when that server shows it. A
/// wildcard stands for one label, as authorities give them out; RFC 5922 §7.2 does not want any.
#[derive(Debug)]
pub(super) struct Verifier {
    /// `None` when nobody is trusted.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    trusted: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// `trusted` are the authorities in `roots`, as far as they may be servers too.
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        trusted: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Verifier {
        let builder = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
        Verifier {
            // Fails without any root.
            authorities: builder.build().ok(),
            trusted,
            provider,
        }
    }

    fn check(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let authorities = self
            .authorities
            .as_ref()
            .ok_or(CertificateError::UnknownIssuer)?;
        let verdict = authorities.verify_server_cert(server, intermediates, name, &[], now);
        let parsed = EndEntityCert::try_from(server).map_err(|_| CertificateError::BadEncoding)?;
        match verdict {
            Ok(_) => Ok(()),
            Err(error) if is_about_the_name(&error) => {
                if is_sip_identity(&parsed, name) {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            Err(error) if !is_about_the_issuer(&error) => Err(error),
            // Its dates have been looked at before its issuer.
            Err(_) if self.trusted.contains(server) => {
                let named = parsed.verify_is_valid_for_subject_name(name).is_ok();
                if named || is_sip_identity(&parsed, name) {
                    Ok(())
                } else {
                    Err(CertificateError::NotValidForName.into())
                }
            }
            Err(_) if parsed.issuer() == parsed.subject() => {
                Err(CertificateError::Other(OtherError(Arc::new(SelfSigned))).into())
            }
            Err(error) => Err(error),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(server, intermediates, name, now)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Takes any server for what it says it is.
#[derive(Debug)]
pub(super) struct Credulous(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _server: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn is_about_the_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

/// True unless the certificate itself is at fault, whoever has signed it.
fn is_about_the_issuer(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))
    )
}

/// True if the certificate names the domain in a SIP URI (RFC 5922 §7.1).
fn is_sip_identity(certificate: &EndEntityCert<'_>, name: &ServerName<'_>) -> bool {
    let wanted = name.to_str();
    certificate.valid_uri_names().any(|text| {
        Uri::parse(text).is_ok_and(|uri| {
            let is_sip = text
                .get(..4)
                .is_some_and(|s| s.eq_ignore_ascii_case("sip:"));
            let host = matches!(uri.host, Host::Name(host) if host.eq_ignore_ascii_case(&wanted));
            // One with a user part is a person's (§7.1 item 2).
            is_sip && host && uri.user.is_none()
        })
    })
}
