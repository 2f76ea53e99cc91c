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
mod progress;

use std::sync::Arc;

use crate::error::ClientError;
use crate::options::Options;
use crate::target::Target;
use crate::transport::Transport;

pub use hash::{Hashed, hash_file};
pub use manifest::{Manifest, ManifestFile};
pub use progress::{Progress, Sent, Silent, UploadError};

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
