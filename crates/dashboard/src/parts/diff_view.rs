//! A diff of two texts as the rows of a table.

use std::collections::VecDeque;

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

/// A row of two texts side by side.
#[derive(Debug)]
pub(crate) enum SplitRow {
    /// A line of each, or of one of them.
    Pair(Option<DiffLine>, Option<DiffLine>),
    /// This many unchanged lines are left out.
    Folded(usize),
    /// So many more lines are only in the old text, and so many only in the new one.
    Omitted(usize, usize),
}

/// A line with its numbers.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
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

/// Returns the same with every unchanged line.
pub(crate) async fn all_rows(platform: &Platform, old: String, new: String) -> Result<Vec<DiffRow>, PageError> {
    Ok(platform.budgets.work(move || numbered(diff::all_rows(&old, &new))).await?)
}

/// Returns rows side by side: what is removed beside what is added in its place.
pub(crate) fn side_by_side(rows: Vec<DiffRow>) -> Vec<SplitRow> {
    let mut split = Vec::new();
    let (mut removed, mut added) = (VecDeque::new(), VecDeque::new());
    let flush = |split: &mut Vec<SplitRow>, removed: &mut VecDeque<DiffLine>, added: &mut VecDeque<DiffLine>| {
        while !removed.is_empty() || !added.is_empty() {
            split.push(SplitRow::Pair(removed.pop_front(), added.pop_front()));
        }
    };
    for row in rows {
        match row {
            DiffRow::Line(line) if line.new.is_none() => {
                if !added.is_empty() {
                    flush(&mut split, &mut removed, &mut added);
                }
                removed.push_back(line);
            }
            DiffRow::Line(line) if line.old.is_none() => added.push_back(line),
            other => {
                flush(&mut split, &mut removed, &mut added);
                split.push(match other {
                    DiffRow::Line(line) => SplitRow::Pair(Some(line.clone()), Some(line)),
                    DiffRow::Folded(lines) => SplitRow::Folded(lines),
                    DiffRow::Omitted(removed, added) => SplitRow::Omitted(removed, added),
                });
            }
        }
    }
    flush(&mut split, &mut removed, &mut added);
    split
}

/// Returns rows as they are shown, with the numbers of their lines.
pub(crate) fn numbered(rows: Vec<Row>) -> Vec<DiffRow> {
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
    fn what_is_removed_stands_beside_what_is_added_in_its_place() {
        let rows = side_by_side(numbered(diff::rows("a\nb\nc\nd\n", "a\nB\nd\ne\n")));
        let number = |line: Option<DiffLine>| line.map(|line| (line.old, line.new));
        let pairs = rows.into_iter().map(|row| match row {
            SplitRow::Pair(old, new) => (number(old), number(new)),
            SplitRow::Folded(_) | SplitRow::Omitted(..) => (None, None),
        });
        let both = |old, new| Some((Some(old), Some(new)));
        let expected = [
            (both(1, 1), both(1, 1)),
            (Some((Some(2), None)), Some((None, Some(2)))),
            (Some((Some(3), None)), None),
            (both(4, 3), both(4, 3)),
            (None, Some((None, Some(4)))),
        ];
        assert_eq!(pairs.collect::<Vec<_>>(), expected);
    }

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
