//! How far an upload is, how it ends, and why it stops.

use std::io;
use std::path::PathBuf;

use keepstep_api::own::uploads::GateAnswer;

use crate::error::ClientError;

/// How many requests are under way at the same time.
pub(super) const AT_ONCE: usize = 4;

/// Why an upload stopped. What was sent stays sent.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// A request failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A file is not what it was when the upload was prepared.
    #[error("{} changed while it was being uploaded", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Hears how far an upload is.
pub trait Progress: Send + Sync {
    /// So many bytes have to be sent.
    fn begin(&self, bytes: u64);
    /// So many more were sent.
    fn sent(&self, bytes: u64);
}

/// Nobody wants to hear it.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _bytes: u64) {}
    fn sent(&self, _bytes: u64) {}
}

/// An experiment that the platform has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its id there.
    pub run_batch_id: String,
    /// The page that shows it; some platforms do not tell.
    pub url: Option<String>,
    /// How many runs it has, as the platform counts; `None` where it does not tell.
    pub runs: Option<u64>,
    /// How many of them failed.
    pub failed: Option<u64>,
    /// It was there already.
    pub repeated: bool,
    /// What the gate of its scenario says there, if it has one.
    pub gate: Option<GateAnswer>,
    /// How many bytes of files were sent.
    pub bytes_sent: u64,
}
