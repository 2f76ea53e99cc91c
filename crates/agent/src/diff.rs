//! How two texts differ, as lines with marks on the words, for every place that shows it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};

use crate::canonical::canonical_line_ends;

/// A run of unchanged lines that is longer than this is folded…
const LONGEST_RUN: usize = 6;
/// …to this many lines at each of its ends.
const KEPT_AT_EACH_END: usize = 3;

/// How many lines are compared with each other, counted between the first and the last difference. The work grows with the
/// square of it, and whoever sends a text chooses it: beyond this, what stands between is shown as replaced.
pub(crate) const MOST_COMPARED: usize = 20_000;
/// The most steps that [`most_steps`] tells of two texts.
pub const MOST_STEPS: usize = MOST_COMPARED * MOST_COMPARED;
/// How many lines of each text are shown where that is so.
const SHOWN_OF_EACH: usize = 2_000;
/// After this time the comparison of lines ends with what it has: still right, but not the shortest.
const PATIENCE: Duration = Duration::from_secs(1);
/// The words of replaced lines are compared where these have together at most so many bytes…
const MOST_WORDS_AT_ONCE: usize = 16 * 1024;
/// …and at most so many in one diff.
const MOST_WORDS: usize = 512 * 1024;

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
    /// More lines differ here than can be shown.
    Omitted {
        /// How many more lines are only in the old text.
        removed: usize,
        /// How many more lines are only in the new text.
        added: usize,
    },
}

/// Returns the rows that show how `old` becomes `new`: nothing for equal texts.
///
/// The ends of lines do not count: CRLF and CR are LF, and a last line is the same with and without one. What it takes is bounded,
/// whatever the texts are; for very long ones the answer is coarse ([`Row::Omitted`]).
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
    if lines_between(&old, &new) > MOST_COMPARED {
        return coarse_rows(&old, &new);
    }
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old.as_str(), new.as_str());
    let mut rows = Vec::new();
    let mut unchanged = Vec::new();
    let mut words_left = MOST_WORDS;
    let mut add = |tag: ChangeTag, segments: Vec<Segment>| {
        let tag = match tag {
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
    };
    for operation in diff.ops() {
        let replaced: usize = match operation {
            similar::DiffOp::Replace { .. } => diff.iter_changes(operation).map(|change| change.value().len()).sum(),
            _ => 0,
        };
        if replaced > MOST_WORDS_AT_ONCE.min(words_left) {
            for change in diff.iter_changes(operation) {
                add(change.tag(), whole(change.value()));
            }
        } else {
            words_left -= replaced;
            for change in diff.iter_inline_changes(operation) {
                add(change.tag(), segments_of(&change));
            }
        }
    }
    fold(&mut rows, &mut unchanged);
    rows
}

/// Returns how many steps it may take at most to compare the lines of two texts; none where they are not compared, because they are too many.
///
/// Whoever compares many texts can so bound what all of them take together.
pub fn most_steps(old: &str, new: &str) -> usize {
    match lines_between(&terminated(old), &terminated(new)) {
        lines if lines > MOST_COMPARED => 0,
        lines => lines * lines,
    }
}

/// Returns how many lines of both texts stand between those that are the same at the beginning and at the end.
pub(crate) fn lines_between(old: &str, new: &str) -> usize {
    let (prefix, suffix) = common_ends(old, new);
    let count = |text: &str| text.lines().count().saturating_sub(prefix + suffix);
    count(old) + count(new)
}

/// Returns how many lines are the same at the beginning of two texts, and at the end.
fn common_ends(old: &str, new: &str) -> (usize, usize) {
    let prefix = old.lines().zip(new.lines()).take_while(|(old, new)| old == new).count();
    let suffix = old.lines().rev().zip(new.lines().rev()).take_while(|(old, new)| old == new).count();
    let shorter = old.lines().count().min(new.lines().count());
    (prefix, suffix.min(shorter - prefix))
}

