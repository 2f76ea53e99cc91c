//! `/assets/{file}`: a file that pages refer to.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header;

use crate::error_page::PageError;
use crate::parts::assets;

/// `GET`.
pub(crate) async fn show(Path(file): Path<String>) -> Result<Response, PageError> {
    let asset = assets::found(&file).ok_or(PageError::NotFound)?;
    let headers = [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}
