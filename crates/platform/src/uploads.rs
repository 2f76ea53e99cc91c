//! Our own uploads: what there is, the parts of it that are missing, and one commit that makes all of it visible.

use std::io;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use keepstep_api::own::uploads::{PACK_PARTS, PACK_SIZE, PART_SIZE, RUNS_FILE};
use keepstep_store::artifacts::{CommittedUpload, Content, NewUpload, NewUploadFile, Objects, PartOf, Upload};
use keepstep_store::results::{Begun, NewArtifact, NewCommit, RunRecord};
use keepstep_store::{Result as Stored, Role, StoreError, Transaction};
use serde_json::{Map, Value};
use tokio::sync::mpsc::{Receiver, channel};

use crate::actor::Actor;
use crate::error::Error;
use crate::files::{check_file_name, check_label, media_type};
use crate::platform::Platform;
use crate::text::shown;

/// How many files an upload may have.
const MOST_FILES: usize = 100_000;

/// What a file may be.
const TYPES: [&str; 10] = [
    "traces",
    "trace_summary",
    "observations",
    "summary",
    "turns",
    "errors",
    "result",
    "per_trace_markdown",
    "per_trace_index",
    RUNS_FILE,
];

/// How many runs are written at a time, and how many bytes of them.
const RUNS: usize = 250;
const BYTES: usize = 2 * 1024 * 1024;

/// How many files are attached at a time.
const FILES: u32 = 1000;

/// An upload that was offered, and the parts of it that are not here.
#[derive(Debug, Clone)]
pub struct OfferedUpload {
    /// Its id.
    pub id: String,
    /// The SHA-256 of each missing part, in the order of the offer.
    pub missing: Vec<String>,
}

/// What is said when an upload is committed.
#[derive(Debug, Clone)]
pub struct UploadCommit<'a> {
    /// The SHA-256 of the file with the runs.
    pub runs_sha256: &'a str,
    /// When the test began, in epoch milliseconds.
    pub started_at: Option<i64>,
    /// When it ended.
    pub completed_at: Option<i64>,
    /// What else is to be kept about it.
    pub details: &'a Map<String, Value>,
}

/// What became of a commit.
#[derive(Debug, Clone)]
pub enum CommitOutcome {
    /// The batch is there as a whole.
    Done {
        /// The project that it is in.
        project_id: String,
        /// The batch.
        became: CommittedUpload,
        /// True if it was there already.
        repeated: bool,
    },
    /// These parts are missing.
    Incomplete(Vec<String>),
}

/// The runs of an upload, each with its length in bytes.
pub type RunStream = BoxStream<'static, Stored<(RunRecord, usize)>>;

impl Platform {
    /// Offers an upload: nothing has to be sent before it is clear that all of it may come. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no place for files, something about the upload is not as it should be, or the database failed.
    pub async fn offer_upload(&self, actor: &Actor, new: &NewUpload) -> Result<OfferedUpload, Error> {
        actor.require(Role::Editor)?;
        self.objects()?;
        self.check_upload(new)?;
        let mut transaction = self.store.write().await?;
        let upload = transaction.offer(&actor.scope, new).await?;
        let missing = transaction.missing_parts(&upload).await?;
        transaction.commit().await?;
        self.tidy();
        Ok(OfferedUpload { id: upload.id, missing })
    }

