//! `/api/v1/whoami`

use axum::Json;
use keepstep_api::own::WhoAmI;
use keepstep_store::Role;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::wire;

/// `GET /api/v1/whoami`
#[utoipa::path(
    get,
    path = "/api/v1/whoami",
    responses((status = 200, description = "Whose key it is", body = WhoAmI))
)]
pub(crate) async fn show(caller: Caller) -> Result<Json<WhoAmI>, ApiError> {
    caller.must_be(Role::Viewer)?;
    let key = caller.key;
    Ok(Json(WhoAmI {
        name: key.name,
        role: wire::role(key.role),
        org_id: key.scope.org_id,
        project_id: key.scope.project_id,
        expires_at: key.expires_at,
    }))
}
