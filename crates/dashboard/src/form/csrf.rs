//! Proof that a form was filled in on one of our own pages.
//!
//! Beside where the browser says the request comes from, that is a token that only our pages know. A session
//! has one token for its whole life. Before there is a session, the token is a hash of a random cookie.

use keepstep_store::Session;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The token that forms carry.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CsrfToken(String);

impl CsrfToken {
    /// Returns the token that the store keeps with a session.
    pub(crate) fn of_session(session: &Session) -> Self {
        Self(session.csrf.clone())
    }

    /// Returns the token that belongs to the secret of a cookie.
    pub(crate) fn of_secret(secret: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"keepstep form\0");
        hash.update(secret.as_bytes());
        Self(data_encoding::BASE64URL_NOPAD.encode(&hash.finalize()))
    }

    /// Returns the token as a form's field has it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true if a form sent this token. The time that it takes does not depend on how much is right.
    pub(crate) fn matches(&self, sent: &str) -> bool {
        self.0.as_bytes().ct_eq(sent.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_one_secret() {
        let token = CsrfToken::of_secret("a");
        assert!(token.matches(CsrfToken::of_secret("a").as_str()));
        assert!(!token.matches(CsrfToken::of_secret("b").as_str()));
        assert!(!token.matches("") && !token.matches("a"));
    }
}
