//! A test that goes on, told of by the client that runs it.
//!
//! Reports are for those who watch. They may be left out, come twice or come late: the upload at the end has the last word, and names the test
//! by the same key in its details ([`TEST_KEY`](keepstep_results::provenance::TEST_KEY)).

use keepstep_results::record::RunRecord;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The largest report, in bytes.
pub const LARGEST_LIVE_REPORT: usize = 4 * 1024 * 1024;

/// What is told of a test that goes on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveReport {
    /// The bundle version that is run.
    pub bundle_version_id: String,
    /// Names the experiment, as its upload will.
    pub experiment_id: String,
    /// Tells this test from all others.
    pub test_key: String,
    /// How many cases it has.
    pub planned: u64,
    /// When it began, such as `2026-02-01T10:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// What else is known about it.
    #[serde(default)]
    pub details: Map<String, Value>,
    /// Cases that ended since the report before.
    #[serde(default)]
    pub runs: Vec<RunRecord>,
    /// No more cases are run for now: it was interrupted.
    #[serde(default)]
    pub stopped: bool,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveAnswer {
    /// The page on which the test is watched; none where the report was too late, or where somebody deleted the experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
