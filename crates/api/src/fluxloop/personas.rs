//! Personas.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

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
