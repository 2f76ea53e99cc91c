//! `keepstep results compare`

use std::collections::{HashMap, HashSet};

use clap::Args;
use keepstep_agent::diff;
use keepstep_base::human::milliseconds_text;
use keepstep_results::case::Finished;
use keepstep_results::compare::{CaseKey, Change, Comparison, Figures};
use keepstep_results::provenance::Difference;
use keepstep_results::provenance::Provenance;
use keepstep_results::statistics::SIGNIFICANCE;
use keepstep_results::status::Status;
use keepstep_runner::stored::Stored;
use serde_json::{Value, json};

use super::shelf::{Shelf, abbreviated};
use super::{list, show, words};
use crate::command::run_tests::setup::experiment_failure;
use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::shell::diff_view;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::shortened;

/// How much of an answer is compared word by word.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How many lines of the difference of two answers are shown.
const DIFF_LINES: usize = 40;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep results compare latest~1 latest\n  keepstep results compare 2 1                                by their numbers in the list\n  keepstep results compare exp_20261121_232826 latest --answers"
)]
pub(super) struct Arguments {
    /// The older experiment: its name, a part of it, its number in the list, its folder, or `latest~1`
    #[arg(value_name = "A")]
    before: String,
    /// The newer experiment
    #[arg(value_name = "B")]
    after: String,
    /// The scenario; otherwise the selected one
    #[arg(long, short, value_name = "NAME")]
    scenario: Option<String>,
    /// Also show other answers in cases that ended as before; JSON always has them
    #[arg(long)]
    answers: bool,
    /// Also list the cases of inputs that only one of the experiments has
    #[arg(long)]
    new: bool,
    /// How many cases of each kind to show, also as JSON
    #[arg(long, short = 'L', value_name = "N", default_value_t = 20)]
    limit: usize,
}

/// The texts of both runs.
pub(super) type Texts = [HashMap<CaseKey, Finished>; 2];

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let shelf = Shelf::of(context, arguments.scenario.as_deref())?;
    let (before, after) = (shelf.find(&arguments.before)?, shelf.find(&arguments.after)?);
    let figures = [shelf.figures(&before)?, shelf.figures(&after)?];
    let comparison = Comparison::of(&figures[0], &figures[1]);
    // Programs get everything, and choose by themselves.
    let is_json = context.printer.is_json();
    let read_of = sections(&comparison, arguments.answers || is_json, arguments.new || is_json);
    let sections = sections(&comparison, arguments.answers, arguments.new);
    let wanted: HashSet<CaseKey> =
        read_of.iter().flat_map(|(_, changes)| changes.iter().take(arguments.limit).map(|change| change.key)).collect();
    let texts = [read(&before, &wanted)?, read(&after, &wanted)?];
    let differences = before.head.provenance.differences(&after.head.provenance);

    let ids: Vec<&str> = shelf.experiments.iter().map(|experiment| experiment.id.as_str()).collect();
    let mut title = Text::of(Label::Heading, format!("{} → {}", abbreviated(&ids, before.id()), abbreviated(&ids, after.id())));
    if comparison.pairs.count() == 0 {
        title = title.and(Label::Warning, "   not comparable: no input is in both");
    }
    context.printer.answer(title);
    for stored in [&before, &after] {
        if !stored.experiment.is_complete() {
            context.printer.warning(&format!("{} did not end; only the cases that it ran are compared", stored.id()));
        }
    }
    print_differences(context, &differences, &figures);
    if comparison.pairs.count() > 0 {
        sum_up(context, &comparison);
    }
    for (heading, changes) in &sections {
        section(context, heading, changes, &texts, arguments.limit);
    }
    if !arguments.new {
        print_unpaired(context, &comparison);
    }
    if !arguments.answers && !comparison.answers.is_empty() {
        let answers = count(comparison.answers.len(), "answer");
        context.printer.answer(format!("\n{answers} changed in cases that ended as before (--answers shows them)"));
    }
    if context.printer.is_json() {
        let document = document(&shelf, [&before, &after], &comparison, &differences, (&texts, arguments.limit));
        context.printer.document("results.compare", document);
    }
    Ok(Outcome::Done)
}

fn sections(comparison: &Comparison, answers: bool, new: bool) -> Vec<(&'static str, &[Change])> {
    let mut sections: Vec<(&str, &[Change])> =
        vec![("Worse", &comparison.worse), ("Better", &comparison.better), ("Not passed in another way", &comparison.otherwise)];
    if new {
        sections.push(("Only in the newer experiment", &comparison.new));
        sections.push(("Only in the older experiment", &comparison.gone));
    }
    if answers {
        sections.push(("Other answers", &comparison.answers));
    }
    sections
}

