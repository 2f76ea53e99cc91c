//! `/api/v1/uploads`: what there is, and what of it is missing here.

use axum::Json;
use axum::extract::{Request, State};
use keepstep_api::own::uploads::{Offer, OfferAnswer, OfferedFile, PART_SIZE, RUNS_FILE};
use keepstep_base::Digest;
use keepstep_store::Role;
use keepstep_store::artifacts::{FileContent, NewUpload, NewUploadFile, PartName};

use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::files::{check_file_name, check_label};
use crate::received::Cost;
use crate::request::{Input, Segments};
use crate::text::shown;

/// The largest body in bytes: a hundred thousand files.
const LIMIT: usize = 64 * 1024 * 1024;

/// What the parts of an offer become: a file and its parts, without anything that a client may fill as it likes.
const COST: Cost = Cost { value: 0, object: 160, most: 104 * 1024 * 1024 };

/// How many files an upload may have.
const MOST_FILES: usize = 100_000;

/// What a file may be.
const TYPES: [&str; 10] = [
    "traces",
    "trace_summary",
    "observations",
    "summary",
    "turns",
    "errors",
    "result",
    "per_trace_markdown",
    "per_trace_index",
    RUNS_FILE,
];

/// `POST /api/v1/uploads`: nothing has to be sent before it is clear that all of it may come.
#[utoipa::path(
    post,
    path = "/api/v1/uploads",
    request_body = Offer,
    responses((status = 200, description = "What the platform lacks", body = OfferAnswer))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Json<OfferAnswer>, ApiError> {
    caller.must_be(Role::Editor)?;
    state.objects()?;
    let unexpected = |error| ApiError::Invalid(format!("The body is not what this address takes: {error}."));
    let input: Input<Offer, LIMIT> = Input::read(request, &state, COST, unexpected).await?;
    let new = checked(input.value, state.upload_limit())?;
    let mut transaction = state.store.write().await?;
    let upload = transaction.offer(caller.scope(), &new).await?;
    let missing = transaction.missing_parts(&upload).await?;
    transaction.commit().await?;
    state.tidy();
    Ok(Json(OfferAnswer { upload_id: upload.id, missing }))
}

/// `GET /api/v1/uploads/{upload}`
#[utoipa::path(
    get,
    path = "/api/v1/uploads/{upload}",
    params(("upload" = String, Path, description = "The upload")),
    responses((status = 200, description = "What is still missing", body = OfferAnswer))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<OfferAnswer>, ApiError> {
    caller.must_be(Role::Editor)?;
    let upload = state.store.upload(caller.scope(), &id).await?;
    let missing = state.store.missing_parts(&upload).await?;
    Ok(Json(OfferAnswer { upload_id: upload.id, missing }))
}

/// Returns the upload, if all that can be known of it before it is sent is as it should be.
fn checked(offer: Offer, limit: u64) -> Result<NewUpload, ApiError> {
    check_label("An experiment's id", &offer.experiment_id)?;
    if offer.files.len() > MOST_FILES {
        return Err(ApiError::Refused(format!("An upload has at most {MOST_FILES} files.")));
    }
    let total = offer.files.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.size));
    if total.is_none_or(|total| total > limit) {
        return Err(ApiError::TooLarge { what: "The upload", limit });
    }
    let files = offer.files.into_iter().map(file).collect::<Result<_, _>>()?;
    Ok(NewUpload { project_id: offer.project_id, bundle_id: offer.bundle_version_id, experiment_id: offer.experiment_id, files })
}

fn file(offered: OfferedFile) -> Result<NewUploadFile, ApiError> {
    if !TYPES.contains(&offered.file_type.as_str()) {
        let (found, known) = (shown(&offered.file_type), TYPES.join(", "));
        return Err(ApiError::Refused(format!("\"{found}\" is not the type of a file of an experiment: {known}.")));
    }
    check_file_name(&offered.name)?;
    if let Some(run) = &offered.run_id {
        check_label("A run's id", run)?;
    }
    let parts = offered.parts.iter().map(|part| Ok(PartName { sha256: digest(&part.sha256)?, size: part.size }));
    let content =
        FileContent { size: offered.size, sha256: digest(&offered.sha256)?, parts: parts.collect::<Result<_, ApiError>>()? };
    content.check(&offered.name, PART_SIZE).map_err(keepstep_store::StoreError::from)?;
    Ok(NewUploadFile { file_type: offered.file_type, name: offered.name, run_id: offered.run_id, content })
}

/// Reads a SHA-256.
pub(crate) fn digest(text: &str) -> Result<Digest, ApiError> {
    text.parse()
        .map_err(|_| ApiError::Invalid(format!("\"{}\" is no SHA-256: that has 64 lowercase hexadecimal digits.", shown(text))))
}
