//! `/api/experiments`

use axum::Json;
use axum::extract::State;
use keepstep_api::fluxloop::{Experiment, ExperimentEvaluation, ExperimentSummary};
use keepstep_platform::Platform;
use keepstep_store::Role;
use keepstep_store::results::{BatchFilter, BatchStatus, RunBatch};
use serde::Deserialize;

use super::time;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::origin::{Origin, experiment_url};
use crate::request::Parameters;

/// How many experiments a list has at most.
const MOST: u32 = 1000;

/// Which experiments, or which of their runs, a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct ExperimentsQuery {
    pub(super) project_id: Option<String>,
    pub(super) scenario_id: Option<String>,
    pub(super) limit: Option<u32>,
    pub(super) offset: Option<u32>,
}

impl ExperimentsQuery {
    /// Returns what to read, at most so many.
    pub(super) fn filter(&self, most: u32) -> BatchFilter<'_> {
        BatchFilter {
            scenario: self.scenario_id.as_deref(),
            offset: self.offset.unwrap_or_default(),
            limit: self.limit.unwrap_or(most).clamp(1, most),
        }
    }
}

/// `GET /api/experiments?project_id=&scenario_id=&limit=&offset=`
#[utoipa::path(
    get,
    path = "/api/experiments",
    params(("project_id" = Option<String>, Query, description = "The project"), ("scenario_id" = Option<String>, Query, description = "Only those of a scenario"), ("limit" = Option<u32>, Query, description = "At most this many"), ("offset" = Option<u32>, Query, description = "How many of the newest to leave out")),
    responses((status = 200, description = "The experiments, newest first", body = Vec<Experiment>))
)]
pub(crate) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Origin(origin): Origin,
    Parameters(wanted): Parameters<ExperimentsQuery>,
) -> Result<Json<Vec<Experiment>>, ApiError> {
    caller.require(Role::Viewer)?;
    let project = platform.project_of(&caller, wanted.project_id.clone()).await?;
    platform.abandon_silent_runs().await?;
    let batches = platform.store.run_batches(&caller.scope, &project, wanted.filter(MOST)).await?;
    Ok(Json(batches.into_iter().map(|batch| experiment(batch, &origin)).collect()))
}

fn experiment(batch: RunBatch, origin: &str) -> Experiment {
    // One that goes on, or broke off, has no verdict.
    let verdict = match batch.status {
        BatchStatus::Completed if batch.counts.passed == batch.counts.completed() => Some("pass"),
        // Neither is known.
        BatchStatus::Completed if batch.counts.passed + batch.counts.not_judged == batch.counts.completed() => None,
        BatchStatus::Completed | BatchStatus::Failed => Some("fail"),
        BatchStatus::Running | BatchStatus::Abandoned => None,
    };
    Experiment {
        url: experiment_url(origin, &batch.project_id, &batch.id),
        experiment_id: batch.id,
        name: batch.experiment_id.unwrap_or_default(),
        scenario_id: batch.scenario_id,
        bundle_version_id: batch.bundle_id,
        status: batch.status.label().to_owned(),
        created_at: time(batch.created_at),
        summary: ExperimentSummary {
            total_runs: batch.counts.total(),
            completed_runs: batch.counts.completed(),
            failed_runs: batch.counts.broken(),
        },
        evaluation: ExperimentEvaluation { verdict: verdict.map(str::to_owned) },
    }
}
