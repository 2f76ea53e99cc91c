//! `context.json`: what is selected, in the forms of both peers.
//!
//! 0.3.3 writes `current_scenario` as an object with `id`, `name` and `local_path`, 0.4.0 as a string beside
//! `current_scenario_id`, and each crashes on the other's. Here both are read, and the form that was found is written
//! again; a new file has the form of 0.3.3. Members that this version does not know stay as they are.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::WorkspaceError;
use crate::files::{Pending, read_object, write_object};

/// What 0.4.0 keeps beside the scenario and what belongs to it.
const BELONGING: [&str; 5] = [
    "current_scenario_id",
    "current_dataset_version_id",
    "current_input_set_id",
    "current_bundle_version_id",
    "current_experiment_id",
];

/// Whose form a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The one of 0.3.3.
    Object,
    /// The one of 0.4.0.
    Text,
}

/// The scenario that is selected, as the file says it. The names may come from a server: none is a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentScenario {
    /// Its id on the platform.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// What names the folder: the last part of 0.3.3's `local_path`, and the name itself in 0.4.0.
    pub folder: String,
}

/// The bundle that is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentBundle {
    /// Its id.
    pub id: String,
    /// What the person called it.
    pub version: Option<String>,
}

/// What is selected in a workspace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContextFile {
    members: Map<String, Value>,
}

impl ContextFile {
    /// Returns the form of the file.
    pub fn form(&self) -> Form {
        let is_text = match self.members.get("current_scenario") {
            Some(value) => value.is_string(),
            None => false,
        };
        // 0.4.0 writes a null for "none", and leaves these names to nobody else.
        let is_theirs = || BELONGING.iter().any(|name| self.members.contains_key(*name));
        let is_object = self.members.get("current_scenario").is_some_and(Value::is_object);
        if is_text || (!is_object && is_theirs()) { Form::Text } else { Form::Object }
    }

    /// Returns true if nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns the scenario that is selected.
    pub fn scenario(&self) -> Option<CurrentScenario> {
        match self.members.get("current_scenario")? {
            Value::String(name) if !name.trim().is_empty() => {
                Some(CurrentScenario { id: self.text("current_scenario_id"), name: name.clone(), folder: name.clone() })
            }
            Value::Object(members) => {
                let text = |key: &str| members.get(key).and_then(text_of);
                let path = text("local_path");
                let last = path.as_deref().and_then(|path| path.split(['/', '\\']).rfind(|part| !part.is_empty()));
                let name = text("name").or_else(|| last.map(str::to_owned))?;
                Some(CurrentScenario { id: text("id"), folder: last.unwrap_or(&name).to_owned(), name })
            }
            _ => None,
        }
    }

    /// Returns the bundle that is selected.
    pub fn bundle(&self) -> Option<CurrentBundle> {
        match self.members.get("current_bundle").and_then(Value::as_object) {
            Some(members) => {
                let text = |key: &str| members.get(key).and_then(text_of);
                Some(CurrentBundle { id: text("id")?, version: text("version") })
            }
            None => Some(CurrentBundle { id: self.text("current_bundle_version_id")?, version: None }),
        }
    }

    /// Selects a scenario. What was selected with another one goes. `now` is an ISO 8601 time.
    pub fn select_scenario(&mut self, id: Option<&str>, name: &str, folder: &str, now: &str) {
        let before = self.scenario();
        let is_same = before.is_some_and(|before| before.folder == folder && before.id.as_deref() == id);
        match self.form() {
            Form::Object => {
                let mut scenario = match self.members.get("current_scenario") {
                    Some(Value::Object(members)) if is_same => members.clone(),
                    _ => Map::new(),
                };
                // 0.3.3 cannot read a scenario without an id.
                scenario.insert("id".to_owned(), Value::from(id.unwrap_or_default()));
                scenario.insert("name".to_owned(), Value::from(name));
                scenario.insert("local_path".to_owned(), Value::from(format!("scenarios/{folder}")));
                self.members.insert("current_scenario".to_owned(), Value::Object(scenario));
                if !is_same {
                    self.members.shift_remove("current_bundle");
                }
                self.touch(now);
            }
            Form::Text => {
                // 0.4.0 takes this for the name of the folder.
                self.members.insert("current_scenario".to_owned(), Value::from(folder));
                if !is_same {
                    for key in BELONGING.iter().chain(&["current_bundle"]) {
                        self.members.shift_remove(*key);
                    }
                }
                if let Some(id) = id {
                    self.members.insert("current_scenario_id".to_owned(), Value::from(id));
                }
            }
        }
    }

    /// Selects no scenario and no bundle any more, and returns whether one was.
    pub fn clear_scenario(&mut self) -> bool {
        let was_there = self.scenario().is_some() || self.bundle().is_some();
        let form = self.form();
        for key in BELONGING.iter().chain(&["current_bundle", "current_scenario"]) {
            self.members.shift_remove(*key);
        }
        if form == Form::Text {
            // 0.4.0 has this for "none", and the file keeps its form.
            self.members.insert("current_scenario".to_owned(), Value::Null);
            self.members.insert("current_scenario_id".to_owned(), Value::Null);
        }
        was_there
    }

    /// Selects a bundle.
    pub fn set_bundle(&mut self, id: &str, version: &str, now: &str) {
        match self.form() {
            Form::Object => {
                self.members.insert("current_bundle".to_owned(), json!({ "id": id, "version": version }));
                self.touch(now);
            }
            Form::Text => drop(self.members.insert("current_bundle_version_id".to_owned(), Value::from(id))),
        }
    }

