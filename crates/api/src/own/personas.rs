//! Persona versions.

use keepstep_agent::diff;
pub use keepstep_agent::versions::{PersonaDocument, PersonaStatus, PersonaSummary};
use keepstep_base::PersonaVersion;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of persona versions, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonaList {
    /// The versions.
    pub versions: Vec<PersonaSummary>,
    /// Pass this as `before` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub next: Option<PersonaVersion>,
}

/// How one persona version differs from another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonaDiff {
    /// The old version.
    #[schema(value_type = u32)]
    pub from: PersonaVersion,
    /// The new version.
    #[schema(value_type = u32)]
    pub to: PersonaVersion,
    /// The lines; nothing where the two are equal.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<diff::Row>,
}
