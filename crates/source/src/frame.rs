//! Places in a text for people: line, column and a code frame.

use std::path::Path;

use unicode_width::UnicodeWidthChar as _;

use crate::error::Location;

/// The most columns of a line that a frame shows.
const WIDTH: usize = 100;

/// A range of bytes in a file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

impl Span {
    /// Returns the range between two offsets.
    pub fn new(start: usize, end: usize) -> Self {
        // Files of more than 4 GiB are refused when they are loaded.
        Self { start: u32::try_from(start).unwrap_or(u32::MAX), end: u32::try_from(end).unwrap_or(u32::MAX) }
    }

    /// Returns it as the range of a slice.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Returns the place of a byte offset.
pub fn location(file: &Path, text: &str, offset: u32) -> Location {
    let before = before(text, offset as usize);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let column = 1 + before[line_start..].trim_start_matches('\u{feff}').chars().count();
    Location {
        file: file.to_owned(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

/// Returns the offset of a place; lines and columns count from 1, columns in UTF-16 units.
pub fn offset_of(text: &str, line: u32, column: u32) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1) as usize).map(str::len).sum();
    let mut left = column.saturating_sub(1) as usize;
    let within = text[before..].chars().take_while(|letter| {
        let is_before = left > 0 && *letter != '\n';
        left = left.saturating_sub(letter.len_utf16());
        is_before
    });
    before + within.map(char::len_utf8).sum::<usize>()
}

/// Returns the line of a span with its neighbors and a mark under the span.
pub fn frame(text: &str, span: Span) -> String {
    let head = before(text, span.start as usize);
    let start = head.len();
    let number = head.bytes().filter(|byte| *byte == b'\n').count();
    let line_start = head.rfind('\n').map_or(0, |at| at + 1);
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().skip(number.saturating_sub(1)).take(3).collect();
    let first = number.saturating_sub(1);
    let width = (first + lines.len()).to_string().len();
    let marked = number - first;
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        let is_marked = index == marked;
        let mark = if is_marked { '>' } else { ' ' };
        let line = line.trim_end_matches('\r');
        let column = width_of(text[line_start..start].trim_start_matches('\u{feff}'));
        // A long line is cut so that the marked place stays visible.
        let skip = if is_marked { column.saturating_sub(WIDTH / 2) } else { 0 };
        out.push_str(format!("{mark} {:>width$} | {}", first + index + 1, part(line, skip)).trim_end());
        out.push('\n');
        if is_marked {
            let span_text = &text[start..floor(text, (span.end as usize).max(start))];
            let length = width_of(span_text.lines().next().unwrap_or_default());
            let length = length.clamp(1, (width_of(line).saturating_sub(column)).max(1)).min(WIDTH / 2);
            out.push_str(&format!("  {:>width$} | {}{}\n", "", " ".repeat(column - skip), "^".repeat(length)));
        }
    }
    out
}

/// Returns what a line has in the columns of a frame, after so many of its own.
fn part(line: &str, skip: usize) -> String {
    let is_longer = width_of(line) > skip + WIDTH;
    // A sign in the place of a column, so that the mark stays under its place.
    let mut shown = if skip > 0 { "…".to_owned() } else { String::new() };
    let (from, to) = (skip + width_of(&shown), skip + WIDTH - usize::from(is_longer));
    let mut column = 0;
    for character in line.chars().map(visible) {
        let end = column + character.width().unwrap_or(0);
        if column >= from && end <= to {
            shown.push(character);
        } else if column < from && end > from {
            // The half of a wide character.
            shown.push(' ');
        }
        column = end;
    }
    if is_longer { shown + "…" } else { shown }
}

/// Returns how many columns a text takes.
fn width_of(text: &str) -> usize {
    text.chars().map(|character| visible(character).width().unwrap_or(0)).sum()
}

/// Control characters would move the marks or the terminal's cursor.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        control if control.is_control() => '\u{fffd}',
        other => other,
    }
}

fn before(text: &str, offset: usize) -> &str {
    &text[..floor(text, offset)]
}

fn floor(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset.min(text.len()))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn a_frame_marks_the_place_and_shows_the_neighbors() {
        let text = "\u{feff}const a = 1;\r\n\tconst persona = load();\r\nexport {};\r\n";
        let start = text.find("load").unwrap();
        let span = Span::new(start, start + 6);
        assert_snapshot!(frame(text, span), @r"
          1 | const a = 1;
        > 2 |  const persona = load();
            |                  ^^^^^^
          3 | export {};
        ");
        assert_eq!(location(Path::new("a.ts"), text, span.start).to_string(), "a.ts:2:18");
    }

    #[test]
    fn a_long_line_is_cut_with_a_sign_on_each_side() {
        let text = format!("{}here{}", "a".repeat(90), "b".repeat(90));
        let framed = frame(&text, Span::new(90, 94));
        let lines: Vec<&str> = framed.lines().collect();
        assert!(lines[0].starts_with("> 1 | …aaa") && lines[0].ends_with("bbb…"), "{framed}");
        let mark = lines[1].find('^').unwrap();
        assert_eq!(lines[0].chars().skip(mark).take(4).collect::<String>(), "here");
        assert!(!frame("short", Span::new(0, 1)).contains('…'));
    }

    #[test]
    fn the_mark_stands_below_wide_characters_too() {
        let text = "const name = \"주문 도우미\" + load(이름);";
        let start = text.find("load").unwrap();
        assert_snapshot!(frame(text, Span::new(start, text.len() - 1)), @r#"
        > 1 | const name = "주문 도우미" + load(이름);
            |                              ^^^^^^^^^^
        "#);
        // Cut in the middle of a wide character, on both sides.
        let text = format!("a{}here{}", "가".repeat(90), "나".repeat(90));
        let start = text.find("here").unwrap();
        let framed = frame(&text, Span::new(start, start + 4));
        let lines: Vec<&str> = framed.lines().collect();
        let before = |line: &str, mark| width_of(&line[..line.find(mark).unwrap()]);
        assert_eq!(before(lines[0], "here"), before(lines[1], "^"), "{framed}");
        assert!((WIDTH - 1..=WIDTH).contains(&width_of(lines[0].split("| ").nth(1).unwrap())), "{framed}");
    }

    #[test]
    fn a_frame_at_the_end_of_a_file_and_in_an_empty_one() {
        assert_snapshot!(frame("a", Span::new(1, 1)), @r"
        > 1 | a
            |  ^
        ");
        assert_eq!(frame("", Span::new(0, 9)), "");
    }
}
