//! Text that is kept until it is known what happens to it, however long it is.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _, Write as _};

use keepstep_core::test_data::pull_plan::{Digesting, Digests};

/// How many bytes stay in memory; more than that lie in a temporary file without a name, which goes with the program.
const MOST_IN_MEMORY: usize = 6 * 1024 * 1024;

/// How many bytes are written to the temporary file at a time.
const AT_ONCE: usize = 256 * 1024;

/// Text that is still coming.
#[derive(Debug, Default)]
pub(super) struct Spool {
    /// All of it, or what is not in the file yet.
    memory: Vec<u8>,
    file: Option<File>,
    digesting: Digesting,
}

/// Text that has come.
#[derive(Debug)]
pub(crate) struct Stored {
    place: Place,
    digests: Digests,
}

#[derive(Debug)]
enum Place {
    Memory(Vec<u8>),
    File(File),
}

impl Spool {
    /// Adds to the text.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digesting.update(bytes);
        self.memory.extend_from_slice(bytes);
        let most = if self.file.is_some() { AT_ONCE } else { MOST_IN_MEMORY };
        if self.memory.len() > most { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        file.write_all(&self.memory)?;
        self.memory.clear();
        self.memory.shrink_to(AT_ONCE);
        Ok(())
    }

    /// Ends the text.
    pub(super) fn end(mut self) -> io::Result<Stored> {
        if self.file.is_some() {
            self.flush()?;
        }
        let place = self.file.map_or(Place::Memory(self.memory), Place::File);
        Ok(Stored { place, digests: self.digesting.end() })
    }
}

impl Stored {
    /// Keeps a text that is there as a whole.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let digests = keepstep_core::test_data::pull_plan::digests(&bytes);
        Self { place: Place::Memory(bytes), digests }
    }

    /// Keeps a text that lies in a file, whose digests are known.
    pub(super) fn in_file(file: File, digests: Digests) -> Self {
        Self { place: Place::File(file), digests }
    }

    /// Returns how long it is, in bytes.
    pub(super) fn length(&self) -> u64 {
        match &self.place {
            Place::Memory(bytes) => bytes.len() as u64,
            Place::File(file) => file.metadata().map_or(0, |metadata| metadata.len()),
        }
    }

    /// Returns its digests.
    pub(super) fn digests(&self) -> Digests {
        self.digests
    }

    /// Returns the text from its beginning. Only one reader at a time reads the right thing.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        match &self.place {
            Place::Memory(bytes) => Ok(Box::new(Cursor::new(bytes))),
            Place::File(file) => {
                let mut file: &File = file;
                file.rewind()?;
                Ok(Box::new(file))
            }
        }
    }

    /// Returns the text as a whole, for what is decided line by line.
    pub(crate) fn to_text(&self) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.reader()?.read_to_end(&mut bytes)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }
}

/// Hands on what a reader has, piece by piece.
///
/// # Errors
/// The reader's, or those of `take`.
pub(super) fn each_piece<E: From<io::Error>>(
    mut reader: impl Read,
    take: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = vec![0; AT_ONCE];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns the digests of a file.
///
/// # Errors
/// It cannot be read.
pub(super) fn digests_of(file: File) -> io::Result<Digests> {
    let mut digesting = Digesting::default();
    each_piece::<io::Error>(file, &mut |bytes| {
        digesting.update(bytes);
        Ok(())
    })?;
    Ok(digesting.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_memory_may_be_comes_back_whole() {
        let mut spool = Spool::default();
        let line = [b'x'; 1000];
        for _ in 0..MOST_IN_MEMORY / 500 {
            spool.write(&line).unwrap();
        }
        let stored = spool.end().unwrap();
        assert!(matches!(stored.place, Place::File(_)));
        for _ in 0..2 {
            let text = stored.to_text().unwrap();
            assert_eq!(text.len(), MOST_IN_MEMORY / 500 * 1000);
            assert_eq!(stored.digests(), keepstep_core::test_data::pull_plan::digests(text.as_bytes()));
        }
    }
}
