//! The commit of an upload while others write, and while its files come slowly.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join, try_join_all};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use keepstep_base::{AgentId, Digest};
use keepstep_platform::{Actor, CommitOutcome, Error, OfferedUpload, Plain, Platform, RunStream, Settings, Target, UploadCommit};
use keepstep_store::artifacts::{FileContent, NewUpload, NewUploadFile, Objects, PartName, PartOf};
use keepstep_store::results::{BatchFilter, RunFilter, RunRecord, Status};
use keepstep_store::{NewAgent, PersonaStatus, Result as Stored, Role, Scope, Store, StoreError};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result as Kept,
};
use serde_json::{Map, json};
use tempfile::TempDir;
use tokio::sync::watch;

/// How long a test waits for what is about to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// An object store that answers a request to read when the test lets it.
#[derive(Debug)]
struct Slow {
    store: Arc<dyn ObjectStore>,
    gate: Arc<Gate>,
}

/// Who asks gets a ticket, and waits until it is let in.
#[derive(Debug)]
struct Gate {
    asked: watch::Sender<usize>,
    open: watch::Sender<usize>,
}

impl Gate {
    fn closed() -> Arc<Self> {
        Arc::new(Self { asked: watch::Sender::new(0), open: watch::Sender::new(0) })
    }

    async fn pass(&self) {
        let mut ticket = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            ticket = *asked;
        });
        self.open.subscribe().wait_for(|open| *open >= ticket).await.unwrap();
    }

    /// Waits until so many have asked.
    async fn until_asked(&self, count: usize) {
        self.asked.subscribe().wait_for(|asked| *asked >= count).await.unwrap();
    }

    fn open_for(&self, count: usize) {
        self.open.send_replace(count);
    }
}

impl fmt::Display for Slow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Slow")
    }
}

impl ObjectStore for Slow {
    fn put_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> BoxFuture<'c, Kept<PutResult>>
    where
        'a: 'c,
        'b: 'c,
    {
        self.store.put_opts(location, payload, options)
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        options: PutMultipartOptions,
    ) -> BoxFuture<'c, Kept<Box<dyn MultipartUpload>>>
    where
        'a: 'c,
        'b: 'c,
    {
        self.store.put_multipart_opts(location, options)
    }

    fn get_opts<'a, 'b, 'c>(&'a self, location: &'b Path, options: GetOptions) -> BoxFuture<'c, Kept<GetResult>>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async move {
            self.gate.pass().await;
            self.store.get_opts(location, options).await
        })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Kept<Path>>) -> BoxStream<'static, Kept<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Kept<ObjectMeta>> {
        self.store.list(prefix)
    }

    fn list_with_delimiter<'a, 'b, 'c>(&'a self, prefix: Option<&'b Path>) -> BoxFuture<'c, Kept<ListResult>>
    where
        'a: 'c,
        'b: 'c,
    {
        self.store.list_with_delimiter(prefix)
    }

    fn copy_opts<'a, 'b, 'd, 'c>(&'a self, from: &'b Path, to: &'d Path, options: CopyOptions) -> BoxFuture<'c, Kept<()>>
    where
        'a: 'c,
        'b: 'c,
        'd: 'c,
    {
        self.store.copy_opts(from, to, options)
    }
}

struct World {
    platform: Platform,
    scope: Scope,
    agent: AgentId,
    project: String,
    bundle: String,
    _folder: TempDir,
}

