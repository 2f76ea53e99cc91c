//! A whole batch, brought in chunks and visible all at once.

use keepstep_base::Digest;
use keepstep_results::provenance::TEST_KEY;
use serde_json::{Map, Value};

use super::find::{BatchKey, BatchLookup};
use super::model::{Counts, ResultsError, RunRecord, check_id};
use super::read::{read_batch, read_counts};
use super::write::run_ids;
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
    /// Names the file that the runs come from. A commit that broke off goes on only with the same one.
    pub source: &'a str,
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

/// A commit that is being done, in one transaction or in several.
#[derive(Debug)]
pub struct Commit {
    pub(super) number: i64,
    pub(super) bundle: Box<Bundle>,
    said: Box<Announced>,
    place: CommitPlace,
    /// What was stored in the hidden batch.
    pub(super) counts: Counts,
    /// Runs are of what is seen already.
    pub(super) is_waiting: bool,
    /// How many runs were kept for the end.
    pub(super) kept: usize,
    /// The batch that is seen and has some of the files, which are therefore not attached.
    pub(super) attached_to: Option<i64>,
}

/// What was said when it began.
#[derive(Debug)]
struct Announced {
    org_id: String,
    experiment_id: String,
    digest: String,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    details: Map<String, Value>,
}

/// Where the runs of a commit are until it is done.
#[derive(Debug, Clone)]
enum CommitPlace {
    /// The first runs decide.
    Undecided,
    /// In a hidden batch.
    Hidden(Box<BatchKey>),
    /// In the batch of a test that was told of while it went on, which is seen.
    Live(Box<BatchKey>),
    /// They wait: they belong to a batch that is seen already, this one as far as is known now.
    Waiting(Option<i64>),
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

impl Commit {
    /// Returns true if everything that was brought so far is in the batch of the commit, so that files can be added there.
    pub fn takes_files(&self) -> bool {
        self.own_number().is_some() && !self.is_waiting
    }

    /// Returns the number of the batch that its runs are in before its end.
    pub(super) fn own_number(&self) -> Option<i64> {
        match &self.place {
            CommitPlace::Hidden(batch) | CommitPlace::Live(batch) => Some(batch.number),
            CommitPlace::Undecided | CommitPlace::Waiting(_) => None,
        }
    }

    /// Returns the client's key for the test whose end it is.
    fn test(&self) -> Option<&str> {
        self.said.details.get(TEST_KEY)?.as_str()
    }

    pub(super) fn hidden_number(&self) -> Option<i64> {
        match &self.place {
            CommitPlace::Hidden(batch) => Some(batch.number),
            CommitPlace::Undecided | CommitPlace::Live(_) | CommitPlace::Waiting(_) => None,
        }
    }

    /// Returns the number of the batch that is seen and that it changes.
    pub(super) fn seen_number(&self) -> Option<i64> {
        match &self.place {
            CommitPlace::Waiting(batch) => *batch,
            CommitPlace::Undecided | CommitPlace::Live(_) | CommitPlace::Hidden(_) => None,
        }
    }
}

impl Transaction {
    /// Begins to bring a batch, unless the same commit was done before. One that broke off goes on where it was.
    ///
    /// It may be done in one transaction or in several: nothing of it is seen before that of [`Transaction::finish_commit`] is
    /// committed. Transactions before that may end with [`Transaction::commit_hidden`].
    ///
    /// # Errors
    /// The project or its bundle version is not in the scope, the name has no meaning, or the database failed.
    pub async fn begin_commit(&mut self, scope: &Scope, new: &NewCommit<'_>) -> Result<Begun> {
        let bundle = read_bundle(self.connection(), scope, new.bundle).await?;
        if bundle.project_id != new.project {
            return Err(StoreError::BundleNotFound(new.bundle.to_owned()));
        }
        let experiment_id = check_id("an experiment", new.experiment_id)?;
        let digest = digest_of(&bundle.id, experiment_id, new.digest);
        let opened = Digest::of_bytes(rows::text(&[digest.as_str(), new.source]).as_bytes()).to_string();
        self.restore_commit(&bundle.project_id, &digest).await?;
        if let Some(committed) = self.done_before(scope, &bundle.project_id, &digest).await? {
            self.forget_commit(&bundle.project_id, &opened).await?;
            return Ok(Begun::Repeated(committed));
        }
        let number = self.open_commit(&bundle.project_id, &opened).await?;
        Ok(Begun::New(Commit {
            number,
            bundle: Box::new(bundle),
            said: Box::new(Announced {
                org_id: scope.org_id.clone(),
                experiment_id: experiment_id.to_owned(),
                digest,
                started_at: new.started_at,
                completed_at: new.completed_at,
                details: new.details.clone(),
            }),
            place: CommitPlace::Undecided,
            counts: Counts::default(),
            is_waiting: false,
            kept: 0,
            attached_to: None,
        }))
    }

