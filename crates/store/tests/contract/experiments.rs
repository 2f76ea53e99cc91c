//! Experiments as people handle them: found, labeled, pinned, deleted and restored.

use keepstep_results::gate::{Gate, GateState};
use keepstep_results::provenance::Provenance;
use keepstep_results::verdict::Verdict;
use keepstep_store::results::{
    Begun, CheckedGate, Experiment, ExperimentFilter, ExperimentGate, ExperimentLabels, ExperimentOrder, NewArtifact, NewCommit,
    NewVerdict, RESTORABLE, RunFilter, RunRecord, Status, Upload, criterion_key,
};
use keepstep_store::test_data::Bundle;
use keepstep_store::{Scope, StoreError};
use serde_json::{Map, Value, json};

use crate::world::{START, World};

const ALL: ExperimentFilter<'static> = ExperimentFilter {
    scenario: None,
    agent: None,
    persona: None,
    branch: None,
    author: None,
    tag: None,
    status: None,
    text: None,
    is_pinned: false,
    before: None,
    order: ExperimentOrder::Newest,
    offset: 0,
    limit: 1000,
};

/// A project with a published bundle version of a scenario.
async fn shop(world: &World, name: &str) -> Bundle {
    let file = json!({"scenario": {"name": name}, "inputs": [{"id": format!("{name}-1"), "text": "Where is my order?"}]});
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "Shop").await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &serde_json::from_value(file).unwrap()).await.unwrap();
    transaction.commit().await.unwrap();
    bundle
}

fn run(id: &str, status: Status) -> RunRecord {
    RunRecord::new(id, status)
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("an object") };
    members
}

/// Uploads an experiment and returns its id.
async fn upload(world: &World, bundle: &Bundle, name: &str, details: Value, runs: &[RunRecord]) -> String {
    let details = object(details);
    let upload = Upload {
        bundle: &bundle.id,
        experiment_id: Some(name),
        is_over: true,
        started_at: None,
        completed_at: None,
        details: &details,
        runs,
        turns: &[],
    };
    let mut transaction = world.store.write().await.unwrap();
    let recorded = transaction.record_upload(&world.scope, &upload).await.unwrap();
    transaction.commit().await.unwrap();
    recorded.batch_id
}

async fn names(world: &World, project: &str, filter: ExperimentFilter<'_>) -> Vec<String> {
    let found = world.store.experiments(&world.scope, project, &filter).await.unwrap();
    if filter.offset == 0 && filter.limit == ALL.limit {
        assert_eq!(world.store.count_experiments(&world.scope, project, &filter).await.unwrap(), found.len() as u64);
    }
    found.iter().map(|experiment| experiment.name().to_owned()).collect()
}

async fn label(world: &World, id: &str, name: Option<&str>, tags: &[&str], note: &str) {
    let mut transaction = world.store.write().await.unwrap();
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let labels = ExperimentLabels { name: name.map(str::to_owned), note: note.to_owned(), tags };
    let base = world.store.experiment(&world.scope, id).await.unwrap().labels.digest();
    assert_eq!(transaction.label_experiment(&world.scope, id, &labels, &base, "Ada").await.unwrap(), None);
    transaction.commit().await.unwrap();
}

