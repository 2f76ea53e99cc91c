//! Figures of a batch that its row does not have, and the way from one run that did not pass to the next.

use sqlx::Row as _;

use super::model::{Status, not_passed};
use super::read::{batch_number, status};
use crate::model::Scope;
use crate::organizations::require_project;
use crate::sql::connection::Connection;
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
pub struct FailedNeighbors {
    /// The last one before it.
    pub previous: Option<String>,
    /// The first one after it.
    pub next: Option<String>,
}

/// How an input did in an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputResult {
    /// The experiment.
    pub batch_id: String,
    /// Its name.
    pub name: String,
    /// A run of the input: the first that did not pass, else the last.
    pub run_id: String,
    /// How the run ended.
    pub status: Status,
}

/// How many runs of an input are looked at: that many experiments, or fewer where each asked it several times.
const MOST_RUNS: u32 = 200;

/// The last runs of an input, the newest first.
const RUNS_OF_INPUT: &str = concat!(
    "SELECT r.id, r.status, r.verdict, b.id AS batch, ",
    shown_name!(),
    " AS name FROM runs r JOIN run_batches b ON b.number = r.batch LEFT JOIN experiment_labels l ON l.batch = b.number
     WHERE r.project_id = ?1 AND r.input_item_id = ?2 AND r.status <> 'running'
     ORDER BY r.number DESC LIMIT ?3"
);

impl InputResult {
    fn is_good(&self) -> bool {
        self.status == Status::Passed
    }
}

impl Store {
    /// Returns how an input did in the last experiments of a project, the newest first. Where an experiment asked it several
    /// times, one that did not pass counts.
    ///
    /// # Errors
    /// There is no such project in the scope, or the database failed.
    pub async fn input_history(&self, scope: &Scope, project: &str, item: &str, most: usize) -> Result<Vec<InputResult>> {
        let mut reader = self.reader().await?;
        require_project(&mut reader, scope, project).await?;
        let rows = sqlx::query(RUNS_OF_INPUT).bind(project).bind(item).bind(MOST_RUNS).fetch_all(&mut *reader).await?;
        let mut results: Vec<InputResult> = Vec::new();
        for row in &rows {
            let batch_id: String = row.try_get("batch")?;
            let status = status(row, "a run")?;
            let result = InputResult { name: row.try_get("name")?, run_id: row.try_get("id")?, status, batch_id };
            match results.iter().position(|known| known.batch_id == result.batch_id) {
                Some(place) if results[place].is_good() && !result.is_good() => results[place] = result,
                Some(_) => {}
                None if results.len() == most => break,
                None => results.push(result),
            }
        }
        Ok(results)
    }

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
    pub async fn failed_neighbors(&self, scope: &Scope, batch: &str, run: i64) -> Result<FailedNeighbors> {
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
        Ok(FailedNeighbors { previous, next })
    }
}

async fn duration_at(connection: &mut Connection, batch: i64, rank: i64) -> Result<Option<f64>> {
    let found = sqlx::query_scalar(
        "SELECT duration_ms FROM runs WHERE batch = ? AND duration_ms NOT NULL ORDER BY duration_ms LIMIT 1 OFFSET ?",
    )
    .bind(batch)
    .bind(rank.max(0))
    .fetch_optional(connection)
    .await?;
    Ok(found)
}
