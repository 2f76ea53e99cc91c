//! `GET /healthz`: whether the server can do its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use keepstep_platform::Platform;
use keepstep_store::StoreError;
use serde_json::json;

/// `GET /healthz`
#[utoipa::path(
    get,
    path = "/healthz",
    responses((status = 200, description = "The server can do its work", body = Object))
)]
pub(crate) async fn show(State(platform): State<Platform>) -> Response {
    match platform.store.check().await {
        Ok(()) => Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the server cannot do its work");
            // Anybody may ask: the path of a file is for the log.
            let reason = match error {
                StoreError::Full => "the disk is full; nothing can be written",
                StoreError::FileGone { what: "replaced", .. } => "the database file was replaced while the server was using it",
                StoreError::FileGone { .. } => "the database file was deleted while the server was using it",
                _ => "the database does not answer",
            };
            let body = Json(json!({ "status": "failing", "reason": reason }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}
