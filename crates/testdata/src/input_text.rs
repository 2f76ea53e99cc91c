//! What an input says to the agent: one answer for import, pull, run, pages and the database.
//!
//! An input is an item of the platform, an entry of a list that people edit, or a bare text. What it says is the first of these
//! that has a text:
//!
//! 1. the input itself, where it is a text;
//! 2. its `input`;
//! 3. the first of its `messages` that is of a user;
//! 4. the first of its `messages`;
//! 5. its `text`, its `content`.
//!
//! A number or a switch is a text too: that is what a person means who writes one without quotes. The parts of a message are joined
//! by line feeds, and blank texts are none. A target is told one text, so all other messages are [left out](InputText::left_out).

use std::borrow::Cow;

use keepstep_base::role::Role;
use serde_json::{Number, Value};
use serde_json_borrow::Value as Json;

/// The members in which a message, or a part of one, has its text.
const MEMBERS: [&str; 3] = ["content", "text", "input"];

/// What an input says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputText<T> {
    /// The text.
    pub text: T,
    /// How many messages there are besides, which a target that takes one text is not told.
    pub left_out: usize,
}

/// Returns what an input says; `None` for one that says nothing.
pub fn input_text(input: &Value) -> Option<InputText<String>> {
    let input = Json::from(input);
    let found = text_in(&input)?;
    Some(InputText { text: found.text.into_owned(), left_out: found.left_out })
}

/// Returns the text alone.
pub fn text(input: &Value) -> Option<String> {
    input_text(input).map(|found| found.text)
}

/// The same as [`input_text`] for an input that is not copied.
pub(super) fn text_in<'a>(input: &'a Json<'a>) -> Option<InputText<Cow<'a, str>>> {
    let none = |text| InputText { text, left_out: 0 };
    let Json::Object(members) = input else { return text_of(input).map(none) };
    let messages = match members.get("messages") {
        Some(Json::Array(messages)) => messages,
        Some(message) => std::slice::from_ref(message),
        None => &[],
    };
    let texts = || messages.iter().filter_map(text_of);
    if let Some(text) = members.get("input").and_then(text_of) {
        return Some(InputText { text, left_out: texts().count() });
    }
    let of_user = || messages.iter().filter(|message| is_of_user(message)).find_map(text_of);
    match of_user().or_else(|| texts().next()) {
        Some(text) => Some(InputText { text, left_out: texts().count() - 1 }),
        None => ["text", "content"].iter().find_map(|name| text_of(members.get(name)?)).map(none),
    }
}

fn is_of_user(message: &Json<'_>) -> bool {
    let Some(members) = message.as_object() else { return false };
    let role = members.get("role").filter(|role| !role.is_null()).or_else(|| members.get("type"));
    role.and_then(Json::as_str).is_some_and(|role| Role::from(role).is_user())
}

/// Returns the text of a message, of a part of one, or of several parts.
fn text_of<'a>(value: &'a Json<'a>) -> Option<Cow<'a, str>> {
    let text = match value {
        Json::Str(text) => Cow::Borrowed(&**text),
        Json::Number(number) => Number::from(*number).to_string().into(),
        Json::Bool(is_true) => is_true.to_string().into(),
        Json::Array(parts) => parts.iter().filter_map(text_of).collect::<Vec<_>>().join("\n").into(),
        Json::Object(members) => return MEMBERS.iter().find_map(|key| text_of(members.get(key)?)),
        Json::Null => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn f31_every_form_of_a_text_is_found() {
        let user =
            |content: Value| json!({"messages": [{"role": "assistant", "content": "a"}, {"role": "user", "content": content}]});
        for (input, text, left_out) in [
            (user(json!("b")), Some("b"), 1),
            (user(json!(["b", {"type": "text", "text": "c"}, {"type": "image"}])), Some("b\nc"), 1),
            (user(json!(7)), Some("7"), 1),
            (user(json!(" ")), Some("a"), 0),
            (json!({"messages": [{"type": "human", "content": "b"}]}), Some("b"), 0),
            (json!({"messages": [{"role": null, "type": "human", "content": "b"}]}), Some("b"), 0),
            (json!({"messages": [{"role": "system", "content": "s"}]}), Some("s"), 0),
            (
                json!({"messages": [{"role": "user", "content": "b"}, {"role": "user", "content": "c"}, {"role": "tool"}]}),
                Some("b"),
                1,
            ),
            (json!({"messages": {"content": "b"}}), Some("b"), 0),
            (json!({"messages": "b"}), Some("b"), 0),
            (json!({"text": "b"}), Some("b"), 0),
            (json!({"text": "b", "content": "c"}), Some("b"), 0),
            (json!({"messages": [], "content": "b"}), Some("b"), 0),
            (json!({"input": "b", "text": "c"}), Some("b"), 0),
            (json!({"input": 8989}), Some("8989"), 0),
            (json!({"input": "", "messages": [{"role": "user", "content": "c"}]}), Some("c"), 0),
            (json!({"input": "b", "messages": [{"role": "user", "content": "c"}]}), Some("b"), 1),
            (json!("b"), Some("b"), 0),
            (json!(true), Some("true"), 0),
            (json!({"messages": [{"role": "user", "content": " "}]}), None, 0),
            (json!({"metadata": {"input": "b"}}), None, 0),
            (json!(null), None, 0),
        ] {
            let found = input_text(&input);
            assert_eq!(found.as_ref().map(|found| found.text.as_str()), text, "{input}");
            assert_eq!(found.map_or(0, |found| found.left_out), left_out, "{input}");
        }
    }
}
