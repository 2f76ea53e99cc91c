//! Tests that are told of while they go on, and what their uploads make of them.

use keepstep_results::provenance::TEST_KEY;
use keepstep_store::results::{
    BatchFilter, BatchStatus, Begun, Committed, LiveReport, NewCommit, RunFilter, RunRecord, Status, Turn,
};
use keepstep_store::test_data::Bundle;
use serde_json::{Map, Value, json};

use crate::world::{START, World};

const ALL: BatchFilter<'static> = BatchFilter { scenario: None, offset: 0, limit: 1000 };

async fn shop(world: &World) -> Bundle {
    project(world, "shop").await
}

async fn project(world: &World, name: &str) -> Bundle {
    let inputs: Vec<_> = (0..4).map(|number| json!({"id": format!("item-{number}"), "text": "Where is my order?"})).collect();
    let file = serde_json::from_value(json!({"scenario": {"name": "orders"}, "inputs": inputs})).unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, name).await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    bundle
}

fn run(number: usize, status: Status) -> RunRecord {
    RunRecord {
        input_item_id: Some(format!("item-{}", number % 4)),
        output: format!("answer {number}"),
        ..RunRecord::new(format!("run-{number}"), status)
    }
}

fn runs(count: usize) -> Vec<RunRecord> {
    (0..count).map(|number| run(number, if number % 3 == 0 { Status::Failed } else { Status::Passed })).collect()
}

async fn report(world: &World, bundle: &Bundle, planned: u64, runs: &[RunRecord], is_stopped: bool) -> Option<String> {
    let details = Map::new();
    let report = LiveReport {
        bundle: &bundle.id,
        experiment_id: "exp_1",
        key: "key-1",
        planned,
        started_at: Some(START),
        details: &details,
        runs,
        is_stopped,
    };
    let mut transaction = world.store.write().await.unwrap();
    let told = transaction.record_live(&world.scope, &bundle.project_id, &report).await.unwrap();
    transaction.commit().await.unwrap();
    told
}

/// Commits an upload in transactions of two runs, and lets something happen after the first ones.
async fn upload(world: &World, bundle: &Bundle, runs: &[RunRecord], meanwhile: impl AsyncFn()) -> Committed {
    let details = Map::from_iter([(TEST_KEY.to_owned(), json!("key-1"))]);
    let new = NewCommit {
        project: &bundle.project_id,
        bundle: &bundle.id,
        experiment_id: "exp_1",
        digest: "upload",
        source: "runs.jsonl",
        started_at: Some(START),
        completed_at: Some(START + 1000),
        details: &details,
    };
    let mut transaction = world.store.write().await.unwrap();
    let Begun::New(mut commit) = transaction.begin_commit(&world.scope, &new).await.unwrap() else { panic!("it was done") };
    transaction.commit_hidden().await.unwrap();
    for (number, chunk) in runs.chunks(2).enumerate() {
        if number == 1 {
            meanwhile().await;
        }
        let mut transaction = world.store.write().await.unwrap();
        transaction.commit_runs(&mut commit, chunk).await.unwrap();
        transaction.commit_hidden().await.unwrap();
    }
    let mut transaction = world.store.write().await.unwrap();
    let committed = transaction.finish_commit(commit).await.unwrap();
    transaction.commit().await.unwrap();
    committed
}

/// Returns the only experiment, with the ids and answers of its runs.
async fn only(world: &World, bundle: &Bundle) -> (keepstep_store::results::RunBatch, Vec<(String, String)>) {
    let mut batches = world.store.run_batches(&world.scope, &bundle.project_id, ALL).await.unwrap();
    assert_eq!(batches.len(), 1, "{batches:?}");
    let batch = batches.remove(0);
    let filter = RunFilter { limit: 100, ..RunFilter::default() };
    let runs = world.store.runs(&world.scope, &batch.id, &filter).await.unwrap();
    let mut runs: Vec<_> = runs.into_iter().map(|run| (run.id, run.output)).collect();
    runs.sort();
    (batch, runs)
}

