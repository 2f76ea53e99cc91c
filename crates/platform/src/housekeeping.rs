//! What the server does beside requests: deleting what is too old, counting what takes long, removing what nobody needs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Something that the server does beside requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chore {
    /// Deleting experiments that are too old.
    Retention,
    /// Counting how large files are.
    Counting,
    /// Removing files and what was deleted.
    Removing,
    /// Making a backup.
    Backup,
}

impl Chore {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Retention, Self::Counting, Self::Removing, Self::Backup];

    /// Returns what it is, for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Retention => "Delete experiments that are older than their project keeps them",
            Self::Counting => "Measure the files of experiments",
            Self::Removing => "Remove what was deleted, and files that are no longer used",
            Self::Backup => "Back up everything",
        }
    }
}

/// When something was done last, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneChore {
    /// When, in epoch milliseconds.
    pub at: i64,
    /// What came of it, or why nothing did, in words.
    pub outcome: Result<String, String>,
}

/// What was done last by this server.
#[derive(Debug, Default)]
pub(crate) struct Housekeeping {
    done: Mutex<BTreeMap<Chore, DoneChore>>,
    wake: Notify,
}

impl Housekeeping {
    /// Has the next round begin now.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Returns when the next round is to begin.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Returns what was done last.
    pub(crate) fn done(&self, chore: Chore) -> Option<DoneChore> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).get(&chore).cloned()
    }

    pub(crate) fn note(&self, chore: Chore, done: DoneChore) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(chore, done);
    }
}
