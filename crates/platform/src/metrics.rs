//! How much is asked, how it is answered, how long it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// What became of all requests to one server since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answers {
    /// Those that got what they asked for.
    pub fine: u64,
    /// Those that were refused: no right, not found, not as it should be.
    pub refused: u64,
    /// Those that the server could not answer.
    pub failed: u64,
    /// How long one took until its answer began, on average.
    pub mean: Option<Duration>,
    /// Writes that were committed.
    pub writes: u64,
}

/// The counts of one server.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    writes: Counter,
    /// By what became of them, for people.
    answers: Arc<[AtomicU64; 3]>,
    /// How long they took together, in microseconds.
    took: Arc<AtomicU64>,
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
        Self { requests, durations, writes, answers: Arc::default(), took: Arc::default(), registry: Arc::new(registry) }
    }

    pub(crate) fn wrote(&self) {
        self.writes.inc();
    }

    /// Counts a request by its route, never by its path.
    pub fn answered(&self, method: &'static str, route: String, status: u16, took: Duration) {
        let kind = match status {
            ..=399 => 0,
            400..=499 => 1,
            _ => 2,
        };
        if let Some(count) = self.answers.get(kind) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.took.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.requests.get_or_create(&RequestLabels { method, route: route.clone(), status }).inc();
        self.durations.get_or_create(&RouteLabels { route }).observe(took.as_secs_f64());
    }

    /// Returns what became of all requests together.
    pub fn answers(&self) -> Answers {
        let [fine, refused, failed] =
            [0, 1, 2].map(|kind: usize| self.answers.get(kind).map_or(0, |count| count.load(Ordering::Relaxed)));
        let took = Duration::from_micros(self.took.load(Ordering::Relaxed));
        let mean = u32::try_from(fine + refused + failed).ok().and_then(|all| took.checked_div(all));
        Answers { fine, refused, failed, mean, writes: self.writes.get() }
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
