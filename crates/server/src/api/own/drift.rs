//! `/api/v1/agents/{id}/drift`

use axum::extract::State;
use axum::http::StatusCode;
use keepstep_api::own::DriftReport;
use keepstep_platform::{Platform, SeenDrift};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Input, Segments, agent_id};

/// `POST /api/v1/agents/{id}/drift`
#[utoipa::path(
    post,
    path = "/api/v1/agents/{id}/drift",
    params(("id" = String, Path, description = "The agent")),
    request_body = DriftReport,
    responses((status = 204, description = "The report is kept, in place of the one before of the same repository and branch"))
)]
pub(crate) async fn report(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    input: Input<DriftReport, { 64 * 1024 }>,
) -> Result<StatusCode, ApiError> {
    let DriftReport { repository, branch, commit, fields } = input.value;
    platform.report_drift(&caller, &agent_id(&id)?, SeenDrift { repository, branch, commit, fields }).await?;
    Ok(StatusCode::NO_CONTENT)
}