pub(crate) async fn experiments_are_found_by_what_they_are(world: World) {
    let orders = shop(&world, "orders").await;
    let project = orders.project_id.as_str();
    let file = json!({"scenario": {"name": "refunds"}, "inputs": [{"id": "r-1", "text": "Money back"}]});
    let mut transaction = world.store.write().await.unwrap();
    let refunds = transaction.import(&world.scope, project, &serde_json::from_value(file).unwrap()).await.unwrap();
    transaction.commit().await.unwrap();

    let (good, bad) = (Status::Passed, Status::Failed);
    let tested = [
        json!({"agent": "shop", "persona_version": 3, "git_branch": "main", "git_author": "Ada"}),
        json!({"agent": "shop", "persona_version": 3, "persona_modified": true, "git_branch": "draft_100%", "git_author": "Bob"}),
        json!({"agent": 7, "agent_revision": 4, "git_branch": {"a": 1}, "persona_modified": "yes"}),
        json!({"persona_digest": "0123456789abcdef", "persona_modified": false}),
    ];
    upload(&world, &orders, "one", tested[0].clone(), &[run("1", good), run("2", good), run("3", bad)]).await;
    let two = upload(&world, &orders, "two", tested[1].clone(), &[run("4", bad), run("5", Status::Error)]).await;
    let three = upload(&world, &refunds, "three", tested[2].clone(), &[run("6", good)]).await;
    upload(&world, &orders, "four", tested[3].clone(), &[run("7", Status::Running)]).await;
    label(&world, &two, None, &["slow", "100%"], "").await;
    label(&world, &three, Some("Before the release"), &[], "what Bob asked").await;

    let found = async |filter| names(&world, project, filter).await;
    let named = async |words: &[&str]| {
        let named = world.store.find_experiments(&world.scope, words, 10).await.unwrap();
        named.into_iter().map(|found| found.name).collect::<Vec<_>>()
    };
    assert_eq!(named(&["before THE"]).await, ["Before the release"]);
    assert!(named(&["Bob"]).await.is_empty(), "that is a note");
    assert!(named(&["three"]).await.is_empty(), "it has another name");
    assert_eq!(named(&["RELEASE", "shop"]).await, ["Before the release"], "the project is called so");
    let elsewhere = Scope::of(&world.scope.org_id, Some("project_of_others".to_owned()));
    assert!(world.store.find_experiments(&elsewhere, &[], 10).await.unwrap().is_empty());
    let scenarios = world.store.find_scenarios(&world.scope, &["re_unds"], 10).await.unwrap();
    assert!(scenarios.is_empty(), "a mark of patterns is a letter");
    let scenarios = world.store.find_scenarios(&world.scope, &["REFUNDS"], 10).await.unwrap();
    assert_eq!(
        scenarios.iter().map(|found| (found.name.as_str(), found.project_id.as_str())).collect::<Vec<_>>(),
        [("refunds", project)]
    );
    assert_eq!(found(ExperimentFilter { before: Some(&two), ..ALL }).await, ["one"]);
    assert_eq!(found(ExperimentFilter { before: Some(&three), limit: 1, ..ALL }).await, ["two"]);
    assert_eq!(found(ALL).await, ["four", "Before the release", "two", "one"]);
    assert_eq!(
        found(ExperimentFilter { order: ExperimentOrder::Oldest, limit: 2, offset: 1, ..ALL }).await,
        ["two", "Before the release"]
    );
    let worst = ["two", "four", "one", "Before the release"];
    assert_eq!(found(ExperimentFilter { order: ExperimentOrder::LowestRate, ..ALL }).await, worst);
    assert_eq!(
        found(ExperimentFilter { order: ExperimentOrder::HighestRate, limit: 2, ..ALL }).await,
        ["Before the release", "one"]
    );
    assert_eq!(found(ExperimentFilter { order: ExperimentOrder::MostCases, limit: 2, ..ALL }).await, ["one", "two"]);
    assert_eq!(found(ExperimentFilter { scenario: Some(&refunds.scenario_id), ..ALL }).await, ["Before the release"]);
    assert_eq!(found(ExperimentFilter { agent: Some("shop"), ..ALL }).await, ["two", "one"]);
    assert_eq!(found(ExperimentFilter { persona: Some("v3"), ..ALL }).await, ["one"]);
    assert_eq!(found(ExperimentFilter { branch: Some("draft_100%"), ..ALL }).await, ["two"]);
    assert_eq!(found(ExperimentFilter { author: Some("Ada"), agent: Some("shop"), ..ALL }).await, ["one"]);
    assert_eq!(found(ExperimentFilter { tag: Some("slow"), ..ALL }).await, ["two"]);
    assert_eq!(found(ExperimentFilter { text: Some("release"), ..ALL }).await, ["Before the release"]);
    assert_eq!(found(ExperimentFilter { text: Some("BOB ASKED"), ..ALL }).await, ["Before the release"]);
    assert!(found(ExperimentFilter { text: Some("t_o"), ..ALL }).await.is_empty());

    // What one can choose is what is read.
    let choices = world.store.experiment_choices(&world.scope, project).await.unwrap();
    assert_eq!(choices.tags, ["100%", "slow"]);
    assert_eq!(choices.authors, ["Ada", "Bob"]);
    let mut personas: Vec<String> =
        tested.iter().filter_map(|details| Provenance::of(&object(details.clone())).persona()).collect();
    personas.sort();
    personas.dedup();
    assert_eq!(choices.personas, personas);
    assert!(choices.agents.contains(&"shop".to_owned()) && choices.branches.contains(&"draft_100%".to_owned()), "{choices:?}");

    let other = Scope::of(&world.scope.org_id, Some("project_x".to_owned()));
    assert!(matches!(world.store.experiments(&other, project, &ALL).await, Err(StoreError::ProjectNotFound(_))));
    assert!(matches!(world.store.experiment(&other, &two).await, Err(StoreError::BatchNotFound(_))));
}

