//! Text of strangers, as it may be repeated.

/// Returns text of a request as it may stand in an answer and a log.
pub fn printable(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}
