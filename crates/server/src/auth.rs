//! Who calls: the bearer key of a request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use keepstep_base::api_key::{KeyForm, form_of};
use keepstep_store::{Key, Role, Scope};

use crate::app::AppState;
use crate::error::{ApiError, KeyProblem};

/// Whoever made a request with a key.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key.
    pub key: Key,
    /// The state of the database when the key was checked; see [`keepstep_store::Store::generation`].
    pub(crate) generation: u64,
}

impl Caller {
    /// Returns the name under which the caller writes.
    pub fn name(&self) -> &str {
        &self.key.name
    }

    /// Returns what the caller may see.
    pub fn scope(&self) -> &Scope {
        &self.key.scope
    }

    /// Passes everybody whose role is at least that one.
    ///
    /// # Errors
    /// The role is a smaller one.
    pub fn must_be(&self, needs: Role) -> Result<(), ApiError> {
        if self.key.role >= needs {
            return Ok(());
        }
        Err(ApiError::TooNarrow { name: self.key.name.clone(), has: self.key.role, needs })
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        // Whoever decided that the request may go on has asked already.
        match parts.extensions.remove::<Self>() {
            Some(caller) => Ok(caller),
            None => Self::of_key(bearer(&parts.headers)?, state).await,
        }
    }
}

impl Caller {
    /// Returns whose key it is that was presented.
    pub(crate) async fn of_key(presented: &str, state: &AppState) -> Result<Self, ApiError> {
        match form_of(presented) {
            KeyForm::Ours => {}
            KeyForm::Malformed => return Err(KeyProblem::Malformed.into()),
            KeyForm::Foreign => return Err(KeyProblem::Unknown.into()),
        }
        let generation = state.store.generation().await?;
        let key = state.cache.key(&state.store, generation, presented).await?.ok_or(KeyProblem::Unknown)?;
        if key.revoked_at.is_some() {
            return Err(KeyProblem::Revoked.into());
        }
        if key.expires_at.is_some_and(|end| end <= state.store.now()) {
            return Err(KeyProblem::Expired.into());
        }
        Ok(Self { key, generation })
    }
}

/// Returns the key that a request presents.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, KeyProblem> {
    let value = headers.get(header::AUTHORIZATION).ok_or(KeyProblem::Missing)?;
    let value = value.to_str().map_err(|_| KeyProblem::Malformed)?.trim();
    match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty() => Ok(key.trim()),
        None if value.eq_ignore_ascii_case("bearer") || value.is_empty() => Err(KeyProblem::Missing),
        _ => Err(KeyProblem::Malformed),
    }
}
