//! What a team writes about an agent, on either side.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::field::Field;

/// The values of the fields on one side, as they are written there.
///
/// A field that is missing here is not set on that side. In JSON it is an object with the fields' keys; a key that this version does not
/// know is passed over, so that a newer server can have more fields.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Definition(BTreeMap<Field, Value>);

impl Definition {
    /// Returns the value of a field, or `None` where it is not set.
    pub fn get(&self, field: Field) -> Option<&Value> {
        self.0.get(&field)
    }

    /// Returns the agent's name, where it is a text.
    pub fn name(&self) -> Option<&str> {
        self.get(Field::NAME)?.as_str()
    }

    /// Returns the persona.
    pub fn persona(&self) -> Option<&Value> {
        self.get(Field::PERSONA)
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

impl<'de> Deserialize<'de> for Definition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Map::deserialize(deserializer)?;
        Ok(members.into_iter().filter_map(|(key, value)| Some((Field::from_key(&key)?, value))).collect())
    }
}

impl FromIterator<(Field, Value)> for Definition {
    fn from_iter<I: IntoIterator<Item = (Field, Value)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Returns a value as the text that a person reads and that a diff compares.
///
/// A string is itself. A text in channels has a heading for each member, so that `{"base": "a"}` and `"a"` look
/// different. Everything else is indented JSON. `None` is the empty text.
pub fn text_of(field: Field, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(members)) if !field.channels().is_empty() => {
            let known = field.channels().iter().filter_map(|channel| members.get_key_value(*channel));
            let others = members.iter().filter(|(key, _)| !field.channels().contains(&key.as_str()));
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

/// Returns a persona as the text that a person reads.
pub fn persona_text(persona: Option<&Value>) -> String {
    text_of(Field::PERSONA, persona)
}

/// Returns the persona as the one text that the lua dialect calls flattened: the string, or the members that are not
/// empty in the order base, voice, text, with a blank line between them.
pub fn flattened_persona(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let texts: Vec<&str> = Field::PERSONA
                .channels()
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
        assert_eq!(text_of(Field::PERSONA, Some(&object)), "[base]\nb\n\n[voice]\nv");
        assert_eq!(flattened_persona(&object), "b\n\nv");
        assert_ne!(text_of(Field::PERSONA, Some(&json!({"base": "b"}))), "b");
    }
}
