//! Folders for what is measured.
//!
//! They are removed all at once at the end. For minutes after a file was removed, ext4 looks at what it left behind before it gives its
//! place to a new one, so a command that makes twenty files would pay for the thousands that an earlier section removed.

use std::sync::OnceLock;

use anyhow::{Context, Result};
use tempfile::{Builder, TempDir};

static ROOT: OnceLock<TempDir> = OnceLock::new();

/// Returns a new folder, which stays until [`remove`] is called.
pub(crate) fn folder() -> Result<TempDir> {
    let problem = "cannot make a temporary folder";
    if ROOT.get().is_none() {
        let _ = ROOT.set(tempfile::tempdir().context(problem)?);
    }
    let root = ROOT.get().context(problem)?;
    Builder::new().disable_cleanup(true).tempdir_in(root).context(problem)
}

/// Removes everything.
pub(crate) fn remove() {
    if let Some(root) = ROOT.get() {
        let _ = std::fs::remove_dir_all(root.path());
    }
}
