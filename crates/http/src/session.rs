//! Who looks at a page: the session in the browser's cookie, and whether a request comes from one of our own pages.

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderName, HeaderValue};
use keepstep_platform::{Error, Platform};
use keepstep_store::Session;

/// Returns the origin under which browsers reach the platform, where somebody said so.
fn public_origin(platform: &Platform) -> Option<String> {
    let (scheme, rest) = platform.settings.public_url.as_deref()?.split_once("://")?;
    let host = rest.split('/').next()?;
    Some(format!("{scheme}://{host}").to_ascii_lowercase())
}

/// Returns true if browsers reach the platform by HTTPS, as far as it knows.
fn is_https(platform: &Platform) -> bool {
    platform.settings.scheme().eq_ignore_ascii_case("https")
}

/// The cookies of the pages. With HTTPS their names have the prefix that makes browsers refuse a cookie that a neighbor
/// under the same domain, or somebody on the way, has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The secret of the session.
    Session,
    /// A random text that ties the sign-in form to the browser that was given it.
    Form,
    /// A sign-in that the identity provider has not answered yet.
    Oidc,
    /// The colors of the pages.
    Theme,
}

impl Cookie {
    fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Session, true) => "__Host-keepstep_session",
            (Self::Session, false) => "keepstep_session",
            (Self::Form, true) => "__Host-keepstep_form",
            (Self::Form, false) => "keepstep_form",
            (Self::Oidc, true) => "__Host-keepstep_oidc",
            (Self::Oidc, false) => "keepstep_oidc",
            (Self::Theme, true) => "__Host-keepstep_theme",
            (Self::Theme, false) => "keepstep_theme",
        }
    }

    /// Returns the value that the browser sent.
    pub fn read(self, headers: &HeaderMap, platform: &Platform) -> Option<String> {
        let name = self.name(is_https(platform));
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    }

    /// Returns the header that sets the cookie for so many seconds; none at all removes it.
    ///
    /// `Lax` and not `Strict`: a link in a chat should open the page, not the sign-in. No `GET` changes anything, but for the one with which
    /// an identity provider sends a browser back.
    ///
    /// # Errors
    /// The value cannot stand in a header.
    pub fn set(self, value: &str, seconds: i64, platform: &Platform) -> Result<HeaderValue, Error> {
        let (name, secure) = (self.name(is_https(platform)), if is_https(platform) { "; Secure" } else { "" });
        let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        HeaderValue::from_str(&line).map_err(|error| Error::Internal(error.to_string()))
    }
}

/// Returns the session of a browser.
///
/// # Errors
/// It is not signed in, or the database failed.
pub async fn of(headers: &HeaderMap, platform: &Platform) -> Result<Session, Error> {
    let Some(secret) = Cookie::Session.read(headers, platform) else { return Err(Error::NotSignedIn { ended: false }) };
    platform.store.session(&secret).await?.ok_or(Error::NotSignedIn { ended: true })
}

/// Returns the session that a browser had here and that came to its end by itself.
///
/// # Errors
/// The database failed.
pub async fn ended(headers: &HeaderMap, platform: &Platform) -> Result<Option<Session>, Error> {
    let Some(secret) = Cookie::Session.read(headers, platform) else { return Ok(None) };
    Ok(platform.store.ended_session(&secret).await?)
}

/// Checks that a form comes from one of our own pages, as far as the browser tells.
///
/// # Errors
/// It does not.
pub fn check_origin(headers: &HeaderMap, platform: &Platform) -> Result<(), Error> {
    if comes_from_own_page(headers, public_origin(platform).as_deref()) { Ok(()) } else { Err(Error::Forged) }
}

/// Returns true if a request can come from one of our own pages, as far as the browser tells.
///
/// `Sec-Fetch-Site` is absent on plain HTTP outside localhost and in old browsers, `Origin` in programs; what is absent
/// does not speak against the request, because the token is still to be checked. `Origin` is compared with the public
/// address and with `Host`: a page of another site can choose neither of them in the victim's browser.
fn comes_from_own_page(headers: &HeaderMap, public_origin: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let site = text(HeaderName::from_static("sec-fetch-site"));
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
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        comes_from_own_page(&headers.collect(), Some("https://steps.example"))
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
