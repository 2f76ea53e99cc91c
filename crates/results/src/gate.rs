//! A gate: what the experiments of a scenario must hold, and whether one does.

use serde::{Deserialize, Serialize};

use crate::compare::check::{Limits, Verdict, check};
use crate::compare::figures::{CaseKey, Figures};
use crate::counts::Counts;

/// What the experiments of a scenario must hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// How many of a hundred cases have to pass at least; `None` where no one asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_pass_rate: Option<u8>,
    /// Whether no case may fail that passed in the baseline.
    #[serde(default)]
    pub no_new_failures: bool,
}

/// What a gate says of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// It holds all that is asked.
    Passed,
    /// It does not hold something.
    Failed,
    /// Something cannot be told, and nothing else failed.
    Undecided,
}

/// What a gate says of an experiment, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateAnswer {
    /// What it says.
    pub state: GateState,
    /// Why, in words.
    pub reason: String,
    /// The first case that passed in the baseline and does not any more, where that is why it failed.
    pub first: Option<CaseKey>,
}

impl Gate {
    /// Returns true if it asks nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks an experiment by its counts. Where the gate asks for no new failures, the cases of the experiment are held against those of
    /// its baseline, if there is one, as [`check()`] does.
    pub fn check(&self, counts: &Counts, cases: &Figures, baseline: Option<&Figures>) -> GateAnswer {
        let mut found = Vec::new();
        let mut first = None;
        if let Some(wanted) = self.min_pass_rate {
            found.push(pass_rate(counts, wanted));
        }
        if self.no_new_failures {
            let (state, reason, worse) = new_failures(cases, baseline);
            found.push((state, reason));
            first = worse;
        }
        let has = |wanted| found.iter().any(|(state, _)| *state == wanted);
        let state = match (has(GateState::Failed), has(GateState::Undecided)) {
            (true, _) => GateState::Failed,
            (false, true) => GateState::Undecided,
            (false, false) => GateState::Passed,
        };
        let reasons: Vec<String> = found.into_iter().filter(|(found, _)| *found == state).map(|(_, reason)| reason).collect();
        GateAnswer { state, reason: reasons.join("; "), first }
    }
}

impl GateState {
    /// Returns its name, as it is stored and told.
    pub fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Undecided => "undecided",
        }
    }

    /// Returns the state of that name.
    pub fn from_label(label: &str) -> Option<Self> {
        [Self::Passed, Self::Failed, Self::Undecided].into_iter().find(|state| state.label() == label)
    }
}

fn pass_rate(counts: &Counts, wanted: u8) -> (GateState, String) {
    let (passed, tried) = (u128::from(counts.passed), u128::from(counts.tried()));
    if counts.pass_rate().is_none() {
        let why = if counts.running > 0 { "some cases have not ended" } else { "no case ended with a result" };
        return (GateState::Undecided, why.to_owned());
    }
    let is_enough = passed * 100 >= u128::from(wanted) * tried;
    // In tenths of a percent, and never rounded to what it is not.
    let mut shown = (passed * 2000 + tried) / (tried * 2);
    if passed < tried {
        shown = shown.min(999);
    }
    if passed > 0 {
        shown = shown.max(1);
    }
    if !is_enough {
        shown = shown.min(u128::from(wanted) * 10 - 1);
    }
    let shown = if shown % 10 == 0 { (shown / 10).to_string() } else { format!("{}.{}", shown / 10, shown % 10) };
    let state = if is_enough { GateState::Passed } else { GateState::Failed };
    (state, format!("{shown} % passed, {wanted} % required"))
}

