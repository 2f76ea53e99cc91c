//! Who looks at a page: the session in the browser's cookie.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use keepstep_store::{Role, Scope, Session};
use serde::de::DeserializeOwned;

use super::csrf::{self, CsrfToken};
use super::error_page::{PageError, Typed};
use crate::app::AppState;

/// Returns the origin under which browsers reach the platform, where somebody said so.
fn public_origin(state: &AppState) -> Option<String> {
    let (scheme, rest) = state.settings.public_url.as_deref()?.split_once("://")?;
    let host = rest.split('/').next()?;
    Some(format!("{scheme}://{host}").to_ascii_lowercase())
}

/// Returns true if browsers reach the platform by HTTPS, as far as it knows.
fn is_https(state: &AppState) -> bool {
    public_origin(state).is_some_and(|origin| origin.starts_with("https://"))
}

/// How long a browser stays signed in, in milliseconds: 14 days.
pub(crate) const SESSION_LIFE: i64 = 14 * 24 * 60 * 60 * 1000;

/// The cookies of the pages. With HTTPS their names have the prefix that makes browsers refuse a cookie that a neighbour
/// under the same domain, or somebody on the way, has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The secret of the session.
    Session,
    /// A random text that ties the sign-in form to the browser that was given it.
    Form,
}

impl Cookie {
    fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Session, true) => "__Host-keepstep_session",
            (Self::Session, false) => "keepstep_session",
            (Self::Form, true) => "__Host-keepstep_form",
            (Self::Form, false) => "keepstep_form",
        }
    }

    /// Returns the value that the browser sent.
    pub(crate) fn read(self, headers: &HeaderMap, state: &AppState) -> Option<String> {
        let name = self.name(is_https(state));
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    }

    /// Returns the header that sets the cookie for so many seconds; none at all removes it.
    ///
    /// `Lax` and not `Strict`: a link in a chat should open the page, not the sign-in. No `GET` changes anything.
    ///
    /// # Errors
    /// The value cannot stand in a header.
    pub(crate) fn set(self, value: &str, seconds: i64, state: &AppState) -> Result<HeaderValue, PageError> {
        let (name, secure) = (self.name(is_https(state)), if is_https(state) { "; Secure" } else { "" });
        let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        HeaderValue::from_str(&line).map_err(|error| PageError::internal(&error))
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    /// The session.
    pub(crate) session: Session,
    /// What they may see.
    pub(crate) scope: Scope,
}

impl SignedIn {
    async fn from_headers(headers: &HeaderMap, state: &AppState) -> Result<Self, PageError> {
        let Some(secret) = Cookie::Session.read(headers, state) else { return Err(PageError::NotSignedIn { ended: false }) };
        let session = state.store.session(&secret).await?.ok_or(PageError::NotSignedIn { ended: true })?;
        let scope = Scope::organisation(&session.user.org_id);
        Ok(Self { session, scope })
    }

    /// Checks that the role covers what somebody of at least `needed` may do.
    ///
    /// # Errors
    /// It does not.
    pub(crate) fn require(&self, needed: Role) -> Result<(), PageError> {
        let has = self.session.user.role;
        if has >= needed {
            return Ok(());
        }
        Err(PageError::Forbidden { needed: needed.label(), has: has.label() })
    }
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, PageError> {
        Self::from_headers(&parts.headers, state).await
    }
}

/// The fields of a form.
pub(crate) trait Fields: DeserializeOwned + Send {
    /// Returns the token.
    fn csrf(&self) -> &str;

    /// Returns what a person wrote and would not like to write again.
    fn typed(&self) -> Vec<Typed> {
        Vec::new()
    }
}

/// A form that came from one of our own pages, sent by somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Posted<T> {
    /// Who sent it.
    pub(crate) by: SignedIn,
    /// The fields.
    pub(crate) form: T,
}

impl<T: Fields> FromRequest<AppState> for Posted<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, PageError> {
        let headers = request.headers().clone();
        let form: T = read_form(request, state).await?;
        let by = SignedIn::from_headers(&headers, state).await;
        let checked = by
            .and_then(|by| if CsrfToken::of_session(&by.session).matches(form.csrf()) { Ok(by) } else { Err(PageError::Forged) });
        match checked {
            Ok(by) => Ok(Self { by, form }),
            Err(error) => Err(error.keeping(form.typed())),
        }
    }
}

/// Reads a form after checking where it comes from. The token is still to be compared.
///
/// # Errors
/// It comes from another site, is too large, or is no form.
pub(crate) async fn read_form<T: DeserializeOwned>(request: Request, state: &AppState) -> Result<T, PageError> {
    if !csrf::comes_from_own_page(request.headers(), public_origin(state).as_deref()) {
        return Err(PageError::Forged);
    }
    let form = Form::<T>::from_request(request, state).await;
    form.map(|Form(form)| form).map_err(|rejection| match rejection {
        FormRejection::BytesRejection(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => PageError::TooLarge,
        other => PageError::Invalid(other.body_text()),
    })
}
