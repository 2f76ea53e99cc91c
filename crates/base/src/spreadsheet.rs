//! Texts in tables that somebody opens with a spreadsheet.

use std::borrow::Cow;

/// Returns a text as a cell that no spreadsheet takes for a formula: what would begin one gets an apostrophe before it, as spreadsheets
/// mark a text themselves.
pub fn cell(text: &str) -> Cow<'_, str> {
    // Some skip white space and what is not printed before they look.
    let begins = text.trim_start_matches(|first: char| first.is_whitespace() || first.is_control());
    let is_formula = begins.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    if is_formula || text.starts_with(['\t', '\r', '\n']) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\u{ff1d}1", "\r", "\0=1"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
        for text in ["", "a=b", "1-1", "'=1", "ä@b"] {
            assert_eq!(cell(text), text);
        }
    }
}