pub(crate) async fn what_people_add_stays_beside_what_was_uploaded(world: World) {
    let bundle = shop(&world, "orders").await;
    let id = upload(&world, &bundle, "one", json!({"agent": "shop"}), &[run("1", Status::Passed)]).await;
    let uploaded = world.store.run_batch(&world.scope, &id).await.unwrap();
    label(&world, &id, Some("Mine"), &["b", "a"], "a\nnote").await;
    let mut transaction = world.store.write().await.unwrap();
    transaction.pin_experiment(&world.scope, &id, true, "Ada").await.unwrap();
    transaction.commit().await.unwrap();
    let read = async || world.store.experiment(&world.scope, &id).await.unwrap();
    let Experiment { batch, labels, pinned_at, scenario_name, .. } = read().await;
    assert_eq!((batch, scenario_name.as_str(), pinned_at), (uploaded, "orders", Some(START)));
    assert_eq!(
        (labels.name.as_deref(), labels.tags, labels.note.as_str()),
        (Some("Mine"), vec!["a".to_owned(), "b".to_owned()], "a\nnote")
    );
    let pinned = ExperimentFilter { is_pinned: true, ..ALL };
    assert_eq!(names(&world, &bundle.project_id, pinned).await, ["Mine"]);

    // The next upload of the same changes nothing of it, and labels leave the pin.
    upload(&world, &bundle, "one", json!({"agent": "shop"}), &[run("1", Status::Passed), run("2", Status::Passed)]).await;
    label(&world, &id, None, &["c"], "").await;
    let Experiment { labels, pinned_at, .. } = read().await;
    assert_eq!((labels.name, labels.tags, pinned_at), (None, vec!["c".to_owned()], Some(START)));
    let mut transaction = world.store.write().await.unwrap();
    transaction.pin_experiment(&world.scope, &id, false, "Ada").await.unwrap();
    transaction.commit().await.unwrap();
    assert!(names(&world, &bundle.project_id, pinned).await.is_empty());

    // Who saw other labels than those that are there sets none, unless they are what is wanted.
    let there = read().await.labels;
    let stale = ExperimentLabels { note: "another".to_owned(), ..there.clone() };
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(
        transaction.label_experiment(&world.scope, &id, &stale, &stale.digest(), "Bob").await.unwrap(),
        Some(there.clone())
    );
    assert_eq!(transaction.label_experiment(&world.scope, &id, &there, "", "Bob").await.unwrap(), None);
    transaction.commit().await.unwrap();
    assert_eq!(read().await.labels, there);

    let other = Scope::of(&world.scope.org_id, Some("project_x".to_owned()));
    let mut transaction = world.store.write().await.unwrap();
    let labels = ExperimentLabels::default();
    assert!(matches!(transaction.label_experiment(&other, &id, &labels, "", "x").await, Err(StoreError::BatchNotFound(_))));
    assert!(matches!(transaction.pin_experiment(&other, &id, true, "x").await, Err(StoreError::BatchNotFound(_))));
    assert!(matches!(transaction.delete_experiment(&other, &id, "x").await, Err(StoreError::BatchNotFound(_))));
    assert!(matches!(transaction.restore_experiment(&other, &id).await, Err(StoreError::BatchNotFound(_))));
}

async fn delete(world: &World, id: &str) {
    let mut transaction = world.store.write().await.unwrap();
    transaction.delete_experiment(&world.scope, id, "Ada").await.unwrap();
    transaction.commit().await.unwrap();
}

async fn restore(world: &World, id: &str) -> Result<(), StoreError> {
    let mut transaction = world.store.write().await.unwrap();
    transaction.restore_experiment(&world.scope, id).await?;
    transaction.commit().await
}

