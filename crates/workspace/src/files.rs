//! Reading and writing files so that a crash leaves the old one or the new one, and nobody else reads a key.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use keepstep_base::whole_file::{self, Policy, WholeFile};
use serde_json::{Map, Value};

use crate::{WorkspaceError, door};

/// Reads a text file; `None` where there is none.
///
/// # Errors
/// It cannot be read, or is no UTF-8.
pub fn read_if_there(path: &Path) -> Result<Option<String>, WorkspaceError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(WorkspaceError::broken(path, "it is not UTF-8")),
        Err(error) => Err(WorkspaceError::io("read", path, error)),
    }
}

/// Reads a JSON object; `None` where there is no file.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn read_object(path: &Path) -> Result<Option<Map<String, Value>>, WorkspaceError> {
    let Some(text) = read_if_there(path)? else { return Ok(None) };
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(members)) => Ok(Some(members)),
        Ok(_) => Err(WorkspaceError::broken(path, "it is not a JSON object")),
        Err(error) => Err(WorkspaceError::broken(path, error.to_string())),
    }
}

/// Writes a JSON object as both peers do: indented by two, without a line feed at its end.
///
/// # Errors
/// It cannot be written; what was there before is unchanged.
pub fn write_object(path: &Path, members: &Map<String, Value>) -> Result<(), WorkspaceError> {
    let text = object_text(members).map_err(|error| WorkspaceError::io("write", path, error))?;
    write_whole(path, text.as_bytes())
}

fn object_text(members: &Map<String, Value>) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(members)?)
}

/// Writes a file as a whole, with the folders on its way: to a temporary name beside it, synced, renamed. It keeps the
/// permissions of the file that it replaces.
///
/// # Errors
/// It cannot be written; what was there before is unchanged.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
    replace(path, bytes).map_err(|error| WorkspaceError::io("write", path, error))
}

/// The same as [`write_whole`], for callers that say themselves which file it was.
///
/// # Errors
/// It cannot be written; what was there before is unchanged.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes, Policy::Kept)
}

/// Writes a file that only its owner may read, from its first byte on.
///
/// # Errors
/// It cannot be written; what was there before is unchanged.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
    write(path, bytes, Policy::Private).map_err(|error| WorkspaceError::io("write", path, error))
}

fn write(path: &Path, bytes: &[u8], policy: Policy) -> io::Result<()> {
    Pending::of(path, bytes, policy)?.0.put()
}

/// Writes a file of any length as a whole, piece by piece.
///
/// # Errors
/// It cannot be written; what was there before is unchanged.
pub fn replace_streamed(path: &Path, give: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(begin(path, Policy::Kept)?);
    give(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.put()
}

/// Begins a file that may be written, with the folders on its way.
fn begin(path: &Path, policy: Policy) -> io::Result<WholeFile> {
    door::pass(path)?;
    let path = whole_file::behind_link(path);
    let folder = whole_file::folder_of(&path);
    if !folder.is_dir() {
        fs::create_dir_all(folder)?;
    }
    door::tidy(folder);
    WholeFile::begin(&path, policy)
}

/// A file that is written beside its place and not there yet, for callers that change several files together. Until it is put
/// there, dropping it removes what was written.
#[derive(Debug)]
pub struct Pending(WholeFile);

impl Pending {
    /// Writes what a file is to hold, with the folders on its way. It has the permissions of the file that it is to replace. It
    /// is not synced.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        Self::of(path, bytes, Policy::Kept)
    }

    /// The same for a JSON object, as [`write_object`] writes it.
    pub(crate) fn write_object(path: &Path, members: &Map<String, Value>) -> Result<Self, WorkspaceError> {
        let written = object_text(members).and_then(|text| Self::write(path, text.as_bytes()));
        written.map_err(|error| WorkspaceError::io("write", path, error))
    }

    fn of(path: &Path, bytes: &[u8], policy: Policy) -> io::Result<Self> {
        let mut file = begin(path, policy)?;
        file.write_all(bytes)?;
        begin_sync(file.written().0);
        Ok(Self(file))
    }

    /// Returns where the file will be.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns what the file will hold.
    ///
    /// # Errors
    /// What was written cannot be read again.
    pub fn content(&self) -> io::Result<Vec<u8>> {
        fs::read(self.0.written().1)
    }

    /// Returns where it is written.
    pub(crate) fn written(&self) -> &Path {
        self.0.written().1
    }

    /// Puts the file in its place. After a crash it is there or not; the caller syncs what was written before, and the folder
    /// behind it.
    pub(crate) fn put(self) -> io::Result<()> {
        self.0.rename()
    }
}

