//! What everybody who asks shares.

use std::fs::File;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use keepstep_store::artifacts::{Collected, Objects};
use keepstep_store::{Store, StoreError};

use crate::cache::Cache;
use crate::error::Error;
use crate::events::Events;
use crate::housekeeping::{Chore, Housekeeping};
use crate::memory::Budgets;
use crate::metrics::Metrics;
use crate::oidc::Provider;
use crate::rates::{Rate, Rates};
use crate::settings::Settings;
use crate::uses::Uses;

/// The largest upload where nobody said otherwise, in bytes.
const UPLOAD_LIMIT: u64 = 64 * 1024 * 1024 * 1024;

/// In milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The platform: what is known, what is decided, and everything that can be done. Clones share everything, and each request has
/// several: they cost two counts.
#[derive(Debug, Clone)]
pub struct Platform {
    shared: Arc<Shared>,
    /// What requests may take of the memory together.
    pub budgets: Budgets,
}

/// What all clones of a platform share.
#[derive(Debug)]
pub struct Shared {
    /// What the platform knows.
    pub store: Store,
    /// Tells about changes.
    pub events: Events,
    /// Counts.
    pub metrics: Metrics,
    /// What was decided at the start.
    pub settings: Arc<Settings>,
    pub(crate) cache: Cache,
    pub(crate) uses: Uses,
    pub(crate) rates: Option<Rates>,
    pub(crate) oidc: Option<Provider>,
    pub(crate) housekeeping: Housekeeping,
    /// When this server began.
    pub(crate) began: Instant,
    /// When files that nobody needs were last looked for.
    tidied: AtomicI64,
}

impl Deref for Platform {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Platform {
    /// Returns the platform on a store.
    pub fn new(store: Store, settings: Settings) -> Self {
        let shared = Shared {
            store,
            events: Events::new(),
            metrics: Metrics::new(),
            oidc: settings.oidc.clone().map(Provider::new),
            rates: settings.requests_per_minute.map(Rates::per_minute),
            settings: Arc::new(settings),
            cache: Cache::default(),
            uses: Uses::default(),
            housekeeping: Housekeeping::default(),
            began: Instant::now(),
            tidied: AtomicI64::default(),
        };
        Self { shared: Arc::new(shared), budgets: Budgets::default() }
    }

    /// Returns the place where the bytes of files are.
    ///
    /// # Errors
    /// There is none.
    pub fn objects(&self) -> Result<&Objects, Error> {
        self.settings.objects.as_ref().ok_or(Error::NoFiles)
    }

    /// Returns a new file without a name, which is gone when it is closed.
    ///
    /// # Errors
    /// The disk failed.
    pub fn scratch_file(&self) -> Result<File, Error> {
        let file = match &self.settings.scratch {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        };
        Ok(file.map_err(StoreError::from_disk)?)
    }

    /// Returns the secret that addresses are signed with: that of the database together with the key that is no part of it.
    pub(crate) async fn address_secret(&self) -> Result<Vec<u8>, Error> {
        let secret = self.store.address_secret().await?;
        match &self.settings.secret_key {
            Some(key) => key.with(&secret),
            None => Ok(secret),
        }
    }

    /// Counts a request of a key or a person, where there is a limit.
    ///
    /// # Errors
    /// There were too many.
    pub fn count_request(&self, who: &String) -> Result<Option<Rate>, Error> {
        self.rates.as_ref().map(|rates| rates.count(who)).transpose().map_err(Error::TooFast)
    }

    /// Returns the size that no upload and no file may pass.
    pub fn upload_limit(&self) -> u64 {
        self.settings.upload_limit.unwrap_or(UPLOAD_LIMIT)
    }

    /// Removes files that nobody needs, beside the request that asks for it, and at most once a day.
    pub fn tidy(&self) {
        let (now, last) = (self.store.now(), self.tidied.load(Ordering::Relaxed));
        let Some(objects) = self.settings.objects.clone() else { return };
        if now.saturating_sub(last) < DAY
            || self.tidied.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let platform = self.clone();
        tokio::spawn(async move {
            let collected = platform.store.collect(&objects).await;
            let words = |collected: Collected| {
                tracing::debug!(?collected, "unused files are removed");
                format!("{} files removed", collected.objects)
            };
            platform.note_chore(Chore::Removing, collected.map(words).map_err(Error::from));
        });
    }
}
