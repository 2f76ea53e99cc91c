//! Batches, runs, turns and files, as readers see them and as writers bring them.

pub use keepstep_results::batch::BatchStatus;
pub use keepstep_results::counts::Counts;
pub use keepstep_results::record::RunRecord;
pub use keepstep_results::status::Status;
pub use keepstep_results::turn::Turn;
use keepstep_results::verdict::Verdict;
use serde_json::{Map, Value};

/// The error of a run that was announced and that the client, when it was done, said nothing about.
pub const NOT_REPORTED: &str = "not_reported";

/// The longest id that a client may give, in bytes.
const LONGEST_ID: usize = 200;

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
    pub counts: Counts,
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
    pub status: Status,
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
    /// A commit brings a run that nobody knows the end of.
    #[error("run {0:?} is still running; only finished runs can be committed")]
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

/// Returns the name of a verdict that is a miss.
pub(super) fn miss(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Failed => "failed",
        Verdict::Error => "error",
        Verdict::NotJudged | Verdict::Passed | Verdict::NotApplicable => "not_judged",
    }
}

/// The condition of the index `runs_not_passed`, in the same words.
macro_rules! not_passed {
    () => {
        "(status IN ('failed', 'error', 'timeout') OR (status = 'completed' AND verdict IN ('fail', 'failed')))"
    };
}
pub(super) use not_passed;
