//! What a check has seen.

use std::collections::BTreeMap;

pub use keepstep_agent::drift::SeenField;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a check of an agent's code has seen. It has digests and no texts, so the server can tell later, too, how that code compares with
/// what it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftReport {
    /// Where the code is: the address of the repository without user and password, or the name of the folder.
    pub repository: String,
    /// The branch that is checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit that is checked out, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The fields that were compared, by their keys.
    pub fields: BTreeMap<String, SeenField>,
}
