//! Text inside of what a target sends.

use serde_json::Value;

/// Returns what is at a path such as `choices[0].delta.content`.
pub(super) fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = value;
    for part in path.split(['.', '[']).map(|part| part.trim_end_matches(']')).filter(|part| !part.is_empty()) {
        value = match value {
            Value::Object(members) => members.get(part)?,
            Value::Array(items) => {
                let index: isize = part.parse().ok()?;
                let from_end = items.len().checked_add_signed(index);
                items.get(usize::try_from(index).ok().or(from_end)?)?
            }
            _ => return None,
        };
    }
    Some(value)
}

/// Returns the text of a value: a text as it is, everything else as JSON.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Cuts a text after a number of characters.
pub(super) fn limit(text: &mut String, characters: Option<usize>) {
    if let Some(characters) = characters
        && let Some((end, _)) = text.char_indices().nth(characters)
    {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_have_dots_and_brackets() {
        let value = json!({"choices": [{"delta": {"content": "a"}}, "last"], "x": null});
        assert_eq!(at_path(&value, "choices[0].delta.content"), Some(&json!("a")));
        assert_eq!(at_path(&value, "choices[-1]"), Some(&json!("last")));
        assert_eq!(at_path(&value, "choices[7]"), None);
        assert_eq!(at_path(&value, "choices[-7]"), None);
        assert_eq!(at_path(&value, "x.y"), None);
        assert_eq!(at_path(&value, ""), Some(&value));
    }

    #[test]
    fn a_limit_counts_characters() {
        let mut text = "aéb".to_owned();
        limit(&mut text, Some(2));
        assert_eq!(text, "aé");
        limit(&mut text, Some(2));
        limit(&mut text, None);
        assert_eq!(text, "aé");
    }
}
