//! What the agent is asked: from the pulled files, from a file that people edit, or from the configuration.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use keepstep_testdata::input_list;
use keepstep_testdata::input_text::{self, InputText};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::InputSources;
use crate::yaml::{self, YamlError};

/// The member of a file that holds the list.
const LIST: &str = "inputs";

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

/// Inputs in order. They are kept as one text, since a test may have very many and uses a few at once.
#[derive(Debug, Clone, Default)]
pub struct InputList {
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
}

/// An input in the text of a list. Who speaks is mostly said by the metadata, and then it is not said again.
#[derive(Debug, Serialize, Deserialize)]
struct Packed<'a, M> {
    #[serde(borrow, rename = "t")]
    text: Cow<'a, str>,
    #[serde(borrow, rename = "i", default, skip_serializing_if = "Option::is_none")]
    item_id: Option<Cow<'a, str>>,
    #[serde(rename = "m")]
    metadata: M,
    /// Name and id of who speaks.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    speaker: Option<[Option<String>; 2]>,
}

/// What a case needs to know of its input before it is run.
#[derive(Debug)]
pub(crate) struct CaseInput<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) item_id: Option<Cow<'a, str>>,
}

/// Returns name and id of who speaks, as the metadata of an input say it.
fn speaker_of(metadata: &Map<String, Value>) -> [Option<String>; 2] {
    ["persona", "persona_id"].map(|name| metadata.get(name).and_then(Value::as_str).map(str::to_owned))
}

impl InputList {
    /// Adds an input at the end.
    pub fn push(&mut self, input: &Input) {
        let speaker = [input.persona.clone(), input.persona_id.clone()];
        let packed = Packed {
            text: Cow::from(&input.text),
            item_id: input.item_id.as_deref().map(Cow::from),
            metadata: &input.metadata,
            speaker: (speaker != speaker_of(&input.metadata)).then_some(speaker),
        };
        // Only data that is written as JSON without fail: texts and values of JSON.
        if serde_json::to_writer(&mut self.text, &packed).is_ok() {
            self.ends.push(self.text.len());
        }
    }

    /// Returns how many inputs there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns true if there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns an input by its place, counted from 0.
    pub fn get(&self, place: usize) -> Option<Input> {
        let packed: Packed<'_, Map<String, Value>> = serde_json::from_slice(self.text_of(place)?).ok()?;
        let [persona, persona_id] = packed.speaker.unwrap_or_else(|| speaker_of(&packed.metadata));
        let (text, item_id) = (packed.text.into_owned(), packed.item_id.map(Cow::into_owned));
        Some(Input { text, metadata: packed.metadata, item_id, persona, persona_id })
    }

    /// Returns what is needed of an input before it is run.
    pub(crate) fn input_text(&self, place: usize) -> Option<CaseInput<'_>> {
        let packed: Packed<'_, IgnoredAny> = serde_json::from_slice(self.text_of(place)?).ok()?;
        Some(CaseInput { text: packed.text, item_id: packed.item_id })
    }

    fn text_of(&self, place: usize) -> Option<&[u8]> {
        let start = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..*self.ends.get(place)?)
    }
}

impl FromIterator<Input> for InputList {
    fn from_iter<I: IntoIterator<Item = Input>>(inputs: I) -> Self {
        let mut list = Self::default();
        inputs.into_iter().for_each(|input| list.push(&input));
        list
    }
}

/// Inputs and where they came from.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The inputs in order.
    pub list: InputList,
    /// The file that they came from; `None` for those inside of the configuration.
    pub file: Option<PathBuf>,
    /// The places of entries without a text, counted from 1. They are left out, and the others run.
    pub silent: Vec<usize>,
    /// How many inputs have more messages than the one that is said.
    pub longer: usize,
    /// How many messages these have besides.
    pub messages_left_out: usize,
}

