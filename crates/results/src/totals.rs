//! What came of a test in numbers: how many cases ended how, and what they used.

use serde::{Deserialize, Serialize};

use crate::case::Finished;
use crate::counts::Counts;
use crate::status::Status;
use crate::usage::Usage;

/// What came of a test in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// All cases that were planned.
    #[serde(rename = "total")]
    pub planned: u64,
    /// How many ended how.
    #[serde(flatten)]
    pub counts: Counts,
    /// How many of those that were not judged because the judge failed, which is an error of the run.
    #[serde(default)]
    pub judge_failed: u64,
    /// Passed only after they had not.
    pub flaky: u64,
    /// Things to look at in answers.
    pub warnings: u64,
    /// Answers with such things.
    pub warning_turns: u64,
    /// Messages of all conversations.
    pub turns: u64,
    /// The time that agents took, all cases together.
    pub agent_ms: f64,
    /// The same for passed cases only.
    pub passed_ms: f64,
    /// The tokens of all cases that count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<f64>,
    /// What all cases cost that say it, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

impl Totals {
    /// Adds a case. One that did not end does not count, and one that another client's judge did not let pass has failed.
    pub fn add(&mut self, finished: &Finished) {
        match finished.status {
            Status::Running | Status::Abandoned => {}
            Status::NotPassed => self.counts.add(Status::Failed, 1),
            status => self.counts.add(status, 1),
        }
        self.judge_failed += u64::from(finished.status == Status::NotJudged && finished.has_failed_judge());
        self.flaky += u64::from(finished.flaky);
        self.turns += finished.turns.len() as u64;
        self.warnings += finished.turns.iter().map(|turn| turn.warnings.len() as u64).sum::<u64>();
        self.warning_turns += finished.turns.iter().filter(|turn| !turn.warnings.is_empty()).count() as u64;
        self.agent_ms += finished.duration_ms;
        let usage = finished.token_usage.as_ref().map(Usage::of).unwrap_or_default();
        for (sum, number) in [(&mut self.tokens, usage.total), (&mut self.cost_usd, usage.cost)] {
            if let Some(number) = number {
                *sum.get_or_insert(0.0) += number;
            }
        }
        if finished.status == Status::Passed {
            self.passed_ms += finished.duration_ms;
        }
    }

    /// Returns how many planned cases were not run to their end.
    pub fn not_run(&self) -> u64 {
        self.planned.saturating_sub(self.counts.finished())
    }

    /// Returns how many cases were not judged although nothing failed: they have no judge.
    pub fn without_judge(&self) -> u64 {
        self.counts.not_judged.saturating_sub(self.judge_failed)
    }
}
