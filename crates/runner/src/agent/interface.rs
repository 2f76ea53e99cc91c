//! What every way to reach an agent has in common.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use keepstep_base::role::Role;
use keepstep_results::problem::Problem;

/// Something that will be there later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is asked in one turn.
#[derive(Debug, Clone, Serialize)]
pub struct Question {
    /// The run, the same for all turns of a conversation.
    pub run_id: String,
    /// What is said now.
    pub input: String,
    /// Counted from 0.
    pub iteration: u32,
    /// The name of the scenario.
    pub scenario: String,
    /// Who speaks.
    pub persona: Option<String>,
    /// The platform's id of who speaks.
    pub persona_id: Option<String>,
    /// The persona as the configuration describes it.
    pub persona_config: Option<Value>,
    /// Whether the agent's tools need nobody's approval.
    pub auto_approve_tools: bool,
    /// The conversation so far, this input included.
    pub messages: Vec<Message>,
    /// The input's metadata.
    pub metadata: Map<String, Value>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `user` or `assistant`, and for a model also `system`.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AgentAnswer {
    /// The text.
    pub output: String,
    /// Tokens, as the target counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_usage: Option<Value>,
    /// Tools, as the target named them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Value>,
    /// What went to callbacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_messages: Option<Value>,
    /// What the peer's SDK noted, as its `observations.jsonl` has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Value>,
}

/// Why nothing good came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The agent said that it failed, or died while it answered.
    Agent(Problem),
    /// The agent did not answer in time.
    Timeout(Problem),
    /// There is nobody to ask: the target does not start or cannot be reached.
    Down(Problem),
}

impl Trouble {
    /// Returns what to say about it.
    pub fn problem(&self) -> &Problem {
        match self {
            Self::Agent(problem) | Self::Timeout(problem) | Self::Down(problem) => problem,
        }
    }
}

/// The target cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hints: Vec<String>,
}

/// Answers the questions of one slot.
pub trait Session: Send {
    /// Makes ready what can be made ready before the first question.
    fn prepare(&mut self) -> Later<'_, Result<(), Refusal>>;

    /// Asks, and waits no longer than the limit.
    fn ask<'a>(&'a mut self, question: &'a Question, limit: Duration) -> Later<'a, Result<AgentAnswer, Trouble>>;

    /// Returns what the agent has printed since this was asked for the last time, in bounds.
    fn printed(&mut self) -> Option<String> {
        None
    }

    /// Says that the next question begins a new conversation.
    fn end_conversation(&mut self) -> Later<'_, ()>;

    /// Ends whatever was started.
    fn close(&mut self) -> Later<'_, ()>;
}

/// Something that answers.
pub trait Target: Send + Sync {
    /// Returns a session. It starts nothing before it is asked or told to prepare.
    fn session(&self) -> Box<dyn Session>;
}

/// Makes connections. Whoever runs the runner brings it, because only that knows whom this machine trusts.
pub trait Network: Send + Sync + fmt::Debug {
    /// Returns a client for an address. It follows no redirects and waits as long as it is let.
    ///
    /// # Errors
    /// None can be made; the text is the end of a sentence.
    fn client(&self, address: &reqwest::Url) -> Result<reqwest::Client, String>;

    /// Returns why a request failed, as the end of a sentence.
    fn reason(&self, error: &reqwest::Error) -> String;
}

/// What a target is given by the machine that it runs on.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The folder that the command was started in.
    pub current: PathBuf,
    /// The variables of the process.
    pub environment: BTreeMap<String, String>,
    /// What connects to services; without it there are none.
    pub network: Option<Arc<dyn Network>>,
    /// What makes JavaScript of TypeScript; without it, Node has to do that.
    pub typescript: Option<Arc<dyn TypeScript>>,
}

/// Makes JavaScript of TypeScript. Whoever runs the runner brings it, because that has a parser already.
pub trait TypeScript: Send + Sync + fmt::Debug {
    /// Returns a module as JavaScript, and its source map as JSON.
    ///
    /// # Errors
    /// It cannot be parsed; the text says where and why.
    fn to_javascript(&self, path: &Path, text: &str) -> Result<(String, String), String>;
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new() }
    }
}
