//! What all cases of a run say together: rates with their intervals, repeats, and each criterion's count.

use std::collections::HashMap;

use crate::statistics::{Interval, pass_at_k, pass_hat_k, wilson};
use indexmap::IndexMap;
use keepstep_base::Digest;
use serde::Serialize;

use crate::case::{Finished, input_name};
use crate::status::Status;
use crate::totals::Totals;
use crate::verdict::{Judged, Verdict};

/// How many inputs are listed one by one, those with the lowest rates first.
const LISTED: usize = 1000;

/// For which numbers of repeats the chances are told, as far as there are as many.
const REPEATS: [u64; 8] = [1, 2, 3, 5, 10, 20, 50, 100];

/// Collects cases.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Passed and finished cases of each input. Empty where no input is repeated.
    inputs: HashMap<String, (u64, u64)>,
    criteria: IndexMap<(String, String, String), CriterionTally>,
}

/// How often a criterion ended in which way.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CriterionTally {
    /// The pack.
    pub pack: String,
    /// Its name.
    pub name: String,
    /// What kind it is.
    pub kind: String,
    /// The answer was as it should be.
    pub passed: u64,
    /// It was not.
    pub failed: u64,
    /// The judge failed.
    pub error: u64,
    /// It was not judged.
    pub not_judged: u64,
    /// There was nothing to judge.
    pub not_applicable: u64,
    /// Why it did not apply, or was not judged, the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a run says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Passed of judged cases; nothing where none was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_rate: Option<Rate>,
    /// The chances with several answers to an input, averaged over the inputs; empty where no input is repeated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<Repeats>,
    /// The inputs that were repeated, those with the lowest rates first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputRate>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub inputs_left_out: usize,
    /// What all criteria were, as one digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub criteria_digest: Option<Digest>,
    /// The criteria, in the order of their files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<CriterionTally>,
}

/// A rate and where it may lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// How many passed.
    pub passed: u64,
    /// Of how many.
    pub of: u64,
    /// The one by the other.
    pub rate: f64,
    /// The interval.
    pub interval: Interval,
    /// How the interval is made.
    pub method: &'static str,
    /// How often such an interval holds the true rate.
    pub confidence: f64,
}

/// The chances with several answers to one input.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Repeats {
    /// How many answers.
    pub k: u64,
    /// How likely at least one is good.
    pub pass_at_k: f64,
    /// How likely all are.
    pub pass_hat_k: f64,
}

/// The rate of an input.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InputRate {
    /// Its name: that of its case in the first iteration.
    pub input: String,
    /// Its rate.
    #[serde(flatten)]
    pub rate: Rate,
}

impl Statistics {
    /// Returns the criteria that were not judged for some case.
    pub fn not_judged(&self) -> impl Iterator<Item = &CriterionTally> {
        self.criteria.iter().filter(|criterion| criterion.not_judged + criterion.error > 0)
    }
}

impl Rate {
    /// Returns the rate of some cases; `None` without a case.
    pub fn of(passed: u64, of: u64) -> Option<Self> {
        let interval = wilson(passed, of)?;
        Some(Self { passed, of, rate: passed as f64 / of as f64, interval, method: "wilson", confidence: 0.95 })
    }

    /// Returns it for people.
    pub fn in_words(&self) -> String {
        let Interval { low, high } = self.interval;
        format!("{} (95% interval: {} to {})", percent(self.rate), percent(low), percent(high))
    }
}

impl InputRate {
    /// Returns it for people.
    pub fn in_words(&self) -> String {
        format!("{} of {} passed, {}", self.rate.passed, self.rate.of, self.rate.in_words())
    }
}

impl Repeats {
    /// Returns it for people.
    pub fn in_words(&self) -> String {
        let (one, all) = (percent(self.pass_at_k), percent(self.pass_hat_k));
        format!("of {k} answers to an input, at least one is good in {one} (pass@{k}), all are in {all} (pass^{k})", k = self.k)
    }
}

impl CriterionTally {
    /// Returns how often it held, for people, and why it was not judged.
    pub fn in_words(&self) -> String {
        let reason = self.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        self.format_counts() + &reason
    }

    /// Returns how often it held, for people.
    pub fn format_counts(&self) -> String {
        let counts = [
            (self.passed, Verdict::Passed),
            (self.failed, Verdict::Failed),
            (self.error, Verdict::Error),
            (self.not_judged, Verdict::NotJudged),
            (self.not_applicable, Verdict::NotApplicable),
        ];
        let parts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, verdict)| format!("{count} {}", verdict.words()))
            .collect();
        parts.join(", ")
    }

    /// Returns true if there is something about it that a person should see.
    pub fn is_notable(&self) -> bool {
        self.failed + self.error + self.not_judged > 0 || self.passed == 0
    }
}

/// Returns a share as a person reads it.
pub fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

impl Tally {
    /// Adds a finished case. Whether inputs are repeated is the run's to know.
    pub fn add(&mut self, case: &Finished, has_repeats: bool) {
        if case.status == Status::Skipped {
            return;
        }
        if has_repeats && case.status != Status::NotJudged {
            let (passed, of) = self.inputs.entry(input_name(case).to_owned()).or_default();
            *passed += u64::from(case.status == Status::Passed);
            *of += 1;
        }
        for judged in &case.criteria {
            self.judge(judged);
        }
    }

