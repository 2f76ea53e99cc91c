//! `/admin/agents/{id}` and `/agents/{base}/sub-agent`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_agent::Field;
use keepstep_api::lua::{Agent, Envelope, SubAgentPatch, Written};
use keepstep_base::{AgentId, Revision};
use keepstep_platform::{ChangedAgent, Error, Platform, Target, definition, printable};
use keepstep_store::Role;
use serde_json::Value;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::reply::tagged;
use crate::request::{Input, Precondition, Segments, agent_id};

/// `GET /admin/agents/{id}`
#[utoipa::path(
    get,
    path = "/admin/agents/{id}",
    params(("id" = String, Path, description = "The agent")),
    responses((status = 200, description = "The agent", body = Envelope<Agent>))
)]
pub(crate) async fn show(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Envelope<Agent>>, ApiError> {
    caller.require(Role::Viewer)?;
    let agent = platform.store.agent(&caller.scope, &agent_id(&id)?).await?;
    Ok(Json(Envelope::of(Agent::of(&agent.id, agent.fields))))
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
    State(platform): State<Platform>,
    caller: Caller,
    Segments(base): Segments<String>,
    precondition: Precondition,
    input: Input<SubAgentPatch>,
) -> Result<Response, ApiError> {
    let SubAgentPatch { id, fields } = input.value;
    let id = AgentId::from_base_and_rest(&base, &id).map_err(|_| Error::NotFound(printable(&format!("{base}_{id}"))))?;
    if fields.contains_key(Field::PERSONA.sent_as()) {
        return Err(Error::Refused("A persona is a version of its own; post it to …/persona/version.".to_owned()).into());
    }
    let patch = definition::sent_patch(fields)?;
    let target = Target { agent: &id, message: None, expected: precondition.0 };
    let reply = tagged(input.repeat, StatusCode::OK, written);
    Ok(platform.change_agent(&caller, target, &patch, None, reply).await?)
}

/// Returns the dialect's answer to a change: that it succeeded.
pub(super) fn written(changed: ChangedAgent) -> (Envelope<Written>, Revision) {
    (Envelope::of(Written { agent_id: changed.state.agent.id }), changed.revision)
}

/// `GET /developer/agents/{id}/versions`: snapshots of whole agents, which this server does not create.
#[utoipa::path(
    get,
    path = "/developer/agents/{id}/versions",
    params(("id" = String, Path, description = "The agent")),
    responses((status = 200, description = "Always an empty list", body = Object))
)]
pub(crate) async fn snapshots(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<Envelope<Vec<Value>>>, ApiError> {
    caller.require(Role::Viewer)?;
    platform.store.agent(&caller.scope, &agent_id(&id)?).await?;
    Ok(Json(Envelope::of(Vec::new())))
}
