//! Batches, runs, turns and files, as readers see them and as writers bring them.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

/// The error of a run that was announced and that the client, when it was done, said nothing about.
pub const NOT_REPORTED: &str = "not_reported";

/// The longest id that a client may give, in bytes.
const LONGEST_ID: usize = 200;

/// How far a run is, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunStatus {
    /// It was announced, and nothing was heard of its end.
    Running,
    /// It ended as it should.
    Completed,
    /// It ended, but not as it should.
    Failed,
    /// The agent, or what runs it, broke.
    Error,
    /// It took too long.
    Timeout,
    /// It was not tried.
    Skipped,
    /// It was announced, and then nothing was heard of it for too long.
    Abandoned,
}

impl RunStatus {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Running, Self::Completed, Self::Failed, Self::Error, Self::Timeout, Self::Skipped, Self::Abandoned];

    /// Returns the name under which it is stored and shown.
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Skipped => "skipped",
            Self::Abandoned => "abandoned",
        }
    }

    /// Returns true if the client said how the run ended.
    pub fn is_reported(self) -> bool {
        !matches!(self, Self::Running | Self::Abandoned)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.label())
    }
}

impl FromStr for RunStatus {
    type Err = ResultsError;

    fn from_str(text: &str) -> Result<Self, ResultsError> {
        Self::ALL.into_iter().find(|status| status.label() == text).ok_or_else(|| ResultsError::Status(shortened(text)))
    }
}

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

    pub(super) fn from_label(label: &str) -> Option<Self> {
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

    pub(super) fn of(&mut self, status: RunStatus) -> &mut u64 {
        match status {
            RunStatus::Running => &mut self.running,
            RunStatus::Completed => &mut self.completed,
            RunStatus::Failed => &mut self.failed,
            RunStatus::Error => &mut self.error,
            RunStatus::Timeout => &mut self.timeout,
            RunStatus::Skipped => &mut self.skipped,
            RunStatus::Abandoned => &mut self.abandoned,
        }
    }
}

/// An experiment, without its runs. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct RunBatch {
    /// Its id.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The scenario whose bundle version was run.
    pub scenario_id: String,
    /// The bundle version that was run.
    pub bundle_id: String,
    /// The name that the client gave it.
    pub experiment_id: Option<String>,
    /// How far it is.
    pub status: BatchStatus,
    /// Its runs by their status.
    pub counts: RunCounts,
    /// When it began, as the client says.
    pub started_at: Option<i64>,
    /// When it ended, as the client says.
    pub completed_at: Option<i64>,
    /// When it was first heard of.
    pub created_at: i64,
    /// What else the client says about it.
    pub details: Map<String, Value>,
}

/// A run, without what was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its place among all runs; see [`RunFilter::after`](super::RunFilter::after).
    pub number: i64,
    /// Its id.
    pub id: String,
    /// The batch that it belongs to.
    pub batch_id: String,
    /// The input that was used.
    pub input_item_id: Option<String>,
    /// Who spoke: an id or a name, as it was sent.
    pub persona: Option<String>,
    /// Their name, where [`Run::persona`] is the id of a persona of the project.
    pub persona_name: Option<String>,
    /// Which repetition it was, from 0.
    pub iteration: u32,
    /// How far it is.
    pub status: RunStatus,
    /// What the judges say: `pass`, `fail`, …
    pub verdict: Option<String>,
    /// How long it took.
    pub duration_ms: Option<f64>,
    /// What went wrong, in words, or [`NOT_REPORTED`].
    pub error: Option<String>,
    /// The input's text; in lists only its beginning.
    pub input: String,
    /// The answer's text; in lists only its beginning.
    pub output: String,
}

/// Everything about a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// What is known about it besides.
    pub result: RunResult,
    /// Its turns in their order.
    pub turns: Vec<Turn>,
    /// Its files.
    pub artifacts: Vec<Artifact>,
}

/// What came out of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunResult {
    /// Durations, tokens, counts.
    pub metrics: Map<String, Value>,
    /// What was said: `[{role, content, metadata?}]`.
    pub transcript: Vec<Value>,
    /// `{verdict, scores, failures}` and whatever else the judges said.
    pub evaluation: Map<String, Value>,
}

/// What somebody said in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Its id within the run.
    pub id: String,
    /// Its place in the run.
    pub sequence: i64,
    /// Who said it.
    pub role: String,
    /// What was said.
    pub content: String,
    /// When, as the client wrote it.
    pub said_at: Option<String>,
    /// How long it took.
    pub duration_ms: Option<f64>,
    /// `[{type, message}]`
    pub warnings: Vec<Value>,
}

/// A file of a batch or a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its id.
    pub id: String,
    /// The run that it belongs to; none for what belongs to the batch.
    pub run_id: Option<String>,
    /// What it is: `traces`, `summary`, …
    pub artifact_type: String,
    /// Its name without any folder. It comes from a client: never a path.
    pub name: String,
    /// Its media type. It comes from a client.
    pub content_type: String,
    /// Names its content.
    pub blob_id: String,
    /// When it was attached.
    pub created_at: i64,
}

/// A run to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its id.
    pub id: String,
    /// The input that was used.
    pub input_item_id: Option<String>,
    /// Who spoke: an id or a name. What was known before stays where this is left out.
    pub persona: Option<String>,
    /// Which repetition it was, from 0.
    pub iteration: u32,
    /// How it ended.
    pub status: RunStatus,
    /// The input's text; the bundle version's where this is empty.
    pub input: String,
    /// The answer's text.
    pub output: String,
    /// What went wrong.
    pub error: Option<String>,
    /// What came out; what was known before stays where this is left out.
    pub result: Option<RunResult>,
    /// What was said.
    pub turns: Vec<NewTurn>,
}

/// A turn to store.
pub type NewTurn = Turn;

/// What a client says about results has no meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultsError {
    /// An id is not one.
    #[error("{id:?} is not the id of {what}: it is empty, longer than {LONGEST_ID} bytes, or holds control characters")]
    Id {
        /// The kind of thing.
        what: &'static str,
        /// The id, shortened.
        id: String,
    },
    /// A status has no meaning.
    #[error("{0:?} is not the status of a run: it is running, completed, failed, error, timeout, skipped or abandoned")]
    Status(String),
    /// A commit brings a run that nobody knows the end of.
    #[error("run {0:?} has not ended: what is committed as a whole has no running runs")]
    NotEnded(String),
    /// Runs name input items that the bundle version does not have, so they are results of another one.
    #[error(
        "these are not results of bundle version {bundle}: it does not have the input {}{}; name the version that was run",
        .items.join(", "),
        if *.more { ", …" } else { "" }
    )]
    OtherVersion {
        /// The bundle version that was named.
        bundle: String,
        /// The first items that it does not have, shortened.
        items: Vec<String>,
        /// True if there are more of them.
        more: bool,
    },
}

/// Checks an id that a client gave: it stands in lists, logs and addresses.
pub(super) fn check_id<'a>(what: &'static str, id: &'a str) -> Result<&'a str, ResultsError> {
    if id.is_empty() || id.len() > LONGEST_ID || id.chars().any(char::is_control) {
        return Err(ResultsError::Id { what, id: shortened(id) });
    }
    Ok(id)
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
