//! YAML that people and programs write into a workspace.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _};

use serde::de::DeserializeSeed as _;
use serde_json::Value;
use serde_saphyr::Options;

use crate::entries::{Entries, is_json};

/// The most values that references of YAML may repeat: nobody writes inputs with more, but a bomb does.
const MOST_REPEATED: usize = 100_000;

/// Returns the value of a YAML text.
///
/// # Errors
/// Why it cannot be read, with the place: also a key that is there twice, and references that repeat too much.
pub fn parse(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str_with_options(text, options(text.len())).map_err(|error| error.to_string())
}

/// Gives each entry of the list in a YAML or JSON file to a function: of the list that the file is, or that it has in a member.
/// Returns whether there is such a list. Neither the file nor the list is in memory as a whole.
///
/// # Errors
/// Why it cannot be read, as [`parse`] says it; entries that come before the place were given.
pub fn each_entry(file: File, member: &'static str, mut take: impl FnMut(Value)) -> Result<bool, String> {
    let said = |error: std::io::Error| error.to_string();
    let length = file.metadata().map_err(said)?.len();
    let mut file = BufReader::with_capacity(1 << 16, file);
    if file.fill_buf().map_err(said)?.trim_ascii_start().first().is_some_and(|first| matches!(first, b'{' | b'[')) {
        let is_json = is_json(&mut file);
        file.rewind().map_err(said)?;
        if is_json {
            let mut deserializer = serde_json::Deserializer::from_reader(file);
            return Entries::of(member, &mut take).deserialize(&mut deserializer).map_err(|error| error.to_string());
        }
    }
    let options = options(usize::try_from(length).unwrap_or(usize::MAX));
    let read = |deserializer: serde_saphyr::Deserializer<'_, '_>| Entries::of(member, &mut take).deserialize(deserializer);
    serde_saphyr::with_deserializer_from_reader_with_options(file, options, read).map_err(|error| error.to_string())
}

/// Returns how a text of this length is read.
fn options(length: usize) -> Options {
    let mut options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    // A list may be long: every value takes at least a byte, so only repetition can grow beyond the file.
    if let Some(budget) = options.budget.as_mut() {
        budget.max_nodes = budget.max_nodes.max(length);
        budget.max_events = budget.max_events.max(length.saturating_mul(3));
        budget.max_total_scalar_bytes = budget.max_total_scalar_bytes.max(length.saturating_mul(2));
        budget.max_reader_input_bytes = None;
    }
    options.alias_limits.max_total_replayed_events = MOST_REPEATED;
    options
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    fn entries(text: &str) -> Result<(bool, Vec<Value>), String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        let mut entries = Vec::new();
        let is_list = each_entry(file, "inputs", |entry| entries.push(entry))?;
        Ok((is_list, entries))
    }

    #[test]
    fn entries_come_one_by_one_and_are_those_of_the_whole_file() {
        let some = vec![json!({"input": "a", "n": [1, null]}), json!("é")];
        for text in [
            "- {input: a, n: [1, ~]}\n- é\n",
            "\u{feff}version: 1\ninputs:\n- input: a\n  n: [1, null]\n- é\nmore: {inputs: [x]}\n",
            " [{\"input\": \"a\", \"n\": [1, null]}, \"é\"]",
            "{\"inputs\": [{\"input\": \"a\", \"n\": [1, null]}, \"é\"], \"more\": 2}",
            "[{input: a, n: [1, null]}, é]",
        ] {
            assert_eq!(entries(text), Ok((true, some.clone())), "{text}");
        }
        for text in ["", "# nothing\n", "null", "inputs:\n", "inputs: []"] {
            assert_eq!(entries(text), Ok((true, Vec::new())), "{text}");
        }
        for text in ["a", "1", "true", "more: [a]\n", "inputs: none\n", "inputs: {inputs: [a]}\n"] {
            assert_eq!(entries(text), Ok((false, Vec::new())), "{text}");
        }
        for (text, said) in [("a:\n\t- x\n", "line 2"), ("inputs: [a]\ninputs: [b]\n", "line 2"), ("- a: 1\n  a: 2\n", "line 2")]
        {
            let message = entries(text).unwrap_err();
            assert!(message.contains(said), "{text}: {message}");
        }
    }

    #[test]
    fn a_list_may_be_long_and_a_bomb_is_refused() {
        let long = format!("inputs: [{}]\n", "x, ".repeat(300_000));
        assert_eq!(parse(&long).unwrap()["inputs"].as_array().map(Vec::len), Some(300_000));
        assert_eq!(entries(&long).unwrap().1.len(), 300_000);
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let last = format!("*a{}, ", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{}]\n", last.trim_end_matches(", "));
        }
        assert!(parse(&bomb).is_err());
        bomb += "inputs: [*a11]\n";
        assert!(entries(&bomb).is_err());
    }
}