fn read(stored: &Stored, wanted: &HashSet<CaseKey>) -> Result<HashMap<CaseKey, Finished>, Failure> {
    stored.cases(wanted).map_err(experiment_failure)
}

/// Says what was not the same beside the agent's code.
pub(super) fn warn(context: &Context, differences: &[Difference]) {
    for difference in differences {
        match sides(difference) {
            Some(sides) => context.printer.warning(&format!("the {} is not the same: {sides}", difference.what)),
            None => context.printer.warning(&format!("the {} is not the same", difference.what)),
        }
    }
}

/// Returns both sides of a difference, unless they are digests, which say nothing to people.
fn sides(Difference { what, before, after }: &Difference) -> Option<String> {
    let shown = |side: &Option<String>| side.as_ref().map_or_else(|| "not known".to_owned(), |text| shortened(text, 60));
    match (before, after) {
        (Some(_), Some(_)) if *what == "configuration" => None,
        // A digest that one of them lacks is no change.
        (None, _) if *what == "configuration" => Some("not known of the older one".to_owned()),
        (_, None) if *what == "configuration" => Some("not known of the newer one".to_owned()),
        _ => Some(format!("{} → {}", shown(before), shown(after))),
    }
}

/// Shows the same below the title.
fn print_differences(context: &Context, differences: &[Difference], figures: &[Figures; 2]) {
    for difference in differences {
        let mut text = sides(difference).unwrap_or_else(|| "changed".to_owned());
        if difference.what == "bundle version" {
            let [before, after] = [0, 1].map(|side: usize| count(figures[side].inputs.len(), "input"));
            text = text.replacen(" → ", &format!(" ({before}) → "), 1) + &format!(" ({after})");
        }
        let name = format!("  {:<15} ", difference.what);
        context.printer.answer(Text::of(Label::Warning, name).and(Label::Plain, text));
    }
}

/// Says how many cases there are that only one of the experiments has.
fn print_unpaired(context: &Context, comparison: &Comparison) {
    let mut gap = "\n";
    for (name, changes) in [("New inputs", &comparison.new), ("Inputs that are gone", &comparison.gone)] {
        if changes.is_empty() {
            continue;
        }
        let bad = changes.iter().filter(|change| change.after.or(change.before) != Some(Status::Passed)).count();
        let text = format!("{gap}{name}: {}, of which {bad} did not pass   ", count(changes.len(), "case"));
        context.printer.answer(Text::from(text).and(Label::Command, "--new").and(Label::Plain, " lists them"));
        gap = "";
    }
}

fn sum_up(context: &Context, comparison: &Comparison) {
    let pairs = &comparison.pairs;
    let is_clear = pairs.p_value() <= SIGNIFICANCE;
    let label = match pairs.better.cmp(&pairs.worse) {
        std::cmp::Ordering::Less if is_clear => Label::Error,
        std::cmp::Ordering::Greater if is_clear => Label::Good,
        _ => Label::Plain,
    };
    context.printer.answer(Text::of(label, comparison.in_words()));
    let rate = |passed: u64| (pairs.count() > 0).then(|| passed as f64 / pairs.count() as f64);
    if let (Some(before), Some(after)) = (rate(pairs.both + pairs.worse), rate(pairs.both + pairs.better)) {
        let points = format!("{:+.1} points", pairs.change() * 100.0);
        row(context, "Pass rate", Some(format!("{} → {}  {points}", words::percent(before), words::percent(after))));
    }
    row(context, "p50", words::change(comparison.p50_ms, milliseconds_text));
    row(context, "p95", words::change(comparison.p95_ms, milliseconds_text));
    row(context, "Tokens", words::change(comparison.tokens, words::whole));
    row(context, "Cost", words::change(comparison.cost_usd, words::dollars));
}

fn row(context: &Context, name: &str, text: Option<String>) {
    if let Some(text) = text {
        context.printer.answer(Text::of(Label::Unchanged, format!("{name:<11}")).and(Label::Plain, text));
    }
}

