//! Lines that are wider than the terminal, broken between words.
//!
//! A terminal breaks a line in the middle of a word. What belongs together stays together here: a command in backticks, so
//! that it can be copied, and the column in which a text stands.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::shell::label::Label;

/// A terminal is not taken for narrower than this.
const NARROWEST: usize = 20;

/// Breaks labeled text into lines that are at most so wide, where a single word or command is not wider.
pub(crate) fn wrapped(pieces: &[(Label, String)], width: usize) -> Vec<(Label, String)> {
    let width = width.max(NARROWEST);
    let mut out = Vec::new();
    for (index, line) in lines(pieces).into_iter().enumerate() {
        if index > 0 {
            out.push((Label::Plain, "\n".to_owned()));
        }
        if line.iter().map(|(_, text)| text.width()).sum::<usize>() <= width {
            out.extend(line);
        } else {
            out.extend(broken(&line, width));
        }
    }
    out
}

/// Returns how many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Returns a text with blanks behind it up to so many columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Returns the beginning of a text that takes at most so many columns.
pub(crate) fn beginning(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > width
    });
    &text[..end.map_or(text.len(), |(index, _)| index)]
}

/// Returns the beginning of a line that is at most so wide; a sign tells where something is missing.
pub(crate) fn cut(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let mut used = 0;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used < width
    };
    line.chars().take_while(fits).chain(['…']).collect()
}

/// A word, or a command of several.
struct Word {
    /// How many blanks stand before it.
    blanks: usize,
    pieces: Vec<(Label, String)>,
    width: usize,
}

impl Word {
    /// Returns true if it ends with a wide character of a script that has no blanks.
    fn ends_wide(&self) -> bool {
        let last = self.pieces.last().and_then(|(_, text)| text.chars().last());
        last.is_some_and(|last| last.width() == Some(2) && !is_korean(last) && !is_opening(last))
    }

    /// Returns the text, where it has one label.
    fn text(&self) -> &str {
        match self.pieces.as_slice() {
            [(_, text)] => text,
            _ => "",
        }
    }
}

fn lines(pieces: &[(Label, String)]) -> Vec<Vec<(Label, String)>> {
    let mut lines = vec![Vec::new()];
    for (label, text) in pieces {
        for (index, part) in text.split('\n').enumerate() {
            if index > 0 {
                lines.push(Vec::new());
            }
            if let Some(line) = lines.last_mut().filter(|_| !part.is_empty()) {
                line.push((*label, part.to_owned()));
            }
        }
    }
    lines
}

fn broken(line: &[(Label, String)], width: usize) -> Vec<(Label, String)> {
    let words = words(line);
    let indentation = hanging(&words).min(width / 2);
    let mut out: Vec<(Label, String)> = Vec::new();
    let mut column = 0;
    for (index, word) in words.into_iter().enumerate() {
        let goes_on = index == 0 || column + word.blanks + word.width <= width;
        // A long address begins at the edge if that lets it stay whole.
        let blanks = match goes_on {
            true => word.blanks,
            false if indentation + word.width > width && word.width <= width => 0,
            false => indentation,
        };
        if !goes_on {
            out.push((Label::Plain, "\n".to_owned()));
            column = 0;
        }
        if blanks > 0 {
            out.push((Label::Plain, " ".repeat(blanks)));
        }
        column += blanks + word.width;
        out.extend(word.pieces);
    }
    out
}

/// Returns the column in which the lines after the first begin: below the text, where a name and a gap stand before it.
fn hanging(words: &[Word]) -> usize {
    let first = words.first().map_or(0, |word| word.blanks);
    let mut column = 0;
    let mut text = None;
    for word in words.iter().take(4) {
        if column > 0 && word.blanks > 1 {
            // A mark may stand before the name, with a gap of its own.
            text = Some(column + word.blanks);
        }
        column += word.blanks + word.width;
    }
    // Below the sign of a changed line stands none, and the text stands where no unchanged line has its own.
    let is_changed = first == 0 && words.first().is_some_and(|word| matches!(word.text(), "-" | "+"));
    text.unwrap_or(first + if is_changed { 4 } else { 2 })
}

/// Korean has blanks between its words.
fn is_korean(character: char) -> bool {
    matches!(character, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}')
}

/// Returns true for a wide bracket that no line should end with.
fn is_opening(character: char) -> bool {
    "（「『【〈《〔［｛".contains(character)
}

