//! Commits in many transactions: nothing of them is seen before all of it, whatever comes between and wherever they die.

use keepstep_base::role::Role;
use keepstep_store::artifacts::KEPT;
use keepstep_store::results::{
    BatchFilter, Begun, Commit, Committed, NewArtifact, NewCommit, RunFilter, RunRecord, Status, Turn, Upload,
};
use keepstep_store::test_data::Bundle;
use keepstep_store::{Result, Store, StoreError};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, json};

use crate::world::{START, World};

/// How many runs a transaction brings.
const CHUNK: usize = 2;

const ALL: BatchFilter<'static> = BatchFilter { scenario: None, offset: 0, limit: 1000 };

async fn shop(world: &World) -> Bundle {
    let inputs: Vec<_> = (0..4).map(|number| json!({"id": format!("item-{number}"), "text": "Where is my order?"})).collect();
    let file = serde_json::from_value(json!({"scenario": {"name": "orders"}, "inputs": inputs})).unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    bundle
}

fn turn(run: &str, id: &str) -> Turn {
    Turn { run_id: run.to_owned(), turn_id: id.to_owned(), role: Role::User, content: format!("{run} {id}"), ..Turn::default() }
}

/// Runs with everything that a run can have. Every third one did not pass.
fn runs(prefix: &str, count: usize) -> Vec<RunRecord> {
    let run = |number: usize| {
        let id = format!("{prefix}{number}");
        let (status, verdict) = if number.is_multiple_of(3) { (Status::Failed, "fail") } else { (Status::Passed, "pass") };
        RunRecord {
            input_item_id: Some(format!("item-{}", number % 4)),
            persona: Some(format!("persona {}", number % 2)),
            output: "On its way".to_owned(),
            metrics: Map::from_iter([("duration_ms".to_owned(), json!(number))]),
            evaluation: Map::from_iter([("verdict".to_owned(), json!(verdict))]),
            turns: vec![Turn { run_id: String::new(), ..turn(&id, "t0") }],
            ..RunRecord::new(id, status)
        }
    };
    (0..count).map(run).collect()
}

fn file(run: Option<&str>, name: &str) -> NewArtifact {
    NewArtifact {
        run_id: run.map(str::to_owned),
        artifact_type: "per_trace_markdown".to_owned(),
        name: name.to_owned(),
        content_type: "text/markdown".to_owned(),
        blob_id: "blob_1".to_owned(),
    }
}

/// What is committed, and how far it is. Each step is a transaction of its own.
struct Bringing<'a> {
    scope: &'a keepstep_store::Scope,
    bundle: &'a Bundle,
    name: &'a str,
    digest: &'a str,
    runs: &'a [RunRecord],
    commit: Option<Commit>,
}

impl<'a> Bringing<'a> {
    fn new(world: &'a World, bundle: &'a Bundle, name: &'a str, runs: &'a [RunRecord]) -> Self {
        Self { scope: &world.scope, bundle, name, digest: name, runs, commit: None }
    }

    /// How many steps come before the last one.
    fn steps(&self) -> usize {
        2 + self.runs.len().div_ceil(CHUNK)
    }

    /// Does a step: begins, then brings some of the runs each time, then the files.
    async fn step(&mut self, store: &Store, step: usize) -> Result<()> {
        let mut transaction = store.write().await?;
        match &mut self.commit {
            None => {
                let details = Map::from_iter([("target".to_owned(), json!("local"))]);
                let new = NewCommit {
                    project: &self.bundle.project_id,
                    bundle: &self.bundle.id,
                    experiment_id: self.name,
                    digest: self.digest,
                    source: "runs.jsonl",
                    started_at: Some(START),
                    completed_at: None,
                    details: &details,
                };
                match transaction.begin_commit(self.scope, &new).await? {
                    Begun::New(commit) => self.commit = Some(commit),
                    Begun::Repeated(_) => return Err(StoreError::CommitOvertaken),
                }
            }
            Some(commit) => match self.runs.chunks(CHUNK).nth(step - 1) {
                Some(runs) => transaction.commit_runs(commit, runs).await?,
                None if commit.takes_files() => {
                    let files = [file(None, "summary.md"), file(Some(&self.runs[0].id), "first.md")];
                    transaction.attach_early_artifacts(commit, &files).await?;
                }
                None => {}
            },
        }
        transaction.commit_hidden().await
    }

