//! `/api/v1/whoami`

use axum::Json;
use keepstep_api::own::WhoAmI;
use keepstep_platform::Actor;
use keepstep_store::Role;

use crate::auth::Caller;
use crate::error::ApiError;

/// `GET /api/v1/whoami`
#[utoipa::path(
    get,
    path = "/api/v1/whoami",
    responses((status = 200, description = "Whose key it is", body = WhoAmI))
)]
pub(crate) async fn show(caller: Caller) -> Result<Json<WhoAmI>, ApiError> {
    caller.require(Role::Viewer)?;
    let Actor { name, role, scope, expires_at, .. } = caller.0.actor;
    let project_id = scope.only_project().map(str::to_owned);
    Ok(Json(WhoAmI { name, role, org_id: scope.org_id, project_id, expires_at }))
}
