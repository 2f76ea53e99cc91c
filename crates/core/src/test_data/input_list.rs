//! The list of inputs in a scenario, as people edit it.
//!
//! The file is `inputs: [...]` or a bare list. An entry is an object with `input` and usually `metadata`, which names the
//! item of the platform that it came from; an entry that a person wrote has no such id.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::bundle::{Bundle, id_of};
use super::yaml::to_yaml;

/// The member of the file that holds the entries.
const ENTRIES: &str = "inputs";

/// A list of inputs and what else its file holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InputList {
    /// The members of the file with the list taken out; `None` for a file that is a bare list.
    others: Option<Map<String, Value>>,
    /// The entries, in order.
    pub entries: Vec<Value>,
}

/// An item of a bundle with nothing to say to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemWithoutText {
    /// Its position among the bundle's items, from 1.
    pub position: usize,
    /// Its id, if it has one.
    pub id: Option<String>,
}

/// The file of inputs does not hold a list of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no list of inputs: the file must have `inputs:` with a list below it, or be a list")]
pub struct NoInputs;

impl InputList {
    /// Returns the list with these entries, in the form in which a pull writes it.
    pub fn of_entries(entries: Vec<Value>) -> Self {
        Self { others: Some(Map::new()), entries }
    }

    /// Reads the list from the value of its YAML file. An empty file has no entries.
    ///
    /// # Errors
    /// There is no list.
    pub fn from_value(value: Value) -> Result<Self, NoInputs> {
        match value {
            Value::Null => Ok(Self { others: Some(Map::new()), entries: Vec::new() }),
            Value::Array(entries) => Ok(Self { others: None, entries }),
            Value::Object(mut members) => match members.get_mut(ENTRIES).map(Value::take) {
                Some(Value::Array(entries)) => Ok(Self { others: Some(members), entries }),
                Some(Value::Null) => Ok(Self { others: Some(members), entries: Vec::new() }),
                _ => Err(NoInputs),
            },
            _ => Err(NoInputs),
        }
    }

    /// Returns the list that a bundle becomes, and the items that cannot be in it.
    pub fn from_bundle(bundle: &Bundle) -> (Self, Vec<ItemWithoutText>) {
        let personas: BTreeMap<String, &str> =
            bundle.personas().iter().rev().filter_map(|persona| Some((persona.id()?, persona.name()?))).collect();
        let mut entries = Vec::new();
        let mut without_text = Vec::new();
        for (index, item) in bundle.items().iter().enumerate() {
            let Some(text) = item.text() else {
                without_text.push(ItemWithoutText { position: index + 1, id: item.id() });
                continue;
            };
            let mut metadata = match item.metadata() {
                Some(Value::Object(members)) => members.clone(),
                None | Some(Value::Null) => Map::new(),
                Some(other) => Map::from_iter([("metadata".to_owned(), other.clone())]),
            };
            if let Some(id) = item.id() {
                metadata.insert("input_item_id".to_owned(), Value::String(id));
            }
            if let Some(persona_id) = item.persona_id() {
                let name = personas.get(&persona_id).copied();
                metadata.insert("persona_id".to_owned(), Value::String(persona_id));
                if let Some(name) = name
                    && !metadata.contains_key("persona")
                {
                    metadata.insert("persona".to_owned(), Value::from(name));
                }
            }
            let mut entry = Map::from_iter([("input".to_owned(), Value::String(text))]);
            entry.insert("metadata".to_owned(), Value::Object(metadata));
            entries.push(Value::Object(entry));
        }
        (Self::of_entries(entries), without_text)
    }

    /// Returns the file's value in the form that it was read in.
    pub fn to_value(&self) -> Value {
        let entries = Value::Array(self.entries.clone());
        match &self.others {
            None => entries,
            Some(others) => {
                let mut members = others.clone();
                // A list that was there keeps its place.
                members.insert(ENTRIES.to_owned(), entries);
                Value::Object(members)
            }
        }
    }

    /// Returns the file's text.
    pub fn to_yaml(&self) -> String {
        to_yaml(&self.to_value())
    }
}

/// Returns the id of the platform's item that an entry came from.
pub fn item_id(entry: &Value) -> Option<String> {
    // Without metadata the readers take the entry itself for it.
    let metadata = entry.get("metadata").filter(|metadata| !metadata.is_null()).unwrap_or(entry);
    id_of(metadata.get("input_item_id")?)
}

/// Returns what an entry says to the agent.
pub fn input_text(entry: &Value) -> Option<&str> {
    entry.as_str().or_else(|| entry.get("input")?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_of_the_file_are_read_and_written_back() {
        for value in [json!([{"input": "a"}]), json!({"version": 1, "inputs": [{"input": "a", "own": 2}], "more": null})] {
            let list = InputList::from_value(value.clone()).unwrap();
            assert_eq!(list.entries.len(), 1);
            assert_eq!(list.to_value().to_string(), value.to_string());
        }
        assert_eq!(InputList::from_value(json!({"inputs": "a"})), Err(NoInputs));
        assert_eq!(InputList::from_value(Value::Null).unwrap().to_yaml(), "inputs: []\n");
    }

    #[test]
    fn f31_an_item_without_text_is_reported() {
        let bundle = Bundle::from_response(json!({
            "bundle_version": {"id": "b"},
            "input_items": [{"id": "i1", "messages": []}, {"id": "i2", "text": "said", "metadata": {"k": 1}, "persona_id": "p"}],
            "personas": [{"id": "p", "name": "novice"}],
        }));
        let (list, without_text) = InputList::from_bundle(&bundle.unwrap());
        assert_eq!(without_text, [ItemWithoutText { position: 1, id: Some("i1".to_owned()) }]);
        assert_eq!(
            list.to_value(),
            json!({"inputs": [{"input": "said", "metadata": {"k": 1, "input_item_id": "i2", "persona_id": "p", "persona": "novice"}}]})
        );
    }
}
