//! `.env` files.
//!
//! Two libraries read them in the world of the peers: `dotenv` of Node and `python-dotenv`. They agree on `NAME=value` lines with an
//! optional `export`, `#` comments, and values in quotes that may run over several lines. They differ in what an escape is, in where
//! a comment begins, and in `${NAME}`, which is plain text to one and the value of a variable to the other.
//!
//! What keepstep itself takes from a file is what the first one reads ([`parse`]): a project's file then has no way to put a variable
//! of the machine into an address. What a value may be to an agent is what either of them reads ([`readings`]).
//!
//! The patterns below match what the libraries' own expressions match; `cargo xtask test` compares the readings with theirs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// An assignment in a file's text.
struct Assignment<'a> {
    name: &'a str,
    value: String,
    /// The value with its quotes, as it is written.
    written: Range<usize>,
    /// From the beginning of its first line to the end of its last.
    lines: Range<usize>,
}

/// Returns the variables of a file's text, as Node's library reads them. Lines that are no assignment are skipped; of two values
/// for a name the last one counts.
pub fn parse(text: &str) -> BTreeMap<String, String> {
    let text = LineFeeds::of(text);
    node_assignments(&text.text).into_iter().map(|found| (found.name.to_owned(), found.value)).collect()
}

/// Returns the variables of a file's text as either library reads them: a name that is set twice, or read in two ways, is there
/// with each of its values. `variable` is the environment, for `${NAME}`.
pub fn readings(text: &str, variable: impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    let text = LineFeeds::of(without_mark(text));
    let mut found: Vec<(String, String)> =
        node_assignments(&text.text).into_iter().map(|found| (found.name.to_owned(), found.value)).collect();
    for release in [Release::Current, Release::BeforeEscapes] {
        let bindings = python_bindings(&text.text, release);
        for is_file_first in [true, false] {
            for (name, value) in resolved(&bindings, is_file_first, &variable) {
                found.extend(value.map(|value| (name, value)));
            }
        }
        found.extend(bindings.into_iter().filter_map(|(name, value)| Some((name, value?))));
    }
    found.sort();
    found.dedup();
    found
}

/// Returns the variables of a file's text as `python-dotenv` reads them, with the file's own values before the environment's; a
/// name without a value is `None`.
pub fn parse_as_python(text: &str, variable: impl Fn(&str) -> Option<String>) -> BTreeMap<String, Option<String>> {
    resolved(&python_bindings(&LineFeeds::of(without_mark(text)).text, Release::Current), true, &variable).into_iter().collect()
}

/// Returns a file's text with another value for a variable: in the place of the one that counts, else as a last line.
/// Everything else stays, comments and blank lines too.
pub fn set(text: &str, name: &str, value: &str) -> String {
    let value = quoted(value);
    let read = LineFeeds::of(text);
    if let Some(found) = node_assignments(&read.text).into_iter().rfind(|found| found.name == name) {
        let written = read.in_original(&found.written);
        return format!("{}{value}{}", &text[..written.start], &text[written.end..]);
    }
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let gap = if text.is_empty() || text.ends_with(['\n', '\r']) { "" } else { line_end };
    format!("{text}{gap}{name}={value}{line_end}")
}

/// Returns a file's text without the lines that set one of some variables.
pub fn remove(text: &str, names: &[&str]) -> String {
    let read = LineFeeds::of(text);
    let mut rest = text.to_owned();
    for found in node_assignments(&read.text).into_iter().rev().filter(|found| names.contains(&found.name)) {
        let mut lines = read.in_original(&found.lines);
        if text[lines.end..].starts_with("\r\n") {
            lines.end += 2;
        } else if text[lines.end..].starts_with(['\n', '\r']) {
            lines.end += 1;
        }
        rest.replace_range(lines, "");
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

/// Returns a text without the byte order mark that editors on Windows begin a file with. Python's library takes it for a part of the
/// first name, so that nothing finds the variable.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A text whose lines end in `\n`, as both libraries read it.
struct LineFeeds<'a> {
    text: Cow<'a, str>,
    /// Where a `\r` was left out: the position in the text, of each.
    left_out: Vec<usize>,
}

impl<'a> LineFeeds<'a> {
    fn of(text: &'a str) -> Self {
        if !text.contains('\r') {
            return Self { text: Cow::Borrowed(text), left_out: Vec::new() };
        }
        let (mut read, mut left_out) = (String::with_capacity(text.len()), Vec::new());
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\r' if characters.peek() == Some(&'\n') => left_out.push(read.len()),
                '\r' => read.push('\n'),
                other => read.push(other),
            }
        }
        Self { text: Cow::Owned(read), left_out }
    }

    /// Returns where a part of the text is in the text as it was.
    fn in_original(&self, part: &Range<usize>) -> Range<usize> {
        let at = |position: usize| position + self.left_out.partition_point(|&left_out| left_out < position);
        at(part.start)..at(part.end)
    }
}

/// Makes a pattern from one that is known to be whole.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

/// What JavaScript takes for a blank.
const BLANK: &str = r"[\s\x{feff}&&[^\x{85}]]";

