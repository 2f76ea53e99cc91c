//! What is known about an agent's changes and its persona versions, in the store, on the wire and in the commands.

use keepstep_base::{Digest, PersonaVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who did something, when, and what they said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Change {
    /// The name of the person or key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Epoch milliseconds.
    pub at: i64,
    /// The message that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The state of a persona version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PersonaStatus {
    /// Made, never deployed.
    Draft,
    /// Deployed at least once.
    Published,
}

impl PersonaStatus {
    /// Returns the name under which it is stored and sent.
    pub fn label(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
        }
    }

    /// Returns the status with this name.
    pub fn from_label(label: &str) -> Option<Self> {
        [Self::Draft, Self::Published].into_iter().find(|status| status.label() == label)
    }
}

/// A persona version without its text. The times of an agent's versions only grow, whatever the clock does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PersonaSummary {
    /// Its number.
    #[cfg_attr(feature = "schema", schema(value_type = u32))]
    pub version: PersonaVersion,
    /// Whether it was ever deployed.
    pub status: PersonaStatus,
    /// True for the version in production.
    pub is_current: bool,
    /// The digest of its canonical text.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Author, time and reason.
    pub created: Change,
}

/// A persona version with its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PersonaDocument {
    /// Everything but the text.
    #[serde(flatten)]
    pub summary: PersonaSummary,
    /// A string, or an object with a string for each channel.
    pub persona: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_one_name_in_rows_and_on_the_wire() {
        for status in [PersonaStatus::Draft, PersonaStatus::Published] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.label());
            assert_eq!(PersonaStatus::from_label(status.label()), Some(status));
        }
        assert_eq!(PersonaStatus::from_label("deployed"), None);
    }
}
