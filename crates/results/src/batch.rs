//! An experiment on a platform, by the runs that it has.

use std::fmt;

use crate::status::Status;

/// How far a batch is, which follows from its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchStatus {
    /// A run goes on.
    Running,
    /// Every run is completed or was skipped, and at least one is completed.
    Completed,
    /// Something failed, or nothing was run.
    Failed,
    /// Nothing was heard of a run for too long.
    Abandoned,
}

impl BatchStatus {
    /// Returns the name under which it is stored and shown.
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    /// Returns the status with this name.
    pub fn from_label(label: &str) -> Option<Self> {
        [Self::Running, Self::Completed, Self::Failed, Self::Abandoned].into_iter().find(|status| status.label() == label)
    }
}

impl fmt::Display for BatchStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.label())
    }
}

/// How many runs of a batch have which status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Runs that go on.
    pub running: u64,
    /// Runs that ended as they should.
    pub completed: u64,
    /// Runs that ended, but not as they should.
    pub failed: u64,
    /// Runs that broke.
    pub error: u64,
    /// Runs that took too long.
    pub timeout: u64,
    /// Runs that were not tried.
    pub skipped: u64,
    /// Runs that nothing was heard of for too long.
    pub abandoned: u64,
    /// Of those that are completed, how many no judge failed.
    pub passed: u64,
    /// Of those that are completed, how many were not judged although they had to be.
    pub not_judged: u64,
}

impl RunCounts {
    /// Returns how many runs there are.
    pub fn total(&self) -> u64 {
        self.running + self.completed + self.broken() + self.skipped + self.abandoned
    }

    /// Returns how many runs failed, in whatever way.
    pub fn broken(&self) -> u64 {
        self.failed + self.error + self.timeout
    }

    /// Returns what the batch is by its runs.
    pub fn status(&self) -> BatchStatus {
        if self.running > 0 {
            BatchStatus::Running
        } else if self.abandoned > 0 {
            BatchStatus::Abandoned
        } else if self.broken() > 0 || self.completed == 0 {
            // A batch in which nothing was run is no success.
            BatchStatus::Failed
        } else {
            BatchStatus::Completed
        }
    }

    /// Returns which part of the runs that were tried passed, from 0 to 1; nothing while runs go on or where none was tried.
    pub fn pass_rate(&self) -> Option<f64> {
        let tried = self.total() - self.skipped - self.not_judged;
        #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
        let rate = self.passed as f64 / tried as f64;
        (self.running == 0 && tried > 0).then_some(rate)
    }

    /// Returns how many runs have the label of a status.
    pub fn labeled(&self, status: Status) -> u64 {
        let mut counts = *self;
        *counts.of(status)
    }

    /// Adds runs that all are the same.
    pub fn add(&mut self, status: Status, count: u64) {
        *self.of(status) += count;
        match status {
            Status::Passed => self.passed += count,
            Status::NotJudged => self.not_judged += count,
            _ => {}
        }
    }

    fn of(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Running => &mut self.running,
            Status::Passed | Status::NotPassed | Status::NotJudged => &mut self.completed,
            Status::Failed => &mut self.failed,
            Status::Error => &mut self.error,
            Status::Timeout => &mut self.timeout,
            Status::Skipped => &mut self.skipped,
            Status::Abandoned => &mut self.abandoned,
        }
    }
}
