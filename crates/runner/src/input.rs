//! What the agent is asked: from the pulled files, from a file that people edit, or from the configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keepstep_core::test_data::input_list::{self, InputList};
use serde_json::{Map, Value};

use crate::config::InputSources;
use crate::yaml::{self, YamlError};

/// One input.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// What is said to the agent.
    pub text: String,
    /// What the platform or a person noted beside it.
    pub metadata: Map<String, Value>,
    /// The platform's item, if it came from there.
    pub item_id: Option<String>,
    /// The name of who speaks.
    pub persona: Option<String>,
    /// The platform's id of who speaks.
    pub persona_id: Option<String>,
}

/// Inputs and where they came from.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The inputs in order.
    pub list: Vec<Arc<Input>>,
    /// The file that they came from; `None` for those inside of the configuration.
    pub file: Option<PathBuf>,
}

/// The inputs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file that the configuration names is not there.
    #[error("there is no {}, where the configuration says that the inputs are", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A file has no list of inputs.
    #[error("{} has no list of inputs: it must have `inputs:` with a list below it, or be a list", path.display())]
    NoList {
        /// The file.
        path: PathBuf,
    },
    /// An entry says nothing.
    #[error("input {position} of {} has no text to send", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        position: usize,
    },
}

/// Reads the inputs of a scenario.
///
/// # Errors
/// A file is missing, cannot be read, or has an entry without text.
pub fn load(scenario: &Path, sources: &InputSources) -> Result<Inputs, InputError> {
    let generated = scenario.join("inputs/generated.yaml");
    let pulled = scenario.join("pulled/inputs.json");
    if let Some(file) = &sources.file {
        return match read_list(file)? {
            Some(list) => Ok(Inputs { list, file: Some(file.clone()) }),
            // The configured name is the one that a pull writes to in the peer's default; a pull of the other dialect has it here.
            None => read_pulled(&pulled)?
                .filter(|list| !list.is_empty())
                .map(|list| Inputs { list, file: Some(pulled) })
                .ok_or_else(|| InputError::Missing { path: file.clone() }),
        };
    }
    let mut candidates = [generated, pulled];
    if sources.prefers_pulled {
        candidates.reverse();
    }
    for file in candidates {
        let list = if file.extension().is_some_and(|ending| ending == "json") { read_pulled(&file)? } else { read_list(&file)? };
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            return Ok(Inputs { list, file: Some(file) });
        }
    }
    let path = scenario.join("configs");
    Ok(Inputs { list: entries(&path, &sources.inline)?, file: None })
}

/// Returns the personas that a pull brought, for whoever has to play one. A file that cannot be read only means that less is
/// known about them.
pub fn pulled_personas(scenario: &Path) -> Vec<Value> {
    let read = |path: &str| yaml::read(&scenario.join(path)).ok().flatten().map(|(value, _)| value);
    let lists = [read("pulled/personas.json"), read(".state/sync/personas.json").and_then(|file| file.get("items").cloned())];
    let personas = lists.into_iter().flatten().filter_map(|list| match list {
        Value::Array(personas) => Some(personas),
        _ => None,
    });
    personas.flatten().collect()
}

fn read_list(path: &Path) -> Result<Option<Vec<Arc<Input>>>, InputError> {
    let Some((value, _)) = yaml::read(path)? else { return Ok(None) };
    let list = InputList::from_value(value).map_err(|_| InputError::NoList { path: path.to_owned() })?;
    entries(path, &list.entries).map(Some)
}

fn entries(path: &Path, list: &[Value]) -> Result<Vec<Arc<Input>>, InputError> {
    let read = |(index, entry): (usize, &Value)| {
        let text = input_list::input_text(entry).map(str::to_owned).or_else(|| text_of_item(entry));
        let text = text.filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| InputError::NoText { path: path.to_owned(), position: index + 1 })?;
        let metadata = match entry.get("metadata") {
            Some(Value::Object(metadata)) => metadata.clone(),
            // Without metadata the peers take the entry itself for it.
            _ => entry.as_object().cloned().unwrap_or_default(),
        };
        let item_id = input_list::item_id(entry).or_else(|| word(entry, "id"));
        Ok(Arc::new(Input {
            text,
            item_id,
            persona: metadata.get("persona").and_then(Value::as_str).map(str::to_owned),
            persona_id: metadata.get("persona_id").and_then(Value::as_str).map(str::to_owned),
            metadata,
        }))
    };
    list.iter().enumerate().map(read).collect()
}

