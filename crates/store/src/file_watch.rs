//! Notices that somebody deletes or replaces the database under a running server.
//!
//! SQLite goes on with a file that has no name any more: writes succeed, and are gone when the process ends. So the file and its log are
//! known by their device and inode, and looked at before every write is begun and before it is committed. That is two questions to
//! the system, beside a write that waits for the disk.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::private::beside;
use crate::{Result, StoreError};

/// How long it is believed that there is room, or is none.
const BELIEVED: Duration = Duration::from_secs(1);

/// How much room a server needs to be called healthy, in bytes: a small write of the database.
const ROOM: usize = 256 * 1024;

/// A file, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let metadata = fs::metadata(path).ok()?;
            Some(Self { device: metadata.dev(), inode: metadata.ino() })
        }
        #[cfg(not(unix))]
        {
            fs::metadata(path).ok().map(|_| Self { device: 0, inode: 0 })
        }
    }
}

/// The database's file and its log, as they were when they were opened.
#[derive(Debug)]
pub(crate) struct FileWatch {
    files: Vec<(PathBuf, Identity)>,
    folder: PathBuf,
    log: PathBuf,
    room: Mutex<Option<(Instant, bool)>>,
}

impl FileWatch {
    /// Watches a database that is open.
    pub(crate) fn of(path: &Path) -> Self {
        let log = beside(path, "-wal");
        let files = [path.to_owned(), log.clone()].into_iter();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        Self {
            files: files.filter_map(|file| Some((file.clone(), Identity::of(&file)?))).collect(),
            folder,
            log,
            room: Mutex::new(None),
        }
    }

    /// Returns the folder of the database.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the log of the database.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Checks that the files are those that were opened.
    pub(crate) fn check(&self) -> Result<()> {
        for (path, identity) in &self.files {
            match Identity::of(path) {
                Some(found) if found == *identity => {}
                Some(_) => return Err(StoreError::FileGone { path: path.clone(), what: "replaced" }),
                None => return Err(StoreError::FileGone { path: path.clone(), what: "deleted" }),
            }
        }
        Ok(())
    }

    /// Checks that there is room for a small write.
    pub(crate) fn check_room(&self) -> Result<()> {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = match *room {
            Some((when, has_room)) if when.elapsed() < BELIEVED => has_room,
            _ => {
                let has_room = has_room(&self.folder);
                *room = Some((Instant::now(), has_room));
                has_room
            }
        };
        if has_room { Ok(()) } else { Err(StoreError::Full) }
    }
}

/// Returns false if the disk takes no more. Whatever else goes wrong is not for this question.
fn has_room(folder: &Path) -> bool {
    let name = folder.join(format!(".room-{}", std::process::id()));
    let wrote = fs::File::create(&name).and_then(|mut file| file.write_all(&vec![1; ROOM]));
    drop(fs::remove_file(&name));
    let is_full = |kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge);
    !wrote.is_err_and(|error| is_full(error.kind()))
}
