//! How test data differs from what was published before: input by input, and the scenario, its personas and its criteria as texts.

use keepstep_platform::Platform;
use keepstep_store::test_data::{BundleContent, TestPersona};
use serde_json::{Map, Value};

use crate::error_page::PageError;
use crate::parts::diff_view::{DiffRow, rows};
use crate::parts::visible::Visible;

/// How many inputs are shown with their differences.
pub(crate) const MOST: u32 = 100;

/// An input that is new, changed or gone.
pub(crate) struct ChangedInput {
    /// Its id.
    pub(crate) id: Visible,
    /// What happened to it, and the class of the badge that says so.
    pub(crate) badge: (&'static str, &'static str),
    /// How its text differs.
    pub(crate) rows: Vec<DiffRow>,
}

/// Another part of the test data that differs.
pub(crate) struct ChangedPart {
    /// What it is.
    pub(crate) title: &'static str,
    /// How its text differs.
    pub(crate) rows: Vec<DiffRow>,
}

/// An input before and after.
pub(crate) struct Sides<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// What it was; nothing where it is new.
    pub(crate) before: Option<&'a Map<String, Value>>,
    /// What it is; nothing where it is gone.
    pub(crate) after: Option<&'a Map<String, Value>>,
}

/// Returns an input, ready to show.
pub(crate) async fn changed_input(
    platform: &Platform,
    sides: Sides<'_>,
    personas: &[TestPersona],
) -> Result<ChangedInput, PageError> {
    let text = |side: Option<&Map<String, Value>>| side.map(|input| text_of(input, personas)).unwrap_or_default();
    Ok(ChangedInput {
        id: Visible::of(sides.id),
        badge: match (sides.before, sides.after) {
            (None, _) => ("new", "good"),
            (_, None) => ("deleted", "bad"),
            _ => ("changed", "draft"),
        },
        rows: rows(platform, text(sides.before), text(sides.after)).await?,
    })
}

/// Returns the other parts that differ. Without a version before, all of them are new.
pub(crate) async fn changed_parts(
    platform: &Platform,
    before: Option<&BundleContent>,
    after: &BundleContent,
) -> Result<Vec<ChangedPart>, PageError> {
    let texts = |content: &BundleContent| [&content.scenario, &content.personas, &content.criteria].map(|text| outline_of(text));
    let (old, new) = (before.map(texts).unwrap_or_default(), texts(after));
    let titles = ["Scenario", "Personas", "Criteria"];
    let mut changed = Vec::new();
    for (title, (old, new)) in titles.into_iter().zip(old.into_iter().zip(new)) {
        let rows = rows(platform, old, new).await?;
        if !rows.is_empty() {
            changed.push(ChangedPart { title, rows });
        }
    }
    Ok(changed)
}

/// Returns an input as a text, a line for each thing that it says.
pub(crate) fn text_of(input: &Map<String, Value>, personas: &[TestPersona]) -> String {
    let mut text = String::new();
    for message in input.get("messages").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
        text += &format!("{}: {}\n", part("role"), part("content"));
    }
    if let Some(id) = input.get("persona_id").and_then(Value::as_str) {
        let name = personas.iter().find(|persona| persona.id == id).map_or(id, |persona| persona.name.as_str());
        text += &format!("persona: {name}\n");
    }
    let rest = input.iter().filter(|(name, _)| !matches!(name.as_str(), "id" | "messages" | "persona_id"));
    for (name, value) in rest.filter(|(_, value)| value.as_object().is_none_or(|members| !members.is_empty())) {
        text += &outline(&Value::Object(Map::from_iter([(name.clone(), value.clone())])));
    }
    text
}

fn outline_of(json: &str) -> String {
    outline(&serde_json::from_str(json).unwrap_or_default())
}

/// Returns an object as an outline.
pub(crate) fn outline_of_object(members: &Map<String, Value>) -> String {
    let mut text = String::new();
    for (name, value) in members {
        text += &outline(&Value::Object(Map::from_iter([(name.clone(), value.clone())])));
    }
    text
}

/// Returns a value as an outline: a line for each text, number or truth, indented below what it belongs to.
pub(crate) fn outline(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text
}

fn write(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    let mut member = |label: &str, value: &Value| match value {
        Value::Object(members) if !members.is_empty() => {
            *text += &format!("{indent}{label}\n");
            write(text, value, depth + 1);
        }
        Value::Array(values) if !values.is_empty() => {
            *text += &format!("{indent}{label}\n");
            write(text, value, depth + 1);
        }
        Value::String(said) => *text += &format!("{indent}{label} {}\n", said.replace('\n', &format!("\n{indent}  "))),
        other => *text += &format!("{indent}{label} {other}\n"),
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| member(&format!("{name}:"), value)),
        Value::Array(values) => values.iter().for_each(|value| member("-", value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_an_outline() {
        let value = json!([{"name": "Polite", "items": ["Be kind", "Say\nthanks"], "weight": 1.0, "none": {}}]);
        assert_eq!(
            outline(&value),
            "-\n  name: Polite\n  items:\n    - Be kind\n    - Say\n      thanks\n  weight: 1.0\n  none: {}\n"
        );
    }
}
