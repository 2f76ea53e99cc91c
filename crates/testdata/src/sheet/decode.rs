//! From the bytes of a file to its text.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};

/// How the characters of a file are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// With or without a mark at its beginning.
    #[default]
    Utf8,
    /// With a mark at its beginning.
    Utf16,
    /// Any bytes that are no UTF-8: older spreadsheets write so.
    Windows1252,
}

impl Encoding {
    /// Those that somebody may choose, with what stands for them in a form.
    pub const CHOICES: [(Self, &str); 2] = [(Self::Utf8, "utf-8"), (Self::Windows1252, "windows-1252")];

    /// Returns what a form says.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::CHOICES.into_iter().find(|(_, known)| *known == key).map(|(encoding, _)| encoding)
    }
}

/// Returns the text of a file without the mark at its beginning, and how it was written.
pub fn decode(bytes: &[u8]) -> (String, Encoding) {
    let utf_16 = match bytes {
        [0xff, 0xfe, rest @ ..] => Some((UTF_16LE, rest)),
        [0xfe, 0xff, rest @ ..] => Some((UTF_16BE, rest)),
        _ => None,
    };
    if let Some((encoding, rest)) = utf_16 {
        return (encoding.decode_without_bom_handling(rest).0.into_owned(), Encoding::Utf16);
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), Encoding::Utf8),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(), Encoding::Windows1252),
    }
}

/// Returns the text of a file that was read in one way, read in another one. Bytes that have no meaning in it are marked.
pub fn decode_as(text: &str, was: Encoding, is: Encoding) -> String {
    let bytes = match was {
        Encoding::Utf8 => Cow::Borrowed(text.as_bytes()),
        // It has a character for each byte.
        Encoding::Windows1252 => WINDOWS_1252.encode(text).0,
        Encoding::Utf16 => return text.to_owned(),
    };
    match is {
        Encoding::Utf8 => String::from_utf8_lossy(&bytes).into_owned(),
        Encoding::Windows1252 => WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned(),
        Encoding::Utf16 => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_utf_8_is_of_an_older_spreadsheet() {
        assert_eq!(decode(b"gr\xfc\xdfe \x80"), ("grüße €".to_owned(), Encoding::Windows1252));
        assert_eq!(decode(b""), (String::new(), Encoding::Utf8));
    }

    proptest! {
        #[test]
        fn a_text_comes_out_as_it_was_written(text in "[^\u{feff}].{0,40}") {
            prop_assert_eq!(decode(text.as_bytes()), (text.clone(), Encoding::Utf8));
            prop_assert_eq!(decode(format!("\u{feff}{text}").as_bytes()), (text.clone(), Encoding::Utf8));
            let units: Vec<u16> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            prop_assert_eq!(decode(&little), (text.clone(), Encoding::Utf16));
            prop_assert_eq!(decode(&big), (text, Encoding::Utf16));
        }

        #[test]
        fn any_bytes_are_read_in_another_way_and_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let (text, encoding) = decode(&bytes);
            let plain = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
            if encoding != Encoding::Utf16 {
                let western = decode_as(&text, encoding, Encoding::Windows1252);
                prop_assert_eq!(&western, &WINDOWS_1252.decode_without_bom_handling(plain).0);
                prop_assert_eq!(decode_as(&western, Encoding::Windows1252, Encoding::Utf8), String::from_utf8_lossy(plain));
            }
        }

        #[test]
        fn any_bytes_are_a_text(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            decode(&bytes);
        }
    }
}