pub(crate) async fn a_deleted_experiment_is_not_there_and_can_be_restored_for_a_day(world: World) {
    let bundle = shop(&world, "orders").await;
    let project = bundle.project_id.as_str();
    let runs = [run("1", Status::Passed), RunRecord { input_item_id: Some("orders-1".to_owned()), ..run("2", Status::Failed) }];
    let id = upload(&world, &bundle, "one", json!({}), &runs).await;
    let file = NewArtifact {
        run_id: Some("2".to_owned()),
        artifact_type: "summary".to_owned(),
        name: "a.json".to_owned(),
        content_type: "application/json".to_owned(),
        blob_id: "blob_1".to_owned(),
    };
    let mut transaction = world.store.write().await.unwrap();
    transaction.attach_artifacts(&world.scope, &id, &[file]).await.unwrap();
    transaction.commit().await.unwrap();
    label(&world, &id, Some("Mine"), &["t"], "").await;
    let whole = world.store.run(&world.scope, &id, "2").await.unwrap();

    delete(&world, &id).await;
    assert!(names(&world, project, ALL).await.is_empty());
    assert!(matches!(world.store.experiment(&world.scope, &id).await, Err(StoreError::BatchNotFound(_))));
    assert!(matches!(world.store.run(&world.scope, &id, "2").await, Err(StoreError::BatchNotFound(_))));
    assert!(world.store.input_history(&world.scope, project, "orders-1", 10).await.unwrap().is_empty());
    assert!(world.store.experiment_choices(&world.scope, project).await.unwrap().tags.is_empty());
    let deleted = world.store.deleted_experiments(&world.scope, project).await.unwrap();
    assert_eq!((deleted[0].experiment.name(), deleted[0].deleted_by.as_str(), deleted[0].deleted_at), ("Mine", "Ada", START));
    world.store.collect(&world.objects()).await.unwrap();

    world.set_clock(START + RESTORABLE - 1);
    world.store.collect(&world.objects()).await.unwrap();
    restore(&world, &id).await.unwrap();
    assert_eq!(world.store.run(&world.scope, &id, "2").await.unwrap(), whole);
    assert_eq!(names(&world, project, ALL).await, ["Mine"]);
    assert!(matches!(restore(&world, &id).await, Err(StoreError::BatchNotFound(_))), "it is there");

    delete(&world, &id).await;
    world.set_clock(START + 2 * RESTORABLE);
    assert!(world.store.deleted_experiments(&world.scope, project).await.unwrap().is_empty());
    assert!(matches!(restore(&world, &id).await, Err(StoreError::BatchNotFound(_))), "too late");
    world.store.collect(&world.objects()).await.unwrap();
    let tables = [
        "stored_batches",
        "stored_runs",
        "stored_artifacts",
        "run_results",
        "hidden_batches",
        "experiment_labels",
        "experiment_tags",
    ];
    assert_eq!(world.rows(&tables).await, [0; 7]);
}

/// Nothing that is uploaded is lost, also where the same was deleted before.
pub(crate) async fn what_is_uploaded_again_is_restored(world: World) {
    let bundle = shop(&world, "orders").await;
    let project = bundle.project_id.as_str();
    let runs = [run("1", Status::Passed), run("2", Status::Failed)];
    let id = upload(&world, &bundle, "one", json!({}), &runs).await;
    delete(&world, &id).await;
    assert_eq!(upload(&world, &bundle, "one", json!({}), &runs).await, id);
    assert_eq!(names(&world, project, ALL).await, ["one"]);

    // By our own protocol: the same commit again, and another one that has one of the runs.
    let commit = async |digest: &str, name: &str, runs: &[RunRecord]| {
        let details = Map::new();
        let new = NewCommit {
            project,
            bundle: &bundle.id,
            experiment_id: name,
            digest,
            source: "runs.jsonl",
            started_at: None,
            completed_at: None,
            details: &details,
        };
        let mut transaction = world.store.write().await.unwrap();
        let committed = match transaction.begin_commit(&world.scope, &new).await.unwrap() {
            Begun::Repeated(committed) => committed,
            Begun::New(mut commit) => {
                transaction.commit_runs(&mut commit, runs).await.unwrap();
                transaction.finish_commit(commit).await.unwrap()
            }
        };
        transaction.commit().await.unwrap();
        committed
    };
    let more = [run("3", Status::Passed), run("4", Status::Passed)];
    let first = commit("a", "two", &more).await;
    delete(&world, &first.batch_id).await;
    let again = commit("a", "two", &more).await;
    assert_eq!((again.repeated, &again.batch_id), (true, &first.batch_id));
    delete(&world, &first.batch_id).await;
    let changed = commit("b", "two", &[run("3", Status::Failed), run("4", Status::Passed)]).await;
    assert_eq!((changed.batch_id, changed.failed), (first.batch_id, 1));
    assert_eq!(names(&world, project, ALL).await, ["two", "one"]);
}

fn judged(id: &str, status: Status, verdict: &str, duration: f64) -> RunRecord {
    RunRecord {
        metrics: object(json!({"duration_ms": duration, "total_tokens": 5, "cost_usd": 0.5})),
        evaluation: object(json!({"verdict": if status == Status::Passed { "pass" } else { "fail" }, "criteria": [
            {"pack": "House", "name": "polite", "kind": "contains", "verdict": verdict, "expected": "e", "found": "why", "required": true,
             "weight": 1.0},
        ]})),
        ..run(id, status)
    }
}

