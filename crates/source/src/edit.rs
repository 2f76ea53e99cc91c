//! Edits of files: what is planned, shown as a patch, and written. They are checked first; then each file is replaced as a whole or
//! not at all.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use keepstep_agent::Field;
use keepstep_base::whole_file::{Policy, WholeFile};

use crate::error::{Location, display_path};

/// The files that change, with what they hold before and after.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditPlan {
    /// The changes, one for each file.
    pub files: Vec<FileEdit>,
}

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// The file, relative to the project's root.
    pub path: PathBuf,
    /// What was read.
    pub before: Vec<u8>,
    /// What is to be written.
    pub after: Vec<u8>,
}

/// Why a field cannot be changed in the code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EditRefusal {
    /// The field.
    pub field: Field,
    /// What is in the way.
    pub message: String,
    /// Where it is.
    pub location: Option<Location>,
    /// The lines around it.
    pub frame: String,
    /// What a person could apply, as a unified diff.
    pub patch: Option<String>,
}

impl EditPlan {
    /// Returns the changes as a unified diff with the prefixes `a/` and `b/`.
    pub fn patch(&self) -> String {
        let mut out = String::new();
        for file in &self.files {
            let path = display_path(&file.path);
            // Both texts come from strings; nothing is lost here.
            let before = String::from_utf8_lossy(&file.before);
            let after = String::from_utf8_lossy(&file.after);
            let diff = similar::TextDiff::from_lines(&*before, &*after);
            let header = (format!("a/{path}"), format!("b/{path}"));
            out.push_str(&diff.unified_diff().header(&header.0, &header.1).to_string());
        }
        out
    }
}

/// Why a plan was not written.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Someone changed the file after it was read.
    #[error("{} was changed meanwhile; nothing was written to it", .path.display())]
    ChangedMeanwhile {
        /// The file, relative to the project's root.
        path: PathBuf,
    },
    /// The path leads out of the project.
    #[error("{} is a link to a file outside of the project; nothing was written", .path.display())]
    Outside {
        /// The file, relative to the project's root.
        path: PathBuf,
    },
    /// The file may not be written.
    #[error("{} is read-only; nothing was written to it", .path.display())]
    ReadOnly {
        /// The file, relative to the project's root.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{} could not be written: {source}", .path.display())]
    Io {
        /// The file, relative to the project's root.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl EditPlan {
    /// Writes the files.
    ///
    /// Each file is written under a temporary name in its folder and renamed, so that it has its old or its new text at any
    /// moment; it keeps its permissions. All files are checked before the first is replaced.
    ///
    /// # Errors
    ///
    /// A file is not what was read, cannot be written or is outside of the project. If the disk fails between two
    /// files, the ones before have their new text.
    pub fn apply(&self, root: &Path) -> Result<(), EditError> {
        let mut ready = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let failed = |source: io::Error| EditError::Io { path: file.path.clone(), source };
            let real_root = root.canonicalize().map_err(failed)?;
            let target = real_root.join(&file.path).canonicalize().map_err(failed)?;
            if !target.starts_with(&real_root) {
                return Err(EditError::Outside { path: file.path.clone() });
            }
            if std::fs::read(&target).map_err(failed)? != file.before {
                return Err(EditError::ChangedMeanwhile { path: file.path.clone() });
            }
            if target.metadata().map_err(failed)?.permissions().readonly() {
                return Err(EditError::ReadOnly { path: file.path.clone() });
            }
            let mut whole = WholeFile::begin(&target, Policy::Kept).map_err(failed)?;
            whole.write_all(&file.after).map_err(failed)?;
            // Synced here too: a full disk is an error before the first file is replaced.
            whole.written().0.sync_all().map_err(failed)?;
            ready.push((file, whole));
        }
        for (file, whole) in ready {
            let failed = |source: io::Error| EditError::Io { path: file.path.clone(), source };
            // As close to the rename as it gets.
            if std::fs::read(whole.path()).map_err(failed)? != file.before {
                return Err(EditError::ChangedMeanwhile { path: file.path.clone() });
            }
            whole.put().map_err(failed)?;
        }
        Ok(())
    }
}
