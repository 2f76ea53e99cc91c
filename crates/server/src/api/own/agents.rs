//! `/api/v1/agents`

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keepstep_api::own::{AgentList, AgentState, NewAgent};
use keepstep_platform::{Error, Platform};
use keepstep_store::Role;

use crate::auth::Caller;
use crate::error::{ApiError, etag};
use crate::reply::tagged;
use crate::request::{Input, Segments, agent_id, is_known};
use crate::wire;

/// `GET /api/v1/agents`
#[utoipa::path(
    get,
    path = "/api/v1/agents",
    responses((status = 200, description = "The agents that the key can read", body = AgentList))
)]
pub(crate) async fn list(State(platform): State<Platform>, caller: Caller) -> Result<Json<AgentList>, ApiError> {
    caller.require(Role::Viewer)?;
    let agents = platform.store.agents(&caller.scope).await?;
    Ok(Json(AgentList { agents: agents.into_iter().map(wire::agent_summary).collect() }))
}

/// `POST /api/v1/agents`
#[utoipa::path(
    post,
    path = "/api/v1/agents",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated write the same write")),
    request_body = NewAgent,
    responses((status = 201, description = "The new agent", body = AgentState))
)]
pub(crate) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    input: Input<NewAgent>,
) -> Result<Response, ApiError> {
    let reply = tagged(input.repeat, StatusCode::CREATED, |state: keepstep_store::AgentState| {
        let revision = state.agent.revision;
        (wire::agent_state(state), revision)
    });
    Ok(platform.create_agent(&caller, input.value.name, reply).await?)
}

/// `GET /api/v1/agents/{id}/state`
#[utoipa::path(
    get,
    path = "/api/v1/agents/{id}/state",
    params(("id" = String, Path, description = "The agent"), ("If-None-Match" = Option<String>, Header, description = "A revision that is known already")),
    responses((status = 200, description = "Everything that a comparison needs", body = AgentState), (status = 304, description = "The revision is known already"))
)]
pub(crate) async fn state(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = agent_id(&id)?;
    let write = |state| serde_json::to_vec(&wire::agent_state(state)).map_err(|error| Error::Internal(error.to_string()));
    let found = platform.sent_state(&caller.0, &id, write).await?;
    let mut response = if is_known(&headers, found.revision) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let json = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, json)], Body::from(found.body)).into_response()
    };
    if let Some(tag) = etag(found.revision) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
