//! `.env` files.
//!
//! The grammar is that of the Node library that the peers use: `NAME=value` lines with an optional `export`, `#` comments,
//! values in single, double or back quotes, which may run over several lines. In double quotes `\n` and `\r` are line ends.
//! `${NAME}` is plain text: a project's file has no way to put a variable of the machine into an address.

use std::collections::BTreeMap;

/// Returns the variables of a file's text. Lines that are no assignment are skipped; of two values for a name the last
/// one counts.
pub fn parse(text: &str) -> BTreeMap<String, String> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut variables = BTreeMap::new();
    let mut at = 0;
    while at < text.len() {
        let mut line_end = end_of_line(&text, at);
        if let Some((name, value_at)) = assignment(&text[at..line_end]) {
            let name = name.to_owned();
            let (value, end) = value(&text, at + value_at, line_end);
            line_end = end_of_line(&text, end);
            variables.insert(name, value);
        }
        at = line_end + 1;
    }
    variables
}

fn end_of_line(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |length| from + length)
}

/// Returns the name in a line and where its value begins.
fn assignment(line: &str) -> Option<(&str, usize)> {
    let equals = line.find('=')?;
    let name = line[..equals].trim();
    let name = name.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).unwrap_or(name).trim();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    is_name.then_some((name, equals + 1))
}

/// Returns the value that begins at `start`, and where it ends.
fn value(text: &str, start: usize, line_end: usize) -> (String, usize) {
    let line = &text[start..line_end];
    let begin = start + line.len() - line.trim_start().len();
    let quote = text[begin..line_end].chars().next().filter(|character| "'\"`".contains(*character));
    if let Some(quote) = quote
        && let Some(length) = closing_quote(&text[begin + 1..], quote)
    {
        let inner = &text[begin + 1..begin + 1 + length];
        let value = if quote == '"' { inner.replace("\\n", "\n").replace("\\r", "\r") } else { inner.to_owned() };
        return (value, begin + length + 2);
    }
    let value = line.split('#').next().unwrap_or_default().trim();
    (value.to_owned(), line_end)
}

fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, character)| {
        if character == quote && !is_escaped {
            return Some(at);
        }
        is_escaped = character == '\\' && !is_escaped;
        None
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_forms_that_people_write() {
        let text = "\u{feff}# comment\r\nA=1\nexport B = two words # why\nC='it # is'\nD=\"x\\ny\"\nE=`a\nb`\nF=\"open\nG=\nA=2\n\
                    not a line\n=x\nH=https://h/#f\nI=${HOME}";
        let variables: Vec<String> = parse(text).iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        insta::assert_snapshot!(variables.join("\n"), @r##"
        A="2"
        B="two words"
        C="it # is"
        D="x\ny"
        E="a\nb"
        F="\"open"
        G=""
        H="https://h/"
        I="${HOME}"
        "##);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(\\PC|[\n\r'\"`=#\\\\]|A=){0,60}") {
            parse(&text);
        }
    }
}
