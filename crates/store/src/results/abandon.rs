//! Runs that were announced and of which nothing was heard any more.

use crate::{Result, Store, Transaction};

impl Store {
    /// Returns true if [`Transaction::abandon_runs`] would do anything.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_silent_runs(&self, silent_since: i64) -> Result<bool> {
        let found = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM run_batches WHERE running > 0 AND heard_at < ?1)
                 OR EXISTS (SELECT 1 FROM early_turns WHERE heard_at < ?1)",
        )
        .bind(silent_since)
        .fetch_one(&mut *self.reader().await?)
        .await?;
        Ok(found)
    }
}

impl Transaction {
    /// Marks the runs as abandoned that still run in batches of which nothing was heard since a time in epoch
    /// milliseconds, and returns how many batches that were. If such a run is reported after all, it is what is reported.
    ///
    /// Turns of runs that never came are forgotten after the same time.
    ///
    /// # Errors
    /// The database failed.
    pub async fn abandon_runs(&mut self, silent_since: i64) -> Result<usize> {
        let batches: Vec<i64> = sqlx::query_scalar("SELECT number FROM run_batches WHERE running > 0 AND heard_at < ?")
            .bind(silent_since)
            .fetch_all(self.connection())
            .await?;
        for batch in &batches {
            sqlx::query("UPDATE stored_runs SET status = 'abandoned' WHERE batch = ? AND status = 'running'")
                .bind(batch)
                .execute(self.connection())
                .await?;
            sqlx::query("UPDATE live_experiments SET state = 'abandoned' WHERE batch = ? AND state <> 'ended'")
                .bind(batch)
                .execute(self.connection())
                .await?;
            self.recount(*batch).await?;
            self.copy_gate(*batch).await?;
        }
        sqlx::query("DELETE FROM early_turns WHERE heard_at < ?").bind(silent_since).execute(self.connection()).await?;
        Ok(batches.len())
    }
}
