//! `keepstep results show`

use clap::Args;
use keepstep_base::human::{duration_text, milliseconds_text};
use keepstep_results::case::Finished;
use keepstep_results::compare::Figures;
use keepstep_results::compare::figures::Collector;
use keepstep_results::statistics::quantile;
use keepstep_results::status::Status;
use keepstep_results::totals::Totals;
use keepstep_results::turn::Turn;
use keepstep_results::verdict::Verdict;
use keepstep_runner::stored::Stored;
use serde_json::{Value, json};

use super::shelf::Shelf;
use super::{list, words};
use crate::command::run_tests::SHORT_DIGEST;
use crate::command::run_tests::setup::experiment_failure;
use crate::command::sync::upload::find::LATEST;
use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::shortened;

/// How many lines of what a case broke with are shown.
const PROBLEM_LINES: usize = 20;

/// How many lines of a traceback, and of what the agent printed, are shown.
const PRINTED_LINES: usize = 200;

/// How many cases are shown unless somebody says it.
const LIMIT: usize = 50;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep results show                        the newest complete experiment\n  keepstep results show latest~1 --verbose     the one before, with what was said in cases that did not pass\n  keepstep results show item-7                 one case of the newest, with what was said"
)]
pub(super) struct Arguments {
    /// The experiment: its name, a part of it, its number in the list, its folder, `latest`, or `latest~1` for the one before
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
    #[arg(long, short = 'L', value_name = "N", default_value_t = LIMIT)]
    limit: usize,
}

impl Arguments {
    /// Returns the arguments of `results show`, of a scenario.
    pub(super) fn latest(scenario: Option<String>) -> Self {
        Self { experiment: LATEST.to_owned(), scenario, verbose: false, all: false, case: None, limit: LIMIT }
    }
}

/// What is shown of a run.
struct Shown {
    figures: Figures,
    cases: Vec<Finished>,
    /// What was said about the answers of each case whose conversation is not shown.
    warnings: Vec<Vec<String>>,
    /// How many more there are.
    left_out: usize,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let shelf = Shelf::of(context, arguments.scenario.as_deref())?;
    let (stored, case) = match shelf.find(&arguments.experiment) {
        Ok(stored) => (stored, arguments.case.clone()),
        // The name of a case alone is that of the newest experiment.
        Err(unknown @ Failure::NotFound { .. }) if arguments.case.is_none() => match shelf.find(LATEST) {
            Ok(latest) if has_case(&latest, &arguments.experiment)? => (latest, Some(arguments.experiment.clone())),
            _ => return Err(unknown),
        },
        Err(failure) => return Err(failure),
    };
    show(context, arguments, &shelf, &stored, case)
}

fn has_case(stored: &Stored, named: &str) -> Result<bool, Failure> {
    let mut found = false;
    let look = |finished: Finished| {
        found |= is_named(&finished, named);
        Ok(())
    };
    stored.each_case(look).map_err(experiment_failure)?;
    Ok(found)
}

/// Returns true if a person means a case: by its name, or by the end of its name or of its input's id, in whole words or long
/// enough.
fn is_named(case: &Finished, named: &str) -> bool {
    let end = named.trim_start_matches('#');
    let is_long = end.len() >= SHORT_DIGEST;
    let ends =
        |id: &str| !end.is_empty() && id.strip_suffix(end).is_some_and(|rest| is_long || !rest.ends_with(char::is_alphanumeric));
    case.case == named || ends(&case.case) || case.item_id.as_deref().is_some_and(|id| id == named || ends(id))
}

fn show(context: &Context, arguments: &Arguments, shelf: &Shelf<'_>, stored: &Stored, case: Option<String>) -> CommandResult {
    let shown = read(shelf, stored, arguments, case.as_deref())?;
    if let Some(case) = case.as_ref().filter(|_| shown.cases.is_empty()) {
        return Err(Failure::NotFound {
            message: format!("{} has no case {case}", stored.id()),
            hint: Some("`keepstep results show --all` shows the cases".to_owned()),
        });
    }
    if case.is_none() {
        sum_up(context, shelf, stored, &shown.figures);
    }
    if !shown.cases.is_empty() {
        let heading = if arguments.all || case.is_some() { "Cases" } else { "Not passed" };
        context.printer.answer(Text::of(Label::Heading, format!("\n{heading}")));
        let is_whole = arguments.verbose || case.is_some();
        for (case, warnings) in shown.cases.iter().zip(&shown.warnings) {
            show_case(context, case, is_whole);
            warnings.iter().for_each(|warning| show_warning(context, warning));
        }
    }
    if shown.left_out > 0 {
        context.printer.answer(format!("  … and {} more (--limit)", shown.left_out));
    }
    context.printer.document("results.show", document(shelf, stored, &shown));
    Ok(Outcome::Done)
}

