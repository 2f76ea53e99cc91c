//! What can be wrong with files that somebody sends.

use keepstep_base::Digest;

/// Why a file or a part of one is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The body ended too early.
    #[error("the body was cut off after {0} bytes; nothing of it is kept")]
    Cut(u64),
    /// The body has more than was announced.
    #[error("the body is longer than the {0} bytes that were announced; nothing of it is kept")]
    TooLong(u64),
    /// The body is larger than anything may be here.
    #[error("the body is larger than the limit of {0} bytes; nothing of it is kept")]
    TooLarge(u64),
    /// The body has not what was announced.
    #[error("{what} has the SHA-256 {found}, not {announced}; nothing of this body is kept")]
    OtherContent {
        /// What: a part of the body, or all of it.
        what: &'static str,
        /// What was announced.
        announced: Digest,
        /// What came.
        found: Digest,
    },
    /// The body has another size than was announced.
    #[error("the body has {found} bytes, not {announced}; nothing of it is kept")]
    OtherSize {
        /// What was announced.
        announced: u64,
        /// What came.
        found: u64,
    },
    /// The upload has no such part.
    #[error("the upload does not have a part {sha256} of {size} bytes")]
    NotOffered {
        /// The part.
        sha256: Digest,
        /// Its size.
        size: u64,
    },
    /// The upload has no such files.
    #[error("the upload has no files {first} to {last} with parts")]
    NoSuchFiles {
        /// The place of the first.
        first: u32,
        /// The place of the last.
        last: u32,
    },
    /// A body brings very many parts.
    #[error("one request brings at most {0} parts")]
    TooMany(usize),
    /// The description of a file contradicts itself.
    #[error("the file {file:?} is not accepted: {reason}")]
    Inconsistent {
        /// Its name.
        file: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A line of the file with the runs has no meaning.
    #[error("line {line} of the file with the runs is not a run: {reason}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// The address was used for something else.
    #[error("this address was used for another file; ask for a new one")]
    AddressUsed,
}
