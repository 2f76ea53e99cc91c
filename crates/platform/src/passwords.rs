//! Passwords: what may be one, and their hashes.
//!
//! Argon2id with the memory and time that OWASP recommends. A hash takes a processor for some hundredths of a second and 19 MiB, so few are
//! computed at a time, beside the threads that answer.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use keepstep_store::EmailAddress;
use unicode_normalization::UnicodeNormalization as _;

use crate::error::Error;
use crate::memory::Budgets;

/// The shortest password, in characters.
pub const SHORTEST_PASSWORD: usize = 10;

/// The longest password, in bytes.
const LONGEST: usize = 1024;

/// In KiB.
const MEMORY: u32 = 19 * 1024;

/// How often the memory is gone through.
const ROUNDS: u32 = 2;

/// What is hashed with it is compared with nothing.
const SALT_OF_NOBODY: &[u8; 16] = b"keepstep-nobody!";

/// Checks that a text may be the password of an account.
///
/// # Errors
/// It is too short or too long, or it is the address of the account.
pub(crate) fn check_password(password: &str, email: &EmailAddress) -> Result<(), Error> {
    let refuse = |reason: String| Err(Error::WeakPassword(reason));
    if password.chars().count() < SHORTEST_PASSWORD {
        return refuse(format!("A password has at least {SHORTEST_PASSWORD} characters. Three or four words make a good one."));
    }
    if password.len() > LONGEST {
        return refuse(format!("A password has at most {LONGEST} bytes."));
    }
    if EmailAddress::parse(password).is_ok_and(|typed| typed.key() == email.key()) {
        return refuse("The e-mail address is not a password.".to_owned());
    }
    let mut characters = password.chars();
    let first = characters.next();
    if characters.all(|character| Some(character) == first) {
        return refuse("One character, again and again, is not a password.".to_owned());
    }
    Ok(())
}

impl Budgets {
    /// Returns the hash of a password, to be kept.
    pub(crate) async fn hash_password(&self, password: &str, salt: [u8; 16]) -> Result<String, Error> {
        let password = composed(password);
        let hash = self.password_work(move || hasher()?.hash_password_with_salt(password.as_bytes(), &salt)).await?;
        hash.map(|hash| hash.to_string()).map_err(failed)
    }

    /// Returns true if a password is the one of a hash. Where there is no hash, the work is the same, and nothing is right.
    pub(crate) async fn is_password(&self, password: &str, hash: Option<String>) -> Result<bool, Error> {
        let password = composed(password);
        let verdict = self.password_work(move || match hash {
            Some(hash) => {
                let hash = PasswordHash::new(&hash)?;
                Ok(hasher()?.verify_password(password.as_bytes(), &hash).is_ok())
            }
            None => hasher()?.hash_password_with_salt(password.as_bytes(), SALT_OF_NOBODY).map(|_| false),
        });
        verdict.await?.map_err(failed)
    }
}

/// Keyboards write the same letter in several ways.
fn composed(password: &str) -> String {
    password.nfkc().collect()
}

fn hasher() -> Result<Argon2<'static>, argon2::password_hash::Error> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY, ROUNDS, 1, None)?))
}

fn failed(error: argon2::password_hash::Error) -> Error {
    Error::Internal(format!("a password could not be hashed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_of_one_password_and_says_how_it_was_made() {
        let budgets = Budgets::default();
        let hash = budgets.hash_password("Zürich im Regen", [7; 16]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, budgets.hash_password("Zürich im Regen", [8; 16]).await.unwrap());
        assert!(budgets.is_password("Zu\u{308}rich im Regen", Some(hash.clone())).await.unwrap());
        for wrong in ["zürich im Regen", "Zürich im Regen ", ""] {
            assert!(!budgets.is_password(wrong, Some(hash.clone())).await.unwrap());
        }
        assert!(!budgets.is_password("Zürich im Regen", None).await.unwrap());
        assert!(matches!(budgets.is_password("x", Some("damaged".to_owned())).await, Err(Error::Internal(_))));
    }

    #[test]
    fn a_password_that_anybody_would_try_is_refused() {
        let email = EmailAddress::parse("ada@example.com").unwrap();
        for weak in ["", "short", "aaaaaaaaaaaaaaaa", "Ada@Example.com", &"long ".repeat(300)] {
            assert!(matches!(check_password(weak, &email), Err(Error::WeakPassword(_))), "{weak}");
        }
        for fine in ["correct horse", "ünïcödé123", "          x"] {
            assert!(check_password(fine, &email).is_ok(), "{fine}");
        }
    }
}
