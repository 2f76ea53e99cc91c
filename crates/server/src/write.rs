//! Writes that are done once, however often they are asked for.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use keepstep_base::Revision;
use keepstep_store::{Answer, Once, Transaction};
use serde::Serialize;

use crate::app::AppState;
use crate::auth::Caller;
use crate::error::{ApiError, etag};
use crate::request::Repeat;

/// The beginning of a write.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is made")]
pub(crate) enum Begun {
    /// It was done before: this is the answer that it got.
    Repeated(Response),
    /// It is to be done.
    New(Write),
}

/// A write that is being done. Dropped, it never happened.
pub(crate) struct Write {
    /// The transaction.
    pub(crate) transaction: Transaction,
    once: Option<Once>,
    state: AppState,
}

impl Write {
    pub(crate) async fn begin(state: &AppState, caller: &Caller, repeat: Repeat) -> Result<Begun, ApiError> {
        let once = repeat.key.map(|key| Once { owner: caller.key.id.clone(), key, request: repeat.request.to_string() });
        let mut transaction = state.store.write().await?;
        if let Some(once) = &once
            && let Some(answer) = transaction.recall(once).await?
        {
            return Ok(Begun::Repeated(response(answer, None)));
        }
        Ok(Begun::New(Self { transaction, once, state: state.clone() }))
    }

    /// Commits the write together with its answer, and returns the answer.
    pub(crate) async fn finish<T: Serialize>(
        mut self,
        status: StatusCode,
        body: &T,
        revision: Option<Revision>,
    ) -> Result<Response, ApiError> {
        let body = serde_json::to_string(body).map_err(|error| ApiError::Internal(error.to_string()))?;
        let answer = Answer { status: status.as_u16(), body };
        if let Some(once) = &self.once {
            self.transaction.remember(once, &answer).await?;
        }
        self.transaction.commit().await?;
        self.state.events.look();
        self.state.metrics.wrote();
        Ok(response(answer, revision))
    }
}

fn response(answer: Answer, revision: Option<Revision>) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(tag) = revision.and_then(etag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
