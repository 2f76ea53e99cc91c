//! The texts of a few cases, read again from a run.

use std::collections::{HashMap, HashSet};

use super::figures::{CaseKey, Keys};
use crate::experiment::ExperimentError;
use crate::outcome::Finished;
use crate::stored::Stored;

/// Returns these cases of a run, without their turns. What is kept grows with the number of cases that are asked for only.
///
/// # Errors
/// The files of the run cannot be read.
pub fn read(stored: &Stored, wanted: &HashSet<CaseKey>) -> Result<HashMap<CaseKey, Finished>, ExperimentError> {
    let (mut keys, mut found) = (Keys::default(), HashMap::new());
    if !wanted.is_empty() {
        stored.each_case(|mut finished| {
            let key = keys.of(&finished);
            if wanted.contains(&key) {
                finished.turns.clear();
                found.insert(key, finished);
            }
            Ok(())
        })?;
    }
    Ok(found)
}
