//! Results: what clients send once, twice, in pieces and in no order is stored once and as a whole.

use keepstep_base::role::Role;
use keepstep_results::guardrails::Warning;
use keepstep_store::results::{
    BatchFilter, BatchStatus, Begun, Committed, NOT_REPORTED, NewArtifact, NewCommit, Recorded, RunBatch, RunFilter, RunRecord,
    RunResult, Status, Turn, Upload,
};
use keepstep_store::test_data::Bundle;
use keepstep_store::{Result, Scope, StoreError, Transaction};
use serde_json::{Map, json};

use crate::world::{START, World};

const ALL: BatchFilter<'static> = BatchFilter { scenario: None, offset: 0, limit: 1000 };
const PAGE: RunFilter<'static> = RunFilter {
    status: None,
    persona: None,
    text: None,
    part: None,
    criterion: None,
    newest_first: false,
    after: None,
    limit: 1000,
};

/// A project with a published bundle version of two inputs, `item-1` and `item-2`.
async fn shop(world: &World, name: &str) -> Bundle {
    let file = json!({
        "scenario": {"name": "orders"},
        "personas": [{"name": "novice"}],
        "inputs": [
            {"id": "item-1", "text": "Where is my order?", "persona": "novice"},
            {"id": "item-2", "text": "Cancel it, please"},
        ],
    });
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, name).await.unwrap();
    let file = serde_json::from_value(file).unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    bundle
}

fn run(id: &str, item: u32, status: Status) -> RunRecord {
    RunRecord { input_item_id: Some(format!("item-{item}")), ..RunRecord::new(id, status) }
}

fn announced(id: &str, item: u32) -> RunRecord {
    RunRecord { persona: Some("novice".to_owned()), ..run(id, item, Status::Running) }
}

fn turn(id: &str, sequence: i64, content: &str) -> Turn {
    Turn {
        turn_id: id.to_owned(),
        sequence,
        run_id: String::new(),
        role: Role::User,
        content: content.to_owned(),
        timestamp: None,
        duration_ms: None,
        warnings: Vec::new(),
    }
}

async fn upload(world: &World, bundle: &Bundle, experiment: Option<&str>, is_over: bool, runs: &[RunRecord]) -> Recorded {
    let details = Map::new();
    let upload = Upload {
        bundle: &bundle.id,
        experiment_id: experiment,
        is_over,
        started_at: None,
        completed_at: None,
        details: &details,
        runs,
        turns: &[],
    };
    let mut transaction = world.store.write().await.unwrap();
    let recorded = transaction.record_upload(&world.scope, &upload).await.unwrap();
    transaction.commit().await.unwrap();
    recorded
}

/// Returns what is said of an upload that comes again.
fn ended_before(first: &Recorded) -> Recorded {
    Recorded { has_ended: false, ..first.clone() }
}

async fn begin(transaction: &mut Transaction, world: &World, bundle: &Bundle, experiment: &str, digest: &str) -> Result<Begun> {
    let details = Map::from_iter([("agent".to_owned(), json!("shop"))]);
    let new = NewCommit {
        project: &bundle.project_id,
        bundle: &bundle.id,
        experiment_id: experiment,
        digest,
        source: "runs.jsonl",
        started_at: Some(START),
        completed_at: Some(START + 1),
        details: &details,
    };
    transaction.begin_commit(&world.scope, &new).await
}

async fn commit(world: &World, bundle: &Bundle, experiment: &str, runs: &[RunRecord]) -> Committed {
    let mut transaction = world.store.write().await.unwrap();
    let digest = format!("{runs:?}");
    let committed = match begin(&mut transaction, world, bundle, experiment, &digest).await.unwrap() {
        Begun::Repeated(committed) => committed,
        Begun::New(mut commit) => {
            for chunk in runs.chunks(2) {
                transaction.commit_runs(&mut commit, chunk).await.unwrap();
                transaction.commit_hidden().await.unwrap();
                transaction = world.store.write().await.unwrap();
            }
            transaction.finish_commit(commit).await.unwrap()
        }
    };
    transaction.commit().await.unwrap();
    committed
}

