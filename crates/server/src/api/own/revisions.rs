//! `/api/v1/agents/{id}/revisions`

use axum::Json;
use axum::extract::State;
use keepstep_api::own::RevisionState;
use keepstep_base::Revision;
use keepstep_platform::Platform;
use keepstep_store::Role;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Segments, agent_id};
use crate::wire;

/// `GET /api/v1/agents/{id}/revisions/{n}`
#[utoipa::path(
    get,
    path = "/api/v1/agents/{id}/revisions/{revision}",
    params(("id" = String, Path, description = "The agent"), ("revision" = u64, Path, description = "The revision")),
    responses((status = 200, description = "The agent as it was", body = RevisionState))
)]
pub(crate) async fn show(
    State(platform): State<Platform>,
    caller: Caller,
    Segments((id, revision)): Segments<(String, u64)>,
) -> Result<Json<RevisionState>, ApiError> {
    caller.require(Role::Viewer)?;
    let row = platform.store.revision(&caller.scope, &agent_id(&id)?, Revision(revision)).await?;
    Ok(Json(wire::revision_state(row)))
}
