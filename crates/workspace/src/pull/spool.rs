//! Text that is kept until it is known what happens to it, however long it is.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keepstep_testdata::pull_plan::{Digesting, Digests};

use crate::files::begin_sync;

/// How many bytes stay in memory, and are written or read at a time. What is longer lies in a file without a name beside the
/// folder where it may get one.
const AT_ONCE: usize = 64 * 1024;

/// How many bytes the disk begins with at a time, while more are written.
const BEGUN_AT_ONCE: u64 = 1024 * 1024;

/// How many bytes stay in memory where there can be no such file. More than that lie in a temporary file, which goes with the
/// program.
const MOST_IN_MEMORY: usize = 6 * 1024 * 1024;

/// Text that is still coming.
#[derive(Debug, Default)]
pub(super) struct Spool {
    /// All of it, or what is not in the file yet.
    memory: Vec<u8>,
    behind: Behind,
    /// How many bytes are in the file.
    written: u64,
    /// How many of them the disk has begun with.
    begun: u64,
    /// The folder that the text may get into, which need not be there yet.
    folder: Option<Arc<Path>>,
    digesting: Digesting,
}

/// Where the text is that is not in memory.
#[derive(Debug, Default)]
enum Behind {
    /// There is none yet.
    #[default]
    Nothing,
    /// There is none yet, and there are no nameless files in the folder.
    NothingForLong,
    Nameless(File),
    Temporary(File),
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
    /// A file that only serves to be read.
    File(File),
    /// A file without a name, which may get one: once, since two names of the same file would be edited together.
    Nameless {
        file: File,
        was_named: AtomicBool,
    },
}

impl Spool {
    /// Returns an empty one for a text that may get into a folder.
    pub(super) fn beside(folder: Option<Arc<Path>>) -> Self {
        Self { folder, ..Self::default() }
    }

    /// Adds to the text.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digesting.update(bytes);
        if self.memory.len() + bytes.len() <= AT_ONCE {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        self.flush(bytes).map_err(|error| self.named(&error))
    }

    /// Writes what is in memory and what comes next to the file, if that is where it belongs.
    fn flush(&mut self, bytes: &[u8]) -> io::Result<()> {
        if matches!(self.behind, Behind::Nothing) {
            let file = self.folder.as_deref().and_then(nameless);
            self.behind = file.map_or(Behind::NothingForLong, Behind::Nameless);
        }
        if matches!(self.behind, Behind::NothingForLong) && self.memory.len() + bytes.len() > MOST_IN_MEMORY {
            self.behind = Behind::Temporary(tempfile::tempfile()?);
        }
        let (Behind::Nameless(file) | Behind::Temporary(file)) = &mut self.behind else {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        };
        file.write_all(&self.memory)?;
        self.written += self.memory.len() as u64;
        self.memory.clear();
        self.memory.shrink_to(AT_ONCE);
        if bytes.len() < AT_ONCE {
            self.memory.extend_from_slice(bytes);
        } else {
            file.write_all(bytes)?;
            self.written += bytes.len() as u64;
        }
        if let Behind::Nameless(file) = &self.behind
            && self.written - self.begun >= BEGUN_AT_ONCE
        {
            // Usually it is to stay, and the disk has nothing else to do while more of the text comes.
            begin_sync(file, self.begun);
            self.begun = self.written;
        }
        Ok(())
    }

    /// Ends the text.
    pub(super) fn end(mut self) -> io::Result<Stored> {
        if let Behind::Nameless(file) | Behind::Temporary(file) = &mut self.behind {
            let written = file.write_all(&self.memory);
            written.map_err(|error| self.named(&error))?;
        }
        let place = match self.behind {
            Behind::Nothing | Behind::NothingForLong => Place::Memory(self.memory),
            Behind::Temporary(file) => Place::File(file),
            Behind::Nameless(file) => {
                begin_sync(&file, self.begun);
                Place::Nameless { file, was_named: AtomicBool::new(false) }
            }
        };
        Ok(Stored { place, digests: self.digesting.end() })
    }

    /// Says where it was that the system refused.
    fn named(&self, error: &io::Error) -> io::Error {
        let place = match (&self.behind, &self.folder) {
            (Behind::Nameless(_), Some(folder)) => folder.display().to_string(),
            _ => "the folder for temporary files".to_owned(),
        };
        io::Error::new(error.kind(), format!("in {place}: {error}"))
    }
}

