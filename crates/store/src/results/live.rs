//! A test that is told of while it goes on: cases come as they end, and the upload at the end has the last word.
//!
//! The experiment is there from the first report on, under the id that it keeps. It runs until its upload: how many cases are left is
//! what was planned without those that came, and no rows stand for them. A report and the upload know each other by the client's key for the
//! test, whatever came in between. An upload puts what it says in the place of what was reported, and removes what it leaves out; a report that
//! comes after it changes nothing.

use sqlx::Row as _;

use super::commit::Commit;
use super::counting::left;
use super::find::{BatchKey, BatchLookup, key};
use super::model::{BatchStatus, Counts, ResultsError, RunRecord, check_id};
use super::read::{batch_number, read_counts};
use super::write::{ROWS, last_of_each};
use crate::model::Scope;
use crate::test_data::read_bundle;
use crate::{Result, Store, StoreError, Transaction, rows};

/// What is told of a test that goes on.
#[derive(Debug, Clone, Copy)]
pub struct LiveReport<'a> {
    /// The bundle version that is run; of the project.
    pub bundle: &'a str,
    /// Names the experiment.
    pub experiment_id: &'a str,
    /// Tells this test from all others; the details of its upload have it, too.
    pub key: &'a str,
    /// How many cases it has.
    pub planned: u64,
    /// When it began, in epoch milliseconds.
    pub started_at: Option<i64>,
    /// What else is known about it.
    pub details: &'a serde_json::Map<String, serde_json::Value>,
    /// Cases that ended since the report before.
    pub runs: &'a [RunRecord],
    /// No more cases are run for now.
    pub is_stopped: bool,
}

/// How far a test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveState {
    /// What the experiment is by its cases.
    pub status: BatchStatus,
    /// When something last came, in epoch milliseconds.
    pub heard_at: i64,
    /// How many cases it has, where a client of ours tells.
    pub planned: Option<u64>,
    /// The client said that it has stopped.
    pub is_stopped: bool,
}

/// More cases than any test has. A number that somebody made up must not make sums over experiments overflow.
const MOST_PLANNED: u64 = 1_000_000_000;

/// What is known of a test by its key.
struct Known {
    batch: BatchKey,
    is_hidden: bool,
    has_ended: bool,
}

impl Transaction {
    /// Stores what is told of a test that goes on. Returns the id of its experiment; `None` where nothing was stored, because its upload is
    /// there or somebody deleted it.
    ///
    /// # Errors
    /// The project or its bundle version is not in the scope, an id has no meaning, a run has not ended or names an input that the bundle
    /// version does not have, or the database failed.
    pub async fn record_live(&mut self, scope: &Scope, project: &str, report: &LiveReport<'_>) -> Result<Option<String>> {
        let bundle = read_bundle(self.connection(), scope, report.bundle).await?;
        if bundle.project_id != project {
            return Err(StoreError::BundleNotFound(report.bundle.to_owned()));
        }
        let experiment_id = Some(check_id("an experiment", report.experiment_id)?);
        check_id("a test", report.key)?;
        if let Some(run) = report.runs.iter().find(|run| !run.status.is_reported()) {
            return Err(ResultsError::NotEnded(check_id("a run", &run.id)?.to_owned()).into());
        }
        self.check_items(&bundle, report.runs).await?;
        let wanted = BatchLookup { bundle: &bundle, org_id: &scope.org_id, experiment_id, is_over: false };
        let batch = match self.live_batch(&wanted, report.key).await? {
            Some(known) if known.is_hidden || known.has_ended => return Ok(None),
            Some(known) => known.batch,
            None => self.new_batch(&wanted).await?,
        };
        let planned = report.planned.min(MOST_PLANNED);
        let state = if report.is_stopped { "stopped" } else { "running" };
        sqlx::query(
            "INSERT INTO live_experiments (batch, project_id, key, planned, state) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (batch) DO UPDATE SET planned = excluded.planned, state = excluded.state",
        )
        .bind(batch.number)
        .bind(project)
        .bind(report.key)
        .bind(i64::try_from(planned).unwrap_or(i64::MAX))
        .bind(state)
        .execute(self.connection())
        .await?;
        sqlx::query(
            "UPDATE stored_batches SET started_at = coalesce(started_at, ?2), details = iif(details = '{}', ?3, details) WHERE number = ?1",
        )
        .bind(batch.number)
        .bind(report.started_at)
        .bind(rows::text(report.details))
        .execute(self.connection())
        .await?;
        let mut counts = read_counts(self.connection(), batch.number).await?;
        // Neither has rows here: what is left is counted below.
        (counts.running, counts.abandoned) = (0, 0);
        for chunk in report.runs.chunks(ROWS) {
            self.put_live_chunk(&batch, &bundle.input_set_id, &last_of_each(chunk)?, &mut counts).await?;
        }
        counts.running = left(planned, &counts);
        self.hear(batch.number).await?;
        self.set_counts(batch.number, &counts).await?;
        Ok(Some(batch.id))
    }

