//! `/api/storage`: where the peers put the files of a run.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use keepstep_api::fluxloop::{PresignRequest, Presigned};
use keepstep_platform::{AnnouncedFile, Platform};

use crate::api::own::uploads::offer::digest;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::files::{drain, incoming};
use crate::origin::Origin;
use crate::request::{Input, Segments};

/// `POST /api/storage/presign`
#[utoipa::path(
    post,
    path = "/api/storage/presign",
    request_body = PresignRequest,
    responses((status = 200, description = "Where to put the file", body = Presigned))
)]
pub(crate) async fn presign(
    State(platform): State<Platform>,
    caller: Caller,
    Origin(origin): Origin,
    input: Input<PresignRequest>,
) -> Result<Json<Presigned>, ApiError> {
    let request = input.value;
    let file = AnnouncedFile {
        project: request.project_id,
        run_id: request.run_id,
        file_type: request.artifact_type,
        name: request.filename,
        size: request.size,
        sha256: request.sha256.as_deref().map(digest).transpose()?,
    };
    let signed = platform.sign_address(&caller, file).await?;
    let exists = signed.token.is_none();
    let upload_url = signed.token.map(|token| format!("{origin}/api/storage/upload/{token}")).unwrap_or_default();
    Ok(Json(Presigned { upload_url, storage_url: signed.storage_url, exists, ..Presigned::default() }))
}

/// `PUT /api/storage/upload/{token}`: no key is needed, the address is one.
#[utoipa::path(
    put,
    path = "/api/storage/upload/{token}",
    params(("token" = String, Path, description = "What the address was signed with")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The file is on the disk"))
)]
pub(crate) async fn put(
    State(platform): State<Platform>,
    Segments(token): Segments<String>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let mut body = incoming(body);
    let received = platform.put_file(&token, &mut body).await;
    if received.is_err() {
        drain(&mut body).await;
    }
    received?;
    Ok(StatusCode::OK)
}
