//! `keepstep results check`

use std::collections::{HashMap, HashSet};

use clap::Args;
use keepstep_base::human::milliseconds_text;
use keepstep_results::baseline::Baseline;
use keepstep_results::compare::check::{Checked, Finding, Limits, Verdict};
use keepstep_results::compare::{self, CaseKey};
use serde_json::json;

use super::shelf::Shelf;
use super::{baseline, compare as comparison, words};
use crate::command::run_tests::setup::experiment_failure;
use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::word;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep results check --baseline main --fail-on-regression\n  keepstep results check --baseline main --fail-on-regression --max-drop 2% --p95 20% --cost 10%\n  keepstep results check --baseline main --max-new-failures 0\n\nExit code 1 is a regression: one that chance does not explain, or more new failures than are allowed. 5: undecided."
)]
pub(super) struct Arguments {
    /// The experiment: its name, a part of it, its number in the list, its folder, or `latest`
    #[arg(value_name = "EXPERIMENT", default_value = "latest", hide_default_value = true)]
    experiment: String,
    /// The baseline, as `results baseline NAME` created it; or another experiment
    #[arg(long, value_name = "NAME")]
    baseline: String,
    /// Exit 1 when it is worse by more than is allowed
    #[arg(long)]
    fail_on_regression: bool,
    /// Also exit 1 when more than N cases do not pass that passed in the baseline, also where that could be chance
    #[arg(long, value_name = "N")]
    max_new_failures: Option<u64>,
    /// By how much the pass rate may drop, such as 2% of all cases
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "0%", hide_default_value = true)]
    max_drop: f64,
    /// Also check that the 95th percentile of the durations grows by no more than this
    #[arg(long, value_name = "SHARE", value_parser = parse_growth)]
    p95: Option<f64>,
    /// Also check that a case costs no more than this above what it did
    #[arg(long, value_name = "SHARE", value_parser = parse_growth)]
    cost: Option<f64>,
    /// The scenario; otherwise the selected one
    #[arg(long, short, value_name = "NAME")]
    scenario: Option<String>,
    /// How many of the cases that got worse, and better, to show
    #[arg(long, short = 'L', value_name = "N", default_value_t = 20)]
    limit: usize,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let shelf = Shelf::of(context, arguments.scenario.as_deref())?;
    let baseline = find(&shelf, &arguments.baseline)?;
    let stored = shelf.find(&arguments.experiment)?;
    Shelf::require_complete(&stored)?;
    let figures = shelf.figures(&stored)?;
    let limits = Limits {
        max_drop: arguments.max_drop,
        p95: arguments.p95,
        cost: arguments.cost,
        new_failures: arguments.max_new_failures,
    };
    let checked = compare::check(&baseline.figures, &figures, limits);
    let scenario = &shelf.scenario.name;
    let [before, after] =
        [&baseline.provenance, &stored.head.provenance].map(|provenance| comparison::with_scenario(provenance, scenario));
    let differences = before.differences(&after);

    context
        .printer
        .answer(Text::of(Label::Heading, format!("{} against {} ({})", stored.id(), arguments.baseline, baseline.experiment)));
    comparison::warn(context, &differences);
    let shown: HashSet<CaseKey> = [&checked.worse, &checked.better]
        .iter()
        .flat_map(|list| list.iter().take(arguments.limit))
        .map(|case| case.key)
        .collect();
    // A baseline has no texts.
    let texts = [HashMap::new(), stored.cases(&shown).map_err(experiment_failure)?];
    comparison::section(context, "Worse", &checked.worse, &texts, arguments.limit);
    comparison::section(context, "Better", &checked.better, &texts, arguments.limit);
    if !shown.is_empty() {
        context.printer.answer("");
    }
    print_checked(context, &checked);
    let is_above_limit = checked.findings.iter().any(|finding| {
        finding.verdict == Verdict::Regression && (arguments.fail_on_regression || finding.what == "new_failures")
    });
    let outcome = match checked.verdict {
        Verdict::Undecided => Outcome::Undecided,
        Verdict::Regression if is_above_limit => Outcome::Found,
        Verdict::Regression | Verdict::Good => Outcome::Done,
    };
    if checked.verdict == Verdict::Regression && !is_above_limit {
        context.printer.hint("with `--fail-on-regression` this is exit code 1");
    }
    let cases = |changes| comparison::cases(changes, &texts, arguments.limit);
    context.printer.document(
        "results.check",
        json!({
            "experiment": stored.id(), "baseline": arguments.baseline, "baseline_experiment": baseline.experiment,
            "verdict": checked.verdict, "pairs": checked.pairs, "not_run": checked.not_run, "new": checked.new,
            "findings": checked.findings, "worse": cases(&checked.worse), "better": cases(&checked.better), "differences": differences, "exit": outcome.code(),
        }),
    );
    Ok(outcome)
}

