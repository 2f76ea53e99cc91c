//! Whose key it is.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// `GET /admin/me/authorization`: whose key it is, in the peer's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// Always 1.
    pub version: u32,
    /// ISO 8601.
    pub generated_at: String,
    /// The subject.
    pub authorization_principal: Value,
    /// The organizations.
    pub orgs: Vec<Value>,
    /// What each profile may do.
    pub capability_profiles: Map<String, Value>,
}

/// `GET /admin/me/authorization/context`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationContext {
    /// An address, for display.
    pub email: String,
    /// A name, for display.
    pub full_name: Option<String>,
}
