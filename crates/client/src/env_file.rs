//! `.env` files.
//!
//! The grammar is that of the Node library that the peers use: `NAME=value` lines with an optional `export`, `#` comments,
//! values in single, double or back quotes, which may run over several lines. In double quotes `\n` and `\r` are line ends.
//! `${NAME}` is plain text: a project's file has no way to put a variable of the machine into an address.

use std::collections::BTreeMap;
use std::ops::Range;

/// An assignment in a file's text.
struct Assignment<'a> {
    name: &'a str,
    value: String,
    /// The value with its quotes, as it is written.
    written: Range<usize>,
    /// From the beginning of its first line to the end of its last.
    lines: Range<usize>,
}

/// Returns the variables of a file's text. Lines that are no assignment are skipped; of two values for a name the last
/// one counts.
pub fn parse(text: &str) -> BTreeMap<String, String> {
    assignments(text).into_iter().map(|found| (found.name.to_owned(), found.value)).collect()
}

/// Returns a file's text with another value for a variable: in the place of the one that counts, else as a last line.
/// Everything else stays, comments and blank lines too.
pub fn set(text: &str, name: &str, value: &str) -> String {
    let value = quoted(value);
    if let Some(found) = assignments(text).into_iter().rfind(|found| found.name == name) {
        return format!("{}{value}{}", &text[..found.written.start], &text[found.written.end..]);
    }
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let gap = if text.is_empty() || text.ends_with(['\n', '\r']) { "" } else { line_end };
    format!("{text}{gap}{name}={value}{line_end}")
}

/// Returns a file's text without the lines that set one of some variables.
pub fn remove(text: &str, names: &[&str]) -> String {
    let mut rest = text.to_owned();
    for found in assignments(text).into_iter().rev().filter(|found| names.contains(&found.name)) {
        let mut end = found.lines.end;
        if text[end..].starts_with("\r\n") {
            end += 2;
        } else if text[end..].starts_with(['\n', '\r']) {
            end += 1;
        }
        rest.replace_range(found.lines.start..end, "");
    }
    rest
}

/// Returns a value as it is written: in quotes where it would be read as something else without.
fn quoted(value: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "_./:@%+=,~-".contains(character);
    if value.chars().all(is_plain) {
        value.to_owned()
    } else if value.contains('\'') {
        format!("\"{value}\"")
    } else {
        format!("'{value}'")
    }
}

fn assignments(text: &str) -> Vec<Assignment<'_>> {
    let mut found = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while at < text.len() {
        let mut line_end = end_of_line(text, at);
        if let Some((name, value_at)) = assignment(&text[at..line_end]) {
            let (value, written) = value(text, at + value_at, line_end);
            line_end = end_of_line(text, written.end);
            found.push(Assignment { name, value, written, lines: at..line_end });
        }
        at = line_end + 1;
    }
    found
}

fn end_of_line(text: &str, from: usize) -> usize {
    text[from..].find(['\n', '\r']).map_or(text.len(), |length| from + length)
}

/// Returns the name in a line and where its value begins.
fn assignment(line: &str) -> Option<(&str, usize)> {
    let equals = line.find('=')?;
    let name = line[..equals].trim();
    let name = name.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).unwrap_or(name).trim();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    is_name.then_some((name, equals + 1))
}

/// Returns the value that begins at `start`, and where it is written.
fn value(text: &str, start: usize, line_end: usize) -> (String, Range<usize>) {
    let line = &text[start..line_end];
    let begin = start + line.len() - line.trim_start().len();
    let quote = text[begin..line_end].chars().next().filter(|character| "'\"`".contains(*character));
    if let Some(quote) = quote
        && let Some(length) = closing_quote(&text[begin + 1..], quote)
    {
        let inner = text[begin + 1..begin + 1 + length].replace("\r\n", "\n").replace('\r', "\n");
        let value = if quote == '"' { inner.replace("\\n", "\n").replace("\\r", "\r") } else { inner };
        return (value, begin..begin + length + 2);
    }
    let value = text[begin..line_end].split('#').next().unwrap_or_default().trim_end();
    (value.to_owned(), begin..begin + value.len())
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

    #[test]
    fn f28_an_edit_keeps_everything_else() {
        let text = "# keys\n\nexport A = old # why\r\nB='1\n2'\n\n# end";
        assert_eq!(set(text, "A", "new"), "# keys\n\nexport A = new # why\r\nB='1\n2'\n\n# end");
        assert_eq!(set(text, "B", "x"), "# keys\n\nexport A = old # why\r\nB=x\n\n# end");
        assert_eq!(set(text, "C", "x y"), format!("{text}\r\nC='x y'\r\n"));
        assert_eq!(set("", "C", "x"), "C=x\n");
        assert_eq!(remove(text, &["A"]), "# keys\n\nB='1\n2'\n\n# end");
        assert_eq!(remove(text, &["A", "B", "D"]), "# keys\n\n\n# end");
        assert_eq!(remove("A=1\nA=2", &["A"]), "");
    }

    /// Lines of the kinds that people write.
    fn lines() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            "# [a-z=']{0,6}",
            Just(String::new()),
            "[ABC]=[a-z]{0,3}",
            "export [ABC] = [a-z]{0,3} # [a-z]{0,3}",
            "[ABC]='[a-z #]{0,3}\n[a-z]{1,3}'",
            "D=\"[a-z]{0,3}\"",
        ];
        (prop::collection::vec(line, 0..8), prop_oneof![Just("\n"), Just("\r\n")], any::<bool>())
            .prop_map(|(lines, end, is_ended)| lines.join(end) + if is_ended { end } else { "" })
    }

    proptest! {
        #[test]
        fn f28_one_variable_changes_and_nothing_else(text in lines(), name in "[AE]", value in "[a-zA-Z0-9_:/.-]{1,8}") {
            let edited = set(&text, &name, &value);
            let mut expected = parse(&text);
            expected.insert(name.clone(), value);
            prop_assert_eq!(parse(&edited), expected.clone());
            for comment in text.lines().filter(|line| line.starts_with('#')) {
                prop_assert!(edited.lines().any(|line| line == comment));
            }
            let blank = |text: &str| text.lines().filter(|line| line.is_empty()).count();
            prop_assert!(blank(&edited) >= blank(&text));
            let removed = remove(&edited, &[&name]);
            expected.remove(&name);
            prop_assert_eq!(parse(&removed), expected);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "(\\PC|[\n\r'\"`=#\\\\]|A=){0,60}") {
            parse(&text);
            set(&text, "A", "b");
            remove(&text, &["A"]);
        }
    }
}
