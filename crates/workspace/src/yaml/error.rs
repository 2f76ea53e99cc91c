//! What is wrong with a text, and where.

use std::fmt;

/// Where something stands, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A text cannot be read as YAML, or says something else than is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// Where, if that is known.
    pub position: Option<Position>,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl YamlError {
    pub(super) fn at(position: Position, message: impl Into<String>) -> Self {
        Self { position: Some(position), message: message.into() }
    }
}

impl fmt::Display for YamlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column }) = self.position {
            write!(formatter, "line {line}, column {column}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for YamlError {}

/// Returns a text of a file as it is shown in a message.
pub(super) fn excerpt(text: &str) -> String {
    let shortened: String =
        text.chars().take(60).map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect();
    if shortened.len() < text.len() { shortened + "…" } else { shortened }
}
