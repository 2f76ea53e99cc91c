//! Writes JSON values as YAML that every reader understands alike.
//!
//! The files are read by PyYAML (YAML 1.1), by js-yaml (1.2 with some of 1.1), by our own reader and by people. The first two
//! disagree about `yes`, `1e3`, `012`, `12:30:00` and dates, so a text is written without quotes only where no reader could
//! take it for anything else. A text of several lines is a literal block where the block gives back every character; people
//! edit those line by line. Everything in doubt is in double quotes, with escapes for what nobody would see.
//!
//! The form is that of PyYAML's `dump`: keys in their order, lists not indented below their key, Unicode as it is.

use std::fmt::Write as _;

use serde_json::{Number, Value};
use serde_json_borrow::{ObjectAsVec, Value as Json};

use keepstep_base::text::{is_hidden, push_number};

/// The longest written key that stands on one line with its value. Readers give up on implicit keys of 1,024 characters.
const LONGEST_IMPLICIT_KEY: usize = 500;

/// Words that some version of YAML takes for a boolean, nothing or a number. Compared without case.
const WORDS_WITH_MEANING: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];

/// The length of the longest of them, in bytes. Most texts are longer and need no further look.
const LONGEST_WORD: usize = 5;

/// The ASCII characters that mean nothing to YAML inside a text.
const GOOD_IN_PLAIN: [bool; 256] = {
    let mut good = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let sign = matches!(byte as u8, b' ' | b'_' | b'-' | b'.' | b',' | b'?' | b'!' | b'\'' | b'(' | b')' | b'/');
        good[byte] = sign || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    good
};

/// Returns a value as a YAML document that ends with a line feed.
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    match Json::from(value) {
        Json::Object(members) if !members.is_empty() => write_members(&mut out, &members, 0, false),
        Json::Array(items) if !items.is_empty() => write_items(&mut out, &items, 0, false),
        Json::Str(text) => {
            write_quoted(&mut out, &text);
            out.push('\n');
        }
        scalar => {
            write_scalar(&mut out, &scalar);
            out.push('\n');
        }
    }
    out
}

/// Adds the next item of a list that is the whole document, or that is a member of it.
pub(super) fn push_item(out: &mut String, item: &Json<'_>) {
    write_items(out, std::slice::from_ref(item), 0, false);
}

/// Writes the members of an object, each on lines of its own. `started` means that the cursor already stands where the first
/// of them begins.
fn write_members(out: &mut String, members: &ObjectAsVec<'_>, indent: usize, mut started: bool) {
    for (key, value) in members.iter() {
        if !std::mem::take(&mut started) {
            push_spaces(out, indent);
        }
        let start = out.len();
        write_text_on_one_line(out, key);
        if out.len() - start > LONGEST_IMPLICIT_KEY {
            out.insert_str(start, "? ");
            out.push('\n');
            push_spaces(out, indent);
        }
        out.push(':');
        match value {
            Json::Object(members) if !members.is_empty() => {
                out.push('\n');
                write_members(out, members, indent + 2, false);
            }
            Json::Array(items) if !items.is_empty() => {
                out.push('\n');
                write_items(out, items, indent, false);
            }
            scalar => write_last(out, scalar, indent),
        }
    }
}

fn write_items(out: &mut String, items: &[Json<'_>], indent: usize, mut started: bool) {
    for item in items {
        if !std::mem::take(&mut started) {
            push_spaces(out, indent);
        }
        out.push('-');
        match item {
            Json::Object(members) if !members.is_empty() => {
                out.push(' ');
                write_members(out, members, indent + 2, true);
            }
            Json::Array(items) if !items.is_empty() => {
                out.push(' ');
                write_items(out, items, indent + 2, true);
            }
            scalar => write_last(out, scalar, indent),
        }
    }
}

/// Writes what stands behind a `:` or a `-` and ends the line.
fn write_last(out: &mut String, value: &Json<'_>, indent: usize) {
    out.push(' ');
    match value {
        Json::Str(text) if is_good_plain(text) => out.push_str(text),
        Json::Str(text) if is_good_block(text) => {
            out.push_str(if text.ends_with('\n') { "|" } else { "|-" });
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                out.push('\n');
                if !line.is_empty() {
                    push_spaces(out, indent + 2);
                    out.push_str(line);
                }
            }
        }
        Json::Str(text) => write_quoted(out, text),
        scalar => write_scalar(out, scalar),
    }
    out.push('\n');
}

