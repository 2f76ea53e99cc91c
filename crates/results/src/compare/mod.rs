//! Two runs, case by case.
//!
//! [`figures`] is what is kept of a run: how each case ended, and a digest of its answer. [`Comparison`] says what is not the
//! same. [`check()`] compares a run with a [`baseline`](crate::baseline) as strictly as a gate must.

pub mod check;
pub mod figures;
pub mod history;
pub mod inputs;
#[cfg(test)]
mod simulation;

use serde::Serialize;

pub use check::check;
pub use figures::{CaseKey, Figures};
use figures::{InputFigures, Once};

use crate::statistics::{Pairs, SIGNIFICANCE, quantile};
use crate::status::Status;

/// A case that is not the same in both runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its key.
    #[serde(skip)]
    pub key: CaseKey,
    /// Its name, in the newer run where it is in both.
    pub case: String,
    /// How it ended; `None` where it was not run.
    pub before: Option<Status>,
    /// How it ended.
    pub after: Option<Status>,
}

/// A figure in both runs; `None` where it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Figure {
    /// What it was.
    pub before: Option<f64>,
    /// What it is.
    pub after: Option<f64>,
}

/// What is not the same in two runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// The cases of both runs.
    pub pairs: Pairs,
    /// Cases that passed and do not pass any more.
    pub worse: Vec<Change>,
    /// Cases that did not pass and do now.
    pub better: Vec<Change>,
    /// Cases that pass in neither run, and ended in another way.
    pub otherwise: Vec<Change>,
    /// Cases that ended in the same way with another answer.
    pub answers: Vec<Change>,
    /// Cases of the newer run only.
    pub new: Vec<Change>,
    /// Cases of the older run only.
    pub gone: Vec<Change>,
    /// The duration that half of the cases took at most, in milliseconds.
    pub p50_ms: Figure,
    /// The duration that 95 of 100 cases took at most, in milliseconds.
    pub p95_ms: Figure,
    /// The tokens of all cases.
    pub tokens: Figure,
    /// The cost of all cases in US dollars.
    pub cost_usd: Figure,
}

impl Figure {
    /// Returns what the newer is of the older, less one: 0.25 is a quarter more.
    pub fn growth(&self) -> Option<f64> {
        let (before, after) = (self.before?, self.after?);
        (before > 0.0).then(|| after / before - 1.0)
    }
}

impl Comparison {
    /// Compares two runs.
    pub fn of(before: &Figures, after: &Figures) -> Self {
        let mut comparison = Self {
            p50_ms: figure(before, after, |figures| quantile(&figures.durations, 0.5)),
            p95_ms: figure(before, after, |figures| quantile(&figures.durations, 0.95)),
            tokens: figure(before, after, |figures| figures.totals.tokens),
            cost_usd: figure(before, after, |figures| figures.totals.cost_usd),
            ..Self::default()
        };
        for input in &after.inputs {
            let other = before.get(input.key);
            for once in input.runs.iter().filter(|once| ran(once)) {
                let old = other.and_then(|other| other.once(once.iteration)).filter(|once| ran(once));
                comparison.add(input, old, Some(once));
            }
        }
        for input in &before.inputs {
            let other = after.get(input.key);
            for once in input.runs.iter().filter(|once| ran(once)) {
                if !other.and_then(|other| other.once(once.iteration)).is_some_and(ran) {
                    comparison.add(input, Some(once), None);
                }
            }
        }
        comparison
    }

    fn add(&mut self, input: &InputFigures, before: Option<&Once>, after: Option<&Once>) {
        let Some(iteration) = after.or(before).map(|once| once.iteration) else { return };
        let list = match (before, after) {
            (Some(before), Some(after)) => {
                let (passed, passes) = (before.status == Status::Passed, after.status == Status::Passed);
                self.pairs.add(passed, passes);
                match (passed, passes) {
                    (true, false) => &mut self.worse,
                    (false, true) => &mut self.better,
                    _ if before.status != after.status => &mut self.otherwise,
                    _ if before.answer != after.answer => &mut self.answers,
                    _ => return,
                }
            }
            (None, _) => &mut self.new,
            (_, None) => &mut self.gone,
        };
        list.push(Change {
            key: (input.key, iteration),
            case: input.case(iteration),
            before: before.map(|once| once.status),
            after: after.map(|once| once.status),
        });
    }

