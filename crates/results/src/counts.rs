//! How many cases ended how, and what they used.

use serde::{Deserialize, Serialize};

use crate::case::Finished;
use crate::status::Status;
use crate::usage::Usage;

/// How many cases ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// All that were planned.
    pub total: usize,
    /// As they should, the flaky ones included.
    pub passed: usize,
    /// Judged not good.
    pub failed: usize,
    /// The agent broke.
    pub error: usize,
    /// Not in time.
    pub timeout: usize,
    /// Not run.
    pub skipped: usize,
    /// A required criterion was not judged.
    #[serde(default)]
    pub not_judged: usize,
    /// How many of these because the judge failed, which is an error of the run.
    #[serde(default)]
    pub judge_failed: usize,
    /// Passed only after they had not.
    pub flaky: usize,
    /// Things to look at in answers.
    pub warnings: usize,
    /// Answers with such things.
    pub warning_turns: usize,
    /// Messages of all conversations.
    pub turns: usize,
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

impl Counts {
    /// Adds a case.
    pub fn add(&mut self, finished: &Finished) {
        match finished.status {
            Status::Passed => self.passed += 1,
            Status::Failed | Status::NotPassed => self.failed += 1,
            Status::Error => self.error += 1,
            Status::Timeout => self.timeout += 1,
            Status::Skipped => self.skipped += 1,
            Status::Running | Status::Abandoned => {}
            Status::NotJudged => {
                self.not_judged += 1;
                self.judge_failed += usize::from(finished.has_failed_judge());
            }
        }
        self.flaky += usize::from(finished.flaky);
        self.turns += finished.turns.len();
        self.warnings += finished.turns.iter().map(|turn| turn.warnings.len()).sum::<usize>();
        self.warning_turns += finished.turns.iter().filter(|turn| !turn.warnings.is_empty()).count();
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

    /// Returns how many cases were run to their end.
    pub fn finished(&self) -> usize {
        self.judged() + self.not_judged
    }

    /// Returns how many cases ended with a result: what a rate is of.
    pub fn judged(&self) -> usize {
        self.passed + self.failed + self.error + self.timeout
    }

    /// Returns how many of them are not as they should be.
    pub fn bad(&self) -> usize {
        self.failed + self.error + self.timeout
    }
}
