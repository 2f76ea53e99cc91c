//! Writes text as literals, and finds the place in a literal that stands for a place in its text.
//!
//! Text from a server must come out of the code as it is and must never become code. Every function here escapes
//! everything that could end its literal or begin a substitution, and everything that an editor or a terminal would show as
//! something else.

use serde_json::Value as Json;

use crate::syntax::Quote;
use crate::value::Style;

/// What stands around a stretch of text inside its literal.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around<'a> {
    /// The source before it, since the beginning of the literal.
    pub(crate) before: &'a str,
    /// The source after it, to the end of the literal.
    pub(crate) after: &'a str,
}

/// Returns a text as the inside of a literal.
pub(crate) fn content(text: &str, style: Style, around: Around<'_>, line_end: &str) -> String {
    match style {
        Style::Quoted(Quote::Json) => json_content(text),
        Style::Quoted(quote) => quoted_content(text, quote.character()),
        Style::Template { .. } => template_content(text, around, line_end),
        Style::RawTemplate | Style::File => text.to_owned(),
    }
}

fn json_content(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            other if is_hidden(other) => out.push_str(&format!("\\u{:04x}", u32::from(other))),
            other => out.push(other),
        }
    }
    out
}

fn quoted_content(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if other == quote => {
                out.push('\\');
                out.push(other);
            }
            other => push_visible(&mut out, other),
        }
    }
    out
}

fn template_content(text: &str, around: Around<'_>, line_end: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut follows_dollar = ends_with_dollar(around.before);
    while let Some(character) = characters.next() {
        let is_followed_by_brace = match characters.peek() {
            Some(next) => *next == '{',
            None => around.after.starts_with('{'),
        };
        match character {
            '\\' => out.push_str("\\\\"),
            '`' => out.push_str("\\`"),
            '$' if is_followed_by_brace => out.push_str("\\$"),
            // Only what stood there before can have left a dollar sign open.
            '{' if follows_dollar => out.push_str("\\{"),
            '\n' => out.push_str(line_end),
            '\t' => out.push('\t'),
            '\r' => out.push_str("\\r"),
            other => push_visible(&mut out, other),
        }
        follows_dollar = false;
    }
    out
}

/// Returns true if a template's source ends in a dollar sign that the next brace would make a substitution.
fn ends_with_dollar(source: &str) -> bool {
    let Some(before) = source.strip_suffix('$') else { return false };
    let backslashes = before.bytes().rev().take_while(|byte| *byte == b'\\').count();
    backslashes % 2 == 0
}

fn push_visible(out: &mut String, character: char) {
    match u32::from(character) {
        // Never the short form of NUL: a digit after it would make it something else.
        code if code < 0x100 && is_hidden(character) => out.push_str(&format!("\\x{code:02x}")),
        code if is_hidden(character) => out.push_str(&format!("\\u{code:04x}")),
        _ => out.push(character),
    }
}

/// Characters that are not seen, or that change how others are seen.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns the offsets in a literal's source that stand for offsets in its text, or `None` where one stands for none.
///
/// The offsets are pairs of a start and an end, in ascending order. A stretch of the source without text (a continued line)
/// is left outside of them.
pub(crate) fn source_ranges(source: &str, style: Style, ranges: &[(usize, usize)]) -> Option<Vec<(usize, usize)>> {
    let mut tokens = Tokens { source, style, at: 0, text_at: 0 };
    let mut found = Vec::with_capacity(ranges.len());
    for &(start, end) in ranges {
        tokens.forward_to(start)?;
        if start == end {
            found.push((tokens.at, tokens.at));
            continue;
        }
        tokens.skip_empty();
        let from = tokens.at;
        tokens.forward_to(end)?;
        found.push((from, tokens.at));
    }
    Some(found)
}

struct Tokens<'a> {
    source: &'a str,
    style: Style,
    at: usize,
    text_at: usize,
}

