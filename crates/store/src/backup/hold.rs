//! Keeping files while they are copied.
//!
//! A backup fixes a state, and copies the files that it names after that. Meanwhile rows may go, and with them the reason to keep a file. So
//! whoever copies says so in the database, again and again, and what removes files rests until nobody says it any more. Whoever removes asks for
//! the rows that name a file *before* it asks for this: a file that no row named by then is in no state that was fixed under the hold.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{Result, Store};

/// The setting with the time until which no file is removed.
const SETTING: &str = "files_held_until";

/// How long one word of it counts, in milliseconds. A backup that was killed holds files no longer than that.
const HELD: i64 = 10 * 60 * 1000;

/// How often it is said again.
const SAID_AGAIN: Duration = Duration::from_secs(60);

/// Keeps all files until it is dropped, and some minutes longer.
pub(super) struct Hold(JoinHandle<()>);

impl Hold {
    /// Begins to keep them.
    pub(super) async fn begin(store: &Store) -> Result<Self> {
        store.hold_files().await?;
        let store = store.clone();
        Ok(Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(SAID_AGAIN).await;
                if let Err(error) = store.hold_files().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot say that a backup goes on; trying again");
                }
            }
        })))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Store {
    /// Keeps all files for some minutes.
    async fn hold_files(&self) -> Result<()> {
        let mut transaction = self.write().await?;
        let until = transaction.now() + HELD;
        transaction.set_setting(SETTING, &until.to_string()).await?;
        transaction.commit().await
    }

    /// Returns true if somebody copies files, so that none may be removed.
    pub(crate) async fn are_files_held(&self) -> Result<bool> {
        let until: Option<i64> = self.setting(SETTING).await?.and_then(|until| until.parse().ok());
        let now = self.now();
        // A time that lies further ahead was said before the clock was set back, and would hold files for as long as that.
        Ok(until.is_some_and(|until| (now + 1..=now + HELD).contains(&until)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::Surroundings;

    #[tokio::test]
    async fn files_are_held_for_ten_minutes_whatever_the_clock_said_before() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(1_000 * HELD));
        let time = Arc::clone(&clock);
        let surroundings = Surroundings::of_the_machine().with_clock(move || time.load(Ordering::SeqCst));
        let store = Store::open_with(&folder.path().join("k.db"), surroundings).await.unwrap();
        assert!(!store.are_files_held().await.unwrap());
        store.hold_files().await.unwrap();
        for (at, is_held) in [(1_000 * HELD, true), (1_001 * HELD - 1, true), (1_001 * HELD, false), (900 * HELD, false)] {
            clock.store(at, Ordering::SeqCst);
            assert_eq!(store.are_files_held().await.unwrap(), is_held, "{at}");
        }
        // A backup that goes on after the clock was set back says so in the new time.
        store.hold_files().await.unwrap();
        assert!(store.are_files_held().await.unwrap());
    }
}
