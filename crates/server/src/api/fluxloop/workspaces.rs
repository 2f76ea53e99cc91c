//! `/api/workspaces`

use axum::Json;
use axum::extract::State;
use keepstep_api::fluxloop::Workspace;
use keepstep_platform::Platform;
use keepstep_store::Role;

use crate::auth::Caller;
use crate::error::ApiError;

/// `GET /api/workspaces`
#[utoipa::path(
    get,
    path = "/api/workspaces",
    responses((status = 200, description = "The organization of the key", body = Vec<Workspace>))
)]
pub(crate) async fn list(State(platform): State<Platform>, caller: Caller) -> Result<Json<Vec<Workspace>>, ApiError> {
    caller.require(Role::Viewer)?;
    let organization = platform.store.organization(&caller.scope.org_id).await?;
    Ok(Json(vec![Workspace { id: organization.id, name: organization.name }]))
}
