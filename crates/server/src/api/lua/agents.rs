//! `/admin/agents/{id}` and `/agents/{base}/sub-agent`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::lua::{Agent, Envelope, SubAgentPatch, Written};
use keepstep_base::AgentId;
use keepstep_store::{Intent, Role};
use serde_json::Value;

use crate::app::AppState;
use crate::auth::Caller;
use crate::definition;
use crate::error::ApiError;
use crate::request::{Input, Precondition, Segments, agent_id};
use crate::text::shown;
use crate::write::{Begun, Write};

/// `GET /admin/agents/{id}`
#[utoipa::path(
    get,
    path = "/admin/agents/{id}",
    params(("id" = String, Path, description = "The agent")),
    responses((status = 200, description = "The agent", body = Envelope<Agent>))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Envelope<Agent>>, ApiError> {
    caller.must_be(Role::Viewer)?;
    let agent = state.store.agent(caller.scope(), &agent_id(&id)?).await?;
    Ok(Json(Envelope::of(Agent {
        id: Some(agent.id.to_string()),
        name: agent.name,
        model: agent.model,
        governance: agent.governance,
        others: agent.others,
    })))
}

/// `PATCH /agents/{base}/sub-agent`
#[utoipa::path(
    patch,
    path = "/agents/{id}/sub-agent",
    params(("id" = String, Path, description = "What stands before the first _ in the id of the agent")),
    request_body = SubAgentPatch,
    responses((status = 200, description = "Done", body = Envelope<Written>))
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Segments(base): Segments<String>,
    precondition: Precondition,
    input: Input<SubAgentPatch>,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Editor)?;
    let SubAgentPatch { id, fields } = input.value;
    let id = AgentId::from_base_and_rest(&base, &id).map_err(|_| ApiError::NotFound(shown(&format!("{base}_{id}"))))?;
    if fields.contains_key("persona") {
        return Err(ApiError::Refused("A persona is a version of its own; post it to …/persona/version.".to_owned()));
    }
    let patch = definition::patch(fields)?;

    let mut write = match Write::begin(&state, &caller, input.repeat).await? {
        Begun::Repeated(answer) => return Ok(answer),
        Begun::New(write) => write,
    };
    let intent =
        Intent { scope: caller.scope(), agent: &id, author: Some(caller.name()), message: None, expected: precondition.0 };
    let changed = write.transaction.change(&intent, &patch).await?;
    let answer = Envelope::of(Written { agent_id: id.clone() });
    write.finish(StatusCode::OK, &answer, Some(changed.revision)).await
}

/// `GET /developer/agents/{id}/versions`: snapshots of whole agents, which this platform does not make.
#[utoipa::path(
    get,
    path = "/developer/agents/{id}/versions",
    params(("id" = String, Path, description = "The agent")),
    responses((status = 200, description = "Always an empty list", body = Object))
)]
pub(crate) async fn snapshots(
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Envelope<Vec<Value>>>, ApiError> {
    caller.must_be(Role::Viewer)?;
    state.store.agent(caller.scope(), &agent_id(&id)?).await?;
    Ok(Json(Envelope::of(Vec::new())))
}
