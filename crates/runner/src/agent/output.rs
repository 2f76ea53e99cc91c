//! Text inside of what a target sends.

use serde_json::Value;

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
    use super::*;

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