fn read(shelf: &Shelf<'_>, stored: &Stored, arguments: &Arguments, case: Option<&str>) -> Result<Shown, Failure> {
    let (mut collector, mut cases, mut warnings, mut left_out) = (Collector::default(), Vec::new(), Vec::new(), 0);
    let report = stored
        .each_case(|mut finished| {
            collector.add(&finished);
            let is_wanted = match case {
                Some(case) => is_named(&finished, case),
                None => arguments.all || !matches!(finished.status, Status::Passed | Status::Skipped),
            };
            if is_wanted && cases.len() < arguments.limit {
                let turns = if arguments.verbose || case.is_some() { Vec::new() } else { std::mem::take(&mut finished.turns) };
                warnings
                    .push(turns.into_iter().flat_map(|turn| turn.warnings).map(|warning| warning.text().into_owned()).collect());
                cases.push(finished);
            } else if is_wanted {
                left_out += 1;
            }
            Ok(())
        })
        .map_err(experiment_failure)?;
    shelf.warn_of_broken(stored, report.count());
    Ok(Shown { figures: collector.finish(), cases, warnings, left_out })
}

/// Returns the counts of a run: its own, else those of the cases that are there.
fn totals(stored: &Stored, figures: &Figures) -> Totals {
    stored.head.totals.unwrap_or(Totals { planned: stored.head.planned.unwrap_or(figures.totals.planned), ..figures.totals })
}

fn sum_up(context: &Context, shelf: &Shelf<'_>, stored: &Stored, figures: &Figures) {
    let (head, printer) = (&stored.head, &context.printer);
    printer.answer(
        Text::of(Label::Heading, stored.id()).and(Label::Unchanged, format!("  {}", words::state(stored.experiment.state))),
    );
    let totals = totals(stored, figures);
    let mut line = format!("{} of {} passed", totals.counts.passed, count(totals.planned, "case"));
    if let Some(rate) = words::rate(&totals) {
        line += &format!(", {} (95% interval {})", words::percent(rate.rate), words::interval(rate.interval));
    }
    for (number, word) in [
        (totals.counts.failed, "failed"),
        (totals.counts.error, "crashed"),
        (totals.counts.timeout, "timed out"),
        (totals.counts.not_judged, "not judged"),
        (totals.not_run(), "not run"),
        (totals.flaky, "flaky"),
    ] {
        if number > 0 {
            line += &format!(", {number} {word}");
        }
    }
    let label = if totals.planned > 0 && totals.counts.passed == totals.planned { Label::Good } else { Label::Plain };
    printer.answer(Text::of(label, line));
    let at = |share| quantile(&figures.durations, share).map(milliseconds_text);
    let provenance = &head.provenance;
    let rows = [
        ("Began", Some(words::date(head)).filter(|date| !date.is_empty())),
        ("Took", head.duration_seconds.map(|seconds| duration_text(words::seconds(seconds)))),
        ("Per case", at(0.5).zip(at(0.95)).map(|(half, most)| format!("{half} (p50), {most} (p95)"))),
        ("Tokens", totals.tokens.or(figures.totals.tokens).map(words::whole)),
        ("Cost", totals.cost_usd.or(figures.totals.cost_usd).map(words::dollars)),
        ("Scenario", Some(shelf.scenario.name.clone())),
        ("Agent", provenance.agent.clone()),
        ("Persona", provenance.persona()),
        ("Commit", provenance.commit()),
        ("Branch", provenance.git_branch.clone()),
        ("Author", provenance.git_author.clone()),
        ("Bundle version", provenance.bundle_version_id.clone()),
        ("Target", provenance.target()),
        ("Configuration", provenance.config_digest.as_deref().map(|digest| digest.chars().take(12).collect())),
        ("Folder", Some(stored.experiment.path.display().to_string())),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            printer.answer(Text::of(Label::Unchanged, format!("{name:<15}")).and(Label::Plain, shortened(&value, 200)));
        }
    }
}

