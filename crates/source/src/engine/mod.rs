//! Evaluates what is not static in an embedded engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// How much an evaluation may use.
#[derive(Debug, Clone, Default)]
pub struct Limits {}

/// What to evaluate.
pub struct Request<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// The absolute path of the file with the agent.
    pub entry_file: &'a Path,
    /// Returns the text of a file that is already loaded, or `None` to have it read from disk.
    pub modules: &'a dyn Fn(&Path) -> Option<String>,
    /// `process.env`.
    pub environment: &'a BTreeMap<String, String>,
    /// How much the evaluation may use.
    pub limits: &'a Limits,
}

/// One property's value.
#[derive(Debug, Clone, PartialEq)]
pub enum CapturedValue {
    /// A value that JSON can hold.
    Json(Value),
    /// A function.
    Function,
    /// Something else, described.
    Unserialisable(String),
}

/// One agent that was constructed while the entry was loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedAgent {
    /// The absolute path of the file with the construction.
    pub file: PathBuf,
    /// Its properties.
    pub values: Map<String, Value>,
}

/// The agents in the order in which they were constructed.
pub type Captured = Vec<CapturedAgent>;

/// Why nothing could be evaluated.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What happened.
    pub message: String,
}

/// Evaluates the entry and returns the agents that it constructs.
///
/// # Errors
///
/// Fails where the modules cannot be evaluated.
pub fn evaluate(_request: &Request<'_>) -> Result<Captured, Failure> {
    Err(Failure { message: "the value is not static".to_owned() })
}
