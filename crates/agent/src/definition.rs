//! What a team writes about an agent, on either side.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A part of the definition that is kept in step.
///
/// The order is the one in which the fields are shown and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The agent's name: a string.
    Name,
    /// The persona: a string, or an object with a string for each channel (`base`, `voice`, `text`).
    Persona,
    /// The model: a string such as `openai/gpt-4o`.
    Model,
    /// The governance settings: an object with a `mode`.
    Governance,
}

impl Field {
    /// All fields, in their order.
    pub const ALL: [Self; 4] = [Self::Name, Self::Persona, Self::Model, Self::Governance];

    /// Returns the field's key in the source, in JSON and in the lock file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Persona => "persona",
            Self::Model => "model",
            Self::Governance => "governance",
        }
    }

    /// Returns the field's name at the start of a line.
    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Persona => "Persona",
            Self::Model => "Model",
            Self::Governance => "Governance",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.key())
    }
}

/// The values of the fields on one side, as they are written there.
///
/// A field that is missing here is not set on that side. In JSON it is an object with the fields' keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Definition(BTreeMap<Field, Value>);

impl Definition {
    /// Returns the value of a field, or `None` where it is not set.
    pub fn get(&self, field: Field) -> Option<&Value> {
        self.0.get(&field)
    }

    /// Sets a field; `None` clears it.
    pub fn set(&mut self, field: Field, value: Option<Value>) {
        match value {
            Some(value) => self.0.insert(field, value),
            None => self.0.remove(&field),
        };
    }

    /// Returns the fields that are set, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Value)> {
        self.0.iter().map(|(field, value)| (*field, value))
    }

    /// Returns true if no field is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Field, Value)> for Definition {
    fn from_iter<I: IntoIterator<Item = (Field, Value)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// The members of a persona object that have a meaning, in the order in which they are shown.
pub const PERSONA_CHANNELS: [&str; 3] = ["base", "voice", "text"];

/// Returns a value as the text that a person reads and that a diff compares.
///
/// A string is itself. A persona object has a heading for each member, so that `{"base": "a"}` and `"a"` look
/// different. Everything else is indented JSON. `None` is the empty text.
pub fn text_of(field: Field, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(members)) if field == Field::Persona => {
            let known = PERSONA_CHANNELS.iter().filter_map(|channel| members.get_key_value(*channel));
            let others = members.iter().filter(|(key, _)| !PERSONA_CHANNELS.contains(&key.as_str()));
            let sections: Vec<String> = known
                .chain(others)
                .map(|(key, value)| match value {
                    Value::String(text) => format!("[{key}]\n{text}"),
                    other => format!("[{key}]\n{other:#}"),
                })
                .collect();
            sections.join("\n\n")
        }
        Some(other) => format!("{other:#}"),
    }
}

/// Returns the persona as the one text that the lua dialect calls flattened: the string, or the members that are not
/// empty in the order base, voice, text, with a blank line between them.
pub fn flattened_persona(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let texts: Vec<&str> = PERSONA_CHANNELS
                .iter()
                .filter_map(|channel| members.get(*channel)?.as_str())
                .filter(|text| !text.is_empty())
                .collect();
            texts.join("\n\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_persona_never_looks_like_its_flattened_text() {
        let object = json!({"voice": "v", "base": "b"});
        assert_eq!(text_of(Field::Persona, Some(&object)), "[base]\nb\n\n[voice]\nv");
        assert_eq!(flattened_persona(&object), "b\n\nv");
        assert_ne!(text_of(Field::Persona, Some(&json!({"base": "b"}))), "b");
    }
}
