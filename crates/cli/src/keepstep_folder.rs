//! `.keepstep/`: what belongs to this checkout only, never to git.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::printer::Printer;

const NAME: &str = ".keepstep";

/// The folder of a project.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
}

/// While it lives, no other keepstep writes to the project.
#[derive(Debug)]
pub(crate) struct Guard {
    _file: File,
}

impl Folder {
    /// Returns the folder of a project, which need not be there yet.
    pub(crate) fn of(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.join(NAME)
    }

    /// Makes it, and keeps it out of git.
    pub(crate) fn make(&self) -> Result<PathBuf, Failure> {
        let path = self.path();
        let made = fs::create_dir_all(&path).and_then(|()| {
            let ignore = path.join(".gitignore");
            // It is not synced: where a crash leaves it empty, the next command writes it again.
            let is_there = fs::metadata(&ignore).is_ok_and(|ignore| ignore.len() > 0);
            if is_there { Ok(()) } else { fs::write(&ignore, b"*\n") }
        });
        made.map_err(|error| Failure::io("write", &path.display().to_string(), error))?;
        Ok(path)
    }

    /// Waits until no other keepstep writes to the project.
    pub(crate) fn guard(&self, printer: &Printer) -> Result<Guard, Failure> {
        let path = self.make()?.join("lock");
        let fail = |error| Failure::io("lock", &path.display().to_string(), error);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                printer.status("another keepstep is writing to this project; waiting for it");
                file.lock().map_err(fail)?;
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        Ok(Guard { _file: file })
    }
}
