//! Reads plain JSON quickly.
//!
//! Nearly every item of a bundle is a few texts and a few small numbers. Only those are read here, in a
//! third of the time that a reader for everything takes; whatever is anything else is left to that one, which then also says
//! what is wrong with it. So this never has to say no.

use std::borrow::Cow;

use super::json::{Json, Member};

/// How deep objects and lists are looked into.
const DEEPEST: usize = 16;

/// Up to how many members an object has few of them, so that each can be compared with all.
const MOST_MEMBERS: usize = 16;

/// Up to how many digits every number is a whole one that fits.
const MOST_DIGITS: usize = 15;

/// What a byte inside a text can be.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

/// Reads an object or a list at the beginning of a text, and returns it with its length; `None` where it is not plain, not
/// whole, or neither of them.
pub(super) fn read(text: &[u8]) -> Option<(Json<'_>, usize)> {
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    Some((value, reader.at))
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Returns the next byte that is no white space, without taking it.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Takes the next byte if it is this one.
    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        match self.peek()? {
            b'"' => self.string().map(Json::Text),
            b'{' if depth < DEEPEST => self.members(depth + 1),
            b'[' if depth < DEEPEST => self.list(depth + 1),
            b'0'..=b'9' => self.number(),
            b't' => self.word(b"true", Json::Bool(true)),
            b'f' => self.word(b"false", Json::Bool(false)),
            b'n' => self.word(b"null", Json::Null),
            _ => None,
        }
    }

    fn members(&mut self, depth: usize) -> Option<Json<'a>> {
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(Json::Members(Vec::new()));
        }
        let mut members: Vec<Member<'a>> = Vec::with_capacity(4);
        loop {
            self.peek().filter(|byte| *byte == b'"')?;
            let name = self.string()?;
            if members.len() == MOST_MEMBERS || members.iter().any(|(known, _)| *known == name) {
                return None;
            }
            self.take(b':')?;
            let value = self.value(depth)?;
            members.push((name, value));
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        self.at += 1;
        Some(Json::Members(members))
    }

    fn list(&mut self, depth: usize) -> Option<Json<'a>> {
        self.at += 1;
        let mut list = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(Json::List(list));
        }
        loop {
            list.push(self.value(depth)?);
            match self.peek()? {
                b',' => self.at += 1,
                b']' => break,
                _ => return None,
            }
        }
        self.at += 1;
        Some(Json::List(list))
    }

    /// Reads a text from its quote on.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let rest = self.text.get(self.at + 1..)?;
        let length = rest.iter().position(|byte| !PLAIN[usize::from(*byte)])?;
        match rest[length] {
            b'"' => {
                self.at += length + 2;
                std::str::from_utf8(&rest[..length]).ok().map(Cow::Borrowed)
            }
            b'\\' => self.string_with_escapes(length + 1).map(Cow::Owned),
            _ => None,
        }
    }

    /// Reads a text with an escape at `from`, counted from its quote.
    fn string_with_escapes(&mut self, from: usize) -> Option<String> {
        let text = &self.text[self.at..];
        let mut end = from;
        while *text.get(end)? != b'"' {
            end += if text[end] == b'\\' { 2 } else { 1 };
        }
        self.at += end + 1;
        serde_json::from_slice(&text[..=end]).ok()
    }

    fn number(&mut self) -> Option<Json<'a>> {
        let rest = &self.text[self.at..];
        // What follows says whether this was all of it.
        let length = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let is_whole = matches!(rest[length], b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
        if !is_whole || length > MOST_DIGITS || (length > 1 && rest[0] == b'0') {
            return None;
        }
        self.at += length;
        let number = rest[..length].iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        Some(Json::Number(number.into()))
    }

    fn word(&mut self, word: &[u8], value: Json<'a>) -> Option<Json<'a>> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())?;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::json::tests::value;
    use super::*;

    /// What the reader for everything says.
    fn other(text: &[u8]) -> Option<(Value, usize)> {
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        let value = values.next()?.ok()?;
        Some((value, values.byte_offset()))
    }

    fn agrees(text: &[u8]) -> Result<(), TestCaseError> {
        if let Some((json, length)) = read(text) {
            let (value, other_length) = other(text).expect("it is JSON");
            prop_assert_eq!(length, other_length);
            prop_assert_eq!(json.to_value().to_string(), value.to_string());
        }
        Ok(())
    }

    #[test]
    fn an_item_is_plain() {
        let item = json!({
            "id": "item-1", "messages": [{"role": "user", "content": "Wo ist \"mein\"\nPäckchen? 📦\\"}, {}], "tags": [],
            "metadata": {"category": "happy", "number": 120, "is_new": true, "was": false, "none": null},
        });
        for text in [item.to_string(), format!("{item:#}")] {
            let (json, length) = read(text.as_bytes()).unwrap();
            assert_eq!((json.to_value(), length), (item.clone(), text.len()));
        }
    }

    #[test]
    fn what_is_not_plain_is_left() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let texts = [
            r#"{"a":"\x"}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":"\"}"#,
            r#"{"a":1.5}"#,
            r#"{"a":-1}"#,
            r#"{"a":1e3}"#,
            r#"{"a":012}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1234567890123456}"#,
            r#"{"a":1"#,
            r#"{"a":tru}"#,
            r#"{"a" 1}"#,
            r#"{"a":1,}"#,
            "[1 2]",
            "[1,]",
            "{,}",
            "{",
            "[",
            "1",
            "\"a\"",
            "",
            "nul",
            r#"{"a":nulls}"#,
            &deep,
        ];
        for text in texts {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(b"[\"\xff\"]"), None);
    }

    proptest! {
        #[test]
        fn it_says_what_the_reader_for_everything_says(value in value(), is_pretty: bool, cut: prop::sample::Index) {
            let text = if is_pretty { format!("{value:#}") } else { value.to_string() };
            agrees(text.as_bytes())?;
            let half = &text.as_bytes()[..cut.index(text.len())];
            prop_assert!(read(half).is_none_or(|(_, length)| length <= half.len()));
            agrees(half)?;
        }

        #[test]
        fn it_accepts_no_text_that_is_no_json(text in "[\\[{]([\\[\\]{}\",:0-9a-b \\\\]|true|null|\"a\":){0,12}") {
            agrees(text.as_bytes())?;
        }
    }
}
