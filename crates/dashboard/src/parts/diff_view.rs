//! A diff of two texts as the rows of a table.

use keepstep_agent::diff::{self, Row, Tag};
use keepstep_platform::Platform;

use crate::error_page::PageError;
use crate::parts::visible::Visible;

/// A row of the table.
#[derive(Debug)]
pub(crate) enum DiffRow {
    /// A line of one text or of both.
    Line(DiffLine),
    /// This many unchanged lines are left out.
    Folded(usize),
    /// So many more lines are only in the old text, and so many only in the new one.
    Omitted(usize, usize),
}

/// A line with its numbers.
#[derive(Debug)]
pub(crate) struct DiffLine {
    /// Its number in the old text.
    pub(crate) old: Option<usize>,
    /// Its number in the new text.
    pub(crate) new: Option<usize>,
    /// The class of the row: `removed`, `added` or `unchanged`.
    pub(crate) class: &'static str,
    /// The sign in front of it.
    pub(crate) sign: &'static str,
    /// Its parts.
    pub(crate) parts: Vec<DiffPart>,
}

/// A part of a line.
#[derive(Debug)]
pub(crate) struct DiffPart {
    /// What it says.
    pub(crate) text: Visible,
    /// True for words that differ from the line that this one replaces.
    pub(crate) changed: bool,
}

/// Returns the rows that show how `old` becomes `new`; none for equal texts.
///
/// The work is done on a thread of its own: the largest personas take long enough to keep other requests waiting.
pub(crate) async fn rows(platform: &Platform, old: String, new: String) -> Result<Vec<DiffRow>, PageError> {
    Ok(platform.budgets.work(move || numbered(diff::rows(&old, &new))).await?)
}

fn numbered(rows: Vec<Row>) -> Vec<DiffRow> {
    let (mut old, mut new) = (0, 0);
    let mut number = |row: Row| match row {
        Row::Folded { lines } => {
            old += lines;
            new += lines;
            DiffRow::Folded(lines)
        }
        Row::Omitted { removed, added } => {
            old += removed;
            new += added;
            DiffRow::Omitted(removed, added)
        }
        Row::Line { tag, segments } => {
            let (class, sign) = match tag {
                Tag::Removed => ("removed", "−"),
                Tag::Added => ("added", "+"),
                Tag::Unchanged => ("unchanged", ""),
            };
            let next = |line: &mut usize, is_there: bool| {
                *line += usize::from(is_there);
                is_there.then_some(*line)
            };
            let parts = segments.into_iter();
            DiffRow::Line(DiffLine {
                old: next(&mut old, tag != Tag::Added),
                new: next(&mut new, tag != Tag::Removed),
                class,
                sign,
                parts: parts.map(|part| DiffPart { text: Visible::of(part.text), changed: part.changed }).collect(),
            })
        }
    };
    rows.into_iter().map(&mut number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_across_a_fold() {
        let old: String = (1..=20).map(|line| format!("{line}\n")).collect();
        let rows = numbered(diff::rows(&old, &old.replace("20\n", "twenty\n")));
        let last = rows.iter().rev().take(2).map(|row| match row {
            DiffRow::Line(line) => (line.sign, line.old, line.new),
            DiffRow::Folded(_) | DiffRow::Omitted(..) => ("…", None, None),
        });
        assert_eq!(last.collect::<Vec<_>>(), [("+", None, Some(20)), ("−", Some(20), None)]);
    }
}
