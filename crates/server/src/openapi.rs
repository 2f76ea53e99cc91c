//! `GET /api/openapi.json`: the API, described for programs.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Returns the description of the API.
pub fn document() -> Value {
    json!({ "openapi": "3.1.0", "info": { "title": "keepstep", "version": env!("CARGO_PKG_VERSION") }, "paths": {} })
}

/// `GET /api/openapi.json`
pub(crate) async fn show() -> Response {
    Json(document()).into_response()
}