/// Counts what has ended, and returns how many experiments that were.
async fn count(world: &World, project: &str) -> usize {
    let uncounted = world.store.uncounted_experiments(project, 10).await.unwrap();
    for one in &uncounted {
        let counted = world.store.count_cases(*one).await.unwrap();
        let mut transaction = world.store.write().await.unwrap();
        transaction.keep_counted(&counted).await.unwrap();
        transaction.commit().await.unwrap();
    }
    uncounted.len()
}

pub(crate) async fn an_experiment_is_counted_when_it_has_ended_and_again_when_something_comes(world: World) {
    let bundle = shop(&world, "orders").await;
    let project = bundle.project_id.as_str();
    let mut runs = vec![judged("1", Status::Passed, "passed", 10.0), judged("2", Status::Failed, "failed", 30.0)];
    let id = upload(&world, &bundle, "one", json!({}), &runs).await;
    let compared = async || world.store.compared_cases(&world.scope, &id).await.unwrap();
    let read = compared().await;
    assert_eq!((count(&world, project).await, count(&world, project).await), (1, 0));
    // What is compared is kept, and is what was read: what becomes of the rows behind its back is not seen.
    world.alter("UPDATE stored_runs SET status = 'skipped'").await;
    assert_eq!((world.rows(&["kept_cases"]).await, compared().await), (vec![1], read));
    world.alter("UPDATE stored_runs SET status = CASE id WHEN '1' THEN 'completed' ELSE 'failed' END").await;
    let figures = world.store.experiment(&world.scope, &id).await.unwrap().figures;
    assert_eq!(
        (figures.median_ms, figures.p95_ms, figures.tokens, figures.cost_usd),
        (Some(10.0), Some(30.0), Some(10.0), Some(1.0))
    );
    let missed = async || {
        let filter = RunFilter { criterion: Some((0, Verdict::Failed)), limit: 10, ..RunFilter::default() };
        let found = world.store.runs(&world.scope, &id, &filter).await.unwrap();
        found.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(missed().await, ["2"]);

    // What is counted while something comes is not kept.
    runs.push(judged("3", Status::Failed, "failed", 20.0));
    upload(&world, &bundle, "one", json!({}), &runs[..2]).await;
    let uncounted = world.store.uncounted_experiments(project, 10).await.unwrap();
    let stale = world.store.count_cases(uncounted[0]).await.unwrap();
    // In the same millisecond.
    upload(&world, &bundle, "one", json!({}), &runs).await;
    let read = compared().await;
    assert_eq!(read.runs.len(), 3, "what was kept of two is not what there is");
    let mut transaction = world.store.write().await.unwrap();
    transaction.keep_counted(&stale).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(count(&world, project).await, 1);
    assert_eq!(compared().await, read);
    assert_eq!(missed().await, ["2", "3"]);
    // How each input ended is kept with it, and leads to a case.
    let outcomes = world.store.outcomes(&world.scope, project, &[&id, "batch_x"]).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    let shown: Vec<i64> = outcomes[&id].iter().map(|outcome| outcome.case).collect();
    let cases = world.store.shown_cases(&world.scope, project, &shown).await.unwrap();
    assert!(cases.values().all(|case| case.batch_id == id));
    let mut ends: Vec<_> =
        outcomes[&id].iter().map(|outcome| (cases[&outcome.case].run_id.as_str(), outcome.passed, outcome.of)).collect();
    ends.sort_unstable();
    assert_eq!(ends, [("1", 1, 1), ("2", 0, 1), ("3", 0, 1)]);
    let other = Scope::of(&world.scope.org_id, Some("project_x".to_owned()));
    assert!(matches!(world.store.outcomes(&other, project, &[&id]).await, Err(StoreError::ProjectNotFound(_))));
    assert!(matches!(world.store.shown_cases(&other, project, &shown).await, Err(StoreError::ProjectNotFound(_))));
    let tally = world.store.criteria_of(&world.scope, &id).await.unwrap().remove(0);
    assert_eq!((tally.name.as_str(), tally.passed, tally.failed), ("polite", 1, 2));
    // The whole comes out as it went in, for a file.
    let records = world.store.run_records(&world.scope, &id, i64::MIN, 10).await.unwrap();
    assert_eq!(records.into_iter().map(|(_, record)| record).collect::<Vec<_>>(), runs);
    // The cases of one that goes on are not counted.
    upload(&world, &bundle, "two", json!({}), &[run("4", Status::Running)]).await;
    let _ = count(&world, project).await;
    assert_eq!(world.store.uncounted_experiments(project, 10).await.unwrap(), []);
}

pub(crate) async fn what_people_say_is_kept_by_person_and_criterion(world: World) {
    let bundle = shop(&world, "orders").await;
    let runs = [judged("1", Status::Passed, "passed", 1.0), judged("2", Status::Failed, "failed", 1.0)];
    let id = upload(&world, &bundle, "one", json!({}), &runs).await;
    let key = criterion_key("House", "polite");
    let say = async |run: &str, criterion: &str, user_id: &str, is_right: Option<bool>| {
        let mut transaction = world.store.write().await.unwrap();
        let new = NewVerdict { criterion, user_id, user_name: "Ada", is_right, comment: "why" };
        transaction.say_verdict(&world.scope, &id, run, &new).await?;
        transaction.commit().await
    };
    for (run, criterion, user, is_right) in [
        ("1", "", "ada", true),
        ("1", "", "bob", false),
        ("2", "", "ada", true),
        ("2", key.as_str(), "ada", false),
        ("1", key.as_str(), "ada", true),
        ("1", "unknown", "ada", true),
    ] {
        say(run, criterion, user, Some(is_right)).await.unwrap();
    }
    say("2", "", "ada", Some(false)).await.unwrap();
    let agreement = world.store.agreement(&world.scope, &id).await.unwrap();
    assert_eq!(agreement.keys().collect::<Vec<_>>(), [&String::new(), &key]);
    assert_eq!((agreement[""].same(), agreement[""].only_judge, agreement[&key].kappa()), (2, 1, Some(1.0)));
    let number = world.store.run(&world.scope, &id, "1").await.unwrap().run.number;
    assert_eq!(world.store.human_verdicts(&world.scope, &id, number).await.unwrap().len(), 4);
    say("1", "", "bob", None).await.unwrap();
    assert_eq!(world.store.human_verdicts(&world.scope, &id, number).await.unwrap().len(), 3);
    assert!(matches!(say("9", "", "ada", Some(true)).await, Err(StoreError::RunNotFound { .. })));

    // Until somebody has opened it, it waits; and what other projects have waits for others.
    let waiting = world.store.waiting_experiments(&world.scope, START - 1).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].bad, waiting[0].to_label, waiting[0].is_unseen), (1, 1, 0, true));
    let other = Scope::of(&world.scope.org_id, Some("project_x".to_owned()));
    assert!(world.store.waiting_experiments(&other, START - 1).await.unwrap().is_empty());
    assert!(world.store.waiting_experiments(&world.scope, START).await.unwrap().is_empty(), "too old");
    let mut transaction = world.store.write().await.unwrap();
    transaction.see_experiment(&world.scope, &id, "Ada").await.unwrap();
    transaction.see_experiment(&world.scope, &id, "Bob").await.unwrap();
    transaction.commit().await.unwrap();
    assert!(world.store.is_seen(&world.scope, &id).await.unwrap());
    assert!(world.store.waiting_experiments(&world.scope, START - 1).await.unwrap().is_empty());
    // All of it goes with the experiment.
    assert_eq!(count(&world, &bundle.project_id).await, 1);
    assert_eq!(world.rows(&["kept_cases"]).await, [1]);
    delete(&world, &id).await;
    world.set_clock(START + 2 * RESTORABLE);
    world.store.collect(&world.objects()).await.unwrap();
    assert_eq!(
        world
            .rows(&["human_verdicts", "seen_experiments", "batch_criteria", "criterion_misses", "kept_cases", "stored_runs"])
            .await,
        [0; 6]
    );
}