impl World {
    async fn start(front: impl FnOnce(Objects) -> Objects) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("keepstep.db")).await.unwrap();
        let file = json!({"scenario": {"name": "orders"}, "inputs": [{"text": "Where is my order?"}]});
        let mut transaction = store.write().await.unwrap();
        let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
        let created = transaction.create_agent(NewAgent { scope: &scope, name: "Shop", author: None }).await.unwrap();
        let project = transaction.create_project(&scope.org_id, "shop").await.unwrap();
        let bundle = transaction.import(&scope, &project.id, &serde_json::from_value(file).unwrap()).await.unwrap();
        transaction.commit().await.unwrap();
        let objects = Some(front(Objects::in_folder(&folder.path().join("objects")).unwrap()));
        let platform = Platform::new(store, Settings { objects, ..Settings::default() });
        Self { platform, scope, agent: created.agent.id, project: project.id, bundle: bundle.id, _folder: folder }
    }

    fn editor(&self) -> Actor {
        Actor {
            id: "key_1".to_owned(),
            name: "ada".to_owned(),
            role: Role::Editor,
            may_publish: true,
            scope: self.scope.clone(),
            memberships: Vec::new(),
            expires_at: None,
        }
    }

    async fn publish(&self, text: &str) {
        let target = Target { agent: &self.agent, message: None, expected: None };
        let saved = self.platform.save_persona(&self.editor(), target, json!(text), PersonaStatus::Published, Plain).await;
        assert_eq!(saved.unwrap().persona.persona, json!(text));
    }

    /// Offers runs, with a file of its own for every tenth, and sends all of it where something is missing. Returns the upload and the
    /// SHA-256 of its runs.
    async fn upload(&self, runs: &[RunRecord], part: usize) -> (String, String) {
        let lines: String = runs.iter().map(|run| serde_json::to_string(run).unwrap() + "\n").collect();
        let lines = lines.into_bytes();
        let mut files = vec![("runs", "runs.jsonl".to_owned(), None, lines)];
        for run in runs.iter().step_by(10) {
            let text = format!("# {}\n", run.id).into_bytes();
            files.push(("per_trace_markdown", format!("{}.md", run.id), Some(run.id.clone()), text));
        }
        let offered = |(file_type, name, run_id, bytes): &(&str, String, Option<String>, Vec<u8>)| NewUploadFile {
            file_type: (*file_type).to_owned(),
            name: name.clone(),
            run_id: run_id.clone(),
            content: content(bytes, part),
        };
        let new = NewUpload {
            project_id: self.project.clone(),
            bundle_id: self.bundle.clone(),
            experiment_id: "exp_1".to_owned(),
            files: files.iter().map(offered).collect(),
        };
        let OfferedUpload { id: upload, missing } = self.platform.offer_upload(&self.editor(), &new).await.unwrap();
        for some in files.chunks(200).filter(|_| !missing.is_empty()) {
            let names: Vec<PartOf> = some.iter().flat_map(|(.., bytes)| content(bytes, part).parts).map(PartOf::Name).collect();
            let bytes: Vec<u8> = some.iter().flat_map(|(.., bytes)| bytes.clone()).collect();
            let body = stream::iter([Ok(Bytes::from(bytes))]);
            self.platform.put_parts(&self.editor(), &upload, &names, body).await.unwrap();
        }
        (upload, new.files[0].content.sha256.to_string())
    }

    async fn commit(&self, upload: &str, runs: &str) -> Result<CommitOutcome, Error> {
        let details = Map::new();
        let said = UploadCommit { runs_sha256: runs, started_at: None, completed_at: None, details: &details };
        self.platform.commit_upload(&self.editor(), upload, said, read).await
    }

    /// The runs of each batch that is seen, and its files.
    async fn seen(&self) -> Vec<(usize, usize)> {
        let (store, all) = (&self.platform.store, BatchFilter { scenario: None, offset: 0, limit: 10 });
        let mut seen = Vec::new();
        for batch in store.run_batches(&self.scope, &self.project, all).await.unwrap() {
            let filter = RunFilter { limit: 100_000, ..RunFilter::default() };
            let runs = store.runs(&self.scope, &batch.id, &filter).await.unwrap().len();
            assert_eq!(batch.counts.total(), runs as u64);
            seen.push((runs, store.artifacts(&self.scope, &batch.id, 0, 100_000).await.unwrap().len()));
        }
        seen
    }
}