/// The expression of Node's library for an assignment: its name, the sign, its value.
static NODE_ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    let quoted = |quote: &str| format!(r"BLANK*{quote}(?:\\{quote}|[^{quote}])*{quote}");
    let value = [quoted("'"), quoted("\""), quoted("`"), "[^#\r\n]+".to_owned()].join("|");
    let line = format!(r"(?m)^BLANK*(?:exportBLANK+)?([A-Za-z0-9_.-]+)(BLANK*=BLANK*?|:BLANK+?)({value})?BLANK*(?:#.*)?$");
    pattern(&line.replace("BLANK", BLANK))
});

/// The quotes that Node's library takes off a value.
static NODE_QUOTES: LazyLock<Regex> = LazyLock::new(|| pattern("(?m)^'((?s:.)*)'$|^\"((?s:.)*)\"$|^`((?s:.)*)`$"));

fn node_assignments(text: &str) -> Vec<Assignment<'_>> {
    let is_blank = |character: char| (character.is_whitespace() && character != '\u{85}') || character == '\u{feff}';
    let end_of_line = |from: usize| text[from..].find('\n').map_or(text.len(), |length| from + length);
    NODE_ASSIGNMENT
        .captures_iter(text)
        .filter_map(|found| {
            let (name, sign) = (found.get(1)?, found.get(2)?);
            let value = found.get(3).map_or("", |value| value.as_str());
            let start = found.get(3).map_or(sign.end(), |value| value.start());
            let trimmed = value.trim_start_matches(is_blank);
            let start = start + value.len() - trimmed.len();
            let trimmed = trimmed.trim_end_matches(is_blank);
            let written = start..start + trimmed.len();
            let inner =
                |found: &Captures<'_>| (1..=3).find_map(|group| found.get(group)).map_or("", |inner| inner.as_str()).to_owned();
            let mut value = NODE_QUOTES.replace_all(trimmed, inner).into_owned();
            if trimmed.starts_with('"') {
                value = value.replace("\\n", "\n").replace("\\r", "\r");
            }
            let first = text[..name.start()].rfind('\n').map_or(0, |end| end + 1);
            // The mark of the encoding belongs to the file, not to its first line.
            let first = if text[first..].starts_with('\u{feff}') { first + '\u{feff}'.len_utf8() } else { first };
            Some(Assignment { name: name.as_str(), value, lines: first..end_of_line(written.end.max(sign.end())), written })
        })
        .collect()
}

