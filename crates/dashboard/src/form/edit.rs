//! What an edit form says: from the fields that a browser sent to the values that a person meant. Nothing here knows of requests or
//! stores.

use std::collections::HashMap;

use keepstep_agent::definition::text_of;
use keepstep_agent::merge::Choice;
use keepstep_agent::{Definition, Field};
use keepstep_base::{PersonaVersion, Revision};
use keepstep_store::Edit;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Value};

use crate::error_page::Typed;
use crate::form::posted::Fields;
use crate::form::text;

/// How the fields are called that choose between two edits: this and the id of the place.
pub(crate) const CHOICE: &str = "choice-";

/// The names of the text areas of a persona that has channels, in the order of the channels.
const CHANNELS: [&str; 3] = ["persona_base", "persona_voice", "persona_text"];

/// The button that was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Store the persona as a version that is not published.
    Draft,
    /// The same, and ask for a review of it.
    Propose,
    /// Publish the persona and save the other fields.
    Publish,
    /// Keep what was typed, and show what it changes.
    Preview,
    /// Put both edits together as it was chosen, and save nothing.
    Choose,
}

/// The fields as a browser sent them.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    csrf: String,
    /// The revision that the form was made from.
    pub(crate) base: Revision,
    /// The persona version that the text started from.
    pub(crate) from: Option<PersonaVersion>,
    /// The button.
    pub(crate) action: Action,
    /// Names the words that were kept before and that these replace.
    pub(crate) draft: Option<String>,
    message: String,
    /// All others.
    fields: HashMap<String, String>,
}

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = HashMap::<String, String>::deserialize(deserializer)?;
        let mut take = |name: &str| fields.remove(name).filter(|value| !value.is_empty());
        let invalid = |name: &str| D::Error::custom(format!("invalid field {name}"));
        let base = take("base").and_then(|base| base.parse().ok()).ok_or_else(|| invalid("base"))?;
        let from = take("from").map(|from| from.parse().map(PersonaVersion).map_err(|_| invalid("from"))).transpose()?;
        let action = match take("action").as_deref() {
            Some("draft") => Action::Draft,
            Some("propose") => Action::Propose,
            Some("publish") => Action::Publish,
            Some("choose") => Action::Choose,
            Some("preview") | None => Action::Preview,
            Some(_) => return Err(invalid("action")),
        };
        let csrf = take("csrf").unwrap_or_default();
        let (draft, message) = (take("draft"), take("message").unwrap_or_default());
        Ok(Self { csrf, base: Revision(base), from, action, draft, message, fields })
    }
}

impl Sent {
    /// Returns what the person meant, who had `base` before them.
    pub(crate) fn edit(&self, base: &Definition) -> Edit {
        let mut typed = base.clone();
        for field in Field::ALL {
            // A field that the page did not offer keeps its value.
            if field == Field::PERSONA {
                typed.set(field, self.persona(base.persona()));
            } else if let Some(sent) = self.fields.get(field.key()) {
                typed.set(field, value_of(field, base.get(field), sent));
            }
        }
        let message = self.message.trim();
        let message = (!message.is_empty()).then(|| message.to_owned());
        Edit { base: self.base, from: self.from, typed, message }
    }

    /// Returns what was chosen where two edits overlap.
    pub(crate) fn choices(&self) -> HashMap<String, Choice> {
        let choice = |(name, value): (&String, &String)| {
            let choice = match value.as_str() {
                "mine" => Choice::Local,
                "theirs" => Choice::Server,
                "both" => Choice::Both,
                _ => return None,
            };
            Some((name.strip_prefix(CHOICE)?.to_owned(), choice))
        };
        self.fields.iter().filter_map(choice).collect()
    }

    fn persona(&self, base: Option<&Value>) -> Option<Value> {
        if let Some(sent) = self.fields.get("persona") {
            let text = text::restore_line_ends(base.and_then(Value::as_str), sent);
            return (!text.is_empty() || base.is_some()).then_some(Value::String(text));
        }
        let mut members = base.and_then(Value::as_object).cloned().unwrap_or_default();
        let texts = CHANNELS.map(|name| self.fields.get(name));
        if texts.iter().all(|text| text.is_none()) {
            return base.cloned();
        }
        for (channel, sent) in Field::PERSONA.channels().iter().zip(texts) {
            let Some(sent) = sent else { continue };
            set_channel(&mut members, channel, sent);
        }
        Some(Value::Object(members))
    }
}

/// Returns the texts of a persona, one for each text area.
pub(crate) fn persona_texts(persona: Option<&Value>) -> Vec<(&'static str, String)> {
    match persona {
        Some(Value::Object(members)) => {
            let text_of = |channel: &str| match members.get(channel) {
                None => Some(String::new()),
                Some(member) => member.as_str().map(str::to_owned),
            };
            let texts = Field::PERSONA.channels().iter().zip(CHANNELS);
            texts.filter_map(|(channel, name)| Some((name, text_of(channel)?))).collect()
        }
        Some(Value::String(text)) => vec![("persona", text.clone())],
        _ => vec![("persona", String::new())],
    }
}

/// Returns true where a field's value stands in one line.
pub(crate) fn is_line(field: Field, value: Option<&Value>) -> bool {
    field.is_short() && value.is_none_or(|value| value.is_string() || value.is_null())
}