    /// Does the first steps, and then no more.
    async fn die_after(&mut self, store: &Store, steps: usize) -> Result<()> {
        for step in 0..steps {
            self.step(store, step).await?;
        }
        Ok(())
    }

    async fn finish(&mut self, store: &Store) -> Result<Committed> {
        let mut transaction = store.write().await?;
        let committed = transaction.finish_commit(self.commit.take().unwrap()).await?;
        transaction.commit().await?;
        Ok(committed)
    }

    async fn whole(&mut self, store: &Store) -> Result<Committed> {
        self.die_after(store, self.steps()).await?;
        self.finish(store).await
    }
}

/// Everything that can be read of results: by lists, by names, and by ids that somebody guesses. Of a hidden batch, that is nothing.
async fn everything(world: &World, store: &Store, project: &str, batch: Option<&str>, ids: &[&str]) -> Vec<String> {
    let scope = &world.scope;
    let mut told = Vec::new();
    let batches = store.run_batches(scope, project, ALL).await.unwrap();
    told.push(format!("{batches:?}"));
    told.push(format!("{:?}", store.run_ids(scope, project, ALL).await.unwrap()));
    told.push(format!("{:?}", store.known_runs(scope, project, ids).await.unwrap()));
    told.push(format!("{:?}", store.run_batches_named(scope, project, &["exp_1", batch.unwrap_or("x")]).await.unwrap()));
    told.push(format!("{:?}", store.has_silent_runs(i64::MAX).await.unwrap()));
    for item in 0..4 {
        told.push(format!("{:?}", store.input_history(scope, project, &format!("item-{item}"), 100).await.unwrap()));
    }
    let seen = batches.iter().map(|batch| batch.id.as_str());
    for batch in seen.chain(batch) {
        told.push(format!("{:?}", store.run_batch(scope, batch).await));
        let list = store.runs(scope, batch, &RunFilter { limit: 1000, ..RunFilter::default() }).await;
        told.push(format!("{list:?}"));
        told.push(format!(
            "{:?}",
            store.runs(scope, batch, &RunFilter { text: Some("way"), limit: 9, ..RunFilter::default() }).await
        ));
        told.push(format!("{:?}", store.personas_of_runs(scope, batch).await));
        told.push(format!("{:?}", store.run_durations(scope, batch).await));
        told.push(format!("{:?}", store.failed_neighbors(scope, batch, 1).await));
        let files = store.artifacts(scope, batch, 0, 1000).await;
        told.push(format!("{files:?}"));
        for file in files.unwrap_or_default() {
            told.push(format!(
                "{:?} {:?}",
                store.artifact(scope, batch, &file.id).await,
                store.artifact_file(scope, &file.id).await
            ));
        }
        for id in ids {
            told.push(format!("{:?}", store.run(scope, batch, id).await));
        }
    }
    told
}

/// What a batch has, without what differs between two of the same.
async fn content(world: &World, store: &Store, committed: &Committed) -> String {
    let mut told = format!("{:?}\n", store.run_batch(&world.scope, &committed.batch_id).await.unwrap());
    let runs = store.runs(&world.scope, &committed.batch_id, &RunFilter { limit: 1000, ..RunFilter::default() }).await.unwrap();
    for run in &runs {
        let mut detail = store.run(&world.scope, &committed.batch_id, &run.id).await.unwrap();
        detail.run.number = 0;
        detail.artifacts.iter_mut().for_each(|file| file.id.clear());
        told += &format!("{detail:?}\n");
    }
    for file in store.artifacts(&world.scope, &committed.batch_id, 0, 1000).await.unwrap() {
        told += &format!("{:?} {}\n", file.run_id, file.name);
    }
    told.replace(&committed.batch_id, "BATCH")
}

