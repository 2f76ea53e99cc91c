//! Takes secrets out of what leaves: files of any size, records, lines.
//!
//! A secret is found as it is written, and in the forms that programs give to a text on its way: in base64 at any place of a
//! longer text, in hexadecimal digits, percent-encoded, escaped for HTML, JSON, Python or a shell.
//!
//! In files, first a file is only looked at ([`Scanner`]), block by block while it is read for its digest anyway: nearly all files have
//! nothing to remove and are sent as they are. The others are copied without it ([`Redactor::copy`]).
//!
//! In JSON, what is replaced must leave JSON. So a copy follows where strings begin and end: a text that only seems to be there
//! because an escape ends in its first letters is left, and so are digits inside of a longer number, and short words that name
//! a member. Everything else is replaced, also in lines that are broken.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use aho_corasick::{AhoCorasick, Input, MatchKind};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use memchr::memchr3;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::experiments::secrets::{REMOVED, Secrets};

const BLOCK: usize = 1024 * 1024;
/// Names of members that are shorter than this are structure: nobody means them when a variable happens to have that value.
const SHORTEST_NAME: usize = 12;
/// Deeper nesting than this is not followed.
const DEEPEST: usize = 4096;

/// What is not escaped in the part of an address, besides letters and digits: by JavaScript, and by Python, which keeps `/` too.
const KEPT_BY_JAVASCRIPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
const KEPT_BY_PYTHON: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const KEPT_IN_PATHS: &AsciiSet = &KEPT_BY_PYTHON.remove(b'/');
/// Fewer characters of base64 than these are in any text.
const SHORTEST_BASE64: usize = 7;

/// How a file writes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON document.
    Json,
    /// One JSON document in each line.
    JsonLines,
    /// Text as it is.
    Text,
}

