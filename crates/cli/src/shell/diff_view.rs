//! How the difference between two values looks on a terminal.

use std::collections::{BTreeMap, BTreeSet};

use keepstep_agent::Field;
use keepstep_agent::canonical;
use keepstep_agent::definition::text_of;
use keepstep_agent::diff::{self, Row, Tag};
use serde_json::Value;

use unicode_normalization::UnicodeNormalization as _;

use crate::shell::printer::{Label, Printer, Text, count};
use crate::shell::visible::{BLANK, Spelling, spelled_out, visible_line};

/// Returns the line that explains the two signs.
pub(crate) fn legend(old: &str, new: &str) -> Text {
    Text::of(Label::Removed, format!("- only {old}")).and(Label::Plain, "   ").and(Label::Added, format!("+ only {new}"))
}

/// Returns the rows between two values of a field. Their canonical forms are compared, so that what makes no difference
/// is not shown as one.
pub(crate) fn rows(field: Field, old: Option<&Value>, new: Option<&Value>) -> Vec<Row> {
    let text = |value| text_of(field, canonical::canonical(field, value).as_ref());
    diff::rows(&text(old), &text(new))
}

/// Returns the lines that show how `old` becomes `new`.
pub(crate) fn lines(field: Field, old: Option<&Value>, new: Option<&Value>) -> Vec<Text> {
    lines_of(rows(field, old, new), field, old, new)
}

/// Returns the same with every line of both.
pub(crate) fn all_lines(field: Field, old: Option<&Value>, new: Option<&Value>) -> Vec<Text> {
    let text = |value| text_of(field, canonical::canonical(field, value).as_ref());
    lines_of(diff::all_rows(&text(old), &text(new)), field, old, new)
}

fn lines_of(rows: Vec<Row>, field: Field, old: Option<&Value>, new: Option<&Value>) -> Vec<Text> {
    if rows.is_empty() && !canonical::same(field, old, new) {
        // A text that spells out an object looks like the object.
        return vec![
            Text::of(Label::Removed, format!("- ({})", kind(old))),
            Text::of(Label::Added, format!("+ ({} that reads the same)", kind(new))),
        ];
    }
    render_rows(&rows)
}

fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None | Some(Value::Null) => "nothing",
        Some(Value::String(_)) => "a text",
        Some(_) => "an object",
    }
}

