//! Results against a model: whatever a client sends, however often and in whatever order, each experiment is one batch,
//! no run and no turn is lost, and the counts are those of the runs.

use std::collections::{BTreeMap, BTreeSet};

use keepstep_base::role::Role;
use keepstep_store::Transaction;
use keepstep_store::results::{BatchFilter, Begun, Counts, NOT_REPORTED, NewCommit, RunFilter, RunRecord, Status, Turn, Upload};
use keepstep_store::test_data::Bundle;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, json};

use crate::world::World;

/// A test as a client knows it.
#[derive(Debug, Clone)]
struct Experiment {
    /// 0.4.0 gives no name, and announces nothing.
    has_name: bool,
    /// 0.3.3 reports conversations under other ids than those that it announced.
    has_other_ids: bool,
    /// What became of the run of each input; what is not reported broke.
    ends: Vec<Option<Status>>,
}

/// The most inputs of an experiment.
const MOST_INPUTS: usize = 3;

/// Something that a client sends: about which experiment, and what.
#[derive(Debug, Clone)]
struct Event {
    experiment: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Announce,
    Report,
    Commit,
    /// A commit that dies before so many of its runs are there.
    HalfCommit(usize),
    Turn(usize, usize),
}

fn experiment() -> impl Strategy<Value = Experiment> {
    let end = prop_oneof![
        1 => Just(None),
        3 => Just(Some(Status::Passed)),
        1 => Just(Some(Status::Failed)),
        1 => Just(Some(Status::Timeout)),
    ];
    (any::<bool>(), any::<bool>(), prop::collection::vec(end, 1..=MOST_INPUTS)).prop_map(|(has_name, has_other_ids, mut ends)| {
        if !has_name && ends.iter().all(Option::is_none) {
            // Nothing without a name is nothing at all: there is no way to tell two of them apart.
            ends[0] = Some(Status::Failed);
        }
        Experiment { has_name, has_other_ids: has_name && has_other_ids, ends }
    })
}

fn event() -> impl Strategy<Value = Event> {
    let kind = prop_oneof![
        2 => Just(Kind::Announce),
        2 => Just(Kind::Report),
        1 => Just(Kind::Commit),
        2 => (0..=MOST_INPUTS).prop_map(Kind::HalfCommit),
        3 => (0..3_usize, 0..3_usize).prop_map(|(run, turn)| Kind::Turn(run, turn)),
    ];
    (0..2_usize, kind).prop_map(|(experiment, kind)| Event { experiment, kind })
}

/// What the model knows of an experiment.
#[derive(Debug, Clone, Default)]
struct Known {
    is_announced: bool,
    is_over: bool,
    turns: BTreeMap<String, BTreeSet<String>>,
}

impl Experiment {
    fn announced(&self, number: usize) -> Vec<RunRecord> {
        let run = |input| run(format!("e{number}-r{input}"), input, Status::Running);
        (0..self.ends.len()).map(run).collect()
    }

    fn reported_id(&self, number: usize, input: usize) -> String {
        if self.has_other_ids && self.ends[input].is_some() {
            format!("e{number}-n{input}")
        } else {
            format!("e{number}-r{input}")
        }
    }

    fn reported(&self, number: usize) -> Vec<RunRecord> {
        let run = |(input, end): (usize, &Option<Status>)| Some(run(self.reported_id(number, input), input, (*end)?));
        self.ends.iter().enumerate().filter_map(run).collect()
    }

    /// What there should be: each run with its status and error.
    fn expected(&self, number: usize, known: &Known) -> BTreeMap<String, (Status, Option<String>)> {
        let mut expected = BTreeMap::new();
        for (input, end) in self.ends.iter().enumerate() {
            match end {
                Some(end) if known.is_over => {
                    expected.insert(self.reported_id(number, input), (*end, None));
                }
                _ if !known.is_announced => {}
                _ if known.is_over => {
                    expected.insert(format!("e{number}-r{input}"), (Status::Failed, Some(NOT_REPORTED.to_owned())));
                }
                _ => {
                    expected.insert(format!("e{number}-r{input}"), (Status::Running, None));
                }
            }
        }
        expected
    }
}

fn run(id: String, input: usize, status: Status) -> RunRecord {
    RunRecord { input_item_id: Some(format!("item-{input}")), ..RunRecord::new(id, status) }
}

async fn send(
    transaction: &mut Transaction,
    world: &World,
    bundle: &Bundle,
    name: Option<&str>,
    is_over: bool,
    runs: &[RunRecord],
) {
    let details = Map::new();
    let upload = Upload {
        bundle: &bundle.id,
        experiment_id: name,
        is_over,
        started_at: None,
        completed_at: None,
        details: &details,
        runs,
        turns: &[],
    };
    transaction.record_upload(&world.scope, &upload).await.unwrap();
}

