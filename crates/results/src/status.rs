//! How far a run is, and the ways in which it can end.
//!
//! There are two sets of words. The journal and our own documents have one word for each status. Requests and rows have a
//! [label](Status::label) and, beside it, what the judges say: `completed` is a run whose agent answered, and the verdict says
//! whether that is good. [`Status::of`] reads both together, and is the only place that does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a case ended, or how far the run of it is.
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
    /// The agent answered, and a judge of another client does not let it pass. Ours say that it failed.
    NotPassed,
    /// It was announced, and nothing was heard of its end.
    Running,
    /// It was announced, and then nothing was heard of it for too long.
    Abandoned,
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
            Self::NotPassed => "not passed",
            Self::Running => "running",
            Self::Abandoned => "abandoned",
        }
    }

    /// Returns how a case ended, for people: the words of the sum of a run.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Timeout => "timed out",
            Self::Skipped => "not run",
            other => other.word(),
        }
    }

    /// All of them, in the order in which people are shown them.
    pub const ALL: [Self; 9] = [
        Self::Running,
        Self::Passed,
        Self::NotPassed,
        Self::Failed,
        Self::Error,
        Self::Timeout,
        Self::NotJudged,
        Self::Skipped,
        Self::Abandoned,
    ];

    /// One for each label.
    pub const LABELED: [Self; 7] =
        [Self::Running, Self::Passed, Self::Failed, Self::Error, Self::Timeout, Self::Skipped, Self::Abandoned];

    /// Returns the name under which requests and rows have it, beside which the verdict stands.
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Passed | Self::NotPassed | Self::NotJudged => "completed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Skipped => "skipped",
            Self::Abandoned => "abandoned",
        }
    }

    /// Returns the status of a label and of what the judges say: an agent that answered has not passed where they say that it
    /// failed, and is not judged where they say that.
    ///
    /// # Errors
    /// There is no such label.
    pub fn of(label: &str, verdict: Option<&str>) -> Result<Self, UnknownStatus> {
        label.parse::<Self>().map(|status| status.judged(verdict))
    }

    /// Returns what it is together with what the judges say.
    #[must_use]
    pub fn judged(self, verdict: Option<&str>) -> Self {
        match (self, verdict) {
            (Self::Passed, Some("fail" | "failed")) => Self::NotPassed,
            (Self::Passed, Some("not_judged")) => Self::NotJudged,
            _ => self,
        }
    }

    /// Returns true if the client said how the run ended.
    pub fn is_reported(self) -> bool {
        !matches!(self, Self::Running | Self::Abandoned)
    }
}

/// A word that is the label of no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the status of a run: it is running, completed, failed, error, timeout, skipped or abandoned")]
pub struct UnknownStatus(String);

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.label())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(label: &str) -> Result<Self, UnknownStatus> {
        let found = Self::LABELED.into_iter().find(|status| status.label() == label);
        found.ok_or_else(|| UnknownStatus(label.chars().take(80).collect()))
    }
}

/// A status by its label, for `#[serde(with)]`.
pub(crate) mod label {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Status;

    pub(crate) fn serialize<S: Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(status.label())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_and_a_verdict_are_one_status() {
        for (label, verdict, status) in [
            ("completed", None, Status::Passed),
            ("completed", Some("pass"), Status::Passed),
            ("completed", Some("odd"), Status::Passed),
            ("completed", Some("fail"), Status::NotPassed),
            ("completed", Some("failed"), Status::NotPassed),
            ("completed", Some("not_judged"), Status::NotJudged),
            ("failed", Some("pass"), Status::Failed),
            ("running", Some("fail"), Status::Running),
        ] {
            assert_eq!(Status::of(label, verdict), Ok(status));
            assert_eq!(status.label(), label);
        }
        for status in Status::LABELED {
            assert_eq!(status.label().parse(), Ok(status));
        }
        assert!("passed".parse::<Status>().is_err());
    }
}