/// Returns the baseline of a name, or the figures of the run of that name.
fn find(shelf: &Shelf<'_>, name: &str) -> Result<Baseline, Failure> {
    let is_path = name.contains(['/', '\\', '~']);
    if let Some(baseline) = if is_path { None } else { baseline::read(&shelf.scenario.path, name)? } {
        return Ok(baseline);
    }
    match shelf.find(name) {
        Ok(stored) => {
            Shelf::require_complete(&stored)?;
            let figures = shelf.figures(&stored)?;
            Ok(Baseline::of(stored.id(), &stored.head, figures))
        }
        Err(Failure::NotFound { .. }) => {
            let names = baseline::names(&shelf.scenario.path);
            let hint = if names.is_empty() {
                format!("`keepstep results baseline {}` creates one from the last experiment", word(name))
            } else {
                format!("available: {}", names.join(", "))
            };
            Err(Failure::NotFound { message: format!("{} has no baseline {name}", shelf.scenario.name), hint: Some(hint) })
        }
        Err(failure) => Err(failure),
    }
}

fn print_checked(context: &Context, checked: &Checked) {
    let printer = &context.printer;
    let cases = |number: u64| count(number, "case");
    for finding in &checked.findings {
        let (sign, label) = match finding.verdict {
            Verdict::Good => ("✓", Label::Good),
            Verdict::Regression => ("✗", Label::Error),
            Verdict::Undecided => ("?", Label::Warning),
        };
        printer.answer(Text::of(label, format!("{sign} ")).and(Label::Plain, sentence(finding, checked)));
    }
    if checked.not_run > 0 {
        printer.warning(&format!("{} of the baseline were not run", cases(checked.not_run)));
    }
    if checked.new > 0 {
        printer.status(format!("{} are not in the baseline", cases(checked.new)));
    }
    let (label, words) = match checked.verdict {
        Verdict::Good => (Label::Good, "no regression"),
        Verdict::Regression => (Label::Error, "regression"),
        Verdict::Undecided => (Label::Warning, "undecided: the results show neither a regression nor its absence"),
    };
    printer.answer(Text::of(label, words));
}

fn sentence(finding: &Finding, checked: &Checked) -> String {
    if finding.what == "new_failures" {
        let failures = count(checked.pairs.worse, "new failure");
        let reason = finding.reason.as_ref().map_or_else(String::new, |reason| format!("; {reason}"));
        return format!("{failures}; {:.0} allowed{reason}", finding.allowed);
    }
    let words = |number: Option<f64>| {
        number.map(|number| match finding.what {
            "pass_rate" => words::percent(number),
            "p95" => milliseconds_text(number),
            _ => words::dollars(number),
        })
    };
    let name = match finding.what {
        "pass_rate" => "pass rate",
        "cost" => "cost of a case",
        other => other,
    };
    let mut text = name.to_owned();
    if let Some((before, after)) = words(finding.before).zip(words(finding.after)) {
        text += &format!(" {before} → {after}");
    }
    if finding.what == "pass_rate" && checked.pairs.count() > 0 {
        let pairs = &checked.pairs;
        text += &format!(": {} of {} cases worse, {} better", pairs.worse, pairs.count(), pairs.better);
    }
    let allowed = format!("{} allowed", words::percent(finding.allowed));
    match (&finding.reason, finding.chance()) {
        (Some(reason), _) => format!("{text}; {reason}"),
        (None, Some(chance)) if finding.verdict == Verdict::Regression => format!("{text}; {allowed}; {chance}"),
        _ => format!("{text}; {allowed}"),
    }
}

/// Returns a share that is at most the whole: `2%` or `0.02`.
fn parse_share(text: &str) -> Result<f64, String> {
    let share = parse_growth(text)?;
    if share <= 1.0 { Ok(share) } else { Err(format!("invalid percentage {text:?}: it is more than 100%")) }
}

/// Returns a share: `20%` or `0.2`.
fn parse_growth(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    let share = match text.trim().strip_suffix('%') {
        Some(percent) => number(percent).map(|percent| percent / 100.0),
        None => number(text),
    };
    share.ok_or_else(|| format!("invalid percentage {text:?}: write 2% or 0.02"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read() {
        assert_eq!((parse_share("2%"), parse_share("0.02"), parse_share(" 0 %")), (Ok(0.02), Ok(0.02), Ok(0.0)));
        assert_eq!(parse_growth("150%"), Ok(1.5));
        for text in ["", "%", "-1%", "nan", "inf", "2%%", "two"] {
            assert!(parse_growth(text).is_err(), "{text}");
        }
        assert!(parse_share("2").is_err(), "two percent is not two");
    }
}
