//! Whose key it is, and what it may do.

pub use keepstep_base::access::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WhoAmI {
    /// The name that the key was given.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The organization.
    pub org_id: String,
    /// The project that it is confined to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// When it ends, in epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}
