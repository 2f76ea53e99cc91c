//! `POST /api/v1/uploads/{upload}/commit`: everything becomes visible at once.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use keepstep_api::own::uploads::{Commit, Committed, Incomplete, RUNS_FILE};
use keepstep_store::artifacts::{CommittedUpload, Content, Objects, Upload};
use keepstep_store::results::{Begun, NewArtifact, NewCommit, NewRun};
use keepstep_store::{Role, StoreError, Transaction};
use tokio::sync::mpsc::{Receiver, channel};

use super::runs::Runs;
use crate::api::fluxloop::login::Origin;
use crate::api::fluxloop::upload::page;
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::files::media_type;
use crate::request::{Input, Segments};
use crate::text::shown;

/// How many runs are written at a time, and how many bytes of them.
const RUNS: usize = 250;
const BYTES: usize = 2 * 1024 * 1024;

/// How many files are attached at a time.
const FILES: u32 = 1000;

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
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
    Origin(origin): Origin,
    input: Input<Commit>,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Editor)?;
    let objects = state.objects()?.clone();
    let commit = input.value;
    let times = (time("started_at", commit.started_at.as_deref())?, time("completed_at", commit.completed_at.as_deref())?);
    let mut transaction = state.store.write().await?;
    let upload = transaction.upload(caller.scope(), &id).await?;
    let answer = |became: CommittedUpload, repeated| {
        let url = page(&origin, &upload.project_id, &became.batch_id);
        let CommittedUpload { batch_id, runs, failed } = became;
        Json(Committed { run_batch_id: batch_id, url, runs, failed, repeated }).into_response()
    };
    if let Some(became) = upload.committed.clone() {
        return Ok(answer(became, true));
    }
    let missing = transaction.missing_parts(&upload).await?;
    if !missing.is_empty() {
        return Ok(incomplete(missing));
    }
    let runs = runs_of(&state, &objects, &upload, &commit.runs_sha256).await?;
    let new = NewCommit {
        project: &upload.project_id,
        bundle: &upload.bundle_id,
        experiment_id: &upload.experiment_id,
        digest: &upload.digest.to_string(),
        started_at: times.0,
        completed_at: times.1,
        details: &commit.details,
    };
    let committed = match transaction.begin_commit(caller.scope(), &new).await? {
        Begun::Repeated(committed) => committed,
        Begun::New(mut commit) => {
            let mut chunks = read_ahead(Runs::new(runs.whole()));
            loop {
                let chunk =
                    chunks.recv().await.ok_or(StoreError::Damaged { what: "the file with the runs", of: id.clone() })??;
                transaction.commit_runs(&mut commit, &chunk.runs).await?;
                if chunk.is_last {
                    break;
                }
            }
            let committed = transaction.finish_commit(commit).await?;
            attach(&mut transaction, &caller, &upload, &committed.batch_id).await?;
            committed
        }
    };
    let became = CommittedUpload { batch_id: committed.batch_id, runs: committed.runs, failed: committed.failed };
    transaction.end_upload(&upload, &became).await?;
    transaction.commit().await?;
    state.events.look();
    state.metrics.wrote();
    Ok(answer(became, committed.repeated))
}

async fn runs_of(state: &AppState, objects: &Objects, upload: &Upload, sha256: &str) -> Result<Content, ApiError> {
    let found = state.store.open_upload_file(objects, upload, RUNS_FILE, sha256).await?;
    found.ok_or_else(|| {
        ApiError::Refused(format!("The upload has no file of the type {RUNS_FILE:?} with the SHA-256 {}.", shown(sha256)))
    })
}

/// Runs that are written together.
struct Chunk {
    runs: Vec<NewRun>,
    is_last: bool,
}

/// Reads runs on a task of its own while those before are written. It ends with the receiver.
fn read_ahead(mut runs: Runs) -> Receiver<Result<Chunk, StoreError>> {
    let (sender, receiver) = channel(1);
    tokio::spawn(async move {
        loop {
            let chunk = next_chunk(&mut runs).await;
            let is_over = chunk.as_ref().is_ok_and(|chunk| chunk.is_last) || chunk.is_err();
            if sender.send(chunk).await.is_err() || is_over {
                return;
            }
        }
    });
    receiver
}

async fn next_chunk(runs: &mut Runs) -> Result<Chunk, StoreError> {
    let (mut chunk, mut size) = (Vec::new(), 0);
    while chunk.len() < RUNS && size < BYTES {
        match runs.next().await? {
            Some((run, length)) => {
                chunk.push(run);
                size += length;
            }
            None => return Ok(Chunk { runs: chunk, is_last: true }),
        }
    }
    Ok(Chunk { runs: chunk, is_last: false })
}

/// Attaches all files but the one with the runs.
async fn attach(transaction: &mut Transaction, caller: &Caller, upload: &Upload, batch: &str) -> Result<(), ApiError> {
    transaction.make_blobs(upload, RUNS_FILE).await?;
    let mut from = 0;
    loop {
        let files = transaction.upload_files(upload, from, FILES).await?;
        let Some(last) = files.last() else { return Ok(()) };
        from = last.position + 1;
        let files: Vec<NewArtifact> = files
            .into_iter()
            .filter(|file| file.file_type != RUNS_FILE)
            .map(|file| NewArtifact {
                run_id: file.run_id,
                artifact_type: file.file_type,
                content_type: media_type(&file.name).to_owned(),
                name: file.name,
                blob_id: file.blob_id,
            })
            .collect();
        transaction.attach_artifacts(caller.scope(), batch, &files).await?;
    }
}

fn incomplete(missing: Vec<String>) -> Response {
    let (status, error) = ApiError::Incomplete(missing.len()).to_body();
    (status, Json(Incomplete { error, missing })).into_response()
}

/// Returns a time in epoch milliseconds.
fn time(name: &str, text: Option<&str>) -> Result<Option<i64>, ApiError> {
    let parse = |text: &str| {
        let time = text.parse::<Timestamp>().map(Timestamp::as_millisecond);
        time.map_err(|_| ApiError::Invalid(format!("{name} is no time: write it as 2026-02-01T10:00:00Z.")))
    };
    text.map(parse).transpose()
}
