//! Text from files and servers, made safe for a terminal.
//!
//! Such text may hold sequences that move the cursor, change the title or reverse the direction of writing. It is data:
//! what cannot be seen is shown as an escape, so that nobody is shown something else than what is there.

use std::borrow::Cow;
use std::fmt::Write as _;

use keepstep_base::text::{is_hidden, is_like_blank, shell_word};

use crate::shell::wrap::beginning;

/// Returns a text with everything invisible as an escape. Line feeds and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |character, out| {
        let _ = match character {
            '\r' => out.write_str("\\r"),
            '\u{1b}' => out.write_str("\\e"),
            character if u32::from(character) < 0x100 => write!(out, "\\x{:02x}", u32::from(character)),
            character => write!(out, "\\u{{{:x}}}", u32::from(character)),
        };
    })
}

/// Returns a text for the inside of one line: line feeds and tabs are escapes too.
pub(crate) fn visible_line(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// Returns the first few of some names in a line.
pub(crate) fn first_few(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    const MOST: usize = 5;
    let mut names: Vec<String> = names.take(MOST + 1).map(|name| visible_line(name.as_ref())).collect();
    if let Some(more) = names.get_mut(MOST) {
        "…".clone_into(more);
    }
    names.join(", ")
}

/// Returns a value as one word of a command that a person can paste, with everything invisible as an escape.
pub(crate) fn word(value: &str) -> String {
    shell_word(&visible_line(value)).into_owned()
}

/// Returns JSON text with everything invisible as a JSON escape. The value stays the same.
pub(crate) fn visible_json(json: &str) -> Cow<'_, str> {
    escaped(json, |character, out| {
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// What stands for a blank where it could not be seen.
pub(crate) const BLANK: char = '·';

/// How much of a line of a difference is spelled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// What looks like a blank and is none, and blanks before the end of the line.
    Blanks,
    /// Everything but letters, digits and signs of ASCII.
    Everything,
}

/// Returns a part of a line in which two texts that differ look different. `is_last` says that the line ends with it.
pub(crate) fn spelled_out(text: &str, spelling: Spelling, is_last: bool) -> String {
    let kept = if is_last { text.trim_end_matches(' ').len() } else { text.len() };
    let mut out = String::with_capacity(text.len() + 16);
    let escape = |character: char, out: &mut String| {
        let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
    };
    for (index, character) in text.char_indices() {
        let is_everything = spelling == Spelling::Everything;
        match character {
            ' ' if index >= kept || is_everything => out.push(BLANK),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\\' if is_everything => out.push_str("\\\\"),
            // Beside blanks that are marked with it, it is not taken for one.
            BLANK => escape(character, &mut out),
            character if is_like_blank(character) => escape(character, &mut out),
            character if is_everything && (!character.is_ascii() || is_hidden(character)) => escape(character, &mut out),
            character => out.push(character),
        }
    }
    visible(&out).into_owned()
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hidden(character) {
            escape(character, &mut out);
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Returns the beginning of a text, on one line of at most so many columns and a sign that tells where something is missing.
pub(crate) fn shortened(text: &str, columns: usize) -> String {
    let line = text.split('\n').next().unwrap_or_default().trim_end();
    let shown = beginning(line, columns);
    if shown.len() == text.len() { shown.to_owned() } else { format!("{shown}…") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_shortened_to_columns() {
        let texts = [("abc", 3), ("abcd", 3), ("가나다", 6), ("가나다", 5), ("ab\n", 9), ("", 0)];
        assert_eq!(texts.map(|(text, columns)| shortened(text, columns)), ["abc", "abc…", "가나다", "가나…", "ab…", ""]);
    }

    #[test]
    fn nothing_reaches_the_terminal_unseen() {
        assert_eq!(visible("a\u{1b}[31mred\r\n\tb"), "a\\e[31mred\\r\n\tb");
        assert_eq!(visible("a\u{202e}b\u{9b}c\0"), "a\\u{202e}b\\x9bc\\x00");
        assert_eq!(visible("👩\u{200d}🔬 é ü"), "👩\u{200d}🔬 é ü");
        assert_eq!(visible_line("a\nb\tc"), "a\\nb\\tc");
    }

    proptest! {
        #[test]
        fn json_keeps_its_value(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(&visible_json(&json)).unwrap(), text);
        }

        #[test]
        fn visible_text_stays_as_it_is(text in any::<String>()) {
            let once = visible(&text).into_owned();
            prop_assert!(!once.chars().any(is_hidden));
            prop_assert_eq!(visible(&once), once.as_str());
        }
    }
}
