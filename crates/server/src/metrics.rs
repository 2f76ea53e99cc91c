//! `GET /metrics`: how much is asked, how it is answered, how long it takes.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::app::AppState;
use crate::error::ApiError;
use crate::request_log;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    /// The route, never the path: the number of series does not grow with the data.
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// The counts of one server.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    writes: Counter,
    registry: Arc<Registry>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = Family::<RequestLabels, Counter>::default();
        let durations =
            Family::<RouteLabels, Histogram>::new_with_constructor(|| Histogram::new(exponential_buckets(0.0005, 2.0, 14)));
        let writes = Counter::default();
        let mut registry = Registry::with_prefix("keepstep");
        registry.register("http_requests", "Requests by method, route and status", requests.clone());
        registry.register("http_request_duration_seconds", "Time until the answer began", durations.clone());
        registry.register("writes", "Writes by the API that were committed", writes.clone());
        Self { requests, durations, writes, registry: Arc::new(registry) }
    }

    pub(crate) fn wrote(&self) {
        self.writes.inc();
    }
}

/// Counts a request.
pub(crate) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let current = request_log::Current::of(&request);
    let log = state.settings.request_log.as_ref().map(|log| (log, request_log::loggable_path(&request)));
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
        log.tell(&current, method, path, status, began);
    }
    response.headers_mut().insert(request_log::HEADER, current.id());
    let labels = RequestLabels { method, route: route.clone(), status };
    state.metrics.requests.get_or_create(&labels).inc();
    state.metrics.durations.get_or_create(&RouteLabels { route }).observe(began.elapsed().as_secs_f64());
    response
}

/// `GET /metrics`
#[utoipa::path(
    get,
    path = "/metrics",
    responses((status = 200, description = "Counts, in the text format of OpenMetrics", body = String, content_type = "application/openmetrics-text"))
)]
pub(crate) async fn show(State(state): State<AppState>) -> Result<Response, ApiError> {
    let mut text = String::new();
    encode(&mut text, &state.metrics.registry).map_err(|error| ApiError::Internal(error.to_string()))?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, content_type)], text).into_response())
}
