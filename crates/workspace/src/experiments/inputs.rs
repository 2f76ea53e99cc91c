//! Which input a run was made with, where the run itself does not say it.

use std::collections::{HashMap, HashSet};

use keepstep_core::test_data::input_list::{self, InputList};
use serde_json::Value;

/// The inputs of a scenario by their texts.
#[derive(Debug, Default)]
pub struct InputIndex {
    by_text: HashMap<String, Vec<Input>>,
    used: HashSet<(u32, usize)>,
}

#[derive(Debug)]
struct Input {
    place: usize,
    id: String,
    personas: Vec<String>,
}

impl InputIndex {
    /// Returns the index of a list of inputs.
    pub fn new(list: &InputList) -> Self {
        let mut by_text: HashMap<String, Vec<Input>> = HashMap::new();
        for (place, entry) in list.entries.iter().enumerate() {
            let (Some(text), Some(id)) = (input_list::input_text(entry), input_list::item_id(entry)) else { continue };
            let metadata = entry.get("metadata").filter(|metadata| metadata.is_object()).unwrap_or(entry);
            let personas = ["persona", "persona_id"].into_iter();
            let personas = personas.filter_map(|name| metadata.get(name).and_then(Value::as_str)).map(str::to_owned).collect();
            by_text.entry(text.to_owned()).or_default().push(Input { place, id, personas });
        }
        Self { by_text, used: HashSet::new() }
    }

    /// Returns the id of the input with this text: the one for the persona, else one for nobody, else any. Each is used once
    /// in an iteration, so that equal texts are told apart.
    pub fn take(&mut self, iteration: u32, text: &str, persona: Option<&str>) -> Option<String> {
        let inputs = self.by_text.get(text)?;
        let free = |input: &&Input| !self.used.contains(&(iteration, input.place));
        let of_persona = |input: &&Input| persona.is_some_and(|persona| input.personas.iter().any(|name| name == persona));
        let found = inputs
            .iter()
            .filter(free)
            .find(of_persona)
            .or_else(|| inputs.iter().filter(free).find(|input| input.personas.is_empty()))
            .or_else(|| inputs.iter().find(free))?;
        self.used.insert((iteration, found.place));
        Some(found.id.clone())
    }

    /// Notes that a run said by itself that it used an input.
    pub fn used(&mut self, iteration: u32, text: &str, id: &str) {
        let inputs = self.by_text.get(text).into_iter().flatten();
        if let Some(input) = inputs.filter(|input| input.id == id).find(|input| !self.used.contains(&(iteration, input.place))) {
            self.used.insert((iteration, input.place));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_texts_are_told_apart() {
        let list = InputList::from_value(json!([
            {"input": "a", "metadata": {"input_item_id": "i1", "persona": "novice"}},
            {"input": "a", "metadata": {"input_item_id": "i2"}},
            {"input": "a", "metadata": {"input_item_id": "i3"}},
            {"input": "b"},
        ]))
        .unwrap();
        let mut index = InputIndex::new(&list);
        index.used(0, "a", "i3");
        let taken: Vec<Option<String>> =
            [None, Some("novice"), Some("other")].into_iter().map(|persona| index.take(0, "a", persona)).collect();
        assert_eq!(taken, [Some("i2".to_owned()), Some("i1".to_owned()), None]);
        assert_eq!(index.take(1, "a", Some("novice")).as_deref(), Some("i1"), "each iteration begins anew");
        assert_eq!(index.take(0, "b", None), None);
    }
}