pub(crate) async fn nothing_of_a_batch_is_seen_before_all_of_it(world: World) {
    let bundle = shop(&world).await;
    let (store, project) = (&world.store, bundle.project_id.as_str());
    let (seen, new) = (runs("seen-", 5), runs("new-", 7));
    Bringing::new(&world, &bundle, "exp_0", &seen).whole(store).await.unwrap();
    let ids: Vec<&str> = seen.iter().chain(&new).map(|run| run.id.as_str()).collect();
    let before = everything(&world, store, project, None, &ids).await;
    let generation = store.generation().await.unwrap();
    let mut bringing = Bringing::new(&world, &bundle, "exp_1", &new);
    for step in 0..bringing.steps() {
        bringing.step(store, step).await.unwrap();
        assert_eq!(everything(&world, store, project, None, &ids).await, before, "after step {step}");
    }
    assert_eq!(store.generation().await.unwrap(), generation, "what was read is still true");

    // What it is going to be, and what is asked by the ids that it is going to have.
    let mut transaction = store.write().await.unwrap();
    let committed = transaction.finish_commit(bringing.commit.take().unwrap()).await.unwrap();
    let hidden = everything(&world, store, project, Some(&committed.batch_id), &ids).await;
    assert!(hidden.iter().filter(|answer| answer.contains("BatchNotFound")).count() >= 7, "{hidden:#?}");
    let error = transaction.attach_artifacts(&world.scope, "x", &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::BatchNotFound(_)));
    transaction.commit().await.unwrap();
    let batch = store.run_batch(&world.scope, &committed.batch_id).await.unwrap();
    assert_eq!((batch.counts.total(), batch.counts.failed, batch.counts.passed), (7, 3, 4));
    assert_ne!(store.generation().await.unwrap(), generation);
    let after = everything(&world, store, project, None, &ids).await;
    assert!(ids.iter().all(|id| after.iter().any(|answer| answer.contains(id))));
    assert_eq!(store.artifacts(&world.scope, &batch.id, 0, 9).await.unwrap().len(), 2);
}

/// What a machine finds after a kill: the files as they are, without anybody having closed them.
async fn after_a_kill(world: &World) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["keepstep.db", "keepstep.db-wal"] {
        std::fs::copy(world.folder.path().join(name), folder.path().join(name)).unwrap();
    }
    let store = Store::open_with(&folder.path().join("keepstep.db"), world.store.surroundings().clone()).await.unwrap();
    (store, folder)
}

pub(crate) async fn a_commit_that_dies_between_any_two_transactions_goes_on(world: World) {
    let bundle = shop(&world).await;
    let project = bundle.project_id.as_str();
    // A run that comes twice is what was said last, also where the commit died between the two.
    let mut new = runs("new-", 7);
    new.push(RunRecord { error: Some("late".to_owned()), ..RunRecord::new("new-1", Status::Timeout) });
    let ids: Vec<&str> = new.iter().map(|run| run.id.as_str()).collect();
    let before = everything(&world, &world.store, project, None, &ids).await;
    let (reference, _folder) = after_a_kill(&world).await;
    let whole = Bringing::new(&world, &bundle, "exp_1", &new).whole(&reference).await.unwrap();
    let wanted = content(&world, &reference, &whole).await;
    assert!(wanted.contains("late") && whole.runs == 7, "{whole:?}\n{wanted}");

    let mut dying = Bringing::new(&world, &bundle, "exp_1", &new);
    for died_after in 0..=dying.steps() {
        let mut open = world.store.write().await.unwrap();
        if died_after == dying.steps() {
            // In the last transaction.
            open.finish_commit(dying.commit.take().unwrap()).await.unwrap();
        }
        let (store, _folder) = after_a_kill(&world).await;
        drop(open);
        assert_eq!(everything(&world, &store, project, None, &ids).await, before, "after {died_after} steps");
        let committed = Bringing::new(&world, &bundle, "exp_1", &new).whole(&store).await.unwrap();
        assert_eq!(content(&world, &store, &committed).await, wanted, "after {died_after} steps");
        assert_eq!(committed, Committed { batch_id: committed.batch_id.clone(), ..whole.clone() });
        let again = Bringing::new(&world, &bundle, "exp_1", &new).whole(&store).await.unwrap_err();
        assert!(matches!(again, StoreError::CommitOvertaken), "it is done");
        if died_after < dying.steps() {
            dying.step(&world.store, died_after).await.unwrap();
        }
    }
}

