//! The fluxloop dialect: the bodies that `fluxloop-cli` sends and reads, in its releases 0.3.3 and 0.4.0.
//!
//! Keys are in snake_case and times in ISO 8601. Ids are strings, lists are bare arrays, and nothing in the answer to a
//! pull is null: both peers rely on that. Where the two releases read different names of one thing, both are sent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// An organisation, in the dialect's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Workspace {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Always `active`.
    #[serde(default)]
    pub status: String,
    /// The workspace that owns it.
    #[serde(default)]
    pub workspace_id: String,
    /// What it is about.
    #[serde(default)]
    pub description: String,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
}

/// `POST /api/projects`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewProject {
    /// Its name.
    pub name: String,
    /// The workspace that is to own it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A key of a project; the key itself is there only in the answer to the request that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Key {
    /// Names the key where it is listed.
    pub id: String,
    /// The name that it was given.
    pub name: String,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// `POST /api/api-keys`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewKey {
    /// The project that the key is confined to.
    pub project_id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

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
    /// When it was made.
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

/// A bundle version, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bundle {
    /// Its id.
    pub id: String,
    /// The same id.
    #[serde(default)]
    pub bundle_version_id: String,
    /// The project that it belongs to.
    #[serde(default)]
    pub project_id: String,
    /// The scenario that it belongs to.
    #[serde(default)]
    pub scenario_id: String,
    /// Its inputs.
    #[serde(default)]
    pub input_set_id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `draft` or `published`.
    #[serde(default)]
    pub status: String,
    /// Counts the published versions of a scenario; a draft has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// How many inputs it has.
    #[serde(default)]
    pub input_count: u32,
    /// How many personas it has.
    #[serde(default)]
    pub personas_count: u32,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
}

/// `POST /api/bundles`. Without a status it is published at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewBundle {
    /// The project.
    pub project_id: String,
    /// The scenario; the project's only one where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_id: Option<String>,
    /// The inputs; the scenario's newest where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_set_id: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `draft` or `published`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// `PUT /api/bundles/{id}`: publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleChange {
    /// `published`.
    pub status: String,
}

/// `GET /api/inputs`: either sets, or the items of the set that was named.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Inputs {
    /// The sets, newest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_sets: Option<Vec<InputSet>>,
    /// The items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<Value>>,
}

/// A set of inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputSet {
    /// Its id.
    pub id: String,
    /// The same id.
    #[serde(default)]
    pub input_set_id: String,
    /// The scenario that it belongs to.
    #[serde(default)]
    pub scenario_id: String,
    /// Counts the sets of a scenario.
    #[serde(default)]
    pub version: u32,
    /// How many inputs it has.
    #[serde(default)]
    pub count: u32,
    /// The same number.
    #[serde(default)]
    pub input_count: u32,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
    /// The inputs, where one set was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<Value>>,
}

/// `POST /api/personas`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewPersona {
    /// The project; the key's, or the only one, where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Their name.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// `POST /api/sync/pull`. `scenario_id` and `known_bundle_version_id` are ours.
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
