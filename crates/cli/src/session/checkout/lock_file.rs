//! `keepstep.lock` on the disk.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use keepstep_agent::lock::{FILE_NAME, Lock, LockError};
use keepstep_workspace::files::Pending;

use crate::session::checkout::files::{read_if_there, write_whole};
use crate::session::checkout::undo_log::{Content, Recorder, Write};
use crate::shell::failure::Failure;

/// The lock file of a project, as it was read.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    text: Option<String>,
    /// What it says.
    pub(crate) lock: Lock,
}

impl LockFile {
    /// Reads the lock file of a project; one that is not there is empty.
    pub(crate) fn read(root: &Path) -> Result<Self, Failure> {
        let path = root.join(FILE_NAME);
        let text = read_if_there(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => Failure::Lock(LockError::Malformed("it is not UTF-8 text".to_owned())),
            _ => Failure::io("read", &path.display().to_string(), error),
        })?;
        let lock = match &text {
            None => Lock::default(),
            Some(text) => Lock::parse(text).map_err(Failure::Lock)?,
        };
        Ok(Self { path, text, lock })
    }

    /// Returns true if the file is there.
    pub(crate) fn exists(&self) -> bool {
        self.text.is_some()
    }

    /// Writes the file if it says something new, after what it says now was kept for `undo`.
    pub(crate) fn write(&self, recorder: &mut Recorder, now: Timestamp) -> Result<(), Failure> {
        let Some(text) = self.new_text() else { return Ok(()) };
        let before = self.text.as_ref().map_or(Content::Absent, |text| Content::Bytes(text.clone().into_bytes()));
        recorder.keep(now, &[Write { path: FILE_NAME.into(), before, after: Content::Bytes(text.clone().into_bytes()) }])?;
        write_whole(&self.path, text.as_bytes()).map_err(|error| self.not_written(error))
    }

    /// Writes the file if it says something new, for somebody who puts it in place together with others.
    pub(crate) fn write_pending(&self) -> Result<Option<Pending>, Failure> {
        let pending = self.new_text().map(|text| Pending::write(&self.path, text.as_bytes()));
        pending.transpose().map_err(|error| self.not_written(error))
    }

    fn new_text(&self) -> Option<String> {
        Some(self.lock.to_text()).filter(|text| self.text.as_ref() != Some(text))
    }

    fn not_written(&self, error: std::io::Error) -> Failure {
        Failure::io("write", &self.path.display().to_string(), error)
    }
}
