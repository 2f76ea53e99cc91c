//! Workspaces: organizations, in the dialect's words.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An organization, in the dialect's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Workspace {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}
