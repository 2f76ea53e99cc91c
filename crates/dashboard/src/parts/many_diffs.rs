//! Many diffs on one page: what all of them may take together, and where each is cut.
//!
//! Whoever may edit agents chooses how many there are and what they say, so three things are bounded for a page: the texts that are read, the
//! steps of comparing them, and the characters that are shown. A text that is made to be slow costs the diffs after it, and the page says so.

use keepstep_agent::diff::{self, MOST_STEPS, Row, Segment, Tag};

use crate::parts::diff_view::{self, DiffRow};

/// How large a text may be that is compared here, and how large all of them may be together, in bytes.
const LARGEST: u64 = 256 * 1024;
const MOST_READ: u64 = 2 * 1024 * 1024;

/// How many characters of a diff are shown, and how many of all diffs.
const MOST_OF_ONE: usize = 16 * 1024;
const MOST_SHOWN: usize = 256 * 1024;

/// What is left for the texts of a page.
#[derive(Debug)]
pub(crate) struct ReadingRoom(u64);

impl Default for ReadingRoom {
    fn default() -> Self {
        Self(MOST_READ)
    }
}

impl ReadingRoom {
    /// Returns true if texts that are not there yet may be read, which have so many bytes.
    pub(crate) fn take(&mut self, sizes: &[u64]) -> bool {
        let all = sizes.iter().sum::<u64>();
        let fits = sizes.iter().all(|size| *size <= LARGEST) && all <= self.0;
        if fits {
            self.0 -= all;
        }
        fits
    }
}

/// What is left for the diffs of a page.
#[derive(Debug)]
pub(crate) struct DiffRoom {
    characters: usize,
    steps: usize,
}

impl Default for DiffRoom {
    fn default() -> Self {
        Self { characters: MOST_SHOWN, steps: MOST_STEPS }
    }
}

/// How two texts differ, as far as there is room for it.
#[derive(Debug)]
pub(crate) enum BoundedDiff {
    /// They say the same.
    Same,
    /// The page has no room for comparing them.
    Left,
    /// These rows.
    Rows(Vec<DiffRow>),
    /// These rows; after them so many more lines are only in the old text, and so many only in the new one.
    Cut(Vec<DiffRow>, usize, usize),
}

impl DiffRoom {
    /// Compares two texts.
    pub(crate) fn diff(&mut self, old: &str, new: &str) -> BoundedDiff {
        let steps = diff::most_steps(old, new);
        if steps > self.steps {
            return BoundedDiff::Left;
        }
        self.steps -= steps;
        let rows = diff::rows(old, new);
        if rows.is_empty() {
            return BoundedDiff::Same;
        }
        let longest = MOST_OF_ONE.min(self.characters);
        let (rows, shown, [removed, added]) = cut(rows, longest);
        self.characters -= shown.min(self.characters);
        let rows = diff_view::numbered(rows);
        if removed + added == 0 { BoundedDiff::Rows(rows) } else { BoundedDiff::Cut(rows, removed, added) }
    }
}

/// Returns the first rows, which have so many characters at most, how many they have, and how many lines that differ come after them on
/// each side. Where none does, the unchanged ones are folded.
fn cut(rows: Vec<Row>, longest: usize) -> (Vec<Row>, usize, [usize; 2]) {
    let mut shown = Vec::new();
    let mut left = longest;
    let (mut removed, mut added, mut unchanged) = (0, 0, 0);
    for row in rows {
        match row {
            Row::Line { tag, segments } if left > 0 => shown.push(Row::Line { tag, segments: clipped(segments, &mut left) }),
            Row::Line { tag: Tag::Removed, .. } => removed += 1,
            Row::Line { tag: Tag::Added, .. } => added += 1,
            Row::Line { tag: Tag::Unchanged, .. } => unchanged += 1,
            other if left > 0 => shown.push(other),
            Row::Folded { lines } => unchanged += lines,
            Row::Omitted { removed: old, added: new } => {
                removed += old;
                added += new;
            }
        }
    }
    if removed + added == 0 && unchanged > 0 {
        shown.push(Row::Folded { lines: unchanged });
    }
    (shown, longest - left, [removed, added])
}