/// The inputs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file that the configuration names is not there.
    #[error("no inputs: {} does not exist", path.display())]
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
    /// Not one entry says anything.
    #[error("input {position} of {} has no text to send, and no other has one", path.display())]
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
/// A file is missing, cannot be read, or has no entry with a text.
pub fn load(scenario: &Path, sources: &InputSources) -> Result<Inputs, InputError> {
    let generated = scenario.join("inputs/generated.yaml");
    let pulled = scenario.join("pulled/inputs.json");
    if let Some(file) = &sources.file {
        return match read_list(file)? {
            Some(list) => Ok(list.of(file.clone())),
            // The configured name is the one that a pull writes to in the peer's default; a pull of the other dialect has it here.
            None => read_pulled(&pulled)?
                .filter(|list| !list.list.is_empty())
                .map(|list| list.of(pulled))
                .ok_or_else(|| InputError::Missing { path: file.clone() }),
        };
    }
    let mut candidates = [generated, pulled];
    if sources.prefers_pulled {
        candidates.reverse();
    }
    for file in candidates {
        let list = if file.extension().is_some_and(|ending| ending == "json") { read_pulled(&file)? } else { read_list(&file)? };
        if let Some(list) = list.filter(|list| !list.list.is_empty()) {
            return Ok(list.of(file));
        }
    }
    let path = scenario.join("configs");
    entries(&path, &sources.inline)
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

fn read_list(path: &Path) -> Result<Option<Inputs>, InputError> {
    read_each(path, |entry| entry_of(&entry))
}

/// Reads a list of inputs entry by entry.
fn read_each(path: &Path, read: impl FnMut(Value) -> Option<(Input, usize)>) -> Result<Option<Inputs>, InputError> {
    let mut list = Collected::new(read);
    match yaml::each_entry(path, LIST, |entry| list.add(entry))? {
        None => Ok(None),
        Some(false) => Err(InputError::NoList { path: path.to_owned() }),
        Some(true) => list.end(path).map(Some),
    }
}

fn entries(path: &Path, entries: &[Value]) -> Result<Inputs, InputError> {
    let mut list = Collected::new(|entry: Value| entry_of(&entry));
    entries.iter().for_each(|entry| list.add(entry.clone()));
    list.end(path)
}

impl Inputs {
    fn of(self, file: PathBuf) -> Self {
        Self { file: Some(file), ..self }
    }
}

/// A list that is being read.
struct Collected<F> {
    list: InputList,
    read: F,
    count: usize,
    /// The places of entries that say nothing, counted from 1.
    silent: Vec<usize>,
    longer: usize,
    messages_left_out: usize,
}

impl<F: FnMut(Value) -> Option<(Input, usize)>> Collected<F> {
    fn new(read: F) -> Self {
        Self { list: InputList::default(), read, count: 0, silent: Vec::new(), longer: 0, messages_left_out: 0 }
    }

    fn add(&mut self, entry: Value) {
        self.count += 1;
        match (self.read)(entry) {
            Some((input, left_out)) => {
                self.list.push(&input);
                self.longer += usize::from(left_out > 0);
                self.messages_left_out += left_out;
            }
            None => self.silent.push(self.count),
        }
    }

    /// Returns the list. One odd entry does not stop the others; a list of such is a mistake.
    fn end(self, path: &Path) -> Result<Inputs, InputError> {
        match self.silent.first() {
            Some(&position) if self.list.is_empty() => Err(InputError::NoText { path: path.to_owned(), position }),
            _ => Ok(Inputs {
                list: self.list,
                file: None,
                silent: self.silent,
                longer: self.longer,
                messages_left_out: self.messages_left_out,
            }),
        }
    }
}

/// Returns the input that an entry of a list is, and how many messages are left out of it; `None` for one that says nothing.
fn entry_of(entry: &Value) -> Option<(Input, usize)> {
    let InputText { text, left_out } = input_text::input_text(entry)?;
    let metadata = match entry.get("metadata") {
        Some(Value::Object(metadata)) => metadata.clone(),
        // Without metadata the peers take the entry itself for it.
        _ => entry.as_object().cloned().unwrap_or_default(),
    };
    let item_id = input_list::item_id(entry).or_else(|| word(entry, "id"));
    let [persona, persona_id] = speaker_of(&metadata);
    Some((Input { text, item_id, persona, persona_id, metadata }, left_out))
}

/// Reads what a pull of the second dialect left.
fn read_pulled(path: &Path) -> Result<Option<Inputs>, InputError> {
    let personas = match yaml::read(&path.with_file_name("personas.json"))? {
        Some((Value::Array(personas), _)) => personas,
        _ => Vec::new(),
    };
    let name_of = |id: &str| {
        let persona = personas.iter().find(|persona| word(persona, "id").as_deref() == Some(id))?;
        word(persona, "name")
    };
    read_each(path, |item| {
        let InputText { text, left_out } = input_text::input_text(&item)?;
        let mut metadata = item.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
        let (item_id, persona_id) = (word(&item, "id"), word(&item, "persona_id"));
        let known = metadata.get("persona").and_then(Value::as_str).map(str::to_owned);
        let persona = known.or_else(|| name_of(persona_id.as_deref()?));
        for (key, value) in [("input_item_id", &item_id), ("persona_id", &persona_id), ("persona", &persona)] {
            if let Some(value) = value {
                metadata.insert(key.to_owned(), Value::from(value.as_str()));
            }
        }
        Some((Input { text, metadata, item_id, persona, persona_id }, left_out))
    })
}

/// Returns a member that is a text or a number.
fn word(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
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

    fn texts(inputs: &Inputs) -> Vec<String> {
        (0..inputs.list.len()).map(|place| inputs.list.get(place).unwrap().text).collect()
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
        let (first, second) = (inputs.list.get(0).unwrap(), inputs.list.get(1).unwrap());
        assert_eq!((first.item_id.as_deref(), first.persona.as_deref()), (Some("i1"), Some("novice")));
        assert_eq!(second.metadata, *json!({"input": "Own"}).as_object().unwrap());
        sources.prefers_pulled = true;
        let inputs = load(folder.path(), &sources).unwrap();
        assert_eq!(texts(&inputs), ["Pulled"]);
        assert_eq!(
            Value::Object(inputs.list.get(0).unwrap().metadata),
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
        let folder = scenario(&[("inputs/generated.yaml", "- input: a\n- input: ''\n- 08989\n- input:\n")]);
        let inputs = load(folder.path(), &InputSources::default()).unwrap();
        assert_eq!((texts(&inputs), inputs.silent), (vec!["a".to_owned(), "08989".to_owned()], vec![2, 4]));
        let folder = scenario(&[("inputs/generated.yaml", "- input: ''\n")]);
        let error = load(folder.path(), &InputSources::default()).unwrap_err();
        assert!(error.to_string().starts_with("input 1 of "), "{error}");
        let folder = scenario(&[("inputs/generated.yaml", "inputs: none\n")]);
        assert!(matches!(load(folder.path(), &InputSources::default()), Err(InputError::NoList { .. })));
    }

    proptest! {
        #[test]
        fn a_list_gives_back_what_it_was_given(texts in proptest::collection::vec(any::<String>(), 0..9), number in any::<i64>()) {
            let input = |text: &String| Input {
                text: text.clone(),
                metadata: json!({"é\n": [number, 0.1, null], text.clone(): text}).as_object().unwrap().clone(),
                item_id: (number > 0).then(|| text.clone()),
                persona: None,
                persona_id: Some(text.clone()),
            };
            let inputs: Vec<Input> = texts.iter().map(input).collect();
            let list: InputList = inputs.iter().cloned().collect();
            prop_assert_eq!(list.len(), inputs.len());
            for (place, input) in inputs.iter().enumerate() {
                prop_assert_eq!(&list.get(place).unwrap(), input);
                let spoken = list.input_text(place).unwrap();
                prop_assert_eq!((&*spoken.text, spoken.item_id.as_deref()), (input.text.as_str(), input.item_id.as_deref()));
            }
            prop_assert!(list.get(inputs.len()).is_none());
        }
    }
}
