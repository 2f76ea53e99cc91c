//! When a session or a key was last used, and by what: noted beside the request, at most once in some minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keepstep_store::{Session, Store, StoreError, USE_NOTED};

use crate::actor::Actor;
use crate::platform::Platform;

/// How many are remembered.
const MOST: usize = 10_000;

/// What this process has noted lately, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uses(Arc<Mutex<HashMap<String, i64>>>);

impl Uses {
    /// Returns true if the use of an id is to be noted now.
    fn is_due(&self, id: &str, now: i64) -> bool {
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

impl Platform {
    /// Notes that a session is used.
    pub fn note_session_use(&self, session: &Session) {
        let now = self.store.now();
        if now.saturating_sub(session.used_at) < USE_NOTED || !self.uses.is_due(&session.id, now) {
            return;
        }
        let id = session.id.clone();
        self.note(|store| async move {
            let mut transaction = store.write().await?;
            transaction.note_session_use(&id).await?;
            transaction.commit_hidden().await
        });
    }

    /// Notes that a key is used, by a program that calls itself so.
    pub fn note_key_use(&self, key: &Actor, by: String) {
        if !self.uses.is_due(&key.id, self.store.now()) {
            return;
        }
        let id = key.id.clone();
        self.note(|store| async move {
            let mut transaction = store.write().await?;
            transaction.note_key_use(&id, &by).await?;
            // Nothing that was read before is less true: whoever caches or listens need not look again.
            transaction.commit_hidden().await
        });
    }

    /// Writes beside the request, which neither waits for it nor fails with it.
    fn note<F>(&self, write: impl FnOnce(Store) -> F)
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let written = write(self.store.clone());
        tokio::spawn(async move {
            if let Err(error) = written.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a use is not noted");
            }
        });
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
