//! What is noted about every request: a count, and a line of the log; and what every answer says.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use keepstep_api::{API_HEADER, API_NUMBER, VERSION_HEADER};
use keepstep_http::request_log;
use keepstep_platform::Platform;

/// Counts a request, tells the log about it, and says what answers: a client tells by it whether our additions are there.
pub(crate) async fn observe(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let current = request_log::Current::of(&request);
    let log = platform.settings.request_log.as_ref().map(|log| (log, request_log::loggable_path(&request)));
    let method = match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    };
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let mut response = Arc::clone(&current).scope(next.run(request)).await;
    let status = response.status().as_u16();
    if let Some((log, path)) = log {
        request_log::record(log, &current, method, path, status, began);
    }
    let headers = response.headers_mut();
    headers.insert(request_log::HEADER, current.id());
    headers.insert(HeaderName::from_static(VERSION_HEADER), HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    headers.insert(HeaderName::from_static(API_HEADER), HeaderValue::from(API_NUMBER));
    platform.metrics.answered(method, route, status, began.elapsed());
    response
}
