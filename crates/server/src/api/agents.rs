//! `/api/v1/agents`

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keepstep_api::own::{AgentList, AgentState, NewAgent};
use keepstep_store::Role;
use serde_json::Value;

use crate::app::AppState;
use crate::auth::Caller;
use crate::error::{ApiError, etag};
use crate::request::{Input, Segments, agent_id, is_known};
use crate::write::{Begun, Write};
use crate::{definition, wire};

/// `GET /api/v1/agents`
#[utoipa::path(
    get,
    path = "/api/v1/agents",
    responses((status = 200, description = "The agents that the key may see", body = AgentList))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<AgentList>, ApiError> {
    caller.must_be(Role::Viewer)?;
    let agents = state.store.agents(caller.scope()).await?;
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
pub(crate) async fn create(State(state): State<AppState>, caller: Caller, input: Input<NewAgent>) -> Result<Response, ApiError> {
    caller.must_be(Role::Owner)?;
    let name = definition::name(Value::String(input.value.name))?;
    let mut write = match Write::begin(&state, &caller, input.repeat).await? {
        Begun::Repeated(answer) => return Ok(answer),
        Begun::New(write) => write,
    };
    let new = keepstep_store::NewAgent { scope: caller.scope(), name: &name, author: Some(caller.name()) };
    let made = write.transaction.create_agent(new).await?;
    let revision = made.agent.revision;
    write.finish(StatusCode::CREATED, &wire::agent_state(made), Some(revision)).await
}

/// `GET /api/v1/agents/{id}/state`
#[utoipa::path(
    get,
    path = "/api/v1/agents/{id}/state",
    params(("id" = String, Path, description = "The agent"), ("If-None-Match" = Option<String>, Header, description = "A revision that is known already")),
    responses((status = 200, description = "Everything that a comparison needs", body = AgentState), (status = 304, description = "The revision is known already"))
)]
pub(crate) async fn state(
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Viewer)?;
    let id = agent_id(&id)?;
    let found = state.cache.state(&state.store, caller.generation, caller.scope(), &id).await?;
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
