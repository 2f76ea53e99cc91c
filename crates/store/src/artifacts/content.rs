//! What the content of a file is: a list of parts.

use std::fmt::Write as _;

use keepstep_base::Digest;
use serde::Serialize;

use super::ContentError;

/// Names a part: what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PartName {
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its length in bytes, never 0.
    pub size: u64,
}

/// Names parts of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartOf {
    /// One of them.
    Name(PartName),
    /// All parts of files that follow one another in the offer, by their places in it.
    Files {
        /// The place of the first file.
        first: u32,
        /// That of the last one.
        last: u32,
    },
}

/// Parts that an upload has, in the order in which a body brings them.
#[derive(Debug, Clone)]
pub struct OfferedParts(pub(super) Vec<PartName>);

impl OfferedParts {
    /// Returns how many bytes they are together.
    pub fn size(&self) -> u64 {
        self.0.iter().map(|part| part.size).fold(0, u64::saturating_add)
    }
}

/// The content of a file as somebody describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileContent {
    /// Its length in bytes.
    pub size: u64,
    /// The SHA-256 of the whole.
    pub sha256: Digest,
    /// Its parts in order; none for an empty file.
    pub parts: Vec<PartName>,
}

impl FileContent {
    /// Checks what can be known about it without the bytes.
    ///
    /// # Errors
    /// A part is empty or too large, the parts do not add up to the size, or the whole has another SHA-256 than its only part.
    pub fn check(&self, file: &str, largest_part: u64) -> Result<(), ContentError> {
        let fail = |reason| Err(ContentError::Inconsistent { file: file.to_owned(), reason });
        if self.parts.iter().any(|part| part.size == 0 || part.size > largest_part) {
            return fail("a part is empty or larger than a part may be");
        }
        if self.parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.size)) != Some(self.size) {
            return fail("its parts do not add up to its size");
        }
        if self.proven().is_some_and(|proven| proven != self.sha256) {
            return fail("its SHA-256 is not that of its content");
        }
        Ok(())
    }

    /// Returns the SHA-256 of the whole where it follows from the parts.
    pub(crate) fn proven(&self) -> Option<Digest> {
        match self.parts.as_slice() {
            [] => Some(Digest::of_bytes(b"")),
            [only] => Some(only.sha256),
            _ => None,
        }
    }

    /// Returns the digest of the list of parts, which says what the content is.
    pub(crate) fn tree(&self) -> Digest {
        let mut list = String::with_capacity(self.parts.len() * 80);
        for part in &self.parts {
            let _ = writeln!(list, "{} {}", part.sha256, part.size);
        }
        Digest::of_bytes(list.as_bytes())
    }
}