    /// Returns what an upload became that was committed before as it is, where that is seen.
    pub(crate) async fn committed_before(
        &mut self,
        scope: &Scope,
        bundle: &Bundle,
        experiment_id: &str,
        digest: &str,
    ) -> Result<Option<Committed>> {
        self.done_before(scope, &bundle.project_id, &digest_of(&bundle.id, experiment_id, digest)).await
    }

    async fn done_before(&mut self, scope: &Scope, project: &str, digest: &str) -> Result<Option<Committed>> {
        let known: Option<String> = sqlx::query_scalar(
            "SELECT b.id FROM commits c JOIN run_batches b ON b.number = c.batch WHERE c.project_id = ? AND c.digest = ?",
        )
        .bind(project)
        .bind(digest)
        .fetch_optional(self.connection())
        .await?;
        let Some(id) = known else { return Ok(None) };
        let batch = read_batch(self.connection(), scope, &id).await?;
        Ok(Some(committed(batch.id, &batch.counts, true)))
    }

    /// Adds the next runs of a commit. A few hundred at a time are written fastest.
    ///
    /// The first runs decide which batch it is; see [`results`](crate::results). A batch that is seen already, and a run that is seen
    /// in whatever batch, change when the commit is done; a run that is there as it is said to be is not stored again; what is new is stored
    /// at once, and hidden.
    ///
    /// # Errors
    /// A run has no meaning, has not ended or names an input that the bundle version does not have, somebody else brought the same
    /// ([`StoreError::CommitOvertaken`]), or the database failed.
    pub async fn commit_runs(&mut self, commit: &mut Commit, runs: &[RunRecord]) -> Result<()> {
        if let Some(run) = runs.iter().find(|run| !run.status.is_reported()) {
            return Err(ResultsError::NotEnded(check_id("a run", &run.id)?.to_owned()).into());
        }
        self.check_open(commit).await?;
        self.restore_runs(&commit.bundle.project_id, &run_ids(runs)).await?;
        self.check_items(&commit.bundle, runs).await?;
        if matches!(commit.place, CommitPlace::Undecided) {
            commit.place = self.decide_place(commit, runs).await?;
        }
        match commit.place.clone() {
            CommitPlace::Hidden(batch) => self.put_hidden_runs(commit, &batch, runs).await,
            CommitPlace::Live(batch) => self.put_ended_runs(commit, &batch, runs).await,
            CommitPlace::Waiting(_) | CommitPlace::Undecided => self.put_waiting_runs(commit, runs).await,
        }
    }

    async fn decide_place(&mut self, commit: &Commit, runs: &[RunRecord]) -> Result<CommitPlace> {
        let wanted = batch_lookup(commit);
        if let Some(test) = commit.test()
            && let Some(batch) = self.live_batch_of(&wanted, test).await?
        {
            self.set_hidden_batch(commit.number, None).await?;
            return Ok(CommitPlace::Live(Box::new(batch)));
        }
        let known = self.find_known_batch(&wanted, runs).await?;
        // Nothing to store is of the batch that is there when it is seen.
        if runs.is_empty() || known.is_some() {
            self.set_hidden_batch(commit.number, None).await?;
            return Ok(CommitPlace::Waiting(known.map(|batch| batch.number)));
        }
        // A commit that broke off left one.
        let batch = match self.open_batch(commit.number).await? {
            Some(number) => self.hidden_batch(&wanted, number).await?,
            None => self.hide_batch(&wanted, commit.number).await?,
        };
        Ok(CommitPlace::Hidden(Box::new(batch)))
    }

