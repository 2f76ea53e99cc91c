//! What the peers upload: a test that begins, a test that is over, once or several times, in whatever order.

use serde_json::{Map, Value};

use super::find::BatchLookup;
use super::model::{Counts, RunRecord, Turn, check_id};
use super::write::run_ids;
use crate::model::Scope;
use crate::test_data::read_bundle;
use crate::{Result, Transaction, rows};

/// An upload of a peer.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// The bundle version that was run.
    pub bundle: &'a str,
    /// Names the batch, where it has a name.
    pub experiment_id: Option<&'a str>,
    /// The test is over: what was announced and is not in `runs` failed.
    pub is_over: bool,
    /// When it began, in epoch milliseconds.
    pub started_at: Option<i64>,
    /// When it ended.
    pub completed_at: Option<i64>,
    /// What else is to be kept about it.
    pub details: &'a Map<String, Value>,
    /// The runs.
    pub runs: &'a [RunRecord],
    /// What was said, each with the id of its run.
    pub turns: &'a [Turn],
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The batch.
    pub batch_id: String,
    /// Its project.
    pub project_id: String,
    /// Its runs by their status.
    pub counts: Counts,
    /// True where it has ended with this upload, and not before.
    pub has_ended: bool,
}

impl Transaction {
    /// Stores what a peer uploads. Whatever comes again is stored once.
    ///
    /// # Errors
    /// The bundle version is not in the scope or does not have an input that a run names, an id has no meaning, or the database
    /// failed.
    pub async fn record_upload(&mut self, scope: &Scope, upload: &Upload<'_>) -> Result<Recorded> {
        let bundle = read_bundle(self.connection(), scope, upload.bundle).await?;
        if let Some(experiment) = upload.experiment_id {
            check_id("an experiment", experiment)?;
        }
        self.restore_runs(&bundle.project_id, &run_ids(upload.runs)).await?;
        self.check_items(&bundle, upload.runs).await?;
        let wanted =
            BatchLookup { bundle: &bundle, org_id: &scope.org_id, experiment_id: upload.experiment_id, is_over: upload.is_over };
        let batch = self.find_batch(&wanted, upload.runs).await?;
        self.put_runs(&batch, upload.runs).await?;
        let inside = Scope::of(&scope.org_id, Some(bundle.project_id.clone()));
        self.record_turns(&inside, upload.turns).await?;
        let now = self.now;
        sqlx::query(
            "UPDATE stored_batches SET started_at = coalesce(started_at, ?2), completed_at = coalesce(?3, completed_at),
               details = iif(details = '{}', ?4, details) WHERE number = ?1",
        )
        .bind(batch.number)
        .bind(upload.started_at.or_else(|| (!upload.is_over).then_some(now)))
        .bind(upload.completed_at.filter(|_| upload.is_over))
        .bind(rows::text(upload.details))
        .execute(self.connection())
        .await?;
        if upload.is_over {
            self.stop_waiting_for(batch.number).await?;
        }
        let counts =
            if upload.is_over { self.close_batch(&batch, &bundle).await? } else { self.settle_batch(&batch, &bundle).await? };
        tracing::debug!(batch = batch.id, runs = counts.total(), is_over = upload.is_over, "results came");
        // Of several that go on under one name it is not certain which one has ended.
        let has_ended = upload.is_over && batch.is_certain && !batch.is_reported;
        if has_ended {
            self.copy_gate(batch.number).await?;
        }
        Ok(Recorded { batch_id: batch.id, project_id: bundle.project_id, counts, has_ended })
    }
}