pub(crate) async fn a_link_shows_one_experiment_until_it_ends(world: World) {
    let bundle = shop(&world, "orders").await;
    let id = upload(&world, &bundle, "one", json!({}), &[run("1", Status::Passed)]).await;
    let mut transaction = world.store.write().await.unwrap();
    let link = transaction.create_share(&world.scope, &id, "Ada", START + 10).await.unwrap();
    let other = Scope::of(&world.scope.org_id, Some("project_x".to_owned()));
    assert!(matches!(transaction.create_share(&other, &id, "Ada", START + 10).await, Err(StoreError::BatchNotFound(_))));
    transaction.commit().await.unwrap();
    let opened = async || world.store.shared_experiment(link.reveal()).await.unwrap().map(|shared| shared.batch_id);
    assert_eq!(opened().await.as_ref(), Some(&id));
    assert!(world.store.shared_experiment("ks_link_x").await.unwrap().is_none());
    let scope = world.store.shared_experiment(link.reveal()).await.unwrap().unwrap().scope;
    assert_eq!(scope.only_project(), Some(bundle.project_id.as_str()));
    delete(&world, &id).await;
    assert_eq!(opened().await, None);
    restore(&world, &id).await.unwrap();
    world.set_clock(START + 10);
    assert_eq!((opened().await, world.store.shares(&world.scope, &id).await.unwrap().len()), (None, 0));
    world.set_clock(START);
    let share = world.store.shares(&world.scope, &id).await.unwrap().remove(0);
    let mut transaction = world.store.write().await.unwrap();
    transaction.revoke_share(&world.scope, &id, &share.id).await.unwrap();
    assert!(matches!(transaction.revoke_share(&world.scope, &id, "share_x").await, Err(StoreError::LinkUnknown)));
    transaction.commit().await.unwrap();
    assert_eq!(opened().await, None);
}