/// Prints a patch: exactly, for a program that applies it, and for a person as any other difference.
pub(crate) fn print_patch(printer: &Printer, patch: &str) {
    if !printer.is_read_by_a_person() {
        printer.exact(patch);
        return;
    }
    for line in patch.lines() {
        let (label, is_changed) = match line.as_bytes() {
            [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => (Label::Heading, false),
            [b'-', ..] => (Label::Removed, true),
            [b'+', ..] => (Label::Added, true),
            [b'@', ..] => (Label::Unchanged, false),
            _ => (Label::Plain, false),
        };
        let text = if is_changed { spelled_out(line, Spelling::Blanks, true) } else { line.to_owned() };
        printer.answer(Text::of(label, text));
    }
}

/// Returns rows as they are shown. Two lines that differ look different: what a reader would not see is spelled out, as far as
/// that is needed.
pub(crate) fn render_rows(rows: &[Row]) -> Vec<Text> {
    let mut levels = vec![0; rows.len()];
    for level in 1..=MOST_SPELLED_OUT {
        // What each look stands for on each side. A line that moved is the same on both, and is no difference.
        let looks = |wanted: Tag| {
            let mut looks: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (row, level) in rows.iter().zip(&levels).filter(|(row, _)| tag_of(row) == Some(wanted)) {
                looks.entry(appearance(&pieces(row, *level))).or_default().insert(text_of_row(row));
            }
            looks
        };
        let (removed, added) = (looks(Tag::Removed), looks(Tag::Added));
        let differ = |look: &String, texts: &BTreeSet<String>| {
            added.get(look).is_some_and(|other| texts.len() + other.len() > 2 || texts != other)
        };
        let both: BTreeSet<&String> = removed.iter().filter(|(look, texts)| differ(look, texts)).map(|(look, _)| look).collect();
        if both.is_empty() {
            break;
        }
        for (row, known) in rows.iter().zip(&mut levels) {
            if matches!(tag_of(row), Some(Tag::Removed | Tag::Added)) && both.contains(&appearance(&pieces(row, *known))) {
                *known = level;
            }
        }
    }
    let mut has_marks = false;
    let mut lines: Vec<Text> = rows
        .iter()
        .zip(&levels)
        .map(|(row, level)| {
            let pieces = pieces(row, *level);
            has_marks |= pieces.iter().any(|(_, text)| text.contains(BLANK)) && tag_of(row) != Some(Tag::Unchanged);
            pieces.into_iter().fold(Text::default(), |text, (label, piece)| text.and(label, piece))
        })
        .collect();
    if has_marks {
        lines.push(Text::of(Label::Unchanged, format!("  ({BLANK} is a blank)")));
    }
    lines
}

/// The highest level at which a line is spelled out: 0 only what looks like a blank or stands before the line's end, 1 everything in
/// the words that changed, 2 everything.
const MOST_SPELLED_OUT: u8 = 2;

fn text_of_row(row: &Row) -> String {
    match row {
        Row::Folded { .. } | Row::Omitted { .. } => String::new(),
        Row::Line { segments, .. } => segments.iter().map(|segment| segment.text.as_str()).collect(),
    }
}

fn tag_of(row: &Row) -> Option<Tag> {
    match row {
        Row::Folded { .. } | Row::Omitted { .. } => None,
        Row::Line { tag, .. } => Some(*tag),
    }
}

/// Returns the pieces of a row at a level.
fn pieces(row: &Row, level: u8) -> Vec<(Label, String)> {
    let (tag, segments) = match row {
        Row::Folded { lines } => return vec![(Label::Unchanged, format!("  ... {} ...", count(*lines, "unchanged line")))],
        Row::Omitted { removed, added } => {
            return vec![(Label::Unchanged, format!("  ... {removed} more -, {added} more + (too many lines to compare) ..."))];
        }
        Row::Line { tag, segments } => (tag, segments),
    };
    let (sign, whole, word) = match tag {
        Tag::Removed => ("- ", Label::Removed, Label::RemovedWord),
        Tag::Added => ("+ ", Label::Added, Label::AddedWord),
        Tag::Unchanged => ("  ", Label::Unchanged, Label::Unchanged),
    };
    let mut pieces = vec![(whole, sign.to_owned())];
    for (index, segment) in segments.iter().enumerate() {
        let spelling =
            if level == MOST_SPELLED_OUT || (level == 1 && segment.changed) { Spelling::Everything } else { Spelling::Blanks };
        let text = match tag {
            Tag::Unchanged => visible_line(&segment.text),
            Tag::Removed | Tag::Added => {
                // What follows may be blank, too.
                let rest_is_blank = segments[index + 1..].iter().all(|rest| rest.text.bytes().all(|byte| byte == b' '));
                spelled_out(&segment.text, spelling, rest_is_blank)
            }
        };
        pieces.push((if segment.changed { word } else { whole }, text));
    }
    pieces
}

/// Returns how a line looks to somebody who sees neither how wide a blank is nor what has no width: two lines with the same look
/// cannot be told apart.
fn appearance(pieces: &[(Label, String)]) -> String {
    let text: String = pieces.iter().skip(1).map(|(_, text)| text.as_str()).collect();
    let has_width = |character: &char| !matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    let seen: String = text.nfkc().filter(has_width).collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use keepstep_agent::diff::rows;
    use proptest::prelude::*;

    use super::*;

    fn texts(old: &str, new: &str) -> Vec<String> {
        let rows = rows(old, new);
        let mut printed: Vec<String> = render_rows(&rows).iter().map(Text::plain).collect();
        printed.truncate(rows.len());
        printed
    }

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        for (old, new, expected) in [
            ("First line. ", "First line.", ["- First line.·", "+ First line."]),
            ("First\u{a0}line.", "First line.", ["- First\\u{a0}line.", "+ First line."]),
            ("First line.\t", "First line.", ["- First line.\\t", "+ First line."]),
            ("a\tb", "a    b", ["- a\\tb", "+ a    b"]),
            ("a  b", "a b", ["- a··b", "+ a·b"]),
            ("a\u{200b}b", "ab", ["- a\\u{200b}b", "+ ab"]),
            ("a\u{200c}b", "ab", ["- a\\u{200c}b", "+ ab"]),
            ("a\u{3000}b", "a b", ["- a\\u{3000}b", "+ a b"]),
            ("e\u{301}", "\u{e9}", ["- e\\u{301}", "+ \\u{e9}"]),
            ("a\\tb", "a\tb", ["- a\\\\tb", "+ a\\tb"]),
            ("a·", "a ", ["- a\\u{b7}", "+ a·"]),
            ("  ", "a", ["- ··", "+ a"]),
        ] {
            assert_eq!(texts(old, new), expected, "{old:?} {new:?}");
        }
    }

    #[test]
    fn what_can_be_seen_stays_as_it_is() {
        assert_eq!(texts("한국어 안녕", "한국어 하세요"), ["- 한국어 안녕", "+ 한국어 하세요"]);
        assert_eq!(texts("👩\u{200d}🔬 a", "👩\u{200d}🔬 b"), ["- 👩\u{200d}🔬 a", "+ 👩\u{200d}🔬 b"]);
    }

    fn any_text() -> impl Strategy<Value = String> {
        const PARTS: &[&str] = &[
            "a", "b", " ", "  ", "\t", "\\", "\\t", "\\u{a0}", "·", "\u{a0}", "\u{2003}", "\u{3000}", "\u{200b}", "\u{200d}",
            "\u{fe0f}", "e\u{301}", "é", "\u{2800}", "\u{ad}", "\u{202e}", "\n", "ﬁ", "fi",
        ];
        prop::collection::vec(prop::sample::select(PARTS), 0..8).prop_map(|parts| parts.concat())
    }

    proptest! {
        /// A removed and an added line never look the same, whatever the difference is.
        #[test]
        fn two_lines_that_differ_look_different(old in any_text(), new in any_text()) {
            let rows = rows(&old, &new);
            let lines = texts(&old, &new);
            let seen = |text: &str| {
                let text: String = text[2..].nfkc().filter(|c| !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')).collect();
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            };
            for (one, removed) in rows.iter().zip(&lines).filter(|(row, _)| tag_of(row) == Some(Tag::Removed)) {
                for (other, added) in rows.iter().zip(&lines).filter(|(row, _)| tag_of(row) == Some(Tag::Added)) {
                    // A line that moved is on both sides.
                    prop_assert!(text_of_row(one) == text_of_row(other) || seen(removed) != seen(added), "{removed:?} {added:?}");
                }
            }
        }
    }
}
