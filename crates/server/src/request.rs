//! What handlers take from a request, with our errors where it has no meaning.

use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::{HeaderMap, header, request::Parts};
use keepstep_api::{BODY_LIMIT, IDEMPOTENCY_HEADER};
use keepstep_core::{AgentId, Digest, Revision};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::error::ApiError;

/// The lua dialect's name of [`IDEMPOTENCY_HEADER`].
const OTHER_IDEMPOTENCY_HEADER: &str = "x-idempotency-key";

/// How long a body of the usual limit may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest idempotency key.
const LONGEST_KEY: usize = 200;

/// A JSON body of at most `LIMIT` bytes, and what makes a repeated request the same one. An empty body reads as `{}`.
pub(crate) struct Input<T, const LIMIT: usize = BODY_LIMIT> {
    pub(crate) value: T,
    pub(crate) repeat: Repeat,
}

/// What makes a repeated request the same one.
pub(crate) struct Repeat {
    /// The idempotency key, if the client sent one.
    pub(crate) key: Option<String>,
    /// A digest of method, path and body.
    pub(crate) request: Digest,
}

impl<S: Sync, T: DeserializeOwned, const LIMIT: usize> FromRequest<S> for Input<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let too_large = || ApiError::TooLarge { what: "The body", limit: LIMIT as u64 };
        let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > LIMIT) {
            return Err(too_large());
        }
        let reading = timeout(patience(LIMIT), to_bytes(body, LIMIT)).await;
        let reading = reading.map_err(|_| ApiError::Invalid("The body came too slowly.".to_owned()))?;
        let body = reading.map_err(|error| {
            let is_limit = std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("length limit"));
            if is_limit { too_large() } else { ApiError::Invalid("The body was cut off.".to_owned()) }
        })?;
        check_content_type(&parts.headers, &body)?;
        let repeat = Repeat::of(&parts, &body)?;
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        if text.trim_ascii_start().first() != Some(&b'{') {
            return Err(ApiError::Invalid("The body must be a JSON object.".to_owned()));
        }
        let value = serde_json::from_slice(text)
            .map_err(|error| ApiError::Invalid(format!("The body is not what this address takes: {error}.")))?;
        Ok(Self { value, repeat })
    }
}

/// Returns how long a body may take to arrive: where more may come, it may take longer.
fn patience(limit: usize) -> Duration {
    PATIENCE.saturating_mul(u32::try_from(limit / BODY_LIMIT).unwrap_or(u32::MAX).max(1))
}

impl Repeat {
    fn of(parts: &Parts, body: &Bytes) -> Result<Self, ApiError> {
        let header = parts.headers.get(IDEMPOTENCY_HEADER).or_else(|| parts.headers.get(OTHER_IDEMPOTENCY_HEADER));
        let key = header
            .map(|value| value.to_str().map(str::trim))
            .transpose()
            .map_err(|_| ApiError::Invalid("The idempotency key must be readable text.".to_owned()))?;
        if key.is_some_and(|key| key.is_empty() || key.len() > LONGEST_KEY) {
            return Err(ApiError::Invalid(format!("An idempotency key has 1 to {LONGEST_KEY} bytes.")));
        }
        let mut request = format!("{} {}\n", parts.method, parts.uri).into_bytes();
        request.extend_from_slice(body);
        Ok(Self { key: key.map(str::to_owned), request: Digest::of_bytes(&request) })
    }
}

fn check_content_type(headers: &HeaderMap, body: &Bytes) -> Result<(), ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE).filter(|_| !body.is_empty()) else { return Ok(()) };
    let text = value.to_str().unwrap_or("something unreadable");
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    Err(ApiError::NotJson(text.chars().take(80).collect()))
}

/// The parameters of a path.
pub(crate) struct Segments<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = parts.uri.path().to_owned();
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(ApiError::NotFound(shown(&path))),
        }
    }
}

/// The parameters of a query.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(error) => Err(ApiError::Invalid(format!("The query has no meaning: {}.", error.body_text()))),
        }
    }
}

/// The revision that `If-Match` names.
pub(crate) struct Precondition(pub(crate) Option<Revision>);

impl<S: Sync> FromRequestParts<S> for Precondition {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let tag = value.to_str().unwrap_or_default();
        match Revision::from_etag(tag) {
            Some(revision) => Ok(Self(Some(revision))),
            None => Err(ApiError::Invalid(format!(
                "If-Match names one revision, as the ETag that was read does: {:?} is none.",
                tag.chars().take(80).collect::<String>()
            ))),
        }
    }
}

impl Precondition {
    /// Returns the revision, which our own writes must name.
    pub(crate) fn required(self) -> Result<Revision, ApiError> {
        self.0.ok_or(ApiError::NoPrecondition)
    }
}

/// Returns true if `If-None-Match` names the revision.
pub(crate) fn is_known(headers: &HeaderMap, revision: Revision) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|tag| Revision::from_etag(tag) == Some(revision))
}

/// Returns the id of an agent in a path. What is not an id names no agent.
pub(crate) fn agent_id(text: &str) -> Result<AgentId, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound(shown(text)))
}

/// Returns text of a request as it may stand in an answer and a log.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_body_may_take_longer() {
        assert_eq!([0, 1024, BODY_LIMIT, 4 * BODY_LIMIT].map(|limit| patience(limit).as_secs()), [60, 60, 60, 240]);
    }
}
