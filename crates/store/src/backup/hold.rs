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

/// How long one word of it counts. A backup that was killed holds files no longer than that.
const HELD: Duration = Duration::from_secs(10 * 60);

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
        let until = transaction.now() + i64::try_from(HELD.as_millis()).unwrap_or(i64::MAX);
        // Of two backups at once the one that ends first does not end the other's.
        if self.held_until().await?.is_none_or(|held| held < until) {
            transaction.set_setting(SETTING, &until.to_string()).await?;
        }
        transaction.commit().await
    }

    /// Returns true if somebody copies files, so that none may be removed.
    pub(crate) async fn are_files_held(&self) -> Result<bool> {
        Ok(self.held_until().await?.is_some_and(|until| until > self.now()))
    }

    async fn held_until(&self) -> Result<Option<i64>> {
        Ok(self.setting(SETTING).await?.and_then(|until| until.parse().ok()))
    }
}
