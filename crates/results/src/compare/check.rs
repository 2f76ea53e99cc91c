//! Is a run worse than its baseline? Strict enough for a gate, and silent about noise.
//!
//! What cannot be decided is neither good nor bad: too few cases to ever tell a drop from chance, nothing in common, nothing
//! known. How often the answers are wrong is simulated (`simulation.rs`) and stated in `docs/statistics.md`.

use crate::statistics::{
    FEWEST_FOR_MEANS, FEWEST_FOR_QUANTILES, MeanChange, Pairs, QuantileChange, Regression, SIGNIFICANCE, quantile,
};
use serde::Serialize;

use super::figures::{Figures, InputFigures};
use super::{Change, Comparison};

/// What is allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// By how much the pass rate may be lower, as a share of all cases.
    pub max_drop: f64,
    /// By which share the 95th percentile of the durations may be longer; `None` where nobody asks.
    pub p95: Option<f64>,
    /// By which share a case may cost more; `None` where nobody asks.
    pub cost: Option<f64>,
    /// How many cases may not pass that passed in the baseline, also where that could be chance; `None` where nobody asks.
    pub new_failures: Option<u64>,
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is not worse by more than is allowed, as far as anybody can tell.
    Good,
    /// It is worse by more than is allowed, and chance does not explain it.
    Regression,
    /// Nobody can tell.
    Undecided,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What: `pass_rate`, `new_failures`, `p95`, `cost`.
    pub what: &'static str,
    /// What was found.
    pub verdict: Verdict,
    /// What it was.
    pub before: Option<f64>,
    /// What it is.
    pub after: Option<f64>,
    /// What was allowed, as a share; of new failures, how many.
    pub allowed: f64,
    /// How likely a change of at least this size is where no more than the allowed one is real.
    pub p_value: Option<f64>,
    /// Why it is undecided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// All that a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Together: a regression counts more than what is undecided.
    pub verdict: Verdict,
    /// The cases of both.
    pub pairs: Pairs,
    /// How many cases of the baseline were not run.
    pub not_run: u64,
    /// How many cases the baseline does not know.
    pub new: u64,
    /// One by one.
    pub findings: Vec<Finding>,
    /// The cases that passed in the baseline and do not pass now.
    #[serde(skip)]
    pub worse: Vec<Change>,
    /// The cases that did not pass in the baseline and pass now.
    #[serde(skip)]
    pub better: Vec<Change>,
}

/// Compares a run with its baseline.
pub fn check(baseline: &Figures, now: &Figures, limits: Limits) -> Checked {
    let comparison = Comparison::of(baseline, now);
    let findings = findings(&comparison, baseline, now, limits);
    let Comparison { pairs, worse, better, gone, new, .. } = comparison;
    let has = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
    let verdict = match (has(Verdict::Regression), has(Verdict::Undecided)) {
        (true, _) => Verdict::Regression,
        (false, true) => Verdict::Undecided,
        (false, false) => Verdict::Good,
    };
    Checked { verdict, pairs, not_run: gone.len() as u64, new: new.len() as u64, findings, worse, better }
}

/// Returns what a check finds of two runs that are compared already, one by one.
pub fn findings(comparison: &Comparison, baseline: &Figures, now: &Figures, limits: Limits) -> Vec<Finding> {
    let (pairs, not_run) = (comparison.pairs, comparison.gone.len() as u64);
    let new_failures = limits.new_failures.map(|allowed| new_failures(pairs, not_run, allowed));
    let mut rate = pass_rate(pairs, not_run, limits.max_drop);
    let is_exact = new_failures.as_ref().is_some_and(|finding| finding.verdict == Verdict::Good);
    if is_exact && rate.verdict == Verdict::Undecided {
        // Too few cases for statistics, and each of them is as good as the limit asks.
        rate.verdict = Verdict::Good;
    }
    let mut findings = vec![rate];
    findings.extend(new_failures);
    findings.extend(limits.p95.map(|allowed| p95(baseline, now, allowed)));
    findings.extend(limits.cost.map(|allowed| cost(baseline, now, allowed)));
    findings
}

