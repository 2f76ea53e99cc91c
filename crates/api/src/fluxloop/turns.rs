//! `/api/sync/turns`: what was said.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A turn; also the body of `POST /api/sync/turns`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// The run.
    pub run_id: String,
    /// Its id within the run.
    pub turn_id: String,
    /// Its place in the run.
    #[serde(default)]
    pub sequence: i64,
    /// Who said it.
    #[serde(default)]
    pub role: String,
    /// What was said.
    #[serde(default)]
    pub content: String,
    /// When.
    #[serde(default)]
    pub timestamp: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<f64>,
    /// `[{type, message}]`
    #[serde(default)]
    pub warnings: Option<Vec<Value>>,
}
