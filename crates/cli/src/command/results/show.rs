//! `keepstep results show`

use clap::Args;
use keepstep_core::statistics::quantile;
use keepstep_runner::compare::Figures;
use keepstep_runner::compare::figures::Collector;
use keepstep_runner::duration::spoken;
use keepstep_runner::outcome::{Counts, Finished, Status, Turn};
use keepstep_runner::stored::Stored;
use serde_json::{Value, json};

use super::shelf::Shelf;
use super::{list, words};
use crate::command::test::setup::experiment_failure;
use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{Label, Text, count};
use crate::visible::shortened;

/// How many lines of what a case broke with are shown.
const PROBLEM_LINES: usize = 20;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep results show                        the newest complete run\n  keepstep results show latest~1 --verbose     the one before, with what was said in cases that did not pass\n  keepstep results show --case item-7          one case"
)]
pub(super) struct Arguments {
    /// The run: its name, a part of it, its folder, `latest`, or `latest~1` for the one before
    #[arg(value_name = "EXPERIMENT", default_value = "latest", hide_default_value = true)]
    experiment: String,
    /// The scenario; otherwise the selected one
    #[arg(long, short, value_name = "NAME")]
    scenario: Option<String>,
    /// Also show what was said
    #[arg(long, short)]
    verbose: bool,
    /// Show all cases, also those that passed
    #[arg(long)]
    all: bool,
    /// Show only this case, with what was said
    #[arg(long, value_name = "CASE", conflicts_with = "all")]
    case: Option<String>,
    /// How many cases to show
    #[arg(long, short = 'L', value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// What is shown of a run.
struct Shown {
    figures: Figures,
    cases: Vec<Finished>,
    /// How many more there are.
    left_out: usize,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let shelf = Shelf::of(context, arguments.scenario.as_deref())?;
    let stored = shelf.find(&arguments.experiment)?;
    let shown = read(&shelf, &stored, arguments)?;
    if let Some(case) = arguments.case.as_ref().filter(|_| shown.cases.is_empty()) {
        return Err(Failure::NotFound {
            message: format!("{} has no case {case}", stored.id()),
            hint: Some("`keepstep results show --all` shows the cases".to_owned()),
        });
    }
    if arguments.case.is_none() {
        sum_up(context, &shelf, &stored, &shown.figures);
    }
    if !shown.cases.is_empty() {
        let heading = if arguments.all || arguments.case.is_some() { "Cases" } else { "Not passed" };
        context.printer.answer(Text::of(Label::Heading, format!("\n{heading}")));
        shown.cases.iter().for_each(|case| show_case(context, case));
    }
    if shown.left_out > 0 {
        context.printer.answer(format!("  … and {} more (--limit)", shown.left_out));
    }
    context.printer.document("results.show", document(&shelf, &stored, &shown));
    Ok(Outcome::Done)
}

fn read(shelf: &Shelf<'_>, stored: &Stored, arguments: &Arguments) -> Result<Shown, Failure> {
    let (mut collector, mut cases, mut left_out) = (Collector::default(), Vec::new(), 0);
    let report = stored
        .each_case(|mut finished| {
            collector.add(&finished);
            let is_wanted = match &arguments.case {
                Some(case) => finished.case == *case,
                None => arguments.all || !matches!(finished.status, Status::Passed | Status::Skipped),
            };
            if is_wanted && cases.len() < arguments.limit {
                if !arguments.verbose && arguments.case.is_none() {
                    finished.turns.clear();
                }
                cases.push(finished);
            } else if is_wanted {
                left_out += 1;
            }
            Ok(())
        })
        .map_err(experiment_failure)?;
    shelf.warn_of_broken(stored, report.count());
    Ok(Shown { figures: collector.finish(), cases, left_out })
}

/// Returns the counts of a run: its own, else those of the cases that are there.
fn counts(stored: &Stored, figures: &Figures) -> Counts {
    stored.head.counts.unwrap_or(Counts { total: stored.head.planned.unwrap_or(figures.counts.total), ..figures.counts })
}

fn sum_up(context: &Context, shelf: &Shelf<'_>, stored: &Stored, figures: &Figures) {
    let (head, printer) = (&stored.head, &context.printer);
    printer.answer(
        Text::of(Label::Heading, stored.id()).and(Label::Unchanged, format!("  {}", words::state(stored.experiment.state))),
    );
    let counts = counts(stored, figures);
    let mut line = format!("{} of {} passed", counts.passed, count(counts.total, "case"));
    if let Some(rate) = words::rate(&counts) {
        line += &format!(", {} (95% interval {})", words::percent(rate.rate), words::interval(rate.interval));
    }
    for (number, word) in [
        (counts.failed, "failed"),
        (counts.error, "broke"),
        (counts.timeout, "timed out"),
        (counts.not_judged, "not judged"),
        (counts.total.saturating_sub(counts.finished()), "not run"),
        (counts.flaky, "flaky"),
    ] {
        if number > 0 {
            line += &format!(", {number} {word}");
        }
    }
    let label = if counts.total > 0 && counts.passed == counts.total { Label::Good } else { Label::Plain };
    printer.answer(Text::of(label, line));
    let at = |share| quantile(&figures.durations, share).map(words::milliseconds);
    let provenance = &head.provenance;
    let rows = [
        ("Began", Some(words::date(head)).filter(|date| !date.is_empty())),
        ("Took", head.duration_seconds.map(|seconds| spoken(words::seconds(seconds)))),
        ("Per case", at(0.5).zip(at(0.95)).map(|(half, most)| format!("{half} (p50), {most} (p95)"))),
        ("Tokens", counts.tokens.or(figures.counts.tokens).map(words::whole)),
        ("Cost", counts.cost_usd.or(figures.counts.cost_usd).map(words::dollars)),
        ("Scenario", Some(shelf.scenario.name.clone())),
        ("Agent", provenance.agent.clone()),
        ("Persona", provenance.persona()),
        ("Commit", provenance.commit()),
        ("Bundle", provenance.bundle_version_id.clone()),
        ("Target", provenance.target()),
        ("Configuration", provenance.config_digest.clone()),
        ("Folder", Some(stored.experiment.path.display().to_string())),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            printer.answer(Text::of(Label::Unchanged, format!("{name:<14}")).and(Label::Plain, shortened(&value, 200)));
        }
    }
}

