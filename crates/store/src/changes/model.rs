//! What a change is asked with, and what came of it.

use keepstep_agent::Field;
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
use serde_json::{Map, Value};

use crate::model::{PersonaStatus, Scope};

/// Who wants to change which agent, why, and on which condition.
#[derive(Debug, Clone)]
pub struct Intent<'a> {
    /// What the author may see.
    pub scope: &'a Scope,
    /// The agent.
    pub agent: &'a AgentId,
    /// The name of the person or key.
    pub author: Option<&'a str>,
    /// Why.
    pub message: Option<&'a str>,
    /// The revision that the author looked at; `None` accepts any.
    pub expected: Option<Revision>,
}

/// New values for some of an agent's fields. What is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    /// The persona.
    pub persona: Option<PersonaChange>,
    /// Any other fields, under the keys that the lua dialect sends them with; a null clears one.
    pub fields: Map<String, Value>,
}

impl Patch {
    /// Returns the patch that sets a field other than the persona; null clears it.
    pub fn of(field: Field, value: Value) -> Self {
        Self { persona: None, fields: Map::from_iter([(field.sent_as().to_owned(), value)]) }
    }
}

/// A new persona.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonaChange {
    /// A string, or an object with a string for each channel.
    pub persona: Value,
    /// Whether it is only stored, or also goes to production.
    pub status: PersonaStatus,
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The revision that the agent has now.
    pub revision: Revision,
    /// False if everything was so already.
    pub is_new: bool,
    /// The persona version that holds the text of the change, where the change has one: a new version, or the one that
    /// held the same text already.
    pub persona: Option<PersonaVersion>,
}
