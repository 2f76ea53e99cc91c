//! Forms of somebody who is not signed in yet: a random cookie and its hash in the form take the place of the session's token.

use http::{HeaderMap, HeaderValue};
use keepstep_base::api_key::{ApiKey, KeyForm, KeyKind, form_of};
use keepstep_http::session::Cookie;
use keepstep_platform::{Error, Platform};

use crate::form::csrf::CsrfToken;

/// How long the form can be left open, in seconds.
const FORM_LIFE: i64 = 60 * 60;

/// The token of such a form, and the header that gives the browser its other half.
pub(crate) struct FormToken {
    pub(crate) csrf: CsrfToken,
    pub(crate) cookie: HeaderValue,
}

impl FormToken {
    /// Returns the token for a browser. One that has a cookie keeps it, so that a form in another tab works as well.
    ///
    /// # Errors
    /// The machine has no random bytes to give.
    pub(crate) fn of(headers: &HeaderMap, platform: &Platform) -> Result<Self, Error> {
        let secret = match Cookie::Form.read(headers, platform).filter(|secret| form_of(secret) == KeyForm::Ours) {
            Some(secret) => secret,
            None => ApiKey::from_random(KeyKind::Session, platform.store.surroundings().random()?).reveal().to_owned(),
        };
        Ok(Self { csrf: CsrfToken::of_secret(&secret), cookie: Cookie::Form.set(&secret, FORM_LIFE, platform)? })
    }

    /// Returns true if a form sent the token of its browser.
    pub(crate) fn is_of(headers: &HeaderMap, platform: &Platform, sent: &str) -> bool {
        Cookie::Form.read(headers, platform).is_some_and(|secret| CsrfToken::of_secret(&secret).matches(sent))
    }
}