fn write_scalar(out: &mut String, value: &Json<'_>) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => write_number(out, &(*number).into()),
        Json::Str(text) => write_text_on_one_line(out, text),
        Json::Array(_) => out.push_str("[]"),
        Json::Object(_) => out.push_str("{}"),
    }
}

/// Writes a number. YAML 1.1 wants a point in every float and a sign in every exponent; without them it reads a text.
fn write_number(out: &mut String, number: &Number) {
    if let Some(number) = number.as_u64() {
        return push_number(out, number);
    }
    let text = number.to_string();
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        out.push_str(&text);
        return;
    };
    out.push_str(mantissa);
    if !mantissa.contains('.') {
        out.push_str(".0");
    }
    out.push('e');
    if !exponent.starts_with(['+', '-']) {
        out.push('+');
    }
    out.push_str(exponent);
}

fn write_text_on_one_line(out: &mut String, text: &str) {
    if is_good_plain(text) { out.push_str(text) } else { write_quoted(out, text) }
}

fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    // Most of most texts is written as it is, so it is looked for and copied in one piece.
    while let Some(at) = first_special(rest) {
        let (ordinary, special) = rest.split_at(at);
        out.push_str(ordinary);
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            write_special(out, character);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Returns where the first character is that does not stand for itself in a quoted text.
fn first_special(text: &str) -> Option<usize> {
    // What is ASCII, and that is most, is not decoded.
    let at = first_other(text, |byte| (b' '..=b'~').contains(&byte) & (byte != b'"') & (byte != b'\\'))?;
    let rest = &text[at..];
    Some(at + rest.find(|character| !is_ordinary(character))?)
}

/// Returns where the first byte is that is not good.
fn first_other(text: &str, is_good: impl Fn(u8) -> bool) -> Option<usize> {
    const BLOCK: usize = 16;
    let bytes = text.as_bytes();
    // Without a way out in the middle, the compiler looks at all bytes of a block at once.
    let is_good_block = |block: &&[u8]| block.iter().fold(true, |all, byte| all & is_good(*byte));
    let from = bytes.chunks_exact(BLOCK).take_while(is_good_block).count() * BLOCK;
    bytes[from..].iter().position(|byte| !is_good(*byte)).map(|at| from + at)
}

/// Returns true for a character that stands for itself in a quoted text.
fn is_ordinary(character: char) -> bool {
    match character {
        '"' | '\\' => false,
        ' '..='~' => true,
        other => is_plainly_visible(other),
    }
}

fn write_special(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        other => {
            let code = u32::from(other);
            // Writing to a string cannot fail.
            let _ = match code {
                0..=0xff => write!(out, "\\x{code:02x}"),
                0x100..=0xffff => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
        }
    }
}

/// Returns true for a character that every reader accepts and every person sees, or that joins what they see.
fn is_plainly_visible(character: char) -> bool {
    !is_hidden(character)
        && !matches!(character, '\n' | '\t' | '\u{a0}' | '\u{fffe}' | '\u{ffff}')
        && (character == ' ' || !character.is_whitespace())
}

/// Returns true for the ASCII characters that mean nothing to YAML inside a text.
fn is_good_in_plain(byte: u8) -> bool {
    GOOD_IN_PLAIN[usize::from(byte)]
}

fn is_good_plain(text: &str) -> bool {
    if is_uuid(text) {
        return true;
    }
    // Letters beyond ASCII are everyday text; of the signs only those that mean nothing to YAML inside a text.
    let is_all_good = match first_other(text, is_good_in_plain) {
        None => true,
        Some(at) if text.is_char_boundary(at + 1) => false,
        Some(at) => {
            text[at..].chars().all(|character| u8::try_from(character).is_ok_and(is_good_in_plain) || character.is_alphanumeric())
        }
    };
    is_all_good
        && text.starts_with(char::is_alphabetic)
        && !text.ends_with(' ')
        && !(text.len() <= LONGEST_WORD && WORDS_WITH_MEANING.iter().any(|word| text.eq_ignore_ascii_case(word)))
}

/// Returns true for 8-4-4-4-12 hexadecimal digits: nearly every id is one, and no reader takes it for a number or a date.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns true if a literal block gives back exactly this text. Its first line decides the indentation, so it must not begin
/// with a space; what editors strip or count (spaces at ends, several last line feeds, tabs) is left to quotes.
fn is_good_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    text.contains('\n')
        && !body.starts_with([' ', '\n'])
        && !body.is_empty()
        && !body.ends_with('\n')
        && body.split('\n').all(|line| !line.ends_with(' ') && line.chars().all(is_plainly_visible))
}

