//! Texts in tables that somebody opens with a spreadsheet.

use std::borrow::Cow;

/// Returns a text as a cell that no spreadsheet takes for a formula: what would begin one gets an apostrophe before it, as spreadsheets
/// mark a text themselves. So does a text that has such a mark of its own, so that [`text_of_cell`] gives each of them back.
pub fn cell(text: &str) -> Cow<'_, str> {
    if is_obeyed(text.trim_start_matches('\'')) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Returns the text that a cell stands for: without the apostrophe before what would be a formula.
pub fn text_of_cell(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| is_obeyed(text.trim_start_matches('\''))).unwrap_or(cell)
}

/// Returns true for what some spreadsheet takes for a formula, or leaves out before it.
fn is_obeyed(text: &str) -> bool {
    // Some skip white space and what is not printed before they look.
    let begins = text.trim_start_matches(|first: char| first.is_whitespace() || first.is_control());
    let is_formula = begins.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    is_formula || text.starts_with(['\t', '\r', '\n'])
}

/// Returns a row of CSV (RFC 4180) with its line end, of which no cell begins a formula.
pub fn row<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Texts into memory: nothing can fail.
    let written = writer.write_record(cells.into_iter().map(|text| cell(text.as_ref()).into_owned()));
    let bytes = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_row_has_its_quotes_and_its_line_end() {
        assert_eq!(row(["a", "=1", "b, \"c\"", "d\ne", ""]), "a,'=1,\"b, \"\"c\"\"\",\"d\ne\",\r\n");
    }

    #[test]
    fn no_cell_begins_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\u{ff1d}1", "\r", "\0=1"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
        for text in ["", "a=b", "1-1", "'a", "ä@b"] {
            assert_eq!(cell(text), text);
        }
        assert_eq!(cell("'=1"), "''=1");
        assert_eq!((text_of_cell("'=1"), text_of_cell("'a")), ("=1", "'a"));
    }

    proptest! {
        #[test]
        fn a_cell_gives_its_text_back(text in "['=+@ \ta-]{0,6}") {
            let cell = cell(&text);
            prop_assert_eq!(text_of_cell(&cell), text.as_str());
        }
    }
}
