//! Who looks at a page: the session in the browser's cookie.

use axum::Form;
use axum::body::Body;
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
use crate::memory::Share;
use crate::received::Received;

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

/// How often a form is there while it is read and answered, in its own length: as it came, decoded, meant, and on a page.
const FORM_COST: usize = 6;

/// How long a browser stays signed in, in milliseconds: 14 days.
pub(crate) const SESSION_LIFE: i64 = 14 * 24 * 60 * 60 * 1000;

/// The cookies of the pages. With HTTPS their names have the prefix that makes browsers refuse a cookie that a neighbor
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

/// The largest form in bytes, where it has no long text.
pub(crate) const SMALL_FORM: usize = 64 * 1024;

impl SignedIn {
    /// Checks that a form comes from one of our own pages, as far as the browser tells.
    ///
    /// # Errors
    /// It does not.
    pub(crate) fn check_origin(headers: &HeaderMap, state: &AppState) -> Result<(), PageError> {
        if csrf::comes_from_own_page(headers, public_origin(state).as_deref()) { Ok(()) } else { Err(PageError::Forged) }
    }

    /// Returns true if the browser was signed in here and its session came to its end by itself.
    ///
    /// # Errors
    /// The database failed.
    pub(crate) async fn has_ended(headers: &HeaderMap, state: &AppState) -> Result<bool, PageError> {
        let Some(secret) = Cookie::Session.read(headers, state) else { return Ok(false) };
        Ok(state.store.ended_session(&secret).await?.is_some())
    }

    pub(crate) async fn from_headers(headers: &HeaderMap, state: &AppState) -> Result<Self, PageError> {
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
        // Whoever decided that the request may go on has asked already.
        match parts.extensions.remove::<Self>() {
            Some(by) => Ok(by),
            None => Self::from_headers(&parts.headers, state).await,
        }
    }
}

/// The fields of a form.
pub(crate) trait Fields: DeserializeOwned + Send {
    /// Returns the token.
    fn csrf(&self) -> &str;

    /// The largest form in bytes.
    const LIMIT: usize = SMALL_FORM;

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
    /// What they take of the memory, for as long as the handler runs.
    pub(crate) _share: Option<Share>,
}

impl<T: Fields> FromRequest<AppState> for Posted<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let by = SignedIn::from_request_parts(&mut parts, state).await;
        let ended = match (&by, Cookie::Session.read(&parts.headers, state)) {
            (Err(PageError::NotSignedIn { .. }), Some(secret)) => state.store.ended_session(&secret).await?,
            _ => None,
        };
        let by = match (by, &ended) {
            (Err(error), None) => return Err(error),
            (by, _) => by,
        };
        let (form, share) = read_form::<T>(Request::from_parts(parts, body), state, T::LIMIT).await?;
        match by {
            Ok(by) if CsrfToken::of_session(&by.session).matches(form.csrf()) => Ok(Self { by, form, _share: share }),
            Ok(_) => Err(PageError::Forged.keeping(form.typed())),
            // What was typed outlives the session, for the browser that had it.
            Err(error) if ended.is_some_and(|ended| CsrfToken::of_session(&ended).matches(form.csrf())) => {
                Err(error.keeping(form.typed()))
            }
            Err(error) => Err(error),
        }
    }
}

/// Reads a form of at most so many bytes, after checking where it comes from. The token is still to be compared.
///
/// # Errors
/// It comes from another site, is too large, or is no form.
pub(crate) async fn read_form<T: DeserializeOwned>(
    request: Request,
    state: &AppState,
    limit: usize,
) -> Result<(T, Option<Share>), PageError> {
    SignedIn::check_origin(request.headers(), state)?;
    let (mut parts, body) = request.into_parts();
    let received = Received::read(&parts.headers, body, state, limit, b"").await?;
    let (bytes, share) = received.bytes(state, FORM_COST).await?;
    // A body without an announced length has one now.
    parts.headers.remove(header::CONTENT_LENGTH);
    let form = Form::<T>::from_request(Request::from_parts(parts, Body::from(bytes)), state).await;
    match form {
        Ok(Form(form)) => Ok((form, share)),
        Err(FormRejection::BytesRejection(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(PageError::TooLarge),
        Err(other) => Err(PageError::Invalid(other.body_text())),
    }
}
