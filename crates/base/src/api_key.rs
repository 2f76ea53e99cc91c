//! The form of the platform's keys: `ks_<kind>_<random><checksum>`.
//!
//! The checksum tells a mistyped or cut key from one that the platform does not know, without asking it, and lets secret
//! scanners be sure. Only the hash of a key is stored.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// How many random characters a key has: 32 letters and digits, about 190 bits.
pub const RANDOM_LENGTH: usize = 32;
const CHECKSUM_LENGTH: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Made for a person or a machine; sent as a bearer token.
    Api,
    /// Made once to sign a browser in.
    Link,
    /// Kept in a browser's cookie.
    Session,
    /// Kept by a device that waits for somebody to let it in.
    Device,
    /// Made for a device that was let in; sent as a bearer token.
    Access,
    /// Kept by a device that was let in, to get the next access key.
    Refresh,
}

impl KeyKind {
    const ALL: [Self; 6] = [Self::Api, Self::Link, Self::Session, Self::Device, Self::Access, Self::Refresh];

    fn label(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Link => "link",
            Self::Session => "session",
            Self::Device => "device",
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// A key. Neither `Debug` nor anything else shows it by accident; [`ApiKey::reveal`] does on purpose.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Makes a key from random bytes.
    pub fn from_random(kind: KeyKind, random: [u8; RANDOM_LENGTH]) -> Self {
        // The small bias of the remainder costs a fraction of a bit of each character.
        let random: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect();
        let head = format!("ks_{}_{random}", kind.label());
        let checksum = checksum(&head);
        Self(head + &checksum)
    }

    /// Returns the key as text, to send or to print once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the hash under which the platform stores the key: SHA-256 of its text in hexadecimal.
    ///
    /// A slow password hash would add nothing: the key itself has the entropy.
    pub fn stored_hash(&self) -> String {
        stored_hash(&self.0)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(…)")
    }
}

/// Returns the hash under which a presented key is looked up.
pub fn stored_hash(presented: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(presented.as_bytes()))
}

/// What the form of a presented key tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// One of ours, with the right checksum.
    Ours,
    /// It begins like one of ours, but it is cut, mistyped or has something around it.
    Malformed,
    /// Not ours at all, perhaps a key of another platform.
    Foreign,
}

/// Returns what the form of a key tells.
pub fn form_of(presented: &str) -> KeyForm {
    if !presented.starts_with("ks_") {
        return KeyForm::Foreign;
    }
    let well_formed = presented.is_ascii()
        && presented.len() > CHECKSUM_LENGTH
        && KeyKind::ALL.iter().any(|kind| {
            presented.len() == "ks__".len() + kind.label().len() + RANDOM_LENGTH + CHECKSUM_LENGTH
                && presented[3..].starts_with(kind.label())
        });
    if well_formed {
        let (head, sum) = presented.split_at(presented.len() - CHECKSUM_LENGTH);
        if checksum(head) == sum {
            return KeyForm::Ours;
        }
    }
    KeyForm::Malformed
}

fn checksum(head: &str) -> String {
    let hash = Sha256::digest(head.as_bytes());
    hash.iter().take(CHECKSUM_LENGTH).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_not_shown_by_accident() {
        let key = ApiKey::from_random(KeyKind::Api, [7; RANDOM_LENGTH]);
        assert_eq!(format!("{key:?}"), "ApiKey(…)");
        assert!(key.reveal().starts_with("ks_api_"));
    }

    #[test]
    fn a_foreign_key_is_not_called_malformed() {
        assert_eq!(form_of("api_123.abc"), KeyForm::Foreign);
        assert_eq!(form_of(""), KeyForm::Foreign);
        assert_eq!(form_of("ks_"), KeyForm::Malformed);
        assert_eq!(form_of("ks_äpi_x"), KeyForm::Malformed);
    }

    proptest! {
        #[test]
        fn any_changed_character_is_noticed(random in any::<[u8; RANDOM_LENGTH]>(), at in 7usize..45, with in "[0-9A-Za-z]") {
            let key = ApiKey::from_random(KeyKind::Api, random);
            prop_assert_eq!(form_of(key.reveal()), KeyForm::Ours);
            let mut changed = key.reveal().to_owned();
            changed.replace_range(at..=at, &with);
            if changed != key.reveal() {
                prop_assert_eq!(form_of(&changed), KeyForm::Malformed);
            }
            prop_assert_eq!(form_of(&key.reveal()[..44]), KeyForm::Malformed);
        }
    }
}