fn content(bytes: &[u8], part: usize) -> FileContent {
    let name = |bytes: &[u8]| PartName { sha256: Digest::of_bytes(bytes), size: bytes.len() as u64 };
    FileContent { size: bytes.len() as u64, sha256: Digest::of_bytes(bytes), parts: bytes.chunks(part).map(name).collect() }
}

fn runs(count: usize) -> Vec<RunRecord> {
    let run =
        |number: usize| RunRecord { output: "On its way".to_owned(), ..RunRecord::new(format!("run-{number}"), Status::Passed) };
    (0..count).map(run).collect()
}

/// Reads runs, a line each.
fn read(bytes: BoxStream<'static, Stored<Bytes>>) -> RunStream {
    let lines = stream::unfold((bytes, Vec::new()), |(mut bytes, mut rest)| async move {
        loop {
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let run: RunRecord = serde_json::from_slice(&line).unwrap();
                return Some((Ok::<_, StoreError>((run, line.len())), (bytes, rest)));
            }
            match bytes.next().await? {
                Ok(more) => rest.extend_from_slice(&more),
                Err(error) => return Some((Err(error), (bytes, rest))),
            }
        }
    });
    lines.boxed()
}

fn done(outcome: Result<CommitOutcome, Error>) -> (String, u64, bool) {
    match outcome.unwrap() {
        CommitOutcome::Done { became, repeated, .. } => (became.batch_id, became.runs, repeated),
        CommitOutcome::Incomplete(missing) => panic!("{missing:?} are missing"),
    }
}

