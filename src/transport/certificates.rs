//! Certificates and keys as they are configured: PEM, given as text or as the name of a file.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use webpki::EndEntityCert;

/// How every PEM block begins.
const PEM_MARK: &str = "-----BEGIN ";

/// A text in PEM, or the file that has it.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// The text itself.
    Text(String),
    /// The file, read at the start and at each reload.
    File(PathBuf),
}

/// A certificate with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, and after it those that lead from it to an authority.
    pub chain: Pem,
    /// Its private key, not encrypted.
    pub key: Pem,
    /// The server names for which it is used; if empty, those that are in it.
    pub names: Vec<String>,
}

/// A certificate or key that can't be used.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The file can't be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(Pem, #[source] io::Error),
    /// It has no certificate.
    #[error("{0} has no certificate in PEM")]
    NoCertificate(Pem),
    /// It has no private key.
    #[error("{0} has no private key in PEM")]
    NoKey(Pem),
    /// The key is encrypted.
    #[error("the private key in {0} is encrypted: it must be given without a passphrase")]
    EncryptedKey(Pem),
    /// The certificate or key is damaged.
    #[error("{0} is damaged: {1}")]
    Damaged(Pem, String),
    /// The key is for another certificate.
    #[error("the private key in {key} does not belong to the certificate in {certificate}")]
    WrongKey {
        /// Where the key is.
        key: Pem,
        /// Where the certificate is.
        certificate: Pem,
    },
}

impl From<String> for Pem {
    fn from(given: String) -> Pem {
        if given.contains(PEM_MARK) {
            Pem::Text(given)
        } else {
            Pem::File(given.into())
        }
    }
}

/// For error texts. A text is not shown: it may be a key.
impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pem::Text(_) => f.write_str("the given text"),
            Pem::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Pem {
    fn read(&self) -> Result<String, CertificateError> {
        match self {
            Pem::Text(text) => Ok(text.clone()),
            // Lossy, since only what is between the marks of PEM counts.
            Pem::File(path) => std::fs::read(path)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .map_err(|error| CertificateError::Unreadable(self.clone(), error)),
        }
    }

    /// All certificates, of which there is one at least.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
        let text = self.read()?;
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        match read {
            Ok(chain) if chain.is_empty() => Err(CertificateError::NoCertificate(self.clone())),
            Ok(chain) => Ok(chain),
            Err(error) => Err(CertificateError::Damaged(self.clone(), error.to_string())),
        }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, CertificateError> {
        use rustls::pki_types::pem::Error;
        let text = self.read()?;
        PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
            // Either `BEGIN ENCRYPTED PRIVATE KEY` or a header `Proc-Type: 4,ENCRYPTED`.
            _ if text.contains("ENCRYPTED") => CertificateError::EncryptedKey(self.clone()),
            Error::NoItemsFound => CertificateError::NoKey(self.clone()),
            other => CertificateError::Damaged(self.clone(), other.to_string()),
        })
    }
}

impl Certificate {
    /// Reads it, and checks that the key is that of the certificate.
    pub(super) fn load(
        &self,
        provider: &CryptoProvider,
    ) -> Result<Arc<CertifiedKey>, CertificateError> {
        let chain = self.chain.certificates()?;
        if let Some(Err(error)) = chain.first().map(EndEntityCert::try_from) {
            let text = error.to_string();
            return Err(CertificateError::Damaged(self.chain.clone(), text));
        }
        match CertifiedKey::from_der(chain, self.key.key()?, provider) {
            Ok(certified) => Ok(Arc::new(certified)),
            Err(rustls::Error::InconsistentKeys(_)) => Err(CertificateError::WrongKey {
                key: self.key.clone(),
                certificate: self.chain.clone(),
            }),
            Err(error) => {
                let text = error.to_string();
                Err(CertificateError::Damaged(self.key.clone(), text))
            }
        }
    }
}

/// Chooses the certificate for the name that a client asks for (RFC 6066 §3); the first one when
/// it asks for none, or for a name that none is for.
#[derive(Debug)]
pub(super) struct ByName {
    default: Arc<CertifiedKey>,
    names: Vec<(String, Arc<CertifiedKey>)>,
}

impl ByName {
    /// `None` without any certificate.
    pub(super) fn load(
        certificates: &[Certificate],
        provider: &CryptoProvider,
    ) -> Result<Option<ByName>, CertificateError> {
        let mut default = None;
        let mut names = Vec::new();
        for certificate in certificates {
            let certified = certificate.load(provider)?;
            let own = match certificate.names.is_empty() {
                true => names_in(&certified),
                false => certificate.names.clone(),
            };
            let own = own.into_iter().map(|name| name.to_ascii_lowercase());
            names.extend(own.map(|name| (name, certified.clone())));
            default.get_or_insert(certified);
        }
        Ok(default.map(|default| ByName { default, names }))
    }

    fn choose(&self, name: Option<&str>) -> Arc<CertifiedKey> {
        let find = |wanted: &str| {
            let mut names = self.names.iter();
            names.find(|(name, _)| name == wanted).map(|(_, key)| key)
        };
        name.and_then(|name| {
            let name = name.to_ascii_lowercase();
            let parent = name.split_once('.').map(|(_, parent)| parent);
            find(&name).or_else(|| find(&format!("*.{}", parent?)))
        })
        .unwrap_or(&self.default)
        .clone()
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.choose(hello.server_name()))
    }
}

fn names_in(certified: &CertifiedKey) -> Vec<String> {
    let parsed = certified
        .cert
        .first()
        .and_then(|certificate| EndEntityCert::try_from(certificate).ok());
    parsed
        .map(|parsed| parsed.valid_dns_names().map(str::to_owned).collect())
        .unwrap_or_default()
}
