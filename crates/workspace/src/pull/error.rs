//! Why pulled files are not in place.

use std::io;
use std::path::PathBuf;

use keepstep_testdata::names::UnsafePath;

use crate::WorkspaceError;

/// Why pulled files are not in place. Unless it says otherwise, everything is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The configured inputs file lies outside the scenario.
    #[error(transparent)]
    Path(#[from] UnsafePath),
    /// The system refused, or what is there cannot be read.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// What was received cannot be read again.
    #[error("the server's answer cannot be read from its temporary file: {0}; nothing was changed")]
    Received(#[from] io::Error),
    /// What is replaced could not be kept for somebody who wants it back.
    #[error("what the pull replaces cannot be kept: {0}; nothing was written")]
    NotKept(io::Error),
    /// Somebody wrote the file after it was looked at.
    #[error("{} was changed while this ran; nothing was written", .0.display())]
    ChangedMeanwhile(PathBuf),
    /// The file would land somewhere else than its path says.
    #[error("{} is a link or lies behind one that leads out of the scenario; nothing was written", .0.display())]
    Link(PathBuf),
    /// Everything is in place but one of the small files elsewhere.
    #[error("what was pulled is in place, but {} cannot be written: {}", .0.display(), .1)]
    Beside(PathBuf, #[source] io::Error),
    /// A newer keepstep left a swap in this staging folder that this one does not understand.
    #[error("an interrupted pull of a newer keepstep is in {}; finish it with that one", .0.display())]
    Newer(PathBuf),
}
