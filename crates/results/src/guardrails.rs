//! What to warn about in an answer. A warning never changes a status.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is warned about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrails {
    /// Words that no answer should have, in this spelling.
    pub forbidden_words: Vec<String>,
    /// The longest answer in characters.
    pub max_response_length: usize,
}

impl Default for Guardrails {
    fn default() -> Self {
        // The peer's own: both say "sorry".
        Self { forbidden_words: vec!["죄송".to_owned(), "sorry".to_owned()], max_response_length: 2000 }
    }
}

/// Something to look at in an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Warning {
    /// One of ours, or as ours.
    Known(Found),
    /// What others note.
    Other(Value),
}

/// What was found in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// `empty_response`, `forbidden_words` or `too_long`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is, for people.
    pub message: String,
}

impl Warning {
    /// Returns what it says, for people: its message, or all of it as JSON where it has none.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Known(found) => Cow::from(&found.message),
            Self::Other(Value::String(text)) => Cow::from(text),
            Self::Other(value) => match value.get("message").and_then(Value::as_str) {
                Some(message) => Cow::from(message),
                None => Cow::from(serde_json::to_string_pretty(value).unwrap_or_default()),
            },
        }
    }
}

impl Guardrails {
    /// Returns what is to be said about an answer.
    pub fn check(&self, answer: &str) -> Vec<Warning> {
        let warning = |kind: &str, message: String| Warning::Known(Found { kind: kind.to_owned(), message });
        let mut warnings = Vec::new();
        if answer.trim().is_empty() {
            warnings.push(warning("empty_response", "the answer is empty".to_owned()));
        }
        if let Some(word) = self.forbidden_words.iter().find(|word| !word.is_empty() && answer.contains(*word)) {
            warnings.push(warning("forbidden_words", format!("the answer has '{word}' in it")));
        }
        if answer.chars().nth(self.max_response_length).is_some() {
            warnings.push(warning("too_long", format!("the answer is longer than {} characters", self.max_response_length)));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_warns_once() {
        let guardrails = Guardrails { max_response_length: 10, ..Guardrails::default() };
        let kinds = |answer: &str| {
            guardrails
                .check(answer)
                .into_iter()
                .map(|warning| serde_json::to_value(warning).unwrap()["type"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds("fine"), [""; 0]);
        assert_eq!(kinds(" \n"), ["empty_response"]);
        assert_eq!(kinds("sorry, sorry"), ["forbidden_words", "too_long"]);
        assert_eq!(kinds("Sorry"), [""; 0]);
        assert_eq!(kinds("ééééééééééé"), ["too_long"]);
    }
}