fn show_case(context: &Context, case: &Finished) {
    let (sign, label) = words::mark(case.status);
    context.printer.answer(
        Text::of(label, format!("  {sign} "))
            .and(Label::Plain, shortened(&case.case, 60))
            .and(label, format!("  {}", case.status.word()))
            .and(
                Label::Unchanged,
                format!("  {}{}", words::milliseconds(case.duration_ms), if case.flaky { "  flaky" } else { "" }),
            ),
    );
    context.printer.answer(Text::of(Label::Unchanged, format!("    input: {}", shortened(&case.input, 200))));
    problem(case).into_iter().for_each(|line| context.printer.answer(line));
    for turn in &case.turns {
        show_turn(context, turn);
    }
}

/// Returns what a case did not pass with.
pub(super) fn problem(case: &Finished) -> Vec<Text> {
    let message = case.problem.as_ref().map_or("", |problem| problem.message.as_str());
    message.lines().take(PROBLEM_LINES).map(|line| Text::from(format!("    {}", shortened(line, 300)))).collect()
}

fn show_turn(context: &Context, turn: &Turn) {
    let label = if turn.role == "user" { Label::Plain } else { Label::Good };
    let mut lines = turn.content.lines();
    let first = lines.next().unwrap_or_default();
    context.printer.answer(Text::of(label, format!("    {}: ", turn.role)).and(Label::Plain, first));
    for line in lines {
        context.printer.answer(format!("      {line}"));
    }
    for warning in &turn.warnings {
        context.printer.answer(Text::of(Label::Warning, format!("      warning: {}", warning.message)));
    }
}

fn document(shelf: &Shelf<'_>, stored: &Stored, shown: &Shown) -> Value {
    let figures = &shown.figures;
    let mut document = list::document(stored, &shelf.scenario.name);
    document["counts"] = json!(counts(stored, figures));
    document["p50_ms"] = json!(quantile(&figures.durations, 0.5));
    document["p95_ms"] = json!(quantile(&figures.durations, 0.95));
    document["shown"] = json!(shown.cases);
    document["left_out"] = json!(shown.left_out);
    document
}