fn new_failures(cases: &Figures, baseline: Option<&Figures>) -> (GateState, String, Option<CaseKey>) {
    let Some(baseline) = baseline else {
        return (GateState::Undecided, "no earlier experiment to compare with".to_owned(), None);
    };
    let checked = check(baseline, cases, Limits { new_failures: Some(0), ..Limits::default() });
    let finding = checked.findings.iter().find(|finding| finding.what == "new_failures");
    match finding.map(|finding| (finding.verdict, finding.reason.clone())) {
        Some((Verdict::Regression, _)) => {
            let count = checked.worse.len();
            let failures = if count == 1 { "failure" } else { "failures" };
            let first = checked.worse.first().map(|change| change.key);
            (GateState::Failed, format!("{count} new {failures} against the baseline"), first)
        }
        Some((Verdict::Good, _)) => (GateState::Passed, "no new failures against the baseline".to_owned(), None),
        Some((Verdict::Undecided, reason)) => (GateState::Undecided, reason.unwrap_or_default(), None),
        None => (GateState::Undecided, String::new(), None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::tests::figures;

    const RATE: Gate = Gate { min_pass_rate: Some(90), no_new_failures: false };
    const FAILURES: Gate = Gate { min_pass_rate: None, no_new_failures: true };
    const BOTH: Gate = Gate { min_pass_rate: Some(90), no_new_failures: true };

    /// The gate, how the cases of the baseline and of the experiment ended, and what it says.
    type Row<'a> = (Gate, Option<&'a [&'a str]>, &'a [&'a str], GateState, &'a str);

    fn of(statuses: &[&str]) -> (Counts, Figures) {
        let cases: Vec<_> = statuses.iter().map(|status| (*status, "x")).collect();
        let names: Vec<String> = (0..cases.len()).map(|number| format!("item-{number}")).collect();
        let ids: Vec<String> = (0..cases.len()).map(|number| number.to_string()).collect();
        let listed: Vec<_> = cases
            .iter()
            .zip(&names)
            .zip(&ids)
            .map(|(((status, answer), name), id)| (name.as_str(), Some(id.as_str()), 0, "asked", *status, *answer))
            .collect();
        let found = figures(&listed);
        (found.totals.counts, found)
    }

    #[test]
    fn what_a_gate_says_and_why() {
        let (good, bad) = ("passed", "failed");
        let cases: [Row<'_>; 12] = [
            (RATE, None, &[good; 10], GateState::Passed, "100 % passed, 90 % required"),
            (RATE, None, &[good, good, good, good, good, bad], GateState::Failed, "83.3 % passed, 90 % required"),
            (RATE, None, &["error", "timeout"], GateState::Failed, "0 % passed, 90 % required"),
            (RATE, None, &["skipped", "not_judged"], GateState::Undecided, "no case ended with a result"),
            (RATE, None, &[], GateState::Undecided, "no case ended with a result"),
            (FAILURES, None, &[good], GateState::Undecided, "no earlier experiment to compare with"),
            (FAILURES, Some(&[good, bad]), &[good, bad], GateState::Passed, "no new failures against the baseline"),
            (FAILURES, Some(&[good, good]), &[good, bad], GateState::Failed, "1 new failure against the baseline"),
            (FAILURES, Some(&[good, good]), &[], GateState::Undecided, "the baseline and this experiment have no case in common"),
            (
                BOTH,
                Some(&[good, good]),
                &[bad, bad],
                GateState::Failed,
                "0 % passed, 90 % required; 2 new failures against the baseline",
            ),
            (BOTH, None, &[bad], GateState::Failed, "0 % passed, 90 % required"),
            (BOTH, None, &[good], GateState::Undecided, "no earlier experiment to compare with"),
        ];
        for (gate, before, now, state, reason) in cases {
            let before = before.map(|before| of(before).1);
            let (counts, now) = of(now);
            let answer = gate.check(&counts, &now, before.as_ref());
            assert_eq!((answer.state, answer.reason.as_str()), (state, reason), "{gate:?}");
            assert_eq!(GateState::from_label(answer.state.label()), Some(answer.state));
        }
        let first = BOTH.check(&of(&[good, bad]).0, &of(&[good, bad]).1, Some(&of(&[good, good]).1)).first;
        assert_eq!(first, Some((of(&[good, bad]).1.inputs[1].key, 0)));
        assert!(Gate::default().is_empty() && !RATE.is_empty() && !FAILURES.is_empty());
        let running = Counts { passed: 9, running: 1, ..Counts::default() };
        assert_eq!(RATE.check(&running, &Figures::default(), None).reason, "some cases have not ended");
    }

    proptest! {
        /// More cases that pass never fail a gate, exactly the wanted part is enough, and what is said agrees with what is decided.
        #[test]
        fn a_pass_rate_is_decided_exactly(passed in 0_u64..2000, other in 0_u64..2000, wanted in 1_u8..=100) {
            let counts = Counts { passed, failed: other, ..Counts::default() };
            let gate = Gate { min_pass_rate: Some(wanted), no_new_failures: false };
            let answer = gate.check(&counts, &Figures::default(), None);
            if passed + other == 0 {
                prop_assert_eq!(answer.state, GateState::Undecided);
                return Ok(());
            }
            let is_enough = passed * 100 >= u64::from(wanted) * (passed + other);
            prop_assert_eq!(answer.state, if is_enough { GateState::Passed } else { GateState::Failed });
            let shown: f64 = answer.reason.split(' ').next().unwrap_or_default().parse().unwrap_or(f64::NAN);
            if is_enough {
                prop_assert!(shown >= f64::from(wanted) - 0.05, "{}", answer.reason);
            } else {
                prop_assert!(shown < f64::from(wanted), "{}", answer.reason);
            }
            let more = gate.check(&Counts { passed: passed + 1, ..counts }, &Figures::default(), None);
            prop_assert!(!is_enough || more.state == GateState::Passed);
        }
    }
}
