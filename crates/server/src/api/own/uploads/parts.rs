//! `PUT /api/v1/uploads/{upload}/parts`: many parts in one body.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use keepstep_api::own::uploads::PARTS_HEADER;
use keepstep_platform::{Error, Platform};
use keepstep_store::artifacts::{PartName, PartOf};

use super::offer::digest;
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
        ("keepstep-parts" = String, Header, description = "`<sha256>:<size>` of each part in their order, or `<first>-<last>` for all parts of files of the offer, with commas between")
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "The parts are on the disk"))
)]
pub(crate) async fn put(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(id): Segments<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let mut body = incoming(body);
    let received = async { platform.put_parts(&caller, &id, &announced(&headers)?, &mut body).await };
    let received = received.await;
    if received.is_err() {
        drain(&mut body).await;
    }
    received?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the names of what a body brings.
fn announced(headers: &HeaderMap) -> Result<Vec<PartOf>, Error> {
    let invalid = || {
        Error::Invalid(format!(
            "The header {PARTS_HEADER} lists the parts of the body: <sha256>:<size>, or <first>-<last> for files of the offer, \
             with commas between."
        ))
    };
    let text = headers.get(PARTS_HEADER).and_then(|value| value.to_str().ok()).ok_or_else(invalid)?;
    let parse = |name: &str| {
        let name = name.trim();
        if let Some((sha256, size)) = name.split_once(':') {
            let size = size.parse().map_err(|_| invalid())?;
            return Ok(PartOf::Name(PartName { sha256: digest(sha256)?, size }));
        }
        let (first, last) = name.split_once('-').ok_or_else(invalid)?;
        let place = |text: &str| text.parse::<u32>().map_err(|_| invalid());
        Ok(PartOf::Files { first: place(first)?, last: place(last)? })
    };
    text.split(',').map(parse).collect()
}
