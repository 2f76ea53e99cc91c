//! Bundle versions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// When it was created.
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