impl Tokens<'_> {
    fn forward_to(&mut self, text_offset: usize) -> Option<()> {
        while self.text_at < text_offset {
            let (source_length, text_length) = self.next_token()?;
            self.at += source_length;
            self.text_at += text_length;
        }
        (self.text_at == text_offset).then_some(())
    }

    fn skip_empty(&mut self) {
        while let Some((length, 0)) = self.next_token() {
            self.at += length;
        }
    }

    /// Returns how long the next token is in the source and in the text.
    fn next_token(&self) -> Option<(usize, usize)> {
        let rest = &self.source[self.at..];
        let first = rest.chars().next()?;
        let is_template = matches!(self.style, Style::Template { .. } | Style::RawTemplate);
        if is_template && first == '\r' {
            return Some((if rest.starts_with("\r\n") { 2 } else { 1 }, 1));
        }
        if first != '\\' || matches!(self.style, Style::File | Style::RawTemplate) {
            return Some((first.len_utf8(), first.len_utf8()));
        }
        let escaped = rest[1..].chars().next()?;
        let code_token = |digits: &str, length: usize| {
            let code = u32::from_str_radix(digits, 16).ok()?;
            Some((length, char::from_u32(code)?.len_utf8()))
        };
        match escaped {
            'x' => code_token(rest.get(2..4)?, 4),
            'u' if rest[2..].starts_with('{') => {
                let end = rest.find('}')?;
                code_token(rest.get(3..end)?, end + 1)
            }
            'u' => {
                let high = u32::from_str_radix(rest.get(2..6)?, 16).ok()?;
                if (0xd800..0xdc00).contains(&high) {
                    // Both halves together are one character.
                    return rest[6..].starts_with("\\u").then_some((12, 4));
                }
                code_token(rest.get(2..6)?, 6)
            }
            '\r' if rest[1..].starts_with("\r\n") => Some((3, 0)),
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some((1 + escaped.len_utf8(), 0)),
            // Octal escapes have several lengths; whoever writes them has the whole literal written anew.
            '0'..='7' if rest[2..].starts_with(|next: char| next.is_ascii_digit()) => None,
            'b' | 'f' | 'n' | 'r' | 't' | 'v' | '0' => Some((2, 1)),
            other => Some((1 + other.len_utf8(), other.len_utf8())),
        }
    }
}

/// How values are written in a file.
#[derive(Debug, Clone)]
pub(crate) struct CodeStyle {
    pub(crate) quote: Quote,
    pub(crate) line_end: &'static str,
    /// One step of indentation.
    pub(crate) step: String,
    /// The indentation of the line that the value begins on.
    pub(crate) indent: String,
    /// Objects are written with a member on each line.
    pub(crate) is_multiline: bool,
}

impl CodeStyle {
    /// Returns a text as a literal: a template where it has several lines, else a quoted string.
    pub(crate) fn text(&self, text: &str) -> String {
        if self.quote != Quote::Json && text.contains('\n') {
            return self.template(text);
        }
        let quote = self.quote.character();
        let content = content(text, Style::Quoted(self.quote), Around::default(), self.line_end);
        format!("{quote}{content}{quote}")
    }

    /// Returns a text as a template.
    pub(crate) fn template(&self, text: &str) -> String {
        let style = Style::Template { is_alone: true };
        format!("`{}`", content(text, style, Around::default(), self.line_end))
    }

