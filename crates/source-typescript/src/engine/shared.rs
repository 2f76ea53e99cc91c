//! What everything that the engine calls has in common.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use super::interface::{Captured, Failure, FailureKind, Limits};
use crate::resolve::Locator;

/// What the engine sends to the caller.
pub(super) enum Message {
    /// Asks for the text that stands in place of a file.
    Read { path: PathBuf, answer: mpsc::SyncSender<Option<String>> },
    /// The end, with the packages that are there, were not run, and decide something.
    Done(Result<Captured, Failure>, BTreeSet<String>),
}

/// What the functions that the engine calls have in common.
pub(super) struct Shared {
    pub(super) root: PathBuf,
    pub(super) locator: Locator,
    pub(super) entry: PathBuf,
    pub(super) messages: mpsc::Sender<Message>,
    pub(super) limits: Limits,
}

impl Shared {
    /// Returns the text that the caller has in place of a file.
    pub(super) fn overlay(&self, path: &Path) -> Option<String> {
        let (answer, text) = mpsc::sync_channel(1);
        self.messages.send(Message::Read { path: path.to_path_buf(), answer }).ok()?;
        text.recv().ok()?
    }

    /// Returns the size from which on a file is refused: it could not be a value within the memory.
    pub(super) fn largest_file(&self) -> u64 {
        u64::try_from(self.limits.memory / 2).unwrap_or(u64::MAX)
    }

    /// Returns the text of a module.
    pub(super) fn text(&self, path: &Path) -> Result<String, Failure> {
        if let Some(text) = self.overlay(path) {
            return Ok(text);
        }
        let failure = |reason: String| {
            Failure::new(FailureKind::Module, format!("{} cannot be imported: {reason}", self.display_path(path)))
        };
        if !self.locator.may_read(path) {
            return Err(failure("it is outside of the project and its repository".to_owned()));
        }
        let bytes = std::fs::read(path).map_err(|error| failure(error.to_string()))?;
        String::from_utf8(bytes).map_err(|_| failure("it is not valid UTF-8".to_owned()))
    }
}