/// Returns the rows of texts that are too long to be compared line by line: what they have in common at both ends, and between them
/// the first lines of each.
fn coarse_rows(old: &str, new: &str) -> Vec<Row> {
    let (prefix, suffix) = common_ends(old, new);
    let unchanged = |lines: &mut dyn Iterator<Item = &str>| -> Vec<Row> {
        lines.map(|line| Row::Line { tag: Tag::Unchanged, segments: whole(line) }).collect()
    };
    let mut rows = Vec::new();
    let folded = prefix.saturating_sub(KEPT_AT_EACH_END);
    if folded > 0 {
        rows.push(Row::Folded { lines: folded });
    }
    rows.append(&mut unchanged(&mut old.lines().skip(folded).take(prefix - folded)));
    let mut omitted = [0, 0];
    for ((text, tag), omitted) in [(old, Tag::Removed), (new, Tag::Added)].into_iter().zip(&mut omitted) {
        let between = text.lines().count() - prefix - suffix;
        let shown = between.min(SHOWN_OF_EACH);
        rows.extend(text.lines().skip(prefix).take(shown).map(|line| Row::Line { tag, segments: whole(line) }));
        *omitted = between - shown;
    }
    let [removed, added] = omitted;
    rows.push(Row::Omitted { removed, added });
    let kept = suffix.min(KEPT_AT_EACH_END);
    rows.append(&mut unchanged(&mut old.lines().skip(old.lines().count() - suffix).take(kept)));
    if suffix > kept {
        rows.push(Row::Folded { lines: suffix - kept });
    }
    rows
}

/// Returns a line as one part without a mark.
fn whole(line: &str) -> Vec<Segment> {
    let text = line.trim_end_matches('\n');
    if text.is_empty() { Vec::new() } else { vec![Segment { text: text.to_owned(), changed: false }] }
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
            Row::Omitted { removed, added } => format!("... -{removed} +{added}"),
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

    /// Line by line, these take more than half a minute.
    #[test]
    fn texts_of_very_many_lines_are_compared_coarsely() {
        let text = |seed: usize| (0..260_000).map(|line| format!("{}\n", (line * seed) % 9)).collect::<String>();
        let (old, new) = (format!("first\n{}last\n", text(7)), format!("first\n{}last\n", text(5)));
        let shown = plain(&rows(&old, &new));
        // The first line and the last, the number 0 at the beginning of both, and 2,000 of each between.
        assert_eq!(shown.len(), 4004, "{:?}", &shown[..5]);
        assert_eq!((shown[0].as_str(), shown[1].as_str()), (" first", " 0"));
        assert_eq!((shown[4002].as_str(), shown[4003].as_str()), ("... -257999 +257999", " last"));
    }

    #[test]
    fn long_equal_ends_of_long_texts_are_folded() {
        let ends = "same\n".repeat(10);
        let text = |word: &str| format!("{ends}{}{ends}", format!("{word}\n").repeat(30_000));
        let shown = plain(&rows(&text("old"), &text("new")));
        assert_eq!(shown[..5], ["... 7", " same", " same", " same", "-old"]);
        assert_eq!(shown[shown.len() - 5..], ["... -28000 +28000", " same", " same", " same", "... 7"]);
    }

    #[test]
    fn steps_are_those_between_the_first_and_the_last_difference() {
        assert_eq!(most_steps("same\none\ntwo\nsame\r\n", "same\nthree\nsame"), 9);
        assert_eq!(most_steps("a", "a\n"), 0);
        let text = |word: &str, lines: usize| format!("{word}\n").repeat(lines);
        assert_eq!(most_steps(&text("a", 10_000), &text("b", 10_000)), MOST_STEPS);
        assert_eq!(most_steps(&text("a", 10_001), &text("b", 10_000)), 0);
    }

    #[test]
    fn words_of_very_long_lines_are_not_compared() {
        let (old, new) = ("a ".repeat(20_000), "b ".repeat(20_000));
        assert_eq!(plain(&rows(&old, &new)), [format!("-{old}"), format!("+{new}")]);
    }

    proptest! {
        #[test]
        fn both_texts_are_in_the_rows(old in "([ab ]{0,3}\n){0,8}", new in "([ab ]{0,3}\n){0,8}") {
            let mut lines = [Vec::new(), Vec::new()];
            let mut folded = 0;
            for row in rows(&old, &new) {
                match row {
                    Row::Folded { lines } => folded += lines,
                    Row::Omitted { .. } => prop_assert!(false, "nothing is left out of short texts"),
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