    /// Notes what was pulled, where the form has a place for it.
    pub fn note_pulled(&mut self, bundle: &str, input_set: Option<&str>) {
        if self.form() == Form::Text {
            self.members.insert("current_bundle_version_id".to_owned(), Value::from(bundle));
            if let Some(input_set) = input_set {
                self.members.insert("current_dataset_version_id".to_owned(), Value::from(input_set));
                self.members.insert("current_input_set_id".to_owned(), Value::from(input_set));
            }
        }
    }

    fn touch(&mut self, now: &str) {
        self.members.insert("last_updated".to_owned(), Value::from(now));
    }

    fn text(&self, key: &str) -> Option<String> {
        self.members.get(key).and_then(text_of)
    }

    pub(crate) fn read(path: &Path) -> Result<Self, WorkspaceError> {
        Ok(Self { members: read_object(path)?.unwrap_or_default() })
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), WorkspaceError> {
        write_object(path, &self.members)
    }

    pub(crate) fn write_pending(&self, path: &Path) -> Result<Pending, WorkspaceError> {
        Pending::write_object(path, &self.members)
    }
}

/// Returns an id or name as a text. Some servers send numbers for ids.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn context(value: Value) -> ContextFile {
        let Value::Object(members) = value else { panic!("an object") };
        ContextFile { members }
    }

    fn object() -> ContextFile {
        context(json!({
            "current_scenario": {"id": "2222", "name": "orders", "local_path": "scenarios/orders"},
            "current_bundle": {"id": "bv_1", "version": "latest"},
            "last_updated": "2026-11-21T23:27:57.469724+00:00",
            "workflow_state": {"phase": "data"},
        }))
    }

    fn text() -> ContextFile {
        context(json!({
            "current_scenario": "orders",
            "current_scenario_id": "2222",
            "current_dataset_version_id": "3333",
            "current_input_set_id": "3333",
            "current_bundle_version_id": "bv_1",
            "current_experiment_id": "rb-1",
        }))
    }

    #[test]
    fn f25_both_forms_are_read_and_written_as_they_were() {
        for before in [object(), text()] {
            let expected =
                CurrentScenario { id: Some("2222".to_owned()), name: "orders".to_owned(), folder: "orders".to_owned() };
            assert_eq!(before.scenario(), Some(expected));
            assert_eq!(before.bundle().map(|bundle| bundle.id).as_deref(), Some("bv_1"));
            let mut after = before.clone();
            after.select_scenario(Some("9999"), "Billing EU", "Billing_EU", "now");
            assert_eq!(after.form(), before.form());
            assert_eq!(
                after.scenario().map(|scenario| (scenario.id, scenario.folder)),
                Some((Some("9999".to_owned()), "Billing_EU".to_owned()))
            );
            assert_eq!(after.bundle(), None, "the bundle belonged to the other scenario");
        }
        assert_eq!(object().members["workflow_state"], json!({"phase": "data"}));
        assert_eq!(ContextFile::default().form(), Form::Object);
        assert_eq!(context(json!({"current_scenario": null, "current_bundle_version_id": "b"})).form(), Form::Text);
    }

    #[test]
    fn f21_an_id_never_stays_with_another_name() {
        for mut context in [object(), text()] {
            context.select_scenario(None, "billing", "billing", "now");
            assert_eq!(
                context.scenario(),
                Some(CurrentScenario { id: None, name: "billing".to_owned(), folder: "billing".to_owned() })
            );
        }
    }

    #[test]
    fn nothing_is_selected_in_the_form_that_was_found() {
        for before in [object(), text()] {
            let mut after = before.clone();
            assert!(after.clear_scenario());
            assert_eq!((after.scenario(), after.bundle(), after.form()), (None, None, before.form()));
            assert!(!after.clear_scenario());
        }
    }

    #[test]
    fn the_same_selection_keeps_the_bundle() {
        for mut context in [object(), text()] {
            context.select_scenario(Some("2222"), "orders", "orders", "now");
            assert_eq!(context.bundle().map(|bundle| bundle.id).as_deref(), Some("bv_1"));
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..3)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_this_version_does_not_know_stays(
            others in prop::collection::btree_map("x_[a-zé]{0,6}", any_json(), 0..4),
            scenario in any_json(),
            is_text in any::<bool>(),
        ) {
            let mut members: Map<String, Value> = others.clone().into_iter().collect();
            if is_text {
                members.insert("current_scenario".to_owned(), Value::from("orders"));
            } else {
                members.insert("current_scenario".to_owned(), scenario);
            }
            let before = ContextFile { members };
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(".fluxloop/context.json");
            before.write(&path).unwrap();
            let mut after = ContextFile::read(&path).unwrap();
            prop_assert_eq!(&after, &before);
            after.select_scenario(Some("1"), "n", "f", "now");
            after.set_bundle("b", "latest", "now");
            after.write(&path).unwrap();
            let after = ContextFile::read(&path).unwrap();
            prop_assert_eq!(after.form(), before.form());
            for (key, value) in &others {
                prop_assert_eq!(&after.members[key], value);
            }
            prop_assert_eq!(after.scenario().map(|scenario| scenario.folder), Some("f".to_owned()));
            prop_assert_eq!(after.bundle().map(|bundle| bundle.id), Some("b".to_owned()));
        }
    }
}
