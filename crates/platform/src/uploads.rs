//! Our own uploads: what there is, the parts of it that are missing, and one commit that makes all of it visible.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use keepstep_api::own::uploads::{PACK_PARTS, PACK_SIZE, PART_SIZE, RUNS_FILE};
use keepstep_store::artifacts::{CommittedUpload, Content, NewUpload, NewUploadFile, Objects, Offer, PartOf, Upload, UploadFile};
use keepstep_store::results::{Begun, NewArtifact, NewCommit, RunRecord};
use keepstep_store::{HiddenTransaction, Result as Stored, Role, Store, StoreError, Transaction};
use serde_json::{Map, Value};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, channel};

use crate::actor::Actor;
use crate::error::Error;
use crate::files::{check_file_name, check_label, media_type};
use crate::platform::Platform;
use crate::text::printable;
use crate::webhooks::{EndedExperiment, announce_end};

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

/// How many runs are read at a time, and how many bytes of them.
const READ: usize = 1000;
const BYTES: usize = 2 * 1024 * 1024;

/// How many runs and how many files are written at a time: as many as others can wait for.
const RUNS: usize = 100;
const FILES: u32 = 250;

/// How long a commit writes at once where no one in this process waits: so long that few pages are written twice, and so short that another
/// process does not notice.
const TURN: Duration = Duration::from_millis(100);

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
        let mut offer = Offer::of(new);
        let mut writer = Writer::new(&self.store);
        writer.turn().await?.begin_offer(&actor.scope, &mut offer).await?;
        while writer.turn().await?.offer_some(&mut offer).await? {}
        let mut transaction = writer.last().await?;
        transaction.end_offer(&offer).await?;
        transaction.commit().await?;
        let upload = self.store.upload(&actor.scope, offer.id()).await?;
        let missing = self.store.missing_parts(&upload).await?;
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
    /// However many runs there are, others write meanwhile: no transaction waits for a file, and none takes long. Nothing of it is
    /// seen before all of it is. Whoever breaks off in the middle goes on there by the same commit.
    ///
    /// # Errors
    /// The actor may not, there is no such upload for them, its runs cannot be read, or the disk or the database failed.
    pub async fn commit_upload(
        &self,
        actor: &Actor,
        id: &str,
        commit: UploadCommit<'_>,
        read: impl Fn(BoxStream<'static, Stored<Bytes>>) -> RunStream + Send + Sync,
    ) -> Result<CommitOutcome, Error> {
        actor.require(Role::Editor)?;
        let objects = self.objects()?.clone();
        loop {
            let upload = self.store.upload(&actor.scope, id).await?;
            if let Some(outcome) = done_before(&upload) {
                // Who brought it may have gone away before its cases were counted.
                self.count_ended(&upload.project_id).await;
                return Ok(outcome);
            }
            let missing = self.store.missing_parts(&upload).await?;
            let outcome = if missing.is_empty() {
                self.bring(actor, &objects, &upload, &commit, &read).await
            } else {
                Ok(CommitOutcome::Incomplete(missing))
            };
            match outcome {
                // Somebody else brought some of it; with that, it is another commit.
                Err(Error::Store(StoreError::CommitOvertaken)) => {}
                Ok(CommitOutcome::Done { .. }) => return outcome,
                // The same commit on another connection may have been faster; what that one forgot could not be read any more.
                outcome => return done_before(&self.store.upload(&actor.scope, id).await?).map_or(outcome, Ok),
            }
        }
    }

    async fn bring(
        &self,
        actor: &Actor,
        objects: &Objects,
        upload: &Upload,
        said: &UploadCommit<'_>,
        read: &(impl Fn(BoxStream<'static, Stored<Bytes>>) -> RunStream + Sync),
    ) -> Result<CommitOutcome, Error> {
        let runs = self.runs_of(objects, upload, said.runs_sha256).await?;
        let mut chunks = Chunks::read_ahead(read(runs.whole()), &upload.id);
        let mut chunk = chunks.next().await?;
        let new = NewCommit {
            project: &upload.project_id,
            bundle: &upload.bundle_id,
            experiment_id: &upload.experiment_id,
            digest: &upload.digest.to_string(),
            source: said.runs_sha256,
            started_at: said.started_at,
            completed_at: said.completed_at,
            details: said.details,
        };
        let mut writer = Writer::new(&self.store);
        let transaction = writer.turn().await?;
        transaction.keep_upload(upload).await?;
        let (mut transaction, committed) = match transaction.begin_commit(&actor.scope, &new).await? {
            Begun::Repeated(committed) => (writer.last().await?, committed),
            Begun::New(mut commit) => {
                loop {
                    for runs in chunk.runs.chunks(RUNS) {
                        writer.turn().await?.commit_runs(&mut commit, runs).await?;
                    }
                    if chunk.is_last {
                        break;
                    }
                    chunk = match chunks.next_if_read()? {
                        Some(chunk) => chunk,
                        None => {
                            writer.rest().await?;
                            chunks.next().await?
                        }
                    };
                }
                let takes_files = commit.takes_files();
                // Where those files begin that are attached to a batch that is seen already, so in the last transaction.
                let mut left = Vec::new();
                let mut from = 0;
                while let Some(files) = writer.turn().await?.take_files(upload, RUNS_FILE, from, FILES).await? {
                    let transaction = writer.current().await?;
                    if takes_files {
                        transaction.attach_early_artifacts(&commit, &artifacts(files)).await?;
                    } else if !transaction.are_attached(&mut commit, &artifacts(files)).await? {
                        left.push(from);
                    }
                    from += i64::from(FILES);
                }
                let mut transaction = writer.last().await?;
                let committed = transaction.finish_commit(commit).await?;
                for from in left {
                    if let Some(files) = transaction.take_files(upload, RUNS_FILE, from, FILES).await? {
                        transaction.attach_artifacts(&actor.scope, &committed.batch_id, &artifacts(files)).await?;
                    }
                }
                (transaction, committed)
            }
        };
        let became = CommittedUpload { batch_id: committed.batch_id, runs: committed.runs, failed: committed.failed };
        transaction.end_upload(upload, &became).await?;
        transaction.about("experiment", &became.batch_id, &upload.experiment_id);
        if !committed.repeated {
            let ended = EndedExperiment {
                project: &upload.project_id,
                batch: &became.batch_id,
                name: Some(&upload.experiment_id),
                cases: became.runs,
                failed: became.failed,
            };
            announce_end(&mut transaction, actor, ended).await?;
        }
        let is_more = transaction.forget_files(upload).await?;
        self.commit(transaction, actor, "commit an upload").await?;
        self.count_ended(&upload.project_id).await;
        if is_more && let Err(error) = self.forget_files(upload).await {
            // They are forgotten with the upload, in a week.
            tracing::warn!(error = &error as &dyn std::error::Error, upload = upload.id, "the files of an upload stay");
        }
        Ok(CommitOutcome::Done { project_id: upload.project_id.clone(), became, repeated: committed.repeated })
    }

    async fn forget_files(&self, upload: &Upload) -> Stored<()> {
        let mut writer = Writer::new(&self.store);
        while writer.turn().await?.forget_files(upload).await? {}
        writer.rest().await
    }

    async fn runs_of(&self, objects: &Objects, upload: &Upload, sha256: &str) -> Result<Content, Error> {
        let found = self.store.open_upload_file(objects, upload, RUNS_FILE, sha256).await?;
        found.ok_or_else(|| {
            Error::Refused(format!("The upload has no file of the type {RUNS_FILE:?} with the SHA-256 {}.", printable(sha256)))
        })
    }
}

fn check_file(file: &NewUploadFile) -> Result<(), Error> {
    if !TYPES.contains(&file.file_type.as_str()) {
        let (found, known) = (printable(&file.file_type), TYPES.join(", "));
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

/// Returns what a commit of an upload that is committed is told.
fn done_before(upload: &Upload) -> Option<CommitOutcome> {
    let became = upload.committed.clone()?;
    Some(CommitOutcome::Done { project_id: upload.project_id.clone(), became, repeated: true })
}

/// A write that lets others write now and then. What it has written by then is hidden.
struct Writer<'a> {
    store: &'a Store,
    open: Option<Turn>,
}

/// A transaction that others wait for.
struct Turn {
    transaction: HiddenTransaction,
    begun: Instant,
    /// When the last piece was begun.
    last: Instant,
}

impl<'a> Writer<'a> {
    fn new(store: &'a Store) -> Self {
        Self { store, open: None }
    }

    /// Returns the transaction to write the next piece in: another one if somebody waits, or if that takes too long with a piece that is
    /// like the last.
    async fn turn(&mut self) -> Stored<&mut Transaction> {
        let now = Instant::now();
        if let Some(turn) = &mut self.open {
            let is_over = now - turn.begun + (now - turn.last) > TURN;
            turn.last = now;
            if is_over || self.store.is_awaited() {
                self.rest().await?;
            }
        }
        self.current().await
    }

    async fn current(&mut self) -> Stored<&mut Transaction> {
        let turn = match self.open.take() {
            Some(turn) => turn,
            None => {
                let transaction = self.store.write_hidden().await?;
                let begun = Instant::now();
                Turn { transaction, begun, last: begun }
            }
        };
        Ok(&mut self.open.insert(turn).transaction)
    }

    /// Lets others write.
    async fn rest(&mut self) -> Stored<()> {
        match self.open.take() {
            Some(turn) => turn.transaction.commit().await,
            None => Ok(()),
        }
    }

    /// Returns the transaction that makes all of it visible.
    async fn last(&mut self) -> Stored<Transaction> {
        self.rest().await?;
        self.store.write().await
    }
}

/// Runs that were read together.
struct Chunk {
    runs: Vec<RunRecord>,
    is_last: bool,
}

/// The runs of an upload, read on a task of its own while those before are written. It ends with this.
struct Chunks<'a> {
    receiver: Receiver<Stored<Chunk>>,
    upload: &'a str,
}

impl<'a> Chunks<'a> {
    fn read_ahead(mut runs: RunStream, upload: &'a str) -> Self {
        let (sender, receiver) = channel(1);
        tokio::spawn(async move {
            loop {
                // Also while it waits for a file.
                let chunk = tokio::select! {
                    () = sender.closed() => return,
                    chunk = next_chunk(&mut runs) => chunk,
                };
                let is_over = chunk.as_ref().is_ok_and(|chunk| chunk.is_last) || chunk.is_err();
                if sender.send(chunk).await.is_err() || is_over {
                    return;
                }
            }
        });
        Self { receiver, upload }
    }

    async fn next(&mut self) -> Stored<Chunk> {
        self.receiver.recv().await.unwrap_or_else(|| Err(self.is_damaged()))
    }

    /// Returns the next runs if they are there.
    fn next_if_read(&mut self) -> Stored<Option<Chunk>> {
        match self.receiver.try_recv() {
            Ok(chunk) => chunk.map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(self.is_damaged()),
        }
    }

    fn is_damaged(&self) -> StoreError {
        StoreError::Damaged { what: "the file with the runs", of: self.upload.to_owned() }
    }
}

async fn next_chunk(runs: &mut RunStream) -> Stored<Chunk> {
    let (mut chunk, mut size) = (Vec::new(), 0);
    while chunk.len() < READ && size < BYTES {
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

/// Returns files of an upload as those of a batch.
fn artifacts(files: Vec<UploadFile>) -> Vec<NewArtifact> {
    let artifact = |file: UploadFile| NewArtifact {
        run_id: file.run_id,
        artifact_type: file.file_type,
        content_type: media_type(&file.name).to_owned(),
        name: file.name,
        blob_id: file.blob_id,
    };
    files.into_iter().map(artifact).collect()
}