pub(crate) async fn a_test_is_told_of_while_it_goes_on_and_its_upload_has_the_last_word(world: World) {
    let bundle = shop(&world).await;
    let cases = runs(5);
    let id = report(&world, &bundle, 6, &[], false).await.unwrap();
    let (batch, _) = only(&world, &bundle).await;
    assert_eq!((batch.id.as_str(), batch.status, batch.counts.running), (id.as_str(), BatchStatus::Running, 6));
    assert_eq!(report(&world, &bundle, 6, &cases[..3], false).await.as_ref(), Some(&id));
    // The same again, and one more.
    assert_eq!(report(&world, &bundle, 6, &cases[2..4], false).await.as_ref(), Some(&id));
    let (batch, told) = only(&world, &bundle).await;
    let counts = batch.counts;
    assert_eq!((counts.passed, counts.failed, counts.running, counts.total(), told.len()), (2, 2, 2, 6, 4));
    let state = world.store.live_state(&world.scope, &id).await.unwrap();
    assert_eq!((state.planned, state.is_stopped, state.heard_at), (Some(6), false, START));
    let filter = RunFilter { newest_first: true, limit: 2, ..RunFilter::default() };
    let newest = world.store.runs(&world.scope, &id, &filter).await.unwrap();
    assert_eq!((newest[0].id.as_str(), newest[1].id.as_str()), ("run-3", "run-2"));
    assert_eq!(newest[0].input, "Where is my order?");

    // What was reported differs from what the upload says; one was never reported, and one is not in the upload.
    let mut ended = cases.clone();
    ended.remove(1);
    ended[0] = run(0, Status::Passed);
    let committed = upload(&world, &bundle, &ended, async || {}).await;
    assert_eq!((committed.batch_id.as_str(), committed.runs, committed.failed), (id.as_str(), 4, 1));
    let (batch, left) = only(&world, &bundle).await;
    assert_eq!((batch.status, batch.counts.passed, batch.counts.failed, batch.counts.total()), (BatchStatus::Failed, 3, 1, 4));
    let expected: Vec<_> = ended.iter().map(|run| (run.id.clone(), run.output.clone())).collect();
    assert_eq!(left, expected);
    // A report that was late changes nothing.
    assert_eq!(report(&world, &bundle, 6, &cases, false).await, None);
    assert_eq!(only(&world, &bundle).await, (batch, left));
}

pub(crate) async fn a_report_that_meets_the_upload_makes_no_second_experiment(world: World) {
    let bundle = shop(&world).await;
    let cases = runs(5);
    // Nothing was told before the upload began. Then a report comes with a case that is there, one that is to come, and one of nobody.
    let late = [run(0, Status::Failed), run(3, Status::Failed), run(9, Status::Passed)];
    let committed = upload(&world, &bundle, &cases, async || {
        assert!(report(&world, &bundle, 5, &late, false).await.is_some());
    });
    let committed = committed.await;
    assert_eq!(committed.runs, 5);
    let (batch, told) = only(&world, &bundle).await;
    assert_eq!((batch.id, batch.counts.running, told.len()), (committed.batch_id, 0, 5));
    assert_eq!(report(&world, &bundle, 5, &cases, false).await, None);
}

