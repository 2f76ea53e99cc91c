//! What can go wrong with a workspace's own files.

use std::io;
use std::path::{Path, PathBuf};

/// A file of the workspace cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The system said no.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not hold what it should. It is left as it is.
    #[error("{} cannot be understood: {reason}", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer keepstep wrote the file.
    #[error("{} has format {found}, and this keepstep knows formats up to {known}; use the newer one", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The format that it names.
        found: u64,
        /// The newest one that is known.
        known: u32,
    },
}

impl WorkspaceError {
    /// Returns what the system said about a file or folder.
    pub fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    /// Returns that a file does not hold what it should.
    pub fn broken(path: &Path, reason: impl Into<String>) -> Self {
        Self::Broken { path: path.to_owned(), reason: reason.into() }
    }
}