    /// Stores those runs that nobody has: a case that ended is told of once, and its upload has the last word.
    async fn put_live_chunk(
        &mut self,
        batch: &BatchKey,
        input_set: &str,
        runs: &[&RunRecord],
        counts: &mut Counts,
    ) -> Result<()> {
        let ids = rows::text(&runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>());
        let (known, hidden) = self.all_places(&batch.project_id, &ids).await?;
        let is_new = |run: &&RunRecord| !known.contains_key(&run.id) && !hidden.contains_key(&run.id);
        let new: Vec<&RunRecord> = runs.iter().copied().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        let numbers = self.put_chunk(batch, &new, Some(counts)).await?;
        self.add_inputs_of(&numbers, input_set).await?;
        sqlx::query("UPDATE stored_runs SET is_live = 1 WHERE number IN (SELECT value FROM json_each(?))")
            .bind(rows::text(&numbers))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn live_batch(&mut self, wanted: &BatchLookup<'_>, test: &str) -> Result<Option<Known>> {
        let row = sqlx::query(
            "SELECT b.number, b.id, b.reported_at, l.state = 'ended' AS has_ended, h.batch NOT NULL AS is_hidden
             FROM live_experiments l JOIN stored_batches b ON b.number = l.batch LEFT JOIN hidden_batches h ON h.batch = l.batch
             WHERE l.project_id = ? AND l.key = ?",
        )
        .bind(&wanted.bundle.project_id)
        .bind(test)
        .fetch_optional(self.connection())
        .await?;
        let known = |row| {
            Ok(Known { batch: key(wanted, &row)?, is_hidden: row.try_get("is_hidden")?, has_ended: row.try_get("has_ended")? })
        };
        row.map(known).transpose()
    }

    /// Returns the experiment of a test whose end a commit brings, if it was told of and goes on. One that was deleted is restored.
    pub(super) async fn live_batch_of(&mut self, wanted: &BatchLookup<'_>, test: &str) -> Result<Option<BatchKey>> {
        let Some(known) = self.live_batch(wanted, test).await?.filter(|known| !known.has_ended) else { return Ok(None) };
        if known.is_hidden {
            let restored: Vec<i64> =
                sqlx::query_scalar("DELETE FROM hidden_batches WHERE batch = ? AND deleted_at NOT NULL RETURNING batch")
                    .bind(known.batch.number)
                    .fetch_all(self.connection())
                    .await?;
            self.note_restored(&restored).await?;
            // What is being removed already stays removed.
            return Ok((!restored.is_empty()).then_some(known.batch));
        }
        Ok(Some(known.batch))
    }

    /// Stores runs of a commit in the experiment that was told of, which is seen meanwhile: each as the commit has it, whatever was reported.
    pub(super) async fn put_ended_runs(&mut self, commit: &mut Commit, batch: &BatchKey, runs: &[RunRecord]) -> Result<()> {
        for chunk in runs.chunks(ROWS) {
            let runs = last_of_each(chunk)?;
            let ids = rows::text(&runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>());
            let (known, _) = self.all_places(&batch.project_id, &ids).await?;
            let numbered: Vec<(i64, &RunRecord)> =
                runs.iter().filter_map(|run| known.get(&run.id).map(|place| (place.number, *run))).collect();
            let mut changed = self.changed_runs(&numbered).await?;
            // A report may say what the upload leaves out: nothing would have changed by that.
            changed.extend(self.told_runs(&numbered).await?);
            let own: Vec<i64> = known
                .values()
                .filter(|place| place.batch == batch.number && changed.contains(&place.number))
                .map(|place| place.number)
                .collect();
            self.clear_runs(&own).await?;
            let is_to_put = |run: &&RunRecord| known.get(&run.id).is_none_or(|place| changed.contains(&place.number));
            let runs: Vec<&RunRecord> = runs.into_iter().filter(is_to_put).collect();
            if !runs.is_empty() {
                let numbers = self.put_chunk(batch, &runs, Some(&mut Counts::default())).await?;
                self.add_inputs_of(&numbers, &commit.bundle.input_set_id).await?;
            }
            self.name_runs(&batch.project_id, &ids).await?;
        }
        Ok(())
    }

    /// Returns those of some runs that are there only because somebody told of them.
    async fn told_runs(&mut self, runs: &[(i64, &RunRecord)]) -> Result<Vec<i64>> {
        let numbers: Vec<i64> = runs.iter().map(|(number, _)| *number).collect();
        let told =
            sqlx::query_scalar("SELECT number FROM stored_runs WHERE is_live = 1 AND number IN (SELECT value FROM json_each(?))")
                .bind(rows::text(&numbers))
                .fetch_all(self.connection())
                .await?;
        Ok(told)
    }

    /// Notes that an upload names runs, whose ids are a JSON array: they are there not only because somebody told of them.
    pub(super) async fn name_runs(&mut self, project: &str, ids: &str) -> Result<()> {
        sqlx::query(
            "UPDATE stored_runs SET is_live = 0
             WHERE is_live = 1 AND project_id = ?1 AND id IN (SELECT value FROM json_each(?2))",
        )
        .bind(project)
        .bind(ids)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes away what is known of runs, before other words take its place. They keep their numbers, and with them what people said of them.
    async fn clear_runs(&mut self, numbers: &[i64]) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let list = rows::text(numbers);
        for sql in [
            "DELETE FROM turns WHERE run IN (SELECT value FROM json_each(?))",
            "DELETE FROM run_results WHERE run IN (SELECT value FROM json_each(?))",
            "UPDATE stored_runs SET input_item_id = NULL, persona = NULL, verdict = NULL, duration_ms = NULL, error = NULL,
               input = '', output = ''
             WHERE number IN (SELECT value FROM json_each(?))",
        ] {
            sqlx::query(sql).bind(&list).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Ends what was told of a test, now that its upload is in a batch: what the upload did not name goes. Returns true if anything of the
    /// batch has changed.
    pub(super) async fn end_live(&mut self, batch: &BatchKey, wanted: &BatchLookup<'_>, test: Option<&str>) -> Result<bool> {
        let Some(test) = test else { return self.stop_waiting_for(batch.number).await };
        let mut is_changed = false;
        if let Some(other) = self.live_batch(wanted, test).await?.filter(|known| known.batch.number != batch.number) {
            // A report was on its way when the upload began. What it brought and the upload has, too, is there.
            if !other.is_hidden {
                sqlx::query("UPDATE stored_runs SET batch = ?2 WHERE batch = ?1")
                    .bind(other.batch.number)
                    .bind(batch.number)
                    .execute(self.connection())
                    .await?;
                sqlx::query("INSERT INTO hidden_batches (batch) VALUES (?)")
                    .bind(other.batch.number)
                    .execute(self.connection())
                    .await?;
                is_changed = true;
            }
            sqlx::query("DELETE FROM live_experiments WHERE batch = ?")
                .bind(other.batch.number)
                .execute(self.connection())
                .await?;
        }
        let left_out: Vec<i64> = sqlx::query_scalar("SELECT number FROM stored_runs WHERE batch = ? AND is_live = 1")
            .bind(batch.number)
            .fetch_all(self.connection())
            .await?;
        if !left_out.is_empty() {
            self.remove_runs(&left_out).await?;
        }
        let was_live = self.stop_waiting_for(batch.number).await?;
        if !was_live {
            sqlx::query(
                "INSERT INTO live_experiments (batch, project_id, key, planned, state) VALUES (?, ?, ?, 0, 'ended')
                 ON CONFLICT DO NOTHING",
            )
            .bind(batch.number)
            .bind(&batch.project_id)
            .bind(test)
            .execute(self.connection())
            .await?;
        }
        Ok(is_changed || was_live)
    }

    /// Says that a batch has ended, where it was told of. Returns true if that is new.
    pub(super) async fn stop_waiting_for(&mut self, batch: i64) -> Result<bool> {
        let ended = sqlx::query("UPDATE live_experiments SET state = 'ended' WHERE batch = ? AND state <> 'ended'")
            .bind(batch)
            .execute(self.connection())
            .await?;
        Ok(ended.rows_affected() > 0)
    }
}

impl Store {
    /// Returns how far the test of an experiment is.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn live_state(&self, scope: &Scope, experiment: &str) -> Result<LiveState> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, experiment).await?;
        let row = sqlx::query(
            "SELECT b.status, b.heard_at, l.planned, l.state FROM run_batches b LEFT JOIN live_experiments l ON l.batch = b.number AND l.state <> 'ended'
             WHERE b.number = ?",
        )
        .bind(number)
        .fetch_one(&mut *reader)
        .await?;
        Ok(LiveState {
            status: BatchStatus::from_label(row.try_get("status")?).ok_or_else(|| rows::damaged("status", experiment))?,
            heard_at: row.try_get("heard_at")?,
            planned: row.try_get::<Option<i64>, _>("planned")?.map(i64::unsigned_abs),
            is_stopped: row.try_get::<Option<&str>, _>("state")? == Some("stopped"),
        })
    }
}
