//! How many cases of a test, or runs of an experiment on a server, have which status.

use serde::{Deserialize, Serialize};

use crate::batch::BatchStatus;
use crate::statistics::{Interval, wilson};
use crate::status::Status;

/// How many cases or runs have which status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// As they should be, the flaky ones included.
    pub passed: u64,
    /// Judged not good.
    pub failed: u64,
    /// The agent broke.
    pub error: u64,
    /// Not in time.
    pub timeout: u64,
    /// Not run.
    pub skipped: u64,
    /// A required criterion was not judged.
    #[serde(default)]
    pub not_judged: u64,
    /// Judged not good by another client, whose word for the end is that the agent answered.
    #[serde(default, skip_serializing_if = "is_none")]
    pub not_passed: u64,
    /// They go on.
    #[serde(default, skip_serializing_if = "is_none")]
    pub running: u64,
    /// Nothing was heard of them for too long.
    #[serde(default, skip_serializing_if = "is_none")]
    pub abandoned: u64,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Counts {
    /// Adds some that all have the same status.
    pub fn add(&mut self, status: Status, count: u64) {
        *self.of(status) += count;
    }

    /// Takes some away that all have the same status.
    pub fn remove(&mut self, status: Status, count: u64) {
        let counted = self.of(status);
        *counted = counted.saturating_sub(count);
    }

    fn of(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Passed => &mut self.passed,
            Status::Failed => &mut self.failed,
            Status::Error => &mut self.error,
            Status::Timeout => &mut self.timeout,
            Status::NotJudged => &mut self.not_judged,
            Status::Skipped => &mut self.skipped,
            Status::NotPassed => &mut self.not_passed,
            Status::Running => &mut self.running,
            Status::Abandoned => &mut self.abandoned,
        }
    }

    /// Returns how many there are.
    pub fn total(&self) -> u64 {
        self.finished() + self.skipped + self.running + self.abandoned
    }

    /// Returns how many were run to their end.
    pub fn finished(&self) -> u64 {
        self.judged() + self.not_judged
    }

    /// Returns how many ended with a result: what a rate is of.
    pub fn judged(&self) -> u64 {
        self.passed + self.bad()
    }

    /// Returns how many ended and are not as they should be.
    pub fn bad(&self) -> u64 {
        self.failed + self.not_passed + self.error + self.timeout
    }

    /// Returns how many have the label `completed`: the agent answered, whatever was thought of it elsewhere.
    pub fn completed(&self) -> u64 {
        self.passed + self.not_passed + self.not_judged
    }

    /// Returns how many have the label of something that went wrong.
    pub fn broken(&self) -> u64 {
        self.failed + self.error + self.timeout
    }

    /// Returns how many have a status.
    pub fn count(&self, status: Status) -> u64 {
        *Self::of(&mut self.clone(), status)
    }

    /// Returns what an experiment is by its runs.
    pub fn status(&self) -> BatchStatus {
        if self.running > 0 {
            BatchStatus::Running
        } else if self.abandoned > 0 {
            BatchStatus::Abandoned
        } else if self.broken() > 0 || self.completed() == 0 {
            // One in which nothing was run is no success.
            BatchStatus::Failed
        } else {
            BatchStatus::Completed
        }
    }

    /// Returns how many were tried: those that ended with a result, and those of which nothing was heard any more.
    pub fn tried(&self) -> u64 {
        self.judged() + self.abandoned
    }

    /// Returns which part of those that were tried passed, from 0 to 1; nothing while some go on or where none was tried.
    pub fn pass_rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
        let rate = self.passed as f64 / self.tried() as f64;
        (self.running == 0 && self.tried() > 0).then_some(rate)
    }

    /// Returns the interval in which the pass rate may lie; nothing where there is none.
    pub fn interval(&self) -> Option<Interval> {
        self.pass_rate().and(wilson(self.passed, self.tried()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_of_one_status_and_the_sums_agree() {
        let mut counts = Counts::default();
        let all = [
            Status::Passed,
            Status::Failed,
            Status::Error,
            Status::Timeout,
            Status::NotJudged,
            Status::Skipped,
            Status::NotPassed,
            Status::Running,
            Status::Abandoned,
        ];
        for (index, status) in all.into_iter().enumerate() {
            counts.add(status, 1 << index);
        }
        assert_eq!(counts.total(), (1 << all.len()) - 1);
        assert_eq!(Status::ALL.map(|status| counts.count(status)).iter().sum::<u64>(), counts.total());
        let answered = [Status::Passed, Status::NotPassed, Status::NotJudged].map(|status| counts.count(status));
        assert_eq!((counts.completed(), answered.iter().sum::<u64>()), (1 + 16 + 64, 1 + 16 + 64));
        assert_eq!((counts.bad(), counts.broken()), (2 + 64 + 4 + 8, 2 + 4 + 8));
        assert_eq!((counts.judged(), counts.finished()), (1 + 2 + 64 + 4 + 8, 1 + 2 + 64 + 4 + 8 + 16));
        assert_eq!((counts.status(), counts.pass_rate()), (BatchStatus::Running, None));
        assert_eq!(counts.interval(), None);
    }

    #[test]
    fn the_pass_rate_lies_in_its_interval() {
        let counts = Counts { passed: 2, abandoned: 98, not_judged: 7, skipped: 3, ..Counts::default() };
        let Some((rate, interval)) = counts.pass_rate().zip(counts.interval()) else { panic!("a rate") };
        assert!((rate - 0.02).abs() < 1e-9 && interval.low < rate && rate < interval.high, "{interval:?}");
        assert!(interval.high < 0.1, "of all that were tried: {interval:?}");
        let none = Counts { not_judged: 7, skipped: 3, ..Counts::default() };
        assert_eq!((none.pass_rate(), none.interval()), (None, None));
    }
}