/// What is between a `$` and its end in `python-dotenv`: a name, and perhaps what holds where it is not set.
static PYTHON_VARIABLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\$\{([^}:]*)(?::-([^}]*))?\}"));
static PYTHON_EXPORT: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A(?:export[^\S\r\n]+)?"));
static PYTHON_QUOTED_KEY: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A'([^']+)'"));
static PYTHON_KEY: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A[^=#\s]+"));
static PYTHON_SINGLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)\A'((?:\\.|[^'\\])*)'"));
static PYTHON_DOUBLE: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?s)\A"((?:\\.|[^"\\])*)""#));
static OLD_PYTHON_SINGLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A'((?:\\'|[^'])*)'"));
static OLD_PYTHON_DOUBLE: LazyLock<Regex> = LazyLock::new(|| pattern(r#"\A"((?:\\"|[^"])*)""#));
static PYTHON_COMMENT: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s+#.*"));
static PYTHON_END: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A(?:[^\S\r\n]*#[^\r\n]*)?[^\S\r\n]*(?:\n|\z)"));

/// Which `python-dotenv` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Release {
    /// The newest.
    Current,
    /// One in which a backslash only escapes a quote, and a comment may not stand in the place of a value.
    BeforeEscapes,
}

/// Returns the assignments as `python-dotenv` reads them, before `${NAME}` is looked at.
fn python_bindings(text: &str, release: Release) -> Vec<(String, Option<String>)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.len() {
        match python_binding(text, &mut at, release) {
            Some(Some(binding)) => found.push(binding),
            Some(None) => {}
            None => at += text[at..].find('\n').map_or(text.len() - at, |length| length + 1),
        }
    }
    found
}

/// Reads the next binding or comment. `None` is an error, of which the rest of the line is left to be skipped.
#[expect(clippy::option_option, reason = "a comment is no error")]
fn python_binding(text: &str, at: &mut usize, release: Release) -> Option<Option<(String, Option<String>)>> {
    *at = text.len() - text[*at..].trim_start().len();
    if *at == text.len() {
        return Some(None);
    }
    *at += PYTHON_EXPORT.find(&text[*at..])?.len();
    let mut key = None;
    if !text[*at..].starts_with('#') {
        let is_quoted = text[*at..].starts_with('\'');
        let found = if is_quoted { &PYTHON_QUOTED_KEY } else { &PYTHON_KEY }.captures(&text[*at..])?;
        key = Some(found.get(1).or_else(|| found.get(0))?.as_str().to_owned());
        *at += found[0].len();
    }
    skip_blanks(text, at);
    let mut value = None;
    if text[*at..].starts_with('=') {
        *at += 1;
        let before = *at;
        skip_blanks(text, at);
        let is_comment = release == Release::Current && *at > before && text[*at..].starts_with('#');
        value = Some(if is_comment { String::new() } else { python_value(text, at, release)? });
    }
    *at += PYTHON_END.find(&text[*at..])?.len();
    Some(key.map(|key| (key, value)))
}

fn skip_blanks(text: &str, at: &mut usize) {
    let rest = &text[*at..];
    *at += rest.len() - rest.trim_start_matches(|character: char| character.is_whitespace() && character != '\n').len();
}

fn python_value(text: &str, at: &mut usize, release: Release) -> Option<String> {
    let rest = &text[*at..];
    let (pattern, escaped): (&Regex, &str) = match (rest.chars().next(), release) {
        (Some('\''), Release::Current) => (&PYTHON_SINGLE, "\\'"),
        (Some('\''), Release::BeforeEscapes) => (&OLD_PYTHON_SINGLE, "\\'"),
        (Some('"'), Release::Current) => (&PYTHON_DOUBLE, "\\'\"abfnrtv"),
        (Some('"'), Release::BeforeEscapes) => (&OLD_PYTHON_DOUBLE, "\\'\"abfnrtv"),
        _ => {
            let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
            *at += line.len();
            return Some(PYTHON_COMMENT.replace_all(line, "").trim_end().to_owned());
        }
    };
    let found = pattern.captures(rest)?;
    *at += found[0].len();
    Some(without_escapes(&found[1], escaped))
}

fn without_escapes(text: &str, escaped: &str) -> String {
    let (mut plain, mut characters) = (String::with_capacity(text.len()), text.chars().peekable());
    while let Some(character) = characters.next() {
        let next = characters.peek().copied().filter(|next| character == '\\' && escaped.contains(*next));
        plain.push(match next {
            None => character,
            Some(next) => {
                characters.next();
                match next {
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    other => other,
                }
            }
        });
    }
    plain
}

/// Puts in what `${NAME}` stands for: of what is set above it in the file and what the environment has, the one or the other first.
fn resolved(
    bindings: &[(String, Option<String>)],
    is_file_first: bool,
    variable: &impl Fn(&str) -> Option<String>,
) -> Vec<(String, Option<String>)> {
    let mut values: Vec<(String, Option<String>)> = Vec::new();
    for (name, text) in bindings {
        let value = text.as_ref().map(|text| {
            let lookup = |found: &Captures<'_>| {
                let in_file = || values.iter().rfind(|(name, _)| *name == found[1]).map(|(_, value)| value.clone());
                let in_environment = || variable(&found[1]).map(Some);
                let known = if is_file_first { in_file().or_else(in_environment) } else { in_environment().or_else(in_file) };
                let default = || found.get(2).map(|default| default.as_str().to_owned());
                known.unwrap_or_else(default).unwrap_or_default()
            };
            PYTHON_VARIABLE.replace_all(text, lookup).into_owned()
        });
        values.retain(|(other, _)| other != name);
        values.push((name.clone(), value));
    }
    values
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
    fn the_mark_of_an_editor_is_no_part_of_a_name() {
        let nothing = |_: &str| None;
        let text = "\u{feff}A=1\r\nB=2\r\n";
        assert_eq!(parse(text).into_keys().collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(parse_as_python(text, nothing).into_keys().collect::<Vec<_>>(), ["A", "B"]);
        assert!(readings(text, nothing).iter().all(|(name, _)| ["A", "B"].contains(&name.as_str())));
    }

    #[test]
    fn each_library_reads_in_its_own_way() {
        let text = "A=one # two#three\nB=x#y\nC=\"a\\tb\\\\c\\\"d\"\nD='it\\'s'\nE=${A}-${HOST}-${NONE:-other}\nexport F=\"more\n${E} lines\"\n\
                    G: yaml\n'H'=quoted\nI\nJ='open\nK=after";
        let variable = |name: &str| (name == "HOST").then(|| "machine".to_owned());
        let shown = |variables: Vec<(String, String)>| {
            variables.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(shown(parse(text).into_iter().collect()), @r#"
        A="one"
        B="x"
        C="a\\tb\\\\c\\\"d"
        D="it\\'s"
        E="${A}-${HOST}-${NONE:-other}"
        F="more\n${E} lines"
        G="yaml"
        J="'open"
        K="after"
        "#);
        let python = parse_as_python(text, variable);
        assert_eq!(python["I"], None);
        insta::assert_snapshot!(shown(python.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()), @r#"
        A="one"
        B="x#y"
        C="a\tb\\c\"d"
        D="it's"
        E="one-machine-other"
        F="more\none-machine-other lines"
        H="quoted"
        K="after"
        "#);
        let all = readings(text, variable);
        for (name, value) in
            [("B", "x"), ("B", "x#y"), ("C", "a\tb\\c\"d"), ("E", "${A}-${HOST}-${NONE:-other}"), ("E", "one-machine-other")]
        {
            assert!(all.contains(&(name.to_owned(), value.to_owned())), "{name}={value}: {all:?}");
        }
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
            readings(&text, |_| None);
            set(&text, "A", "b");
            remove(&text, &["A"]);
        }
    }
}