fn words(line: &[(Label, String)]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut blanks = 0;
    let mut goes_on = false;
    for (label, text) in line {
        let mut is_command = *label == Label::Command;
        let mut rest = text.as_str();
        while let Some(character) = rest.chars().next() {
            rest = &rest[character.len_utf8()..];
            if character == ' ' && !is_command {
                blanks += 1;
                goes_on = false;
                continue;
            }
            // Between two wide characters, as of Chinese and Japanese, a line may be broken, though not before a mark.
            let may_begin = character.width() == Some(2) && character.is_alphanumeric() && !is_korean(character);
            if goes_on && may_begin && !is_command && words.last().is_some_and(Word::ends_wide) {
                goes_on = false;
            }
            if character == '`' && *label != Label::Command {
                is_command = !is_command && rest.contains('`');
            }
            if !goes_on {
                words.push(Word { blanks, pieces: Vec::new(), width: 0 });
                blanks = 0;
                goes_on = true;
            }
            let Some(word) = words.last_mut() else { continue };
            word.width += character.width().unwrap_or(0);
            match word.pieces.last_mut().filter(|(last, _)| last == label) {
                Some((_, text)) => text.push(character),
                None => word.pieces.push((*label, character.to_string())),
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, width: usize) -> String {
        text_of(&wrapped(&[(Label::Plain, text.to_owned())], width))
    }

    fn text_of(pieces: &[(Label, String)]) -> String {
        pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn words_commands_and_columns_stay_together() {
        assert_snapshot!(shown("error: no server is configured here: neither a flag nor a variable names one", 40), @"
        error: no server is configured here:
          neither a flag nor a variable names
          one
        ");
        assert_snapshot!(shown("  later: run `keepstep sync upload --all`, or do something else", 40), @"
          later: run
            `keepstep sync upload --all`, or do
            something else
        ");
        assert_snapshot!(shown("project     no project is here, neither in this folder nor above it", 40), @"
        project     no project is here, neither
                    in this folder nor above it
        ");
        assert_snapshot!(shown("한국어로 된 문장은 글자마다 두 칸을 차지하므로 더 일찍 나뉜다", 30), @"
        한국어로 된 문장은 글자마다 두
          칸을 차지하므로 더 일찍
          나뉜다
        ");
    }

    #[test]
    fn a_script_without_blanks_is_broken_between_its_characters() {
        assert_snapshot!(shown("- Antwort: 日本語のとても長い文章をここに書いて、折り返しを「確認」する。", 30), @"
        - Antwort: 日本語のとても長い
            文章をここに書いて、折り返
            しを「確認」する。
        ");
    }

    #[test]
    fn the_rest_of_a_changed_line_does_not_look_like_an_unchanged_one() {
        assert_snapshot!(shown("- Answer in one or two sentences, and close with a question.", 30), @"
        - Answer in one or two
            sentences, and close with
            a question.
        ");
    }

    #[test]
    fn a_mark_before_the_name_leaves_the_column_where_it_is() {
        assert_snapshot!(shown("ok   address     http://127.0.0.1:4747 (from a file)", 42), @"
        ok   address     http://127.0.0.1:4747
                         (from a file)
        ");
    }

    #[test]
    fn a_line_is_cut_at_its_width() {
        assert_eq!((cut("abcdef", 6), cut("abcdef", 5), cut("한국어", 5)), ("abcdef".into(), "abcd…".into(), "한국…".into()));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_all_fits(text in "[a-z한` \n]{0,200}", more in "[a-z `]{0,60}", width in 20usize..60) {
            let pieces = [(Label::Plain, text.clone()), (Label::Command, "`keepstep x`".to_owned()), (Label::Good, more.clone())];
            let out = wrapped(&pieces, width);
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words(&text_of(&out)), words(&format!("{text}`keepstep x`{more}")));
            for line in text_of(&out).lines() {
                let is_one = !line.trim().contains(' ') || line.contains('`');
                prop_assert!(is_one || line.trim_end().width() <= width, "{line:?} in {width}");
            }
            let good = |pieces: &[(Label, String)]| words(&pieces.iter().filter(|(label, _)| *label == Label::Good).map(|(_, text)| text.clone() + " ").collect::<String>());
            prop_assert_eq!(good(&out).replace(' ', ""), more.replace(' ', ""));
        }
    }
}
