//! A criterion of a file, and what names it when a person accepts it.

use std::ops::Deref;

use keepstep_agent::canonical::sorted_keys;
use keepstep_base::Digest;
use keepstep_results::criterion::{Criterion, Source};
use serde_json::Value;

/// A criterion of a file.
#[derive(Debug)]
pub(super) struct Item {
    criterion: Criterion,
    /// Of everything that is written about it: what a person accepts.
    pub(super) digest: Digest,
}

impl Item {
    /// Reads a criterion.
    ///
    /// # Errors
    /// It has no meaning; the text says why.
    pub(super) fn read(value: &Value, source: Source<'_>) -> Result<Self, String> {
        Criterion::read(value, source).map(|criterion| Self::of(criterion, value))
    }

    /// Returns what a criterion of a platform is that this version cannot use.
    pub(super) fn unusable(value: &Value, reason: String) -> Self {
        Self::of(Criterion::unusable(value, reason), value)
    }

    /// Says whether a case fails with it.
    pub(super) fn require(&mut self, is_required: bool) {
        self.criterion.required = is_required;
    }

    fn of(criterion: Criterion, value: &Value) -> Self {
        Self { criterion, digest: Digest::of_bytes(sorted_keys(value).to_string().as_bytes()) }
    }
}

impl Deref for Item {
    type Target = Criterion;

    fn deref(&self) -> &Criterion {
        &self.criterion
    }
}