pub(crate) async fn two_that_commit_the_same_make_one_batch(world: World) {
    let bundle = shop(&world).await;
    let new = runs("new-", 7);
    let (mut one, mut other) = (Bringing::new(&world, &bundle, "exp_1", &new), Bringing::new(&world, &bundle, "exp_1", &new));
    for step in 0..one.steps() {
        one.step(&world.store, step).await.unwrap();
        other.step(&world.store, step).await.unwrap();
    }
    let committed = one.finish(&world.store).await.unwrap();
    assert!(matches!(other.finish(&world.store).await.unwrap_err(), StoreError::CommitOvertaken));
    assert!(matches!(Bringing::new(&world, &bundle, "exp_1", &new).whole(&world.store).await, Err(StoreError::CommitOvertaken)));
    assert_eq!(committed.runs, 7);
    assert_eq!(world.store.run_batches(&world.scope, &bundle.project_id, ALL).await.unwrap().len(), 1);
}

/// Neither waits for the other, neither chases the other for ever, and no run is lost.
pub(crate) async fn two_commits_with_the_same_runs_both_end(world: World) {
    let bundle = shop(&world).await;
    let (new, more) = (runs("new-", 5), runs("new-", 7));
    let mut first = Bringing::new(&world, &bundle, "exp_1", &new);
    let mut second = Bringing { digest: "more", ..Bringing::new(&world, &bundle, "exp_1", &more) };
    let store = &world.store;
    first.die_after(store, 3).await.unwrap();
    second.die_after(store, 2).await.unwrap();
    assert!(matches!(first.step(store, 3).await.unwrap_err(), StoreError::CommitOvertaken), "the second has its runs");
    first.commit = None;
    let committed = first.whole(store).await.unwrap();
    assert!(matches!(second.step(store, 2).await.unwrap_err(), StoreError::CommitOvertaken), "the first is seen");
    second.commit = None;
    let more = second.whole(store).await.unwrap();
    assert_eq!((committed.runs, more.runs), (5, 7));
    assert_eq!(more.batch_id, committed.batch_id, "it is the same experiment");
    let batches = store.run_batches(&world.scope, &bundle.project_id, ALL).await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.counts.total()).collect::<Vec<_>>(), [7]);
}

