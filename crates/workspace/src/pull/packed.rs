//! A platform's answer in the two forms in which it comes and is kept: as text, or packed with zstd (RFC 8878).
//!
//! A packed answer is one or more frames, one behind another. Which form it is, its first four bytes say: no JSON begins like that.

use std::{fmt, io};

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation as _, OutBuffer};
use zstd::zstd_safe::MAGICNUMBER;

/// How a packed answer begins.
const MAGIC: [u8; 4] = MAGICNUMBER.to_le_bytes();

/// How far back an answer may refer, as a power of two: unpacking takes 8 MiB of memory at most, as is meant for HTTP.
const WINDOW: u32 = 23;

/// How many bytes are unpacked at a time.
const AT_ONCE: usize = 64 * 1024;

/// What unpacks to more than this, and to more than [`MOST_TIMES`] of what came, was made to fill memory and disk.
const MUCH: u64 = 64 * 1024 * 1024;

/// How many times as long as a packed answer its text may be.
const MOST_TIMES: u64 = 1000;

/// A packed answer has no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PackedError {
    /// It is not packed as it says.
    #[error("it is damaged")]
    Broken,
    /// It ends too early.
    #[error("it ends too early")]
    Unfinished,
    /// It is very small for its text.
    #[error("it has more than {MOST_TIMES} times as much text as was received, over {} MiB", MUCH / 1024 / 1024)]
    Bomb,
}

