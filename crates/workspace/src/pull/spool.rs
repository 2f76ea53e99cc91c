//! Text that is kept until it is known what happens to it, however long it is.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _, SeekFrom, Write};

use keepstep_testdata::pull_plan::{Digesting, Digests, digests};
use tempfile::{SpooledData, SpooledTempFile, spooled_tempfile};

/// How many bytes stay in memory. What is longer lies in a temporary file, which goes with the program.
const MOST_IN_MEMORY: usize = 4 * 1024 * 1024;

/// Text that is still coming.
#[derive(Debug)]
pub struct Spool {
    text: SpooledTempFile,
    digesting: Digesting,
}

/// Text that has come. It has one reader at a time.
#[derive(Debug)]
pub(crate) struct Stored {
    place: SpooledData,
    digests: Digests,
}

impl Default for Spool {
    fn default() -> Self {
        Self { text: spooled_tempfile(MOST_IN_MEMORY), digesting: Digesting::default() }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.text.write(bytes);
        let length =
            written.map_err(|error| io::Error::new(error.kind(), format!("in the folder for temporary files: {error}")))?;
        self.digesting.update(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Spool {
    /// Ends the text.
    pub(super) fn end(self) -> Stored {
        Stored { place: self.text.into_inner(), digests: self.digesting.end() }
    }
}

impl Stored {
    /// Keeps a text that is there as a whole.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let digests = digests(&bytes);
        Self { place: SpooledData::InMemory(Cursor::new(bytes)), digests }
    }

    /// Keeps a text that lies in a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn in_file(file: File) -> io::Result<Self> {
        let digests = digests_of(&file)?;
        Ok(Self { place: SpooledData::OnDisk(file), digests })
    }

    /// Returns how long it is, in bytes.
    pub(super) fn length(&self) -> u64 {
        match &self.place {
            SpooledData::InMemory(bytes) => bytes.get_ref().len() as u64,
            SpooledData::OnDisk(file) => file.metadata().map_or(0, |metadata| metadata.len()),
        }
    }

    /// Returns its digests.
    pub(crate) fn digests(&self) -> Digests {
        self.digests
    }

    /// Returns the text from its beginning.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        match &self.place {
            SpooledData::InMemory(bytes) => Ok(Box::new(bytes.get_ref().as_slice())),
            SpooledData::OnDisk(file) => {
                let mut file = file;
                file.seek(SeekFrom::Start(0))?;
                Ok(Box::new(file))
            }
        }
    }

    /// Writes the text to a file.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub(super) fn copy_to(&self, target: &mut File) -> io::Result<()> {
        match &self.place {
            SpooledData::InMemory(bytes) => target.write_all(bytes.get_ref()),
            SpooledData::OnDisk(file) => {
                let mut file = file;
                file.seek(SeekFrom::Start(0))?;
                io::copy(&mut file, target).map(drop)
            }
        }
    }

    /// Returns the text as a whole, for what is decided line by line.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn to_text(&self) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.reader()?.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Returns the digests of what a reader has.
///
/// # Errors
/// It cannot be read.
pub(super) fn digests_of(mut text: impl Read) -> io::Result<Digests> {
    let mut digesting = Digesting::default();
    io::copy(&mut text, &mut digesting)?;
    Ok(digesting.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_memory_may_be_comes_back_whole() {
        for length in [0, 10, 70_000, MOST_IN_MEMORY, MOST_IN_MEMORY + 1] {
            let text: Vec<u8> = (0..length).map(|at| b'a' + (at % 23) as u8).collect();
            let mut spool = Spool::default();
            for piece in text.chunks(10_000) {
                spool.write_all(piece).unwrap();
            }
            let stored = spool.end();
            assert_eq!(matches!(stored.place, SpooledData::InMemory(_)), length <= MOST_IN_MEMORY);
            assert_eq!((stored.length(), stored.digests()), (length as u64, digests(&text)));
            for _ in 0..2 {
                assert_eq!(stored.to_text().unwrap().as_bytes(), text);
            }
        }
    }
}
