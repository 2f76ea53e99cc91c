//! What can go wrong while a project is read.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a file of the project. Lines and columns begin at 1; a column counts characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file, relative to the project's root.
    pub file: PathBuf,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", display_path(&self.file), self.line, self.column)
    }
}

/// Something in the code that keeps a value from being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, without the place.
    pub message: String,
    /// Where it is.
    pub location: Location,
    /// The lines around it, with a mark under the place.
    pub frame: String,
    /// What to write instead.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}\n{}", self.location, self.message, self.frame)
    }
}

/// The reason why a project cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No file constructs an agent.
    #[error("no agent in {}: no file contains `new LuaAgent({{…}})` or a class that extends LuaAgent", .root.display())]
    NoAgent {
        /// The folder that was searched.
        root: PathBuf,
    },
    /// More than one construction could be the agent.
    #[error("more than one agent is defined, at {}", list(.locations))]
    SeveralAgents {
        /// Where they are.
        locations: Vec<Location>,
    },
    /// A file does not parse.
    #[error("{0}")]
    Syntax(Problem),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds bytes that are not UTF-8.
    #[error("{} is not UTF-8: the byte at offset {offset} belongs to no character", .path.display())]
    NotUtf8 {
        /// The file, relative to the project's root.
        path: PathBuf,
        /// How many bytes before the first bad one.
        offset: usize,
    },
    /// A file is larger than any source file.
    #[error("{} is too large to be read as code: {size} bytes", .path.display())]
    TooLarge {
        /// The file, relative to the project's root.
        path: PathBuf,
        /// Its size.
        size: u64,
    },
}

impl SourceError {
    /// Returns what a person may do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::NoAgent { .. } => Some("define it in src/index.ts: `new LuaAgent({ name: …, persona: … })`"),
            Self::SeveralAgents { .. } => Some("keep one agent in a project, or give each a folder with its own lua.skill.yaml"),
            Self::Syntax(problem) => Some(problem.help.as_str()).filter(|help| !help.is_empty()),
            Self::NotUtf8 { .. } => Some("save the file as UTF-8"),
            Self::Io { .. } | Self::TooLarge { .. } => None,
        }
    }
}

/// Returns a path with forward slashes.
pub fn display_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}

fn list(locations: &[Location]) -> String {
    let places: Vec<String> = locations.iter().map(ToString::to_string).collect();
    places.join(", ")
}
