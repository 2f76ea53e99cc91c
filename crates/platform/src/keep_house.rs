//! Keeping house: a task of the server that does [chores](Chore) again and again.
//!
//! What is to be done is found in the database each time, so a restart loses nothing, and many servers on the same data do it as one.

use std::time::Duration;

use crate::error::Error;
use crate::housekeeping::{Chore, DoneChore};
use crate::platform::Platform;

/// When the first round is, after the server has begun to answer, and how long two lie apart.
const FIRST: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(60 * 60);

/// Of how many experiments the files are counted at a time, and how often in a round: one may have tens of thousands, and nobody writes
/// meanwhile.
const COUNTED: u32 = 1;
const COUNTS: usize = 2000;

/// How long others write between two of these.
const PAUSE: Duration = Duration::from_millis(20);

impl Platform {
    /// Keeps house, for as long as the server runs.
    pub async fn keep_house(self) {
        // What a server without a key left.
        match self.seal_secrets().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "secrets of webhooks are encrypted now"),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "secrets of webhooks are not encrypted"),
        }
        let mut rest = FIRST;
        loop {
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.housekeeping.woken() => {}
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
        let chores = Chore::ALL.into_iter().filter(|chore| *chore != Chore::Backup || self.settings.backups.is_some());
        chores.map(|chore| (chore, self.housekeeping.done(chore))).collect()
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
