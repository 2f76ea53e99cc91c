//! Counting the runs of a batch by their states.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::model::{Counts, Status};
use super::read::{read_counts, status};
use crate::sql::connection::Connection;
use crate::{Result, Store, StoreError, Transaction, rows};

/// How many runs have which status, of those that meet a condition. Other verdicts say nothing, and there may be very many of them.
macro_rules! counted {
    ($condition:literal) => {
        concat!(
            "SELECT status, iif(verdict IN ('fail', 'failed', 'not_judged'), verdict, NULL) AS verdict, count(*) AS found
             FROM stored_runs WHERE ",
            $condition,
            " GROUP BY 1, 2"
        )
    };
}

fn of_counted(rows: &[SqliteRow]) -> Result<Vec<(Status, u64)>> {
    rows.iter().map(|row| Ok((status(row, "a run")?, row.try_get::<i64, _>("found")?.unsigned_abs()))).collect()
}

/// Counts the runs of a batch.
async fn counted_runs(connection: &mut Connection, batch: i64) -> Result<Counts> {
    let rows = sqlx::query(counted!("batch = ?")).bind(batch).fetch_all(&mut *connection).await?;
    let mut counts = Counts::default();
    for (status, count) in of_counted(&rows)? {
        counts.add(status, count);
    }
    add_left(connection, batch, &mut counts).await?;
    Ok(counts)
}

impl Store {
    /// Returns the name of a batch, what its row says of its runs, and what they are, where that is something else.
    pub(crate) async fn other_counts(&self, batch: i64) -> Result<Option<(String, Counts, Counts)>> {
        let mut reader = self.reader().await?;
        match read_counts(&mut reader, batch).await {
            Ok(said) if said == counted_runs(&mut reader, batch).await? => return Ok(None),
            Ok(_) => {}
            // It was deleted meanwhile.
            Err(StoreError::Database(sqlx::Error::RowNotFound)) => return Ok(None),
            Err(error) => return Err(error),
        }
        drop(reader);
        // Runs may have come between the two questions: now none can.
        let mut transaction = self.write().await?;
        let connection = transaction.connection();
        let name: Option<String> = sqlx::query_scalar("SELECT coalesce(experiment_id, id) FROM run_batches WHERE number = ?")
            .bind(batch)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(name) = name else { return Ok(None) };
        let (said, found) = (read_counts(connection, batch).await?, counted_runs(connection, batch).await?);
        Ok((said != found).then_some((name, said, found)))
    }
}

impl Transaction {
    /// Counts the runs of a batch again.
    pub(crate) async fn recount(&mut self, batch: i64) -> Result<Counts> {
        let counts = counted_runs(self.connection(), batch).await?;
        self.set_counts(batch, &counts).await?;
        Ok(counts)
    }

    /// Returns how many of some runs, which are named by their numbers, have which status.
    pub(super) async fn statuses(&mut self, runs: &[i64]) -> Result<Vec<(Status, u64)>> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(counted!("number IN (SELECT value FROM json_each(?))"))
            .bind(rows::text(runs))
            .fetch_all(self.connection())
            .await?;
        of_counted(&rows)
    }
}

/// Adds to the counts of a batch those cases that are planned and did not come.
async fn add_left(connection: &mut Connection, batch: i64, counts: &mut Counts) -> Result<()> {
    let row = sqlx::query("SELECT planned, state FROM live_experiments WHERE batch = ? AND state <> 'ended'")
        .bind(batch)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let left = left(row.try_get::<i64, _>("planned")?.unsigned_abs(), counts);
    if row.try_get::<&str, _>("state")? == "abandoned" {
        counts.abandoned += left;
    } else {
        counts.running += left;
    }
    Ok(())
}

/// Returns how many cases are left. Until the upload is there it is at least one: the test is not over before.
pub(super) fn left(planned: u64, counts: &Counts) -> u64 {
    planned.saturating_sub(counts.total()).max(1)
}
