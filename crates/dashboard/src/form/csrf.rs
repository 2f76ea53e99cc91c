//! Proof that a form was filled in on one of our own pages.
//!
//! Beside where the browser says the request comes from, that is a token that only our pages know. A session
//! has one token for its whole life. Before there is a session, the token is a hash of a random cookie.
//!
//! On a page it stands behind a random mask, which is another one each time: pages are sent packed, and how long a packed page is would
//! otherwise tell, guess by guess, what is in it.

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

    /// Returns the token as a form's field has it: a mask, and the token under it.
    pub(crate) fn field(&self) -> String {
        let mut field = vec![0; self.0.len()];
        // Without randomness the token stands there as it is, which is still a token.
        let _ = getrandom::fill(&mut field);
        let masked: Vec<u8> = self.0.bytes().zip(&field).map(|(byte, mask)| byte ^ mask).collect();
        field.extend(masked);
        data_encoding::BASE64URL_NOPAD.encode(&field)
    }

    /// Returns true if a form sent this token. The time that it takes does not depend on how much is right.
    pub(crate) fn matches(&self, sent: &str) -> bool {
        let Ok(field) = data_encoding::BASE64URL_NOPAD.decode(sent.as_bytes()) else { return false };
        let (mask, masked) = field.split_at(field.len() / 2);
        let token: Vec<u8> = masked.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        mask.len() == masked.len() && bool::from(self.0.as_bytes().ct_eq(&token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_one_secret() {
        let token = CsrfToken::of_secret("a");
        assert!(token.matches(&CsrfToken::of_secret("a").field()));
        assert!(!token.matches(&CsrfToken::of_secret("b").field()));
        assert!(!token.matches("") && !token.matches("a") && !token.matches("ä") && !token.matches(&token.0));
        assert!(!token.matches(&token.field()[1..]) && !token.matches(&format!("{}A", token.field())));
    }

    #[test]
    fn a_token_is_written_differently_each_time() {
        let token = CsrfToken::of_secret("a");
        let (first, second) = (token.field(), token.field());
        assert!(first != second && token.matches(&first) && token.matches(&second) && !first.contains(&token.0));
    }
}