/// A peer knows nothing of a commit, and what it says counts at once.
pub(crate) async fn what_a_peer_says_comes_before_what_is_hidden(world: World) {
    let bundle = shop(&world).await;
    let new = runs("new-", 5);
    let store = &world.store;
    let mut bringing = Bringing::new(&world, &bundle, "exp_1", &new);
    bringing.die_after(store, 3).await.unwrap();
    let (details, said) = (Map::new(), [turn("new-0", "t1"), turn("new-4", "t1")]);
    let upload = Upload {
        bundle: &bundle.id,
        experiment_id: Some("exp_1"),
        is_over: true,
        started_at: None,
        completed_at: None,
        details: &details,
        runs: &[RunRecord::new("new-0", Status::Passed)],
        turns: &said,
    };
    let mut transaction = store.write().await.unwrap();
    let recorded = transaction.record_upload(&world.scope, &upload).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(recorded.counts.total(), 1);
    let seen = store.run(&world.scope, &recorded.batch_id, "new-0").await.unwrap();
    assert_eq!((seen.run.output.as_str(), seen.turns.len()), ("", 1), "nothing of what is hidden");
    assert!(matches!(bringing.step(store, 3).await.unwrap_err(), StoreError::CommitOvertaken));
    bringing.commit = None;
    let committed = bringing.whole(store).await.unwrap();
    assert_eq!((committed.batch_id.as_str(), committed.runs), (recorded.batch_id.as_str(), 5));
    for id in ["new-0", "new-4"] {
        let detail = store.run(&world.scope, &committed.batch_id, id).await.unwrap();
        assert_eq!((detail.run.output.as_str(), detail.turns.len()), ("On its way", 2), "{id}");
    }
    assert_eq!(store.run_batches(&world.scope, &bundle.project_id, ALL).await.unwrap().len(), 1);
}

/// What is said of a run while it is hidden belongs to it when it is seen.
pub(crate) async fn a_turn_of_a_hidden_run_is_not_lost(world: World) {
    let bundle = shop(&world).await;
    let new = runs("new-", 3);
    let mut bringing = Bringing::new(&world, &bundle, "exp_1", &new);
    bringing.die_after(&world.store, bringing.steps()).await.unwrap();
    let mut transaction = world.store.write().await.unwrap();
    transaction.record_turns(&world.scope, &[turn("new-2", "late")]).await.unwrap();
    transaction.commit().await.unwrap();
    let committed = bringing.finish(&world.store).await.unwrap();
    let turns = world.store.run(&world.scope, &committed.batch_id, "new-2").await.unwrap().turns;
    assert_eq!(turns.iter().map(|turn| turn.turn_id.as_str()).collect::<Vec<_>>(), ["late", "t0"]);
}

pub(crate) async fn a_commit_that_nobody_finishes_is_collected_after_a_week(world: World) {
    let bundle = shop(&world).await;
    let (new, seen) = (runs("new-", 5), runs("seen-", 2));
    let committed = Bringing::new(&world, &bundle, "exp_0", &seen).whole(&world.store).await.unwrap();
    let mut half = Bringing::new(&world, &bundle, "exp_1", &new);
    half.die_after(&world.store, half.steps()).await.unwrap();
    // One of runs that wait.
    let mut waiting = Bringing { digest: "again", ..Bringing::new(&world, &bundle, "exp_0", &seen) };
    waiting.die_after(&world.store, 2).await.unwrap();
    let size = async || {
        world.rows(&["stored_batches", "stored_runs", "stored_artifacts", "turns", "hidden_batches", "waiting_runs"]).await
    };
    let before = size().await;
    world.set_clock(START + KEPT - 1);
    assert_eq!(world.store.collect(&world.objects()).await.unwrap().commits, 0);
    assert_eq!(size().await, before);
    world.set_clock(START + KEPT);
    assert_eq!(world.store.collect(&world.objects()).await.unwrap().commits, 2);
    assert_eq!(size().await, [1, 2, 2, 2, 0, 0], "what is seen stays");
    assert!(matches!(half.finish(&world.store).await.unwrap_err(), StoreError::CommitOvertaken));
    assert_eq!(world.store.run_batch(&world.scope, &committed.batch_id).await.unwrap().counts.total(), 2);
    assert_eq!(Bringing::new(&world, &bundle, "exp_1", &new).whole(&world.store).await.unwrap().runs, 5);
}

/// How many runs a commit keeps for its end in any case.
const KEPT_IN_ANY_CASE: i64 = 250;

