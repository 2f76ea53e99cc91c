//! `POST /api/v1/projects/{id}/import`: a file of test data becomes a bundle version.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fluxloop::Bundle;

/// The answer to `POST /api/v1/projects/{id}/import`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportedBundle {
    /// The bundle version.
    #[serde(flatten)]
    pub bundle: Bundle,
    /// How many inputs without an id in the file say something else than before, and are still the same inputs.
    #[serde(default)]
    pub reworded_count: usize,
    /// The first of them.
    #[serde(default)]
    pub reworded: Vec<RewordedInput>,
}

/// An input that says something else than before, both shortened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RewordedInput {
    /// Its id.
    pub id: String,
    /// What it said.
    #[serde(default)]
    pub before: String,
    /// What it says.
    #[serde(default)]
    pub after: String,
}
