//! What an input is found by.

use serde_json::{Map, Value};

use crate::rows;

/// Stands before and behind each mark. Texts have a blank in its place.
const EDGE: char = '\u{1f}';

/// Returns the words of an input in small letters: its id, what is said, its metadata; and its marks.
pub(super) fn of(input: &Map<String, Value>) -> String {
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut words = text("id").to_owned();
    for message in input.get("messages").and_then(Value::as_array).into_iter().flatten() {
        words.push('\n');
        words.push_str(message.get("content").and_then(Value::as_str).unwrap_or_default());
    }
    if let Some(metadata) = input.get("metadata").filter(|metadata| metadata.as_object().is_some_and(|values| !values.is_empty()))
    {
        words.push('\n');
        words.push_str(&rows::text(metadata));
    }
    let mut words = folded(&words);
    for tag in tags(input) {
        words.push_str(&mark('#', tag));
    }
    words.push_str(&mark('@', text("persona_id")));
    words
}

/// Returns the tags of an input.
pub(super) fn tags(input: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let tags = input.get("metadata").and_then(|metadata| metadata.get("tags")).and_then(Value::as_array);
    tags.into_iter().flatten().filter_map(Value::as_str)
}

/// Returns the pattern that finds a text.
pub(super) fn pattern(text: &str) -> String {
    format!("%{}%", escaped(&folded(text)))
}

/// Returns the pattern that finds a tag.
pub(super) fn pattern_of_tag(tag: &str) -> String {
    format!("%{}%", escaped(&mark('#', tag)))
}

/// Returns the pattern that finds the inputs of a persona.
pub(super) fn pattern_of_persona(id: &str) -> String {
    format!("%{}%", escaped(&mark('@', id)))
}

/// Returns the pattern that finds a value in an input as it is stored, in small letters.
pub(super) fn pattern_of_stored(value: &str) -> String {
    format!("%{}%", escaped(&rows::text(value).to_ascii_lowercase()))
}

/// Returns the pattern that finds a text anywhere in an input as it is stored, in small letters.
pub(super) fn pattern_in_stored(text: &str) -> String {
    let quoted = rows::text(text).to_ascii_lowercase();
    format!("%{}%", escaped(&quoted[1..quoted.len() - 1]))
}

fn mark(kind: char, text: &str) -> String {
    format!("{EDGE}{kind}{}{EDGE}", folded(text))
}

/// A character that ends a text for one of the databases is no reason not to find the rest.
fn folded(text: &str) -> String {
    text.to_lowercase().replace(['\0', EDGE], " ")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
