//! Figures of a batch that its row does not have, and the way from one run that did not pass to the next.

use sqlx::sqlite::SqliteConnection;

use super::read::batch_number;
use crate::model::Scope;
use crate::{Result, Store};

/// How long the runs of a batch took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RunDurations {
    /// Half of the runs took at most this long.
    pub median: Option<f64>,
    /// 95 of 100 runs took at most this long.
    pub percentile_95: Option<f64>,
}

/// The runs that did not pass around a run, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailedNeighbours {
    /// The last one before it.
    pub previous: Option<String>,
    /// The first one after it.
    pub next: Option<String>,
}

/// The condition of an index, in the same words.
macro_rules! not_passed {
    () => {
        "(status IN ('failed', 'error', 'timeout') OR (status = 'completed' AND verdict IN ('fail', 'failed')))"
    };
}

impl Store {
    /// Returns how long the runs of a batch took.
    ///
    /// # Errors
    /// There is no such batch in the scope, or the database failed.
    pub async fn run_durations(&self, scope: &Scope, batch: &str) -> Result<RunDurations> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM runs WHERE batch = ? AND duration_ms NOT NULL")
            .bind(number)
            .fetch_one(&mut *reader)
            .await?;
        // The run at a rank is the first that so many runs are not slower than.
        Ok(RunDurations {
            median: duration_at(&mut reader, number, (count - 1) / 2).await?,
            percentile_95: duration_at(&mut reader, number, (count * 95 - 1) / 100).await?,
        })
    }

    /// Returns the runs before and after a run of a batch that did not pass.
    ///
    /// # Errors
    /// There is no such batch in the scope, or the database failed.
    pub async fn failed_neighbours(&self, scope: &Scope, batch: &str, run: i64) -> Result<FailedNeighbours> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let previous = sqlx::query_scalar(concat!(
            "SELECT id FROM runs WHERE batch = ? AND number < ? AND ",
            not_passed!(),
            " ORDER BY number DESC LIMIT 1"
        ))
        .bind(number)
        .bind(run)
        .fetch_optional(&mut *reader)
        .await?;
        let next = sqlx::query_scalar(concat!(
            "SELECT id FROM runs WHERE batch = ? AND number > ? AND ",
            not_passed!(),
            " ORDER BY number LIMIT 1"
        ))
        .bind(number)
        .bind(run)
        .fetch_optional(&mut *reader)
        .await?;
        Ok(FailedNeighbours { previous, next })
    }
}

async fn duration_at(connection: &mut SqliteConnection, batch: i64, rank: i64) -> Result<Option<f64>> {
    let found = sqlx::query_scalar(
        "SELECT duration_ms FROM runs WHERE batch = ? AND duration_ms NOT NULL ORDER BY duration_ms LIMIT 1 OFFSET ?",
    )
    .bind(batch)
    .bind(rank.max(0))
    .fetch_optional(connection)
    .await?;
    Ok(found)
}
