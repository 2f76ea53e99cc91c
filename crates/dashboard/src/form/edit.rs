//! What an edit form says: from the fields that a browser sent to the values that a person meant, and what to do with
//! values that were written on top of an older revision. Nothing here knows of requests or stores.

use keepstep_agent::merge::{Merged, Sides, merge};
use keepstep_agent::{Definition, Field};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error_page::Typed;
use crate::form::posted::Fields;
use crate::form::text;

/// The button that was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// Store the persona as a draft.
    Draft,
    /// Publish the persona and save the other fields.
    Publish,
    /// Put the typed lines and those of the platform together, and save nothing.
    Merge,
}

/// The fields as a browser sent them.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Sent {
    #[serde(default)]
    csrf: String,
    /// The revision that the form was made from.
    pub(crate) base: u64,
    /// The persona version that the text started from.
    pub(crate) from: Option<u32>,
    /// The button.
    pub(crate) action: Action,
    name: Option<String>,
    model: Option<String>,
    persona: Option<String>,
    persona_base: Option<String>,
    persona_voice: Option<String>,
    persona_text: Option<String>,
    /// Why.
    #[serde(default)]
    pub(crate) message: String,
}

/// What can be edited about an agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Values {
    /// The name.
    pub(crate) name: Option<String>,
    /// The model.
    pub(crate) model: Option<Value>,
    /// The persona.
    pub(crate) persona: Option<Value>,
}

impl Values {
    /// Returns the values of a definition, with another persona in the place of the published one.
    pub(crate) fn of(definition: &Definition, persona: Option<Value>) -> Self {
        Self { name: definition.name().map(str::to_owned), model: definition.get(Field::MODEL).cloned(), persona }
    }

    /// Returns the values that somebody typed here for the form of somebody who now has `current` before them: a field
    /// that they left alone is the current one, all others are theirs.
    pub(crate) fn on_top_of(self, base: &Self, current: &Self) -> Self {
        fn newer<T: Clone + PartialEq>(typed: T, base: &T, current: &T) -> T {
            if typed == *base { current.clone() } else { typed }
        }
        Self {
            name: newer(self.name, &base.name, &current.name),
            model: newer(self.model, &base.model, &current.model),
            persona: newer(self.persona, &base.persona, &current.persona),
        }
    }

    /// Returns the fields besides the persona that are to change, as the store names them; null clears one.
    pub(crate) fn changed_fields(&self, current: &Self) -> Map<String, Value> {
        let name = (self.name != current.name).then(|| self.name.clone().map_or(Value::Null, Value::String));
        let model = (self.model != current.model).then(|| self.model.clone().unwrap_or_default());
        let changed = [(Field::NAME, name), (Field::MODEL, model)];
        changed.into_iter().filter_map(|(field, value)| Some((field.sent_as().to_owned(), value?))).collect()
    }

    /// Returns the persona that has both the lines typed here and those of `current`, or `None` where they overlap.
    pub(crate) fn merged_persona(&self, base: &Self, current: &Self) -> Option<Value> {
        let sides = Sides { base: base.persona.as_ref(), local: self.persona.as_ref(), server: current.persona.as_ref() };
        match merge(Field::PERSONA, sides) {
            Merged::Clean(merged) => merged,
            Merged::Marked { .. } | Merged::Impossible => None,
        }
    }

    /// Returns the persona's texts, one for each text area.
    pub(crate) fn persona_texts(&self) -> Vec<(&'static str, String)> {
        match &self.persona {
            Some(Value::Object(members)) => {
                let texts = Field::PERSONA.channels().iter().zip(["persona_base", "persona_voice", "persona_text"]);
                let text_of = |channel: &str| match members.get(channel) {
                    None => Some(String::new()),
                    Some(member) => member.as_str().map(str::to_owned),
                };
                texts.filter_map(|(channel, name)| Some((name, text_of(channel)?))).collect()
            }
            Some(Value::String(text)) => vec![("persona", text.clone())],
            _ => vec![("persona", String::new())],
        }
    }
}

impl Sent {
    /// Returns what the person meant, who had `base` before them.
    pub(crate) fn values(&self, base: &Values) -> Values {
        let name = match &self.name {
            Some(sent) => line(base.name.as_deref(), sent),
            None => base.name.clone(),
        };
        // A field that the page did not offer keeps its value.
        let model = match (&base.model, &self.model) {
            (None | Some(Value::Null), Some(sent)) => line(None, sent).map(Value::String),
            (Some(Value::String(old)), Some(sent)) => line(Some(old), sent).map(Value::String),
            (old, _) => old.clone(),
        };
        Values { name, model, persona: self.persona(base.persona.as_ref()) }
    }

