//! `/api/v1/agents/{id}/definition`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_agent::Field;
use keepstep_api::own::{AgentState, DefinitionChange};
use keepstep_store::{Intent, PersonaStatus, Role};

use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Input, Precondition, Segments, agent_id};
use crate::text::shown;
use crate::write::{Begun, Write};
use crate::{definition, wire};

/// `PATCH /api/v1/agents/{id}/definition`
#[utoipa::path(
    patch,
    path = "/api/v1/agents/{id}/definition",
    params(("id" = String, Path, description = "The agent"), ("If-Match" = Option<String>, Header, description = "The revision that the write replaces, as the ETag that was read"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated write the same write")),
    request_body = DefinitionChange,
    responses((status = 200, description = "The agent after the change", body = AgentState))
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
    precondition: Precondition,
    input: Input<DefinitionChange>,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Editor)?;
    let id = agent_id(&id)?;
    let expected = precondition.required()?;
    let DefinitionChange { fields, draft, message } = input.value;
    if let Some(unknown) = fields.keys().find(|key| !Field::ALL.iter().any(|field| field.key() == key.as_str())) {
        return Err(ApiError::Invalid(format!("There is no field {:?} in a definition.", shown(unknown))));
    }
    if fields.is_empty() {
        return Err(ApiError::Invalid("The change names no field.".to_owned()));
    }
    if draft && fields.keys().any(|key| key != Field::Persona.key()) {
        return Err(ApiError::Refused("Only the persona has drafts; leave the other fields out.".to_owned()));
    }
    let message = definition::message(message)?;
    let mut patch = definition::patch(fields)?;
    if draft && let Some(persona) = &mut patch.persona {
        persona.status = PersonaStatus::Draft;
    }

    let mut write = match Write::begin(&state, &caller, input.repeat).await? {
        Begun::Repeated(answer) => return Ok(answer),
        Begun::New(write) => write,
    };
    let intent = Intent {
        scope: caller.scope(),
        agent: &id,
        author: Some(caller.name()),
        message: message.as_deref(),
        expected: Some(expected),
    };
    let changed = write.transaction.change(&intent, &patch).await?;
    let after = write.transaction.agent_state(caller.scope(), &id).await?;
    write.finish(StatusCode::OK, &wire::agent_state(after), Some(changed.revision)).await
}
