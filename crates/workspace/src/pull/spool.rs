//! Text that is kept until it is known what happens to it, however long it is.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write};

use keepstep_testdata::pull_plan::{Digesting, Digests};

/// How many bytes stay in memory. What follows lies in a temporary file, which goes with the program.
const MOST_IN_MEMORY: usize = 4 * 1024 * 1024;

/// How many bytes are written at a time. Of more, the system would keep two megabytes in one piece, and first look for that.
const AT_ONCE: usize = 128 * 1024;

/// Text that is still coming.
#[derive(Debug, Default)]
pub struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    digesting: Digesting,
}

/// Text that has come. It has one reader at a time.
#[derive(Debug)]
pub(crate) struct Stored {
    memory: Vec<u8>,
    /// What follows.
    file: Option<File>,
    pub(crate) digests: Digests,
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.digesting.write_all(bytes)?;
        if self.file.is_none() && self.memory.len() + bytes.len() <= MOST_IN_MEMORY {
            // At once: a text that grows would be copied again and again. What is not used takes no memory.
            self.memory.reserve_exact(MOST_IN_MEMORY - self.memory.len());
            self.memory.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let file = self.file.take().map_or_else(tempfile::tempfile, Ok);
        let written = file.and_then(|file| self.file.insert(file).write_all(bytes));
        written.map_err(|error| io::Error::new(error.kind(), format!("in the folder for temporary files: {error}")))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Spool {
    pub(super) fn end(self) -> Stored {
        Stored { memory: self.memory, file: self.file, digests: self.digesting.end() }
    }
}

impl Stored {
    /// Keeps a text that is there as a whole.
    pub(super) fn of(memory: Vec<u8>) -> Self {
        let mut digesting = Digesting::default();
        // Which nothing keeps it from.
        let _ = digesting.write_all(&memory);
        Self { memory, file: None, digests: digesting.end() }
    }

    pub(super) fn in_file(file: File) -> io::Result<Self> {
        let digests = digests_of(&file)?;
        Ok(Self { memory: Vec::new(), file: Some(file), digests })
    }

    pub(super) fn length(&self) -> u64 {
        let file = self.file.as_ref().and_then(|file| file.metadata().ok());
        self.memory.len() as u64 + file.map_or(0, |metadata| metadata.len())
    }

    /// Returns the text from its beginning.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        let Some(mut file) = self.file.as_ref() else { return Ok(Box::new(self.memory.as_slice())) };
        file.rewind()?;
        Ok(Box::new(self.memory.as_slice().chain(file)))
    }

    pub(super) fn copy_to(&self, target: &mut File) -> io::Result<()> {
        self.memory.chunks(AT_ONCE).try_for_each(|piece| target.write_all(piece))?;
        if let Some(mut file) = self.file.as_ref() {
            file.rewind()?;
            io::copy(&mut file, target)?;
        }
        Ok(())
    }

    /// Returns the text as a whole, for what is decided line by line.
    pub(crate) fn to_text(&self) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.reader()?.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Returns the digests of what a reader has.
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
            assert_eq!(stored.file.is_none(), length <= MOST_IN_MEMORY);
            assert_eq!((stored.length(), stored.digests), (length as u64, digests_of(text.as_slice()).unwrap()));
            for _ in 0..2 {
                assert_eq!(stored.to_text().unwrap().as_bytes(), text);
            }
        }
    }
}
