//! The one writer of whole files: at any moment there is the old file or the new one at a path, and never a part of one.
//!
//! A file is written under a temporary name beside its place, and renamed. Three policies say what it is worth: a file that is
//! [kept](Policy::Kept), a [private](Policy::Private) one, and one that can be [derived](Policy::Derived) again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// How the names of files begin that are written beside their place. The number of the process follows.
pub const TEMPORARY: &str = ".keepstep-";

/// What a file is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// It has the permissions of the file that it replaces, and is on the disk before it takes its place.
    Kept,
    /// Likewise, and only its owner may read it, from the first byte on.
    Private,
    /// It can be made again: after a power cut, what is there may be neither the old nor the new one.
    Derived,
}

/// A file beside its place. Dropping it removes what was written.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    policy: Policy,
    temporary: NamedTempFile,
}

impl WholeFile {
    /// Begins a file in the folder of its path, which is there.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn begin(path: &Path, policy: Policy) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{TEMPORARY}{}-", std::process::id());
        builder.prefix(&prefix);
        if policy != Policy::Private {
            builder.permissions(permissions(path)?);
        }
        // Without permissions of its own it has mode 0600.
        Ok(Self { path: path.to_owned(), policy, temporary: builder.tempfile_in(folder_of(path))? })
    }

    /// Returns where the file will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder that it will be in.
    pub fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    /// Returns what was written: the file, and where it is until it is put in its place.
    pub fn written(&self) -> (&File, &Path) {
        (self.temporary.as_file(), self.temporary.path())
    }

    /// Puts the file in its place, as its policy says.
    ///
    /// # Errors
    /// The disk failed; what was there before is unchanged.
    pub fn put(self) -> io::Result<()> {
        if self.policy == Policy::Derived {
            // A file system that delays its writes, as ext4 does, takes a rename over a file as a wish to have the new one on the disk
            // first, and starts writing it at once. That takes longer than making the file. Two files that change their names wish for
            // nothing; the old one then goes away under the temporary name.
            return match exchange(self.temporary.path(), &self.path) {
                Ok(()) => self.temporary.close(),
                Err(_) => self.rename(),
            };
        }
        self.temporary.as_file().sync_all()?;
        let folder = self.folder().to_owned();
        self.rename()?;
        sync_folder(&folder);
        Ok(())
    }

    /// Puts the file in its place, unless there is one already. Returns whether it did.
    ///
    /// # Errors
    /// The disk failed.
    pub fn put_new(self) -> io::Result<bool> {
        self.temporary.as_file().sync_all()?;
        let folder = self.folder().to_owned();
        match self.temporary.persist_noclobber(&self.path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error.error),
        }
        sync_folder(&folder);
        Ok(true)
    }

    /// Puts the file in its place and syncs nothing, for callers that do so for several files together.
    ///
    /// # Errors
    /// The disk failed; what was there before is unchanged.
    pub fn rename(self) -> io::Result<()> {
        self.temporary.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

/// A rename is only safe once the folder is on the disk. Not every file system can do that.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

/// Writes a file as a whole.
///
/// # Errors
/// It cannot be written; what was there before is unchanged.
pub fn write(path: &Path, bytes: &[u8], policy: Policy) -> io::Result<()> {
    let mut file = WholeFile::begin(path, policy)?;
    file.write_all(bytes)?;
    file.put()
}

/// Returns the file behind a link, for a person who keeps the file elsewhere and wants that one replaced, not the link.
pub fn behind_link(path: &Path) -> PathBuf {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    let real = if is_link { fs::canonicalize(path).ok() } else { None };
    real.unwrap_or_else(|| path.to_owned())
}

/// Returns the folder that a path is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the permissions of the file that is replaced, or those that the system gives a new one.
#[cfg(unix)]
fn permissions(path: &Path) -> io::Result<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(fs::Permissions::from_mode(0o666)),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn permissions(path: &Path) -> io::Result<fs::Permissions> {
    fs::metadata(folder_of(path)).map(|metadata| metadata.permissions())
}

/// Gives each of two files the name of the other. Not every system and file system can.
#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    // A folder of that name stays where it is.
    if !other.symlink_metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn each_policy_replaces_the_file_and_leaves_nothing_beside_it() {
        for (policy, mode) in [(Policy::Kept, 0o640), (Policy::Private, 0o600), (Policy::Derived, 0o640)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            for text in ["1", "2"] {
                write(&path, text.as_bytes(), policy).unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), text);
                fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            }
            write(&path, b"3", policy).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{policy:?}");
            let pending = WholeFile::begin(&path, policy).unwrap();
            assert!(pending.written().1.file_name().unwrap().to_str().unwrap().starts_with(TEMPORARY));
            drop(pending);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{policy:?}");
        }
    }

    #[test]
    fn of_two_new_files_the_first_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (text, is_first) in [("1", true), ("2", false)] {
            let mut file = WholeFile::begin(&path, Policy::Private).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert_eq!(file.put_new().unwrap(), is_first);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_in_the_place_stays_and_is_an_error() {
        for policy in [Policy::Kept, Policy::Private, Policy::Derived] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::create_dir(&path).unwrap();
            assert!(write(&path, b"1", policy).is_err());
            assert!(path.is_dir());
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{policy:?}");
        }
    }
}