fn push_spaces(out: &mut String, count: usize) {
    const SPACES: &str = "                ";
    let mut left = count;
    while left > SPACES.len() {
        out.push_str(SPACES);
        left -= SPACES.len();
    }
    out.push_str(&SPACES[..left]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn the_form_is_the_one_that_the_peer_writes() {
        let value = json!({"inputs": [
            {"input": "Where is my order?", "metadata": {"category": "happy", "persona_id": "44444444-4444-4444-8444-444444444444"}},
            {"input": "Cancel it, please", "metadata": {"tags": ["a", "b"], "none": [], "more": [["x"], {}]}},
        ]});
        insta::assert_snapshot!(to_yaml(&value), @r"
        inputs:
        - input: Where is my order?
          metadata:
            category: happy
            persona_id: 44444444-4444-4444-8444-444444444444
        - input: Cancel it, please
          metadata:
            tags:
            - a
            - b
            none: []
            more:
            - - x
            - {}
        ");
    }

    #[test]
    fn what_a_reader_could_mistake_is_quoted() {
        let texts = json!([
            "yes",
            "No",
            "1e3",
            "012",
            "0x1f",
            "12:30:00",
            "2026-01-02",
            "null",
            "~",
            "",
            " a",
            "a ",
            "a # b",
            "a: b",
            "- a",
            "<<",
            "=",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "[a",
            "{a",
            "a\tb",
            "\u{85}",
            "a\u{2028}b",
            "\u{feff}a",
            "\u{7}",
            "😀",
            "NaN",
        ]);
        insta::assert_snapshot!(to_yaml(&texts), @r##"
        - "yes"
        - "No"
        - "1e3"
        - "012"
        - "0x1f"
        - "12:30:00"
        - "2026-01-02"
        - "null"
        - "~"
        - ""
        - " a"
        - "a "
        - "a # b"
        - "a: b"
        - "- a"
        - "<<"
        - "="
        - "*a"
        - "&a"
        - "!a"
        - "%a"
        - "@a"
        - "`a"
        - "[a"
        - "{a"
        - "a\tb"
        - "\x85"
        - "a\u2028b"
        - "\ufeffa"
        - "\x07"
        - "😀"
        - "NaN"
        "##);
        assert_eq!(read(&to_yaml(&texts)), texts);
    }

    #[test]
    fn texts_of_several_lines_are_blocks() {
        let value = json!({"a": "one\n\n  two # no comment\n", "b": ["x\ny: z"], "c": " one\ntwo"});
        insta::assert_snapshot!(to_yaml(&value), @r##"
        a: |
          one

            two # no comment
        b:
        - |-
          x
          y: z
        c: " one\ntwo"
        "##);
        assert_eq!(read(&to_yaml(&value)), value);
    }

    #[test]
    fn floats_are_floats_for_every_version_of_yaml() {
        assert_eq!(to_yaml(&json!([1e300, 2.5e-9, -1.5, 3])), "- 1.0e+300\n- 2.5e-9\n- -1.5\n- 3\n");
    }

    #[test]
    fn a_key_longer_than_readers_look_ahead_is_explicit() {
        let value = json!({"k".repeat(2000): {"a": 1}, "b": 2});
        assert!(to_yaml(&value).starts_with("? kkk"));
        assert_eq!(read(&to_yaml(&value)), value);
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[a-c :#\\-\\n\\t'\"|>?!&*%@,\\[\\]{}~0-9.eE+_]{0,12}",
            "[ab]{1,3}(\\n[ab #:]{0,3}){0,4}",
            "[-+]?[0-9_.:eExob]{1,8}",
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((text(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in value()) {
            let yaml = to_yaml(&value);
            prop_assert_eq!(read(&yaml), value, "{}", yaml);
        }
    }
}
