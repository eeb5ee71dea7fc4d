//! Certificates and keys that can't be used are refused at the start, with the name of the file.

use std::path::PathBuf;

use crate::common::pki::{Authority, Identity};
use drachtio::transport::{
    Certificate, ClientCertificates, Contact, Limits, OpenError, Pem, TlsContext, TlsError,
    TlsSettings, Transports,
};

/// A directory that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("drachtio-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, content: &str) -> Pem {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        Pem::from(path.to_str().unwrap().to_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn refused(chain: Pem, key: Pem) -> (&'static str, String) {
    let settings = TlsSettings {
        certificates: vec![Certificate {
            chain,
            key,
            names: Vec::new(),
        }],
        ..TlsSettings::default()
    };
    let error = TlsContext::new(&settings).unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn a_certificate_and_its_key_may_stand_in_files_and_with_other_text() {
    let folder = Folder::new("good");
    let identity = Identity::self_signed("example.com", false);
    let both = format!("Some words\n{}{}", identity.certificate, identity.key);
    let both = folder.file("both.pem", &both);
    let settings = TlsSettings {
        certificates: vec![Certificate {
            chain: both.clone(),
            key: both,
            names: Vec::new(),
        }],
        ..TlsSettings::default()
    };
    TlsContext::new(&settings).unwrap();
}

#[test]
fn what_is_wrong_is_said_with_the_name_of_the_file() {
    let folder = Folder::new("bad");
    let (one, other) = (
        Identity::self_signed("example.com", false),
        Identity::self_signed("example.com", false),
    );
    let certificate = folder.file("cert.pem", &one.certificate);
    let key = folder.file("key.pem", &one.key);
    let wrong = folder.file("other-key.pem", &other.key);
    let words = folder.file("words.txt", "no certificate here");
    let damaged = "-----BEGIN CERTIFICATE-----\nMAMBAf8=\n-----END CERTIFICATE-----\n";
    let damaged = folder.file("damaged.pem", damaged);
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAMBAf8=\n\
                  -----END ENCRYPTED PRIVATE KEY-----\n";
    let locked = folder.file("locked.pem", locked);
    let missing = Pem::from("/nowhere/missing.pem".to_owned());
    for (chain, key, code, name) in [
        (&missing, &key, "DRT_ERR_TLS_FILE", "/nowhere/missing.pem"),
        (
            &certificate,
            &missing,
            "DRT_ERR_TLS_FILE",
            "/nowhere/missing.pem",
        ),
        (&words, &key, "DRT_ERR_TLS_CERTIFICATE", "words.txt"),
        (&damaged, &key, "DRT_ERR_TLS_CERTIFICATE", "damaged.pem"),
        (&certificate, &words, "DRT_ERR_TLS_CERTIFICATE", "words.txt"),
        (
            &certificate,
            &certificate,
            "DRT_ERR_TLS_CERTIFICATE",
            "cert.pem",
        ),
        (
            &certificate,
            &locked,
            "DRT_ERR_TLS_ENCRYPTED_KEY",
            "locked.pem",
        ),
        (
            &certificate,
            &wrong,
            "DRT_ERR_TLS_WRONG_KEY",
            "other-key.pem",
        ),
    ] {
        let (actual, text) = refused(chain.clone(), key.clone());
        assert_eq!(actual, code, "{text}");
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn a_key_given_as_text_is_shown_to_nobody() {
    let identity = Identity::self_signed("example.com", false);
    let other = Identity::self_signed("example.com", false);
    let (_, text) = refused(
        Pem::from(identity.certificate.clone()),
        Pem::from(other.key.clone()),
    );
    let shown = format!("{text} {:?}", identity.configured());
    for secret in [&other.key, &identity.key] {
        let line = secret.lines().nth(1).unwrap();
        assert!(!shown.contains(line), "{shown}");
    }
}

#[tokio::test]
async fn a_contact_that_needs_a_certificate_says_so() {
    for contact in [
        "sip:127.0.0.1:0;transport=tls",
        "sip:127.0.0.1:0;transport=udp,wss",
    ] {
        let contacts: Vec<Contact> = vec![contact.parse().unwrap()];
        let refused = Transports::open(&contacts, Limits::default(), &TlsSettings::default());
        let error = refused.unwrap_err();
        assert_eq!(error.code(), "DRT_ERR_TLS_NO_CERTIFICATE");
        let text = error.to_string();
        assert!(matches!(error, OpenError::Tls(TlsError::NoCertificate(_))));
        assert!(text.contains(contact), "{text}");
        assert!(text.contains("engine.tls.certificates"), "{text}");
    }
}

#[test]
fn who_asks_clients_for_certificates_must_trust_somebody_to_give_them_out() {
    let settings = TlsSettings {
        client_certificates: ClientCertificates::Require,
        authorities: Some(Vec::new()),
        ..Authority::new("CA").issue("example.com").shown()
    };
    let error = TlsContext::new(&settings).unwrap_err();
    assert_eq!(error.code(), "DRT_ERR_TLS_NO_AUTHORITY");
}