/// The secrets are too many or too long to be looked for.
#[derive(Debug, thiserror::Error)]
#[error("the values in the .env files are too many to be looked for: {0}")]
pub struct TooManySecrets(#[from] aho_corasick::BuildError);

/// Finds the texts that must not leave the machine.
#[derive(Debug, Clone)]
pub struct Redactor {
    json: Patterns,
    text: Patterns,
    fingerprint: String,
}

#[derive(Debug, Clone)]
struct Patterns {
    /// `None` where there is nothing to look for.
    automaton: Option<AhoCorasick>,
    longest: usize,
}

impl Redactor {
    /// Prepares the search.
    ///
    /// # Errors
    /// There is more to look for than fits.
    pub fn new(secrets: &Secrets) -> Result<Self, TooManySecrets> {
        let mut digest = Sha256::new();
        // What was found to be clean was so for these forms; with others it is looked at again.
        digest.update(b"forms/2");
        let (mut json, mut text) = (Vec::new(), Vec::new());
        for value in secrets.values() {
            digest.update((value.len() as u64).to_le_bytes());
            digest.update(value.as_bytes());
            for form in forms(value) {
                json.extend(written_in_json(&form));
                text.push(form);
            }
        }
        json.sort();
        json.dedup();
        let fingerprint = data_encoding::HEXLOWER.encode(&digest.finalize());
        Ok(Self { json: Patterns::new(json)?, text: Patterns::new(text)?, fingerprint })
    }

    /// Returns a text that differs for different secrets and tells none of them.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns a text without the secrets.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(automaton) = self.text.automaton.as_ref().filter(|automaton| automaton.is_match(text)) else {
            return Cow::Borrowed(text);
        };
        let (mut cleaned, mut at) = (String::with_capacity(text.len()), 0);
        for found in automaton.find_iter(text) {
            cleaned.push_str(&text[at..found.start()]);
            cleaned.push_str(REMOVED);
            at = found.end();
        }
        Cow::Owned(cleaned + &text[at..])
    }

    /// Takes the secrets out of a value, out of the names of its members too, and returns true if there were any.
    pub fn clean_value(&self, value: &mut Value) -> bool {
        self.clean_texts(value) | self.clean_numbers(value)
    }

    /// Returns a record without the secrets, or `None` where it has none.
    pub fn cleaned<T: Serialize + DeserializeOwned>(&self, record: &T) -> Option<T> {
        let mut value = serde_json::to_value(record).ok()?;
        let has_texts = self.clean_texts(&mut value);
        // A number may be one of the record's own figures, which no text can stand for.
        let mut without_numbers = value.clone();
        if self.clean_numbers(&mut without_numbers)
            && let Ok(record) = serde_json::from_value(without_numbers)
        {
            return Some(record);
        }
        if has_texts { serde_json::from_value(value).ok() } else { None }
    }

    fn clean_texts(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.clean(text) {
                Cow::Borrowed(_) => false,
                Cow::Owned(cleaned) => {
                    *text = cleaned;
                    true
                }
            },
            Value::Array(items) => items.iter_mut().fold(false, |found, item| self.clean_texts(item) | found),
            Value::Object(members) => {
                let found = members.values_mut().fold(false, |found, item| self.clean_texts(item) | found);
                let is_clean = |name: &String| name.len() < SHORTEST_NAME || matches!(self.clean(name), Cow::Borrowed(_));
                if members.keys().all(is_clean) {
                    return found;
                }
                *members = std::mem::take(members)
                    .into_iter()
                    .map(|(name, value)| (if is_clean(&name) { name } else { self.clean(&name).into_owned() }, value))
                    .collect::<Map<String, Value>>();
                true
            }
            _ => false,
        }
    }

    fn clean_numbers(&self, value: &mut Value) -> bool {
        match value {
            Value::Number(number) => {
                let is_secret = self.clean(&number.to_string()) == REMOVED;
                if is_secret {
                    *value = Value::from(REMOVED);
                }
                is_secret
            }
            Value::Array(items) => items.iter_mut().fold(false, |found, item| self.clean_numbers(item) | found),
            Value::Object(members) => members.values_mut().fold(false, |found, item| self.clean_numbers(item) | found),
            _ => false,
        }
    }

    /// Returns what looks through a file in blocks.
    pub fn scanner(&self, form: Form) -> Scanner<'_> {
        Scanner { patterns: self.patterns(form), tail: Vec::new(), found: false }
    }

    /// Copies a file without the secrets and returns how many were removed.
    ///
    /// # Errors
    /// Reading or writing failed.
    pub fn copy(&self, form: Form, mut input: impl Read, output: &mut impl Write) -> io::Result<u64> {
        let patterns = self.patterns(form);
        let Some(automaton) = &patterns.automaton else {
            io::copy(&mut input, output)?;
            return Ok(0);
        };
        let mut lexer = (form != Form::Text).then(|| Lexer::new(form));
        let mut buffer = Vec::with_capacity(BLOCK + patterns.longest + 1);
        let mut removed = 0;
        // The last byte before the buffer, for the question whether a number begins there.
        let mut before = b'\n';
        loop {
            let wanted = (BLOCK + patterns.longest + 1 - buffer.len()) as u64;
            let is_end = input.by_ref().take(wanted).read_to_end(&mut buffer)? < usize::try_from(wanted).unwrap_or(usize::MAX);
            // A match that begins behind this may be the beginning of a longer one.
            let safe = if is_end { buffer.len() } else { buffer.len() - patterns.longest - 1 };
            let (mut written, mut at) = (0, 0);
            while let Some(found) = automaton.find(Input::new(&buffer).range(at..)).filter(|found| found.start() < safe) {
                let (start, end) = (found.start(), found.end());
                let previous = if start == 0 { before } else { buffer[start - 1] };
                let replacement = match &mut lexer {
                    None => Some(Replacement::Plain),
                    Some(lexer) => {
                        lexer.advance(&buffer[at..start]);
                        lexer.replacement(&buffer[start..end], previous, buffer.get(end).copied())
                    }
                };
                at = if replacement.is_some() { end } else { start + 1 };
                if let Some(lexer) = &mut lexer {
                    lexer.advance(&buffer[start..at]);
                }
                if let Some(replacement) = replacement {
                    output.write_all(&buffer[written..start])?;
                    output.write_all(replacement.text().as_bytes())?;
                    written = end;
                    removed += 1;
                }
            }
            let keep_from = safe.max(at);
            if let Some(lexer) = &mut lexer {
                lexer.advance(&buffer[at..keep_from]);
            }
            output.write_all(&buffer[written..keep_from])?;
            if is_end {
                return Ok(removed);
            }
            before = buffer[keep_from - 1];
            buffer.drain(..keep_from);
        }
    }

    fn patterns(&self, form: Form) -> &Patterns {
        if form == Form::Text { &self.text } else { &self.json }
    }
}

