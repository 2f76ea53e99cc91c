//! Persona versions.

use keepstep_base::PersonaVersion;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::own::personas::PersonaStatus;

/// `GET /developer/agents/{id}/persona/versions[?status=published|draft]`, newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonaVersions {
    /// The versions.
    pub versions: Vec<PersonaEntry>,
}

/// A persona version. The peer sorts by `createdDate` as a number and compares `version` strictly as a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonaEntry {
    /// Its number.
    #[schema(value_type = u32)]
    pub version: PersonaVersion,
    /// A string, or an object with a string for each channel.
    #[serde(default)]
    pub persona: Value,
    /// Epoch milliseconds. A server may send a fraction; ours does not.
    #[serde(default, serialize_with = "whole_where_it_is")]
    pub created_date: f64,
    /// Who created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// True for the version in production.
    #[serde(default)]
    pub is_current: bool,
    /// Whether it was ever deployed.
    pub status: PersonaStatus,
}

/// Writes a number without a fraction as one, `1.0` as `1`.
fn whole_where_it_is<S: serde::Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        // The bounds above make the cast exact.
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

/// `POST /developer/agents/{id}/persona/version`. It publishes, unless `status` says draft (which the peer never sends).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewPersona {
    /// A string, or an object with a string for each channel.
    pub persona: Value,
    /// Ours: store a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<PersonaStatus>,
    /// Ours: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
