//! The bearer key of a request, and whose it is.

use axum::http::{HeaderMap, header};
use keepstep_platform::{Error, KeyHolder, KeyProblem, Platform};

/// Returns whose key it is that a request presents.
///
/// # Errors
/// There is none, it is not good, or the database failed.
pub async fn holder(headers: &HeaderMap, platform: &Platform) -> Result<KeyHolder, Error> {
    platform.holder_of_key(bearer(headers)?).await
}

/// Returns the key that a request presents.
///
/// # Errors
/// There is none, or the header is not one.
pub fn bearer(headers: &HeaderMap) -> Result<&str, KeyProblem> {
    let value = headers.get(header::AUTHORIZATION).ok_or(KeyProblem::Missing)?;
    let value = value.to_str().map_err(|_| KeyProblem::Malformed)?.trim();
    match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty() => Ok(key.trim()),
        None if value.eq_ignore_ascii_case("bearer") || value.is_empty() => Err(KeyProblem::Missing),
        _ => Err(KeyProblem::Malformed),
    }
}