impl Patterns {
    fn new(patterns: Vec<String>) -> Result<Self, TooManySecrets> {
        if patterns.is_empty() {
            return Ok(Self { automaton: None, longest: 0 });
        }
        let longest = patterns.iter().map(String::len).max().unwrap_or(0);
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns)?;
        Ok(Self { automaton: Some(automaton), longest })
    }
}

/// Returns the forms in which programs write a text.
fn forms(value: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([value.to_owned()]);
    for escaped in written_in_json(value) {
        // JSON in a text of JSON is common in logs.
        forms.extend(written_in_json(&escaped));
        forms.insert(escaped);
    }
    forms.extend([HEXLOWER.encode(value.as_bytes()), HEXUPPER.encode(value.as_bytes())]);
    for kept in [KEPT_BY_JAVASCRIPT, KEPT_BY_PYTHON, KEPT_IN_PATHS, NON_ALPHANUMERIC] {
        let encoded = utf8_percent_encode(value, kept).to_string();
        // A form is sent with `+` for a blank, and some write the digits in small letters.
        for encoded in [encoded.replace("%20", "+"), encoded] {
            forms.insert(with_small_digits(&encoded));
            forms.insert(encoded);
        }
    }
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    for (double, single) in [("&quot;", "&#39;"), ("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("&quot;", "'"), ("&quot;", "&apos;")]
    {
        forms.insert(html.replace('"', double).replace('\'', single));
    }
    forms.insert(html);
    // Python shows a text in quotes, a shell takes it in quotes.
    let python = value.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
    forms.extend([python.replace('\'', "\\'"), python]);
    forms.extend([value.replace('\'', "'\\''"), value.replace('\'', "'\"'\"'")]);
    for escaped in ["\\\"$`", "\\\"$`!"] {
        forms.insert(with_backslashes(value, |character| escaped.contains(character)));
    }
    forms.insert(with_backslashes(value, |character| {
        character.is_ascii() && !character.is_ascii_alphanumeric() && !"%+-./:=@_,".contains(character)
    }));
    for encoding in [BASE64_NOPAD, BASE64URL_NOPAD] {
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(value.as_bytes());
            let encoded = encoding.encode(&bytes);
            // The first characters hold bits of what stands before, the last one may hold bits of what follows.
            let begin = before + usize::from(before > 0);
            let end = bytes.len() * 8 / 6;
            if end >= begin + SHORTEST_BASE64 {
                forms.insert(encoded[begin..end].to_owned());
            }
        }
    }
    forms
}

fn with_small_digits(encoded: &str) -> String {
    let mut digits = 0;
    let small = |character: char| {
        let is_digit = digits > 0;
        digits = if character == '%' { 2 } else { digits.max(1) - 1 };
        if is_digit { character.to_ascii_lowercase() } else { character }
    };
    encoded.chars().map(small).collect()
}

fn with_backslashes(value: &str, is_escaped: impl Fn(char) -> bool) -> String {
    value.chars().flat_map(|character| is_escaped(character).then_some('\\').into_iter().chain([character])).collect()
}

/// Returns the forms in which a text may stand inside of a JSON string.
fn written_in_json(value: &str) -> Vec<String> {
    let utf8 = Value::from(value).to_string();
    let utf8 = utf8[1..utf8.len() - 1].to_owned();
    let mut ascii = String::new();
    for character in utf8.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    let mut forms = vec![utf8.replace('/', "\\/"), ascii.replace('/', "\\/"), utf8, ascii];
    forms.sort();
    forms.dedup();
    forms
}

/// Looks for secrets in a file that comes in blocks.
#[derive(Debug)]
pub struct Scanner<'a> {
    patterns: &'a Patterns,
    tail: Vec<u8>,
    found: bool,
}

