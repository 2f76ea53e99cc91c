//! Keys of a project.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A key of a project; the key itself is there only in the answer to the request that created it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Key {
    /// Names the key where it is listed.
    pub id: String,
    /// The name that it was given.
    pub name: String,
    /// When it was created.
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
