//! What the manifest says of a text: its digest and its length.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::str;

use sha2::{Digest as _, Sha256};

/// Returns the first 16 hexadecimal digits of a digest.
pub(super) fn hex16(digest: &[u8]) -> String {
    digest.iter().take(8).fold(String::with_capacity(16), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The digest of a text, and its length in UTF-16 units.
#[derive(Clone)]
pub(super) struct Measure {
    pub(super) digest: [u8; 32],
    pub(super) units: u64,
}

/// The digests of the agent's modules, each taken once although it is needed twice.
pub(super) struct Digests<'a> {
    root: &'a Path,
    measures: HashMap<&'a Path, Measure>,
}

impl<'a> Digests<'a> {
    /// Returns the digests of modules, each a path and a text, below a root.
    pub(super) fn of(root: &'a Path, modules: impl Iterator<Item = (&'a Path, &'a str)>) -> Self {
        let measure = |text: &str| {
            let mut measure = Measuring::default();
            measure.text(text);
            measure.finish()
        };
        let measures = modules.map(|(path, text)| (path, measure(text))).collect();
        Self { root, measures }
    }

    pub(super) fn get(&self, path: &Path) -> Option<&Measure> {
        self.measures.get(path)
    }

    /// Returns the digest over some modules, in whatever order they are given.
    pub(super) fn of_modules<'p>(&self, paths: impl IntoIterator<Item = &'p Path>) -> String {
        let relative = |path: &'p Path| crate::modules::relative_to(self.root, path).to_string_lossy().into_owned();
        let mut lines: Vec<_> = paths.into_iter().filter_map(|path| Some((relative(path), self.get(path)?.digest))).collect();
        lines.sort();
        let mut digest = Sha256::new();
        for (path, measure) in lines {
            digest.update(path.as_bytes());
            digest.update([0]);
            digest.update(measure);
        }
        hex16(&digest.finalize())
    }
}

/// Takes the measure of a text that comes in pieces.
#[derive(Default)]
pub(super) struct Measuring {
    digest: Sha256,
    units: u64,
}

impl Measuring {
    pub(super) fn text(&mut self, text: &str) {
        self.digest.update(text.as_bytes());
        // One unit for each character, which is each byte that continues none, and a second for those of four bytes. A
        // sum in a byte, as far as it cannot overflow, is what the processor takes of many bytes at once.
        let of_byte = |&byte: &u8| u8::from(byte & 0xc0 != 0x80) + u8::from(byte >= 0xf0);
        let sums = text.as_bytes().chunks(127).map(|bytes| bytes.iter().map(of_byte).sum::<u8>());
        self.units += sums.map(u64::from).sum::<u64>();
    }

    /// Takes bytes, as far as they are whole characters, and returns how many at the end are left for the next time.
    ///
    /// Bytes that are no character count as U+FFFD, as they do where a file is read as a text in JavaScript.
    pub(super) fn bytes(&mut self, mut bytes: &[u8], is_last: bool) -> usize {
        loop {
            let error = match str::from_utf8(bytes) {
                Ok(text) => {
                    self.text(text);
                    return 0;
                }
                Err(error) => error,
            };
            let (valid, rest) = bytes.split_at(error.valid_up_to());
            // It is valid; nothing else would do for a default.
            self.text(str::from_utf8(valid).unwrap_or_default());
            let bad = match error.error_len() {
                Some(bad) => bad,
                None if is_last => rest.len(),
                None => return rest.len(),
            };
            self.text("\u{fffd}");
            bytes = &rest[bad..];
        }
    }

    pub(super) fn finish(self) -> Measure {
        Measure { digest: self.digest.finalize().into(), units: self.units }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn in_pieces(bytes: &[u8], size: usize) -> Measure {
        let mut measuring = Measuring::default();
        let mut kept: Vec<u8> = Vec::new();
        for piece in bytes.chunks(size) {
            kept.extend(piece);
            let left = measuring.bytes(&kept, false);
            kept.drain(..kept.len() - left);
        }
        measuring.bytes(&kept, true);
        measuring.finish()
    }

    proptest! {
        #[test]
        fn a_file_measures_as_its_text_does(bytes: Vec<u8>, text: String, size in 1_usize..9) {
            let bytes = [text.as_bytes(), &bytes, text.as_bytes()].concat();
            let text = String::from_utf8_lossy(&bytes);
            let measure = in_pieces(&bytes, size);
            prop_assert_eq!(measure.units, text.encode_utf16().count() as u64);
            prop_assert_eq!(&measure.digest[..], &Sha256::digest(text.as_bytes())[..]);
        }
    }
}
