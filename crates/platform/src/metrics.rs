//! How much is asked, how it is answered, how long it takes.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

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

    /// Counts a request by its route, never by its path.
    pub fn answered(&self, method: &'static str, route: String, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { method, route: route.clone(), status }).inc();
        self.durations.get_or_create(&RouteLabels { route }).observe(took.as_secs_f64());
    }

    /// Returns the counts in the text format of OpenMetrics.
    ///
    /// # Errors
    /// Never, as far as is known: a text takes whatever is written to it.
    pub fn encoded(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
