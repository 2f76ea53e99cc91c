//! What was asked and how it was answered, a line for each request, and the number by which the lines of one request are found.
//!
//! Nothing secret is logged: no query, no header, no body, and the parts of a path that are keys are cut.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use keepstep_platform::{Answered, RequestLog, printable};

/// The header that names a request. One that a proxy chose is kept.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest number of somebody else's, in bytes.
const LONGEST: usize = 64;

/// The beginning of every key; what follows is secret.
const KEY: &str = "ks_";

tokio::task_local! {
    static CURRENT: Arc<Current>;
}

/// A request that is being answered.
#[derive(Debug)]
pub struct Current {
    id: HeaderValue,
    caller: OnceLock<String>,
}

impl Current {
    /// Returns a request with the number that a proxy gave it, or with one of our own.
    pub fn of(request: &Request) -> Arc<Self> {
        let given = request.headers().get(HEADER).filter(|given| {
            let bytes = given.as_bytes();
            (1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        });
        Arc::new(Self { id: given.cloned().unwrap_or_else(next_id), caller: OnceLock::new() })
    }

    /// Returns its number.
    pub fn id(&self) -> HeaderValue {
        self.id.clone()
    }

    /// Does something as this request.
    pub async fn scope<T>(self: Arc<Self>, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// Returns who makes it, once that is known.
    pub fn caller(&self) -> Option<String> {
        self.caller.get().cloned()
    }
}

/// Returns a number that no other request of this process has, and hardly one of another.
fn next_id() -> HeaderValue {
    static NEXT: OnceLock<AtomicU64> = OnceLock::new();
    let next = NEXT.get_or_init(|| {
        let mut random = [0; 8];
        // Without randomness the numbers begin at 0.
        let _ = keepstep_store::Surroundings::of_the_machine().random::<8>().map(|bytes| random = bytes);
        AtomicU64::new(u64::from_le_bytes(random) << 24)
    });
    let mut digits = [0; 16];
    let number = next.fetch_add(1, Ordering::Relaxed);
    for (index, digit) in digits.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[usize::try_from(number >> (60 - 4 * index) & 15).unwrap_or_default()];
    }
    HeaderValue::from_bytes(&digits).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

/// Remembers who makes the current request.
pub fn note_caller(name: &str) {
    // Only what runs outside of a request has none.
    let _ = CURRENT.try_with(|current| current.caller.get_or_init(|| name.to_owned()).len());
}

/// Returns the number of the current request, for the log.
pub fn current_id() -> String {
    CURRENT.try_with(|current| current.id.to_str().unwrap_or_default().to_owned()).unwrap_or_default()
}

/// Tells a log about a request.
pub fn record(log: &RequestLog, current: &Current, method: &'static str, path: String, status: u16, began: Instant) {
    let id = current.id.to_str().unwrap_or_default().to_owned();
    log.record(Answered { id, method, path, status, took: began.elapsed(), caller: current.caller() });
}

/// Returns the path of a request as it may be logged.
pub fn loggable_path(request: &Request) -> String {
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    match matched {
        // The address is a key itself.
        Some(route) if route.contains("{token}") => route.to_owned(),
        _ => without_keys(request.uri().path()),
    }
}

fn without_keys(path: &str) -> String {
    if path.contains(KEY) {
        let segment = |segment: &str| match segment.find(KEY) {
            Some(start) => format!("{}{KEY}…", &segment[..start]),
            None => segment.to_owned(),
        };
        return printable(&path.split('/').map(segment).collect::<Vec<_>>().join("/"));
    }
    if path.len() <= 200 && path.bytes().all(|byte| byte.is_ascii_graphic()) { path.to_owned() } else { printable(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_cut_out_of_paths() {
        assert_eq!(without_keys("/sign-in/link/ks_link_abc/x"), "/sign-in/link/ks_…/x");
        assert_eq!(without_keys("/agents/base_agent"), "/agents/base_agent");
        assert_eq!(without_keys("/a\u{1b}[2J"), "/a\\u{1b}[2J");
    }

    #[test]
    fn each_request_has_a_number_of_its_own() {
        let (one, other) = (next_id(), next_id());
        assert!(one != other && one.len() == 16);
    }

    #[test]
    fn a_number_of_a_proxy_is_kept_and_a_text_is_not() {
        let id = |given: &str| {
            let request = Request::builder().header(HEADER, given).body(axum::body::Body::empty()).unwrap();
            Current::of(&request).id().to_str().unwrap().to_owned()
        };
        assert_eq!(id("4b9d-17_x.y"), "4b9d-17_x.y");
        for odd in ["a b", "", &"x".repeat(65)] {
            assert_ne!(id(odd), odd);
        }
    }
}
