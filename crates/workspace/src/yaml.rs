//! YAML that people and programs write into a workspace.

use serde_json::Value;

/// The most values that references of YAML may repeat: nobody writes inputs with more, but a bomb does.
const MOST_REPEATED: usize = 100_000;

/// Returns the value of a YAML text.
///
/// # Errors
/// Why it cannot be read, with the place: also a key that is there twice, and references that repeat too much.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    // A list may be long: every value takes at least a byte, so only repetition can grow beyond the file.
    if let Some(budget) = options.budget.as_mut() {
        budget.max_nodes = budget.max_nodes.max(text.len());
        budget.max_events = budget.max_events.max(text.len().saturating_mul(3));
    }
    options.alias_limits.max_total_replayed_events = MOST_REPEATED;
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_be_long_and_a_bomb_is_refused() {
        let long = format!("inputs: [{}]\n", "x, ".repeat(300_000));
        assert_eq!(parse(&long).unwrap()["inputs"].as_array().map(Vec::len), Some(300_000));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let last = format!("*a{}, ", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{}]\n", last.trim_end_matches(", "));
        }
        assert!(parse(&bomb).is_err());
    }
}