impl Stored {
    /// Keeps a text that is there as a whole.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let digests = keepstep_testdata::pull_plan::digests(&bytes);
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
            Place::File(file) | Place::Nameless { file, .. } => file.metadata().map_or(0, |metadata| metadata.len()),
        }
    }

    /// Returns its digests.
    pub(crate) fn digests(&self) -> Digests {
        self.digests
    }

    /// Returns true if it lies in a file that a name is all it needs.
    pub(super) fn can_be_named(&self) -> bool {
        matches!(&self.place, Place::Nameless { was_named, .. } if !was_named.load(Ordering::Relaxed))
    }

    /// Gives the file that the text lies in a name, and returns it; `None` where it has to be copied.
    pub(super) fn name(&self, path: &Path) -> Option<&File> {
        let Place::Nameless { file, was_named } = &self.place else { return None };
        let is_first = !was_named.swap(true, Ordering::Relaxed);
        (is_first && link(file, path).is_ok()).then_some(file)
    }

    /// Returns the text from its beginning.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match &self.place {
            Place::Memory(bytes) => Box::new(bytes.as_slice()),
            Place::File(file) | Place::Nameless { file, .. } => Box::new(FromStart { file, offset: 0 }),
        })
    }

    /// Returns the text as a whole, for what is decided line by line.
    pub(crate) fn to_text(&self) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.reader()?.read_to_end(&mut bytes)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }
}

/// Reads a file that others may read or have read at the same time.
struct FromStart<'f> {
    file: &'f File,
    offset: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let length = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.offset)?;
        #[cfg(windows)]
        let length = std::os::windows::fs::FileExt::seek_read(self.file, buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}

/// Makes a file without a name in a folder, or in the nearest one above it that is there. Not every file system can do that.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    // The permissions that a file with a name gets, too.
    let open = |folder: &Path| openat(CWD, folder, flags, Mode::from_raw_mode(0o666));
    let opened = folder.ancestors().map(open).find(|opened| !matches!(opened, Err(rustix::io::Errno::NOENT)))?;
    opened.ok().map(File::from)
}

/// Gives a nameless file a name.
#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{AtFlags, CWD, linkat};
    Ok(linkat(CWD, format!("/proc/self/fd/{}", file.as_raw_fd()), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
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

    /// Returns a text that is longer than memory may be, kept beside a folder.
    fn long(folder: Option<&Path>, length: usize) -> Stored {
        let mut spool = Spool::beside(folder.map(Arc::from));
        for piece in text(length).chunks(10_000) {
            spool.write(piece).unwrap();
        }
        spool.end().unwrap()
    }

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|at| b'a' + (at % 23) as u8).collect()
    }

    #[test]
    fn what_is_larger_than_memory_may_be_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 10, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE + 7, MOST_IN_MEMORY + 1] {
            for folder in [None, Some(folder.path()), Some(&folder.path().join("not/there/yet"))] {
                let stored = long(folder, length);
                let is_in_memory = length <= if stored.can_be_named() { AT_ONCE } else { MOST_IN_MEMORY };
                assert_eq!(matches!(stored.place, Place::Memory(_)), is_in_memory);
                assert_eq!(stored.length(), length as u64);
                // Two readers do not take each other's text away.
                let mut first = [0; 10];
                let mut reader = stored.reader().unwrap();
                let read = reader.read(&mut first).unwrap();
                assert_eq!(stored.to_text().unwrap().as_bytes(), text(length));
                assert!(text(length).starts_with(&first[..read]));
                assert_eq!(stored.digests(), keepstep_testdata::pull_plan::digests(&text(length)));
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_nameless_file_gets_one_name_and_is_read_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let stored = long(Some(folder.path()), 3 * AT_ONCE);
        assert!(
            stored.can_be_named(),
            "set TMPDIR to a folder in a file system with nameless files, as ext4, xfs, btrfs and tmpfs are"
        );
        assert!(stored.name(&folder.path().join("a")).is_some());
        assert!(!stored.can_be_named() && stored.name(&folder.path().join("b")).is_none());
        assert!(!folder.path().join("b").exists());
        assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), text(3 * AT_ONCE));
        assert_eq!(stored.to_text().unwrap().as_bytes(), text(3 * AT_ONCE));
        // What cannot be named is copied.
        let stored = long(Some(folder.path()), 3 * AT_ONCE);
        assert!(stored.name(&folder.path().join("not/there")).is_none());
        assert_eq!(stored.to_text().unwrap().as_bytes(), text(3 * AT_ONCE));
    }
}
