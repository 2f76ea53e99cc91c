//! `/api/sync/turns`

use axum::Json;
use axum::extract::State;
use keepstep_api::fluxloop::Turn;
use keepstep_platform::Platform;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::Input;

/// `POST /api/sync/turns`
///
/// A turn is known by its run and its id, so its idempotency key is not needed. It is taken also of a run that nobody
/// knows yet: a refusal costs the peer seven seconds.
#[utoipa::path(
    post,
    path = "/api/sync/turns",
    request_body = Turn,
    responses((status = 200, description = "It is stored", body = Object))
)]
pub(crate) async fn add(State(platform): State<Platform>, caller: Caller, input: Input<Turn>) -> Result<Json<Value>, ApiError> {
    platform.add_turns(&caller, &[input.value]).await?;
    Ok(Json(json!({ "ok": true })))
}
