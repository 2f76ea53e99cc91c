//! `/api/sync/upload`: results as the peers bring them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::turns::Turn;

/// `POST /api/sync/upload`. 0.3.3 sends it twice: before the runs (`upload_meta.mode` is `precreate`) and after.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UploadRequest {
    /// The bundle version that was run.
    pub bundle_version_id: String,
    /// The batch.
    #[serde(default)]
    pub run_batch: RunBatchHeader,
    /// The runs: `id`, `input_item_id`, `persona_id` (0.4.0 sends a name), `status`, `input_snapshot`.
    #[serde(default)]
    pub runs: Vec<UploadedRun>,
    /// What came out of them.
    #[serde(default)]
    pub run_results: Vec<UploadedResult>,
    /// Files that were put where `POST /api/storage/presign` said.
    #[serde(default)]
    pub artifacts: Vec<UploadedArtifact>,
    /// What was said.
    #[serde(default)]
    pub turns: Vec<Turn>,
    /// Counts of turns and warnings; not read.
    #[serde(default)]
    pub turn_summaries: Vec<Value>,
    /// `{"mode": "precreate"}`, or empty.
    #[serde(default)]
    pub upload_meta: Map<String, Value>,
}

/// The batch of an upload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunBatchHeader {
    /// Names the batch; 0.4.0 has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_id: Option<String>,
    /// `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_target: Option<String>,
    /// `running`, `completed` or `failed`, as the client sees it; the server finds out itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
}

/// A run of an upload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UploadedRun {
    /// Its id.
    pub id: String,
    /// The input; 0.4.0 sends "" where it knows none.
    #[serde(default)]
    pub input_item_id: Option<String>,
    /// The persona: an id, or a name from 0.4.0.
    #[serde(default)]
    pub persona_id: Option<String>,
    /// `running`, `completed` or `failed`.
    #[serde(default)]
    pub status: Option<String>,
    /// The input as it was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_snapshot: Option<Value>,
}

/// What came out of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UploadedResult {
    /// The run.
    pub run_id: String,
    /// `completed` or `failed`.
    #[serde(default)]
    pub status: Option<String>,
    /// Numbers: `duration_ms`, tokens, `turn_count`, `termination_reason`.
    #[serde(default)]
    pub metrics: Option<Map<String, Value>>,
    /// What was said: `[{role, content, metadata?}]`.
    #[serde(default)]
    pub transcript: Option<Vec<Value>>,
    /// `{verdict, scores, failures}`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_eval_summary: Option<Map<String, Value>>,
}

/// A file of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadedArtifact {
    /// The run that it belongs to.
    pub run_id: String,
    /// What it is.
    #[serde(rename = "type")]
    pub artifact_type: String,
    /// The address that `POST /api/storage/presign` gave.
    pub storage_url: String,
}

/// The answer to an upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Uploaded {
    /// The batch.
    pub run_batch_id: String,
    /// The runs that the request named.
    pub run_ids: Vec<String>,
    /// `{"gate_pass_rate": 0..1}`, or empty while runs go on.
    pub quick_gate: Map<String, Value>,
    /// The page that shows the batch; ours.
    #[serde(default)]
    pub url: String,
}
