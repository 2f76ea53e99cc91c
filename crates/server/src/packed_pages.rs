//! Pages are sent packed to browsers that take it.
//!
//! Only what was read by `GET`: the answer to a form may have a secret in it that is shown once, and how long something is when it is
//! packed tells about its content. The token that every page has is written differently each time, so its length tells nothing.

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use keepstep_http::packing::{Effort, Packing};

/// What is smaller is sent in one packet anyway, in bytes.
const SMALL: u64 = 1024;

/// Packs a page.
pub(crate) async fn pack(request: Request, next: Next) -> Response {
    let packing = Packing::best_for(request.headers()).filter(|_| request.method() == Method::GET);
    let response = next.run(request).await;
    let is_page = response.status() == StatusCode::OK
        && !response.headers().contains_key(header::CONTENT_ENCODING)
        && response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
        && response.body().size_hint().exact().is_none_or(|size| size > SMALL);
    let Some(packing) = packing.filter(|_| is_page) else { return response };
    let (mut parts, body) = response.into_parts();
    // A page is a whole text before it is sent.
    let Ok(page) = to_bytes(body, usize::MAX).await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    parts.headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    parts.headers.remove(header::CONTENT_LENGTH);
    match packing.pack(&page, Effort::Quick) {
        Ok(packed) => {
            parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(packing.name()));
            Response::from_parts(parts, Body::from(packed))
        }
        Err(_) => Response::from_parts(parts, Body::from(page)),
    }
}