    /// Returns a value as code that has nothing but data in it.
    pub(crate) fn value(&self, value: &Json) -> String {
        match value {
            Json::String(text) => self.text(text),
            Json::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.flat().value(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Json::Object(members) if members.is_empty() => "{}".to_owned(),
            Json::Object(members) if self.is_multiline => {
                let inner = Self { indent: format!("{}{}", self.indent, self.step), ..self.clone() };
                let comma = if self.quote == Quote::Json { "" } else { "," };
                let lines: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("{}{}{}: {}", self.line_end, inner.indent, inner.key(key), inner.value(value)))
                    .collect();
                format!("{{{}{comma}{}{}}}", lines.join(","), self.line_end, self.indent)
            }
            Json::Object(members) => {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("{}: {}", self.key(key), self.value(value))).collect();
                format!("{{ {} }}", members.join(", "))
            }
            // Null, booleans and numbers are written alike in JSON and in JavaScript.
            other => other.to_string(),
        }
    }

    /// Returns a name as the key of an object.
    pub(crate) fn key(&self, key: &str) -> String {
        let mut characters = key.chars();
        let is_name = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_' || first == '$')
            && characters.all(|character| character.is_ascii_alphanumeric() || character == '_' || character == '$');
        let quote = self.quote.character();
        let quoted = || {
            let content = content(key, Style::Quoted(self.quote), Around::default(), self.line_end);
            format!("{quote}{content}{quote}")
        };
        match (key, self.quote) {
            (_, Quote::Json) => quoted(),
            // As a plain key it would set the prototype.
            ("__proto__", _) => format!("[{}]", quoted()),
            _ if is_name => key.to_owned(),
            _ => quoted(),
        }
    }

    fn flat(&self) -> Self {
        Self { is_multiline: false, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: Style = Style::Template { is_alone: true };

    #[test]
    fn w3_a_substitution_is_never_written() {
        assert_eq!(content("x \\${a} ${b} $", TEMPLATE, Around::default(), "\n"), "x \\\\\\${a} \\${b} $");
        let around = Around { before: "costs $", after: "{x}" };
        assert_eq!(content("{y} $", TEMPLATE, around, "\n"), "\\{y} \\$");
        let escaped = Around { before: "costs \\$", after: "" };
        assert_eq!(content("{y}", TEMPLATE, escaped, "\n"), "{y}");
    }

    #[test]
    fn what_is_not_seen_is_escaped() {
        let text = "\0\r\u{2028}\u{feff}\u{85}\u{202e}\t";
        assert_eq!(content(text, TEMPLATE, Around::default(), "\n"), "\\x00\\r\\u2028\\ufeff\\x85\\u202e\t");
        let single = Style::Quoted(Quote::Single);
        assert_eq!(content("it's \"a\"\n", single, Around::default(), "\n"), "it\\'s \"a\"\\n");
        let json = Style::Quoted(Quote::Json);
        assert_eq!(content("it's \"a\"\0", json, Around::default(), "\n"), "it's \\\"a\\\"\\u0000");
    }

    #[test]
    fn places_in_the_text_are_found_in_the_source() {
        let single = Style::Quoted(Quote::Single);
        let source = r"a\n\u{1F600}\uD83D\uDE00\x41é\
b";
        let text = "a\n\u{1F600}\u{1F600}Aéb";
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let ranges: Vec<(usize, usize)> = places.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let found = source_ranges(source, single, &ranges).unwrap();
        let sources: Vec<&str> = found.iter().map(|(start, end)| &source[*start..*end]).collect();
        assert_eq!(sources, ["a", "\\n", "\\u{1F600}", "\\uD83D\\uDE00", "\\x41", "é", "b"]);
        assert_eq!(source_ranges(source, single, &[(3, 4)]), None);
        assert_eq!(source_ranges("a\r\nb", TEMPLATE, &[(1, 2), (2, 3)]).unwrap(), [(1, 3), (3, 4)]);
    }

    #[test]
    fn keys_and_values_are_data() {
        let style =
            CodeStyle { quote: Quote::Single, line_end: "\n", step: "  ".to_owned(), indent: String::new(), is_multiline: false };
        let value = serde_json::json!({"a-b": [1, null], "ok": "it's", "__proto__": {"x": true}});
        assert_eq!(style.value(&value), r"{ 'a-b': [1, null], ok: 'it\'s', ['__proto__']: { x: true } }");
        let lines = CodeStyle { is_multiline: true, indent: "  ".to_owned(), ..style };
        assert_eq!(lines.value(&serde_json::json!({"a": {"b": "x\ny"}})), "{\n    a: {\n      b: `x\ny`,\n    },\n  }");
    }
}