impl Scanner<'_> {
    /// Looks at the next block.
    pub fn feed(&mut self, block: &[u8]) {
        let Some(automaton) = &self.patterns.automaton else { return };
        if self.found {
            return;
        }
        let overlap = self.patterns.longest.saturating_sub(1);
        // What began in the blocks before may end in this one.
        self.tail.extend_from_slice(&block[..overlap.min(block.len())]);
        self.found = automaton.is_match(&self.tail[..]) || automaton.is_match(block);
        if block.len() >= overlap {
            self.tail.clear();
            self.tail.extend_from_slice(&block[block.len() - overlap..]);
        } else {
            let too_much = self.tail.len().saturating_sub(overlap);
            self.tail.drain(..too_much);
        }
    }

    /// Returns true if there was something.
    pub fn found(&self) -> bool {
        self.found
    }
}

enum Replacement {
    Plain,
    Quoted,
}

impl Replacement {
    fn text(&self) -> &'static str {
        match self {
            Self::Plain => REMOVED,
            Self::Quoted => "\"[removed]\"",
        }
    }
}

/// The letter behind a backslash comes next.
const LETTER: u8 = u8::MAX;

/// Follows where strings begin and end.
struct Lexer {
    form: Form,
    in_string: bool,
    is_name: bool,
    /// What of an escape is still to come: [`LETTER`], or so many digits.
    escape: u8,
    /// The open brackets: true for an object.
    open: Vec<bool>,
    name_comes: bool,
}

impl Lexer {
    fn new(form: Form) -> Self {
        Self { form, in_string: false, is_name: false, escape: 0, open: Vec::new(), name_comes: false }
    }

    /// Returns what to put in the place of a match that begins here.
    fn replacement(&self, matched: &[u8], previous: u8, next: Option<u8>) -> Option<Replacement> {
        let is_numeric = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-' | b'e' | b'E');
        if self.in_string {
            let is_structure = self.is_name && matched.len() < SHORTEST_NAME;
            return (self.escape == 0 && !is_structure).then_some(Replacement::Plain);
        }
        if !matched.iter().all(is_numeric) {
            return Some(Replacement::Plain);
        }
        let is_whole = !is_numeric(&previous) && next.is_none_or(|next| !is_numeric(&next));
        is_whole.then_some(Replacement::Quoted)
    }

