//! What the server does beside requests: deleting what is too old, counting what takes long, removing what nobody needs.
//!
//! All of it is found in the database each time, so a restart loses nothing, and many servers on the same data do it as one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::Error;
use crate::platform::Platform;

/// When the first round is, after the server has begun to answer, and how long two lie apart.
const FIRST: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(60 * 60);

/// Of how many experiments the files are counted at a time, and how often in a round.
const COUNTED: u32 = 10;
const COUNTS: usize = 200;

/// How long others write between two of these.
const PAUSE: Duration = Duration::from_millis(20);

/// Something that the server does beside requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chore {
    /// Deleting experiments that are too old.
    Retention,
    /// Counting how large files are.
    Counting,
    /// Removing files and what was deleted.
    Removing,
}

impl Chore {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Retention, Self::Counting, Self::Removing];

    /// Returns what it is, for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Retention => "deletes experiments that are older than their project keeps them",
            Self::Counting => "counts how large the files of experiments are",
            Self::Removing => "removes what was deleted, and files that nobody needs",
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

    pub(crate) fn note(&self, chore: Chore, done: DoneChore) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(chore, done);
    }
}

impl Platform {
    /// Keeps house, for as long as the server runs.
    pub async fn keep_house(self) {
        let mut rest = FIRST;
        loop {
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.housekeeping.wake.notified() => {}
            }
            rest = REST;
            self.do_chores().await;
        }
    }

    /// Does everything once, as much of it as a round does.
    pub async fn do_chores(&self) {
        let deleted = self.delete_old_experiments().await;
        self.note_chore(Chore::Retention, deleted.map(|count| format!("{count} deleted")));
        let counted = self.count_files().await;
        self.note_chore(
            Chore::Counting,
            counted.map(|is_all| if is_all { "all are counted" } else { "more next time" }.to_owned()),
        );
        self.tidy();
    }

    /// Returns what the server does beside requests, and when it was done last.
    pub fn chores(&self) -> Vec<(Chore, Option<DoneChore>)> {
        let done = self.housekeeping.done.lock().unwrap_or_else(PoisonError::into_inner);
        Chore::ALL.into_iter().map(|chore| (chore, done.get(&chore).cloned())).collect()
    }

    async fn count_files(&self) -> Result<bool, Error> {
        for _ in 0..COUNTS {
            if !self.store.count_file_bytes(COUNTED).await? {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(false)
    }

    pub(crate) fn note_chore(&self, chore: Chore, outcome: Result<String, Error>) {
        if let Err(error) = &outcome {
            tracing::warn!(error = error as &dyn std::error::Error, ?chore, "the server did not finish something; trying again");
        }
        let outcome = outcome.map_err(|error| error.to_string());
        self.housekeeping.note(chore, DoneChore { at: self.store.now(), outcome });
    }
}
