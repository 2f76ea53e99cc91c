//! The manifest of a compiled definition, which other tools read.

use std::io;
use std::path::PathBuf;

use crate::error::Problem;

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A property of the agent cannot be told, so that the manifest would say something wrong.
    #[error("the manifest was not written: the {field} cannot be read: {problem}")]
    Unreadable {
        /// The property.
        field: &'static str,
        /// Why it cannot be read.
        problem: Box<Problem>,
    },
    /// A file of the project cannot be read.
    #[error("the manifest was not written: {} cannot be read: {source}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The manifest cannot be written.
    #[error("{} cannot be written: {source}; what was there before is unchanged", .path.display())]
    Write {
        /// The manifest, or its folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}
