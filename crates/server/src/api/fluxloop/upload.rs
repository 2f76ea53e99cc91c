//! `/api/sync/upload`

use std::collections::{HashMap, HashSet};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use keepstep_api::fluxloop::{RunBatchHeader, UploadRequest, Uploaded, UploadedResult, UploadedRun};
use keepstep_platform::{NamedFile, Platform};
use keepstep_store::results::{Recorded, RunRecord, Status, Turn, Upload};
use keepstep_testdata::input_text;
use serde_json::{Map, Value, json};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::origin::{Origin, experiment_url};
use crate::reply;
use crate::request::Input;

/// The largest body in bytes: a test of some thousand runs with all that was said.
const LIMIT: usize = 64 * 1024 * 1024;

/// `POST /api/sync/upload`
///
/// 0.3.3 sends it before the runs and after them, 0.4.0 once; see [`keepstep_store::results`] for what is recognized.
#[utoipa::path(
    post,
    path = "/api/sync/upload",
    request_body = UploadRequest,
    responses((status = 200, description = "The batch and where it is shown", body = Uploaded))
)]
pub(crate) async fn upload(
    State(platform): State<Platform>,
    caller: Caller,
    Origin(origin): Origin,
    input: Input<UploadRequest, LIMIT>,
) -> Result<Response, ApiError> {
    let request = input.value;
    let is_over = is_over(&request);
    let started_at = request.run_batch.started_at.as_deref().and_then(milliseconds);
    let completed_at = request.run_batch.completed_at.as_deref().and_then(milliseconds);
    let details = details(&request.run_batch);
    let turns = request.turns;
    let runs = runs(request.runs, request.run_results, &turns);
    let upload = Upload {
        bundle: &request.bundle_version_id,
        experiment_id: request.run_batch.experiment_id.as_deref().filter(|id| !id.is_empty()),
        is_over,
        started_at,
        completed_at,
        details: &details,
        runs: &runs,
        turns: &turns,
    };
    let files = request.artifacts.into_iter().map(|file| NamedFile {
        run_id: file.run_id,
        file_type: file.artifact_type,
        storage_url: file.storage_url,
    });
    let reply = reply::json(input.repeat, StatusCode::OK, |recorded: Recorded| {
        let quick_gate = recorded.counts.pass_rate().map(|rate| ("gate_pass_rate".to_owned(), json!(rate)));
        Uploaded {
            url: experiment_url(&origin, &recorded.project_id, &recorded.batch_id),
            run_batch_id: recorded.batch_id,
            run_ids: runs.iter().map(|run| run.id.clone()).collect(),
            quick_gate: quick_gate.into_iter().collect(),
        }
    });
    Ok(platform.record_upload(&caller, &upload, files.collect(), reply).await?)
}

/// Returns true if the client says how the test ended. Before that it announces it.
fn is_over(request: &UploadRequest) -> bool {
    request.upload_meta.get("mode").and_then(Value::as_str) != Some("precreate")
        && request.run_batch.status.as_deref() != Some("running")
}

/// Returns a time of a client in epoch milliseconds. What is no time is none: a test is not lost for that.
fn milliseconds(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

fn details(header: &RunBatchHeader) -> Map<String, Value> {
    let target = header.execution_target.as_ref().map(|target| ("execution_target".to_owned(), json!(target)));
    target.into_iter().collect()
}

/// Returns the runs of an upload together with what came out of them, in the order in which they are listed. A result
/// whose run is not listed is a run, too.
fn runs(listed: Vec<UploadedRun>, results: Vec<UploadedResult>, turns: &[Turn]) -> Vec<RunRecord> {
    let mut listed = listed;
    let mut known: HashSet<String> = listed.iter().map(|run| run.id.clone()).collect();
    let mut found: HashMap<String, UploadedResult> = HashMap::with_capacity(results.len());
    for result in results {
        if known.insert(result.run_id.clone()) {
            listed.push(UploadedRun { id: result.run_id.clone(), ..UploadedRun::default() });
        }
        found.insert(result.run_id.clone(), result);
    }
    let mut said: HashMap<&str, Vec<&Turn>> = HashMap::new();
    for turn in turns {
        said.entry(&turn.run_id).or_default().push(turn);
    }
    listed
        .into_iter()
        .map(|listed| {
            let result = found.remove(&listed.id);
            let status = status(listed.status.as_deref(), result.as_ref().and_then(|result| result.status.as_deref()));
            let turns = said.get(listed.id.as_str()).map(Vec::as_slice).unwrap_or_default();
            run(listed, status, result, turns)
        })
        .collect()
}

/// Returns how a run ended: of two that are said, the worse one. One that is not known is no success. One that is not
/// said at all goes on, or was not reported.
fn status(listed: Option<&str>, result: Option<&str>) -> Status {
    let said = [listed, result].into_iter().flatten().map(|text| text.parse().unwrap_or(Status::Failed));
    let ended = said.filter(|status: &Status| status.is_reported());
    ended.max_by_key(|status| *status != Status::Passed).unwrap_or(Status::Running)
}

fn run(listed: UploadedRun, status: Status, result: Option<UploadedResult>, turns: &[&Turn]) -> RunRecord {
    let transcript = result.as_ref().and_then(|result| result.transcript.as_deref()).unwrap_or_default();
    let of = |role: &'static str| turns.iter().filter(move |turn| turn.role == role);
    let input = listed.input_snapshot.as_ref().and_then(input_text::text);
    let input = input.or_else(|| transcript.iter().find_map(|message| text_of_role(message, "user")).map(str::to_owned));
    let input = input.or_else(|| Some(of("user").min_by_key(|turn| turn.sequence)?.content.clone()));
    let output = transcript.iter().rev().find_map(|message| text_of_role(message, "assistant"));
    let output = output.or_else(|| Some(of("assistant").max_by_key(|turn| turn.sequence)?.content.as_str()));
    let (input, output) = (input.unwrap_or_default(), output.unwrap_or_default().to_owned());
    let UploadedResult { metrics, transcript, local_eval_summary, .. } = result.unwrap_or_default();
    RunRecord {
        input,
        output,
        input_item_id: listed.input_item_id,
        persona: listed.persona_id,
        metrics: metrics.unwrap_or_default(),
        transcript: transcript.unwrap_or_default(),
        evaluation: local_eval_summary.unwrap_or_default(),
        ..RunRecord::new(listed.id, status)
    }
}

/// Returns what a message of that role says.
fn text_of_role<'a>(message: &'a Value, role: &str) -> Option<&'a str> {
    if message.get("role").and_then(Value::as_str) != Some(role) {
        return None;
    }
    message.get("content").and_then(Value::as_str)
}
