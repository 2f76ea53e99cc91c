//! `POST /api/v1/uploads/{upload}/commit`: everything becomes visible at once.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use keepstep_api::own::uploads::{Commit, Committed, GateAnswer, Incomplete};
use keepstep_platform::{CommitOutcome, Error, Platform, UploadCommit};
use keepstep_store::StoreError;
use keepstep_store::artifacts::CommittedUpload;
use keepstep_store::results::ExperimentGate;

use super::runs;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::origin::{Origin, experiment_url};
use crate::request::{Input, Segments, time};

/// `POST /api/v1/uploads/{upload}/commit`
///
/// The same commit again is the same batch, also after the upload is forgotten and was offered anew: what makes it the same
/// is the experiment and all that was offered.
#[utoipa::path(
    post,
    path = "/api/v1/uploads/{upload}/commit",
    params(("upload" = String, Path, description = "The upload")),
    request_body = Commit,
    responses(
        (status = 200, description = "The batch, which is there as a whole", body = Committed),
        (status = 409, description = "Parts are missing", body = Incomplete)
    )
)]
pub(crate) async fn commit(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    Origin(origin): Origin,
    input: Input<Commit>,
) -> Result<Response, ApiError> {
    let commit = input.value;
    let said = UploadCommit {
        runs_sha256: &commit.runs_sha256,
        started_at: time("started_at", commit.started_at.as_deref())?,
        completed_at: time("completed_at", commit.completed_at.as_deref())?,
        details: &commit.details,
    };
    Ok(match platform.commit_upload(&caller, &id, said, runs::read).await? {
        CommitOutcome::Incomplete(missing) => incomplete(missing),
        CommitOutcome::Done { project_id, became, repeated } => {
            let url = experiment_url(&origin, &project_id, &became.batch_id);
            let CommittedUpload { batch_id, runs, failed } = became;
            let gate = gate(&platform, &caller, &batch_id).await?;
            Json(Committed { run_batch_id: batch_id, url, runs, failed, repeated, gate }).into_response()
        }
    })
}

/// Returns what the gate of its scenario says of an experiment.
async fn gate(platform: &Platform, caller: &Caller, id: &str) -> Result<Option<GateAnswer>, Error> {
    let experiment = match platform.store.experiment(&caller.scope, id).await {
        // Somebody has deleted it meanwhile.
        Err(StoreError::BatchNotFound(_)) => return Ok(None),
        experiment => experiment?,
    };
    let answer = |gate: ExperimentGate| Some(GateAnswer { state: gate.state?.label().to_owned(), reason: gate.reason });
    Ok(experiment.gate.and_then(answer))
}

fn incomplete(missing: Vec<String>) -> Response {
    let (status, error) = ApiError(Error::Incomplete(missing.len())).to_body();
    (status, Json(Incomplete { error, missing })).into_response()
}