    /// Ends a commit. All of it becomes visible with the transaction.
    ///
    /// What it does does not grow with the runs that are hidden, only with those that change what is seen already.
    ///
    /// # Errors
    /// Somebody else brought the same ([`StoreError::CommitOvertaken`]), or the database failed.
    pub async fn finish_commit(&mut self, commit: Commit) -> Result<Committed> {
        self.check_open(&commit).await?;
        self.check_not_done(&commit).await?;
        let mut waiting = self.waiting_runs(commit.number, 0).await?;
        let batch = match &commit.place {
            CommitPlace::Hidden(batch) => {
                self.show_batch_of(&commit, batch).await?;
                (**batch).clone()
            }
            CommitPlace::Live(batch) => (**batch).clone(),
            CommitPlace::Undecided | CommitPlace::Waiting(_) => {
                self.set_hidden_batch(commit.number, None).await?;
                let runs = waiting.as_ref().map(|(runs, _)| runs.as_slice()).unwrap_or_default();
                self.find_batch(&batch_lookup(&commit), runs).await?
            }
        };
        if commit.attached_to.is_some_and(|number| number != batch.number) {
            return Err(StoreError::CommitOvertaken);
        }
        let mut counts = match &commit.place {
            // A run that came twice was counted twice.
            CommitPlace::Hidden(_) if self.count_runs(batch.number).await? == commit.counts.total() => commit.counts,
            CommitPlace::Hidden(_) | CommitPlace::Live(_) => self.recount(batch.number).await?,
            CommitPlace::Undecided | CommitPlace::Waiting(_) => read_counts(self.connection(), batch.number).await?,
        };
        while let Some((runs, last)) = waiting {
            self.put_few_runs(&batch, &commit.bundle, &runs, &mut counts).await?;
            // Some may have been told of since they wait.
            self.name_runs(&batch.project_id, &run_ids(&runs)).await?;
            waiting = self.waiting_runs(commit.number, last).await?;
        }
        if self.end_live(&batch, &batch_lookup(&commit), commit.test()).await? {
            counts = self.recount(batch.number).await?;
        }
        sqlx::query(
            "UPDATE stored_batches SET details = ?2, started_at = coalesce(?3, started_at), completed_at = coalesce(?4, completed_at)
             WHERE number = ?1",
        )
        .bind(batch.number)
        .bind(rows::text(&commit.said.details))
        .bind(commit.said.started_at)
        .bind(commit.said.completed_at)
        .execute(self.connection())
        .await?;
        sqlx::query("INSERT INTO commits (project_id, digest, batch) VALUES (?, ?, ?)")
            .bind(&commit.bundle.project_id)
            .bind(&commit.said.digest)
            .bind(batch.number)
            .execute(self.connection())
            .await?;
        self.close_counted(&batch, &mut counts).await?;
        self.copy_gate(batch.number).await?;
        self.close_commit(commit.number).await?;
        Ok(committed(batch.id, &counts, false))
    }

    /// Makes sure that a commit goes on where it was, whoever wrote since its last transaction.
    pub(super) async fn check_open(&mut self, commit: &Commit) -> Result<()> {
        let found = self.open_batch(commit.number).await?;
        if matches!(commit.place, CommitPlace::Undecided) || found == commit.hidden_number() {
            Ok(())
        } else {
            Err(StoreError::CommitOvertaken)
        }
    }

    /// Makes sure that nobody did the same commit with another file meanwhile.
    async fn check_not_done(&mut self, commit: &Commit) -> Result<()> {
        let is_done: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM commits WHERE project_id = ? AND digest = ?)")
            .bind(&commit.bundle.project_id)
            .bind(&commit.said.digest)
            .fetch_one(self.connection())
            .await?;
        if is_done { Err(StoreError::CommitOvertaken) } else { Ok(()) }
    }

    /// Shows the hidden batch of a commit, with what came of its runs while it was hidden.
    async fn show_batch_of(&mut self, commit: &Commit, batch: &BatchKey) -> Result<()> {
        self.set_hidden_batch(commit.number, None).await?;
        self.show_batch(batch.number).await?;
        self.attach_early_turns_of(batch).await?;
        let now = self.now;
        sqlx::query("UPDATE stored_batches SET created_at = ?2, reported_at = ?2, heard_at = ?2 WHERE number = ?1")
            .bind(batch.number)
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn batch_lookup(commit: &Commit) -> BatchLookup<'_> {
    let experiment_id = Some(commit.said.experiment_id.as_str());
    BatchLookup { bundle: &commit.bundle, org_id: &commit.said.org_id, experiment_id, is_over: true }
}

fn digest_of(bundle: &str, experiment_id: &str, digest: &str) -> String {
    Digest::of_bytes(rows::text(&[bundle, experiment_id, digest]).as_bytes()).to_string()
}

fn committed(batch_id: String, counts: &Counts, repeated: bool) -> Committed {
    Committed { batch_id, runs: counts.total(), failed: counts.broken(), repeated }
}