/// What the last transaction has to write does not grow with the runs that are there as they are said to be.
pub(crate) async fn runs_that_are_there_already_do_not_wait_for_the_last_transaction(world: World) {
    let bundle = shop(&world).await;
    let store = &world.store;
    let seen = runs("seen-", 600);
    let first = Bringing::new(&world, &bundle, "exp_1", &seen).whole(store).await.unwrap();
    let ids: Vec<&str> = seen.iter().map(|run| run.id.as_str()).collect();
    let before = everything(&world, store, &bundle.project_id, None, &ids[590..]).await;

    let mut again = seen.clone();
    again[300].output = "Lost".to_owned();
    again[400].turns.push(Turn { run_id: String::new(), ..turn("seen-400", "t1") });
    again[500].evaluation.insert("score".to_owned(), json!(0.5));
    // What is said last counts: that it is what it was.
    again.push(RunRecord { output: "Elsewhere".to_owned(), ..seen[590].clone() });
    again.extend(runs("new-", 1));
    again.push(seen[590].clone());
    let mut bringing = Bringing { digest: "again", ..Bringing::new(&world, &bundle, "exp_1", &again) };
    bringing.die_after(store, bringing.steps()).await.unwrap();
    assert_eq!(world.rows(&["waiting_runs"]).await, [KEPT_IN_ANY_CASE + 5]);
    assert_eq!(everything(&world, store, &bundle.project_id, None, &ids[590..]).await, before, "nothing of it is seen");
    let committed = bringing.finish(store).await.unwrap();
    assert_eq!((committed.batch_id, committed.runs), (first.batch_id.clone(), 601));
    let run = async |id: &str| store.run(&world.scope, &first.batch_id, id).await.unwrap();
    assert_eq!(run("seen-300").await.run.output, "Lost");
    assert_eq!(run("seen-400").await.turns.len(), 2);
    assert_eq!(run("seen-500").await.result.evaluation["score"], 0.5);
    assert_eq!(run("seen-590").await.run.output, "On its way");
    assert_eq!(world.rows(&["waiting_runs", "stored_batches"]).await, [0, 1]);
}

/// The files of such a commit do not wait, either.
pub(crate) async fn files_that_are_there_already_do_not_wait_for_the_last_transaction(world: World) {
    let bundle = shop(&world).await;
    let store = &world.store;
    let seen = runs("seen-", 3);
    let first = Bringing::new(&world, &bundle, "exp_1", &seen).whole(store).await.unwrap();
    let (known, new) = (file(Some("seen-0"), "first.md"), file(Some("seen-1"), "first.md"));
    let mut again = Bringing { digest: "again", ..Bringing::new(&world, &bundle, "exp_1", &seen) };
    again.die_after(store, again.steps()).await.unwrap();
    let commit = again.commit.as_mut().unwrap();
    assert!(!commit.takes_files());
    let mut transaction = store.write().await.unwrap();
    assert!(transaction.are_attached(commit, &[known.clone(), file(None, "summary.md")]).await.unwrap());
    for other in [
        new,
        NewArtifact { blob_id: "blob_2".to_owned(), ..known.clone() },
        NewArtifact { run_id: Some("nothing".to_owned()), ..known.clone() },
        NewArtifact { run_id: None, ..known.clone() },
    ] {
        assert!(!transaction.are_attached(commit, &[known.clone(), other.clone()]).await.unwrap(), "{other:?}");
    }
    transaction.commit_hidden().await.unwrap();
    assert_eq!(again.finish(store).await.unwrap().batch_id, first.batch_id);
}

