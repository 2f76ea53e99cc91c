//! `/api/v1/agents/{id}/definition`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::own::{AgentState, DefinitionChange};
use keepstep_platform::{Error, Platform, Target, definition};
use keepstep_store::PersonaStatus;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::reply::tagged;
use crate::request::{Input, Precondition, Segments, agent_id};
use crate::wire;

/// `PATCH /api/v1/agents/{id}/definition`
#[utoipa::path(
    patch,
    path = "/api/v1/agents/{id}/definition",
    params(("id" = String, Path, description = "The agent"), ("If-Match" = Option<String>, Header, description = "The revision that the write replaces, as the ETag that was read"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated write the same write")),
    request_body = DefinitionChange,
    responses((status = 200, description = "The agent after the change", body = AgentState))
)]
pub(crate) async fn change(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    precondition: Precondition,
    input: Input<DefinitionChange>,
) -> Result<Response, ApiError> {
    let id = agent_id(&id)?;
    let expected = precondition.required()?;
    let DefinitionChange { fields, draft, message } = input.value;
    if fields.is_empty() {
        return Err(Error::Invalid("The change names no field.".to_owned()).into());
    }
    let mut patch = definition::patch(fields)?;
    if draft && !patch.fields.is_empty() {
        return Err(Error::Refused("Only the persona has drafts; leave the other fields out.".to_owned()).into());
    }
    if draft && let Some(persona) = &mut patch.persona {
        persona.status = PersonaStatus::Draft;
    }
    let target = Target { agent: &id, message, expected: Some(expected) };
    let reply = tagged(input.repeat, StatusCode::OK, wire::changed_agent);
    Ok(platform.change_agent(&caller, target, &patch, None, reply).await?)
}
