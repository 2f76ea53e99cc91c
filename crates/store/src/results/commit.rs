//! A whole batch, brought in chunks and visible all at once.

use keepstep_base::Digest;
use serde_json::{Map, Value};

use super::find::{BatchKey, Wanted};
use super::model::{Counts, ResultsError, RunRecord, check_id};
use super::read::read_batch;
use crate::model::Scope;
use crate::test_data::{Bundle, read_bundle};
use crate::{Result, StoreError, Transaction, rows};

/// A batch to commit.
#[derive(Debug, Clone, Copy)]
pub struct NewCommit<'a> {
    /// The project.
    pub project: &'a str,
    /// The bundle version that was run; of the project.
    pub bundle: &'a str,
    /// Names the batch.
    pub experiment_id: &'a str,
    /// Tells this commit from another one of the same name: a digest of everything that it brings.
    pub digest: &'a str,
    /// When the experiment began, in epoch milliseconds.
    pub started_at: Option<i64>,
    /// When it ended.
    pub completed_at: Option<i64>,
    /// What else is to be kept about it.
    pub details: &'a Map<String, Value>,
}

/// The beginning of a commit.
#[derive(Debug)]
pub enum Begun {
    /// It was done before: nothing is written.
    Repeated(Committed),
    /// It is to be done.
    New(Commit),
}

/// A commit that is being done in a transaction.
#[derive(Debug)]
pub struct Commit {
    bundle: Box<Bundle>,
    org_id: String,
    experiment_id: String,
    digest: String,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    details: Map<String, Value>,
    /// Known from the first chunk on.
    batch: Option<Box<BatchKey>>,
}

/// A batch that is there as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its id.
    pub batch_id: String,
    /// How many runs it has.
    pub runs: u64,
    /// How many of them failed, in whatever way.
    pub failed: u64,
    /// It was there already.
    pub repeated: bool,
}

impl Transaction {
    /// Begins to bring a batch, unless the same commit was done before.
    ///
    /// # Errors
    /// The project or its bundle version is not in the scope, the name has no meaning, or the database failed.
    pub async fn begin_commit(&mut self, scope: &Scope, new: &NewCommit<'_>) -> Result<Begun> {
        let bundle = read_bundle(self.connection(), scope, new.bundle).await?;
        if bundle.project_id != new.project {
            return Err(StoreError::BundleNotFound(new.bundle.to_owned()));
        }
        let experiment_id = check_id("an experiment", new.experiment_id)?;
        let digest = Digest::of_bytes(rows::text(&[&bundle.id, experiment_id, new.digest]).as_bytes()).to_string();
        let known: Option<String> = sqlx::query_scalar(
            "SELECT b.id FROM commits c JOIN run_batches b ON b.number = c.batch WHERE c.project_id = ? AND c.digest = ?",
        )
        .bind(&bundle.project_id)
        .bind(&digest)
        .fetch_optional(self.connection())
        .await?;
        if let Some(id) = known {
            let batch = read_batch(self.connection(), scope, &id).await?;
            return Ok(Begun::Repeated(committed(batch.id, &batch.counts, true)));
        }
        Ok(Begun::New(Commit {
            bundle: Box::new(bundle),
            org_id: scope.org_id.clone(),
            experiment_id: experiment_id.to_owned(),
            digest,
            started_at: new.started_at,
            completed_at: new.completed_at,
            details: new.details.clone(),
            batch: None,
        }))
    }

    /// Adds the next runs of a commit. A few hundred at a time are written fastest.
    ///
    /// The first runs decide which batch it is; see [`results`](crate::results).
    ///
    /// # Errors
    /// A run has no meaning, has not ended or names an input that the bundle version does not have, or the database failed.
    pub async fn commit_runs(&mut self, commit: &mut Commit, runs: &[RunRecord]) -> Result<()> {
        if let Some(run) = runs.iter().find(|run| !run.status.is_reported()) {
            return Err(ResultsError::NotEnded(check_id("a run", &run.id)?.to_owned()).into());
        }
        self.check_items(&commit.bundle, runs).await?;
        let batch = self.batch_of(commit, runs).await?;
        self.put_runs(&batch, runs).await
    }

    /// Ends a commit. It becomes visible with the transaction.
    ///
    /// # Errors
    /// The database failed.
    pub async fn finish_commit(&mut self, mut commit: Commit) -> Result<Committed> {
        let batch = self.batch_of(&mut commit, &[]).await?;
        sqlx::query(
            "UPDATE run_batches SET details = ?2, started_at = coalesce(?3, started_at), completed_at = coalesce(?4, completed_at)
             WHERE number = ?1",
        )
        .bind(batch.number)
        .bind(rows::text(&commit.details))
        .bind(commit.started_at)
        .bind(commit.completed_at)
        .execute(self.connection())
        .await?;
        sqlx::query("INSERT INTO commits (project_id, digest, batch) VALUES (?, ?, ?)")
            .bind(&commit.bundle.project_id)
            .bind(&commit.digest)
            .bind(batch.number)
            .execute(self.connection())
            .await?;
        let counts = self.close_batch(&batch, &commit.bundle).await?;
        Ok(committed(batch.id, &counts, false))
    }

    async fn batch_of(&mut self, commit: &mut Commit, runs: &[RunRecord]) -> Result<BatchKey> {
        if let Some(batch) = &commit.batch {
            return Ok((**batch).clone());
        }
        let experiment_id = Some(commit.experiment_id.as_str());
        let wanted = Wanted { bundle: &commit.bundle, org_id: &commit.org_id, experiment_id, is_over: true };
        let batch = self.find_batch(&wanted, runs).await?;
        commit.batch = Some(Box::new(batch.clone()));
        Ok(batch)
    }
}

fn committed(batch_id: String, counts: &Counts, repeated: bool) -> Committed {
    Committed { batch_id, runs: counts.total(), failed: counts.broken(), repeated }
}
