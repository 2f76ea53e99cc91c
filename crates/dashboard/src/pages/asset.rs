//! `/assets/{file}`: a file that pages refer to.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};

use crate::error_page::PageError;
use crate::parts::assets;

/// `GET`.
pub(crate) async fn show(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, PageError> {
    let asset = assets::found(&file).ok_or(PageError::NotFound)?;
    let (packing, content) = asset.for_browser(&headers);
    let fixed = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    let mut response = (fixed, content).into_response();
    if let Some(packing) = packing {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(packing.name()));
    }
    Ok(response)
}
