//! `/api/v1/projects/{id}/live`

use axum::Json;
use axum::extract::State;
use keepstep_api::own::live::{LARGEST_LIVE_REPORT, LiveAnswer, LiveReport};
use keepstep_platform::Platform;
use keepstep_store::results;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::origin::{Origin, experiment_url};
use crate::request::{Input, Segments, time};

/// `POST /api/v1/projects/{id}/live`
///
/// Reports may be left out, come twice or come late. Cases are known by their ids; the upload at the end replaces all of them.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/live",
    params(("id" = String, Path, description = "The project")),
    request_body = LiveReport,
    responses((status = 200, description = "Where the test is watched", body = LiveAnswer))
)]
pub(crate) async fn report(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(project): Segments<String>,
    Origin(origin): Origin,
    input: Input<LiveReport, LARGEST_LIVE_REPORT>,
) -> Result<Json<LiveAnswer>, ApiError> {
    let report = input.value;
    let told = results::LiveReport {
        bundle: &report.bundle_version_id,
        experiment_id: &report.experiment_id,
        key: &report.test_key,
        planned: report.planned,
        started_at: time("started_at", report.started_at.as_deref())?,
        details: &report.details,
        runs: &report.runs,
        is_stopped: report.stopped,
    };
    let experiment = platform.report_live(&caller, &project, &told).await?;
    Ok(Json(LiveAnswer { url: experiment.map(|id| experiment_url(&origin, &project, &id)) }))
}