impl From<PackedError> for io::Error {
    fn from(error: PackedError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Takes an answer in either form piece by piece, and hands its text on.
#[derive(Debug, Default)]
pub(super) struct Unpacker {
    /// How many bytes of [`MAGIC`] came, while nothing else did.
    begun: usize,
    form: Option<Form>,
}

#[derive(Debug)]
enum Form {
    Plain,
    Packed(Box<Frames>),
}

/// What is packed.
struct Frames {
    decoder: Decoder<'static>,
    /// Room for a piece of text.
    text: Vec<u8>,
    received: u64,
    unpacked: u64,
    /// True behind a whole frame.
    is_between: bool,
}

impl Unpacker {
    /// Takes the next bytes, and hands on the text that they are.
    ///
    /// # Errors
    /// They are no text, or those of `take`.
    pub(super) fn feed<E: From<PackedError>>(
        &mut self,
        bytes: &[u8],
        take: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let form = match &mut self.form {
            Some(form) => form,
            None => {
                let rest = &MAGIC[self.begun..];
                let same = bytes.iter().zip(rest).take_while(|(found, wanted)| found == wanted).count();
                if same == bytes.len() && same < rest.len() {
                    self.begun += same;
                    return Ok(());
                }
                let form = if same == rest.len() { Form::Packed(Box::new(Frames::new()?)) } else { Form::Plain };
                let form = self.form.insert(form);
                form.feed(&MAGIC[..self.begun], take)?;
                form
            }
        };
        form.feed(bytes, take)
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// It cannot have been.
    pub(super) fn end(&self) -> Result<(), PackedError> {
        let is_whole = match &self.form {
            None => self.begun == 0,
            Some(Form::Plain) => true,
            Some(Form::Packed(frames)) => frames.is_between,
        };
        if is_whole { Ok(()) } else { Err(PackedError::Unfinished) }
    }

    /// Returns true if what came is packed.
    pub(super) fn is_packed(&self) -> bool {
        matches!(self.form, Some(Form::Packed(_)))
    }
}

impl Form {
    fn feed<E: From<PackedError>>(&mut self, bytes: &[u8], take: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        match self {
            _ if bytes.is_empty() => Ok(()),
            Self::Plain => take(bytes),
            Self::Packed(frames) => frames.feed(bytes, take),
        }
    }
}

impl Frames {
    fn new() -> Result<Self, PackedError> {
        let decoder = Decoder::new().and_then(|mut decoder| {
            decoder.set_parameter(DParameter::WindowLogMax(WINDOW))?;
            Ok(decoder)
        });
        let decoder = decoder.map_err(|_| PackedError::Broken)?;
        Ok(Self { decoder, text: vec![0; AT_ONCE], received: 0, unpacked: 0, is_between: false })
    }

    fn feed<E: From<PackedError>>(&mut self, bytes: &[u8], take: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.received += bytes.len() as u64;
        let mut input = InBuffer::around(bytes);
        loop {
            let mut output = OutBuffer::around(self.text.as_mut_slice());
            let more = self.decoder.run(&mut input, &mut output).map_err(|_| PackedError::Broken)?;
            let length = output.pos();
            self.is_between = more == 0;
            self.unpacked += length as u64;
            if self.unpacked > MUCH && self.unpacked > self.received.saturating_mul(MOST_TIMES) {
                return Err(PackedError::Bomb.into());
            }
            take(&self.text[..length])?;
            if input.pos() == bytes.len() && (self.is_between || length < AT_ONCE) {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Frames")
            .field("received", &self.received)
            .field("unpacked", &self.unpacked)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hands over these pieces, and returns the text.
    fn unpacked<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, PackedError> {
        let (mut unpacker, mut text) = (Unpacker::default(), Vec::new());
        for piece in pieces {
            unpacker.feed::<PackedError>(piece, &mut |bytes| {
                text.extend_from_slice(bytes);
                Ok(())
            })?;
        }
        unpacker.end()?;
        Ok(text)
    }

    fn frames(texts: &[Vec<u8>]) -> Vec<u8> {
        texts.iter().flat_map(|text| zstd::bulk::compress(text, 3).unwrap()).collect()
    }

    #[test]
    fn what_was_made_to_fill_the_disk_is_refused() {
        // Each frame says how long it is, or does not, and as many as are there count together.
        let zeros = vec![0; MUCH as usize / 4 + 1];
        assert_eq!(unpacked([frames(&vec![zeros.clone(); 4]).as_slice()]), Err(PackedError::Bomb));
        assert_eq!(unpacked([frames(&vec![zeros; 3]).as_slice()]).unwrap().len() as u64, 3 * (MUCH / 4 + 1));
        let endless = zstd::encode_all(io::Read::take(io::repeat(b' '), MUCH + 1), 19).unwrap();
        assert_eq!(unpacked(endless.chunks(7)), Err(PackedError::Bomb));
        // A text that is not so empty may be as long.
        let honest: Vec<u8> = (0..MUCH / 8).flat_map(|number| (number / 50).to_le_bytes()).chain([0; 1]).collect();
        assert_eq!(unpacked([frames(std::slice::from_ref(&honest)).as_slice()]).unwrap(), honest);
    }

    #[test]
    fn what_refers_far_back_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(WINDOW + 1).unwrap();
        io::Write::write_all(&mut encoder, b"{}").unwrap();
        assert_eq!(unpacked([encoder.finish().unwrap().as_slice()]), Err(PackedError::Broken));
    }

    #[test]
    fn a_text_is_taken_as_it_is() {
        for text in ["", "{}", "(", "(\u{b5}/"] {
            let bytes = text.as_bytes();
            let wanted = if text == "(" { Err(PackedError::Unfinished) } else { Ok(bytes.to_vec()) };
            assert_eq!(unpacked([bytes]), wanted);
            assert_eq!(unpacked(bytes.chunks(1)), wanted);
        }
    }

    proptest! {
        #[test]
        fn neither_frames_nor_pieces_matter(
            texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
            long in 0usize..200_000,
            size in 1usize..400,
        ) {
            let mut texts = texts;
            texts.push((0..long).map(|at| (at / 7) as u8).collect());
            let packed = frames(&texts);
            prop_assert_eq!(unpacked(packed.chunks(size)).unwrap(), texts.concat());
        }

        #[test]
        fn half_an_answer_and_more_than_one_are_noticed(
            text in prop::collection::vec(any::<u8>(), 1..300),
            cut in 1usize..1000,
            garbage in prop::collection::vec(any::<u8>(), 1..20),
            size in 1usize..50,
        ) {
            let packed = frames(&[text]);
            let cut = cut % packed.len();
            let wanted = if cut == 0 { Ok(Vec::new()) } else { Err(PackedError::Unfinished) };
            prop_assert_eq!(unpacked(packed[..cut].chunks(size)), wanted);
            prop_assume!(!garbage.starts_with(&MAGIC[..garbage.len().min(4)]));
            let longer = [packed, garbage].concat();
            prop_assert!(unpacked(longer.chunks(size)).is_err());
        }

        #[test]
        fn damage_never_panics(
            text in prop::collection::vec(any::<u8>(), 0..300),
            at in any::<prop::sample::Index>(),
            byte: u8,
        ) {
            let mut packed = frames(&[text]);
            *at.get_mut(&mut packed) = byte;
            let _ = unpacked([packed.as_slice()]);
        }
    }
}
