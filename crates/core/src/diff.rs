//! How two texts differ, as lines with marks on the words, for every place that shows it.

use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};

use crate::canonical::canonical_line_ends;

/// A run of unchanged lines that is longer than this is folded…
const LONGEST_RUN: usize = 6;
/// …to this many lines at each of its ends.
const KEPT_AT_EACH_END: usize = 3;

/// Which side a line stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// Only in the old text. In `sync` that is the server.
    Removed,
    /// Only in the new text. In `sync` that is the code.
    Added,
    /// In both.
    Unchanged,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The text, without the line's end.
    pub text: String,
    /// True for the words that make a replaced line differ from the line that it replaces.
    pub changed: bool,
}

/// A line of a diff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Row {
    /// A line of one text or of both.
    Line {
        /// Where it stands.
        tag: Tag,
        /// Its parts, in order.
        segments: Vec<Segment>,
    },
    /// This many unchanged lines are left out here.
    Folded {
        /// How many.
        lines: usize,
    },
}

/// Returns the rows that show how `old` becomes `new`: nothing for equal texts.
///
/// The ends of lines do not count: CRLF and CR are LF, and a last line is the same with and without one.
pub fn rows(old: &str, new: &str) -> Vec<Row> {
    rows_with(old, new, fold)
}

/// Returns the same with every unchanged line.
pub fn all_rows(old: &str, new: &str) -> Vec<Row> {
    rows_with(old, new, |rows, run| rows.append(run))
}

fn rows_with(old: &str, new: &str, fold: impl Fn(&mut Vec<Row>, &mut Vec<Row>)) -> Vec<Row> {
    let (old, new) = (terminated(old), terminated(new));
    if old == new {
        return Vec::new();
    }
    let diff = TextDiff::from_lines(old.as_str(), new.as_str());
    let mut rows = Vec::new();
    let mut unchanged = Vec::new();
    for operation in diff.ops() {
        for change in diff.iter_inline_changes(operation) {
            let segments = segments_of(&change);
            let tag = match change.tag() {
                ChangeTag::Delete => Tag::Removed,
                ChangeTag::Insert => Tag::Added,
                ChangeTag::Equal => Tag::Unchanged,
            };
            let row = Row::Line { tag, segments };
            if tag == Tag::Unchanged {
                unchanged.push(row);
            } else {
                fold(&mut rows, &mut unchanged);
                rows.push(row);
            }
        }
    }
    fold(&mut rows, &mut unchanged);
    rows
}

/// Returns the parts of a line. One that changed as a whole has no marks: they would say nothing.
fn segments_of(change: &similar::InlineChange<'_, str>) -> Vec<Segment> {
    let parts = change.iter_strings_lossy();
    let parts = parts.map(|(changed, text)| Segment { text: text.trim_end_matches('\n').to_owned(), changed });
    let mut segments: Vec<Segment> = parts.filter(|segment| !segment.text.is_empty()).collect();
    if segments.iter().all(|segment| segment.changed) {
        segments.iter_mut().for_each(|segment| segment.changed = false);
    }
    segments
}

/// Moves a run of unchanged lines to the rows, a long one without its middle.
fn fold(rows: &mut Vec<Row>, run: &mut Vec<Row>) {
    if run.len() > LONGEST_RUN {
        let tail = run.split_off(run.len() - KEPT_AT_EACH_END);
        let lines = run.len() - KEPT_AT_EACH_END;
        run.truncate(KEPT_AT_EACH_END);
        rows.append(run);
        rows.push(Row::Folded { lines });
        rows.extend(tail);
    } else {
        rows.append(run);
    }
}

/// Returns a text whose lines all end with LF, so that a missing last line end is no difference.
pub(crate) fn terminated(text: &str) -> String {
    let mut text = canonical_line_ends(text);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(rows: &[Row]) -> Vec<String> {
        let line = |row: &Row| match row {
            Row::Folded { lines } => format!("... {lines}"),
            Row::Line { tag, segments } => {
                let mark = match tag {
                    Tag::Removed => '-',
                    Tag::Added => '+',
                    Tag::Unchanged => ' ',
                };
                let text: String = segments
                    .iter()
                    .map(|part| if part.changed { format!("<{}>", part.text) } else { part.text.clone() })
                    .collect();
                format!("{mark}{text}")
            }
        };
        rows.iter().map(line).collect()
    }

    #[test]
    fn words_that_changed_are_marked() {
        let rows = rows("You are a friendly helper.\nBye\n", "You are a formal helper.\nBye");
        assert_eq!(plain(&rows), ["-You are a <friendly> helper.", "+You are a <formal> helper.", " Bye"]);
    }

    #[test]
    fn line_ends_alone_make_no_rows() {
        assert!(rows("a\r\nb", "a\nb\n").is_empty());
        assert!(rows("", "").is_empty());
    }

    #[test]
    fn a_run_of_seven_is_folded_and_a_run_of_six_is_not() {
        let text = |count: usize, last: &str| (1..=count).map(|n| format!("{n}\n")).collect::<String>() + last;
        assert_eq!(plain(&rows(&text(7, "a"), &text(7, "b"))), [" 1", " 2", " 3", "... 1", " 5", " 6", " 7", "-a", "+b"]);
        assert_eq!(plain(&rows(&text(6, "a"), &text(6, "b"))).len(), 8);
    }

    #[test]
    fn all_rows_fold_nothing() {
        let text = |last: &str| (1..=9).map(|n| format!("{n}\n")).collect::<String>() + last;
        assert_eq!(plain(&all_rows(&text("a"), &text("b"))).len(), 11);
    }

    proptest! {
        #[test]
        fn both_texts_are_in_the_rows(old in "([ab ]{0,3}\n){0,8}", new in "([ab ]{0,3}\n){0,8}") {
            let mut lines = [Vec::new(), Vec::new()];
            let mut folded = 0;
            for row in rows(&old, &new) {
                match row {
                    Row::Folded { lines } => folded += lines,
                    Row::Line { tag, segments } => {
                        let text: String = segments.into_iter().map(|part| part.text).collect();
                        if tag != Tag::Added { lines[0].push(text.clone()) }
                        if tag != Tag::Removed { lines[1].push(text) }
                    }
                }
            }
            if old != new && folded == 0 {
                prop_assert_eq!(&lines[0], &old.lines().map(str::to_owned).collect::<Vec<_>>());
                prop_assert_eq!(&lines[1], &new.lines().map(str::to_owned).collect::<Vec<_>>());
            }
        }
    }
}
