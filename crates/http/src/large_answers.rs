//! Answers that may be large are made few at a time, and held against the memory until their readers have them.

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt as _;
use keepstep_platform::{Error, Platform};

/// What an answer counts whose size nobody knows, in KiB: it is made piece by piece.
const STREAMED: usize = 512;

/// What is smaller is not counted, in bytes.
const SMALL: u64 = 64 * 1024;

/// Returns true for the routes whose answers can be large: they have texts of any length in them, or long lists.
pub(crate) fn is_large(path: &str) -> bool {
    const SMALL: [&str; 12] = [
        "/healthz",
        "/metrics",
        "/api/v1/whoami",
        "/api/v1/agents/{id}/state",
        "/api/v1/agents/{id}/definition",
        "/api/v1/uploads/{upload}/parts",
        "/api/v1/artifacts/{artifact}",
        "/api/v1/events",
        "/events",
        "/assets/{file}",
        "/api/storage/upload/{token}",
        "/sign-in/link/{token}",
    ];
    const ALSO_SMALL: [&str; 7] = [
        "/api/cli-connect/start",
        "/api/cli-connect/complete",
        "/api/cli-connect/refresh",
        "/api/sync/turns",
        "/api/sync/status",
        "/admin/me/authorization",
        "/admin/me/authorization/context",
    ];
    !SMALL.contains(&path) && !ALSO_SMALL.contains(&path)
}

/// Makes an answer that may be large: with a place for making it, and with its size until it is sent.
pub(crate) async fn answer(platform: &Platform, request: Request, next: Next) -> Result<Response, Error> {
    // A body that comes slowly must not hold a place; what is made from it is small.
    let has_body = !request.body().is_end_stream();
    let making = if has_body { None } else { Some(platform.budgets.maker().await?) };
    let response = next.run(request).await;
    let size = response.body().size_hint().exact();
    if size.is_some_and(|size| size <= SMALL) {
        return Ok(response);
    }
    let kibibytes = size.map_or(STREAMED, |size| usize::try_from(size.div_ceil(1024)).unwrap_or(usize::MAX));
    let share = platform.budgets.answer(kibibytes).await?;
    drop(making);
    let (mut parts, body) = response.into_parts();
    if let Some(size) = size {
        // As a stream, the body does not tell any more.
        parts.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| size.into());
    }
    let body = body.into_data_stream().map(move |piece| {
        let _share = &share;
        piece
    });
    Ok(Response::from_parts(parts, Body::from_stream(body)))
}
