//! Who looks at a page.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use keepstep_http::session;
use keepstep_platform::{Actor, Platform};
use keepstep_store::Session;

use crate::error_page::PageError;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    /// The session.
    pub(crate) session: Session,
    /// Who they are, what they may do and see.
    actor: Actor,
}

impl Deref for SignedIn {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}

impl SignedIn {
    pub(crate) async fn from_headers(headers: &HeaderMap, platform: &Platform) -> Result<Self, PageError> {
        Ok(session::of(headers, platform).await?.into())
    }
}

impl From<Session> for SignedIn {
    fn from(session: Session) -> Self {
        Self { actor: Actor::from(&session), session }
    }
}

impl FromRequestParts<Platform> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        // Whoever decided that the request may go on has asked already.
        match parts.extensions.remove::<Session>() {
            Some(session) => Ok(session.into()),
            None => Self::from_headers(&parts.headers, platform).await,
        }
    }
}
