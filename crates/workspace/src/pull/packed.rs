//! A platform's answer in the two forms in which it comes and is kept: as text, or packed with zstd (RFC 8878).
//!
//! A packed answer is one or more frames, one behind another. Which form it is, its first four bytes say: no JSON begins like that.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use keepstep_testdata::bundle::BundleError;
use zstd::stream::read::Decoder;
use zstd::zstd_safe::MAGICNUMBER;

/// How a packed answer begins.
const MAGIC: [u8; 4] = MAGICNUMBER.to_le_bytes();

/// How far back an answer may refer, as a power of two: unpacking takes 8 MiB of memory at most, as is meant for HTTP.
const WINDOW: u32 = 23;

/// What unpacks to more than this, and to more than [`MOST_TIMES`] of what came, was made to fill memory and disk.
const MUCH: u64 = 64 * 1024 * 1024;

/// How many times as long as a packed answer its text may be.
const MOST_TIMES: u64 = 1000;

/// Reads the text of an answer in either form.
pub(super) enum Unpacked<R: Read> {
    Plain(BufReader<R>),
    Packed {
        decoder: Decoder<'static, BufReader<R>>,
        /// How much more text there may be.
        left: u64,
    },
}

impl<R: Read> Unpacked<R> {
    /// Begins to read an answer of so many bytes. The errors of what is packed have a [`BundleError`] in them.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn of(answer: R, length: u64) -> io::Result<Self> {
        let mut answer = BufReader::new(answer);
        let beginning = answer.fill_buf()?;
        // What ends within these bytes is no text either.
        if !beginning.starts_with(&MAGIC) && (beginning.is_empty() || !MAGIC.starts_with(beginning)) {
            return Ok(Self::Plain(answer));
        }
        let mut decoder = Decoder::with_buffer(answer)?;
        decoder.window_log_max(WINDOW)?;
        Ok(Self::Packed { decoder, left: MUCH.max(length.saturating_mul(MOST_TIMES)) })
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (decoder, left) = match self {
            Self::Plain(answer) => return answer.read(buffer),
            Self::Packed { decoder, left } => (decoder, left),
        };
        let length = decoder.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => BundleError::Unfinished,
            _ => BundleError::Packed("it is damaged".to_owned()),
        })?;
        let bomb =
            || format!("it has more than {MOST_TIMES} times as much text as was received, over {} MiB", MUCH / 1024 / 1024);
        *left = left.checked_sub(length as u64).ok_or_else(|| BundleError::Packed(bomb()))?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the text of an answer.
    fn unpacked(answer: &[u8]) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        let read = Unpacked::of(answer, answer.len() as u64).and_then(|mut answer| answer.read_to_end(&mut text));
        read.map_err(|error| error.to_string())?;
        Ok(text)
    }

    fn packed(why: &str) -> String {
        BundleError::Packed(why.to_owned()).to_string()
    }

    fn frames(texts: &[Vec<u8>]) -> Vec<u8> {
        texts.iter().flat_map(|text| zstd::bulk::compress(text, 3).unwrap()).collect()
    }

    #[test]
    fn what_was_made_to_fill_the_disk_is_refused() {
        // Each frame says how long it is, or does not, and as many as are there count together.
        let zeros = vec![0; MUCH as usize / 4 + 1];
        assert_eq!(
            unpacked(&frames(&vec![zeros.clone(); 4])),
            Err(packed("it has more than 1000 times as much text as was received, over 64 MiB"))
        );
        assert_eq!(unpacked(&frames(&vec![zeros; 3])).unwrap().len() as u64, 3 * (MUCH / 4 + 1));
        let endless = zstd::encode_all(io::Read::take(io::repeat(b' '), MUCH + 1), 19).unwrap();
        assert_eq!(unpacked(&endless), Err(packed("it has more than 1000 times as much text as was received, over 64 MiB")));
        // A text that is not so empty may be as long.
        let honest: Vec<u8> = (0..MUCH / 8).flat_map(|number| (number / 50).to_le_bytes()).chain([0; 1]).collect();
        assert_eq!(unpacked(&frames(std::slice::from_ref(&honest))).unwrap(), honest);
    }

    #[test]
    fn what_refers_far_back_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(WINDOW + 1).unwrap();
        io::Write::write_all(&mut encoder, b"{}").unwrap();
        assert_eq!(unpacked(&encoder.finish().unwrap()), Err(packed("it is damaged")));
    }

    #[test]
    fn a_text_is_taken_as_it_is() {
        for text in ["", "{}", "(", "(\u{b5}/"] {
            let bytes = text.as_bytes();
            let wanted = if text == "(" { Err(BundleError::Unfinished.to_string()) } else { Ok(bytes.to_vec()) };
            assert_eq!(unpacked(bytes), wanted);
        }
    }

    proptest! {
        #[test]
        fn frames_do_not_matter(
            texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
            long in 0usize..200_000,
        ) {
            let mut texts = texts;
            texts.push((0..long).map(|at| (at / 7) as u8).collect());
            prop_assert_eq!(unpacked(&frames(&texts)).unwrap(), texts.concat());
        }

        #[test]
        fn half_an_answer_and_more_than_one_are_noticed(
            text in prop::collection::vec(any::<u8>(), 1..300),
            cut in 1usize..1000,
            garbage in prop::collection::vec(any::<u8>(), 1..20),
        ) {
            let packed = frames(&[text]);
            let cut = cut % packed.len();
            let wanted = if cut == 0 { Ok(Vec::new()) } else { Err(BundleError::Unfinished.to_string()) };
            prop_assert_eq!(unpacked(&packed[..cut]), wanted);
            prop_assume!(!garbage.starts_with(&MAGIC[..garbage.len().min(4)]));
            let longer = [packed, garbage].concat();
            prop_assert!(unpacked(&longer).is_err());
        }

        #[test]
        fn damage_never_panics(
            text in prop::collection::vec(any::<u8>(), 0..300),
            at in any::<prop::sample::Index>(),
            byte: u8,
        ) {
            let mut packed = frames(&[text]);
            *at.get_mut(&mut packed) = byte;
            let _ = unpacked(&packed);
        }
    }
}