/// Returns why nothing can be said from these cases, however they ended.
fn nothing_in_common(pairs: Pairs, not_run: u64) -> Option<String> {
    let (count, passed) = (pairs.count(), pairs.both + pairs.worse);
    if count == 0 {
        Some("the baseline and this experiment have no case in common".to_owned())
    } else if passed == 0 {
        Some(format!("none of the {count} common cases passed in the baseline"))
    } else if not_run > count {
        Some(format!("only {count} of the {} cases of the baseline were run", count + not_run))
    } else {
        None
    }
}

fn new_failures(pairs: Pairs, not_run: u64, allowed: u64) -> Finding {
    let (verdict, reason) = match nothing_in_common(pairs, not_run) {
        _ if pairs.worse > allowed => (Verdict::Regression, None),
        Some(reason) => (Verdict::Undecided, Some(reason)),
        None => (Verdict::Good, None),
    };
    Finding {
        what: "new_failures",
        verdict,
        before: None,
        after: Some(pairs.worse as f64),
        allowed: allowed as f64,
        p_value: None,
        reason,
    }
}

fn pass_rate(pairs: Pairs, not_run: u64, max_drop: f64) -> Finding {
    let Regression { max_drop: allowed, p_value, .. } = pairs.regression(max_drop);
    let count = pairs.count();
    let rate = |passed: u64| (count > 0).then(|| passed as f64 / count as f64);
    let (passed, passes) = (pairs.both + pairs.worse, pairs.both + pairs.better);
    // If even the worst that could have happened would not stand out, nothing that happened can.
    let worst = Pairs { both: 0, worse: passed, better: 0, neither: pairs.better + pairs.neither };
    let too_few = || format!("{count} common cases are too few: even if all of them failed, that could be chance");
    let (verdict, reason) = match nothing_in_common(pairs, not_run) {
        _ if pairs.regression(max_drop).is_real() => (Verdict::Regression, None),
        // The reason that more of these cases would not mend comes first.
        Some(reason) if count == 0 || passed == 0 => (Verdict::Undecided, Some(reason)),
        _ if !worst.regression(max_drop).is_real() => (Verdict::Undecided, Some(too_few())),
        Some(reason) => (Verdict::Undecided, Some(reason)),
        None => (Verdict::Good, None),
    };
    Finding { what: "pass_rate", verdict, before: rate(passed), after: rate(passes), allowed, p_value: Some(p_value), reason }
}

fn p95(baseline: &Figures, now: &Figures, allowed: f64) -> Finding {
    let (before, after) = (quantile(&baseline.durations, 0.95), quantile(&now.durations, 0.95));
    let change = QuantileChange::between(&baseline.durations, &now.durations, 0.95);
    let (verdict, reason) = match &change {
        Some(change) if change.is_regression(allowed) => (Verdict::Regression, None),
        Some(_) => (Verdict::Good, None),
        None => (Verdict::Undecided, Some(format!("both runs need the durations of {FEWEST_FOR_QUANTILES} cases"))),
    };
    Finding { what: "p95", verdict, before, after, allowed, p_value: change.map(|change| change.p_value(allowed)), reason }
}

fn cost(baseline: &Figures, now: &Figures, allowed: f64) -> Finding {
    let of = |input: &InputFigures| Some((input.cost_usd?, now.get(input.key)?.cost_usd?));
    let pairs: Vec<(f64, f64)> = baseline.inputs.iter().filter_map(of).collect();
    let change = MeanChange::between(&pairs, allowed);
    let (verdict, reason) = match &change {
        Some(change) if change.is_regression() => (Verdict::Regression, None),
        Some(_) => (Verdict::Good, None),
        None => {
            let reason = format!("the cost of {FEWEST_FOR_MEANS} inputs has to be known in both runs; it is of {}", pairs.len());
            (Verdict::Undecided, Some(reason))
        }
    };
    Finding {
        what: "cost",
        verdict,
        before: change.map(|change| change.before),
        after: change.map(|change| change.after),
        allowed,
        p_value: change.map(|change| change.p_value),
        reason,
    }
}

impl Finding {
    /// Returns whether chance explains a change for the worse, in words.
    pub fn chance(&self) -> Option<String> {
        let p_value = self.p_value?;
        let words = if p_value <= SIGNIFICANCE { "unlikely to be chance" } else { "may well be chance" };
        Some(format!("p = {}: {words}", super::format_p_value(p_value)))
    }
}
