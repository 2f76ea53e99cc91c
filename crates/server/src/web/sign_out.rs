//! `/sign-out`.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, header};
use serde::Deserialize;

use super::error_page::PageError;
use super::session::{Cookie, Fields, Posted};
use crate::app::AppState;

/// A form that has nothing but the token.
#[derive(Debug, Deserialize)]
pub(crate) struct SignOut {
    #[serde(default)]
    csrf: String,
}

impl Fields for SignOut {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `POST`: ends the session on the server and in the browser.
pub(crate) async fn sign_out(
    State(state): State<AppState>,
    headers: HeaderMap,
    _form: Posted<SignOut>,
) -> Result<Response, PageError> {
    if let Some(secret) = Cookie::Session.read(&headers, &state) {
        let mut transaction = state.store.write().await?;
        transaction.end_session(&secret).await?;
        transaction.commit().await?;
    }
    Ok(([(header::SET_COOKIE, Cookie::Session.set("", 0, &state)?)], Redirect::to("/")).into_response())
}
