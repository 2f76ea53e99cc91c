//! When a session or a key was last used, and by what: noted beside the request.

use keepstep_store::{Session, Store, StoreError, USE_NOTED};

use crate::actor::Actor;
use crate::platform::Platform;

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

    /// Notes that a key is used, by a program that calls itself as `by` says. It is asked only where that is noted.
    pub fn note_key_use(&self, key: &Actor, by: impl FnOnce() -> String) {
        if !self.uses.is_due(&key.id, self.store.now()) {
            return;
        }
        let (id, by) = (key.id.clone(), by());
        self.note(|store| async move {
            let mut transaction = store.write().await?;
            transaction.note_key_use(&id, &by).await?;
            // Nothing that was read before is less true: whoever caches or listens need not look again.
            transaction.commit_hidden().await
        });
    }

    /// Notes that somebody got a bundle version, by a program that calls itself so.
    pub fn note_pull(&self, by: &Actor, bundle: &str, program: String) {
        if !self.uses.is_due(&format!("{bundle} {}", by.id), self.store.now()) {
            return;
        }
        let (bundle, id, name) = (bundle.to_owned(), by.id.clone(), by.name.clone());
        self.note(|store| async move {
            let mut transaction = store.write().await?;
            transaction.note_pull(&bundle, (&id, &name), &program).await?;
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
