//! How far an experiment on a server is, which follows from the [counts](crate::counts) of its runs.

use std::fmt;

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