async fn set_gate(world: &World, scenario: &str, min_pass_rate: u8) -> Gate {
    let gate = Gate { min_pass_rate: Some(min_pass_rate), no_new_failures: false };
    let mut transaction = world.store.write().await.unwrap();
    transaction.set_gate(&world.scope, scenario, Some(&gate), "Ada").await.unwrap();
    transaction.commit().await.unwrap();
    gate
}

/// Counts the experiments of a project, and keeps this as what their gates say. Returns the gates.
async fn answer(world: &World, project: &str, state: GateState, reason: &str) -> Vec<Gate> {
    let mut gates = Vec::new();
    for uncounted in world.store.uncounted_experiments(project, 10).await.unwrap() {
        let counted = world.store.count_cases(uncounted).await.unwrap();
        let asked = world.store.gate_to_check(uncounted).await.unwrap();
        let mut transaction = world.store.write().await.unwrap();
        assert!(transaction.keep_counted(&counted).await.unwrap());
        if let Some(asked) = asked {
            assert_eq!((asked.org_id.as_str(), asked.project_id.as_str()), (world.scope.org_id.as_str(), project));
            let checked = CheckedGate { state, reason, baseline: Some("batch_1"), first_run: Some("run_1") };
            transaction.keep_gate(uncounted, &checked).await.unwrap();
            gates.push(asked.gate);
        }
        transaction.commit().await.unwrap();
    }
    gates
}

