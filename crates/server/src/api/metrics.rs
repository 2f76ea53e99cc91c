//! `GET /metrics`: the counts of this server.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use keepstep_platform::{Error, Platform};

use crate::error::ApiError;

/// `GET /metrics`
#[utoipa::path(
    get,
    path = "/metrics",
    responses((status = 200, description = "Counts, in the text format of OpenMetrics", body = String, content_type = "application/openmetrics-text"))
)]
pub(crate) async fn show(State(platform): State<Platform>) -> Result<Response, ApiError> {
    let text = platform.metrics.encoded().map_err(|error| Error::Internal(error.to_string()))?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, content_type)], text).into_response())
}
