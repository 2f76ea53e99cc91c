//! Results: what peers upload, what was said, tests of which nothing is heard any more.

use keepstep_store::results::{NewArtifact, Recorded, Turn, Upload};
use keepstep_store::{Role, Scope, Transaction};

use crate::actor::Actor;
use crate::error::Error;
use crate::platform::Platform;
use crate::text::printable;
use crate::webhooks::{EndedExperiment, announce_end};
use crate::write::Reply;

/// How long nothing may be heard of a test until its runs count as abandoned, in milliseconds: a day.
const SILENCE: i64 = 24 * 60 * 60 * 1000;

/// A file of a run, named by the address that was given out for it.
#[derive(Debug, Clone)]
pub struct NamedFile {
    /// The run.
    pub run_id: String,
    /// What it is.
    pub file_type: String,
    /// The address.
    pub storage_url: String,
}

impl Platform {
    /// Records what a peer uploads of a test, and attaches its files. An editor may. Whatever comes again is stored once.
    ///
    /// # Errors
    /// The actor may not, something that it names is not there for them, or the database failed.
    pub async fn record_upload<R: Reply<Recorded>>(
        &self,
        actor: &Actor,
        upload: &Upload<'_>,
        files: Vec<NamedFile>,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        let mut project = None;
        let told = self.write(actor, "record an upload", reply, async |transaction| {
            let recorded = transaction.record_upload(&actor.scope, upload).await?;
            let inside = Scope::of(&actor.scope.org_id, Some(recorded.project_id.clone()));
            let mut artifacts = Vec::with_capacity(files.len());
            for file in files {
                artifacts.push(find(transaction, &inside, file).await?);
            }
            transaction.attach_artifacts(&actor.scope, &recorded.batch_id, &artifacts).await?;
            transaction.about("experiment", &recorded.batch_id, "");
            if recorded.has_ended {
                project = Some(recorded.project_id.clone());
                let ended = EndedExperiment {
                    project: &recorded.project_id,
                    batch: &recorded.batch_id,
                    name: upload.experiment_id,
                    cases: recorded.counts.total(),
                    failed: recorded.counts.broken(),
                };
                announce_end(transaction, actor, ended).await?;
            }
            Ok(recorded)
        });
        let told = told.await?;
        if let Some(project) = project {
            self.count_ended(&project).await;
        }
        Ok(told)
    }

    /// Counts the experiments of a project after one of them has ended. Where that fails, whoever looks at them does it.
    pub(crate) async fn count_ended(&self, project: &str) {
        if let Err(error) = self.count_experiments(project).await {
            tracing::warn!(error = &error as &dyn std::error::Error, project, "the cases of an upload are not counted");
        }
    }

    /// Adds turns of runs, each with the id of its run. An editor may. A turn is known by its run and its id.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn add_turns(&self, actor: &Actor, turns: &[Turn]) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        let mut transaction = self.store.write().await?;
        transaction.record_turns(&actor.scope, turns).await?;
        // One entry of the log for each would tell nothing: they come a few at a time, for as long as a test runs.
        self.commit_unnoted(transaction, actor, "add turns").await
    }

    /// Marks the runs as abandoned of which nothing was heard for too long. Whoever looks at results does this first, so that
    /// nothing has to run in the background.
    ///
    /// # Errors
    /// The database failed.
    pub async fn abandon_silent_runs(&self) -> Result<(), Error> {
        let silent_since = self.store.now() - SILENCE;
        if self.store.has_silent_runs(silent_since).await? {
            let mut transaction = self.store.write().await?;
            let batches = transaction.abandon_runs(silent_since).await?;
            transaction.commit().await?;
            tracing::info!(batches, "tests stopped reporting: their runs are abandoned");
        }
        Ok(())
    }
}

/// How many experiments are counted before a page is shown, and how many cases they may have together: one that is larger is counted
/// alone.
const MOST_COUNTED: u32 = 20;
const MOST_COUNTED_CASES: u64 = 20_000;

impl Platform {
    /// Counts the experiments of a project that have ended since somebody looked, and checks their gates: whoever looks at their figures
    /// does this first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count_experiments(&self, project: &str) -> Result<(), Error> {
        let mut cases = 0_u64;
        for uncounted in self.store.uncounted_experiments(project, MOST_COUNTED).await? {
            cases = cases.saturating_add(uncounted.cases);
            if cases > MOST_COUNTED_CASES && cases > uncounted.cases {
                break;
            }
            let counted = self.store.count_cases(uncounted).await?;
            let gate = self.check_gate(uncounted).await?;
            let mut transaction = self.store.write().await?;
            // Where something came meanwhile, neither is kept.
            if transaction.keep_counted(&counted).await?
                && let Some(gate) = &gate
            {
                self.keep_gate(&mut transaction, uncounted, gate).await?;
            }
            transaction.commit().await?;
            if gate.is_some() {
                // Somebody may be told.
                self.events.check_now();
            }
        }
        Ok(())
    }
}

/// Returns the file that an upload names by the address that this platform gave out for it, and for nothing else.
async fn find(transaction: &mut Transaction, inside: &Scope, named: NamedFile) -> Result<NewArtifact, Error> {
    let NamedFile { run_id, file_type, storage_url } = named;
    match transaction.blob_of_storage_url(inside, &run_id, &file_type, &storage_url).await? {
        Some(file) => Ok(NewArtifact {
            run_id: Some(run_id),
            artifact_type: file_type,
            name: file.name,
            content_type: file.content_type,
            blob_id: file.blob_id,
        }),
        None => Err(Error::Unusable(format!(
            "No uploaded file found for the storage_url {}: use one that `POST /api/storage/presign` returned for this run and type, \
             and upload the file first.",
            printable(&storage_url)
        ))),
    }
}
