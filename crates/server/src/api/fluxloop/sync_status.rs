//! `/api/sync/status`: ours.

use axum::Json;
use axum::extract::State;
use keepstep_api::fluxloop::{ExperimentStatus, KnownRun, LatestBundle, SyncStatus};
use keepstep_platform::{Error, Platform};
use keepstep_store::results::RunBatch;
use keepstep_store::{Role, StoreError};
use serde::Deserialize;

use super::time;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::origin::{Origin, experiment_url};
use crate::request::Parameters;

/// How many runs can be requested at once.
const MOST_RUNS: usize = 100;

/// What a client wants to know.
#[derive(Debug, Deserialize)]
pub(crate) struct SyncStatusQuery {
    project_id: Option<String>,
    scenario_id: Option<String>,
    bundle_version_id: Option<String>,
    experiment_ids: Option<String>,
    run_ids: Option<String>,
}

/// `GET /api/sync/status?project_id=&scenario_id=&bundle_version_id=&experiment_ids=a,b&run_ids=c,d`
#[utoipa::path(
    get,
    path = "/api/sync/status",
    params(("project_id" = Option<String>, Query, description = "The project"), ("scenario_id" = Option<String>, Query, description = "The newest bundle version of this scenario only"), ("bundle_version_id" = Option<String>, Query, description = "Is this bundle version there?"), ("experiment_ids" = Option<String>, Query, description = "What is there of these: names or ids with commas between"), ("run_ids" = Option<String>, Query, description = "Which of these runs are there: ids with commas between, at most 100")),
    responses((status = 200, description = "How far the server is", body = SyncStatus))
)]
pub(crate) async fn show(
    State(platform): State<Platform>,
    caller: Caller,
    Origin(origin): Origin,
    Parameters(wanted): Parameters<SyncStatusQuery>,
) -> Result<Json<SyncStatus>, ApiError> {
    caller.require(Role::Viewer)?;
    let project = platform.project_of(&caller, wanted.project_id).await?;
    let latest = match platform.store.newest_bundle(&caller.scope, &project, wanted.scenario_id.as_deref()).await {
        Ok(bundle) => Some(LatestBundle { id: bundle.id, created_at: time(bundle.created_at) }),
        Err(StoreError::NothingPublished(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let bundle_known = match &wanted.bundle_version_id {
        None => false,
        Some(id) => match platform.store.bundle(&caller.scope, id).await {
            Ok(bundle) => bundle.project_id == project,
            Err(StoreError::BundleNotFound(_)) => false,
            Err(error) => return Err(error.into()),
        },
    };
    let names = wanted.experiment_ids.unwrap_or_default();
    let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    platform.abandon_silent_runs().await?;
    let batches =
        if names.is_empty() { Vec::new() } else { platform.store.run_batches_named(&caller.scope, &project, &names).await? };
    let experiments = batches.into_iter().map(|batch| ExperimentStatus {
        url: experiment_url(&origin, &batch.project_id, &batch.id),
        experiment_id: batch.experiment_id.unwrap_or_default(),
        run_batch_id: batch.id,
        status: batch.status.label().to_owned(),
        runs: batch.counts.total(),
    });
    let runs = match &wanted.run_ids {
        None => None,
        Some(ids) => Some(known(&platform, &caller, &project, ids, &origin).await?),
    };
    Ok(Json(SyncStatus { latest_bundle: latest, bundle_known, experiments: experiments.collect(), runs }))
}

/// Returns which of some runs are there.
async fn known(platform: &Platform, caller: &Caller, project: &str, ids: &str, origin: &str) -> Result<Vec<KnownRun>, ApiError> {
    let ids: Vec<&str> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    if ids.len() > MOST_RUNS {
        return Err(Error::Invalid(format!("At most {MOST_RUNS} runs can be requested at once.")).into());
    }
    let known = platform.store.known_runs(&caller.scope, project, &ids).await?;
    let run = |(run_id, batch): (String, RunBatch)| KnownRun {
        run_id,
        url: experiment_url(origin, &batch.project_id, &batch.id),
        status: batch.status.label().to_owned(),
        run_batch_id: batch.id,
    };
    Ok(known.into_iter().map(run).collect())
}
