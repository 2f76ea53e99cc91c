//! Scenarios.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Scenario {
    /// Its id.
    pub id: String,
    /// The same id.
    #[serde(default)]
    pub scenario_id: String,
    /// The project that it belongs to.
    #[serde(default)]
    pub project_id: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    #[serde(default)]
    pub description: String,
    /// The configuration.
    #[serde(default)]
    pub config_snapshot: Map<String, Value>,
    /// The `goal` of the configuration, where it is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    /// The `constraints` of the configuration that are texts.
    #[serde(default)]
    pub constraints: Vec<String>,
    /// When it was created.
    #[serde(default)]
    pub created_at: String,
}

/// `POST /api/scenarios`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewScenario {
    /// The project.
    pub project_id: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The configuration.
    #[serde(default)]
    pub config_snapshot: Map<String, Value>,
}

/// `PATCH /api/scenarios/{id}`: what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScenarioPatch {
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Another configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_snapshot: Option<Map<String, Value>>,
}
