//! Inputs and their sets.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// `GET /api/inputs`: either sets, or the items of the set that was named.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Inputs {
    /// The sets, newest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_sets: Option<Vec<InputSet>>,
    /// The items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<Value>>,
}

/// A set of inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputSet {
    /// Its id.
    pub id: String,
    /// The same id.
    #[serde(default)]
    pub input_set_id: String,
    /// The scenario that it belongs to.
    #[serde(default)]
    pub scenario_id: String,
    /// Counts the sets of a scenario.
    #[serde(default)]
    pub version: u32,
    /// How many inputs it has.
    #[serde(default)]
    pub count: u32,
    /// The same number.
    #[serde(default)]
    pub input_count: u32,
    /// When it was created.
    #[serde(default)]
    pub created_at: String,
    /// The inputs, where one set was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<Value>>,
}
