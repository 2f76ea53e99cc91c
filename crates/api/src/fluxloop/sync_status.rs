//! `/api/sync/status`: what the server has.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /api/sync/status`: ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncStatus {
    /// The bundle that was published last, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_bundle: Option<LatestBundle>,
    /// The bundle that was asked about is there.
    #[serde(default)]
    pub bundle_known: bool,
    /// What is there of the experiments that were asked about.
    #[serde(default)]
    pub experiments: Vec<ExperimentStatus>,
    /// Which of the requested runs exist; absent where none was requested, or the server does not report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<Vec<KnownRun>>,
}

/// A run that the server has, with the experiment that it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownRun {
    /// The run.
    pub run_id: String,
    /// The batch.
    pub run_batch_id: String,
    /// `running`, `completed`, `failed` or `abandoned`.
    pub status: String,
    /// The page that shows the batch.
    pub url: String,
}

/// The bundle that was published last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LatestBundle {
    /// Its id.
    pub id: String,
    /// When it was created.
    pub created_at: String,
}

/// What the server has of an experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentStatus {
    /// Its name.
    pub experiment_id: String,
    /// The batch.
    pub run_batch_id: String,
    /// `running`, `completed`, `failed` or `abandoned`.
    pub status: String,
    /// How many runs it has.
    pub runs: u64,
    /// The page that shows it.
    pub url: String,
}