/// Commits runs, or only so many of them and then nothing more.
async fn commit(
    transaction: &mut Transaction,
    world: &World,
    bundle: &Bundle,
    name: &str,
    runs: &[RunRecord],
    until: Option<usize>,
) {
    let details = Map::new();
    let new = NewCommit {
        project: &bundle.project_id,
        bundle: &bundle.id,
        experiment_id: name,
        digest: "d",
        source: "runs.jsonl",
        started_at: None,
        completed_at: None,
        details: &details,
    };
    if let Begun::New(mut commit) = transaction.begin_commit(&world.scope, &new).await.unwrap() {
        let (some, rest) = runs.split_at(until.unwrap_or(1).min(runs.len()));
        transaction.commit_runs(&mut commit, some).await.unwrap();
        if until.is_none() {
            transaction.commit_runs(&mut commit, rest).await.unwrap();
            transaction.finish_commit(commit).await.unwrap();
        }
    }
}

async fn check(world: &World, project: &str, experiments: &[Experiment], events: &[Event]) {
    let inputs: Vec<_> = (0..MOST_INPUTS).map(|input| json!({"id": format!("item-{input}"), "text": "Hello"})).collect();
    let file = serde_json::from_value(json!({"scenario": {"name": "orders"}, "inputs": inputs})).unwrap();
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, project).await.unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &file).await.unwrap();
    let inside = keepstep_store::Scope::of(&world.scope.org_id, Some(project.id.clone()));
    let mut known = vec![Known::default(); experiments.len()];
    for Event { experiment: number, kind } in events {
        let (experiment, known) = (&experiments[*number], &mut known[*number]);
        let full_name = format!("exp_{number}");
        let name = experiment.has_name.then_some(full_name.as_str());
        match *kind {
            Kind::Announce if experiment.has_name => {
                send(&mut transaction, world, &bundle, name, false, &experiment.announced(*number)).await;
                known.is_announced = true;
            }
            Kind::Announce => {}
            // Other ids can only be recognized after the announcement, which a client waits for.
            Kind::Report | Kind::Commit | Kind::HalfCommit(_) if experiment.has_other_ids && !known.is_announced => {}
            Kind::HalfCommit(until) if experiment.has_name => {
                commit(&mut transaction, world, &bundle, &full_name, &experiment.reported(*number), Some(until)).await;
            }
            Kind::HalfCommit(_) => {}
            Kind::Commit if experiment.has_name => {
                commit(&mut transaction, world, &bundle, &full_name, &experiment.reported(*number), None).await;
                known.is_over = true;
            }
            Kind::Report | Kind::Commit => {
                send(&mut transaction, world, &bundle, name, true, &experiment.reported(*number)).await;
                known.is_over = true;
            }
            Kind::Turn(input, turn) => {
                let run = experiment.reported_id(*number, input % experiment.ends.len());
                let said = Turn {
                    run_id: run.clone(),
                    turn_id: format!("t{turn}"),
                    sequence: 0,
                    role: Role::User,
                    content: format!("{run} {turn}"),
                    timestamp: None,
                    duration_ms: None,
                    warnings: Vec::new(),
                };
                transaction.record_turns(&inside, std::slice::from_ref(&said)).await.unwrap();
                known.turns.entry(run).or_default().insert(said.turn_id);
            }
        }
    }
    transaction.commit().await.unwrap();

    let all = BatchFilter { scenario: None, offset: 0, limit: 100 };
    let batches = world.store.run_batches(&world.scope, &project.id, all).await.unwrap();
    let heard: Vec<usize> =
        (0..experiments.len()).filter(|number| known[*number].is_announced || known[*number].is_over).collect();
    assert_eq!(batches.len(), heard.len(), "one batch for each experiment that was heard of");
    let mut expected: Vec<_> = heard.iter().map(|number| experiments[*number].expected(*number, &known[*number])).collect();
    for batch in &batches {
        let filter = RunFilter { limit: 100, ..RunFilter::default() };
        let runs = world.store.runs(&world.scope, &batch.id, &filter).await.unwrap();
        let found: BTreeMap<_, _> = runs.iter().map(|run| (run.id.clone(), (run.status, run.error.clone()))).collect();
        let position = expected.iter().position(|expected| *expected == found);
        expected.swap_remove(position.unwrap_or_else(|| panic!("{found:?} is none of {expected:?}")));
        let mut counts = Counts::default();
        for run in &runs {
            *match run.status {
                Status::Running => &mut counts.running,
                Status::Passed => &mut counts.passed,
                Status::Timeout => &mut counts.timeout,
                _ => &mut counts.failed,
            } += 1;
        }
        assert_eq!((batch.counts, batch.status), (counts, counts.status()));
        for run in runs {
            let turns = world.store.run(&world.scope, &batch.id, &run.id).await.unwrap().turns;
            let said: BTreeSet<String> = turns.into_iter().map(|turn| turn.turn_id).collect();
            let sent = known.iter().find_map(|known| known.turns.get(&run.id)).cloned().unwrap_or_default();
            assert_eq!(said, sent, "the turns of {}", run.id);
        }
    }
}

pub(crate) async fn f36_whatever_is_sent_in_whatever_order_is_one_batch(world: World) {
    let events = prop::collection::vec(event(), 1..14);
    let cases = (prop::collection::vec(experiment(), 2), events);
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let number = std::cell::Cell::new(0);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let checked = runner.run(&cases, |(experiments, events)| {
            number.set(number.get() + 1);
            runtime.block_on(check(&world, &format!("case {}", number.get()), &experiments, &events));
            Ok(())
        });
        checked.unwrap();
    });
}
