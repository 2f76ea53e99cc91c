//! How a case ended.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::guardrails::Warning;
use crate::judge::{Judged, Verdict};
pub use crate::problem::{Location, Problem};
pub use crate::status::Status;
use crate::usage::Usage;

/// One message of the conversation, as `turns.jsonl` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The run.
    pub run_id: String,
    /// `<run_id>-t<sequence>`.
    pub turn_id: String,
    /// Counted from 1.
    pub sequence: usize,
    /// `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
    /// When, RFC 3339 in UTC.
    pub timestamp: String,
    /// How long the agent took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What is to be said about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

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
    #[serde(default, skip_serializing_if = "nothing_was_noted")]
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

fn nothing_was_noted(actions: &[Vec<String>]) -> bool {
    actions.iter().all(Vec::is_empty)
}

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
            Status::Failed => self.failed += 1,
            Status::Error => self.error += 1,
            Status::Timeout => self.timeout += 1,
            Status::Skipped => self.skipped += 1,
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
