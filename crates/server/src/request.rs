//! What handlers take from a request, with our errors where it has no meaning.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use keepstep_api::{BODY_LIMIT, IDEMPOTENCY_HEADER};
use keepstep_base::{AgentId, Revision};
use keepstep_http::received::{Cost, Received};
use keepstep_platform::{Error, Platform, Repeat, Share, printable};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The lua dialect's name of [`IDEMPOTENCY_HEADER`].
const OTHER_IDEMPOTENCY_HEADER: &str = "x-idempotency-key";

/// The longest idempotency key.
const LONGEST_KEY: usize = 200;

/// A JSON body of at most `LIMIT` bytes, and what makes a repeated request the same one. An empty body reads as `{}`.
pub(crate) struct Input<T, const LIMIT: usize = BODY_LIMIT> {
    pub(crate) value: T,
    pub(crate) repeat: Repeat,
    /// What the value takes of the memory, for as long as the handler runs.
    _share: Option<Share>,
}

impl<T: DeserializeOwned + Send + 'static, const LIMIT: usize> FromRequest<Platform> for Input<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, platform: &Platform) -> Result<Self, ApiError> {
        let unexpected = |error| Error::Invalid(format!("The body is not what this address takes: {error}."));
        Ok(Self::read(request, platform, Cost::ANY, unexpected).await?)
    }
}

impl<T: DeserializeOwned + Send + 'static, const LIMIT: usize> Input<T, LIMIT> {
    /// Reads a body of which it is known what its parts become, and says itself what is wrong with one that is something else.
    pub(crate) async fn read(
        request: Request,
        platform: &Platform,
        cost: Cost,
        unexpected: impl Fn(serde_json::Error) -> Error,
    ) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let repeat_key = repeat_key(&parts.headers)?;
        let beginning = format!("{} {}\n", parts.method, parts.uri);
        let received = Received::read(&parts.headers, body, platform, LIMIT, beginning.as_bytes()).await?;
        check_content_type(&parts.headers, received.is_empty())?;
        let repeat = Repeat { key: repeat_key, request: received.digest() };
        if received.first().is_some_and(|byte| byte != b'{') {
            return Err(Error::Invalid("The body must be a JSON object.".to_owned()));
        }
        let (value, share) = received.parse(platform, cost, unexpected).await?;
        Ok(Self { value, repeat, _share: share })
    }
}

fn repeat_key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let header = headers.get(IDEMPOTENCY_HEADER).or_else(|| headers.get(OTHER_IDEMPOTENCY_HEADER));
    let key = header
        .map(|value| value.to_str().map(str::trim))
        .transpose()
        .map_err(|_| Error::Invalid("The idempotency key must be readable text.".to_owned()))?;
    if key.is_some_and(|key| key.is_empty() || key.len() > LONGEST_KEY) {
        return Err(Error::Invalid(format!("An idempotency key has 1 to {LONGEST_KEY} bytes.")));
    }
    Ok(key.map(str::to_owned))
}

fn check_content_type(headers: &HeaderMap, is_empty: bool) -> Result<(), Error> {
    let Some(value) = headers.get(header::CONTENT_TYPE).filter(|_| !is_empty) else { return Ok(()) };
    let text = value.to_str().unwrap_or("something unreadable");
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    Err(Error::NotJson(text.chars().take(80).collect()))
}

/// The parameters of a path.
pub(crate) struct Segments<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = parts.uri.path().to_owned();
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Error::NotFound(printable(&path)).into()),
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
            Err(error) => Err(Error::Invalid(format!("Invalid query string: {}.", error.body_text())).into()),
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
            None => Err(Error::Invalid(format!(
                "If-Match must be the ETag of the revision that you read; {:?} is not one.",
                tag.chars().take(80).collect::<String>()
            ))
            .into()),
        }
    }
}

impl Precondition {
    /// Returns the revision, which our own writes must name.
    pub(crate) fn required(self) -> Result<Revision, Error> {
        self.0.ok_or(Error::NoPrecondition)
    }
}

/// Returns true if `If-None-Match` names the revision.
pub(crate) fn is_known(headers: &HeaderMap, revision: Revision) -> bool {
    known_tags(headers).any(|tag| Revision::from_etag(tag) == Some(revision))
}

/// Returns true if `If-None-Match` names the entity tag of something that never changes.
pub(crate) fn is_known_tag(headers: &HeaderMap, tag: &str) -> bool {
    known_tags(headers).any(|found| found.trim().trim_start_matches("W/") == tag)
}

fn known_tags(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|tags| tags.split(','))
}

/// Returns a time that a client names, in epoch milliseconds.
pub(crate) fn time(name: &str, text: Option<&str>) -> Result<Option<i64>, Error> {
    let parse = |text: &str| {
        let time = text.parse::<Timestamp>().map(Timestamp::as_millisecond);
        time.map_err(|_| Error::Invalid(format!("Invalid {name}: write it as 2026-02-01T10:00:00Z.")))
    };
    text.map(parse).transpose()
}

/// Returns the id of an agent in a path. What is not an id names no agent.
pub(crate) fn agent_id(text: &str) -> Result<AgentId, Error> {
    text.parse().map_err(|_| Error::NotFound(printable(text)))
}
