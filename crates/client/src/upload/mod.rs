//! Sends an experiment.
//!
//! A [`Manifest`] says what there is: files with the digests of their parts (`hash`), and what to commit. On a keepstep
//! platform (`own`) the manifest is offered, the platform names the parts that it lacks, these go up side by side in packs
//! (`packs`), and one commit makes the batch visible. Every step may be done again at any time, so an upload that was
//! killed simply begins anew and sends what is still missing. Other platforms get the protocol of the peers (`peers`).
//!
//! What is in a file is read when it is sent, and compared with its digest then: a file that changed since stops the upload.

mod hash;
mod manifest;
mod own;
mod packs;
mod peers;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::ClientError;
use crate::target::Target;
use crate::transport::{Options, Transport};

pub use hash::{Hashed, hash_file};
pub use manifest::{Manifest, ManifestFile};

/// How many requests are under way at the same time.
const AT_ONCE: usize = 4;

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
    /// How many bytes of files were sent.
    pub bytes_sent: u64,
}

/// Sends experiments.
#[derive(Debug, Clone)]
pub struct Uploader {
    transport: Arc<Transport>,
}

impl Uploader {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// There are no certificates for an encrypted connection.
    pub fn new(target: &Target, options: &Options) -> Result<Self, ClientError> {
        Ok(Self { transport: Arc::new(Transport::new(target, options)?) })
    }

    /// Returns the server as messages show it.
    pub fn server(&self) -> &str {
        self.transport.server()
    }

    /// Sends what the platform lacks of an experiment, and makes it visible.
    ///
    /// # Errors
    /// The batch is not visible. The same call again goes on where this one stopped.
    pub async fn send(&self, manifest: &Manifest, progress: &dyn Progress) -> Result<Sent, UploadError> {
        match own::send(&self.transport, manifest, progress).await? {
            Some(sent) => Ok(sent),
            None => peers::send(&self.transport, manifest, progress).await,
        }
    }
}