    fn check_upload(&self, new: &NewUpload) -> Result<(), Error> {
        check_label("An experiment's id", &new.experiment_id)?;
        if new.files.len() > MOST_FILES {
            return Err(Error::Refused(format!("An upload has at most {MOST_FILES} files.")));
        }
        let limit = self.upload_limit();
        let total = new.files.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.content.size));
        if total.is_none_or(|total| total > limit) {
            return Err(Error::TooLarge { what: "The upload".into(), limit });
        }
        new.files.iter().try_for_each(check_file)
    }

    /// Returns what is missing of an upload. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such upload for them, or the database failed.
    pub async fn offered_upload(&self, actor: &Actor, id: &str) -> Result<OfferedUpload, Error> {
        actor.require(Role::Editor)?;
        let upload = self.store.upload(&actor.scope, id).await?;
        let missing = self.store.missing_parts(&upload).await?;
        Ok(OfferedUpload { id: upload.id, missing })
    }

    /// Takes parts of an upload that one body brings, all of them or none. An editor may. When this returns they are on the disk.
    ///
    /// # Errors
    /// The actor may not, there is no place for files or no such upload for them, the body is not what was announced, or the disk or the
    /// database failed.
    pub async fn put_parts(
        &self,
        actor: &Actor,
        upload: &str,
        names: &[PartOf],
        body: impl Stream<Item = Result<Bytes, io::Error>> + Unpin + Send,
    ) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        let objects = self.objects()?;
        let size = |name: &PartOf| if let PartOf::Name(part) = name { part.size } else { 0 };
        check_size(names.iter().map(size).fold(0, u64::saturating_add))?;
        let upload = self.store.upload(&actor.scope, upload).await?;
        let parts = self.store.offered_parts(&upload, names, PACK_PARTS).await?;
        check_size(parts.size())?;
        Ok(self.store.receive_parts(objects, &upload, &parts, body).await?)
    }

    /// Makes everything of an upload visible at once. An editor may. `read` finds the runs in the bytes of their file.
    ///
    /// The same commit again is the same batch, also after the upload is forgotten and was offered anew: what makes it the same
    /// is the experiment and all that was offered.
    ///
    /// # Errors
    /// The actor may not, there is no such upload for them, its runs cannot be read, or the disk or the database failed.
    pub async fn commit_upload(
        &self,
        actor: &Actor,
        id: &str,
        commit: UploadCommit<'_>,
        read: impl FnOnce(BoxStream<'static, Stored<Bytes>>) -> RunStream + Send,
    ) -> Result<CommitOutcome, Error> {
        actor.require(Role::Editor)?;
        let objects = self.objects()?.clone();
        let mut transaction = self.store.write().await?;
        let upload = transaction.upload(&actor.scope, id).await?;
        let done = |became, repeated| CommitOutcome::Done { project_id: upload.project_id.clone(), became, repeated };
        if let Some(became) = upload.committed.clone() {
            return Ok(done(became, true));
        }
        let missing = transaction.missing_parts(&upload).await?;
        if !missing.is_empty() {
            return Ok(CommitOutcome::Incomplete(missing));
        }
        let runs = self.runs_of(&objects, &upload, commit.runs_sha256).await?;
        let new = NewCommit {
            project: &upload.project_id,
            bundle: &upload.bundle_id,
            experiment_id: &upload.experiment_id,
            digest: &upload.digest.to_string(),
            started_at: commit.started_at,
            completed_at: commit.completed_at,
            details: commit.details,
        };
        let committed = match transaction.begin_commit(&actor.scope, &new).await? {
            Begun::Repeated(committed) => committed,
            Begun::New(mut commit) => {
                let mut chunks = read_ahead(read(runs.whole()));
                loop {
                    let chunk = chunks
                        .recv()
                        .await
                        .ok_or(StoreError::Damaged { what: "the file with the runs", of: id.to_owned() })??;
                    transaction.commit_runs(&mut commit, &chunk.runs).await?;
                    if chunk.is_last {
                        break;
                    }
                }
                let committed = transaction.finish_commit(commit).await?;
                attach(&mut transaction, actor, &upload, &committed.batch_id).await?;
                committed
            }
        };
        let became = CommittedUpload { batch_id: committed.batch_id, runs: committed.runs, failed: committed.failed };
        transaction.end_upload(&upload, &became).await?;
        self.commit(transaction, actor, "commit an upload").await?;
        Ok(done(became, committed.repeated))
    }

    async fn runs_of(&self, objects: &Objects, upload: &Upload, sha256: &str) -> Result<Content, Error> {
        let found = self.store.open_upload_file(objects, upload, RUNS_FILE, sha256).await?;
        found.ok_or_else(|| {
            Error::Refused(format!("The upload has no file of the type {RUNS_FILE:?} with the SHA-256 {}.", shown(sha256)))
        })
    }
}

fn check_file(file: &NewUploadFile) -> Result<(), Error> {
    if !TYPES.contains(&file.file_type.as_str()) {
        let (found, known) = (shown(&file.file_type), TYPES.join(", "));
        return Err(Error::Refused(format!("\"{found}\" is not the type of a file of an experiment: {known}.")));
    }
    check_file_name(&file.name)?;
    if let Some(run) = &file.run_id {
        check_label("A run's id", run)?;
    }
    file.content.check(&file.name, PART_SIZE).map_err(StoreError::from)?;
    Ok(())
}

fn check_size(size: u64) -> Result<(), Error> {
    if size > PACK_SIZE { Err(Error::TooLarge { what: "The body".into(), limit: PACK_SIZE }) } else { Ok(()) }
}

/// Runs that are written together.
struct Chunk {
    runs: Vec<RunRecord>,
    is_last: bool,
}

/// Reads runs on a task of its own while those before are written. It ends with the receiver.
fn read_ahead(mut runs: RunStream) -> Receiver<Stored<Chunk>> {
    let (sender, receiver) = channel(1);
    tokio::spawn(async move {
        loop {
            let chunk = next_chunk(&mut runs).await;
            let is_over = chunk.as_ref().is_ok_and(|chunk| chunk.is_last) || chunk.is_err();
            if sender.send(chunk).await.is_err() || is_over {
                return;
            }
        }
    });
    receiver
}

async fn next_chunk(runs: &mut RunStream) -> Stored<Chunk> {
    let (mut chunk, mut size) = (Vec::new(), 0);
    while chunk.len() < RUNS && size < BYTES {
        match runs.next().await.transpose()? {
            Some((run, length)) => {
                chunk.push(run);
                size += length;
            }
            None => return Ok(Chunk { runs: chunk, is_last: true }),
        }
    }
    Ok(Chunk { runs: chunk, is_last: false })
}

/// Attaches all files but the one with the runs.
async fn attach(transaction: &mut Transaction, actor: &Actor, upload: &Upload, batch: &str) -> Result<(), Error> {
    transaction.make_blobs(upload, RUNS_FILE).await?;
    let mut from = 0;
    loop {
        let files = transaction.upload_files(upload, from, FILES).await?;
        let Some(last) = files.last() else { return Ok(()) };
        from = last.position + 1;
        let files: Vec<NewArtifact> = files
            .into_iter()
            .filter(|file| file.file_type != RUNS_FILE)
            .map(|file| NewArtifact {
                run_id: file.run_id,
                artifact_type: file.file_type,
                content_type: media_type(&file.name).to_owned(),
                name: file.name,
                blob_id: file.blob_id,
            })
            .collect();
        transaction.attach_artifacts(&actor.scope, batch, &files).await?;
    }
}
