//! `keepstep results list`

use clap::Args;
use keepstep_base::human::duration_text;
use keepstep_results::head::Head;
use keepstep_runner::stored::Stored;
use keepstep_workspace::experiments::{Layout, State};
use serde_json::{Value, json};

use super::shelf::{Shelf, abbreviated};
use super::words;
use crate::command::{CommandResult, Outcome};
use crate::session::connection::test_data_server::find_workspace;
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::table::{self, Column};

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep results list\n  keepstep results list --wide\n  keepstep results list --all --limit 100 --json"
)]
pub(super) struct Arguments {
    /// The scenario; otherwise the selected one
    #[arg(long, short, value_name = "NAME")]
    scenario: Option<String>,
    /// The experiments of all scenarios
    #[arg(long, conflicts_with = "scenario")]
    all: bool,
    /// How many to show
    #[arg(long, short = 'L', value_name = "N", default_value_t = 30)]
    limit: usize,
    /// Show all that is known, with whole names and times
    #[arg(long, short)]
    wide: bool,
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
    for (place, (shelf, experiment)) in all.into_iter().enumerate() {
        let stored = match Stored::open(experiment.clone()) {
            Ok(stored) => stored,
            Err(error) => {
                context.printer.warning(&error.to_string());
                continue;
            }
        };
        let number = if arguments.all { String::new() } else { (place + 1).to_string() };
        documents.push(document(&stored, &shelf.scenario.name));
        rows.push(if arguments.wide {
            wide_row(number, &stored, shelf)
        } else {
            row(number, context, &stored, shelf, arguments)
        });
    }
    if rows.is_empty() {
        let whose = if arguments.all { "the project has" } else { "the scenario has" };
        context.printer.status(format!("{whose} no results yet"));
        context.printer.hint("`keepstep test` creates results");
    } else {
        let columns: &[Column<'_>] = if arguments.wide { &wide_columns() } else { &columns() };
        table::print_columns(&context.printer, columns, &rows);
        print_next_steps(context, arguments, &shelves, rows.len());
    }
    if left_out > 0 {
        context.printer.hint(&format!("{} more; `--limit` shows them", count(left_out, "experiment")));
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

/// Says below the list what it is of, and what to do with it.
fn print_next_steps(context: &Context, arguments: &Arguments, shelves: &[Shelf<'_>], shown: usize) {
    let mut text = match shelves {
        [only] => Text::from(format!("{} · ", only.scenario.name)),
        _ => Text::default(),
    };
    if shown > 1 && !arguments.all {
        text = text.and(Label::Command, context.typed("results compare 2 1")).and(Label::Plain, ", ");
    }
    if !arguments.wide {
        text = text.and(Label::Plain, "more columns: ").and(Label::Command, "--wide");
        context.printer.status(text);
    }
}

fn columns() -> [Column<'static>; 9] {
    [
        Column::number(""),
        Column::text("EXPERIMENT"),
        Column::text("WHEN"),
        Column::number("PASSED"),
        Column::number(""),
        Column::number("TOOK"),
        Column::text("PERSONA"),
        Column::text("COMMIT"),
        Column::text(""),
    ]
}

fn row(number: String, context: &Context, stored: &Stored, shelf: &Shelf<'_>, arguments: &Arguments) -> Vec<String> {
    let head = &stored.head;
    let rate = head.totals.as_ref().and_then(words::rate).filter(|rate| rate.of > 1);
    let ids: Vec<&str> = shelf.experiments.iter().map(|experiment| experiment.id.as_str()).collect();
    let mut notes = Vec::new();
    if arguments.all {
        notes.push(shelf.scenario.name.clone());
    }
    if stored.experiment.state != State::Uploaded {
        notes.push(words::state(stored.experiment.state).to_owned());
    }
    vec![
        number,
        abbreviated(&ids, stored.id()),
        words::when(head, context.now()),
        cases(head),
        rate.map(|rate| words::percent(rate.rate)).unwrap_or_default(),
        head.duration_seconds.map(|seconds| duration_text(words::seconds(seconds))).unwrap_or_default(),
        short_persona(head),
        short_commit(head),
        notes.join(", "),
    ]
}

fn wide_columns() -> [Column<'static>; 14] {
    [
        Column::number(""),
        Column::text("EXPERIMENT"),
        Column::text("WHEN"),
        Column::text("STATE"),
        Column::number("PASSED"),
        Column::number("CASES"),
        Column::text("95% INTERVAL"),
        Column::number("TOOK"),
        Column::number("COST"),
        Column::text("PERSONA"),
        Column::text("COMMIT"),
        Column::text("BUNDLE VERSION"),
        Column::text("TARGET"),
        Column::text("SCENARIO"),
    ]
}

fn wide_row(number: String, stored: &Stored, shelf: &Shelf<'_>) -> Vec<String> {
    let head = &stored.head;
    let rate = head.totals.as_ref().and_then(words::rate);
    vec![
        number,
        stored.id().to_owned(),
        words::date(head),
        words::state(stored.experiment.state).to_owned(),
        rate.map(|rate| words::percent(rate.rate)).unwrap_or_default(),
        cases(head),
        rate.map(|rate| words::interval(rate.interval)).unwrap_or_default(),
        head.duration_seconds.map(|seconds| duration_text(words::seconds(seconds))).unwrap_or_default(),
        head.totals.and_then(|totals| totals.cost_usd).map(words::dollars).unwrap_or_default(),
        head.provenance.persona().unwrap_or_default(),
        head.provenance.commit().unwrap_or_default(),
        head.provenance.bundle_version_id.clone().unwrap_or_default(),
        head.provenance.target().unwrap_or_default(),
        shelf.scenario.name.clone(),
    ]
}

fn cases(head: &Head) -> String {
    match &head.totals {
        Some(totals) => format!("{}/{}", totals.counts.passed, totals.planned),
        None => head.planned.map(|planned| planned.to_string()).unwrap_or_default(),
    }
}

/// Returns the persona in one word; a star says that it was edited.
fn short_persona(head: &Head) -> String {
    let persona = head.provenance.persona().unwrap_or_default();
    persona.strip_suffix(", edited").map_or_else(|| persona.clone(), |version| format!("{version}*"))
}

/// Returns the commit in one word; a star says that there were changes.
fn short_commit(head: &Head) -> String {
    let star = if head.provenance.git_dirty == Some(true) { "*" } else { "" };
    head.provenance.git_commit.as_ref().map_or_else(String::new, |commit| commit.chars().take(7).collect::<String>() + star)
}

/// Returns what a document says of a run.
pub(super) fn document(stored: &Stored, scenario: &str) -> Value {
    let head = &stored.head;
    let rate = head.totals.as_ref().and_then(words::rate);
    let mut document = json!({
        "id": stored.id(),
        "folder": stored.experiment.path,
        "layout": if stored.experiment.layout == Layout::Results { "results" } else { "scenario" },
        "state": words::state(stored.experiment.state).replace(' ', "_"),
        "name": head.name,
        "date": head.date,
        "cases": head.planned,
        "counts": head.totals,
        "pass_rate": rate.map(|rate| rate.rate),
        "interval": rate.map(|rate| rate.interval),
        "duration_seconds": head.duration_seconds,
        "provenance": head.provenance,
    });
    document["scenario"] = Value::from(scenario);
    document
}
