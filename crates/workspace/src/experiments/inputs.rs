//! Which input a run was made with, where the run itself does not say it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use keepstep_testdata::{input_list, input_text};
use serde_json::Value;

use crate::experiments::run_id::key;

/// The inputs of a scenario by their texts. Of an input only the platform's id is kept, and digests of what it is found by.
#[derive(Debug, Default)]
pub struct Items {
    items: Vec<Item>,
    /// The first item with a text.
    by_text: HashMap<u128, u32>,
    /// The last one.
    last: HashMap<u128, u32>,
}

#[derive(Debug)]
struct Item {
    id: Box<str>,
    /// Name and id of who speaks.
    personas: [Option<u64>; 2],
    /// The next one with the same text.
    next: Option<u32>,
}

impl Items {
    /// Adds the next entry of the list of inputs.
    pub fn add(&mut self, entry: &Value) {
        let (Some(text), Some(id)) = (input_text::text(entry), input_list::item_id(entry)) else { return };
        let Ok(place) = u32::try_from(self.items.len()) else { return };
        let metadata = entry.get("metadata").filter(|metadata| metadata.is_object()).unwrap_or(entry);
        let personas = ["persona", "persona_id"].map(|name| metadata.get(name).and_then(Value::as_str).map(persona_key));
        self.items.push(Item { id: id.into(), personas, next: None });
        let text = key(&text);
        match self.by_text.entry(text) {
            std::collections::hash_map::Entry::Vacant(first) => {
                first.insert(place);
            }
            std::collections::hash_map::Entry::Occupied(first) => {
                let last = self.last.insert(text, place).unwrap_or(*first.get());
                if let Some(last) = self.items.get_mut(last as usize) {
                    last.next = Some(place);
                }
            }
        }
    }

    /// Returns the items with a text, in the order of the list.
    fn with_text(&self, text: u128) -> impl Iterator<Item = (u32, &Item)> {
        let at = |place: u32| self.items.get(place as usize).map(|item| (place, item));
        let first = self.by_text.get(&text).and_then(|place| at(*place));
        std::iter::successors(first, move |(_, item)| at(item.next?))
    }
}

fn persona_key(name: &str) -> u64 {
    // The upper half says nothing new.
    key(name) as u64
}

/// Says which input a run was made with. Each is used once in an iteration, so that equal texts are told apart.
#[derive(Default)]
pub struct InputIndex<'a> {
    items: Arc<Items>,
    /// Reads the items; runs that all name their input need none.
    read: Option<Box<dyn FnOnce() -> Items + 'a>>,
    /// What was used before the items were read: the iteration, the text and the id.
    before: Vec<(u32, u128, u128)>,
    used: HashSet<(u32, u32)>,
}

impl<'a> InputIndex<'a> {
    /// Returns an index of these inputs, none of which is used.
    pub fn new(items: Arc<Items>) -> Self {
        Self { items, ..Self::default() }
    }

    /// Returns an index of inputs that are read when a run asks for one.
    pub fn reading(read: impl FnOnce() -> Items + 'a) -> Self {
        Self { read: Some(Box::new(read)), ..Self::default() }
    }

    /// Returns the id of the input with this text: the one for the persona, else one for nobody, else any.
    pub fn take(&mut self, iteration: u32, text: &str, persona: Option<&str>) -> Option<String> {
        if let Some(read) = self.read.take() {
            self.items = Arc::new(read());
            for (iteration, text, id) in std::mem::take(&mut self.before) {
                self.note(iteration, text, id);
            }
        }
        let text = key(text);
        let free = || self.items.with_text(text).filter(|(place, _)| !self.used.contains(&(iteration, *place)));
        let persona = persona.map(persona_key);
        let of_persona = |(_, item): &(u32, &Item)| persona.is_some() && item.personas.contains(&persona);
        let of_nobody = |(_, item): &(u32, &Item)| item.personas == [None, None];
        let (place, item) = free().find(of_persona).or_else(|| free().find(of_nobody)).or_else(|| free().next())?;
        self.used.insert((iteration, place));
        Some(item.id.to_string())
    }

    /// Notes that a run said by itself that it used an input.
    pub fn used(&mut self, iteration: u32, text: &str, id: &str) {
        if self.read.is_some() {
            self.before.push((iteration, key(text), key(id)));
        } else {
            self.note(iteration, key(text), key(id));
        }
    }

    fn note(&mut self, iteration: u32, text: u128, id: u128) {
        let mut same = self.items.with_text(text).filter(|(_, item)| key(&item.id) == id).map(|(place, _)| place);
        if let Some(place) = same.find(|place| !self.used.contains(&(iteration, *place))) {
            self.used.insert((iteration, place));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn items() -> Items {
        let mut items = Items::default();
        for entry in [
            json!({"input": "a", "metadata": {"input_item_id": "i1", "persona": "novice"}}),
            json!({"input": "a", "metadata": {"input_item_id": "i2"}}),
            json!({"input": "a", "metadata": {"input_item_id": "i3"}}),
            json!({"input": "b"}),
        ] {
            items.add(&entry);
        }
        items
    }

    #[test]
    fn equal_texts_are_told_apart() {
        for mut index in [InputIndex::new(Arc::new(items())), InputIndex::reading(items)] {
            index.used(0, "a", "i3");
            let taken: Vec<Option<String>> =
                [None, Some("novice"), Some("other")].into_iter().map(|persona| index.take(0, "a", persona)).collect();
            assert_eq!(taken, [Some("i2".to_owned()), Some("i1".to_owned()), None]);
            assert_eq!(index.take(1, "a", Some("novice")).as_deref(), Some("i1"), "each iteration begins anew");
            assert_eq!(index.take(0, "b", None), None);
        }
    }

    #[test]
    fn inputs_are_only_read_where_a_run_does_not_name_its_own() {
        let mut index = InputIndex::reading(|| panic!("nobody asked"));
        index.used(0, "a", "i1");
    }
}
