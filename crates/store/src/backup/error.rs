//! What is wrong with a backup.

use super::FORMAT;

/// What is wrong with a backup, or what it became.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file is something else.
    #[error("this is not a backup of keepstep: {0}")]
    Foreign(String),
    /// A newer keepstep made it.
    #[error(
        "a newer keepstep made this backup (format {found}; this one reads formats up to {FORMAT}): restore it with that one"
    )]
    Newer {
        /// The format that it has.
        found: u32,
    },
    /// It ends too early.
    #[error("this backup is incomplete: it ends before its list of contents, so the copy was cut or the disk was full")]
    Cut,
    /// It has something that no backup has.
    #[error("this backup has an entry that no backup of keepstep has: {0:?}; nothing was restored")]
    Unexpected(String),
    /// A file that the database names is not there, so that no backup can be made.
    #[error("the server's data is damaged, so no backup was made: the file {0} is missing")]
    Missing(String),
    /// What is in it is not what it says is in it.
    #[error("this backup is damaged: {0}")]
    Differs(String),
    /// It cannot be read or written.
    #[error("the disk failed: {0}")]
    Disk(#[from] std::io::Error),
}
