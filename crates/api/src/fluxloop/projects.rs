//! Projects.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

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
    /// What a client has set for it: `default_language` of 0.3.11 and `language` of 0.4.0 are the same thing, and both are sent.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// When it was created.
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
    /// What is set for it, such as its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub settings: Option<Map<String, Value>>,
}
