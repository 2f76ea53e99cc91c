//! One message of a conversation: in the journal, in the peers' files and requests, in an upload and in a row.

use keepstep_base::role::Role;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

use crate::guardrails::Warning;

/// One message of the conversation, as `turns.jsonl` has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Turn {
    /// The run; left out inside of a run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run_id: String,
    /// Its id within the run, of ours `<run_id>-t<sequence>`.
    pub turn_id: String,
    /// Its place in the run, of ours counted from 1.
    #[serde(default)]
    pub sequence: i64,
    /// Who said it.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    #[serde(default)]
    pub role: Role,
    /// What was said.
    #[serde(default)]
    pub content: String,
    /// When, of ours RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "milliseconds")]
    pub duration_ms: Option<f64>,
    /// What is to be said about it: `[{type, message}]`
    #[cfg_attr(feature = "schema", schema(value_type = Vec<Object>))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "some_or_none")]
    pub warnings: Vec<Warning>,
}

/// Returns a number of milliseconds as files have it: a whole number without a fraction.
pub fn whole(milliseconds: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if milliseconds.fract() == 0.0 && milliseconds.abs() < EXACT {
        // The bounds above make the cast exact.
        Value::from(milliseconds as i64)
    } else {
        Number::from_f64(milliseconds).map_or(Value::Null, Value::Number)
    }
}

fn milliseconds<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    number.map(whole).serialize(serializer)
}

/// A peer sends `null` for none.
fn some_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Warning>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
