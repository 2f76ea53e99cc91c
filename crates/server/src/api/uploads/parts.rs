//! `PUT /api/v1/uploads/{upload}/parts`: many parts in one body.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use keepstep_api::uploads::{PACK_SIZE, PARTS_HEADER};
use keepstep_store::Role;
use keepstep_store::artifacts::PartName;

use super::offer::digest;
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::files::{drain, incoming};
use crate::request::Segments;

/// `PUT /api/v1/uploads/{upload}/parts`: all parts of the body are kept, or none.
#[utoipa::path(
    put,
    path = "/api/v1/uploads/{upload}/parts",
    params(
        ("upload" = String, Path, description = "The upload"),
        ("keepstep-parts" = String, Header, description = "`<sha256>:<size>` of each part, in their order, with commas between")
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "The parts are on the disk"))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Segments(id): Segments<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let mut body = incoming(body);
    let received = async {
        caller.must_be(Role::Editor)?;
        let objects = state.objects()?;
        let parts = announced(&headers)?;
        let upload = state.store.upload(caller.scope(), &id).await?;
        Ok(state.store.receive_parts(objects, &upload, &parts, &mut body).await?)
    };
    let received = received.await;
    if received.is_err() {
        drain(&mut body).await;
    }
    received.map(|()| StatusCode::NO_CONTENT)
}

/// Returns the parts that a body brings.
fn announced(headers: &HeaderMap) -> Result<Vec<PartName>, ApiError> {
    let invalid = || {
        ApiError::Invalid(format!("The header {PARTS_HEADER} lists the parts of the body: <sha256>:<size>, with commas between."))
    };
    let text = headers.get(PARTS_HEADER).and_then(|value| value.to_str().ok()).ok_or_else(invalid)?;
    let parse = |part: &str| {
        let (sha256, size) = part.trim().split_once(':').ok_or_else(invalid)?;
        Ok(PartName { sha256: digest(sha256)?, size: size.parse().map_err(|_| invalid())? })
    };
    let parts = text.split(',').map(parse).collect::<Result<Vec<_>, ApiError>>()?;
    let total = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.size));
    if total.is_none_or(|total| total > PACK_SIZE) {
        return Err(ApiError::TooLarge { what: "The body", limit: PACK_SIZE });
    }
    Ok(parts)
}
