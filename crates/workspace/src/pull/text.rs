//! Reading the files that people edit.

use keepstep_testdata::input_list::{ENTRIES, InputList};
use serde_json::Value;

use crate::yaml::layout::comments;
use crate::yaml::{parse_data as yaml, parse_inputs};

/// Reads a list of inputs.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn inputs(text: &str) -> Result<InputList, String> {
    InputList::from_value(parse_inputs(text, ENTRIES)?).map_err(|error| error.to_string())
}

/// Returns true if two texts of a file say the same, and nothing but a program's taste tells them apart. A comment is
/// somebody's words, so a text with one is not the same.
pub(super) fn is_equivalent(path: &str, local: &str, other: &str) -> bool {
    if path.ends_with(".json") {
        let read = |text| serde_json::from_str::<Value>(text).ok();
        return read(local).is_some_and(|local| read(other) == Some(local));
    }
    !has_comments(local) && yaml(local).is_ok_and(|local| yaml(other) == Ok(local))
}

/// Returns true if the text has a comment, or may have one since it cannot be read.
fn has_comments(text: &str) -> bool {
    // Most texts have nothing that looks like one.
    let may_have = text.lines().any(|line| line.trim_start().starts_with('#') || line.contains(" #") || line.contains("\t#"));
    may_have && comments(text).is_none_or(|comments| !comments.is_empty())
}
