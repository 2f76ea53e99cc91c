//! The ways in which a case can end.

use serde::{Deserialize, Serialize};

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should.
    Passed,
    /// The agent answered, and the answer is not good.
    Failed,
    /// The agent broke.
    Error,
    /// The agent did not answer in time.
    Timeout,
    /// The agent answered, and a required criterion was not judged: neither good nor bad.
    NotJudged,
    /// It was not run.
    Skipped,
}

impl Status {
    /// Returns true if the agent answered and nothing speaks against the answer: it is one of the traces, not of the errors.
    pub fn is_completed(self) -> bool {
        matches!(self, Self::Passed | Self::NotJudged)
    }

    /// Returns the words for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::NotJudged => "not judged",
            Self::Skipped => "skipped",
        }
    }

    /// Returns how a case ended, for people: the words of the sum of a run.
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Timeout => "timed out",
            Self::Skipped => "not run",
            other => other.word(),
        }
    }
}
