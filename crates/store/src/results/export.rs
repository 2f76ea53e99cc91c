//! The runs of an experiment as they came, some at a time.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::query_builder::QueryBuilder;
use sqlx::sqlite::SqliteRow;

use super::model::RunRecord;
use super::read::{batch_number, run_result, status, turn};
use crate::model::Scope;
use crate::{Result, Store, rows};

impl Store {
    /// Returns runs of an experiment with all that came of them, after a [number](super::Run::number), each with its own.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn run_records(&self, scope: &Scope, batch: &str, after: i64, limit: u32) -> Result<Vec<(i64, RunRecord)>> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let found = sqlx::query(
            "SELECT r.number, r.id, r.input_item_id, r.persona, r.iteration, r.status, r.verdict, r.error, r.input, r.output,
               coalesce(m.metrics, '{}') AS metrics, coalesce(m.evaluation, '{}') AS evaluation,
               coalesce(m.transcript, '[]') AS transcript
             FROM runs r LEFT JOIN run_results m ON m.run = r.number WHERE r.batch = ? AND r.number > ? ORDER BY r.number LIMIT ?",
        )
        .bind(number)
        .bind(after)
        .bind(limit)
        .fetch_all(&mut *reader)
        .await?;
        let mut records = found.iter().map(record).collect::<Result<Vec<(i64, RunRecord)>>>()?;
        let numbers: Vec<i64> = records.iter().map(|(number, _)| *number).collect();
        let mut query = QueryBuilder::new(
            "SELECT run, turn_id, sequence, role, content, said_at, duration_ms, warnings FROM turns
             WHERE run IN (SELECT value FROM json_each(",
        );
        query.push_bind(rows::text(&numbers)).push(")) ORDER BY run, sequence, turn_id");
        let mut turns: HashMap<i64, Vec<_>> = HashMap::new();
        for row in query.build().fetch_all(&mut *reader).await? {
            turns.entry(row.try_get("run")?).or_default().push(turn(&row)?);
        }
        for (number, record) in &mut records {
            record.turns = turns.remove(number).unwrap_or_default();
        }
        Ok(records)
    }

    /// Returns how many cases of an experiment were not judged because a judge failed.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn count_failed_judges(&self, scope: &Scope, batch: &str) -> Result<u64> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let count: i64 = sqlx::query_scalar(
            "SELECT count(DISTINCT m.run) FROM batch_criteria c JOIN criterion_misses m ON m.criterion = c.number
               JOIN runs r ON r.number = m.run
             WHERE c.batch = ? AND m.verdict = 'error' AND r.status = 'completed' AND r.verdict = 'not_judged'",
        )
        .bind(number)
        .fetch_one(&mut *reader)
        .await?;
        Ok(count.unsigned_abs())
    }
}

fn record(row: &SqliteRow) -> Result<(i64, RunRecord)> {
    let id: String = row.try_get("id")?;
    let result = run_result(row, &id)?;
    let record = RunRecord {
        input_item_id: row.try_get("input_item_id")?,
        persona: row.try_get("persona")?,
        iteration: row.try_get("iteration")?,
        error: row.try_get("error")?,
        input: row.try_get("input")?,
        output: row.try_get("output")?,
        metrics: result.metrics,
        transcript: result.transcript,
        evaluation: result.evaluation,
        ..RunRecord::new(id.clone(), status(row, &id)?)
    };
    Ok((row.try_get("number")?, record))
}