/// Returns the value of a field other than the persona; nothing where it is cleared. What should be JSON and is not stays the text that it
/// is, to be shown again.
fn value_of(field: Field, base: Option<&Value>, sent: &str) -> Option<Value> {
    if is_line(field, base) {
        return line(base.and_then(Value::as_str), sent).map(Value::String);
    }
    let shown = text_of(field, base);
    let text = text::restore_line_ends(Some(&shown), sent);
    if text == shown {
        return base.cloned();
    }
    if text.trim().is_empty() {
        return None;
    }
    if field.is_text() {
        return Some(Value::String(text));
    }
    Some(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

impl Fields for Sent {
    // In a form, a line end is six bytes, and any other byte at most three.
    const LIMIT: usize = 6 * keepstep_platform::definition::PERSONA_LIMIT + 256 * 1024;

    // Where others changed the agent meanwhile, there are what was before, what they wrote and both together, each on the page, too.
    const COST: usize = 12;

    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        let labels = [
            ("Persona", "persona"),
            ("Persona, base", "persona_base"),
            ("Persona, voice", "persona_voice"),
            ("Persona, text", "persona_text"),
        ];
        let others = Field::ALL.into_iter().filter(|field| !field.has_versions() && !field.is_short());
        let others = others.map(|field| (field.title(), field.key()));
        let text =
            |name: &str| Some(text::restore_line_ends(None, self.fields.get(name)?)).filter(|text| !text.trim().is_empty());
        labels.into_iter().chain(others).filter_map(|(label, name)| Some(Typed { label, text: text(name)? })).collect()
    }
}

/// Returns the text of a field of one line, or `None` for an empty one. An old text that such a field cannot hold stays
/// if nobody touched it.
fn line(old: Option<&str>, sent: &str) -> Option<String> {
    let through_a_field = |text: &str| text.replace(['\r', '\n'], "").replace('\0', "\u{fffd}").trim().to_owned();
    let sent = through_a_field(sent);
    match old {
        Some(old) if through_a_field(old) == sent => Some(old.to_owned()),
        _ => (!sent.is_empty()).then_some(sent),
    }
}

/// A channel that is not there and stays empty is not there afterwards either; one that is emptied goes away.
fn set_channel(members: &mut Map<String, Value>, channel: &str, sent: &str) {
    match members.get(channel) {
        None if sent.is_empty() => {}
        Some(old) if !old.is_string() => {}
        old => {
            let old = old.and_then(Value::as_str);
            let text = text::restore_line_ends(old, sent);
            if text.is_empty() && old.is_some_and(|old| !old.is_empty()) {
                members.shift_remove(channel);
            } else {
                members.insert(channel.to_owned(), Value::String(text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(fields: Value) -> Sent {
        let mut all = json!({"csrf": "", "base": "1", "action": "draft"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn persona(value: Value) -> Definition {
        Definition::from_iter([(Field::PERSONA, value)])
    }

    fn typed(fields: Value, base: &Definition) -> Definition {
        sent(fields).edit(base).typed
    }

    #[test]
    fn an_object_persona_keeps_its_members() {
        let base = persona(json!({"voice": "v", "base": "b\r\nc", "extra": 1, "text": ""}));
        assert_eq!(typed(json!({"persona_base": "b\r\nc", "persona_voice": "v", "persona_text": ""}), &base), base);
        let typed = typed(json!({"persona_base": "x\r\ny", "persona_voice": "", "persona_text": "t"}), &base);
        assert_eq!(typed.persona(), Some(&json!({"base": "x\r\ny", "extra": 1, "text": "t"})));
    }

    #[test]
    fn a_channel_that_is_not_there_is_not_made_by_leaving_it_empty() {
        let base = persona(json!({"base": "b"}));
        assert_eq!(typed(json!({"persona_base": "b", "persona_voice": "", "persona_text": ""}), &base), base);
    }

    #[test]
    fn nothing_typed_is_no_persona_only_where_there_was_none() {
        assert_eq!(typed(json!({"persona": ""}), &Definition::default()).persona(), None);
        assert_eq!(typed(json!({"persona": ""}), &persona(json!("a"))).persona(), Some(&json!("")));
    }

    #[test]
    fn a_value_that_nobody_touched_stays_as_it_is() {
        let settings = Field::named("modelSettings");
        let base = Definition::from_iter([(Field::MODEL, json!({"id": "m"})), (settings, json!({"b": 1, "a": [2]}))]);
        let shown = |field: Field| text_of(field, base.get(field));
        assert_eq!(typed(json!({"model": shown(Field::MODEL), "modelSettings": shown(settings)}), &base), base);
        assert_eq!(typed(json!({"modelSettings": " "}), &base).get(settings), None);
        assert_eq!(typed(json!({"modelSettings": "{\"b\": 2}"}), &base).get(settings), Some(&json!({"b": 2})));
        // What is no JSON comes back as it was typed.
        assert_eq!(typed(json!({"modelSettings": "{b"}), &base).get(settings), Some(&json!("{b")));
        assert_eq!(typed(json!({"model": " "}), &Definition::from_iter([(Field::MODEL, json!("m"))])).get(Field::MODEL), None);
    }

    #[test]
    fn a_choice_names_its_place() {
        let choices = sent(json!({"choice-a-1": "mine", "choice-b-1": "both", "choice-c-1": "x", "name": "mine"})).choices();
        assert_eq!(choices, HashMap::from([("a-1".to_owned(), Choice::Local), ("b-1".to_owned(), Choice::Both)]));
    }
}