pub(crate) async fn a_gate_is_copied_when_an_experiment_ends(world: World) {
    let orders = shop(&world, "orders").await;
    let project = orders.project_id.as_str();
    let gate_of = async |id: &str| world.store.experiment(&world.scope, id).await.unwrap().gate;
    let before = upload(&world, &orders, "before", json!({}), &[run("1", Status::Failed)]).await;
    world.set_clock(START + 1000);
    let strict = set_gate(&world, &orders.scenario_id, 90).await;
    let again = upload(&world, &orders, "before", json!({}), &[run("1", Status::Failed)]).await;
    assert_eq!((again == before, gate_of(&before).await), (true, None), "it had ended before there was a gate");
    assert_eq!(answer(&world, project, GateState::Failed, "").await, []);

    let runs = [run("2", Status::Passed), run("3", Status::Failed)];
    let one = upload(&world, &orders, "one", json!({}), &runs).await;
    let mut wanted =
        ExperimentGate { gate: strict, state: None, reason: String::new(), baseline: None, first_run: None, seen_by: None };
    assert_eq!(gate_of(&one).await.as_ref(), Some(&wanted), "it is to be checked");
    let mild = set_gate(&world, &orders.scenario_id, 10).await;
    assert_eq!(answer(&world, project, GateState::Failed, "50 % passed, 90 % required").await, [strict], "the gate of then");
    wanted.state = Some(GateState::Failed);
    wanted.reason = "50 % passed, 90 % required".to_owned();
    wanted.baseline = Some("batch_1".to_owned());
    wanted.first_run = Some("run_1".to_owned());
    assert_eq!(gate_of(&one).await.as_ref(), Some(&wanted));
    // What comes later is checked by the same gate; until then the answer stays.
    upload(&world, &orders, "one", json!({}), &runs).await;
    assert_eq!(gate_of(&one).await.as_ref(), Some(&wanted));
    assert_eq!(answer(&world, project, GateState::Failed, "50 % passed, 90 % required").await, [strict]);

    let new = NewCommit {
        project,
        bundle: &orders.id,
        experiment_id: "committed",
        digest: "d",
        source: "s",
        started_at: None,
        completed_at: None,
        details: &Map::new(),
    };
    let mut transaction = world.store.write().await.unwrap();
    let Begun::New(mut commit) = transaction.begin_commit(&world.scope, &new).await.unwrap() else { panic!("it is new") };
    transaction.commit_runs(&mut commit, &[run("4", Status::Passed)]).await.unwrap();
    let committed = transaction.finish_commit(commit).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(gate_of(&committed.batch_id).await.unwrap().gate, mild);
    let silent = upload_begun(&world, &orders, "silent").await;
    assert_eq!(gate_of(&silent).await, None, "it goes on");
    world.set_clock(START + 2000);
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(transaction.abandon_runs(START + 2000).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    assert_eq!(gate_of(&silent).await.unwrap().gate, mild);
}

/// Announces an experiment that goes on, and returns its id.
async fn upload_begun(world: &World, bundle: &Bundle, name: &str) -> String {
    let upload = Upload {
        bundle: &bundle.id,
        experiment_id: Some(name),
        is_over: false,
        started_at: None,
        completed_at: None,
        details: &Map::new(),
        runs: &[run("begun", Status::Running)],
        turns: &[],
    };
    let mut transaction = world.store.write().await.unwrap();
    let recorded = transaction.record_upload(&world.scope, &upload).await.unwrap();
    transaction.commit().await.unwrap();
    recorded.batch_id
}

pub(crate) async fn a_failed_gate_waits_until_it_passes_or_is_seen(world: World) {
    let orders = shop(&world, "orders").await;
    let project = orders.project_id.as_str();
    set_gate(&world, &orders.scenario_id, 90).await;
    let mut ids = 0;
    let mut tested = async |name: &str, branch: &str, state: GateState| {
        ids += 1;
        let details = if branch.is_empty() { json!({}) } else { json!({"git_branch": branch}) };
        let id = upload(&world, &orders, name, details, &[run(&ids.to_string(), Status::Passed)]).await;
        answer(&world, project, state, "why").await;
        id
    };
    let waiting = async || {
        let failed = world.store.failed_gates(&world.scope, START - 1).await.unwrap();
        failed.into_iter().map(|failed| failed.name).collect::<Vec<_>>()
    };
    let one = tested("one", "main", GateState::Failed).await;
    let found = world.store.failed_gates(&world.scope, START - 1).await.unwrap().remove(0);
    assert_eq!((found.id.as_str(), found.project_id.as_str(), found.scenario_name.as_str()), (one.as_str(), project, "orders"));
    assert_eq!((found.branch.as_deref(), found.first_run.as_deref()), (Some("main"), Some("run_1")));
    assert_eq!((found.reason.as_str(), found.created_at), ("why", START));
    assert!(world.store.failed_gates(&world.scope, START).await.unwrap().is_empty(), "it is older");
    let elsewhere = Scope::of(&world.scope.org_id, Some("project_elsewhere".to_owned()));
    assert!(world.store.failed_gates(&elsewhere, 0).await.unwrap().is_empty());

    tested("undecided", "main", GateState::Undecided).await;
    assert_eq!(waiting().await, ["one"], "nobody knows better");
    tested("topic", "topic", GateState::Failed).await;
    tested("no branch", "", GateState::Failed).await;
    tested("newer", "topic", GateState::Failed).await;
    assert_eq!(waiting().await, ["one", "no branch", "newer"], "the newest of each branch");
    tested("good", "main", GateState::Passed).await;
    tested("good, too", "", GateState::Passed).await;
    assert_eq!(waiting().await, ["newer"]);
    let last = tested("last", "topic", GateState::Failed).await;
    let see = async |id: &str| {
        let mut transaction = world.store.write().await.unwrap();
        transaction.see_gate(&world.scope, id, "Ada").await.unwrap();
        transaction.commit().await.unwrap();
    };
    see(&last).await;
    assert!(waiting().await.is_empty(), "an older one of the branch does not come back");
    let seen_by = async || world.store.experiment(&world.scope, &last).await.unwrap().gate.unwrap().seen_by;
    assert_eq!(seen_by().await.as_deref(), Some("Ada"));

    // What came later and is as bad stays seen; what was good meanwhile does not.
    let again = async |state| {
        let name = ids.to_string();
        upload(&world, &orders, "last", json!({}), &[run(&name, Status::Passed)]).await;
        answer(&world, project, state, "why").await;
    };
    again(GateState::Failed).await;
    assert_eq!(seen_by().await.as_deref(), Some("Ada"));
    again(GateState::Passed).await;
    see(&last).await;
    assert_eq!(seen_by().await, None, "nothing is to be seen");
    again(GateState::Failed).await;
    assert_eq!(waiting().await, ["last"]);
    let mut transaction = world.store.write().await.unwrap();
    assert!(matches!(transaction.see_gate(&elsewhere, &last, "Bob").await, Err(StoreError::BatchNotFound(_))));
}