/// Returns the beginning of a line, with a mark where it is not all of it. An empty line counts, too.
fn clipped(segments: Vec<Segment>, left: &mut usize) -> Vec<Segment> {
    let mut kept = Vec::new();
    let mut missing = 0;
    for Segment { text, changed } in segments {
        match text.char_indices().nth(*left) {
            None => {
                *left -= text.chars().count();
                kept.push(Segment { text, changed });
            }
            Some((end, _)) => {
                missing += text[end..].chars().count();
                *left = 0;
                if end > 0 {
                    kept.push(Segment { text: text[..end].to_owned(), changed });
                }
            }
        }
    }
    if missing > 0 {
        kept.push(Segment { text: format!("… and {missing} more characters"), changed: false });
    }
    *left = left.saturating_sub(1);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rows: &[DiffRow]) -> Vec<String> {
        let line = |row: &DiffRow| match row {
            DiffRow::Line(line) => {
                format!("{}{}", line.sign, line.parts.iter().map(|part| part.text.plain()).collect::<String>())
            }
            DiffRow::Folded(lines) => format!("… {lines}"),
            DiffRow::Omitted(removed, added) => format!("… −{removed} +{added}"),
        };
        rows.iter().map(line).collect()
    }

    #[test]
    fn a_long_diff_is_cut_and_says_how_much_is_missing() {
        let text = |word: &str| format!("{word} {}\n", "x".repeat(99)).repeat(400);
        let BoundedDiff::Cut(rows, removed, added) = DiffRoom::default().diff(&text("old"), &text("new")) else { panic!() };
        // A line has 104 characters with its end.
        let shown = MOST_OF_ONE.div_ceil(104);
        assert_eq!((rows.len(), removed, added), (shown, 400 - shown, 400));
        let last = lines(&rows).pop().unwrap();
        assert!(last.starts_with("−old x") && last.ends_with("more characters"), "{last}");
        let BoundedDiff::Rows(rows) = DiffRoom::default().diff("a\nb\n", "a\nc\n") else { panic!() };
        assert_eq!(lines(&rows), ["a", "−b", "+c"]);
        assert!(matches!(DiffRoom::default().diff("a\r\n", "a"), BoundedDiff::Same));
    }

    #[test]
    fn unchanged_lines_after_the_end_are_folded() {
        let rows = diff::rows("a\nb\nc\nd\n", "A\nb\nc\nd\n");
        let (rows, shown, missing) = cut(rows, 4);
        assert_eq!(
            (lines(&diff_view::numbered(rows)), shown, missing),
            (vec!["−a".to_owned(), "+A".to_owned(), "… 3".to_owned()], 4, [0, 0])
        );
        let (rows, _, missing) = cut(diff::rows("a\nb\n", "A\nB\n"), 2);
        assert_eq!((lines(&diff_view::numbered(rows)), missing), (vec!["−a".to_owned()], [1, 2]));
    }

    #[test]
    fn all_diffs_of_a_page_share_its_room() {
        let text = |word: &str| format!("{word}\n").repeat(6_000);
        let mut room = DiffRoom::default();
        let slow: Vec<bool> = (0..4).map(|_| matches!(room.diff(&text("a"), &text("b")), BoundedDiff::Left)).collect();
        // Each takes 12,000 × 12,000 steps of 20,000 × 20,000.
        assert_eq!(slow, [false, false, true, true]);
        assert!(matches!(room.diff("one\n", "two\n"), BoundedDiff::Rows(_)), "what is quick is compared");

        let mut room = DiffRoom::default();
        let long = |word: &str| format!("{word} {}", "x".repeat(MOST_OF_ONE));
        for _ in 0..MOST_SHOWN / MOST_OF_ONE {
            assert!(matches!(room.diff(&long("a"), &long("b")), BoundedDiff::Cut(rows, 0, 1) if rows.len() == 1));
        }
        assert!(matches!(room.diff("one\n", "two\n"), BoundedDiff::Cut(rows, 1, 1) if rows.is_empty()), "nothing is left");
    }

    #[test]
    fn texts_are_read_as_far_as_there_is_room() {
        let mut room = ReadingRoom::default();
        assert!(!room.take(&[LARGEST + 1]));
        for _ in 0..MOST_READ / LARGEST {
            assert!(room.take(&[LARGEST / 2, LARGEST / 2]));
        }
        assert!(!room.take(&[1]) && room.take(&[]));
    }
}
