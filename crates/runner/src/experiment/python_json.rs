//! JSON as the peer's `json.dumps` writes it, so that tools which read its files line by line find what they know.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// Spaces after commas and colons, and optionally nothing but ASCII.
struct OneLine {
    ascii: bool,
}

impl Formatter for OneLine {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if !self.ascii || fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            if character.is_ascii() {
                writer.write_all(&[character as u8])?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

/// Writes a value as one line with its line feed.
pub(super) fn write_line(out: &mut Vec<u8>, value: &Value, ascii: bool) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, OneLine { ascii }))?;
    out.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn line(value: &Value, ascii: bool) -> String {
        let mut out = Vec::new();
        write_line(&mut out, value, ascii).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_looks_like_the_peers() {
        let value = json!({"a": [1, "é😀"], "b": {}, "c": null});
        assert_eq!(line(&value, true), "{\"a\": [1, \"\\u00e9\\ud83d\\ude00\"], \"b\": {}, \"c\": null}\n");
        assert_eq!(line(&value, false), "{\"a\": [1, \"é😀\"], \"b\": {}, \"c\": null}\n");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>(), ascii in any::<bool>()) {
            let value = json!({ text.clone(): [text] });
            let line = line(&value, ascii);
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert!(!ascii || line.is_ascii());
            prop_assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
        }
    }
}
