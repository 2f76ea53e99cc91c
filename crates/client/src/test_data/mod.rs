//! The client for test data: the fluxloop dialect, which our platform and the peers' servers speak.
//!
//! Reads are tolerant: ids may be numbers, lists may come in an object, members may be null. What a server calls something
//! stays text here; only `keepstep_testdata::names` makes the name of a file out of it.
//!
//! A request is sent again only where that is harmless: when it reads, or when it carries an idempotency key that makes the
//! repetition the same write.

mod login;
mod read;
mod tolerant;
mod write;

use http::HeaderName;
use keepstep_api::IDEMPOTENCY_HEADER;

pub use read::BundleQuery;

use crate::error::ClientError;
use crate::options::Options;
use crate::target::Target;
use crate::transport::Transport;

const IDEMPOTENCY: HeaderName = HeaderName::from_static(IDEMPOTENCY_HEADER);

/// Asks a platform for test data and changes it there.
#[derive(Debug)]
pub struct TestData {
    transport: Transport,
}

/// The answer to a pull.
#[derive(Debug, Clone, PartialEq)]
pub enum PullAnswer {
    /// What is known already is still the right one.
    NotModified,
    /// It is another one, and went into the sink.
    Fresh {
        /// What names this answer in the next request.
        etag: Option<String>,
    },
}

impl TestData {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// There are no certificates for an encrypted connection.
    pub fn new(target: &Target, options: &Options) -> Result<Self, ClientError> {
        Ok(Self { transport: Transport::new(target, options)? })
    }

    /// Returns the server as messages show it.
    pub fn server(&self) -> &str {
        self.transport.server()
    }

    /// Returns the connection, for the other parts of the dialect.
    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }
}
