//! `/api/v1/agents/{id}/personas`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_agent::definition::persona_text;
use keepstep_agent::diff::rows;
use keepstep_api::own::{AgentState, PersonaDiff, PersonaDocument, PersonaList, PersonaStatus};
use keepstep_base::PersonaVersion;
use keepstep_platform::{Platform, Target};
use keepstep_store::{PersonaFilter, Role};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::reply::tagged;
use crate::request::{Input, Parameters, Precondition, Segments, agent_id};
use crate::wire;

/// How many versions a page has where the client does not say, and at most.
const PAGE: u32 = 100;

/// Which versions a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct VersionsQuery {
    status: Option<PersonaStatus>,
    before: Option<u32>,
    limit: Option<u32>,
}

/// `GET /api/v1/agents/{id}/personas?status=&before=&limit=`
#[utoipa::path(
    get,
    path = "/api/v1/agents/{id}/personas",
    params(("id" = String, Path, description = "The agent"), ("status" = Option<PersonaStatus>, Query, description = "Only those of a status"), ("before" = Option<u32>, Query, description = "Only those older than this one"), ("limit" = Option<u32>, Query, description = "At most this many, and at most 100")),
    responses((status = 200, description = "A page of versions, newest first", body = PersonaList))
)]
pub(crate) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    Parameters(wanted): Parameters<VersionsQuery>,
) -> Result<Json<PersonaList>, ApiError> {
    caller.require(Role::Viewer)?;
    let limit = wanted.limit.unwrap_or(PAGE).clamp(1, PAGE);
    let filter = PersonaFilter {
        status: wanted.status,
        before: wanted.before.map(PersonaVersion),
        // One more than asked for tells whether there is a next page.
        limit: limit + 1,
    };
    let mut versions = platform.store.persona_summaries(&caller.scope, &agent_id(&id)?, filter).await?;
    let has_more = versions.len() > limit as usize;
    versions.truncate(limit as usize);
    let next = versions.last().filter(|_| has_more).map(|last| last.version);
    Ok(Json(PersonaList { versions, next }))
}

/// `GET /api/v1/agents/{id}/personas/{n}`
#[utoipa::path(
    get,
    path = "/api/v1/agents/{id}/personas/{version}",
    params(("id" = String, Path, description = "The agent"), ("version" = u32, Path, description = "The version")),
    responses((status = 200, description = "The version with its text", body = PersonaDocument))
)]
pub(crate) async fn show(
    State(platform): State<Platform>,
    caller: Caller,
    Segments((id, version)): Segments<(String, u32)>,
) -> Result<Json<PersonaDocument>, ApiError> {
    caller.require(Role::Viewer)?;
    let persona = platform.store.persona(&caller.scope, &agent_id(&id)?, PersonaVersion(version)).await?;
    Ok(Json(persona))
}

/// What may be said about a deployment.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct Deployment {
    /// Why.
    message: Option<String>,
}

/// `POST /api/v1/agents/{id}/personas/{n}/deploy`
#[utoipa::path(
    post,
    path = "/api/v1/agents/{id}/personas/{version}/deploy",
    params(("id" = String, Path, description = "The agent"), ("version" = u32, Path, description = "The version"), ("If-Match" = Option<String>, Header, description = "The revision that the write replaces, as the ETag that was read"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated write the same write")),
    request_body = Deployment,
    responses((status = 200, description = "The agent after the change", body = AgentState))
)]
pub(crate) async fn deploy(
    State(platform): State<Platform>,
    caller: Caller,
    Segments((id, version)): Segments<(String, u32)>,
    precondition: Precondition,
    input: Input<Deployment>,
) -> Result<Response, ApiError> {
    let id = agent_id(&id)?;
    let expected = precondition.required()?;
    let target = Target { agent: &id, message: input.value.message, expected: Some(expected) };
    let reply = tagged(input.repeat, StatusCode::OK, wire::changed_agent);
    Ok(platform.deploy_persona(&caller, target, PersonaVersion(version), reply).await?)
}

/// `GET /api/v1/agents/{id}/personas/{a}/diff/{b}`
#[utoipa::path(
    get,
    path = "/api/v1/agents/{id}/personas/{version}/diff/{other}",
    params(("id" = String, Path, description = "The agent"), ("version" = u32, Path, description = "The old version"), ("other" = u32, Path, description = "The new version")),
    responses((status = 200, description = "How the other version differs", body = PersonaDiff))
)]
pub(crate) async fn diff(
    State(platform): State<Platform>,
    caller: Caller,
    Segments((id, from, to)): Segments<(String, u32, u32)>,
) -> Result<Json<PersonaDiff>, ApiError> {
    caller.require(Role::Viewer)?;
    let id = agent_id(&id)?;
    let (from, to) = (PersonaVersion(from), PersonaVersion(to));
    let old = platform.store.persona(&caller.scope, &id, from).await?;
    let new = platform.store.persona(&caller.scope, &id, to).await?;
    let text = |persona| persona_text(Some(persona));
    let (old, new) = (text(&old.persona), text(&new.persona));
    let rows = platform.budgets.work(move || rows(&old, &new)).await?;
    Ok(Json(PersonaDiff { from, to, rows }))
}
