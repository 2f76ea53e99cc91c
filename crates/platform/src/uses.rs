//! What was used lately: the use of a session or a key is noted at most once in some minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keepstep_store::USE_NOTED;

/// How many are remembered.
const MOST: usize = 10_000;

/// What this process has noted lately, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uses(Arc<Mutex<HashMap<String, i64>>>);

impl Uses {
    /// Returns true if the use of an id is to be noted now.
    pub(crate) fn is_due(&self, id: &str, now: i64) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(id).is_some_and(|noted| now.saturating_sub(*noted) < USE_NOTED) {
            return false;
        }
        if noted.len() >= MOST {
            noted.retain(|_, noted| now.saturating_sub(*noted) < USE_NOTED);
            if noted.len() >= MOST {
                noted.clear();
            }
        }
        noted.insert(id.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_due_once_in_five_minutes() {
        let uses = Uses::default();
        let due: Vec<bool> = [0, 1, USE_NOTED - 1, USE_NOTED].map(|now| uses.is_due("key_1", now)).into();
        assert_eq!(due, [true, false, false, true]);
        assert!(uses.is_due("key_2", 1));
        assert!((0..3 * MOST).all(|number| uses.is_due(&number.to_string(), 0)));
        assert!(uses.0.lock().unwrap().len() <= MOST);
    }
}
