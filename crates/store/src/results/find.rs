//! Which batch is meant.

use std::collections::HashSet;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::model::RunRecord;
use crate::test_data::Bundle;
use crate::{Result, Transaction, rows};

/// A batch that is being written.
#[derive(Debug, Clone)]
pub(super) struct BatchKey {
    pub(super) number: i64,
    pub(super) id: String,
    pub(super) org_id: String,
    pub(super) project_id: String,
    /// Somebody said before that it is over.
    pub(super) is_reported: bool,
    /// Runs that are not known replace those that were announced for the same inputs.
    pub(super) takes_over: bool,
    /// Nothing else could be meant.
    pub(super) is_certain: bool,
}

/// What is known about a batch before its runs are looked at.
#[derive(Debug)]
pub(super) struct BatchLookup<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) org_id: &'a str,
    pub(super) experiment_id: Option<&'a str>,
    /// The client says how the runs ended.
    pub(super) is_over: bool,
}

impl Transaction {
    /// Returns the batch that is meant, made if there is none. The rules are those of [`results`](crate::results).
    pub(super) async fn find_batch(&mut self, wanted: &BatchLookup<'_>, runs: &[RunRecord]) -> Result<BatchKey> {
        match self.find_known_batch(wanted, runs).await? {
            Some(batch) => self.name_batch(wanted, batch).await,
            None => self.new_batch(wanted).await,
        }
    }

    /// Returns the batch that is meant, if there is one. Nobody means one that is hidden.
    pub(super) async fn find_known_batch(&mut self, wanted: &BatchLookup<'_>, runs: &[RunRecord]) -> Result<Option<BatchKey>> {
        if let Some(batch) = self.batch_with_runs(wanted, runs).await? {
            return Ok(Some(batch));
        }
        if wanted.is_over
            && !runs.is_empty()
            && let Some(batch) = self.batch_that_waits(wanted, runs).await?
        {
            return Ok(Some(batch));
        }
        self.batch_without_runs(wanted, runs).await
    }

    /// Returns the batch that has one of the runs and the same name, or all of them and another name.
    async fn batch_with_runs(&mut self, wanted: &BatchLookup<'_>, runs: &[RunRecord]) -> Result<Option<BatchKey>> {
        let ids: HashSet<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        let row = sqlx::query(
            "SELECT b.number, b.id, b.reported_at, b.experiment_id IS ?3 AS is_named, count(*) AS found
             FROM (SELECT batch FROM runs WHERE project_id = ?1 AND id IN (SELECT value FROM json_each(?2))
                   UNION ALL
                   SELECT r.batch FROM replaced_runs a JOIN runs r ON r.number = a.run
                   WHERE a.project_id = ?1 AND a.id IN (SELECT value FROM json_each(?2))) h
             JOIN run_batches b ON b.number = h.batch
             GROUP BY b.number ORDER BY is_named DESC, found DESC, b.number LIMIT 1",
        )
        .bind(&wanted.bundle.project_id)
        .bind(rows::text(&ids))
        .bind(wanted.experiment_id)
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let has_all = usize::try_from(row.try_get::<i64, _>("found")?).unwrap_or_default() >= ids.len();
        if row.try_get("is_named")? || has_all { Ok(Some(key(wanted, &row)?)) } else { Ok(None) }
    }

    /// Returns the batch that still waits for runs of the same inputs: 0.3.3 announces a conversation under other ids
    /// than those that it reports.
    async fn batch_that_waits(&mut self, wanted: &BatchLookup<'_>, runs: &[RunRecord]) -> Result<Option<BatchKey>> {
        let items: HashSet<&str> = runs.iter().filter_map(|run| run.input_item_id.as_deref()).collect();
        let row = sqlx::query(
            "SELECT b.number, b.id, b.reported_at FROM run_batches b
             WHERE b.project_id = ?1 AND b.experiment_id = ?2 AND b.bundle_id = ?3 AND b.running > 0
               AND EXISTS (SELECT 1 FROM runs r WHERE r.batch = b.number AND r.status = 'running'
                           AND r.input_item_id IN (SELECT value FROM json_each(?4)))
             ORDER BY b.number LIMIT 1",
        )
        .bind(&wanted.bundle.project_id)
        .bind(wanted.experiment_id)
        .bind(&wanted.bundle.id)
        .bind(rows::text(&items))
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| Ok(BatchKey { takes_over: true, ..key(wanted, &row)? })).transpose()
    }

    /// Returns the batch of the same name and bundle version that has no runs yet, or any where no run is named: 0.3.3
    /// reports a test so of which every run failed. Of several that go on it is not certain which one is over.
    async fn batch_without_runs(&mut self, wanted: &BatchLookup<'_>, runs: &[RunRecord]) -> Result<Option<BatchKey>> {
        let rows = sqlx::query(
            "SELECT number, id, reported_at, running FROM run_batches
             WHERE project_id = ?1 AND experiment_id IS ?2 AND bundle_id = ?3
               AND (?4 AND ?2 NOT NULL OR running + completed + failed + error + timeout + skipped + abandoned = 0)
             ORDER BY running > 0 DESC, number DESC LIMIT 2",
        )
        .bind(&wanted.bundle.project_id)
        .bind(wanted.experiment_id)
        .bind(&wanted.bundle.id)
        .bind(runs.is_empty())
        .fetch_all(self.connection())
        .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let is_certain = rows.get(1).map_or(Ok(0), |second| second.try_get::<i64, _>("running"))? == 0;
        Ok(Some(BatchKey { is_certain, ..key(wanted, first)? }))
    }

    /// Gives a batch that had none the name under which it came this time.
    async fn name_batch(&mut self, wanted: &BatchLookup<'_>, batch: BatchKey) -> Result<BatchKey> {
        sqlx::query("UPDATE stored_batches SET experiment_id = ?2 WHERE number = ?1 AND experiment_id IS NULL AND ?2 NOT NULL")
            .bind(batch.number)
            .bind(wanted.experiment_id)
            .execute(self.connection())
            .await?;
        Ok(batch)
    }

    pub(super) async fn new_batch(&mut self, wanted: &BatchLookup<'_>) -> Result<BatchKey> {
        let (id, now) = (self.surroundings.id("experiment_")?, self.now);
        let row = sqlx::query(
            "INSERT INTO stored_batches (id, project_id, bundle_id, experiment_id, status, created_at, heard_at)
             VALUES (?1, ?2, ?3, ?4, 'failed', ?5, ?5) RETURNING number, id, reported_at",
        )
        .bind(id)
        .bind(&wanted.bundle.project_id)
        .bind(&wanted.bundle.id)
        .bind(wanted.experiment_id)
        .bind(now)
        .fetch_one(self.connection())
        .await?;
        key(wanted, &row)
    }
}

pub(super) fn key(wanted: &BatchLookup<'_>, row: &SqliteRow) -> Result<BatchKey> {
    Ok(BatchKey {
        number: row.try_get("number")?,
        id: row.try_get("id")?,
        org_id: wanted.org_id.to_owned(),
        project_id: wanted.bundle.project_id.clone(),
        is_reported: row.try_get::<Option<i64>, _>("reported_at")?.is_some(),
        takes_over: false,
        is_certain: true,
    })
}
