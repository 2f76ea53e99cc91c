//! Who calls with a key.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use keepstep_http::key;
use keepstep_platform::{Actor, KeyHolder, Platform};

use crate::error::ApiError;

/// Whoever made a request with a key.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) KeyHolder);

impl Deref for Caller {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.0.actor
    }
}

impl FromRequestParts<Platform> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, ApiError> {
        // Whoever decided that the request may go on has asked already.
        match parts.extensions.remove::<KeyHolder>() {
            Some(holder) => Ok(Self(holder)),
            None => Ok(Self(key::holder(&parts.headers, platform).await?)),
        }
    }
}