/// Has the system begin to bring a file to the disk, so that a sync of it waits less. One that cannot do that only waits longer.
pub(crate) fn begin_sync(file: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// How many files are synced at a time. The system has begun with all of them by then, so more threads would cost more than
/// they save.
const SYNCED_AT_ONCE: usize = 4;

/// Is called before each step that changes the disk: a test fails there, or dies.
pub type BeforeStep<'a> = &'a mut dyn FnMut() -> io::Result<()>;

/// Puts files in place that change together, behind others that they are about and that are written already: those have to be on
/// the disk before.
///
/// # Errors
/// The system refused; those before the one that is named are in place.
pub fn put_together(others: &[PathBuf], files: Vec<Pending>) -> Result<(), WorkspaceError> {
    let Some(first) = files.first() else { return Ok(()) };
    let written = Vec::from_iter(others.iter().cloned().chain(files.iter().map(|file| file.written().to_owned())));
    sync_all(&written).map_err(|source| WorkspaceError::io("write", first.path(), source))?;
    let (folders, put) = put_all(files, &mut || Ok(()));
    let _ = sync_all(&folders);
    put.map_err(|(path, source)| WorkspaceError::io("write", &path, source))
}

/// Puts files in place as far as that is possible, and returns the folders that have to be synced, and the one that stays out.
pub(crate) fn put_all(files: Vec<Pending>, before_step: BeforeStep<'_>) -> (Vec<PathBuf>, Result<(), (PathBuf, io::Error)>) {
    let mut folders = Vec::new();
    for file in files {
        let path = file.path().to_owned();
        folders.push(file.0.folder().to_owned());
        if let Err(source) = before_step().and_then(|()| file.put()) {
            return (folders, Err((path, source)));
        }
    }
    folders.sort_unstable();
    folders.dedup();
    (folders, Ok(()))
}

/// Syncs files and folders, at the same time: the disk then writes its own journal once for all of them rather than once for each.
pub(crate) fn sync_all(paths: &[PathBuf]) -> io::Result<()> {
    #[cfg(test)]
    tests::SYNCED.with_borrow_mut(|synced| synced.push(paths.iter().cloned().collect()));
    let next = AtomicUsize::new(0);
    let sync_some = || std::iter::from_fn(|| paths.get(next.fetch_add(1, Ordering::Relaxed))).try_for_each(|path| sync(path));
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..SYNCED_AT_ONCE.min(paths.len())).map(|_| scope.spawn(sync_some)).collect();
        let first = sync_some();
        let others = others.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())));
        others.fold(first, io::Result::and)
    })
}

fn sync(path: &Path) -> io::Result<()> {
    match File::options().read(true).write(cfg!(windows)).open(path).and_then(|file| file.sync_all()) {
        // Not every file system can sync a folder.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    thread_local! {
        /// What was synced together, in order.
        pub(crate) static SYNCED: RefCell<Vec<BTreeSet<PathBuf>>> = const { RefCell::new(Vec::new()) };
    }

    #[cfg(unix)]
    #[test]
    fn f30_a_private_file_is_private_also_where_a_public_one_was() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/.env");
        write_whole(&path, b"A=1\n").unwrap();
        assert_ne!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        write_private(&path, b"A=2\n").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn what_is_pending_is_not_there_until_it_is_put_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let count = || fs::read_dir(folder.path().join("a")).unwrap().count();
        drop(Pending::write(&path, b"1").unwrap());
        assert_eq!(count(), 0);
        let pending = Pending::write(&path, b"2").unwrap();
        assert_eq!((count(), path.exists(), pending.path()), (1, false, path.as_path()));
        pending.put().unwrap();
        assert_eq!((count(), fs::read_to_string(&path).unwrap()), (1, "2".to_owned()));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_the_file_behind_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("kept/file"), folder.path().join("link"));
        write_whole(&file, b"1").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_whole(&link, b"2").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "2");
    }
}
