//! The list of inputs in a scenario, as people edit it.
//!
//! The file is `inputs: [...]` or a bare list. An entry is an object with `input` and usually `metadata`, which names the
//! item of the platform that it came from; an entry that a person wrote has no such id.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};
use serde_json_borrow::Value as Json;

use super::bundle::{Document, Item, id_of};
use super::yaml::{push_item, to_yaml};

/// The member of the file that holds the entries.
pub const ENTRIES: &str = "inputs";

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
#[error("no list of inputs: the file must have `inputs:` with a list below it, or be a list")]
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

/// What of a bundle does not get into the list that it becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The items that have nothing to say.
    pub without_text: Vec<ItemWithoutText>,
    /// How many items have more messages than the one that is said.
    pub longer: usize,
    /// How many messages these have besides.
    pub messages: usize,
}

/// Makes the list that a bundle becomes, item by item: its entries, or their text.
#[derive(Debug, Clone, Default)]
pub struct ListText {
    /// The names of the personas by their ids.
    personas: HashMap<String, String>,
    count: usize,
    left_out: LeftOut,
    is_begun: bool,
}

impl ListText {
    /// Begins a list in which these personas speak.
    pub fn new(personas: &[Document]) -> Self {
        // Of personas with one id the first counts.
        let personas = personas.iter().rev().filter_map(|persona| Some((persona.id()?, persona.name()?.to_owned()))).collect();
        Self { personas, ..Self::default() }
    }

    /// Returns the entry of the next item; `None` for one that cannot be in the list.
    pub fn entry<'a>(&mut self, item: Item<'a>) -> Option<Json<'a>> {
        self.count += 1;
        let Some(said) = item.input_text() else {
            self.left_out.without_text.push(ItemWithoutText { position: self.count, id: item.id().map(Cow::into_owned) });
            return None;
        };
        if said.left_out > 0 {
            self.left_out.longer += 1;
            self.left_out.messages += said.left_out;
        }
        Some(item.entry(said.text, |id| self.personas.get(id).cloned()))
    }

    /// Adds the next item to the text.
    pub fn push(&mut self, item: Item<'_>, out: &mut String) {
        if let Some(entry) = self.entry(item) {
            if !std::mem::replace(&mut self.is_begun, true) {
                out.push_str(ENTRIES);
                out.push_str(":\n");
            }
            push_item(out, &entry);
        }
    }

    /// Ends the text, and returns what is not in it.
    pub fn end(self, out: &mut String) -> LeftOut {
        if !self.is_begun {
            out.push_str(&InputList::of_entries(Vec::new()).to_yaml());
        }
        self.left_out
    }
}

/// Returns the id of the platform's item that an entry came from.
pub fn item_id(entry: &Value) -> Option<String> {
    // Without metadata the readers take the entry itself for it.
    let metadata = entry.get("metadata").filter(|metadata| !metadata.is_null()).unwrap_or(entry);
    id_of(metadata.get("input_item_id")?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bundle::Bundle;
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
        let answer = json!({
            "bundle_version": {"id": "b"},
            "personas": [{"id": "p", "name": "novice"}],
        });
        let bundle = Bundle::read(answer.to_string().as_bytes(), &mut |_, _| Ok(())).unwrap();
        let items = [
            json!({"id": "i1", "messages": []}),
            json!({"id": "i2", "messages": [{"role": "assistant", "content": "a"}, {"role": "user", "content": "said"}], "metadata": {"k": 1}, "persona_id": "p"}),
            json!({"id": 3, "text": "more", "metadata": "old", "persona_id": "q"}),
            json!("bare"),
        ];
        let mut entries = ListText::new(&bundle.personas);
        let mut list = ListText::new(&bundle.personas);
        let mut text = String::new();
        let mut values = Vec::new();
        for item in &items {
            let item = Json::from(item);
            values.extend(entries.entry(Item(&item)).map(Value::from));
            list.push(Item(&item), &mut text);
        }
        let without_text = vec![ItemWithoutText { position: 1, id: Some("i1".to_owned()) }];
        let left_out = LeftOut { without_text, longer: 1, messages: 1 };
        assert_eq!(entries.left_out, left_out);
        assert_eq!(list.end(&mut text), left_out);
        assert_eq!(
            values,
            [
                json!({"input": "said", "metadata": {"k": 1, "input_item_id": "i2", "persona_id": "p", "persona": "novice"}}),
                json!({"input": "more", "metadata": {"metadata": "old", "input_item_id": "3", "persona_id": "q"}}),
                json!({"input": "bare", "metadata": {}}),
            ]
        );
        assert_eq!(text, InputList::of_entries(values).to_yaml());
        let mut empty = String::new();
        ListText::default().end(&mut empty);
        assert_eq!(empty, "inputs: []\n");
    }
}