/// A run that ended, with few values for each of its parts, so that two of them are often equal in some.
fn report() -> impl Strategy<Value = RunRecord> {
    let text = || prop_oneof![Just(String::new()), Just("a".to_owned()), Just("b".to_owned())];
    let maybe = |name: &'static str, values: &'static [i64]| {
        prop::sample::select(values).prop_map(move |value| match value {
            0 => Map::new(),
            value => Map::from_iter([(name.to_owned(), json!(value))]),
        })
    };
    let said = (any::<bool>(), 0..3_u8).prop_map(|(has_time, turns)| {
        let turn = |number: u8| Turn {
            run_id: String::new(),
            timestamp: has_time.then(|| "2026-01-01T00:00:00Z".to_owned()),
            duration_ms: has_time.then_some(1.5),
            ..turn("run", &format!("t{number}"))
        };
        (0..turns).map(turn).collect::<Vec<_>>()
    });
    let status = prop::sample::select(vec![Status::Passed, Status::Failed, Status::Timeout]);
    let item = prop::option::of(Just("item-0".to_owned()));
    let parts = (status, 0..2_u32, prop::option::of(text()), prop::option::of(text()), item, text(), text());
    (parts, maybe("duration_ms", &[0, 1, 2]), maybe("score", &[0, 1, 2]), 0..3_i64, said).prop_map(
        |((status, iteration, error, persona, input_item_id, input, output), metrics, evaluation, said, turns)| RunRecord {
            iteration,
            error,
            persona,
            input_item_id,
            input,
            output,
            metrics,
            evaluation,
            transcript: (0..said).map(|number| json!({"role": "user", "content": number})).collect(),
            turns,
            ..RunRecord::new("", status)
        },
    )
}

/// A run that is not stored again is one that storing it again leaves as it is: whether a commit decides for each run, or keeps them all,
/// what comes of it is the same.
pub(crate) async fn what_does_not_wait_would_change_nothing(world: World) {
    const RUNS: usize = 900;
    let bundle = shop(&world).await;
    let store = &world.store;
    let commit = async |name: &str, digest: &str, runs: &[RunRecord]| {
        let runs: Vec<RunRecord> = runs.iter().map(|run| RunRecord { id: format!("{name}{}", run.id), ..run.clone() }).collect();
        let mut bringing = Bringing { digest, ..Bringing::new(&world, &bundle, name, &[]) };
        bringing.step(store, 0).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        for some in runs.chunks(100) {
            transaction.commit_runs(bringing.commit.as_mut().unwrap(), some).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let waiting = world.rows(&["waiting_runs"]).await[0];
        (bringing.finish(store).await.unwrap(), waiting)
    };
    let mut runner = TestRunner::deterministic();
    let mut drawn = || -> Vec<RunRecord> {
        let draw = |number: usize| RunRecord { id: format!("-{number:03}"), ..report().new_tree(&mut runner).unwrap().current() };
        (0..RUNS).map(draw).collect()
    };
    let first = drawn();
    let second: Vec<RunRecord> = drawn()
        .into_iter()
        .zip(&first)
        .map(|(other, first)| match other.iteration {
            // In many, one part is another one; a part that is left out says nothing.
            0 => RunRecord { output: other.output, metrics: other.metrics, turns: other.turns, ..first.clone() },
            _ => other,
        })
        .collect();
    let (whole, _) = commit("whole", "first", &first).await;
    let (pieces, _) = commit("piece", "first", &first).await;
    let (_, waiting) = commit("whole", "second", &second).await;
    for (number, some) in second.chunks(usize::try_from(KEPT_IN_ANY_CASE).unwrap()).enumerate() {
        let (_, kept) = commit("piece", &format!("second {number}"), some).await;
        assert_eq!(kept, i64::try_from(some.len()).unwrap());
    }
    assert!((KEPT_IN_ANY_CASE + 100..i64::try_from(RUNS).unwrap() - 20).contains(&waiting), "{waiting} of {RUNS}");
    let (whole, pieces) = (content(&world, store, &whole).await, content(&world, store, &pieces).await);
    for (whole, pieces) in whole.lines().zip(pieces.lines()) {
        assert_eq!(whole.replace("whole", "name"), pieces.replace("piece", "name"));
    }
}
