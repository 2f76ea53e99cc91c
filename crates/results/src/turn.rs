//! One message of a conversation.

use serde::{Deserialize, Serialize};

use crate::guardrails::Warning;

/// One message of the conversation, as `turns.jsonl` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The run.
    pub run_id: String,
    /// `<run_id>-t<sequence>`.
    pub turn_id: String,
    /// Counted from 1.
    pub sequence: usize,
    /// `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
    /// When, RFC 3339 in UTC.
    pub timestamp: String,
    /// How long the agent took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What is to be said about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}
