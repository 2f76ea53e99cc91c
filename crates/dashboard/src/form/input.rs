//! What the form of an input says: from the fields that a browser sent to the input that a person meant.

use keepstep_store::test_data::{InputValues, Message};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error_page::Typed;
use crate::form::posted::Fields;
use crate::form::problem::Problem;
use crate::form::text::restore_line_ends;

/// The fields as a browser sent them. A conversation has several messages, so `role` and `content` come several times.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Vec<(String, String)>")]
pub(crate) struct InputForm {
    /// The token.
    pub(crate) csrf: String,
    /// What the form was made from; empty for a new input.
    pub(crate) seen: String,
    /// The list that the form stands in, as its query.
    pub(crate) back: String,
    /// True where another message is wanted, and nothing is to be saved.
    pub(crate) wants_more: bool,
    /// What is said, by whom.
    pub(crate) messages: Vec<(String, String)>,
    /// The persona's id.
    pub(crate) persona: String,
    /// Between commas.
    pub(crate) tags: String,
    /// The rest of the metadata as JSON; empty for none.
    pub(crate) metadata: String,
}

impl From<Vec<(String, String)>> for InputForm {
    fn from(fields: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "csrf" => form.csrf = value,
                "seen" => form.seen = value,
                "back" => form.back = value,
                "action" => form.wants_more = value == "more",
                "persona" => form.persona = value,
                "tags" => form.tags = value,
                "metadata" => form.metadata = value,
                "role" => form.messages.push((value, String::new())),
                // The role of a message stands before it.
                "content" => {
                    if let Some(last) = form.messages.last_mut() {
                        last.1 = value;
                    }
                }
                _ => {}
            }
        }
        form
    }
}

impl Fields for InputForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    /// A message of 1 MiB, each of its characters written as three.
    const LIMIT: usize = 4 * 1024 * 1024;

    fn typed(&self) -> Vec<Typed> {
        let messages = self.messages.iter().map(|(_, content)| ("Message", content));
        let all = messages.chain([("Tags", &self.tags), ("Metadata", &self.metadata)]);
        all.filter(|(_, text)| !text.is_empty()).map(|(label, text)| Typed { label, text: text.clone() }).collect()
    }
}

impl InputForm {
    /// Returns the form of an input.
    pub(crate) fn of(values: &InputValues, seen: String, back: String) -> Self {
        let mut metadata = values.metadata.clone();
        let tags = tags_of(&mut metadata);
        Self {
            csrf: String::new(),
            seen,
            back,
            wants_more: false,
            messages: values.messages.iter().map(|message| (message.role.clone(), message.content.clone())).collect(),
            persona: values.persona.clone().unwrap_or_default(),
            tags,
            metadata: if metadata.is_empty() { String::new() } else { pretty(&metadata) },
        }
    }

    /// Returns what the person meant, who had `old` before them. A message that was emptied is none.
    ///
    /// # Errors
    /// The metadata is no JSON object.
    pub(crate) fn values(&self, old: &InputValues) -> Result<InputValues, Problem> {
        let old_text = |at: usize| old.messages.get(at).map(|message| message.content.as_str());
        let messages = self.messages.iter().enumerate().filter(|(_, (_, content))| !content.trim().is_empty());
        let messages = messages.map(|(at, (role, content))| Message {
            role: role.trim().to_owned(),
            content: restore_line_ends(old_text(at), content),
        });
        let mut old_metadata = old.metadata.clone();
        let old_tags = tags_of(&mut old_metadata);
        let mut metadata: Map<String, Value> = match self.metadata.trim() {
            "" => Map::new(),
            text => serde_json::from_str(text).map_err(|error| Problem::at("metadata", format!("Not a JSON object: {error}")))?,
        };
        // What nobody touched stays as it was, with the order of its members.
        if metadata == old_metadata && self.tags.trim() == old_tags {
            metadata = old.metadata.clone();
        } else {
            let tags = self.tags.split(',').map(str::trim).filter(|tag| !tag.is_empty());
            let mut unique: Vec<&str> = Vec::new();
            tags.for_each(|tag| {
                if !unique.contains(&tag) {
                    unique.push(tag)
                }
            });
            if !unique.is_empty() && metadata.contains_key("tags") {
                return Err(Problem::at("metadata", "It has `tags`, and so has the field: leave one of them."));
            }
            if !unique.is_empty() {
                metadata.insert("tags".to_owned(), unique.into());
            }
        }
        let persona = Some(self.persona.clone()).filter(|id| !id.is_empty());
        Ok(InputValues { messages: messages.collect(), persona, metadata })
    }
}

/// Takes the tags out of metadata, as the form has them. What is no list of texts without commas stays where it is.
fn tags_of(metadata: &mut Map<String, Value>) -> String {
    let texts: Option<Vec<&str>> = metadata.get("tags").and_then(Value::as_array).and_then(|tags| {
        let is_plain = |tag: &&str| !tag.contains(',') && tag.trim() == *tag && !tag.is_empty();
        tags.iter().map(|tag| tag.as_str().filter(is_plain)).collect()
    });
    let Some(tags) = texts.map(|tags| tags.join(", ")) else { return String::new() };
    metadata.shift_remove("tags");
    tags
}

fn pretty(metadata: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(metadata).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values(tags: Value, text: &str) -> InputValues {
        let metadata = json!({"n": 1.0, "tags": tags, "list": [1, {"a": null}]});
        let message = |role: &str| Message { role: role.to_owned(), content: text.to_owned() };
        InputValues {
            messages: vec![message("user"), message("assistant")],
            persona: None,
            metadata: metadata.as_object().unwrap().clone(),
        }
    }

    #[test]
    fn a_form_is_read_in_the_order_of_its_fields() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let form = InputForm::from(vec![
            field("role", "user"),
            field("content", "One"),
            field("role", "assistant"),
            field("content", " "),
            field("role", "user"),
            field("content", "Three"),
            field("tags", " late, late,, VIP "),
        ]);
        let said = form.values(&InputValues::default()).unwrap();
        let texts: Vec<&str> = said.messages.iter().map(|message| message.content.as_str()).collect();
        assert_eq!(texts, ["One", "Three"]);
        assert_eq!(json!(said.metadata), json!({"tags": ["late", "VIP"]}));
        let twice = InputForm { metadata: json!({"tags": ["theirs"]}).to_string(), ..form.clone() };
        assert!(twice.values(&InputValues::default()).unwrap_err().of("metadata").is_some());
        assert!(InputForm { metadata: "[1]".to_owned(), ..form }.values(&InputValues::default()).is_err());
    }

    proptest! {
        #[test]
        fn an_input_that_nobody_touched_is_the_same(text in "([a-c]|\r\n|\r|\n){1,12}[a-z]", tags in prop::collection::vec("[a-c, ]{0,3}", 0..4)) {
            for tags in [json!(tags), json!("late"), json!([1])] {
                let values = values(tags, &text);
                let mut form = InputForm::of(&values, String::new(), String::new());
                for field in form.messages.iter_mut().map(|message| &mut message.1).chain([&mut form.metadata]) {
                    *field = field.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
                }
                let meant = form.values(&values).unwrap();
                prop_assert_eq!(json!(meant.metadata).to_string(), json!(values.metadata).to_string());
                prop_assert_eq!(meant, values);
            }
        }
    }
}
