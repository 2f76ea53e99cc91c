//! What values an agent's fields may have, whoever sends them: either dialect or a page.

use keepstep_agent::Field;
use keepstep_agent::canonical::canonical;
use keepstep_agent::merge::value_has_conflict_markers;
pub use keepstep_api::PERSONA_LIMIT;
use keepstep_store::{Patch, PersonaChange, PersonaStatus};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::text::printable;

/// The largest name, in bytes.
pub const NAME_LIMIT: usize = 10_000;

/// Why a text is not published that nobody has approved.
pub(crate) const NOT_APPROVED: &str = "Personas of this agent are reviewed before they are published: save a draft, propose it, and publish it when it is approved.";

/// Why a text is not published that has not passed its tests.
pub(crate) const NOT_PASSED: &str = "Personas of this agent pass a scenario before they are published, and no uploaded experiment of it with \
     exactly this text has passed: test it with this text in the code, and upload the experiment.";

/// The longest message about a change, in bytes.
pub const MESSAGE_LIMIT: usize = 10_000;

/// Returns the patch for some fields of the definition, by the keys of our own dialect, checked. `null` clears a field.
///
/// # Errors
/// A key is not the one of a field, or a value is not one that the field may have.
pub fn patch(values: Map<String, Value>) -> Result<Patch, Error> {
    let mut patch = Patch::default();
    for (key, value) in values {
        let field = Field::from_key(&key).ok_or_else(|| unknown(&key))?;
        set(&mut patch, field, value)?;
    }
    Ok(patch)
}

/// Returns the same by the keys of the lua dialect, in which a client may send fields that nobody else knows: they are kept as they are.
///
/// # Errors
/// A value is not one that the field may have.
pub fn sent_patch(values: Map<String, Value>) -> Result<Patch, Error> {
    let mut patch = Patch::default();
    for (key, value) in values {
        match Field::sent_under(&key) {
            Some(field) => set(&mut patch, field, value)?,
            None => drop(patch.fields.insert(key, value)),
        }
    }
    Ok(patch)
}

fn set(patch: &mut Patch, field: Field, value: Value) -> Result<(), Error> {
    if field.has_versions() {
        patch.persona = Some(PersonaChange { persona: persona(value)?, status: PersonaStatus::Published });
    } else {
        patch.fields.insert(field.sent_as().to_owned(), self::value(field, value)?);
    }
    Ok(())
}

fn unknown(key: &str) -> Error {
    let fields: Vec<&str> = Field::ALL.iter().map(|field| field.key()).collect();
    Error::Invalid(format!("Unknown field {:?}: a definition has {}.", printable(key), fields.join(", ")))
}

/// Returns the value as one that a field may have; null where it is cleared.
///
/// # Errors
/// It is of another form, too large, blank although an agent cannot do without the field, or holds the markers of a merge that nobody
/// finished.
pub fn value(field: Field, value: Value) -> Result<Value, Error> {
    let form = field.form();
    if value.is_null() {
        return match field.is_required() {
            true => Err(Error::Refused(format!("An agent needs a {field}; it cannot be cleared."))),
            false => Ok(Value::Null),
        };
    }
    if !field.accepts(&value) {
        let or_null = if field.is_required() { "" } else { ", or null to clear it" };
        return Err(Error::Invalid(format!("The {field} must be {form}{or_null}.")));
    }
    let limit = if field.is_text() { PERSONA_LIMIT } else { NAME_LIMIT };
    if value.as_str().is_some_and(|text| text.len() > limit) {
        return Err(Error::TooLarge { what: format!("The {field}").into(), limit: limit as u64 });
    }
    if canonical(field, Some(&value)).is_none() {
        if field.is_required() {
            return Err(Error::Refused(format!("An agent needs a {field}; an empty one is not stored.")));
        }
        if field.is_short() {
            return Ok(Value::Null);
        }
    }
    refuse_markers(field, &value)?;
    Ok(value)
}

fn refuse_markers(field: Field, value: &Value) -> Result<(), Error> {
    if value_has_conflict_markers(value) {
        return Err(Error::Refused(format!(
            "The {field} holds the markers of an unfinished merge (<<<<<<<, =======, >>>>>>>); finish it first."
        )));
    }
    Ok(())
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
        return Err(Error::TooLarge { what: "The persona".into(), limit: PERSONA_LIMIT as u64 });
    }
    if canonical(Field::PERSONA, Some(&value)).is_none() {
        return Err(Error::Refused("The persona has no text; an empty one is not stored.".to_owned()));
    }
    refuse_markers(Field::PERSONA, &value)?;
    Ok(value)
}

/// Returns the message about a change; a blank one is none.
///
/// # Errors
/// It is too long.
pub fn message(message: Option<String>) -> Result<Option<String>, Error> {
    let message = message.map(|message| message.trim().to_owned()).filter(|message| !message.is_empty());
    match message {
        Some(message) if message.len() > MESSAGE_LIMIT => {
            Err(Error::TooLarge { what: "The message".into(), limit: MESSAGE_LIMIT as u64 })
        }
        message => Ok(message),
    }
}
