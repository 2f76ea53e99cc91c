//! Classes of characters on which every part of the program must agree, words of a shell, and numbers as text.

use std::borrow::Cow;

/// Adds a number in decimal. Where a number stands before every text, formatting would take longer than all the rest.
pub fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// Returns true for white space as `String.prototype.trim` of ECMAScript has it: Unicode's, without U+0085 and with the
/// byte order mark.
pub fn is_javascript_white_space(character: char) -> bool {
    character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
}

/// Returns true for a character that a reader would not see and that may mean something to a terminal, a browser or a
/// model: controls, marks of direction, invisible operators, tags.
///
/// Line feeds and tabs are not among them, nor are the joiners and selectors that scripts and emoji need.
pub fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e0fff}' => true,
        other => other.is_control(),
    }
}

/// Returns true for a character that looks like a blank, or like nothing, and is none. Such a character is what makes two lines
/// differ that look the same.
///
/// Those of [`is_hidden`] are not among them, nor is the line feed.
pub fn is_like_blank(character: char) -> bool {
    match character {
        ' ' | '\n' => false,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' => true,
        other => other.is_whitespace() && !is_hidden(other),
    }
}

/// Returns a value as one word of a POSIX shell. Whatever a command that is shown to a person takes from elsewhere goes through here,
/// so that it means the same after it was pasted: a name with a blank, an address with `&`.
pub fn shell_word(value: &str) -> Cow<'_, str> {
    let is_plain = |character: char| character.is_alphanumeric() || "-_./:@%+=,…~".contains(character);
    // Elsewhere it is no home folder.
    let names_home = value.starts_with('~') || [":~", "=~"].iter().any(|home| value.contains(home));
    if !value.is_empty() && !names_home && value.chars().all(is_plain) {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(format!("'{}'", value.replace('\'', "'\\''")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_a_shell_would_not_take_as_it_is_gets_quotes() {
        for (value, word) in [
            ("orders", "orders"),
            ("http://127.0.0.1:4747", "http://127.0.0.1:4747"),
            ("주문", "주문"),
            ("two words", "'two words'"),
            ("it's", "'it'\\''s'"),
            ("a&b", "'a&b'"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
            ("latest~1", "latest~1"),
            ("PATH=~/x", "'PATH=~/x'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(value), word);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[cfg(unix)]
        #[test]
        fn a_shell_reads_every_value_as_it_was(values in prop::collection::vec("[^\0]{0,12}", 1..20)) {
            let words: Vec<Cow<'_, str>> = values.iter().map(|value| shell_word(value)).collect();
            let script = format!("printf '%s\\0' {}", words.join(" "));
            let output = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
            let expected: String = values.iter().map(|value| format!("{value}\0")).collect();
            prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        }
    }
}
