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

use bumpalo::Bump;
use keepstep_base::role::Role;
use serde_json::Value;

use super::json::Json;

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
    let arena = Bump::new();
    let found = input_text_in(&Json::of(input, &arena), &arena)?;
    Some(InputText { text: found.text.to_owned(), left_out: found.left_out })
}

/// Returns the text alone.
pub fn text(input: &Value) -> Option<String> {
    input_text(input).map(|found| found.text)
}

/// The same for an input that lies in an arena.
pub(super) fn input_text_in<'a>(input: &Json<'a>, arena: &'a Bump) -> Option<InputText<&'a str>> {
    let text_of = |value: &Json<'a>| text_of(value, arena);
    let none = |text| InputText { text, left_out: 0 };
    if !matches!(input, Json::Members(_)) {
        return text_of(input).map(none);
    }
    let messages = match input.get("messages") {
        Some(Json::List(messages)) => *messages,
        Some(message) => std::slice::from_ref(message),
        None => &[],
    };
    let texts = || messages.iter().filter_map(text_of);
    if let Some(text) = input.get("input").and_then(text_of) {
        return Some(InputText { text, left_out: texts().count() });
    }
    let of_user = || messages.iter().filter(|message| is_of_user(message)).find_map(text_of);
    match of_user().or_else(|| texts().next()) {
        Some(text) => Some(InputText { text, left_out: texts().count() - 1 }),
        None => ["text", "content"].iter().find_map(|name| text_of(input.get(name)?)).map(none),
    }
}

fn is_of_user(message: &Json<'_>) -> bool {
    let role = message.get("role").filter(|role| !role.is_null()).or_else(|| message.get("type"));
    role.and_then(Json::as_str).is_some_and(|role| Role::from(role).is_user())
}

/// Returns the text of a message, of a part of one, or of several parts.
fn text_of<'a>(value: &Json<'a>, arena: &'a Bump) -> Option<&'a str> {
    let text = match *value {
        Json::Text(text) => text,
        Json::Number(ref number) => arena.alloc_str(&number.to_string()),
        Json::Bool(is_true) => arena.alloc_str(&is_true.to_string()),
        Json::List(parts) => {
            let parts: Vec<&str> = parts.iter().filter_map(|part| text_of(part, arena)).collect();
            arena.alloc_str(&parts.join("\n"))
        }
        Json::Members(_) => return MEMBERS.iter().find_map(|key| text_of(value.get(key)?, arena)),
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
