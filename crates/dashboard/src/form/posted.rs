//! Forms that come from our own pages, and who sent them.

use axum::Form;
use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use http::StatusCode;
use http::header::{self};
use keepstep_http::received::Received;
use keepstep_http::session;
use keepstep_platform::{Error, Platform, Share};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error_page::{PageError, Typed};
use crate::form::csrf::CsrfToken;
use crate::signed_in::SignedIn;

/// How often a form is there while it is read and answered, in its own length: as it came, decoded, meant, and on a page.
pub(crate) const FORM_COST: usize = 6;

/// The largest form in bytes, where it has no long text.
pub(crate) const SMALL_FORM: usize = 64 * 1024;

/// The fields of a form.
pub(crate) trait Fields: DeserializeOwned + Send {
    /// Returns the token.
    fn csrf(&self) -> &str;

    /// The largest form in bytes.
    const LIMIT: usize = SMALL_FORM;

    /// How often the form is there, in its own length.
    const COST: usize = FORM_COST;

    /// Reads the form, after checking where it comes from, with what it takes of the memory.
    ///
    /// # Errors
    /// It comes from another site, is too large, or is no form.
    fn read(request: Request, platform: &Platform) -> impl Future<Output = Result<(Self, Option<Share>), PageError>> + Send {
        read_form::<Self>(request, platform, Self::LIMIT, Self::COST)
    }

    /// Returns what a person wrote and would not like to write again.
    fn typed(&self) -> Vec<Typed> {
        Vec::new()
    }
}

/// A form that has nothing but the token: its address says everything.
#[derive(Debug, Deserialize)]
pub(crate) struct Confirmed {
    #[serde(default)]
    csrf: String,
}

impl Fields for Confirmed {
    fn csrf(&self) -> &str {
        &self.csrf
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
    pub(crate) share: Option<Share>,
}

impl<T: Fields> FromRequest<Platform> for Posted<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, platform: &Platform) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let by = SignedIn::from_request_parts(&mut parts, platform).await;
        let ended = match &by {
            Err(PageError::NotSignedIn { .. }) => session::ended(&parts.headers, platform).await?,
            _ => None,
        };
        let by = match (by, &ended) {
            (Err(error), None) => return Err(error),
            (by, _) => by,
        };
        let (form, share) = T::read(Request::from_parts(parts, body), platform).await?;
        match by {
            Ok(by) if CsrfToken::of_session(&by.session).matches(form.csrf()) => Ok(Self { by, form, share }),
            Ok(_) => Err(PageError::Forged.keeping(form.typed())),
            // What was typed outlives the session, for the browser that had it.
            Err(error) if ended.is_some_and(|ended| CsrfToken::of_session(&ended).matches(form.csrf())) => {
                Err(error.keeping(form.typed()))
            }
            Err(error) => Err(error),
        }
    }
}

/// Reads a form of at most so many bytes, after checking where it comes from, and takes the memory for so many copies of it. The token is
/// still to be compared.
///
/// # Errors
/// It comes from another site, is too large, or is no form.
pub(crate) async fn read_form<T: DeserializeOwned>(
    request: Request,
    platform: &Platform,
    limit: usize,
    cost: usize,
) -> Result<(T, Option<Share>), PageError> {
    let (request, share) = read_whole(request, platform, limit, cost).await?;
    let form = Form::<T>::from_request(request, platform).await;
    match form {
        Ok(Form(form)) => Ok((form, share)),
        Err(FormRejection::BytesRejection(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large(limit)),
        Err(other) => Err(PageError::Invalid(other.body_text())),
    }
}

fn too_large(limit: usize) -> PageError {
    PageError::TooLarge(format!("The form is larger than {limit} bytes."))
}

/// Reads the body of a form as a whole, of at most so many bytes, after checking where it comes from. Returns the request with it, and what
/// so many copies of it take of the memory.
///
/// # Errors
/// It comes from another site, is too large, or there is no memory for it now.
pub(crate) async fn read_whole(
    request: Request,
    platform: &Platform,
    limit: usize,
    cost: usize,
) -> Result<(Request, Option<Share>), PageError> {
    session::check_origin(request.headers(), platform)?;
    let (mut parts, body) = request.into_parts();
    let received = match Received::read(&parts.headers, body, platform, limit, b"").await {
        Err(Error::TooLarge { .. }) => return Err(too_large(limit)),
        received => received?,
    };
    let (bytes, share) = received.bytes(platform, cost).await?;
    // A body without an announced length has one now.
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok((Request::from_parts(parts, Body::from(bytes)), share))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use keepstep_platform::{PARSED, Settings};
    use keepstep_store::{Store, Surroundings};

    use super::*;
    use crate::form::edit::Sent;

    #[tokio::test]
    async fn a_form_holds_the_memory_for_what_becomes_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_with(&folder.path().join("keepstep.db"), Surroundings::of_the_machine()).await.unwrap();
        let platform = Platform::new(store, Settings::default());
        let body = format!("csrf=&base=1&action=draft&persona={}", "x".repeat(1024 * 1024));
        let length = body.len();
        let request = Request::post("/").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from(body)).unwrap();
        let (_, share) = read_form::<Sent>(request, &platform, Sent::LIMIT, Sent::COST).await.unwrap();
        let left = PARSED * 1024 - 12 * length;
        assert!(platform.budgets.parsed(left + 1024).now_or_never().is_none());
        assert!(platform.budgets.parsed(left - 1024).now_or_never().is_some_and(|share| share.is_ok()));
        drop(share);
        assert!(platform.budgets.parsed(PARSED * 1024).now_or_never().is_some_and(|share| share.is_ok()));
    }
}