/// Returns why a store does not take runs as those of a bundle version: as a commit, and as an upload of a peer.
async fn refusals(world: &World, bundle: &Bundle, runs: &[RunRecord]) -> [String; 2] {
    let details = Map::new();
    let mut transaction = world.store.write().await.unwrap();
    let Begun::New(mut commit) = begin(&mut transaction, world, bundle, "exp_1", "d").await.unwrap() else { panic!() };
    let own = transaction.commit_runs(&mut commit, runs).await.unwrap_err();
    drop(transaction);
    let (bundle, experiment_id) = (bundle.id.as_str(), Some("exp_1"));
    let upload = Upload {
        bundle,
        experiment_id,
        is_over: true,
        started_at: None,
        completed_at: None,
        details: &details,
        runs,
        turns: &[],
    };
    let mut transaction = world.store.write().await.unwrap();
    let of_a_peer = transaction.record_upload(&world.scope, &upload).await.unwrap_err();
    [own.to_string(), of_a_peer.to_string()]
}

pub(crate) async fn results_are_of_the_version_that_they_name(world: World) {
    let first = shop(&world, "shop").await;
    let file = json!({"scenario": {"name": "orders"}, "inputs": [{"id": "item-2", "text": "Cancel it"}, {"id": "item-3", "text": "New"}]});
    let file = serde_json::from_value(file).unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let second = transaction.import(&world.scope, &first.project_id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    assert_ne!(first.id, second.id);
    let completed = |item| run(&format!("r{item}"), item, Status::Passed);
    for (bundle, item) in [(&first, 3), (&second, 1)] {
        for message in refusals(&world, bundle, &[completed(2), completed(item)]).await {
            assert!(message.contains(&bundle.id) && message.contains(&format!("the input item-{item};")), "{message}");
        }
    }
    let many: Vec<RunRecord> = (4..600).map(completed).collect();
    let [message, _] = refusals(&world, &second, &many).await;
    assert!(message.contains("item-10, item-100, item-101, …;"), "{message}");
    // What somebody wrote where it was tested is of no version, and an input of both is of either.
    let own = |id: &str| RunRecord::new(id, Status::Passed);
    assert_eq!(commit(&world, &second, "exp_1", &[completed(2), completed(3), own("a")]).await.runs, 3);
    assert_eq!(commit(&world, &first, "exp_2", &[completed(1), own("b")]).await.runs, 2);
}

async fn say(world: &World, scope: &Scope, run: &str, turn: Turn) {
    let mut transaction = world.store.write().await.unwrap();
    transaction.record_turns(scope, &[Turn { run_id: run.to_owned(), ..turn }]).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn batches(world: &World, bundle: &Bundle) -> Vec<RunBatch> {
    world.store.run_batches(&world.scope, &bundle.project_id, ALL).await.unwrap()
}

/// The id, status and error of each run of a batch.
async fn shown(world: &World, batch: &str) -> Vec<String> {
    let runs = world.store.runs(&world.scope, batch, &PAGE).await.unwrap();
    runs.iter().map(|run| format!("{} {} {}", run.id, run.status, run.error.as_deref().unwrap_or_default())).collect()
}

pub(crate) async fn a_commit_is_there_as_a_whole(world: World) {
    let bundle = shop(&world, "shop").await;
    let result = RunResult {
        metrics: Map::from_iter([("duration_ms".to_owned(), json!(7.5))]),
        transcript: vec![json!({"role": "user", "content": "Where?"})],
        evaluation: Map::from_iter([("verdict".to_owned(), json!("fail"))]),
    };
    let runs = [
        RunRecord {
            persona: Some("novice".to_owned()),
            iteration: 3,
            input: "Where?".to_owned(),
            output: "There\0".to_owned(),
            metrics: result.metrics.clone(),
            transcript: result.transcript.clone(),
            evaluation: result.evaluation.clone(),
            turns: vec![turn("t1", 2, "second"), turn("t0", 1, "first")],
            ..run("a", 1, Status::Passed)
        },
        RunRecord { error: Some("too slow".to_owned()), ..run("b", 2, Status::Timeout) },
        run("c", 2, Status::Skipped),
    ];
    let mut transaction = world.store.write().await.unwrap();
    let Begun::New(mut commit) = begin(&mut transaction, &world, &bundle, "exp_1", "d").await.unwrap() else { panic!() };
    transaction.commit_runs(&mut commit, &runs).await.unwrap();
    assert_eq!(batches(&world, &bundle).await, []);
    let committed = transaction.finish_commit(commit).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((committed.runs, committed.failed, committed.repeated), (3, 1, false));

    let batch = world.store.run_batch(&world.scope, &committed.batch_id).await.unwrap();
    assert_eq!((batch.status, batch.experiment_id.as_deref()), (BatchStatus::Failed, Some("exp_1")));
    assert_eq!((batch.started_at, batch.completed_at, &batch.details["agent"]), (Some(START), Some(START + 1), &json!("shop")));
    // Of two runs that were tried, none passed: a judge failed the one that ended as it should.
    assert_eq!((batch.counts.completed(), batch.counts.passed, batch.counts.pass_rate()), (1, 0, Some(0.0)));
    let detail = world.store.run(&world.scope, &batch.id, "a").await.unwrap();
    assert_eq!((detail.result, detail.run.duration_ms, detail.run.iteration), (result, Some(7.5), 3));
    assert_eq!((detail.run.output.as_str(), detail.run.verdict.as_deref()), ("There\0", Some("fail")));
    assert_eq!(detail.turns, [turn("t0", 1, "first"), turn("t1", 2, "second")]);
    // What is not said comes from the bundle version.
    assert_eq!(world.store.run(&world.scope, &batch.id, "b").await.unwrap().run.input, "Cancel it, please");
}

pub(crate) async fn f36_the_same_commit_again_is_the_same_batch(world: World) {
    let bundle = shop(&world, "shop").await;
    let runs = [run("a", 1, Status::Passed), run("b", 2, Status::Failed)];
    let first = commit(&world, &bundle, "exp_1", &runs).await;
    let generation = world.store.generation().await.unwrap();
    let again = commit(&world, &bundle, "exp_1", &runs).await;
    assert_eq!(again, Committed { repeated: true, ..first.clone() });
    assert_eq!(world.store.generation().await.unwrap(), generation);
    // A commit that brings more is added to it, and the first one is still known.
    let more = [runs[0].clone(), run("b", 2, Status::Passed), run("c", 1, Status::Passed)];
    let third = commit(&world, &bundle, "exp_1", &more).await;
    assert_eq!((third.batch_id, third.runs, third.failed), (first.batch_id.clone(), 3, 0));
    assert!(commit(&world, &bundle, "exp_1", &runs).await.repeated);
    assert_eq!(shown(&world, &first.batch_id).await, ["a completed ", "b completed ", "c completed "]);
}

pub(crate) async fn a_commit_without_meaning_changes_nothing(world: World) {
    let bundle = shop(&world, "shop").await;
    let mut shown = String::new();
    for (experiment, run) in [
        ("", run("a", 1, Status::Passed)),
        ("exp\n1", run("a", 1, Status::Passed)),
        ("exp_1", run("a", 1, Status::Running)),
        ("exp_1", run("", 1, Status::Passed)),
        ("exp_1", RunRecord { turns: vec![turn("\u{1b}[2J", 0, "")], ..run("a", 1, Status::Passed) }),
    ] {
        let mut transaction = world.store.write().await.unwrap();
        let error = match begin(&mut transaction, &world, &bundle, experiment, "d").await {
            Ok(Begun::New(mut commit)) => transaction.commit_runs(&mut commit, &[run]).await.unwrap_err(),
            Ok(Begun::Repeated(_)) => panic!(),
            Err(error) => error,
        };
        shown += &format!("{error}\n");
    }
    insta::assert_snapshot!(shown, @r#"
    "" is not the id of an experiment: it is empty, longer than 200 bytes, or holds control characters
    "exp\n1" is not the id of an experiment: it is empty, longer than 200 bytes, or holds control characters
    run "a" is still running; only finished runs can be committed
    "" is not the id of a run: it is empty, longer than 200 bytes, or holds control characters
    "\u{1b}[2J" is not the id of a turn: it is empty, longer than 200 bytes, or holds control characters
    "#);
    assert!("odd".parse::<Status>().is_err());
    assert_eq!(batches(&world, &bundle).await, []);
}

pub(crate) async fn results_outside_the_scope_are_not_there(world: World) {
    let (mine, other) = (shop(&world, "mine").await, shop(&world, "other").await);
    let batch = commit(&world, &mine, "exp_1", &[run("a", 1, Status::Passed)]).await.batch_id;
    let outside = Scope::of(&world.scope.org_id, Some(other.project_id.clone()));
    let store = &world.store;
    let is_hidden = |error: StoreError| matches!(error, StoreError::BatchNotFound(_) | StoreError::ProjectNotFound(_));
    assert!(is_hidden(store.run_batches(&outside, &mine.project_id, ALL).await.unwrap_err()));
    assert!(is_hidden(store.run_batches_named(&outside, &mine.project_id, &["exp_1"]).await.unwrap_err()));
    assert!(is_hidden(store.run_ids(&outside, &mine.project_id, ALL).await.unwrap_err()));
    assert!(is_hidden(store.run_batch(&outside, &batch).await.unwrap_err()));
    assert!(is_hidden(store.runs(&outside, &batch, &PAGE).await.unwrap_err()));
    assert!(is_hidden(store.run(&outside, &batch, "a").await.unwrap_err()));
    assert!(is_hidden(store.personas_of_runs(&outside, &batch).await.unwrap_err()));
    assert!(is_hidden(store.artifacts(&outside, &batch, 0, 10).await.unwrap_err()));
    assert!(is_hidden(store.artifact(&outside, &batch, "x").await.unwrap_err()));
    assert_eq!(store.run_batches_named(&outside, &other.project_id, &[&batch]).await.unwrap(), []);
    let mut transaction = store.write().await.unwrap();
    assert!(is_hidden(transaction.attach_artifacts(&outside, &batch, &[]).await.unwrap_err()));
    drop(transaction);
    // The same run id in another project is another run, and a turn stays in the key's project.
    let theirs = commit(&world, &other, "exp_1", &[run("a", 1, Status::Failed)]).await;
    assert!(!theirs.repeated);
    say(&world, &outside, "a", turn("t", 0, "theirs")).await;
    assert_eq!(store.run(&world.scope, &batch, "a").await.unwrap().turns, []);
    assert_eq!(store.run(&world.scope, &theirs.batch_id, "a").await.unwrap().turns.len(), 1);
    assert_eq!(shown(&world, &batch).await, ["a completed "]);
}

pub(crate) async fn f10_a_run_that_is_not_reported_failed(world: World) {
    let bundle = shop(&world, "shop").await;
    let before = upload(&world, &bundle, Some("exp_1"), false, &[announced("a", 1), announced("b", 2)]).await;
    assert_eq!((before.counts.status(), before.counts.running, before.counts.pass_rate()), (BatchStatus::Running, 2, None));
    let after = upload(&world, &bundle, Some("exp_1"), true, &[run("a", 1, Status::Passed)]).await;
    assert_eq!(after.batch_id, before.batch_id);
    assert_eq!((after.counts.status(), after.counts.pass_rate()), (BatchStatus::Failed, Some(0.5)));
    assert_eq!(shown(&world, &after.batch_id).await, ["a completed ", &format!("b failed {NOT_REPORTED}")]);
    let first = world.store.run(&world.scope, &after.batch_id, "a").await.unwrap().run;
    assert_eq!((first.persona.as_deref(), first.input.as_str()), (Some("novice"), "Where is my order?"));
    // An announcement that comes late announces nothing.
    upload(&world, &bundle, Some("exp_1"), false, &[announced("a", 1), announced("b", 2), announced("c", 2)]).await;
    let (b, c) = (format!("b failed {NOT_REPORTED}"), format!("c failed {NOT_REPORTED}"));
    assert_eq!(shown(&world, &after.batch_id).await, ["a completed ", &b, &c]);
    // Every run failed: the report names none.
    upload(&world, &bundle, Some("exp_2"), false, &[announced("d", 1), announced("e", 2)]).await;
    let nothing = upload(&world, &bundle, Some("exp_2"), true, &[]).await;
    assert_eq!((nothing.counts.failed, nothing.counts.status()), (2, BatchStatus::Failed));
    assert_eq!(batches(&world, &bundle).await.len(), 2);
}

pub(crate) async fn f11_other_ids_replace_the_announced_ones(world: World) {
    let bundle = shop(&world, "shop").await;
    let announcement = [announced("p1", 1), announced("p2", 2), announced("p3", 1)];
    let before = upload(&world, &bundle, Some("exp_1"), false, &announcement).await;
    say(&world, &world.scope, "n1", turn("n1-t1", 1, "before the run is known")).await;
    say(&world, &world.scope, "p1", turn("p1-t0", 0, "under the old id")).await;
    let report = [run("n1", 1, Status::Passed), run("n2", 2, Status::Passed), run("n3", 1, Status::Failed)];
    let after = upload(&world, &bundle, Some("exp_1"), true, &report).await;
    assert_eq!((after.batch_id.as_str(), after.counts.total()), (before.batch_id.as_str(), 3));
    assert_eq!(shown(&world, &after.batch_id).await, ["n1 completed ", "n2 completed ", "n3 failed "]);
    say(&world, &world.scope, "p1", turn("p1-t2", 2, "late, under the old id")).await;
    let first = world.store.run(&world.scope, &after.batch_id, "n1").await.unwrap();
    assert_eq!(first.run.persona.as_deref(), Some("novice"));
    let said: Vec<&str> = first.turns.iter().map(|turn| turn.turn_id.as_str()).collect();
    assert_eq!(said, ["p1-t0", "n1-t1", "p1-t2"]);
    // Both again, in the other order.
    upload(&world, &bundle, Some("exp_1"), true, &report).await;
    upload(&world, &bundle, Some("exp_1"), false, &announcement).await;
    assert_eq!(shown(&world, &after.batch_id).await.len(), 3);
    assert_eq!(batches(&world, &bundle).await.len(), 1);
}

pub(crate) async fn f13_a_report_that_comes_again_is_stored_once(world: World) {
    let bundle = shop(&world, "shop").await;
    let report = [run("a", 1, Status::Passed), run("b", 2, Status::Failed)];
    let first = upload(&world, &bundle, Some("exp_1"), true, &report).await;
    assert!(first.has_ended);
    assert_eq!(upload(&world, &bundle, Some("exp_1"), true, &report).await, ended_before(&first));
    // Also by the other way in, and under a newer bundle version.
    assert_eq!(commit(&world, &bundle, "exp_1", &report).await.batch_id, first.batch_id);
    let file = json!({"scenario": {"name": "orders"}, "inputs": [{"text": "new"}]});
    let mut transaction = world.store.write().await.unwrap();
    let file = serde_json::from_value(file).unwrap();
    let newer = transaction.import(&world.scope, &bundle.project_id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(upload(&world, &newer, Some("exp_1"), true, &report).await.batch_id, first.batch_id);
    let batches = batches(&world, &bundle).await;
    assert_eq!((batches.len(), batches[0].counts.total()), (1, 2));
}

pub(crate) async fn f36_a_batch_without_a_name_is_known_by_its_runs(world: World) {
    let bundle = shop(&world, "shop").await;
    let report = [run("a", 1, Status::Passed), run("b", 2, Status::Passed)];
    let first = upload(&world, &bundle, None, true, &report).await;
    assert_eq!(upload(&world, &bundle, None, true, &report).await, ended_before(&first));
    let other = upload(&world, &bundle, None, true, &[run("c", 1, Status::Passed)]).await;
    assert_ne!(other.batch_id, first.batch_id);
    // F38: a part of it came first.
    let whole = [run("c", 1, Status::Passed), run("d", 2, Status::Passed)];
    assert_eq!(upload(&world, &bundle, None, true, &whole).await.batch_id, other.batch_id);
    // The same runs with a name give it the name.
    assert_eq!(commit(&world, &bundle, "orders-1", &report).await.batch_id, first.batch_id);
    let named = world.store.run_batches_named(&world.scope, &bundle.project_id, &["orders-1"]).await.unwrap();
    assert_eq!(named.iter().map(|batch| &batch.id).collect::<Vec<_>>(), [&first.batch_id]);
    // Nothing twice is nothing once.
    let empty = upload(&world, &bundle, None, true, &[]).await;
    assert_eq!(upload(&world, &bundle, None, true, &[]).await, ended_before(&empty));
    assert_eq!(empty.counts.status(), BatchStatus::Failed);
}

pub(crate) async fn f27_two_tests_with_the_same_name_are_two_batches(world: World) {
    let bundle = shop(&world, "shop").await;
    let one = upload(&world, &bundle, Some("exp_1"), false, &[announced("a1", 1), announced("a2", 2)]).await;
    assert!(!one.has_ended);
    let two = upload(&world, &bundle, Some("exp_1"), false, &[announced("b1", 1), announced("b2", 2)]).await;
    assert_ne!(one.batch_id, two.batch_id);
    let over = [run("b1", 1, Status::Passed), run("b2", 2, Status::Passed)];
    assert_eq!(upload(&world, &bundle, Some("exp_1"), true, &over).await.batch_id, two.batch_id);
    assert_eq!(shown(&world, &one.batch_id).await, ["a1 running ", "a2 running "]);
    // A report without runs is that of the one that still goes on.
    let nothing = upload(&world, &bundle, Some("exp_1"), true, &[]).await;
    assert_eq!((nothing.batch_id, nothing.counts.failed), (one.batch_id, 2));
    // Where both go on, it is nobody's.
    upload(&world, &bundle, Some("exp_2"), false, &[announced("c", 1)]).await;
    upload(&world, &bundle, Some("exp_2"), false, &[announced("d", 1)]).await;
    let unclear = upload(&world, &bundle, Some("exp_2"), true, &[]).await;
    assert_eq!((unclear.counts.running, unclear.has_ended), (1, false));
    assert_eq!(batches(&world, &bundle).await.iter().map(|batch| batch.counts.running).sum::<u64>(), 2);
}

pub(crate) async fn f24_what_nobody_speaks_of_any_more_is_abandoned(world: World) {
    let bundle = shop(&world, "shop").await;
    let batch = upload(&world, &bundle, Some("exp_1"), false, &[announced("a", 1), announced("b", 2)]).await.batch_id;
    let abandon = async |since: i64| {
        assert_eq!(world.store.has_silent_runs(since).await.unwrap(), since > START + 5);
        let mut transaction = world.store.write().await.unwrap();
        let abandoned = transaction.abandon_runs(since).await.unwrap();
        transaction.commit().await.unwrap();
        abandoned
    };
    world.set_clock(START + 5);
    say(&world, &world.scope, "a", turn("t", 0, "still here")).await;
    assert_eq!(abandon(START + 1).await, 0);
    assert_eq!(abandon(START + 6).await, 1);
    let stored = world.store.run_batch(&world.scope, &batch).await.unwrap();
    assert_eq!((stored.status, stored.counts.abandoned), (BatchStatus::Abandoned, 2));
    // What is reported after all is what is reported.
    let over = upload(&world, &bundle, Some("exp_1"), true, &[run("a", 1, Status::Passed)]).await;
    assert_eq!((over.counts.completed(), over.counts.abandoned), (1, 1));
}

pub(crate) async fn a_turn_is_there_once_and_tells_all_that_is_known(world: World) {
    let bundle = shop(&world, "shop").await;
    let streamed =
        Turn { duration_ms: Some(5.0), warnings: vec![Warning::Other(json!({"type": "too_long"}))], ..turn("t", 1, "hello") };
    let reported = Turn { timestamp: Some("2026-11-21T23:28:26.584243+00:00".to_owned()), ..turn("t", 1, "hello") };
    let all = Turn { timestamp: reported.timestamp.clone(), ..streamed.clone() };
    for (id, order) in [("a", [&streamed, &reported]), ("b", [&reported, &streamed])] {
        say(&world, &world.scope, id, order[0].clone()).await;
        let batch = upload(&world, &bundle, Some(id), true, &[run(id, 1, Status::Passed)]).await.batch_id;
        for _ in 0..2 {
            say(&world, &world.scope, id, order[1].clone()).await;
        }
        assert_eq!(world.store.run(&world.scope, &batch, id).await.unwrap().turns, std::slice::from_ref(&all));
    }
}

pub(crate) async fn a_turn_that_comes_before_its_run_waits_in_each_project_of_who_sent_it(world: World) {
    let (first, second, third) = (shop(&world, "first").await, shop(&world, "second").await, shop(&world, "third").await);
    let scope = Scope::some_projects(&world.scope.org_id, [first.project_id.clone(), second.project_id.clone()]);
    for id in ["a", "b"] {
        say(&world, &scope, id, turn("t", 0, "hello")).await;
    }
    for (bundle, id, turns) in [(&second, "a", 1), (&first, "b", 1), (&third, "a", 0)] {
        let batch = upload(&world, bundle, Some("exp_1"), true, &[run(id, 1, Status::Passed)]).await.batch_id;
        assert_eq!(world.store.run(&world.scope, &batch, id).await.unwrap().turns.len(), turns, "{id}");
    }
}

pub(crate) async fn a_file_is_attached_once(world: World) {
    let bundle = shop(&world, "shop").await;
    let batch = commit(&world, &bundle, "exp_1", &[run("a", 1, Status::Passed)]).await.batch_id;
    let file = |run: Option<&str>, name: &str, blob: &str| NewArtifact {
        run_id: run.map(str::to_owned),
        artifact_type: "trace".to_owned(),
        name: name.to_owned(),
        content_type: "text/plain".to_owned(),
        blob_id: blob.to_owned(),
    };
    let files = [file(Some("a"), "1.md", "x"), file(None, "1.md", "x"), file(None, "2.md", "x"), file(Some("?"), "1.md", "x")];
    for _ in 0..2 {
        let mut transaction = world.store.write().await.unwrap();
        transaction.attach_artifacts(&world.scope, &batch, &files).await.unwrap();
        let error = transaction.attach_artifacts(&world.scope, "?", &files).await.unwrap_err();
        assert!(matches!(error, StoreError::BatchNotFound(_)), "{error}");
        transaction.commit().await.unwrap();
    }
    let stored = world.store.artifacts(&world.scope, &batch, 0, 10).await.unwrap();
    let shown: Vec<_> = stored.iter().map(|file| (file.run_id.as_deref(), file.name.as_str())).collect();
    assert_eq!(shown, [(None, "1.md"), (None, "2.md"), (Some("a"), "1.md")]);
    assert_eq!(world.store.run(&world.scope, &batch, "a").await.unwrap().artifacts, [stored[2].clone()]);
    assert_eq!(world.store.artifact(&world.scope, &batch, &stored[1].id).await.unwrap(), stored[1]);
}

pub(crate) async fn runs_are_read_in_pages_and_filtered(world: World) {
    let bundle = shop(&world, "shop").await;
    let runs: Vec<RunRecord> = (0..1000)
        .map(|number| RunRecord {
            persona: Some(if number % 100 == 7 { "expert" } else { "novice" }.to_owned()),
            output: format!("answer 100% {number}_{}", "x".repeat(500)),
            turns: vec![turn("t0", 0, "q"), turn("t1", 1, "a")],
            ..run(&format!("run-{number}"), 1, if number % 50 == 0 { Status::Failed } else { Status::Passed })
        })
        .collect();
    let batch = commit(&world, &bundle, "exp_1", &runs).await;
    assert_eq!((batch.runs, batch.failed), (1000, 20));
    let page = async |filter: RunFilter<'_>| {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let filter = RunFilter { after, limit: 9, ..filter };
            let runs = world.store.runs(&world.scope, &batch.batch_id, &filter).await.unwrap();
            assert!(runs.iter().all(|run| run.output.len() <= 400));
            let Some(last) = runs.last() else { return ids };
            after = Some(last.number);
            ids.extend(runs.into_iter().map(|run| run.id));
        }
    };
    assert_eq!(page(PAGE).await, runs.iter().map(|run| run.id.clone()).collect::<Vec<_>>());
    assert_eq!(page(RunFilter { status: Some(Status::Failed), ..PAGE }).await.len(), 20);
    assert_eq!(page(RunFilter { persona: Some("expert"), ..PAGE }).await.len(), 10);
    assert_eq!(page(RunFilter { text: Some("100% 12_"), ..PAGE }).await, ["run-12"]);
    assert_eq!(page(RunFilter { text: Some("'; DROP"), ..PAGE }).await, [""; 0]);
    let personas = world.store.personas_of_runs(&world.scope, &batch.batch_id).await.unwrap();
    assert_eq!(personas, ["expert", "novice"]);
    let ids =
        world.store.run_ids(&world.scope, &bundle.project_id, BatchFilter { offset: 990, limit: 200, ..ALL }).await.unwrap();
    assert_eq!((ids.len(), &ids[9]), (10, &("run-999".to_owned(), batch.batch_id)));
}

/// What a page says of an input, and what a client asks by runs.
pub(crate) async fn an_input_has_a_history_and_runs_are_known(world: World) {
    let bundle = shop(&world, "shop").await;
    let with = |run: RunRecord, verdict: &str| {
        let evaluation = serde_json::from_value(json!({"verdict": verdict})).unwrap();
        RunRecord { evaluation, ..run }
    };
    let first =
        upload(&world, &bundle, Some("exp_1"), true, &[with(run("a1", 1, Status::Passed), "pass"), run("a2", 2, Status::Failed)])
            .await;
    let runs =
        [with(run("b1", 1, Status::Passed), "fail"), RunRecord { iteration: 1, ..with(run("b2", 1, Status::Passed), "pass") }];
    let second = upload(&world, &bundle, Some("exp_2"), true, &runs).await;
    let third = upload(&world, &bundle, Some("exp_3"), true, &[with(run("c1", 1, Status::Passed), "not_judged")]).await;

    let history = world.store.input_history(&world.scope, &bundle.project_id, "item-1", 10).await.unwrap();
    let told: Vec<_> = history.iter().map(|result| (result.name.as_str(), result.run_id.as_str())).collect();
    assert_eq!(told, [("exp_3", "c1"), ("exp_2", "b1"), ("exp_1", "a1")], "the newest first, and of several the one that failed");
    let two = world.store.input_history(&world.scope, &bundle.project_id, "item-1", 2).await.unwrap();
    assert_eq!(two.len(), 2);
    assert!(world.store.input_history(&world.scope, &bundle.project_id, "item-9", 10).await.unwrap().is_empty());

    let counts = world.store.run_batch(&world.scope, &third.batch_id).await.unwrap().counts;
    assert_eq!((counts.completed(), counts.passed, counts.not_judged, counts.pass_rate()), (1, 0, 1, None));
    let known = world.store.known_runs(&world.scope, &bundle.project_id, &["a2", "b1", "nobody"]).await.unwrap();
    let mut known: Vec<_> = known.into_iter().map(|(run, batch)| (run, batch.id)).collect();
    known.sort();
    assert_eq!(known, [("a2".to_owned(), first.batch_id), ("b1".to_owned(), second.batch_id)]);
}

/// The peers do not say what was asked where the bundle version does.
pub(crate) async fn the_input_of_a_run_is_what_its_item_says(world: World) {
    let messages = json!([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Where?"}]);
    let inputs: Vec<_> = (0..300).map(|number| json!({"id": format!("i{number}"), "messages": messages})).collect();
    let file = serde_json::from_value(json!({"scenario": {"name": "orders"}, "inputs": inputs})).unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    let run =
        |number| RunRecord { input_item_id: Some(format!("i{number}")), ..RunRecord::new(format!("r{number}"), Status::Passed) };
    let mut runs: Vec<RunRecord> = (0..300).map(run).collect();
    runs[0].input = "as it was asked".to_owned();
    let batch = upload(&world, &bundle, Some("exp_1"), true, &runs).await.batch_id;
    let found = world.store.runs(&world.scope, &batch, &PAGE).await.unwrap();
    let texts: Vec<&str> = found.iter().map(|run| run.input.as_str()).collect();
    let mut expected = vec![keepstep_testdata::input_text::text(&json!({"messages": messages})).unwrap(); 300];
    "as it was asked".clone_into(&mut expected[0]);
    assert_eq!((texts, expected[1].as_str()), (expected.iter().map(String::as_str).collect(), "Where?"));
}
