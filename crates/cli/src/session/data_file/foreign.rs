//! Files of other tools, recognized so that a message can name them.

use keepstep_workspace::yaml;
use serde_json::Value;

/// Returns what a file is that is no text; `None` for a text.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<&'static str> {
    const SIGNS: [(&[u8], &str); 6] = [
        (b"PK\x03\x04", "a spreadsheet or a ZIP file"),
        (b"PAR1", "a Parquet file"),
        (b"\x1f\x8b", "packed with gzip"),
        (b"%PDF", "a PDF file"),
        (b"\xff\xfe", "a text in UTF-16"),
        (b"\xfe\xff", "a text in UTF-16"),
    ];
    SIGNS.iter().find(|(sign, _)| bytes.starts_with(sign)).map(|(_, name)| *name)
}

/// Returns what a text is that was made for another tool; `None` where it is not known.
pub(super) fn of_text(text: &str) -> Option<&'static str> {
    let value = serde_json::from_str(text).or_else(|_| yaml::parse(text)).ok()?;
    let has = |key: &str| value.get(key).is_some();
    let is_our_own = has("scenario") && has("inputs");
    match &value {
        Value::Object(_) if is_our_own => None,
        Value::Object(_) if has("tests") && (has("prompts") || has("providers") || has("description")) => {
            Some("a promptfoo configuration")
        }
        Value::Object(_) if has("prompts") && has("providers") => Some("a promptfoo configuration"),
        Value::Object(_) if has("results") && has("config") => Some("a promptfoo result"),
        Value::Object(_) if has("eval_set_id") || has("eval_cases") => Some("an evaluation set of another agent framework"),
        Value::Object(_) if has("openapi") => Some("an OpenAPI description"),
        _ => None,
    }
}
