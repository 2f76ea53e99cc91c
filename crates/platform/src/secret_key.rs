//! The key of what the server has to read again, such as the secrets that sign messages. It is no part of the database, so a stolen backup
//! has those only encrypted.
//!
//! A sealed text is `sealed:1:` and the base64 of a nonce of 12 random bytes and of what ChaCha20-Poly1305 makes of the text, bound to what
//! the text is for.

use std::fmt;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use crate::error::Error;

/// How long a key is, in bytes.
const LENGTH: usize = 32;

/// What a sealed text begins with.
const SEALED: &str = "sealed:1:";

/// The key.
#[derive(Clone)]
pub struct SecretKey([u8; LENGTH]);

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(…)")
    }
}

impl SecretKey {
    /// Returns a new key from random bytes.
    pub fn new(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// Returns a key as it is written: the base64 of its 32 bytes.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.trim().as_bytes()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// Returns it as it is written.
    pub fn to_text(&self) -> String {
        BASE64.encode(&self.0)
    }

    /// Encrypts a text. Only who names the same purpose opens it. The nonce must be random.
    ///
    /// # Errors
    /// The text has gigabytes.
    pub(crate) fn seal(&self, nonce: [u8; NONCE_LEN], purpose: &str, text: &str) -> Result<String, Error> {
        let failed = || Error::Internal("a secret cannot be encrypted".to_owned());
        let mut bytes = text.as_bytes().to_vec();
        let key = self.cipher().ok_or_else(failed)?;
        let nonce_of_it = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce_of_it, Aad::from(purpose), &mut bytes).map_err(|_| failed())?;
        Ok(format!("{SEALED}{}", BASE64.encode(&[&nonce[..], &bytes].concat())))
    }

    /// Returns the text that was sealed for a purpose; nothing where another key did.
    pub(crate) fn open(&self, purpose: &str, sealed: &str) -> Option<String> {
        let bytes = BASE64.decode(sealed.strip_prefix(SEALED)?.as_bytes()).ok()?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let text = self.cipher()?.open_in_place(nonce, Aad::from(purpose), &mut text).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }

    /// Returns a secret that takes both this key and another secret to know.
    ///
    /// # Errors
    /// The key has no length that a key may have.
    pub(crate) fn with(&self, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::Internal("a secret cannot be derived".to_owned());
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(failed)?;
        mac.update(secret);
        Ok(mac.finalize().into_bytes().to_vec())
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        Some(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &self.0).ok()?))
    }
}

/// Returns true if a text was sealed, by whatever key.
pub fn is_sealed(text: &str) -> bool {
    text.starts_with(SEALED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_by_the_same_key_for_the_same_purpose() {
        let (key, other) = (SecretKey::new([7; LENGTH]), SecretKey::new([8; LENGTH]));
        let sealed = key.seal([1; NONCE_LEN], "https://example.com", "whsec_secret").unwrap();
        assert!(is_sealed(&sealed) && !sealed.contains("whsec"));
        assert_eq!(key.open("https://example.com", &sealed).as_deref(), Some("whsec_secret"));
        assert_eq!(key.open("https://elsewhere.example", &sealed), None);
        assert_eq!(other.open("https://example.com", &sealed), None);
        for broken in ["", "sealed:1:", "sealed:1:AAAA", "sealed:1:?", &sealed[..sealed.len() - 4]] {
            assert_eq!(key.open("https://example.com", broken), None, "{broken}");
        }
        assert_ne!(key.with(b"a").unwrap(), other.with(b"a").unwrap());
    }

    #[test]
    fn a_key_is_written_and_read_and_not_shown() {
        let key = SecretKey::new([7; LENGTH]);
        let read = SecretKey::from_text(&format!("{}\n", key.to_text())).unwrap();
        assert_eq!(read.open("", &key.seal([1; NONCE_LEN], "", "x").unwrap()).as_deref(), Some("x"));
        assert_eq!(format!("{key:?}"), "SecretKey(…)");
        for broken in ["", "short", &BASE64.encode(&[7; 31]), "????"] {
            assert!(SecretKey::from_text(broken).is_none(), "{broken}");
        }
    }
}