/// Shows cases that are not the same, below a heading.
pub(super) fn section(context: &Context, heading: &str, changes: &[Change], texts: &Texts, limit: usize) {
    if changes.is_empty() {
        return;
    }
    context.printer.answer(Text::of(Label::Heading, format!("\n{heading} ({})", changes.len())));
    for change in changes.iter().take(limit) {
        let [before, after] = [0, 1].map(|side: usize| texts[side].get(&change.key));
        let status = change.after.or(change.before).unwrap_or(Status::Skipped);
        let states: Vec<&str> = [change.before, change.after].into_iter().flatten().map(|status| status.in_words()).collect();
        let states = if change.before == change.after { states[..1].join("") } else { states.join(" → ") };
        if let Some(case) = after.or(before) {
            context.printer.answer(show::title(case, status, &states, ""));
            // A case that passes now has nothing to say; one that is gone did not change.
            if change.after.is_some() {
                show::problem(case).into_iter().for_each(|line| context.printer.answer(line));
            }
        }
        if let (Some(before), Some(after)) = (before, after) {
            difference(context, answer(before), answer(after));
        }
    }
    if changes.len() > limit {
        context.printer.answer(format!("  … and {} more (--limit)", changes.len() - limit));
    }
}

fn difference(context: &Context, before: &str, after: &str) {
    let lines = diff_view::render_rows(&diff::rows(before, after));
    let more = lines.len().saturating_sub(DIFF_LINES);
    for line in lines.into_iter().take(DIFF_LINES) {
        context.printer.answer(Text::from("    ").joined(line));
    }
    if more > 0 {
        context.printer.answer(format!("    … and {} more", count(more, "line")));
    }
}

/// Returns an answer, or as much of it as is compared.
fn answer(case: &Finished) -> &str {
    let answer = case.output.as_deref().unwrap_or_default();
    &answer[..answer.floor_char_boundary(LONGEST_ANSWER)]
}

fn document(
    shelf: &Shelf<'_>,
    [before, after]: [&Stored; 2],
    comparison: &Comparison,
    differences: &[Difference],
    (texts, limit): (&Texts, usize),
) -> Value {
    let cases = |changes| cases(changes, texts, limit);
    let count = |changes: &[Change]| changes.len();
    let pairs = &comparison.pairs;
    json!({
        "before": list::document(before, &shelf.scenario.name),
        "after": list::document(after, &shelf.scenario.name),
        "differences": differences,
        "pairs": pairs,
        "change": pairs.change(),
        "p_value": pairs.p_value(),
        "significant": pairs.p_value() <= SIGNIFICANCE,
        "sentence": comparison.in_words(),
        "p50_ms": comparison.p50_ms,
        "p95_ms": comparison.p95_ms,
        "tokens": comparison.tokens,
        "cost_usd": comparison.cost_usd,
        "counts": {
            "worse": count(&comparison.worse), "better": count(&comparison.better), "otherwise": count(&comparison.otherwise),
            "new": count(&comparison.new), "gone": count(&comparison.gone), "answers": count(&comparison.answers),
        },
        "worse": cases(&comparison.worse),
        "better": cases(&comparison.better),
        "otherwise": cases(&comparison.otherwise),
        "new": cases(&comparison.new),
        "gone": cases(&comparison.gone),
        "answers": cases(&comparison.answers),
    })
}

/// Returns what a document says of cases that are not the same.
pub(super) fn cases(changes: &[Change], texts: &Texts, limit: usize) -> Vec<Value> {
    let case = |change: &Change| {
        let of = |side: usize| texts[side].get(&change.key);
        let output = |side| of(side).and_then(|case| case.output.clone());
        let problem = |side| of(side).and_then(|case| case.problem.as_ref().map(|problem| problem.message.clone()));
        json!({
            "case": change.case, "before": change.before, "after": change.after,
            "input": of(1).or(of(0)).map(|case| case.input.clone()),
            "output_before": output(0), "output_after": output(1),
            "problem_before": problem(0), "problem_after": problem(1),
        })
    };
    changes.iter().take(limit).map(case).collect()
}

/// Returns the provenance of a run with its scenario, where it does not say it.
pub(super) fn with_scenario(provenance: &Provenance, scenario: &str) -> Provenance {
    Provenance { scenario: provenance.scenario.clone().or_else(|| Some(scenario.to_owned())), ..provenance.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_one_of_them_lacks_did_not_change() {
        let said = |before: Option<&str>, after: Option<&str>| {
            sides(&Difference { what: "configuration", before: before.map(str::to_owned), after: after.map(str::to_owned) })
        };
        assert_eq!(said(Some("a1"), Some("b2")), None);
        assert_eq!(said(None, Some("b2")).as_deref(), Some("not known of the older one"));
        assert_eq!(said(Some("a1"), None).as_deref(), Some("not known of the newer one"));
    }
}
