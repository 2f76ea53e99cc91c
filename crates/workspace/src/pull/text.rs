//! Reading the files that people edit.

use keepstep_core::test_data::input_list::InputList;
use serde_json::Value;

/// The most values that references of YAML may repeat: nobody writes inputs with more, but a bomb does.
const MOST_REPEATED: usize = 100_000;

/// Reads a YAML file.
///
/// # Errors
/// Why it cannot be read, with the place.
pub(super) fn yaml(text: &str) -> Result<Value, String> {
    let mut options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    // A list may be long: every value takes at least a byte, so only repetition can grow beyond the file.
    if let Some(budget) = options.budget.as_mut() {
        budget.max_nodes = budget.max_nodes.max(text.len());
        budget.max_events = budget.max_events.max(text.len().saturating_mul(3));
    }
    options.alias_limits.max_total_replayed_events = MOST_REPEATED;
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

/// Reads a list of inputs.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn inputs(text: &str) -> Result<InputList, String> {
    InputList::from_value(yaml(text)?).map_err(|error| error.to_string())
}

/// Returns true if two texts of a file say the same, and nothing but a program's taste tells them apart. A comment is
/// somebody's words, so a text with one is not the same.
pub(super) fn says_the_same(path: &str, local: &str, other: &str) -> bool {
    if path.ends_with(".json") {
        let read = |text| serde_json::from_str::<Value>(text).ok();
        return read(local).is_some_and(|local| read(other) == Some(local));
    }
    !may_have_comments(local) && yaml(local).is_ok_and(|local| yaml(other) == Ok(local))
}

/// Returns true unless the text has no comment for certain.
pub(super) fn may_have_comments(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with('#') || line.contains(" #") || line.contains("\t#"))
}
