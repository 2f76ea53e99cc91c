//! `keepstep results list`

use clap::Args;
use keepstep_runner::duration::spoken;
use keepstep_runner::stored::Stored;
use keepstep_workspace::experiments::Layout;
use serde_json::{Value, json};

use super::shelf::Shelf;
use super::words;
use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::failure::Failure;
use crate::printer::count;
use crate::table;
use crate::test_data_server::find_workspace;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  keepstep results list\n  keepstep results list --all --limit 100 --json")]
pub(super) struct Arguments {
    /// The scenario; otherwise the selected one
    #[arg(long, short, value_name = "NAME")]
    scenario: Option<String>,
    /// The runs of all scenarios
    #[arg(long, conflicts_with = "scenario")]
    all: bool,
    /// How many to show
    #[arg(long, short = 'L', value_name = "N", default_value_t = 30)]
    limit: usize,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let shelves = shelves(context, arguments)?;
    let mut all: Vec<_> =
        shelves.iter().flat_map(|shelf| shelf.experiments.iter().map(move |experiment| (shelf, experiment))).collect();
    all.sort_by(|left, right| right.1.order().cmp(&left.1.order()));
    let left_out = all.len().saturating_sub(arguments.limit);
    all.truncate(arguments.limit);
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for (shelf, experiment) in all {
        let stored = match Stored::open(experiment.clone()) {
            Ok(stored) => stored,
            Err(error) => {
                context.printer.warning(&error.to_string());
                continue;
            }
        };
        documents.push(document(&stored, &shelf.scenario.name));
        rows.push(row(&stored, &shelf.scenario.name));
    }
    if rows.is_empty() {
        let whose = if arguments.all { "there are" } else { "the scenario has" };
        context.printer.status(format!("{whose} no results yet"));
        context.printer.hint("`keepstep test` makes some");
    } else {
        let headings =
            ["NAME", "WHEN", "STATE", "PASSED", "95% INTERVAL", "CASES", "TOOK", "COST", "COMMIT", "PERSONA", "SCENARIO"];
        table::print(&context.printer, &headings, &rows);
    }
    if left_out > 0 {
        context.printer.hint(&format!("{} more; `--limit` shows them", count(left_out, "run")));
    }
    context.printer.document("results.list", json!({"results": documents, "left_out": left_out}));
    Ok(Outcome::Done)
}

fn shelves<'a>(context: &'a Context, arguments: &Arguments) -> Result<Vec<Shelf<'a>>, Failure> {
    match find_workspace(context) {
        Some(workspace) if arguments.all => {
            workspace.scenario_folders()?.iter().map(|folder| Shelf::of(context, Some(folder))).collect()
        }
        _ => Ok(vec![Shelf::of(context, arguments.scenario.as_deref())?]),
    }
}

fn row(stored: &Stored, scenario: &str) -> Vec<String> {
    let head = &stored.head;
    let rate = head.counts.as_ref().and_then(words::rate);
    let cases = match &head.counts {
        Some(counts) => format!("{}/{}", counts.passed, counts.total),
        None => head.planned.map(|planned| planned.to_string()).unwrap_or_default(),
    };
    vec![
        stored.id().to_owned(),
        words::date(head),
        words::state(stored.experiment.state).to_owned(),
        rate.map(|rate| words::percent(rate.rate)).unwrap_or_default(),
        rate.map(|rate| words::interval(rate.interval)).unwrap_or_default(),
        cases,
        head.duration_seconds.map(|seconds| spoken(words::seconds(seconds))).unwrap_or_default(),
        head.counts.and_then(|counts| counts.cost_usd).map(words::dollars).unwrap_or_default(),
        head.provenance.git_commit.as_deref().map(words::abbreviated).unwrap_or_default(),
        head.provenance.persona().unwrap_or_default(),
        scenario.to_owned(),
    ]
}

/// Returns what a document says of a run.
pub(super) fn document(stored: &Stored, scenario: &str) -> Value {
    let head = &stored.head;
    let rate = head.counts.as_ref().and_then(words::rate);
    let mut document = json!({
        "id": stored.id(),
        "folder": stored.experiment.path,
        "layout": if stored.experiment.layout == Layout::Results { "results" } else { "scenario" },
        "state": words::state(stored.experiment.state).replace(' ', "_"),
        "name": head.name,
        "date": head.date,
        "cases": head.planned,
        "counts": head.counts,
        "pass_rate": rate.map(|rate| rate.rate),
        "interval": rate.map(|rate| rate.interval),
        "duration_seconds": head.duration_seconds,
        "provenance": head.provenance,
    });
    document["scenario"] = Value::from(scenario);
    document
}