    fn persona(&self, base: Option<&Value>) -> Option<Value> {
        if let Some(sent) = &self.persona {
            let text = text::restore_line_ends(base.and_then(Value::as_str), sent);
            return (!text.is_empty() || base.is_some()).then_some(Value::String(text));
        }
        let mut members = base.and_then(Value::as_object).cloned().unwrap_or_default();
        let texts = [&self.persona_base, &self.persona_voice, &self.persona_text];
        if texts.iter().all(|text| text.is_none()) {
            return base.cloned();
        }
        for (channel, sent) in Field::PERSONA.channels().iter().zip(texts) {
            let Some(sent) = sent else { continue };
            set_channel(&mut members, channel, sent);
        }
        Some(Value::Object(members))
    }

    /// Returns the message, or `None` for an empty one.
    pub(crate) fn message(&self) -> Option<String> {
        let message = self.message.trim();
        (!message.is_empty()).then(|| message.to_owned())
    }
}

impl Fields for Sent {
    // In a form, a line end is six bytes, and any other byte at most three.
    const LIMIT: usize = 6 * keepstep_platform::definition::PERSONA_LIMIT + 256 * 1024;

    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        let texts = [
            ("Persona", &self.persona),
            ("Persona, base", &self.persona_base),
            ("Persona, voice", &self.persona_voice),
            ("Persona, text", &self.persona_text),
        ];
        let text = |sent: &Option<String>| Some(text::restore_line_ends(None, sent.as_deref()?)).filter(|text| !text.is_empty());
        texts.into_iter().filter_map(|(label, sent)| Some(Typed { label, text: text(sent)? })).collect()
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
        let mut all = json!({"csrf": "", "base": 1, "action": "draft"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn persona(value: Value) -> Values {
        Values { persona: Some(value), ..Values::default() }
    }

    #[test]
    fn an_object_persona_keeps_its_members() {
        let base = persona(json!({"voice": "v", "base": "b\r\nc", "extra": 1, "text": ""}));
        let form = sent(json!({"persona_base": "b\r\nc", "persona_voice": "v", "persona_text": ""}));
        assert_eq!(form.values(&base), base);
        let form = sent(json!({"persona_base": "x\r\ny", "persona_voice": "", "persona_text": "t"}));
        assert_eq!(form.values(&base).persona, Some(json!({"base": "x\r\ny", "extra": 1, "text": "t"})));
    }

    #[test]
    fn a_channel_that_is_not_there_is_not_made_by_leaving_it_empty() {
        let base = persona(json!({"base": "b"}));
        let form = sent(json!({"persona_base": "b", "persona_voice": "", "persona_text": ""}));
        assert_eq!(form.values(&base), base);
    }

    #[test]
    fn nothing_typed_is_no_persona_only_where_there_was_none() {
        let form = sent(json!({"persona": ""}));
        assert_eq!(form.values(&Values::default()).persona, None);
        assert_eq!(form.values(&persona(json!("a"))).persona, Some(json!("")));
    }

    #[test]
    fn a_model_that_is_no_text_stays() {
        let base = Values { model: Some(json!({"id": "m"})), ..Values::default() };
        assert_eq!(sent(json!({"model": "x"})).values(&base).model, base.model);
        assert_eq!(sent(json!({"model": " "})).values(&Values { model: Some(json!("m")), ..base }).model, None);
    }

    #[test]
    fn only_what_was_typed_stands_on_top_of_a_newer_revision() {
        let values = |name: &str, model: &str, text: &str| Values {
            name: Some(name.into()),
            model: Some(json!(model)),
            persona: Some(json!(text)),
        };
        let (base, typed) = (values("n", "m", "p"), values("n", "mine", "mine"));
        let current = values("theirs", "theirs", "theirs");
        assert_eq!(typed.on_top_of(&base, &current), values("theirs", "mine", "mine"));
    }

    #[test]
    fn lines_that_overlap_are_not_merged_for_anybody() {
        let (base, mine) = (persona(json!("a\nb\nc")), persona(json!("A\nb\nc")));
        assert_eq!(mine.merged_persona(&base, &persona(json!("a\nb\nC"))), Some(json!("A\nb\nC")));
        assert_eq!(mine.merged_persona(&base, &persona(json!("x\nb\nc"))), None);
    }
}
