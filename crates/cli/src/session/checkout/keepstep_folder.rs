//! `.keepstep/`: what belongs to this checkout only, never to git.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use keepstep_workspace::door;

use crate::shell::failure::Failure;
use crate::shell::printer::Printer;

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
        door::pass(&path).map_err(|error| Failure::io("write", &path.display().to_string(), error))?;
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
        self.tidy();
        Ok(Guard { _file: file })
    }

    /// Removes what killed commands left beside files that we write: at the root, where the code is, and in the workspace.
    fn tidy(&self) {
        const DEEPEST: usize = 6;
        let is_code = |name: &str| !matches!(name, "node_modules" | ".git" | "target" | ".venv" | "experiments" | "results");
        let mut folders = vec![(self.root.clone(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            door::tidy(&folder);
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder && depth < DEEPEST && entry.file_name().to_str().is_some_and(is_code) {
                    folders.push((entry.path(), depth + 1));
                }
            }
        }
    }
}
