//! Texts that the peers print as markup.

use std::iter::repeat_n;

/// Returns a text so that the peers print it as it is.
///
/// In what they print, `[bold]` is markup and `[/x]` the end of something that never began: it crashes them. Names with
/// that are not taken; descriptions, goals and inputs are free, and are escaped where a peer only prints them. What it
/// stores or runs is never changed.
pub(super) fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut backslashes = 0;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '[' && characters.peek().is_some_and(|next| matches!(next, 'a'..='z' | '#' | '/' | '@')) {
            // A pair of them is one backslash there, and the odd one takes the meaning from the bracket.
            escaped.extend(repeat_n('\\', backslashes + 1));
        }
        backslashes = if character == '\\' { backslashes + 1 } else { 0 };
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f29_what_looks_like_markup_is_escaped() {
        for (text, printed) in [
            ("a [/b] c", r"a \[/b] c"),
            ("[bold]", r"\[bold]"),
            (r"\[/x]", r"\\\[/x]"),
            (r"\\[@click]", r"\\\\\[@click]"),
            (r"C:\ [1] [A] [ [] [", r"C:\ [1] [A] [ [] ["),
            ("", ""),
        ] {
            assert_eq!(literal(text), printed);
        }
    }
}
