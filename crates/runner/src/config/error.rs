//! Why a configuration cannot be used.

use std::path::PathBuf;

use crate::yaml::YamlError;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file is not there.
    #[error("{} not found", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The configuration does not say what to test.
    #[error("{} does not name an agent to test", path.display())]
    NoTarget {
        /// The file that would say it.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A file is no mapping.
    #[error("{} must be a mapping: `key: value` lines", path.display())]
    NoMapping {
        /// The file.
        path: PathBuf,
    },
    /// A key holds what it cannot hold, or is not there.
    #[error("{}{}: {key} {problem}", file.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
    Key {
        /// The file where it was written last.
        file: PathBuf,
        /// The line, if it could be made out.
        line: Option<usize>,
        /// The key with those around it.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}
