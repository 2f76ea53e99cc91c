//! `/api/runs`

use axum::Json;
use axum::extract::State;
use keepstep_api::fluxloop::RunOfExperiment;
use keepstep_platform::Platform;
use keepstep_store::Role;

use super::experiments::ExperimentsQuery;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::Parameters;

/// How many runs a list has at most.
const MOST: u32 = 1000;

/// `GET /api/runs?project_id=&scenario_id=&limit=&offset=`
#[utoipa::path(
    get,
    path = "/api/runs",
    params(("project_id" = Option<String>, Query, description = "The project"), ("scenario_id" = Option<String>, Query, description = "Only those of a scenario"), ("limit" = Option<u32>, Query, description = "At most this many"), ("offset" = Option<u32>, Query, description = "How many to leave out")),
    responses((status = 200, description = "The runs in the order of their experiments, oldest first", body = Vec<RunOfExperiment>))
)]
pub(crate) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Parameters(wanted): Parameters<ExperimentsQuery>,
) -> Result<Json<Vec<RunOfExperiment>>, ApiError> {
    caller.require(Role::Viewer)?;
    let project = platform.project_of(&caller, wanted.project_id.clone()).await?;
    let runs = platform.store.run_ids(&caller.scope, &project, wanted.filter(MOST)).await?;
    Ok(Json(runs.into_iter().map(|(id, experiment_id)| RunOfExperiment { id, experiment_id }).collect()))
}
