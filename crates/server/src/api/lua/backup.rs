//! `/developer/agents/{id}/backup`: copies of a project's files, which this platform does not keep.
//!
//! The answers say so in the dialect's way: a backup without files.

use axum::Json;
use axum::extract::State;
use keepstep_api::lua::Envelope;
use keepstep_platform::Platform;
use keepstep_store::Role;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Input, Segments, agent_id};

/// `GET /developer/agents/{id}/backup`
#[utoipa::path(
    get,
    path = "/developer/agents/{id}/backup",
    params(("id" = String, Path, description = "The agent")),
    responses((status = 200, description = "A backup without files", body = Object))
)]
pub(crate) async fn show(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Envelope<Value>>, ApiError> {
    caller.require(Role::Viewer)?;
    let agent = platform.store.agent(&caller.scope, &agent_id(&id)?).await?;
    Ok(Json(Envelope::of(json!({ "fileCount": 0, "projectHash": "", "createdAt": time(agent.changed.at) }))))
}

/// `GET /developer/agents/{id}/backup/manifest`
#[utoipa::path(
    get,
    path = "/developer/agents/{id}/backup/manifest",
    params(("id" = String, Path, description = "The agent")),
    responses((status = 200, description = "A list without files", body = Object))
)]
pub(crate) async fn manifest(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Value>, ApiError> {
    caller.require(Role::Viewer)?;
    let agent = platform.store.agent(&caller.scope, &agent_id(&id)?).await?;
    Ok(Json(open(json!({ "projectHash": "", "createdAt": time(agent.changed.at), "files": [] }))))
}

/// `GET /developer/agents/{id}/backup/versions`
#[utoipa::path(
    get,
    path = "/developer/agents/{id}/backup/versions",
    params(("id" = String, Path, description = "The agent")),
    responses((status = 200, description = "A list without versions", body = Object))
)]
pub(crate) async fn versions(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Value>, ApiError> {
    caller.require(Role::Viewer)?;
    platform.store.agent(&caller.scope, &agent_id(&id)?).await?;
    Ok(Json(open(json!({ "versions": [] }))))
}

/// `POST /developer/agents/{id}/backup/blob-urls`
#[utoipa::path(
    post,
    path = "/developer/agents/{id}/backup/blob-urls",
    params(("id" = String, Path, description = "The agent")),
    request_body = Object,
    responses((status = 200, description = "No addresses", body = Object))
)]
pub(crate) async fn blob_urls(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    _: Input<Value>,
) -> Result<Json<Value>, ApiError> {
    caller.require(Role::Viewer)?;
    platform.store.agent(&caller.scope, &agent_id(&id)?).await?;
    Ok(Json(open(json!({ "urls": {} }))))
}

/// Returns an answer that is both in the dialect's envelope and without it: `pull` and `source` of the peer read these at the top
/// level, `sync` and `init` inside of `data`.
fn open(data: Value) -> Value {
    let mut answer = data.clone();
    answer["success"] = json!(true);
    answer["data"] = data;
    answer
}

/// Returns epoch milliseconds as ISO 8601.
pub(crate) fn time(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds).map(|time| time.to_string()).unwrap_or_default()
}