pub(crate) async fn a_test_that_falls_silent_is_abandoned_and_can_go_on(world: World) {
    let bundle = shop(&world).await;
    let cases = runs(4);
    let id = report(&world, &bundle, 4, &cases[..2], true).await.unwrap();
    assert!(world.store.live_state(&world.scope, &id).await.unwrap().is_stopped);
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(transaction.abandon_runs(START + 1).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    let (batch, _) = only(&world, &bundle).await;
    assert_eq!((batch.status, batch.counts.abandoned, batch.counts.total()), (BatchStatus::Abandoned, 2, 4));
    // It is resumed.
    assert_eq!(report(&world, &bundle, 4, &cases[..3], false).await.as_ref(), Some(&id));
    let (batch, _) = only(&world, &bundle).await;
    assert_eq!((batch.status, batch.counts.running, batch.counts.abandoned), (BatchStatus::Running, 1, 0));
    assert_eq!(upload(&world, &bundle, &cases, async || {}).await.batch_id, id);
    let (batch, told) = only(&world, &bundle).await;
    assert_eq!((batch.counts.running, batch.counts.total(), told.len()), (0, 4, 4));
}

pub(crate) async fn what_somebody_deleted_is_not_told_of_and_its_upload_restores_it(world: World) {
    let bundle = shop(&world).await;
    let cases = runs(3);
    let id = report(&world, &bundle, 3, &cases[..1], false).await.unwrap();
    let mut transaction = world.store.write().await.unwrap();
    transaction.delete_experiment(&world.scope, &id, "Ada").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(report(&world, &bundle, 3, &cases, false).await, None);
    assert_eq!(world.store.run_batches(&world.scope, &bundle.project_id, ALL).await.unwrap(), []);
    assert_eq!(upload(&world, &bundle, &cases, async || {}).await.batch_id, id);
    assert_eq!(only(&world, &bundle).await.1.len(), 3);
}

/// Whatever a report says that the upload does not say, by leaving it out or by other words, is not there afterwards.
pub(crate) async fn an_upload_leaves_nothing_of_what_was_reported(world: World) {
    let said = |turn_id: &str, content: &str| Turn {
        turn_id: turn_id.to_owned(),
        sequence: 1,
        content: content.to_owned(),
        ..Turn::default()
    };
    let object = |value: Value| value.as_object().unwrap().clone();
    let reported = RunRecord {
        persona: Some("novice".to_owned()),
        input: "other words".to_owned(),
        output: "a secret".to_owned(),
        metrics: object(json!({"duration_ms": 5.0})),
        evaluation: object(json!({"verdict": "fail"})),
        transcript: vec![json!({"role": "user", "content": "a secret"})],
        turns: vec![said("t1", "a secret"), said("t2", "and more")],
        ..run(0, Status::Failed)
    };
    let uploaded = [
        RunRecord { turns: vec![said("t1", "[removed]")], output: String::new(), ..run(0, Status::Failed) },
        run(1, Status::Passed),
    ];
    let (told, plain) = (project(&world, "told").await, project(&world, "plain").await);
    report(&world, &told, 2, &[reported], false).await.unwrap();
    let mut records = Vec::new();
    for bundle in [&told, &plain] {
        let committed = upload(&world, bundle, &uploaded, async || {}).await;
        let found = world.store.run_records(&world.scope, &committed.batch_id, i64::MIN, 10).await.unwrap();
        records.push(found.into_iter().map(|(_, record)| record).collect::<Vec<_>>());
    }
    assert_eq!(records[0], records[1]);
    assert_eq!(records[0][0].turns[0].content, "[removed]");
}

pub(crate) async fn a_number_of_cases_that_nobody_believes_breaks_no_sum(world: World) {
    let bundle = shop(&world).await;
    let details = Map::new();
    for key in ["one", "two", "three"] {
        let report = LiveReport {
            bundle: &bundle.id,
            experiment_id: key,
            key,
            planned: u64::MAX,
            started_at: None,
            details: &details,
            runs: &[run(0, Status::Passed)],
            is_stopped: false,
        };
        let mut transaction = world.store.write().await.unwrap();
        transaction.record_live(&world.scope, &bundle.project_id, &report).await.unwrap();
        transaction.commit().await.unwrap();
    }
    let size = world.store.size_of_experiments(&world.scope, &bundle.project_id).await.unwrap();
    assert_eq!((size.experiments, size.cases), (3, 3_000_000_000));
}
