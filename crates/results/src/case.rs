//! A case that ended: one input in one iteration, with all that is known about it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::problem::Problem;
use crate::status::Status;
use crate::turn::Turn;
use crate::verdict::{Judged, Verdict};

/// No run has more iterations.
pub const MOST_ITERATIONS: u32 = 1_000_000;

/// A finished case: one line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The name of the case.
    pub case: String,
    /// Its position before anything was selected.
    pub index: usize,
    /// The run's id, a UUID.
    pub run_id: String,
    /// Counted from 0.
    pub iteration: u32,
    /// How it ended.
    pub status: Status,
    /// True if it passed only after it had not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// True if nobody was there to answer; a run that is taken up again asks again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreached: bool,
    /// How often it was run.
    pub attempts: u32,
    /// Who spoke.
    pub persona: Option<String>,
    /// The platform's item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// What was asked first.
    pub input: String,
    /// What was answered last.
    pub output: Option<String>,
    /// How long the agent took, all turns together.
    pub duration_ms: f64,
    /// What it broke with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// What the agent printed, to standard output and standard error, in bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<String>,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// Why the conversation ended, if it had several turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_reason: Option<String>,
    /// Tokens, as the agent counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_usage: Option<Value>,
    /// What the agent gave to its callbacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_messages: Option<Value>,
    /// What the peer's SDK noted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Value>,
    /// What the agent did for each of its answers, as the peer's SDK noted it, such as `tool:lookup`.
    #[serde(default, skip_serializing_if = "is_empty_record")]
    pub actions: Vec<Vec<String>>,
    /// Whom the agent talked to, if the conversation could have several turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<Simulated>,
    /// Tools, as the agent named them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Value>,
    /// What was said about it, criterion by criterion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<Judged>,
    /// The input's metadata.
    pub metadata: Map<String, Value>,
}

impl Finished {
    /// Returns true if it was not judged because a judge failed.
    pub fn has_failed_judge(&self) -> bool {
        self.status == Status::NotJudged && self.criteria.iter().any(|judged| judged.verdict == Verdict::Error)
    }
}

/// The user of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Simulated {
    /// Who it was, in the words of the configuration or the input.
    pub persona_description: Option<String>,
    /// What the agent is for.
    pub service_context: Option<String>,
    /// Whether the agent was told that its tools need nobody's approval.
    pub auto_approve_tools: bool,
    /// What it decided last: the answer of a model, or what the peer notes of a script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
}

fn is_empty_record(actions: &[Vec<String>]) -> bool {
    actions.iter().all(Vec::is_empty)
}

/// Returns the name of a case: that of its input, and from the second iteration on its number.
pub fn name(input: &str, iteration: u32) -> String {
    if iteration == 0 { input.to_owned() } else { format!("{input}#{}", iteration + 1) }
}

/// Returns the name of a case's input: its own in the first iteration.
pub fn input_name(case: &Finished) -> &str {
    let number = format!("#{}", case.iteration + 1);
    if case.iteration == 0 { &case.case } else { case.case.strip_suffix(&number).unwrap_or(&case.case) }
}
