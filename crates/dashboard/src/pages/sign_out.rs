//! `/sign-out`.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, header};
use keepstep_http::session::Cookie;
use keepstep_platform::Platform;

use crate::error_page::PageError;
use crate::form::posted::{Confirmed, Posted};

/// `POST`: ends the session on the server and in the browser.
pub(crate) async fn sign_out(
    State(platform): State<Platform>,
    headers: HeaderMap,
    _form: Posted<Confirmed>,
) -> Result<Response, PageError> {
    if let Some(secret) = Cookie::Session.read(&headers, &platform) {
        platform.sign_out(&secret).await?;
    }
    Ok(([(header::SET_COOKIE, Cookie::Session.set("", 0, &platform)?)], Redirect::to("/")).into_response())
}
