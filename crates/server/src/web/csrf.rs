//! Proof that a form was filled in on one of our own pages.
//!
//! Two independent checks: where the browser says the request comes from, and a token that only our pages know. A session
//! has one token for its whole life. Before there is a session, the token is a hash of a random cookie.

use http::{HeaderMap, header};
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

/// Returns true if a request can come from one of our own pages, as far as the browser tells.
///
/// `Sec-Fetch-Site` is absent on plain HTTP outside localhost and in old browsers, `Origin` in programs; what is absent
/// does not speak against the request, because the token is still to be checked. `Origin` is compared with the public
/// address and with `Host`: a page of another site can choose neither of them in the victim's browser.
pub(crate) fn comes_from_own_page(headers: &HeaderMap, public_origin: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let site = text(header::HeaderName::from_static("sec-fetch-site"));
    match (site, text(header::ORIGIN)) {
        (Some(site), _) if site != "same-origin" && site != "none" => false,
        (_, None) => !headers.contains_key(header::ORIGIN),
        (site, Some("null")) => site == Some("same-origin"),
        (_, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            public_origin == Some(origin) || (host.is_some() && host == text(header::HOST))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(headers: &[(&'static str, &'static str)]) -> bool {
        let headers =
            headers.iter().map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value)));
        comes_from_own_page(&headers.collect(), Some("https://steps.example"))
    }

    #[test]
    fn a_token_belongs_to_one_secret() {
        let token = CsrfToken::of_secret("a");
        assert!(token.matches(CsrfToken::of_secret("a").as_str()));
        assert!(!token.matches(CsrfToken::of_secret("b").as_str()));
        assert!(!token.matches("") && !token.matches("a"));
    }

    #[test]
    fn requests_of_other_sites_are_refused() {
        assert!(!allowed(&[("host", "steps.example"), ("sec-fetch-site", "cross-site")]));
        assert!(!allowed(&[("host", "steps.example"), ("sec-fetch-site", "same-site")]));
        assert!(!allowed(&[("host", "steps.example"), ("origin", "https://evil.example")]));
        assert!(!allowed(&[("host", "steps.example"), ("origin", "https://steps.example.evil.example")]));
        assert!(!allowed(&[("host", "steps.example"), ("origin", "null")]));
        assert!(!allowed(&[("origin", "http://127.0.0.1:4747")]));
    }

    #[test]
    fn requests_of_our_own_pages_pass() {
        assert!(allowed(&[("host", "127.0.0.1:4747"), ("origin", "http://127.0.0.1:4747")]));
        assert!(allowed(&[("host", "behind:8080"), ("origin", "https://steps.example")]));
        assert!(allowed(&[("host", "steps.example"), ("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(allowed(&[("host", "steps.example")]));
    }
}