    /// Adds what a criterion says about a case, and returns its place among all criteria.
    pub fn judge(&mut self, judged: &Judged) -> usize {
        let key = (judged.pack.clone(), judged.name.clone(), judged.kind.clone());
        let entry = self.criteria.entry(key);
        let place = entry.index();
        let tally = entry.or_insert_with_key(|(pack, name, kind)| CriterionTally {
            pack: pack.clone(),
            name: name.clone(),
            kind: kind.clone(),
            ..CriterionTally::default()
        });
        match judged.verdict {
            Verdict::Passed => tally.passed += 1,
            Verdict::Failed => tally.failed += 1,
            Verdict::Error => tally.error += 1,
            Verdict::NotJudged => tally.not_judged += 1,
            Verdict::NotApplicable => tally.not_applicable += 1,
        }
        // Why it was not judged is what a person can do something about.
        let is_first = tally.not_judged + tally.error == 1;
        match judged.verdict {
            Verdict::Error | Verdict::NotJudged if is_first => tally.reason = Some(judged.found.clone()),
            Verdict::NotApplicable => {
                tally.reason.get_or_insert_with(|| judged.found.clone());
            }
            _ => {}
        }
        place
    }

    /// Returns how often each criterion ended in which way, in the order in which they came.
    pub fn into_criteria(self) -> Vec<CriterionTally> {
        self.criteria.into_values().collect()
    }

    /// Returns what the cases say.
    pub fn statistics(self, totals: &Totals) -> Statistics {
        let mut inputs: Vec<InputRate> = self
            .inputs
            .into_iter()
            .filter_map(|(input, (passed, of))| Some(InputRate { input, rate: Rate::of(passed, of)? }))
            .collect();
        let most = inputs.iter().map(|input| input.rate.of).max().unwrap_or(0);
        let repeats = if most < 2 { Vec::new() } else { repeats(&inputs, most) };
        if most < 2 {
            inputs.clear();
        }
        inputs.sort_by(|a, b| a.rate.rate.total_cmp(&b.rate.rate).then_with(|| a.input.cmp(&b.input)));
        let inputs_left_out = inputs.len().saturating_sub(LISTED);
        inputs.truncate(LISTED);
        Statistics {
            pass_rate: Rate::of(totals.counts.passed, totals.counts.judged()),
            repeats,
            inputs,
            inputs_left_out,
            criteria_digest: None,
            criteria: self.criteria.into_values().collect(),
        }
    }
}

/// Returns the mean chances of all inputs that have enough answers.
fn repeats(inputs: &[InputRate], most: u64) -> Vec<Repeats> {
    let mut numbers: Vec<u64> = REPEATS.into_iter().filter(|k| *k < most).collect();
    numbers.push(most);
    let mean = |k: u64, chance: fn(u64, u64, u64) -> Option<f64>| {
        let chances: Vec<f64> = inputs.iter().filter_map(|input| chance(input.rate.of, input.rate.passed, k)).collect();
        chances.iter().sum::<f64>() / chances.len().max(1) as f64
    };
    numbers.into_iter().map(|k| Repeats { k, pass_at_k: mean(k, pass_at_k), pass_hat_k: mean(k, pass_hat_k) }).collect()
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(name: &str, iteration: u32, status: &str) -> Finished {
        let case = if iteration == 0 { name.to_owned() } else { format!("{name}#{}", iteration + 1) };
        serde_json::from_value(json!({
            "case": case, "index": 0, "run_id": "r", "iteration": iteration, "status": status, "attempts": 1, "persona": null,
            "input": "a", "output": null, "duration_ms": 1.0, "metadata": {},
            "criteria": [{"pack": "p", "name": "n", "kind": "contains", "verdict": if status == "passed" {"passed"} else {"not_applicable"},
                "expected": "e", "found": "nothing", "required": true, "weight": 1.0}],
        }))
        .unwrap()
    }

    fn statistics(cases: &[Finished], has_repeats: bool) -> Statistics {
        let (mut tally, mut totals) = (Tally::default(), Totals::default());
        for case in cases {
            totals.add(case);
            tally.add(case, has_repeats);
        }
        tally.statistics(&totals)
    }

    #[test]
    fn repeats_are_told_by_input() {
        let cases = [
            case("a", 0, "passed"),
            case("b#2", 0, "passed"),
            case("a", 1, "failed"),
            case("b#2", 1, "passed"),
            case("c", 0, "skipped"),
        ];
        let told = statistics(&cases, true);
        assert_eq!(told.pass_rate.unwrap().in_words(), "75.0% (95% interval: 30.1% to 95.4%)");
        assert_eq!(told.inputs.iter().map(|input| input.input.as_str()).collect::<Vec<_>>(), ["a", "b#2"]);
        assert_eq!(
            told.repeats,
            [Repeats { k: 1, pass_at_k: 0.75, pass_hat_k: 0.75 }, Repeats { k: 2, pass_at_k: 1.0, pass_hat_k: 0.5 }]
        );
        assert_eq!(told.criteria[0].in_words(), "3 passed, 1 not applicable (nothing)");
        let once = statistics(&cases, false);
        assert!(once.inputs.is_empty() && once.repeats.is_empty());
        assert_eq!(statistics(&[], true), Statistics::default());
    }

    #[test]
    fn the_list_of_inputs_has_an_end() {
        let cases: Vec<Finished> =
            (0..LISTED + 5).flat_map(|input| [0, 1].map(|iteration| case(&format!("i{input}"), iteration, "passed"))).collect();
        let told = statistics(&cases, true);
        assert_eq!((told.inputs.len(), told.inputs_left_out), (LISTED, 5));
    }
}