/// Reads what a pull of the second dialect left.
fn read_pulled(path: &Path) -> Result<Option<Vec<Arc<Input>>>, InputError> {
    let Some((value, _)) = yaml::read(path)? else { return Ok(None) };
    let Value::Array(items) = value else { return Err(InputError::NoList { path: path.to_owned() }) };
    let personas = match yaml::read(&path.with_file_name("personas.json"))? {
        Some((Value::Array(personas), _)) => personas,
        _ => Vec::new(),
    };
    let name_of = |id: &str| {
        let persona = personas.iter().find(|persona| word(persona, "id").as_deref() == Some(id))?;
        word(persona, "name")
    };
    let read = |(index, item): (usize, &Value)| {
        let text = text_of_item(item).ok_or_else(|| InputError::NoText { path: path.to_owned(), position: index + 1 })?;
        let mut metadata = item.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
        let (item_id, persona_id) = (word(item, "id"), word(item, "persona_id"));
        let known = metadata.get("persona").and_then(Value::as_str).map(str::to_owned);
        let persona = known.or_else(|| name_of(persona_id.as_deref()?));
        for (key, value) in [("input_item_id", &item_id), ("persona_id", &persona_id), ("persona", &persona)] {
            if let Some(value) = value {
                metadata.insert(key.to_owned(), Value::from(value.as_str()));
            }
        }
        Ok(Arc::new(Input { text, metadata, item_id, persona, persona_id }))
    };
    items.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
}

/// Returns a member that is a text or a number.
fn word(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns what an item says: its own text, else what its users say, else what anybody says.
fn text_of_item(item: &Value) -> Option<String> {
    let spoken = |value: &Value| {
        let parts: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Array(parts) => parts.iter().filter_map(|part| part.as_str().or_else(|| part.get("text")?.as_str())).collect(),
            _ => Vec::new(),
        };
        let text = parts.join("\n");
        (!text.trim().is_empty()).then_some(text)
    };
    if let Some(text) = ["text", "content"].iter().find_map(|key| item.get(key).and_then(spoken)) {
        return Some(text);
    }
    let messages = item.get("messages")?.as_array()?;
    let joined = |users: bool| {
        let role = |message: &Value| word(message, "role").or_else(|| word(message, "type"));
        let is_user = |message: &&Value| matches!(role(message).as_deref(), Some("user" | "human")) == users;
        let said: Vec<String> = messages.iter().filter(is_user).filter_map(|message| spoken(message.get("content")?)).collect();
        (!said.is_empty()).then(|| said.join("\n"))
    };
    joined(true).or_else(|| joined(false))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn scenario(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn texts(inputs: &Inputs) -> Vec<&str> {
        inputs.list.iter().map(|input| input.text.as_str()).collect()
    }

    const GENERATED: &str =
        "inputs:\n- input: Where?\n  metadata: {input_item_id: i1, persona: novice, persona_id: p1}\n- input: Own\n";
    const PULLED: &str =
        r#"[{"id": "i1", "persona_id": "p1", "messages": [{"role": "user", "content": "Pulled"}], "metadata": {"k": 1}}]"#;

    #[test]
    fn each_dialect_has_its_own_place() {
        let folder = scenario(&[
            ("inputs/generated.yaml", GENERATED),
            ("pulled/inputs.json", PULLED),
            ("pulled/personas.json", r#"[{"id": "p1", "name": "novice"}]"#),
        ]);
        let mut sources = InputSources { inline: vec![json!("inline")], ..InputSources::default() };
        let inputs = load(folder.path(), &sources).unwrap();
        assert_eq!(texts(&inputs), ["Where?", "Own"]);
        assert_eq!((inputs.list[0].item_id.as_deref(), inputs.list[0].persona.as_deref()), (Some("i1"), Some("novice")));
        assert_eq!(inputs.list[1].metadata, *json!({"input": "Own"}).as_object().unwrap());
        sources.prefers_pulled = true;
        let inputs = load(folder.path(), &sources).unwrap();
        assert_eq!(texts(&inputs), ["Pulled"]);
        assert_eq!(
            Value::Object(inputs.list[0].metadata.clone()),
            json!({"k": 1, "input_item_id": "i1", "persona_id": "p1", "persona": "novice"})
        );
    }

    #[test]
    fn without_a_pull_the_inline_inputs_count() {
        let folder = scenario(&[]);
        let inline = vec![json!({"text": "a"}), json!({"input": "b", "expected_intent": "x"}), json!("c")];
        let mut sources = InputSources { inline, ..InputSources::default() };
        assert_eq!(texts(&load(folder.path(), &sources).unwrap()), ["a", "b", "c"]);
        sources.file = Some(folder.path().join("inputs/mine.yaml"));
        assert!(matches!(load(folder.path(), &sources), Err(InputError::Missing { .. })));
    }

    #[test]
    fn an_entry_without_text_is_named() {
        let folder = scenario(&[("inputs/generated.yaml", "- input: a\n- input: ''\n")]);
        let error = load(folder.path(), &InputSources::default()).unwrap_err();
        assert!(error.to_string().starts_with("input 2 of "), "{error}");
        let folder = scenario(&[("inputs/generated.yaml", "inputs: none\n")]);
        assert!(matches!(load(folder.path(), &InputSources::default()), Err(InputError::NoList { .. })));
    }

    #[test]
    fn parts_of_messages_are_joined() {
        let item = json!({"messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, "b"]},
            {"role": "user", "content": "c"},
        ]});
        assert_eq!(text_of_item(&item).as_deref(), Some("a\nb\nc"));
        assert_eq!(text_of_item(&json!({"messages": [{"role": "system", "content": "s"}]})).as_deref(), Some("s"));
        assert_eq!(text_of_item(&json!({"messages": [], "content": "own"})).as_deref(), Some("own"));
    }
}