fn show_case(context: &Context, case: &Finished, is_whole: bool) {
    let flaky = if case.flaky { "  flaky" } else { "" };
    let took = format!("  {}{flaky}", milliseconds_text(case.duration_ms));
    context.printer.answer(title(case, case.status, case.status.in_words(), &took));
    problem(case).into_iter().for_each(|line| context.printer.answer(line));
    if is_whole {
        details(case).into_iter().for_each(|line| context.printer.answer(line));
    } else if let Some(printed) = case.printed.as_deref().filter(|_| case.problem.is_some()) {
        let first = printed.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        context.printer.answer(Text::of(Label::Unchanged, "    printed: ").and(Label::Plain, shortened(first, 200)));
    }
    for turn in &case.turns {
        show_turn(context, turn);
    }
}

/// Returns the line that a case begins with: what was asked, how it ended, and the name to ask for it by.
pub(super) fn title(case: &Finished, status: Status, ended: &str, took: &str) -> Text {
    let (sign, label) = words::mark(status);
    let asked = if case.input.trim().is_empty() { case.case.clone() } else { shortened(&case.input, 60) };
    Text::of(label, format!("  {sign} "))
        .and(Label::Plain, asked)
        .and(label, format!("  {ended}"))
        .and(Label::Unchanged, format!("{took}  {}", shortened(&case.case, 60)))
}

/// Returns what a case did not pass with.
pub(super) fn problem(case: &Finished) -> Vec<Text> {
    let message = case.problem.as_ref().map_or("", |problem| problem.message.as_str());
    let mut lines: Vec<Text> =
        message.lines().take(PROBLEM_LINES).map(|line| Text::from(format!("    {}", shortened(line, 300)))).collect();
    if let (Some(first), Some(location)) =
        (lines.first_mut(), case.problem.as_ref().and_then(|problem| problem.location.as_ref()))
    {
        *first = std::mem::take(first).and(Label::Unchanged, format!("   {location}"));
    }
    lines
}

/// Returns the rest of what is known of a case: how it was judged, where it broke, what the agent printed.
fn details(case: &Finished) -> Vec<Text> {
    let mut lines = Vec::new();
    let traceback = case.problem.as_ref().and_then(|problem| problem.traceback.as_deref()).unwrap_or_default();
    for (heading, text) in [("traceback", traceback), ("printed", case.printed.as_deref().unwrap_or_default())] {
        if !text.trim().is_empty() {
            lines.push(Text::of(Label::Unchanged, format!("    {heading}:")));
            lines.extend(
                text.trim_end().lines().take(PRINTED_LINES).map(|line| Text::from(format!("      {}", shortened(line, 300)))),
            );
        }
    }
    if !case.criteria.is_empty() {
        lines.push(Text::of(Label::Unchanged, "    judged:"));
    }
    for judged in &case.criteria {
        let (sign, label) = match judged.verdict {
            Verdict::Passed => ("✓", Label::Good),
            Verdict::Failed => ("✗", Label::Error),
            Verdict::Error | Verdict::NotJudged => ("–", Label::Warning),
            Verdict::NotApplicable => (" ", Label::Unchanged),
        };
        let score = judged.score.map_or_else(String::new, |score| format!("   {}", (score * 100.0).round() / 100.0));
        lines.push(
            Text::of(label, format!("      {sign} {:<14}  ", judged.verdict.words()))
                .and(Label::Plain, shortened(&judged.name, 100))
                .and(Label::Unchanged, format!("   {}{score}", shortened(&judged.found, 200))),
        );
    }
    lines
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
        show_warning(context, &warning.text());
    }
}

fn show_warning(context: &Context, warning: &str) {
    context.printer.answer(Text::of(Label::Warning, format!("      warning: {warning}")));
}

fn document(shelf: &Shelf<'_>, stored: &Stored, shown: &Shown) -> Value {
    let figures = &shown.figures;
    let mut document = list::document(stored, &shelf.scenario.name);
    document["counts"] = json!(totals(stored, figures));
    document["p50_ms"] = json!(quantile(&figures.durations, 0.5));
    document["p95_ms"] = json!(quantile(&figures.durations, 0.95));
    document["shown"] = json!(shown.cases);
    document["left_out"] = json!(shown.left_out);
    document
}
