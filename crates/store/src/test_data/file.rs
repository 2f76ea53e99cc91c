//! The file that brings test data to the platform.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The largest number of inputs in one file.
pub const MOST_INPUTS: usize = 100_000;

/// The longest text of a message, in bytes.
const LONGEST_TEXT: usize = 1024 * 1024;

/// A scenario with its personas, inputs and criteria. Everything but the scenario's name and one input may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestDataFile {
    /// The scenario.
    pub scenario: ScenarioFile,
    /// The personas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personas: Vec<PersonaFile>,
    /// The inputs.
    pub inputs: Vec<InputFile>,
    /// The criteria.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<CriterionFile>,
    /// The bundle.
    #[serde(default)]
    pub bundle: BundleFile,
}

/// The scenario of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Its name.
    pub name: String,
    /// What it is about; what the platform has stays where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its configuration; what the platform has stays where this is left out.
    #[serde(default, alias = "config_snapshot", skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
}

/// A persona of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonaFile {
    /// Their name.
    pub name: String,
    /// Everything else: `description`, `difficulty`, …
    #[serde(flatten)]
    pub body: Map<String, Value>,
}

/// An input of a file: either a text or messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Names the input where its text changes; made from its content where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the user says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What is said, by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<Message>>,
    /// The name of the persona that says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<String>,
    /// Whatever else is to be known about it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// A message of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who says it: `user`, `assistant`, `system`.
    pub role: String,
    /// What is said.
    pub content: String,
}

/// A criterion of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriterionFile {
    /// Its name.
    pub name: String,
    /// Everything else: `items`, `details`, …
    #[serde(flatten)]
    pub body: Map<String, Value>,
}

/// The bundle of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleFile {
    /// Its name; the scenario's where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Test data that can be read but has no meaning. Inputs are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestDataError {
    /// There is no input.
    #[error("no inputs: `inputs` needs at least one")]
    NoInputs,
    /// There are too many inputs.
    #[error("{found} inputs are too many: a set has at most {MOST_INPUTS}")]
    TooManyInputs {
        /// How many there are.
        found: usize,
    },
    /// The one input that somebody wrote has no meaning.
    #[error("{0}")]
    Said(&'static str),
    /// An input has no meaning.
    #[error("input {number}: {reason}")]
    Input {
        /// Which.
        number: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// An input names a persona that nobody has.
    #[error("input {number}: persona {name:?} not found in `personas` or in the project")]
    UnknownPersona {
        /// Which.
        number: usize,
        /// The name.
        name: String,
    },
    /// Two of a kind have the same name or id.
    #[error("two {what} are called {name:?}")]
    Twice {
        /// The kind.
        what: &'static str,
        /// The name or id.
        name: String,
    },
}

impl InputFile {
    /// Returns the input as an item of a set: what it says, with an id and a persona.
    pub(super) fn item(&self, id: Option<&str>, persona: Option<&str>) -> Map<String, Value> {
        let message = |role: &str, content: &str| json!({ "role": role, "content": content });
        let messages: Vec<Value> = match (&self.text, &self.messages) {
            (Some(text), _) => vec![message("user", text)],
            (None, messages) => messages.iter().flatten().map(|Message { role, content }| message(role, content)).collect(),
        };
        let mut item = Map::new();
        item.insert("id".to_owned(), id.into());
        if let Some(persona) = persona {
            item.insert("persona_id".to_owned(), persona.into());
        }
        item.insert("messages".to_owned(), messages.into());
        item.insert("metadata".to_owned(), self.metadata.clone().into());
        item
    }

    fn problem(&self) -> Option<&'static str> {
        let problem = match (&self.text, &self.messages) {
            (Some(_), Some(_)) => return Some("it has both `text` and `messages`"),
            (None, None) => return Some("it has neither `text` nor `messages`"),
            (Some(text), None) => problem_of_content(text),
            (None, Some(messages)) => problem_of_messages(messages),
        };
        if problem.is_some() {
            return problem;
        }
        let has_bad_id = self.id.as_ref().is_some_and(|id| !is_input_id(id));
        has_bad_id.then_some("its `id` is empty, longer than 200 bytes, or holds control characters")
    }
}

/// Returns true for what can be the id of an input.
pub fn is_input_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 200 && !id.chars().any(char::is_control)
}

/// Returns why messages cannot be an input.
pub fn problem_of_messages(messages: &[Message]) -> Option<&'static str> {
    if !messages.iter().any(|message| message.role == "user") {
        return Some("no message has the role `user`");
    }
    messages.iter().find_map(|message| problem_of_content(&message.content)).or_else(|| {
        let has_empty_role = messages.iter().any(|message| message.role.trim().is_empty());
        has_empty_role.then_some("a message has an empty role")
    })
}

/// Returns why a text cannot be what somebody says.
fn problem_of_content(content: &str) -> Option<&'static str> {
    if content.trim().is_empty() {
        Some("a message is empty")
    } else if content.len() > LONGEST_TEXT {
        Some("a message is longer than 1 MiB")
    } else {
        None
    }
}

impl TestDataFile {
    /// Returns the file that brings inputs to a scenario and says nothing else.
    pub fn of_inputs(scenario: String, inputs: Vec<InputFile>) -> Self {
        Self {
            scenario: ScenarioFile { name: scenario, description: None, config: None },
            personas: Vec::new(),
            inputs,
            criteria: Vec::new(),
            bundle: BundleFile::default(),
        }
    }

    /// Checks what can be checked without a platform.
    ///
    /// # Errors
    /// The first thing that has no meaning.
    pub fn check(&self) -> Result<(), TestDataError> {
        if self.inputs.is_empty() {
            return Err(TestDataError::NoInputs);
        }
        if self.inputs.len() > MOST_INPUTS {
            return Err(TestDataError::TooManyInputs { found: self.inputs.len() });
        }
        for (index, input) in self.inputs.iter().enumerate() {
            if let Some(reason) = input.problem() {
                return Err(TestDataError::Input { number: index + 1, reason });
            }
        }
        // Outer white space is no part of a name.
        once("personas", self.personas.iter().map(|persona| persona.name.trim()))?;
        once("criteria", self.criteria.iter().map(|criterion| criterion.name.trim()))?;
        once("inputs", self.inputs.iter().filter_map(|input| input.id.as_deref()))
    }
}

fn once<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), TestDataError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(TestDataError::Twice { what, name: name.chars().take(80).collect() });
        }
    }
    Ok(())
}