    fn advance(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string && self.escape == 0 {
                match memchr3(b'"', b'\\', b'\n', &bytes[at..]) {
                    None => return,
                    Some(skip) => at += skip,
                }
            }
            self.step(bytes[at]);
            at += 1;
        }
    }

    fn step(&mut self, byte: u8) {
        if byte == b'\n' {
            // Never inside of a string, so here begins something new even if what came before was broken.
            (self.in_string, self.escape) = (false, 0);
            if self.form == Form::JsonLines {
                self.open.clear();
                self.name_comes = false;
            }
        } else if self.escape > 0 {
            self.escape = match (self.escape, byte) {
                (LETTER, b'u') => 4,
                (LETTER, _) => 0,
                (digits, _) => digits - 1,
            };
        } else if self.in_string {
            match byte {
                b'\\' => self.escape = LETTER,
                b'"' => self.in_string = false,
                _ => {}
            }
        } else {
            self.step_outside(byte);
        }
    }

    fn step_outside(&mut self, byte: u8) {
        match byte {
            b'"' => (self.in_string, self.is_name) = (true, self.name_comes),
            b'{' | b'[' => {
                if self.open.len() < DEEPEST {
                    self.open.push(byte == b'{');
                }
                self.name_comes = byte == b'{';
            }
            b'}' | b']' => {
                self.open.pop();
                self.name_comes = false;
            }
            b',' => self.name_comes = self.open.last().copied().unwrap_or(false),
            b':' => self.name_comes = false,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn redactor(values: &[&str]) -> Redactor {
        let mut secrets = Secrets::default();
        values.iter().for_each(|value| secrets.add(value));
        Redactor::new(&secrets).unwrap()
    }

    fn copied(redactor: &Redactor, form: Form, input: &str) -> (String, u64) {
        let mut output = Vec::new();
        let removed = redactor.copy(form, input.as_bytes(), &mut output).unwrap();
        let mut scanner = redactor.scanner(form);
        input.as_bytes().chunks(7).for_each(|block| scanner.feed(block));
        assert!(scanner.found() || removed == 0, "the scanner missed something in {input}");
        (String::from_utf8(output).unwrap(), removed)
    }

    #[test]
    fn f12_every_form_of_a_secret_is_removed() {
        let redactor = redactor(&["hunter2/ü\"x"]);
        let lines = r#"{"a":"hunter2/ü\"x and hunter2/\u00fc\"x","b":["hunter2\/ü\"x"]}"#;
        assert_eq!(
            copied(&redactor, Form::JsonLines, lines),
            (r#"{"a":"[removed] and [removed]","b":["[removed]"]}"#.to_owned(), 3)
        );
        assert_eq!(copied(&redactor, Form::Text, "> hunter2/ü\"x!"), ("> [removed]!".to_owned(), 1));
    }

    #[test]
    fn a_secret_is_found_in_every_form_that_programs_write() {
        const SECRET: &str = "p@ss<w>'o\"rd & $x/ü\\é+1";
        let redactor = redactor(&[SECRET]);
        let encode = |before: &str| data_encoding::BASE64.encode(format!("{before}{SECRET}; and more").as_bytes());
        let url_safe = |before: &str| data_encoding::BASE64URL.encode(format!("{before}{SECRET}; and more").as_bytes());
        let forms = [
            SECRET.to_owned(),
            encode(""),
            encode("a"),
            encode("user:"),
            url_safe(""),
            url_safe("u"),
            url_safe("us"),
            "p%40ss%3Cw%3E'o%22rd%20%26%20%24x%2F%C3%BC%5C%C3%A9%2B1".to_owned(),
            "p%40ss%3Cw%3E%27o%22rd+%26+%24x%2F%C3%BC%5C%C3%A9%2B1".to_owned(),
            "p%40ss%3cw%3e%27o%22rd%20%26%20%24x/%c3%bc%5c%c3%a9%2b1".to_owned(),
            "p@ss&lt;w&gt;&#x27;o&quot;rd &amp; $x/ü\\é+1".to_owned(),
            "p@ss&lt;w&gt;&#39;o&#34;rd &amp; $x/ü\\é+1".to_owned(),
            HEXLOWER.encode(SECRET.as_bytes()),
            HEXUPPER.encode(SECRET.as_bytes()),
            serde_json::to_string(SECRET).unwrap(),
            serde_json::to_string(&serde_json::to_string(SECRET).unwrap()).unwrap(),
            "'p@ss<w>'\\''o\"rd & $x/ü\\é+1'".to_owned(),
            "'p@ss<w>'\"'\"'o\"rd & $x/ü\\é+1'".to_owned(),
            "\"p@ss<w>'o\\\"rd & \\$x/ü\\\\é+1\"".to_owned(),
            "p@ss\\<w\\>\\'o\\\"rd\\ \\&\\ \\$x/ü\\\\é+1".to_owned(),
            "'p@ss<w>\\'o\"rd & $x/ü\\\\é+1'".to_owned(),
        ];
        for form in &forms {
            let (text, removed) = copied(&redactor, Form::Text, &format!("x {form} y"));
            assert!(removed == 1 && text.contains(REMOVED) && text.len() < 50, "{form} became {text}");
            assert_eq!(redactor.clean(&format!("x {form} y")), text);
        }
        for form in forms {
            let line = json!({ "output": format!("x {form} y") }).to_string();
            let (text, removed) = copied(&redactor, Form::JsonLines, &line);
            assert!(removed == 1 && text.len() < 64, "{form} became {text}");
            serde_json::from_str::<Value>(&text).unwrap();
        }
    }

    #[test]
    fn a_record_loses_texts_names_and_numbers() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct Record {
            text: String,
            count: u64,
            more: Value,
        }
        let redactor = redactor(&["123456", "a-long-secret-1"]);
        let record = |text: &str, count, more| Record { text: text.to_owned(), count, more };
        assert_eq!(redactor.cleaned(&record("x", 1, json!({"a": [1, "b"]}))), None);
        let found = redactor.cleaned(&record("a-long-secret-1!", 2, json!({"an a-long-secret-1": [123_456, "123456"]})));
        assert_eq!(found, Some(record("[removed]!", 2, json!({"an [removed]": ["[removed]", "[removed]"]}))));
        let figure = redactor.cleaned(&record("a-long-secret-1", 123_456, json!(null)));
        assert_eq!(figure, Some(record(REMOVED, 123_456, json!(null))), "a figure stays a number");
    }

    #[test]
    fn what_only_looks_like_a_secret_stays() {
        let redactor = redactor(&["123456", "nabcdef", "output"]);
        let text = r#"{"output":"\nabcdef nabcdef","n":[123456,1234567,7.123456,-123456,"123456"]}"#;
        let expected = r#"{"output":"\nabcdef [removed]","n":["[removed]",1234567,7.123456,-123456,"[removed]"]}"#;
        assert_eq!(copied(&redactor, Form::JsonLines, text), (expected.to_owned(), 3));
    }

    #[test]
    fn a_broken_line_is_cleaned_too_and_ends_with_its_line() {
        let redactor = redactor(&["secret-1"]);
        let text = "{\"a\": \"secret-1\nsecret-1 {\"b\":\"secret-1\"}\n";
        let expected = "{\"a\": \"[removed]\n[removed] {\"b\":\"[removed]\"}\n";
        assert_eq!(copied(&redactor, Form::JsonLines, text), (expected.to_owned(), 3));
    }

    #[test]
    fn nothing_is_lost_where_blocks_meet() {
        let redactor = redactor(&["secret-1"]);
        for shift in 0..12 {
            let text = format!("{}secret-1{}secret-1", "x".repeat(BLOCK - shift), "y".repeat(BLOCK));
            let (copy, removed) = copied(&redactor, Form::Text, &text);
            assert_eq!(removed, 2);
            assert!(copy == text.replace("secret-1", REMOVED), "{shift}");
        }
    }

    fn contains(value: &Value, secret: &str) -> bool {
        match value {
            Value::String(text) => text.contains(secret),
            Value::Array(items) => items.iter().any(|item| contains(item, secret)),
            Value::Object(members) => members.values().any(|item| contains(item, secret)),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn what_was_json_is_json_without_the_secret(
            secret in "[a-cü\"\\\\/\n7]{6,9}",
            texts in proptest::collection::vec("[a-cü\"\\\\/\n7]{0,12}", 0..5),
            numbers in proptest::collection::vec(any::<i64>(), 0..3),
        ) {
            let secret = secret.trim();
            prop_assume!(secret.chars().count() >= 6);
            let value = json!({
                "texts": texts,
                "with": texts.iter().map(|text| format!("{text}{secret}{text}")).collect::<Vec<_>>(),
                "numbers": numbers,
            });
            let redactor = redactor(&[secret]);
            let (copy, removed) = copied(&redactor, Form::JsonLines, &value.to_string());
            prop_assert!(removed >= texts.len() as u64);
            let copy: Value = serde_json::from_str(&copy).unwrap();
            prop_assert!(!contains(&copy, secret), "{copy}");
            // Once more changes nothing.
            prop_assert_eq!(copied(&redactor, Form::JsonLines, &copy.to_string()), (copy.to_string(), 0));
        }
    }
}