/// However long the runs take to come, somebody else can write at any time, and sees nothing of the commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_is_never_held_while_something_is_read() {
    let gate = Gate::closed();
    let front = Arc::clone(&gate);
    let world = World::start(|objects| objects.behind(|store| Arc::new(Slow { store, gate: front }))).await;
    let runs = runs(3000);
    let (upload, sha256) = world.upload(&runs, 20_000).await;
    let others = async {
        let mut published = 0;
        // As many as the file with the runs has parts.
        let parts =
            content(&runs.iter().map(|run| serde_json::to_string(run).unwrap() + "\n").collect::<String>().into_bytes(), 20_000);
        for number in 1..=parts.parts.len() {
            tokio::time::timeout(PATIENCE, gate.until_asked(number)).await.expect("the commit reads on");
            // It waits for the next part, and for as long as we like.
            let publish = world.publish(if number % 2 == 0 { "Be kind." } else { "Be brief." });
            tokio::time::timeout(PATIENCE, publish).await.expect("somebody else can write");
            published += 1;
            assert_eq!(world.seen().await, []);
            gate.open_for(number);
        }
        published
    };
    let (outcome, published) = join(world.commit(&upload, &sha256), others).await;
    let (batch, count, repeated) = done(outcome);
    assert!(published > 10 && count == 3000 && !repeated, "{published} {count} {repeated}");
    assert_eq!(world.seen().await, [(3000, 300)]);
    assert_eq!(done(world.commit(&upload, &sha256).await), (batch, 3000, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_of_the_same_upload_at_once_are_one_batch() {
    let world = World::start(|objects| objects).await;
    let (upload, sha256) = world.upload(&runs(3000), 20_000).await;
    let outcomes = join_of(4, || async { Ok::<_, Error>(done(world.commit(&upload, &sha256).await)) }).await;
    let first = &outcomes[0];
    assert!(outcomes.iter().all(|(batch, count, _)| (batch, *count) == (&first.0, 3000)), "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|(.., repeated)| !repeated).count(), 1, "{outcomes:?}");
    assert_eq!(world.seen().await, [(3000, 300)]);
}

async fn join_of<T, F: Future<Output = Result<T, Error>>>(count: usize, work: impl Fn() -> F) -> Vec<T> {
    try_join_all((0..count).map(|_| work())).await.unwrap()
}

/// Whoever goes away in the middle is not missed: the same commit goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_client_went_away_goes_on() {
    let gate = Gate::closed();
    let front = Arc::clone(&gate);
    let world = World::start(|objects| objects.behind(|store| Arc::new(Slow { store, gate: front }))).await;
    let (upload, sha256) = world.upload(&runs(3000), 20_000).await;
    for died_at in [1, 4, 9] {
        let before = *gate.asked.borrow();
        gate.open_for(before + died_at - 1);
        {
            let commit = std::pin::pin!(world.commit(&upload, &sha256));
            let dies = std::pin::pin!(gate.until_asked(before + died_at));
            let first = tokio::time::timeout(PATIENCE, futures_util::future::select(commit, dies)).await.unwrap();
            assert!(matches!(first, futures_util::future::Either::Right(_)), "it reads on");
        }
        assert_eq!(world.seen().await, []);
    }
    gate.open_for(usize::MAX);
    assert_eq!(done(world.commit(&upload, &sha256).await).1, 3000);
    assert_eq!(world.seen().await, [(3000, 300)]);
}

/// What was committed is offered again: it is there, so none of its files is noted, and the commit finds it. What was deleted meanwhile is
/// noted file by file, and seen again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_there_is_not_written_again() {
    let world = World::start(|objects| objects).await;
    let (store, runs) = (&world.platform.store, runs(3000));
    let (upload, sha256) = world.upload(&runs, 20_000).await;
    let (batch, ..) = done(world.commit(&upload, &sha256).await);
    for is_deleted in [false, true, false] {
        if is_deleted {
            let mut transaction = store.write().await.unwrap();
            transaction.delete_experiment(&world.scope, &batch, "Ada").await.unwrap();
            transaction.commit().await.unwrap();
            assert_eq!(world.seen().await, []);
        }
        let (again, _) = world.upload(&runs, 20_000).await;
        assert_ne!(again, upload);
        let noted = store.upload(&world.scope, &again).await.unwrap();
        let file = store.open_upload_file(world.platform.objects().unwrap(), &noted, "runs", &sha256).await.unwrap();
        assert_eq!((file.is_some(), noted.committed.is_some()), (is_deleted, !is_deleted));
        assert_eq!(done(world.commit(&again, &sha256).await), (batch.clone(), 3000, true));
        assert_eq!(world.seen().await, [(3000, 300)]);
    }
}

/// An experiment that was uploaded again with other results: its gate holds it against what it was held against, whatever is the baseline
/// by then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_baseline_changes_no_answer_of_a_gate() {
    let world = World::start(|objects| objects).await;
    let (store, editor) = (&world.platform.store, world.editor());
    let scenario = store.bundle(&world.scope, &world.bundle).await.unwrap().scenario_id;
    let gate = keepstep_results::gate::Gate { min_pass_rate: None, no_new_failures: true };
    world.platform.set_gate(&editor, &scenario, Some(gate)).await.unwrap();
    let upload = async |name: &str, statuses: [Status; 2]| {
        let runs: Vec<RunRecord> = ["first", "second"]
            .into_iter()
            .zip(statuses)
            .map(|(input, status)| RunRecord { input: input.to_owned(), ..RunRecord::new(format!("{name}-{input}"), status) })
            .collect();
        let (upload, sha256) = world.upload(&runs, 20_000).await;
        let (batch, ..) = done(world.commit(&upload, &sha256).await);
        store.experiment(&world.scope, &batch).await.unwrap()
    };
    let (good, bad) = (Status::Passed, Status::Failed);
    let first = upload("one", [good, good]).await;
    let second = upload("two", [good, bad]).await;
    let third = upload("three", [good, bad]).await;
    world.platform.pin_experiment(&editor, &third.batch.id, true).await.unwrap();
    let again = upload("two", [bad, bad]).await;
    assert_eq!(again.batch.id, second.batch.id);
    let answers = [second, again].map(|experiment| experiment.gate.map(|gate| (gate.baseline, gate.reason)).unwrap());
    let wanted = ["1 new failure against the baseline", "2 new failures against the baseline"];
    assert_eq!(answers, wanted.map(|reason| (Some(first.batch.id.clone()), reason.to_owned())));
}
