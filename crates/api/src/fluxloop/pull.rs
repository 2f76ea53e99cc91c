//! `/api/sync/pull`: a bundle version with its content.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::bundles::Bundle;

/// `POST /api/sync/pull`. `scenario_id`, `scenario_name` and `known_bundle_version_id` are ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullRequest {
    /// Which version; the one that was published last where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_version_id: Option<String>,
    /// The project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Only a version of this scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_id: Option<String>,
    /// Only a version of the scenario with this name, for a client that does not know its id yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_name: Option<String>,
    /// What is there already: if it is still the right one, the answer is 304.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_bundle_version_id: Option<String>,
    /// With the inputs, which is so where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_inputs: Option<bool>,
    /// With the personas, which is so where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_personas: Option<bool>,
    /// With the criteria, which is so where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_criteria: Option<bool>,
}

/// The answer to a pull.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pulled {
    /// Which version it is.
    pub bundle_version: Bundle,
    /// Always empty.
    #[serde(default)]
    pub run_spec_snapshot: Map<String, Value>,
    /// The scenario: `{"scenario": {"id", "name", "description", "config_snapshot"}}`.
    #[serde(default)]
    pub scenario_context: Map<String, Value>,
    /// The inputs' set.
    #[serde(default)]
    pub input_set: Map<String, Value>,
    /// The inputs: `id`, `persona_id`, `messages`, `metadata`.
    #[serde(default)]
    pub input_items: Vec<Value>,
    /// The personas: `id`, `name` and whatever else is known.
    #[serde(default)]
    pub personas: Vec<Value>,
    /// The criteria: `id`, `name`, `version`, `items` and whatever else is known.
    #[serde(default)]
    pub criteria_pack: Vec<Value>,
    /// The server's time: `{"pulled_at"}`.
    #[serde(default)]
    pub sync_meta: Map<String, Value>,
}
