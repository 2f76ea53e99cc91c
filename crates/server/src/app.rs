//! The state that handlers share.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use keepstep_store::artifacts::Objects;
use keepstep_store::{Store, StoreError};

use crate::cache::Cache;
use crate::connections::Limits;
use crate::error::ApiError;
use crate::events::Events;
use crate::memory::Budgets;
use crate::metrics::Metrics;
use crate::request_log::RequestLog;

/// The largest upload where nobody said otherwise, in bytes.
const UPLOAD_LIMIT: u64 = 64 * 1024 * 1024 * 1024;

/// In milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// What the person who runs the server decided.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The URL under which browsers reach the platform, where that is not the address that it listens on: behind a
    /// proxy, for example `https://keepstep.example`. An `https` one makes cookies secure.
    pub public_url: Option<String>,
    /// Where the bytes of files are kept. A platform without such a place takes no files.
    pub objects: Option<Objects>,
    /// The largest upload and the largest single file in bytes; 64 GiB where this is left out.
    pub upload_limit: Option<u64>,
    /// Where large requests lie while they come, in files without names; the system's folder for such things where this is left out.
    pub scratch: Option<PathBuf>,
    /// How many connections there may be.
    pub limits: Limits,
    /// Is told about every request.
    pub request_log: Option<RequestLog>,
}

/// What every handler gets. Clones share everything.
#[derive(Debug, Clone)]
pub struct AppState {
    /// What the platform knows.
    pub store: Store,
    /// Tells about changes.
    pub events: Events,
    /// Counts.
    pub metrics: Metrics,
    /// What was decided at the start.
    pub settings: Arc<Settings>,
    pub(crate) cache: Cache,
    pub(crate) budgets: Budgets,
    /// When files that nobody needs were last looked for.
    tidied: Arc<AtomicI64>,
}

impl AppState {
    /// Returns the state of a server on a store.
    pub fn new(store: Store, settings: Settings) -> Self {
        Self {
            store,
            events: Events::new(),
            metrics: Metrics::new(),
            settings: Arc::new(settings),
            cache: Cache::default(),
            budgets: Budgets::default(),
            tidied: Arc::default(),
        }
    }

    /// Returns the place where the bytes of files are.
    pub(crate) fn objects(&self) -> Result<&Objects, ApiError> {
        self.settings.objects.as_ref().ok_or(ApiError::NoFiles)
    }

    /// Returns a new file without a name, which is gone when it is closed.
    pub(crate) fn scratch_file(&self) -> Result<File, ApiError> {
        let file = match &self.settings.scratch {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        };
        Ok(file.map_err(StoreError::from_disk)?)
    }

    /// Returns the size that no upload and no file may pass.
    pub(crate) fn upload_limit(&self) -> u64 {
        self.settings.upload_limit.unwrap_or(UPLOAD_LIMIT)
    }

    /// Removes files that nobody needs, beside the request that asks for it, and at most once a day.
    pub(crate) fn tidy(&self) {
        let (now, last) = (self.store.now(), self.tidied.load(Ordering::Relaxed));
        let Some(objects) = self.settings.objects.clone() else { return };
        if now.saturating_sub(last) < DAY
            || self.tidied.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let store = self.store.clone();
        tokio::spawn(async move {
            match store.collect(&objects).await {
                Ok(collected) => tracing::debug!(?collected, "files that nobody needs are removed"),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "files that nobody needs stay"),
            }
        });
    }
}
