//! `/api/v1/uploads`: what there is, and what of it is missing here.

use axum::Json;
use axum::extract::{Request, State};
use keepstep_api::own::uploads::{Offer, OfferAnswer, OfferedFile};
use keepstep_base::Digest;
use keepstep_http::received::Cost;
use keepstep_platform::{Error, OfferedUpload, Platform, printable};
use keepstep_store::artifacts::{FileContent, NewUpload, NewUploadFile, PartName};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Input, Segments};

/// The largest body in bytes: a hundred thousand files.
const LIMIT: usize = 64 * 1024 * 1024;

/// What the parts of an offer become: a file and its parts, without anything that a client may fill as it likes.
const COST: Cost = Cost { value: 0, object: 160, most: 104 * 1024 * 1024 };

/// `POST /api/v1/uploads`: nothing has to be sent before it is clear that all of it may come.
#[utoipa::path(
    post,
    path = "/api/v1/uploads",
    request_body = Offer,
    responses((status = 200, description = "What the server lacks", body = OfferAnswer))
)]
pub(crate) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    request: Request,
) -> Result<Json<OfferAnswer>, ApiError> {
    // Nothing of a body is read that there is no place for.
    platform.objects()?;
    let unexpected = |error| Error::Invalid(format!("The body is not what this address takes: {error}."));
    let input: Input<Offer, LIMIT> = Input::read(request, &platform, COST, unexpected).await?;
    let offered = platform.offer_upload(&caller, &upload(input.value)?).await?;
    Ok(Json(answer(offered)))
}

/// `GET /api/v1/uploads/{upload}`
#[utoipa::path(
    get,
    path = "/api/v1/uploads/{upload}",
    params(("upload" = String, Path, description = "The upload")),
    responses((status = 200, description = "What is still missing", body = OfferAnswer))
)]
pub(crate) async fn show(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<OfferAnswer>, ApiError> {
    Ok(Json(answer(platform.offered_upload(&caller, &id).await?)))
}

fn answer(offered: OfferedUpload) -> OfferAnswer {
    OfferAnswer { upload_id: offered.id, missing: offered.missing }
}

/// Returns an upload as it is offered.
fn upload(offer: Offer) -> Result<NewUpload, Error> {
    let files = offer.files.into_iter().map(file).collect::<Result<_, _>>()?;
    Ok(NewUpload { project_id: offer.project_id, bundle_id: offer.bundle_version_id, experiment_id: offer.experiment_id, files })
}

fn file(offered: OfferedFile) -> Result<NewUploadFile, Error> {
    let parts = offered.parts.iter().map(|part| Ok(PartName { sha256: digest(&part.sha256)?, size: part.size }));
    let content =
        FileContent { size: offered.size, sha256: digest(&offered.sha256)?, parts: parts.collect::<Result<_, Error>>()? };
    Ok(NewUploadFile { file_type: offered.file_type, name: offered.name, run_id: offered.run_id, content })
}

/// Reads a SHA-256.
pub(crate) fn digest(text: &str) -> Result<Digest, Error> {
    text.parse()
        .map_err(|_| Error::Invalid(format!("Invalid SHA-256 \"{}\": write 64 lowercase hexadecimal digits.", printable(text))))
}
