//! What values an agent's fields may have, whoever sends them: either dialect or a page.

use keepstep_agent::Field;
use keepstep_agent::canonical::canonical;
use keepstep_agent::merge::value_has_conflict_markers;
pub use keepstep_api::PERSONA_LIMIT;
use keepstep_store::{Patch, PersonaChange, PersonaStatus};
use serde_json::{Map, Value};

use crate::error::Error;

/// The largest name, in bytes.
pub const NAME_LIMIT: usize = 10_000;

/// The longest message about a change, in bytes.
pub const MESSAGE_LIMIT: usize = 10_000;

/// Returns the patch for some fields of the definition, checked. `null` clears a field.
///
/// # Errors
/// A value is not one that the field may have.
pub fn patch(fields: Map<String, Value>) -> Result<Patch, Error> {
    let mut patch = Patch::default();
    for (key, value) in fields {
        match key.as_str() {
            "name" => patch.name = Some(name(value)?),
            "persona" => {
                patch.persona = Some(PersonaChange { persona: persona(value)?, status: PersonaStatus::Published });
            }
            "model" => patch.model = Some(model(value)?),
            "governance" => patch.governance = Some(governance(value)?),
            _ => {
                patch.others.insert(key, value);
            }
        }
    }
    Ok(patch)
}

/// Returns the value as a name.
///
/// # Errors
/// It is no text, a blank one, or too long.
pub fn name(value: Value) -> Result<String, Error> {
    let name = match value {
        Value::String(name) => name,
        Value::Null => return Err(Error::Refused("An agent needs a name; it cannot be cleared.".to_owned())),
        _ => return Err(Error::Invalid("The name must be a string.".to_owned())),
    };
    if canonical(Field::Name, Some(&Value::String(name.clone()))).is_none() {
        return Err(Error::Refused("An agent needs a name; an empty one is not stored.".to_owned()));
    }
    if name.len() > NAME_LIMIT {
        return Err(Error::TooLarge { what: "The name", limit: NAME_LIMIT as u64 });
    }
    Ok(name)
}

/// Returns the value as a persona.
///
/// # Errors
/// It is neither a text nor an object of texts, has no content, is too large, or holds the markers of a merge that
/// nobody finished.
pub fn persona(value: Value) -> Result<Value, Error> {
    let texts: Vec<&str> = match &value {
        Value::String(text) => vec![text],
        Value::Object(members) => members
            .values()
            .map(|member| member.as_str().ok_or_else(|| Error::Invalid("Each member of a persona must be a string.".to_owned())))
            .collect::<Result<_, _>>()?,
        Value::Null => return Err(Error::Refused("A persona cannot be cleared; publish another text.".to_owned())),
        _ => {
            return Err(Error::Invalid("A persona must be a string, or an object with a string for each channel.".to_owned()));
        }
    };
    if texts.iter().map(|text| text.len()).sum::<usize>() > PERSONA_LIMIT {
        return Err(Error::TooLarge { what: "The persona", limit: PERSONA_LIMIT as u64 });
    }
    if canonical(Field::Persona, Some(&value)).is_none() {
        return Err(Error::Refused("The persona has no text; an empty one is not stored.".to_owned()));
    }
    if value_has_conflict_markers(&value) {
        return Err(Error::Refused(
            "The persona holds the markers of an unfinished merge (<<<<<<<, =======, >>>>>>>); finish it first.".to_owned(),
        ));
    }
    Ok(value)
}

/// Returns the value as a model; null and the empty text clear it.
///
/// # Errors
/// It is no text.
pub fn model(value: Value) -> Result<Option<Value>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) if text.len() > NAME_LIMIT => Err(Error::TooLarge { what: "The model", limit: NAME_LIMIT as u64 }),
        Value::String(_) => Ok(Some(value)),
        _ => Err(Error::Invalid("The model must be a string, or null to clear it.".to_owned())),
    }
}

/// Returns the value as governance settings; null clears them.
///
/// # Errors
/// It is no object.
pub fn governance(value: Value) -> Result<Option<Value>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::Object(_) => Ok(Some(value)),
        _ => Err(Error::Invalid("The governance must be an object, or null to clear it.".to_owned())),
    }
}

/// Returns the message about a change; a blank one is none.
///
/// # Errors
/// It is too long.
pub fn message(message: Option<String>) -> Result<Option<String>, Error> {
    let message = message.map(|message| message.trim().to_owned()).filter(|message| !message.is_empty());
    match message {
        Some(message) if message.len() > MESSAGE_LIMIT => {
            Err(Error::TooLarge { what: "The message", limit: MESSAGE_LIMIT as u64 })
        }
        message => Ok(message),
    }
}
