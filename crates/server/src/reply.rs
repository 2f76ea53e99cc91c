//! How the result of a write is sent: as JSON with a status, kept for a client that asks again.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use keepstep_base::Revision;
use keepstep_platform::{Error, Repeat, Reply};
use keepstep_store::StoredResponse;
use serde::Serialize;

use crate::error::etag;

/// A result as JSON. What writes it may also say which revision it is of.
pub(crate) struct Json<W> {
    repeat: Repeat,
    status: StatusCode,
    write: W,
}

/// Returns how a result is sent: with a status, as what `write` makes of it.
pub(crate) fn json<T, B: Serialize>(
    repeat: Repeat,
    status: StatusCode,
    write: impl FnOnce(T) -> B + Send,
) -> Json<impl FnOnce(T) -> (B, Option<Revision>) + Send> {
    Json { repeat, status, write: move |result| (write(result), None) }
}

/// The same for a result that is of a revision, which goes out as the entity tag.
pub(crate) fn tagged<T, B: Serialize>(
    repeat: Repeat,
    status: StatusCode,
    write: impl FnOnce(T) -> (B, Revision) + Send,
) -> Json<impl FnOnce(T) -> (B, Option<Revision>) + Send> {
    let write = move |result| {
        let (body, revision) = write(result);
        (body, Some(revision))
    };
    Json { repeat, status, write }
}

impl<T, B: Serialize, W: FnOnce(T) -> (B, Option<Revision>) + Send> Reply<T> for Json<W> {
    type Output = Response;

    fn repeat(&self) -> Option<&Repeat> {
        Some(&self.repeat)
    }

    fn again(self, before: StoredResponse) -> Result<Response, Error> {
        Ok(response(before, None))
    }

    fn first(self, result: T) -> Result<(Response, Option<StoredResponse>), Error> {
        let (body, revision) = (self.write)(result);
        let body = serde_json::to_string(&body).map_err(|error| Error::Internal(error.to_string()))?;
        let answer = StoredResponse { status: self.status.as_u16(), body };
        let kept = self.repeat.key.is_some().then(|| answer.clone());
        Ok((response(answer, revision), kept))
    }
}

fn response(answer: StoredResponse, revision: Option<Revision>) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(tag) = revision.and_then(etag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
