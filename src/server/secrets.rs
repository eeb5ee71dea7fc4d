//! The secrets that applications may know.

use ring::hmac;
use ring::rand::SystemRandom;

use crate::protocol::Secret;

/// Compares what applications say with what they should, in a time that says nothing of either: it
/// is keyed digests that are compared.
#[derive(Debug)]
pub struct Secrets {
    key: Option<hmac::Key>,
    tags: Vec<hmac::Tag>,
}

impl Secrets {
    /// These are right. Nothing is while the system has no random numbers.
    pub fn new(secrets: &[Secret]) -> Secrets {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok();
        let tags = key.iter().flat_map(|key| {
            let sign = |secret: &Secret| hmac::sign(key, secret.expose().as_bytes());
            secrets.iter().map(sign).collect::<Vec<_>>()
        });
        Secrets {
            tags: tags.collect(),
            key,
        }
    }

    /// Whether this is one of them. All are looked at, whichever it is.
    pub fn contain(&self, secret: &Secret) -> bool {
        let Some(key) = &self.key else {
            return false;
        };
        let said = secret.expose().as_bytes();
        let is_it = |tag: &hmac::Tag| hmac::verify(key, said, tag.as_ref()).is_ok();
        self.tags.iter().fold(false, |any, tag| any | is_it(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn only_the_whole_secret_is_right() {
        let secrets = Secrets::new(&[secret("cymru"), secret("new")]);
        assert!(secrets.contain(&secret("cymru")));
        assert!(secrets.contain(&secret("new")));
        for wrong in ["", "cymr", "cymru1", "Cymru", "cymrunew"] {
            assert!(!secrets.contain(&secret(wrong)), "{wrong}");
        }
        assert!(!Secrets::new(&[]).contain(&secret("")));
    }
}
