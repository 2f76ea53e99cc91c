//! What went wrong in a case, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the agent broke with, or why its answer did not pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// One or a few lines. Of an exception its type and its message, as the language itself prints them.
    pub message: String,
    /// The type of the exception, such as `KeyError`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where in the project it was raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Box<Location>>,
    /// The frames of the project, as the language prints them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
}

/// A line of the project's code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The file, relative to the folder that it is looked for in.
    pub file: String,
    /// Counted from 1.
    pub line: u64,
    /// The function around it, if it has a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)?;
        self.function.as_ref().map_or(Ok(()), |function| write!(formatter, " in {function}"))
    }
}

impl Problem {
    /// Returns a problem without a traceback.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }
}