    /// Returns whether the change of the pass rate is more than chance, in words.
    pub fn in_words(&self) -> String {
        let pairs = &self.pairs;
        match (pairs.count(), pairs.worse, pairs.better) {
            (0, _, _) => "the experiments have no case in common, so they cannot be compared".to_owned(),
            (count, 0, 0) => format!("all {count} cases that are in both runs passed or failed as before"),
            (count, worse, better) => {
                let p_value = pairs.p_value();
                let words = if p_value <= SIGNIFICANCE { "unlikely to be chance" } else { "may well be chance" };
                format!("{worse} of {count} cases worse, {better} better; p = {}: {words}", format_p_value(p_value))
            }
        }
    }
}

/// Returns a chance for people.
pub fn format_p_value(p_value: f64) -> String {
    if p_value < 0.001 { "less than 0.001".to_owned() } else { format!("{p_value:.3}") }
}

fn ran(once: &Once) -> bool {
    !matches!(once.status, Status::Skipped | Status::NotJudged | Status::Running | Status::Abandoned)
}

fn figure(before: &Figures, after: &Figures, of: impl Fn(&Figures) -> Option<f64>) -> Figure {
    Figure { before: of(before), after: of(after) }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::figures::Collector;
    use super::*;
    use crate::case::Finished;

    /// A case: name, item, iteration, question, status, answer.
    type Case<'a> = (&'a str, Option<&'a str>, u32, &'a str, &'a str, &'a str);

    /// Returns the figures of cases.
    pub(crate) fn figures(cases: &[Case<'_>]) -> Figures {
        let mut collector = Collector::default();
        for (case, item, iteration, input, status, output) in cases {
            let finished: Finished = serde_json::from_value(json!({
                "case": case, "index": 0, "run_id": "r", "iteration": iteration, "status": status, "attempts": 1, "persona": null,
                "item_id": item, "input": input, "output": output, "duration_ms": 10.0, "metadata": {},
                "token_usage": {"prompt_tokens": 3, "completion_tokens": 4, "cost_usd": 0.5},
            }))
            .unwrap();
            collector.add(&finished);
        }
        collector.finish()
    }

    fn names(changes: &[Change]) -> Vec<&str> {
        changes.iter().map(|change| change.case.as_str()).collect()
    }

    #[test]
    fn every_kind_of_change_is_told_apart() {
        let before = figures(&[
            ("item-10", Some("10"), 0, "a", "passed", "x"),
            ("item-2", Some("2"), 0, "b", "passed", "x"),
            ("item-3", Some("3"), 0, "c", "failed", "x"),
            ("item-4", Some("4"), 0, "d", "failed", "x"),
            ("item-5", Some("5"), 0, "e", "passed", "x"),
            ("item-6", Some("6"), 0, "old question", "passed", "x"),
        ]);
        let after = figures(&[
            ("item-10", Some("10"), 0, "a", "failed", "y"),
            ("item-2", Some("2"), 0, "b", "error", "x"),
            ("item-3", Some("3"), 0, "c", "passed", "x"),
            ("item-4", Some("4"), 0, "d", "timeout", "x"),
            ("item-5", Some("5"), 0, "e", "passed", "y"),
            ("item-6", Some("6"), 0, "new question", "passed", "x"),
        ]);
        let comparison = Comparison::of(&before, &after);
        assert_eq!(names(&comparison.worse), ["item-2", "item-10"]);
        assert_eq!(names(&comparison.better), ["item-3"]);
        assert_eq!(names(&comparison.otherwise), ["item-4"]);
        assert_eq!(names(&comparison.answers), ["item-5"]);
        assert_eq!((names(&comparison.new), names(&comparison.gone)), (vec!["item-6"], vec!["item-6"]));
        assert_eq!(comparison.tokens, Figure { before: Some(42.0), after: Some(42.0) });
        assert_eq!(comparison.in_words(), "2 of 5 cases worse, 1 better; p = 1.000: may well be chance");
        let same = Comparison::of(&before, &before);
        assert_eq!(same.in_words(), "all 6 cases that are in both runs passed or failed as before");
        assert_eq!(Comparison::of(&before, &Figures::default()).gone.len(), 6);
    }

    #[test]
    fn equal_questions_are_told_apart_and_names_by_position_do_not_matter() {
        let case = |name, iteration, status| (name, None, iteration, "same", status, "x");
        let before = figures(&[case("input-1", 0, "passed"), case("input-2", 0, "passed"), case("input-1#2", 1, "failed")]);
        let after = figures(&[
            ("input-1", None, 0, "inserted", "passed", "x"),
            case("input-2", 0, "passed"),
            case("input-3", 0, "passed"),
            case("input-2#2", 1, "passed"),
        ]);
        let comparison = Comparison::of(&before, &after);
        assert_eq!(comparison.pairs, Pairs { both: 2, better: 1, ..Pairs::default() });
        assert_eq!((names(&comparison.better), names(&comparison.new)), (vec!["input-2#2"], vec!["input-1"]));
    }
}
