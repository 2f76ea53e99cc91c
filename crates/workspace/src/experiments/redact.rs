//! Takes texts out of files of any size.
//!
//! First a file is only looked at ([`Scanner`]), block by block while it is read for its digest anyway: nearly all files have
//! nothing to remove and are sent as they are. The others are copied without it ([`Redactor::copy`]).
//!
//! In JSON, what is replaced must leave JSON. So a copy follows where strings begin and end: a text that only seems to be there
//! because an escape ends in its first letters is left, and so are digits inside of a longer number, and short words that name
//! a member. Everything else is replaced, also in lines that are broken.

use std::io::{self, Read, Write};

use aho_corasick::{AhoCorasick, Input, MatchKind};
use memchr::memchr3;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::experiments::secrets::{REMOVED, Secrets};

const BLOCK: usize = 1024 * 1024;
/// Names of members that are shorter than this are structure: nobody means them when a variable happens to have that value.
const SHORTEST_NAME: usize = 12;
/// Deeper nesting than this is not followed.
const DEEPEST: usize = 4096;

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
        let (mut json, mut text) = (Vec::new(), Vec::new());
        for value in secrets.values() {
            digest.update((value.len() as u64).to_le_bytes());
            digest.update(value.as_bytes());
            json.extend(written_in_json(value));
            text.push(value.to_owned());
        }
        let fingerprint = data_encoding::HEXLOWER.encode(&digest.finalize());
        Ok(Self { json: Patterns::new(json)?, text: Patterns::new(text)?, fingerprint })
    }

    /// Returns a text that differs for different secrets and tells none of them.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
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
