//! A sign-in that a browser has begun and that its identity provider will answer.
//!
//! All of it is in a cookie of the browser, so nothing is kept here. What the provider sees (`state`, `nonce`, the challenge) is made of
//! the whole cookie by a hash, so a cookie in which somebody changed anything belongs to no answer.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// How long a sign-in may take, in milliseconds: ten minutes.
pub const OIDC_LIFE: i64 = 10 * 60 * 1000;

/// What a sign-in is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OidcPurpose {
    /// Opens a page.
    Page(String),
    /// Uses a one-time link up.
    Link(String),
    /// Links an identity to the account of whoever is signed in; with what proves that they gave their password when they began.
    Account(String),
}

/// A sign-in that a browser has begun.
#[derive(Clone, PartialEq, Eq)]
pub struct BegunSignIn {
    purpose: OidcPurpose,
    begun_at: i64,
    cookie: String,
}

impl BegunSignIn {
    /// Begins one.
    pub(super) fn new(purpose: OidcPurpose, secret: [u8; 32], now: i64) -> Self {
        let (kind, text) = match &purpose {
            OidcPurpose::Page(path) => ('p', path),
            OidcPurpose::Link(token) => ('l', token),
            OidcPurpose::Account(proof) => ('a', proof),
        };
        let cookie = format!("{kind}.{now}.{}.{}", BASE64URL_NOPAD.encode(&secret), BASE64URL_NOPAD.encode(text.as_bytes()));
        Self { purpose, begun_at: now, cookie }
    }

    /// Returns what names this sign-in and no other, without what it is for: a proof is about it.
    pub(super) fn name(&self) -> &str {
        self.cookie.rsplit_once('.').map_or("", |(name, _)| name)
    }

    /// Returns the same sign-in for linking an identity, with the proof.
    pub(super) fn proved(self, proof: String) -> Self {
        let cookie = format!("{}.{}", self.name(), BASE64URL_NOPAD.encode(proof.as_bytes()));
        Self { purpose: OidcPurpose::Account(proof), begun_at: self.begun_at, cookie }
    }

    /// Returns the sign-in of a cookie.
    pub fn of_cookie(cookie: &str) -> Option<Self> {
        let mut parts = cookie.split('.');
        let (kind, begun_at, secret, text) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let text = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()?;
        if parts.next().is_some() || BASE64URL_NOPAD.decode(secret.as_bytes()).ok()?.len() != 32 {
            return None;
        }
        let purpose = match kind {
            "p" => OidcPurpose::Page(text),
            "l" => OidcPurpose::Link(text),
            "a" => OidcPurpose::Account(text),
            _ => return None,
        };
        Some(Self { purpose, begun_at: begun_at.parse().ok()?, cookie: cookie.to_owned() })
    }

    /// Returns the text for the browser's cookie, which is secret.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Returns what it is for.
    pub fn purpose(&self) -> &OidcPurpose {
        &self.purpose
    }

    /// Returns true if an answer belongs to this sign-in, which has not taken too long.
    pub(super) fn is_answered_by(&self, state: &str, now: i64) -> bool {
        let took = now.saturating_sub(self.begun_at);
        (0..OIDC_LIFE).contains(&took) && bool::from(self.state().as_bytes().ct_eq(state.as_bytes()))
    }

    /// Returns what the provider sends back.
    pub(super) fn state(&self) -> String {
        self.derived("state")
    }

    /// Returns what the provider writes into the token.
    pub(super) fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// Returns what proves that the code was asked for from here (PKCE, RFC 7636).
    pub(super) fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// Returns what the provider compares with the verifier.
    pub(super) fn challenge(&self) -> String {
        BASE64URL_NOPAD.encode(&Sha256::digest(self.verifier().as_bytes()))
    }

    fn derived(&self, what: &str) -> String {
        BASE64URL_NOPAD.encode(&Sha256::digest(format!("keepstep {what}\n{}", self.cookie).as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_of_one_sign_in() {
        let purposes = [
            OidcPurpose::Page("/agents?x=ä;\n".to_owned()),
            OidcPurpose::Link("ks_link_x".to_owned()),
            OidcPurpose::Account("proof".to_owned()),
        ];
        for purpose in purposes {
            let begun = BegunSignIn::new(purpose.clone(), [7; 32], 1000);
            let read = BegunSignIn::of_cookie(begun.cookie()).unwrap();
            assert!(read == begun && *read.purpose() == purpose);
            assert!(begun.cookie().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
            assert!(read.is_answered_by(&begun.state(), 1000 + OIDC_LIFE - 1));
            assert!(!read.is_answered_by(&begun.state(), 1000 + OIDC_LIFE), "for too long");
            assert!(!read.is_answered_by(&begun.state(), 999), "before it");
            assert!(!read.is_answered_by("", 1000) && !read.is_answered_by(&begun.nonce(), 1000));
            let other = BegunSignIn::new(purpose, [8; 32], 1000);
            assert!(!read.is_answered_by(&other.state(), 1000));
            // Whatever is changed in a cookie, it is another sign-in.
            let changed = BegunSignIn::of_cookie(&begun.cookie().replace("1000", "2000")).unwrap();
            assert!(!changed.is_answered_by(&begun.state(), 2000));
            let texts = [begun.state(), begun.nonce(), begun.verifier(), begun.challenge()];
            assert!(texts.iter().all(|text| text.len() == 43 && !begun.cookie().contains(text.as_str())), "{texts:?}");
        }
    }

    #[test]
    fn a_proof_is_added_to_a_sign_in_that_keeps_its_name() {
        let begun = BegunSignIn::new(OidcPurpose::Account(String::new()), [7; 32], 1000);
        let name = begun.name().to_owned();
        let proved = begun.proved("proof".to_owned());
        assert_eq!((proved.name(), proved.purpose()), (name.as_str(), &OidcPurpose::Account("proof".to_owned())));
        assert!(BegunSignIn::of_cookie(proved.cookie()).unwrap() == proved);
    }

    #[test]
    fn what_is_no_cookie_is_none() {
        let good = BegunSignIn::new(OidcPurpose::Page("/".to_owned()), [7; 32], 1000).cookie;
        for bad in
            ["", "....", "p.1.x.Lw", &good[1..], &format!("{good}.x"), &good.replacen('p', "q", 1), &good.replace("1000", "x")]
        {
            assert!(BegunSignIn::of_cookie(bad).is_none(), "{bad}");
        }
    }
}
