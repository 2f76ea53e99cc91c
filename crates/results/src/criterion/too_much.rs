//! Which checks of which cases would take too much of a server.

use super::bounds::values_of;
use super::check::{Check, answers_of};
use crate::case::Finished;

/// How often a part of a schema may meet a byte of an answer.
const SCHEMA_STEPS: u64 = 500_000_000;

/// How many values the JSON of an answer may have.
const VALUES: u64 = 200_000;

/// How often a text may meet a byte of an answer.
const TEXT_STEPS: usize = 1 << 31;

/// The longest texts that are compared with each other, in bytes.
const COMPARED: usize = 20_000;

/// Returns why a check would take too much of a server, if it would.
pub(super) fn too_much(check: &Check, case: &Finished) -> Option<&'static str> {
    let answer = case.output.as_deref().unwrap_or_default();
    match check {
        Check::Contains { texts, of, .. } => {
            let is_long = answers_of(case, *of).len().saturating_mul(texts.len()) > TEXT_STEPS;
            is_long.then_some("these are too many texts to look for in an answer of this length")
        }
        Check::Similar { wanted, .. } => {
            let is_long = wanted.of(case).is_some_and(|wanted| wanted.len().max(answer.len()) > COMPARED);
            is_long.then_some("the texts are too long to compare")
        }
        Check::Schema(schema) => {
            let is_long = values_of(answer) > VALUES || schema.size().saturating_mul(answer.len() as u64) > SCHEMA_STEPS;
            is_long.then_some("the answer is too long for this schema")
        }
        _ => None,
    }
}
